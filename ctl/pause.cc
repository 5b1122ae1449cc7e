// The commands pause and resume.
#include <csignal>
#include <cstdio>

#include "ctl/commands.h"
#include "ctl/core/report.h"
#include "ctl/print.h"
#include "ctl/supervisor.h"

namespace hpp::ctl {
namespace {

int set_paused(const Instance& instance, int signal, bool is_paused) {
  const bus::BackendState outcome = ask_supervisord(
      instance, signal, [is_paused](const bus::BackendState&, const bus::BackendState& now) {
        return now.paused == is_paused;
      });
  print_text(stdout, words(outcome) + '\n');
  return 0;
}

}  // namespace

int pause(const Instance& instance) {
  return set_paused(instance, SIGUSR1, true);
}

int resume(const Instance& instance) {
  return set_paused(instance, SIGUSR2, false);
}

}  // namespace hpp::ctl
