#include "watchd/core/pattern_check.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace hpp::watchd {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

// What is said about `filter` in a project with src/app.py, src/lib/a.py and static/a.css.
std::vector<std::string> hints_on(const Filter& filter) {
  PatternCheck check(filter);
  for (const char* const folder : {"src", "src/lib", "static"}) check.see_folder(folder);
  for (const char* const file : {"src/app.py", "src/lib/a.py", "static/a.css"}) {
    check.see_file(file);
  }
  EXPECT_EQ(check.is_done(), check.hints().empty());
  return check.hints();
}

TEST(PatternCheck, SaysNothingAboutPatternsThatMatch) {
  EXPECT_THAT(hints_on({.patterns = {"src/**", "**/*.py", "src/*.py"},
                        .css = {"static/*.css"},
                        .reload = {"**/a.*"}}),
              IsEmpty());
  EXPECT_THAT(hints_on({}), IsEmpty());
  EXPECT_THAT(hints_on({.patterns = {"../shared/**", "/opt/x/**"}}), IsEmpty());
}

TEST(PatternCheck, NamesAMisspelledFolder) {
  EXPECT_THAT(
      hints_on({.patterns = {"scr/**/*.py"}, .css = {"assets/**"}}),
      ElementsAre("--pattern 'scr/**/*.py' matches no file, because there is no folder scr. "
                  "Did you mean src?",
                  "--css 'assets/**' matches no file, because there is no folder assets "
                  "yet"));
}

TEST(PatternCheck, NamesAFolderThatIsNoGlob) {
  EXPECT_THAT(hints_on({.patterns = {"src", "src/lib/"}}),
              ElementsAre("--pattern 'src' matches no file, because that is a folder. Write "
                          "--pattern 'src/**'",
                          "--pattern 'src/lib/' matches no file, because that is a folder. Write "
                          "--pattern 'src/lib/**'"));
}

TEST(PatternCheck, NamesAGlobThatReachesOneFolderOnly) {
  EXPECT_THAT(hints_on({.patterns = {"*.py"}}),
              ElementsAre("--pattern '*.py' matches no file in this folder, and a glob without a "
                          "slash does not reach others. Write --pattern '**/*.py'"));
}

TEST(PatternCheck, NamesOthers) {
  EXPECT_THAT(
      hints_on({.reload = {"src/*.html", "*/**/b"}}),
      ElementsAre("--reload 'src/*.html' matches no file yet. Globs are relative to the "
                  "working directory, and ** matches several folders",
                  "--reload '*/**/b' matches no file yet. Globs are relative to the working "
                  "directory, and ** matches several folders"));
}

TEST(PatternCheck, NeedsOnlyFoldersThatAPatternCanReach) {
  PatternCheck check({.patterns = {"src/**"}});
  EXPECT_TRUE(check.needs("src"));
  EXPECT_FALSE(check.needs("node_modules"));
  EXPECT_TRUE(PatternCheck({.patterns = {"*.py"}}).needs("node_modules"));
  check.see_file("src/a");
  EXPECT_FALSE(check.needs("src"));
}

}  // namespace
}  // namespace hpp::watchd
