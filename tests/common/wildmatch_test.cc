#include "common/wildmatch.h"

#include <gtest/gtest.h>

#include <string>

namespace hpp {
namespace {

struct Case {
  const char* glob;
  std::vector<const char*> yes;
  std::vector<const char*> no;
};

// integration/watchd compares these with Watchman's answers, as far as the paths can be file names.
const Case kCases[] = {
    {"a.css", {"a.css"}, {"a.cs", "a.csss", "b/a.css", "A.css", ""}},
    {"*.css", {"a.css", ".css", ".a.css"}, {"b/a.css", "a.css/b", "a.scss.map"}},
    {"*", {"a", ".a", ""}, {"a/b"}},
    {"a*b*c", {"abc", "aXbYc", "abcbc"}, {"ab/c", "abcd", "ac"}},
    {"**/*.css", {"a.css", "b/a.css", "b/c/a.css", ".b/.a.css"}, {"a.css/b", "acss"}},
    {"static/**", {"static/a", "static/b/c", "static/.a"}, {"static", "a/static/b", "statics/a"}},
    {"static/**/*.css", {"static/a.css", "static/b/c/a.css"}, {"a.css", "static/a", "statica.css"}},
    {"a/**/b", {"a/b", "a/c/b", "a/b/b", "a/c/d/b"}, {"ab", "a/cb", "a/c/db", "a/bc"}},
    {"a/**/**/b", {"a/b", "a/c/b", "a/c/d/b"}, {"ab", "a/cb"}},
    {"**", {"a", "a/b", ""}, {}},
    {"**/ab/**", {"ab/c", "a/ab/c", "ab/ab/c/d"}, {"ab", "a/ab", "aab/c", "ab."}},
    {"a**", {}, {"a", "ab", "a/b"}},
    {"**a", {}, {"a", "ba", "b/a"}},
    {"a/**b", {}, {"a/b", "a/cb"}},
    {"?.css", {"a.css", "..css"}, {"aa.css", ".css", "/.css"}},
    {"a/?/b", {"a/c/b"}, {"a//b", "a///b"}},
    {"[ab].css", {"a.css", "b.css"}, {"c.css", "[ab].css", "-.css"}},
    {"[a-c-]", {"a", "b", "c", "-"}, {"d", "ab", ""}},
    {"[!a-c]", {"d", "-", "!"}, {"a", "c", "/"}},
    {"[^a]", {"b", "^"}, {"a", "/"}},
    {"[]a]", {"]", "a"}, {"b", "[]a]"}},
    {"[!]]", {"a"}, {"]"}},
    {"[a/b]", {"a", "b"}, {"/"}},
    {"x[.-0]y", {"x.y", "x0y"}, {"x/y"}},
    {"[\\]x]", {"]", "x"}, {"\\"}},
    {"[[:digit:]_]", {"7", "_"}, {"a", ":", "["}},
    {"[[:upper:]][[:lower:]]", {"Ab"}, {"ab", "AB"}},
    {"[[:nothing:]]", {}, {"n", ":", "["}},
    {"\\*\\[\\?", {"*[?"}, {"a[b", "\\*\\[\\?"}},
    {"\xc3\xa4[\xe4]", {"\xc3\xa4\xe4"}, {"\xc3\xa4"}},
    {"[", {}, {"[", ""}},
};

TEST(Wildmatch, MatchesWhatWatchmanMatches) {
  for (const Case& c : kCases) {
    const Wildmatch glob(c.glob);
    for (const char* path : c.yes) EXPECT_TRUE(glob.matches(path)) << c.glob << ' ' << path;
    for (const char* path : c.no) EXPECT_FALSE(glob.matches(path)) << c.glob << ' ' << path;
  }
}

TEST(Wildmatch, TellsWhetherItMayMatchBelowAFolder) {
  const auto may = [](const char* glob, const char* folder) {
    return Wildmatch(glob).may_match_below(folder);
  };
  for (const char* glob : {"**", "**/*.py", "src/**", "src/lib/a", "s*/l?b/*"}) {
    EXPECT_TRUE(may(glob, "src/lib")) << glob;
    EXPECT_TRUE(may(glob, "")) << glob;
  }
  for (const char* glob : {"*.py", "src/*", "src/lib", "src/lib/", "lib/**", "src/**a", ""}) {
    EXPECT_FALSE(may(glob, "src/lib")) << glob;
  }
}

TEST(Wildmatch, TellsWhetherItMatchesAllBelowAFolder) {
  const auto all = [](const char* glob) { return Wildmatch(glob).matches_all_below("src/lib"); };
  for (const char* glob : {"**", "src/**", "src/lib/**", "**/lib/**", "**/**"}) {
    EXPECT_TRUE(all(glob)) << glob;
  }
  for (const char* glob : {"**/*", "src/lib", "src/lib/*", "lib/**", "src/lib/**/*.o",
                           "src/lib/a/**", "src/**a", ""}) {
    EXPECT_FALSE(all(glob)) << glob;
  }
}

TEST(Wildmatch, MatchesManyStarsInReasonableTime) {
  std::string glob;
  for (int i = 0; i < 50; ++i) glob += "**/*a*/";
  EXPECT_FALSE(Wildmatch(glob + "b").matches(std::string(2000, 'a')));
}

}  // namespace
}  // namespace hpp
