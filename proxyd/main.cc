// hpp-proxyd: accepts the client connections and forwards their requests to the backend.
#include "common/event/loop.h"
#include "common/event/outlet_watch.h"
#include "common/log.h"
#include "common/options.h"
#include "common/os/limits.h"
#include "proxyd/daemon.h"

namespace {

int run(const hpp::Options& options) {
  hpp::raise_descriptor_limit();
  hpp::keep_freed_memory();
  hpp::Loop loop;
  const hpp::OutletWatch log_watch(loop, hpp::log::outlet());
  hpp::proxyd::Daemon daemon(loop, options);
  loop.run_eagerly();
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  return hpp::run_program(hpp::Program::Proxyd, argc, argv, run);
}
