#include "launch/propose.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <string_view>
#include <system_error>

#include "common/os/unique_fd.h"
#include "launch/core/project.h"

namespace hpp::launch {
namespace {

constexpr const char* kInitFile = "hpp.toml";
// The part of a file that is read, in bytes.
constexpr std::size_t kProjectTextMax = 64UL * 1024;
// The number of files in the folder that are looked at.
constexpr std::size_t kProjectFilesMax = 10'000;

ProjectFiles look_around() {
  ProjectFiles files;
  std::error_code error;
  for (std::filesystem::directory_iterator at(".", error), end; !error && at != end;
       at.increment(error)) {
    files.names.push_back(at->path().filename().native());
    if (files.names.size() == kProjectFilesMax) break;
  }
  for (const std::string& path : looked_for()) {
    if (std::filesystem::exists(path, error)) files.names.push_back(path);
  }
  for (const std::string& path : read_files()) {
    if (!std::filesystem::is_regular_file(path, error)) continue;
    std::ifstream input(path, std::ios::binary);
    std::string text(kProjectTextMax, '\0');
    input.read(text.data(), static_cast<std::streamsize>(text.size()));
    text.resize(static_cast<std::size_t>(input.gcount()));
    files.texts[path] = std::move(text);
  }
  return files;
}

int fail(const std::string& why) {
  fmt::print(stderr, "hpp-launch: error: {}\n", why);
  return 2;
}

int print_proposal() {
  const auto proposal = recognise(look_around());
  if (!proposal) {
    return fail(
        "there is no hpp.toml here, and no command was given. Write: hpp-launch 8000 --exec "
        "COMMAND, with the command that starts your server, or see hpp-launch --help");
  }
  fmt::print(stderr,
             "hpp-launch: error: there is no hpp.toml here, and no command was given\n\n"
             "This looks like {} ({}). To start it:\n\n    {}\n\n"
             "To save that in hpp.toml, so that hpp-launch alone is enough:\n\n"
             "    hpp-launch --init\n",
             proposal->kind, proposal->reason, launch_line(*proposal));
  return 2;
}

int init() {
  const auto proposal = recognise(look_around());
  const std::string text = toml_text(proposal);
  // O_EXCL also refuses a symbolic link.
  const UniqueFd fd(::open(kInitFile, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666));
  if (!fd.is_open() && errno == EEXIST) {
    return fail("hpp.toml exists already, and --init does not overwrite it. Edit it, or remove it");
  }
  const bool is_written = fd.is_open() && ::write(fd.get(), text.data(), text.size()) ==
                                              static_cast<ssize_t>(text.size());
  if (!is_written) return fail(fmt::format("cannot write hpp.toml: {}", std::strerror(errno)));
  if (!proposal) {
    fmt::print(
        "Wrote hpp.toml. hpp does not know the kind of this project: write the command that "
        "starts\n"
        "your server after `exec =`, and then start hpp-launch\n");
    return 0;
  }
  fmt::print("Wrote hpp.toml for {} ({}). Start it with hpp-launch\n", proposal->kind,
             proposal->reason);
  return 0;
}

}  // namespace

std::optional<int> propose(int argc, const char* const* argv) {
  const bool is_init = argc >= 2 && std::string_view(argv[1]) == "--init";
  if (is_init && argc == 2) return init();
  if (is_init) return fail("--init takes no other words. Write: hpp-launch --init");
  if (argc == 1 && ::access(kInitFile, F_OK) != 0) return print_proposal();
  return std::nullopt;
}

}  // namespace hpp::launch
