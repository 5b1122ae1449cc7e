#include "supervisord/core/program_advice.h"

#include <gtest/gtest.h>

namespace hpp::supervisord {
namespace {

struct Case {
  ProgramFacts facts;
  const char* expected;
};

TEST(MissingProgramText, SaysWhatTheNameLeadsToAndWhatToWrite) {
  const std::vector<std::string> available{"python3", "node", "npm"};
  const Case cases[] = {
      {{.program = "pyton", .available = available},
       "no program in PATH has this name. Did you mean python3?"},
      {{.program = "python", .available = available},
       "no program in PATH has this name. Did you mean python3?"},
      {{.program = "nmp", .available = available},
       "no program in PATH has this name. Did you mean npm?"},
      {{.program = "nmp"}, "no program in PATH has this name. Install it, or write its path"},
      {{.program = "bin/server", .available = available},
       "there is no such file. Correct the path, or let --build create the file"},
      {{.program = "./src", .is_directory = true},
       "this is a directory. Write the path of the program that starts your server"},
      {{.program = "./app.py", .is_file = true},
       "this file is not executable. Let its interpreter run it: --exec python3 ./app.py"},
      {{.program = "bin/my server", .is_file = true},
       "this file is not executable. Allow it with chmod +x 'bin/my server', and write it as "
       "'bin/my server'"},
      {{.program = "server.js", .is_file = true},
       "no program in PATH has this name, but a file of the project has it. Let its interpreter "
       "run "
       "it: --exec node server.js"},
      {{.program = "serve", .is_file = true},
       "no program in PATH has this name, but a file of the project has it. Allow it with chmod +x "
       "./serve, and write it as ./serve"},
  };
  for (const auto& [facts, expected] : cases) EXPECT_EQ(missing_program_text(facts), expected);
}

}  // namespace
}  // namespace hpp::supervisord
