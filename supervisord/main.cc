// hpp-supervisord: starts the backend, kills and restarts it when a file changes.
#include "common/options.h"
#include "supervisord/daemon.h"

int main(int argc, char** argv) {
  return hpp::run_program(hpp::Program::Supervisord, argc, argv, [](const hpp::Options& options) {
    hpp::supervisord::Daemon(options).run();
    return 0;
  });
}
