#include "common/config_file.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace hpp {
namespace {

using Words = std::vector<std::string>;
using Entries = std::vector<ConfigEntry>;

constexpr std::int64_t operator""_n(unsigned long long number) {
  return static_cast<std::int64_t>(number);
}

// Returns the value of `x = <text>`.
ConfigValue value_of(const std::string& text) {
  const Entries entries = read_config("x = " + text);
  EXPECT_EQ(entries.size(), 1U) << text;
  return entries.at(0).value;
}

TEST(ConfigFile, ReadsEntriesCommentsAndEmptyLines) {
  const char* const text =
      "# hpp\n"
      "\n"
      "bind = \"localhost:8000\"  # where browsers go\n"
      "backend=8001\n"
      "\t exec = [\n"
      "  'python3', # the command\n"
      "\n"
      "  \"app.py\",\n"
      "]\n"
      "debug = true\r\n"
      "\"stop-signal\" = 'TERM'";
  EXPECT_EQ(read_config(text), (Entries{
                                   {"bind", std::string("localhost:8000"), 3},
                                   {"backend", 8001_n, 4},
                                   {"exec", Words{"python3", "app.py"}, 5},
                                   {"debug", true, 10},
                                   {"stop-signal", std::string("TERM"), 11},
                               }));
}

TEST(ConfigFile, MayBeEmpty) {
  for (const char* const text : {"", "\n", "# nothing", " \t\r\n", "\xEF\xBB\xBF"}) {
    EXPECT_TRUE(read_config(text).empty()) << text;
  }
  EXPECT_EQ(read_config("\xEF\xBB\xBFx = 1").size(), 1U);
}

TEST(ConfigFile, ReadsStrings) {
  struct Case {
    const char* text;
    const char* value;
  };

  const Case cases[] = {
      {R"("")", ""},
      {R"('')", ""},
      {R"("a # b, c = [d]")", "a # b, c = [d]"},
      {R"('C:\new "x"')", R"(C:\new "x")"},
      {R"("\"\\\b\t\n\f\r")", "\"\\\b\t\n\f\r"},
      {R"("\u00e4\u20AC\U0001F600\u0041")", "\u00e4\u20AC\U0001F600A"},
      {"\"\tä\"", "\tä"},
      {"'it''", nullptr},
  };
  for (const auto& [text, value] : cases) {
    if (value == nullptr) {
      EXPECT_THROW(read_config(std::string("x = ") + text), ConfigError) << text;
    } else {
      EXPECT_EQ(value_of(text), ConfigValue(std::string(value))) << text;
    }
  }
}

TEST(ConfigFile, ReadsNumbersBooleansAndArrays) {
  EXPECT_EQ(value_of("0"), ConfigValue(0_n));
  EXPECT_EQ(value_of("+10_000"), ConfigValue(10'000_n));
  EXPECT_EQ(value_of("-1"), ConfigValue(-1_n));
  EXPECT_EQ(value_of("false#"), ConfigValue(false));
  EXPECT_EQ(value_of("[]"), ConfigValue(Words{}));
  EXPECT_EQ(value_of("[ \n ]"), ConfigValue(Words{}));
  EXPECT_EQ(value_of("['a,b',\"c]\" , '' ]"), ConfigValue(Words{"a,b", "c]", ""}));
  EXPECT_EQ(value_of("[#\n'a'#,\n,#]\n]#"), ConfigValue(Words{"a"}));
}

TEST(ConfigFile, ErrorsNameTheLineAndWhatWasExpected) {
  struct Case {
    const char* text;
    std::size_t line;
    const char* said;
  };

  const Case cases[] = {
      {"\n[hpp]", 2, "no [tables]"},
      {"[[hpp]]", 1, "no [tables]"},
      {"bind", 1, "expected '=' after bind, but the line ends"},
      {"bind: 1", 1, "expected '=' after bind, got : 1"},
      {"a.b = 1", 1, "expected '=' after a, got .b"},
      {"= 1", 1, "expected KEY = VALUE, got = 1"},
      {"\xC3\xA4 = 1", 1, "expected KEY = VALUE"},
      {"\r bind = 1", 1, "expected KEY = VALUE"},
      {"bind =", 1, "expected a value"},
      {"bind = # 1", 1, "expected a value"},
      {"\n\nbind = localhost:8000", 3, "in quotes), a whole number"},
      {"x = 1.5", 1, "got 1.5"},
      {"x = 0x10", 1, "got 0x10"},
      {"x = 01", 1, "got 01"},
      {"x = _1", 1, "got _1"},
      {"x = 1_", 1, "got 1_"},
      {"x = 1__0", 1, "got 1__0"},
      {"x = -", 1, "got -"},
      {"x = +-1", 1, "got +-1"},
      {"x = 9223372036854775808", 1, "got 9223372036854775808"},
      {"x = True", 1, "got True"},
      {"x = {a = 1}", 1, "got {a"},
      {"x = 1 y = 2", 1, "nothing more in this line, got y = 2"},
      {"x = \"a\" \"b\"", 1, "nothing more"},
      {"x = \"a", 1, "expected \" at the end of the string"},
      {"x = 'a\n'", 1, "expected ' at the end of the string"},
      {"x = \"a\\", 1, "after the \\"},
      {"x = \"a\\\n\"", 1, "after the \\"},
      {"x = \"\\d\"", 1, "no escape \\d"},
      {"x = \"\\u12\"", 1, "4 hexadecimal digits"},
      {"x = \"\\ud800\"", 1, "4 hexadecimal digits"},
      {"x = \"\\u0000\"", 1, "4 hexadecimal digits"},
      {"x = \"\\U00110000\"", 1, "8 hexadecimal digits"},
      {"x = \"\\u12", 1, "4 hexadecimal digits"},
      {"x = \"\x01\"", 1, "control character"},
      {"x = '\x7F'", 1, "control character"},
      {"x = 'a\rb'", 1, "control character"},
      {"# a\x01"
       "b\n",
       1, "a comment must not contain control characters"},
      {"x = 1 # \x7F", 1, "a comment must not contain control characters"},
      {"x = \"\"\"a\"\"\"", 1, "several lines"},
      {"x = '''", 1, "several lines"},
      {"\nx = [\n'a',\n1]", 4, "expected a string in quotes, or ']', got 1]"},
      {"x = [\n'a'\n'b']", 3, "expected ',' or ']', got 'b'"},
      {"x = [,]", 1, "expected a string"},
      {"\nx = [\n'a',\n\n", 2, "expected ']'"},
      {"\nx = ['a'", 2, "expected ']'"},
      {"x = [['a']]", 1, "expected a string"},
      {"x = 1\ny = 2\n\nx = 3", 4, "'x' has a value already, in line 1"},
  };
  for (const auto& [text, line, said] : cases) {
    try {
      read_config(text);
      ADD_FAILURE() << text;
    } catch (const ConfigError& error) {
      EXPECT_EQ(error.line, line) << text;
      EXPECT_NE(std::string(error.what()).find(said), std::string::npos)
          << text << ": " << error.what();
      EXPECT_EQ(std::string(error.what()).find('\n'), std::string::npos) << error.what();
    }
  }
}

// The result is a list of entries or an error whose line exists.
TEST(ConfigFile, ATruncatedFileIsReadOrRejected) {
  const std::string text =
      "# a\nx = \"\\u00e4\\\"\" # b\ny = [\n 'a', # c\n \"b\",\n]\nz = -10_0\r\n";
  const auto lines = static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n')) + 1;
  std::size_t whole = 0;
  for (std::size_t size = 0; size <= text.size(); ++size) {
    try {
      whole += read_config(std::string_view(text).substr(0, size)).size() == 3;
    } catch (const ConfigError& error) {
      EXPECT_LE(error.line, lines);
      EXPECT_GE(error.line, 1U);
    }
  }
  EXPECT_EQ(whole, 4U);  // z = -1, -10, -10_0, and -10_0 with CR LF
}

}  // namespace
}  // namespace hpp
