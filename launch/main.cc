// hpp-launch: starts the three helpers and restarts them if they crash.
#include "common/log.h"
#include "common/options.h"
#include "common/os/inherited.h"
#include "launch/background.h"
#include "launch/free_port.h"
#include "launch/launcher.h"
#include "launch/propose.h"

namespace {

int run(const hpp::Options& given) {
  hpp::Options options = given;
  if (options.backend.port == 0) {
    options.backend.port = hpp::launch::free_port_after(options.bind.port);
    hpp::log::info("your server gets port {}, in the variable PORT and for {{PORT}}",
                   options.backend.port);
  }
  return hpp::launch::Launcher(options).run();
}

}  // namespace

int main(int argc, char** argv) {
  hpp::open_standard_descriptors();  // before hpp.toml is written
  if (const auto exit_status = hpp::launch::propose(argc, argv)) return *exit_status;
  if (const auto exit_status = hpp::launch::start_in_background(argc, argv)) return *exit_status;
  return hpp::run_program(hpp::Program::Launch, argc, argv, run);
}
