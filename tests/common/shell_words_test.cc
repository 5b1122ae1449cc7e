#include "common/shell_words.h"

#include <gtest/gtest.h>

#include <stdexcept>

namespace hpp {
namespace {

using Words = std::vector<std::string>;

TEST(ShellWords, AreSplitAsByAShell) {
  struct Case {
    const char* command;
    Words words;
  };

  const Case cases[] = {
      {"", {}},
      {" \t\n ", {}},
      {"python3 -m  http.server\t8001 ", {"python3", "-m", "http.server", "8001"}},
      {"a 'b c' \"d e\"", {"a", "b c", "d e"}},
      {"a'b'\"c\"d", {"abcd"}},
      {"'' \"\"", {"", ""}},
      {R"(a\ b \' \\)", {"a b", "'", "\\"}},
      {R"("\"" "\\" "\n" '\')", {"\"", "\\", "\\n", "\\"}},
      {R"('$HOME' '*.py' "a|b" "*" \$x "\$x")", {"$HOME", "*.py", "a|b", "*", "$x", "$x"}},
      {"a \\\n  b", {"a", "b"}},
      {"a\\\nb \"c\\\nd\" 'e\\\nf'\\\n", {"ab", "cd", "e\\\nf"}},
      {"\\\n", {}},
      {"x A=1 --b=c", {"x", "A=1", "--b=c"}},
      {"--a=b", {"--a=b"}},
      {"./a.b=c x#y x~", {"./a.b=c", "x#y", "x~"}},
      {"sh -c 'exec \"$0\"'", {"sh", "-c", "exec \"$0\""}},
  };
  for (const auto& [command, words] : cases) EXPECT_EQ(shell_words(command), words) << command;
}

TEST(ShellWords, RejectCommandsThatNeedAShellOrAreIncomplete) {
  struct Case {
    const char* command;
    const char* said;
  };

  const Case cases[] = {
      {"a | b", "| needs a shell"}, {"a && b", "& needs a shell"},  {"a; b", "; needs a shell"},
      {"a > b", "> needs a shell"}, {"a $HOME", "$ needs a shell"}, {"a \"$HOME\"", "$ needs"},
      {"a `b`", "` needs"},         {"a \"`b`\"", "` needs"},       {"a *.py", "* needs a shell"},
      {"a ?", "? needs a shell"},   {"(a)", "( needs a shell"},     {"~/a", "~ needs a shell"},
      {"a # b", "# needs a shell"}, {"PORT=1 a", "a variable"},     {"a 'b", "another '"},
      {"a \"b", "another \""},      {"a \\", "after the last \\"},  {"a \"b\\\"", "another \""},
  };
  for (const auto& [command, said] : cases) {
    try {
      shell_words(command);
      ADD_FAILURE() << command;
    } catch (const std::invalid_argument& error) {
      EXPECT_NE(std::string(error.what()).find(said), std::string::npos)
          << command << ": " << error.what();
    }
  }
}

TEST(ShellWord, IsQuotedSoThatItIsReadBackUnchanged) {
  for (const std::string word :
       {"a", "src/a.py", "", "a b", "it's", "$HOME", "*.py", "\\", "#", "~", "ä"}) {
    EXPECT_EQ(shell_words(shell_word(word)), std::vector<std::string>{word}) << shell_word(word);
  }
  EXPECT_EQ(shell_word("src/a.py"), "src/a.py") << "no quotes where none are needed";
}

}  // namespace
}  // namespace hpp
