// The command qr.
#include <unistd.h>

#include <cstdio>

#include "common/os/lan_addresses.h"
#include "ctl/commands.h"
#include "ctl/core/failure.h"
#include "ctl/core/network_url.h"
#include "ctl/core/qr_code.h"
#include "ctl/print.h"
#include "ctl/snapshots.h"

namespace hpp::ctl {
namespace {

constexpr const char* kOnlyHere =
    "this hpp listens only on this machine. Start it with --lan, or lan = true in hpp.toml";
constexpr const char* kNoNetwork = "this machine has no address in a local network";

}  // namespace

int qr(const Instance& instance) {
  const Snapshots snapshots = read_snapshots(instance.run_directory);
  const std::vector<std::string> own = lan_addresses();
  if (own.empty()) throw Failure(CommandStatus::Failed, kNoNetwork);
  const auto url =
      network_url(snapshots.proxy ? snapshots.proxy->listening : std::vector<std::string>(), own);
  if (!url) throw Failure(CommandStatus::Failed, kOnlyHere);
  const bool has_colours = ::isatty(STDOUT_FILENO) != 0;
  if (const auto code = qr_code(*url)) print_text(stdout, draw(*code, has_colours));
  print_text(stdout, *url + '\n');
  return 0;
}

}  // namespace hpp::ctl
