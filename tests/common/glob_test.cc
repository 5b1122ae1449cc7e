#include "common/glob.h"

#include <gtest/gtest.h>

#include <stdexcept>

namespace hpp {
namespace {

TEST(Glob, IsNormalizedForWatchman) {
  const std::pair<const char*, const char*> cases[] = {
      {"src/**/*", "src/**/*"}, {"./src/*.py", "src/*.py"},
      {"././a", "a"},           {"*", "*"},
      {"[a-z]*", "[a-z]*"},     {"[]a]", "[]a]"},
      {"[!]a]", "[!]a]"},       {"[^]]", "[^]]"},
      {"a\\[b", "a\\[b"},       {"[\\]]", "[\\]]"},
      {"a..b/..c", "a..b/..c"}, {"{a,b}", "{a,b}"},
      {"ä/ö", "ä/ö"},           {"../shared/*.py", "../shared/*.py"},
      {"./../../a", "../../a"}, {"/opt/lib/**", "/opt/lib/**"},
  };
  for (const auto& [text, expected] : cases) EXPECT_EQ(normalized_glob(text), expected) << text;
}

TEST(Glob, IsRejectedWithTheReasonIfItCannotMatch) {
  const std::pair<const char*, const char*> cases[] = {
      {"", "empty"},
      {"./", "empty"},
      {"..", "beginning"},
      {"../..", "beginning"},
      {"a/../b", "beginning"},
      {"../a/../b", "beginning"},
      {"/a/../b", "beginning"},
      {"../", "directory"},
      {"src/", "directory"},
      {"/", "directory"},
      {"[a", "not closed"},
      {"a[]", "not closed"},
      {"a[!]", "not closed"},
      {"[a\\]", "not closed"},
      {"a\\", "backslash"},
  };
  for (const auto& [text, why] : cases) {
    try {
      normalized_glob(text);
      ADD_FAILURE() << text << " was accepted";
    } catch (const std::invalid_argument& error) {
      const std::string message = error.what();
      EXPECT_NE(message.find(why), std::string::npos) << text << ": " << message;
      EXPECT_NE(message.find(std::string("'") + text + "'"), std::string::npos) << message;
      EXPECT_EQ(message.find('\n'), std::string::npos) << message;
    }
  }
}

TEST(GlobOf, MatchesTheFileLiterally) {
  EXPECT_EQ(glob_of("src/a.py"), "src/a.py");
  EXPECT_EQ(glob_of("a*?[b]\\"), "a\\*\\?\\[b\\]\\\\");
  EXPECT_EQ(normalized_glob(glob_of("[a")), "\\[a");
}

}  // namespace
}  // namespace hpp
