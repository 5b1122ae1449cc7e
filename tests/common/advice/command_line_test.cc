#include "common/advice/command_line.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/shell_words.h"

namespace hpp::advice {
namespace {

using Takes = KnownOption::Takes;
using testing::ElementsAre;
using testing::IsEmpty;

// The words of a command line; `command` begins at --exec. Programs are python, node and ./run;
// files are a.py, b.py and so on.
std::vector<Word> words_of(const std::vector<std::string>& texts) {
  std::vector<Word> words;
  for (const std::string& text : texts) {
    const bool is_program = text == "python" || text == "node" || text == "./run" || text == "env";
    words.push_back({.text = text,
                     .is_program = is_program,
                     .is_file = text.ends_with(".py"),
                     .is_directory = text == "src"});
  }
  return words;
}

CommandLine line(const std::string& text) {
  CommandLine result{
      .options = {{{"-p", "--pattern"}, Takes::List},
                  {{"-x", "--exclude"}, Takes::List},
                  {{"--css"}, Takes::List},
                  {{"--build"}, Takes::Value},
                  {{"--settle"}, Takes::Value},
                  {{"--ready-path"}, Takes::Value},
                  {{"--inject"}, Takes::Nothing}},
      .words = words_of(shell_words(text)),
      .command = {},
  };
  for (auto at = result.words.begin(); at != result.words.end(); ++at) {
    if (at->text != "--exec") continue;
    result.command.emplace(at + 1, result.words.end());
    result.words.erase(at, result.words.end());
    break;
  }
  return result;
}

TEST(FindMistake, NamesADashThatIsWrong) {
  EXPECT_EQ(find_mistake(line("8000 8001 —exec python a.py")),
            "—exec begins with a typographic dash, which is no part of an option. Write --exec");
  EXPECT_EQ(find_mistake(line("8000 8001 –-inject")),
            "–-inject begins with a typographic dash, which is no part of an option. Write "
            "--inject");
  EXPECT_EQ(find_mistake(line("8000 8001 -exec python a.py")),
            "-exec has only one dash, so it does not mean --exec. Write --exec");
  EXPECT_EQ(find_mistake(line("8000 8001 '-pattern=src/**' --exec python")),
            "-pattern has only one dash, so it does not mean --pattern. Write --pattern");
}

TEST(FindMistake, NamesACommandInOneWord) {
  EXPECT_EQ(find_mistake(line("8000 8001 '--exec=python a.py'")),
            "--exec takes the command as separate words after it, not after an equals sign. Write: "
            "hpp-launch 8000 8001 --exec python a.py");
  EXPECT_EQ(find_mistake(line("8000 8001 '--exec=cd src && python a.py'")),
            "--exec takes the command as separate words after it, not after an equals sign. Write: "
            "hpp-launch 8000 8001 --exec sh -c 'cd src && python a.py'");
}

TEST(FindMistake, NamesAddressesAfterAPattern) {
  EXPECT_EQ(find_mistake(line("--pattern 'src/**' 8000 8001 --exec python a.py")),
            "--pattern takes all words up to the next option, so it took the addresses 8000 and "
            "8001, too. Write the addresses first: hpp-launch 8000 8001 --pattern 'src/**' --exec "
            "python a.py");
  EXPECT_EQ(find_mistake(line("8000 --inject -x 'src/**' localhost:8001 --exec python a.py")),
            "--exclude takes all words up to the next option, so it took the address "
            "localhost:8001, too. Write the addresses first: hpp-launch 8000 localhost:8001 "
            "--inject -x 'src/**' --exec python a.py");
}

TEST(FindMistake, FindsNoneInValidCommandLines) {
  for (const char* const text :
       {"8000 8001 --pattern 'src/**' a.py --exec python a.py 8001", "8000 --exec node s.js",
        "8000 8001 -p'src/**' -x '**/test_*' --build 'make -pattern' --exec python", "",
        "8000 8001 --build -exec --exec python -pattern", "8000 8001 -p 1 --exec python"}) {
    EXPECT_EQ(find_mistake(line(text)), std::nullopt) << text;
  }
}

TEST(ExplainFailure, NamesAForgottenExec) {
  EXPECT_EQ(explain_failure(line("8000 8001 python a.py --port 8001")),
            "--exec is missing before the command python. Write: hpp-launch 8000 8001 --exec "
            "python a.py --port 8001");
  EXPECT_EQ(explain_failure(line("8000 8001 pyton a.py")),
            "--exec is missing before the command pyton. Write: hpp-launch 8000 8001 --exec pyton "
            "a.py");
  EXPECT_EQ(explain_failure(line("8000 --inject ./run")),
            "--exec is missing before the command ./run. Write: hpp-launch 8000 --inject --exec "
            "./run");
  EXPECT_EQ(explain_failure(line("python a.py")),
            "python is not an address. The first word is the address for your browser, and the "
            "command comes after --exec. Write: hpp-launch 8000 --exec python a.py");
  EXPECT_EQ(
      explain_failure(line("8000 8001 --pattern 'src/**' python a.py -v")),
      "--pattern takes all words up to the next option, so it took the command python, too. "
      "Write --exec before the command: hpp-launch 8000 8001 --pattern 'src/**' --exec python "
      "a.py -v");
}

TEST(ExplainFailure, NamesAnUnknownOption) {
  const std::pair<const char*, const char*> cases[] = {
      {"8000 8001 --patern 'src/**'", "there is no option --patern. Did you mean --pattern?"},
      {"8000 8001 --ready_path=/x", "there is no option --ready_path. Did you mean --ready-path?"},
      {"8000 8001 --exe python", "there is no option --exe. Did you mean --exec?"},
      {"--watch src", "there is no option --watch. hpp's name for it is --pattern"},
      {"--delay 5", "there is no option --delay. hpp's name for it is --settle"},
      {"--port 8000",
       "there is no option --port. Write the address for your browser first, without an option: "
       "hpp-launch 8000 …"},
      {"8000 --backend=8001",
       "there is no option --backend. Write your server's address second, without an option: "
       "hpp-launch 8000 8001 …"},
      {"--ext py", "there is no option --ext. Name the files with a glob: --pattern '**/*.py'"},
      {"8000 8001 --bogus --exec python",
       "there is no option --bogus. If it is your server's, write it after --exec and your "
       "server's "
       "command. hpp's options are in hpp-launch --help"},
      // hpp has no --env-file in this test.
      {"8000 8001 --dotenv x",
       "there is no option --dotenv. If it is your server's, write it after --exec and your "
       "server's command. hpp's options are in hpp-launch --help"},
  };
  for (const auto& [text, expected] : cases) EXPECT_EQ(explain_failure(line(text)), expected);
}

TEST(ExplainFailure, NamesAValueOfSeveralWords) {
  EXPECT_EQ(explain_failure(line("8000 8001 --build make -j all --exec python")),
            "there is no option -j. If it is your server's, write it after --exec and your "
            "server's command. hpp's options are in hpp-launch --help");
  EXPECT_EQ(explain_failure(line("--build npm run build 8000 8001 --exec node")),
            "--build takes one word, so it did not take run. Quote its value: --build 'npm run "
            "build'");
  EXPECT_EQ(explain_failure(line("8000 8001 --build make 8002 --exec node")), std::nullopt);
}

TEST(ExplainFailure, LeavesOtherFailuresToTheParser) {
  for (const char* const text : {"8000 8001 --settle x --exec python", "", "localhost --exec node",
                                 "8000 8001", "8000 8001 --build"}) {
    EXPECT_EQ(explain_failure(line(text)), std::nullopt) << text;
  }
}

TEST(FindMistakeInCommand, NamesSeveralWordsInQuotes) {
  EXPECT_EQ(
      find_mistake_in_command(words_of({"python a.py"})),
      "there is no program with the name \"python a.py\", because the quotes make one word of "
      "it. Write the command without them: --exec python a.py");
  EXPECT_EQ(
      find_mistake_in_command(words_of({"python -m x", "8001"})),
      "there is no program with the name \"python -m x\", because the quotes make one word of "
      "it. Write the command without them: --exec python -m x 8001");
  EXPECT_EQ(find_mistake_in_command(words_of({"cd src && python a.py"})),
            "there is no program with the name \"cd src && python a.py\", and no shell reads the "
            "command. Run a shell: --exec sh -c 'cd src && python a.py'");
}

TEST(FindMistakeInCommand, NamesAVariable) {
  EXPECT_EQ(
      find_mistake_in_command(words_of({"DEBUG=1", "python", "a.py"})),
      "DEBUG=1 is a variable, not a program, and no shell reads the command. Write: --exec env "
      "DEBUG=1 python a.py");
}

TEST(FindMistakeInCommand, LeavesMissingProgramsToTheSupervisor) {
  std::vector<Word> with_blank = words_of({"my program"});
  with_blank[0].is_program = true;
  EXPECT_EQ(find_mistake_in_command(with_blank), std::nullopt);
  EXPECT_EQ(find_mistake_in_command(words_of({"bin/server"})), std::nullopt);
  EXPECT_EQ(find_mistake_in_command(words_of({"1=2", "x"})), std::nullopt);
  EXPECT_EQ(find_mistake_in_command(words_of({"a=b"})), std::nullopt);
  EXPECT_EQ(find_mistake_in_command({}), std::nullopt);
}

TEST(HintsOn, NameAGlobThatTheShellHasExpanded) {
  EXPECT_THAT(hints_on(line("8000 8001 --pattern a.py b.py c.py --exec python")),
              ElementsAre("--pattern has got 3 files (a.py, b.py, …): the shell has probably "
                          "expanded a glob, so new files will not count. Quote the glob: --pattern "
                          "'*.py'"));
  EXPECT_THAT(hints_on(line("8000 8001 -x src/a/x.py src/b/y.py src/c/z.py --exec python")),
              ElementsAre("--exclude has got 3 files (src/a/x.py, src/b/y.py, …): the shell has "
                          "probably expanded a glob, so new files will not count. Quote the glob: "
                          "--exclude 'src/**/*.py'"));
  EXPECT_THAT(hints_on(line("8000 8001 -p a.py b.py --exec python")), IsEmpty());
  EXPECT_THAT(hints_on(line("8000 8001 -p a.py b.py '*.js' --exec python")), IsEmpty());
}

TEST(HintsOn, NameOptionsAfterExec) {
  EXPECT_THAT(
      hints_on(line("8000 8001 --exec python a.py --pattern 'src/**' --css x --inject")),
      ElementsAre("--pattern stands after --exec, so your server gets it. If it is meant for "
                  "hpp, write it before --exec",
                  "--inject stands after --exec, so your server gets it. If it is meant for "
                  "hpp, write it before --exec"));
}

}  // namespace
}  // namespace hpp::advice
