#include "ctl/end_watch.h"

#include <csignal>

#include "ctl/instances.h"

namespace hpp::ctl {
namespace {

// How often to check whether the instance still runs. The check polls, because an instance under
// systemd has no single process that lives as long as the instance.
constexpr Milliseconds kPollInterval{500};

}  // namespace

EndWatch::EndWatch(Loop& loop, const Instance& instance)
    : loop_(loop),
      instance_(instance),
      signals_(loop, {SIGINT, SIGTERM}, [this](int) { loop_.stop(); }),
      next_look_(loop, [this] { look(); }) {
  look();
}

void EndWatch::look() {
  if (!is_running(instance_)) return loop_.stop();
  next_look_.start(kPollInterval);
}

}  // namespace hpp::ctl
