// hpp-watchd: publishes which files change in the project folder.
#include "common/options.h"
#include "watchd/daemon.h"

int main(int argc, char** argv) {
  return hpp::run_program(hpp::Program::Watchd, argc, argv, &hpp::watchd::run);
}
