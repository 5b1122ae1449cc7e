#include "ctl/commands.h"

#include <csignal>
#include <cstdio>

#include "common/text.h"
#include "ctl/core/report.h"
#include "ctl/print.h"
#include "ctl/supervisor.h"

namespace hpp::ctl {

// Waits until more restarts are done than were requested before. A request sent after this returns
// is not answered by the old backend.
int restart(const Instance& instance, const CtlOptions& options) {
  const bus::BackendState outcome = ask_supervisord(
      instance, SIGHUP, [](const bus::BackendState& before, const bus::BackendState& now) {
        return now.restarts_done > before.restarts_asked;
      });
  if (options.wait && options.json) return wait(instance, options);
  const bool has_failed = outcome.state == bus::BackendPhase::Error || !outcome.problem.empty();
  print_text(stdout, words(outcome) + '\n');
  if (!outcome.problem.empty()) print_text(stdout, printable(outcome.problem) + '\n');
  if (has_failed) return 1;
  return options.wait ? wait(instance, options) : 0;
}

}  // namespace hpp::ctl
