// hpp-launch: starts the three helpers and restarts them if they crash.
#include "common/options.h"
#include "launch/launcher.h"

int main(int argc, char** argv) {
  return hpp::run_program(hpp::Program::Launch, argc, argv, [](const hpp::Options& options) {
    return hpp::launch::Launcher(options).run();
  });
}
