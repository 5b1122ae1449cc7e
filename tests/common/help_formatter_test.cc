#include "common/help_formatter.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

namespace hpp {
namespace {

TEST(HelpFormatter, WrapsAtEightyColumnsAndShowsNoTypes) {
  CLI::App app("Does something.", "program");
  app.formatter(std::make_shared<HelpFormatter>(" --exec COMMAND…"));
  app.set_help_flag("-h,--help", "show this help");
  std::string bind;
  std::vector<std::string> globs;
  int number = 0;
  app.add_option("BIND", bind, "address")->required()->type_name("");
  app.add_option("-p,--pattern", globs,
                 "a sentence that is too long for one line, so that its end is below its beginning")
      ->type_name("GLOB")
      ->group("Files");
  app.add_option("--a-very-long-option-name", number, "number…")
      ->type_name("N")
      ->check(CLI::Range(0, 9))
      ->group("Files");
  app.add_subcommand("run", "run it");
  EXPECT_EQ(app.help(),
            "Does something.\n"
            "Usage: program [OPTIONS] BIND [SUBCOMMAND] --exec COMMAND…\n"
            "\n"
            "Positionals:\n"
            "  BIND                      address\n"
            "\n"
            "Options:\n"
            "  -h, --help                show this help\n"
            "\n"
            "Files:\n"
            "  -p, --pattern GLOB…       a sentence that is too long for one line, so that\n"
            "                            its end is below its beginning\n"
            "  --a-very-long-option-name N\n"
            "                            number…\n"
            "\n"
            "Subcommands:\n"
            "  run                       run it\n");
}

}  // namespace
}  // namespace hpp
