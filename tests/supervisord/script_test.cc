#include "supervisord/script.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "tests/support/temporary_directory.h"

namespace hpp::supervisord {
namespace {

namespace fs = std::filesystem;

constexpr const char* kScript = "./server";

class ScriptTest : public testing::Test {
 protected:
  void save(std::string_view content) {
    std::ofstream(directory_ / kScript) << content;
    fs::permissions(directory_ / kScript, fs::perms::owner_all);
  }

  std::string problem(std::string_view content) {
    save(content);
    return interpreter_problem(kScript, directory_.path());
  }

  TemporaryDirectory directory_;
};

TEST_F(ScriptTest, FindsTheInterpreter) {
  const auto interpreter = [this](std::string_view content) {
    save(content);
    return interpreter_of(kScript, directory_.path());
  };
  EXPECT_EQ(interpreter("#!/usr/bin/python3 -u\n"), "/usr/bin/python3");
  EXPECT_EQ(interpreter("#!/usr/bin/env node\n"), "node");
  EXPECT_EQ(interpreter("#!/usr/bin/env -S ruby -w\n"), "ruby");
  EXPECT_EQ(interpreter("\x7f"
                        "ELF"),
            "");
  EXPECT_EQ(interpreter_of("./missing", directory_.path()), "");
}

TEST_F(ScriptTest, ACarriageReturnBelongsToTheInterpretersName) {
  EXPECT_EQ(problem("#!/bin/sh\r\necho\r\n"),
            R"(its interpreter "/bin/sh\r" was not found, because the first line of the script )"
            R"(ends in a carriage return (\r). Remove the carriage returns: )"
            R"(sed -i 's/\r$//' ./server)");
}

TEST_F(ScriptTest, EnvLooksForANameWithACarriageReturn) {
  EXPECT_EQ(problem("#!/usr/bin/env sh\r\necho\r\n").substr(0, 36),
            R"(its interpreter "sh\r" was not found)");
  EXPECT_EQ(problem("#! /usr/bin/env python3 -u\r\n").substr(0, 44),
            R"(its interpreter "python3 -u\r" was not found)");
}

TEST_F(ScriptTest, EnvTakesAllWordsForOneName) {
  EXPECT_EQ(problem("#!/usr/bin/env python3 -u\n"),
            R"(its interpreter "python3 -u" was not found, because env takes all words for one )"
            "name. Change the first line of the script to #!/usr/bin/env -S python3 -u");
}

TEST_F(ScriptTest, AnArgumentMayHaveACarriageReturn) {
  const auto end = [this](const std::string& line, ExitStatus status) {
    save(line + "\r\necho\r\n");
    return end_problem(status, kScript, directory_.path());
  };
  const ExitStatus usage{.number = 2};
  EXPECT_EQ(end("#!/bin/sh -e", usage),
            R"(its interpreter got the argument "-e\r", because the first line of the script )"
            R"(ends in a carriage return (\r). Remove the carriage returns: )"
            R"(sed -i 's/\r$//' ./server)");
  EXPECT_EQ(end("#!/bin/sh -e", ExitStatus{}), "") << "success";
  EXPECT_EQ(end("#!/bin/sh -e", {.by_signal = true, .number = 9}), "");
  EXPECT_EQ(end("#!/usr/bin/env -S sh -e", usage), "") << "env ignores it";
  EXPECT_EQ(end("#!/bin/sh -e #", usage).substr(0, 43),
            R"(its interpreter got the argument "-e #\r", )");
}

TEST_F(ScriptTest, NamesAMissingInterpreter) {
  EXPECT_EQ(
      problem("#!/not/there -x\n"),
      "its interpreter /not/there was not found. Install it, or correct the first line of the "
      "script");
  EXPECT_EQ(problem("#!/usr/bin/env not-there\n").substr(0, 41),
            "its interpreter not-there was not found. ");
  EXPECT_EQ(problem("#!not-there"), problem("#! \tnot-there\n"));
}

TEST_F(ScriptTest, AScriptThatCanBeExecutedHasNoProblem) {
  for (const char* const content :
       {"#!/bin/sh\n", "#!/bin/sh -e\r\n", "#!/usr/bin/env sh\n", "#!/usr/bin/env -S A=b sh\r\n",
        "#!/usr/bin/env\n", "#!", "#!\r", "", "echo\r\n"}) {
    EXPECT_EQ(problem(content).find("/bin/sh"), std::string::npos) << content;
  }
  EXPECT_EQ(problem("#!/usr/bin/env sh\n"), "");
}

TEST_F(ScriptTest, MissingPartIsEmptyIfTheFileItselfIsMissing) {
  EXPECT_EQ(interpreter_problem(kScript, directory_.path()), "");
  EXPECT_EQ(missing_part(kScript, directory_.path()), "") << "the file itself is missing";
  EXPECT_EQ(missing_part("not-there", directory_.path()), "");
  save("#!/not/there\n");
  EXPECT_EQ(missing_part(kScript, directory_.path()),
            interpreter_problem(directory_ / "server", "/"));
}

TEST_F(ScriptTest, ReportsAMissingLoader) {
  save(
      "\x7f"
      "ELF");
  EXPECT_EQ(missing_part(kScript, directory_.path()).substr(0, 57),
            "the file exists, but the loader that it names does not. I");
}

}  // namespace
}  // namespace hpp::supervisord
