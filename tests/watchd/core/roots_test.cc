#include "watchd/core/roots.h"

#include <gtest/gtest.h>

#include <stdexcept>

namespace hpp::watchd {
namespace {

using Lines = std::vector<std::string>;

Lines prefixes(const Lines& given, const Filter& filter) {
  Lines found;
  for (const Root& root : roots_of("/home/me/site", given, filter)) found.push_back(root.prefix);
  return found;
}

TEST(Roots, AreTheProjectFolderAloneByDefault) {
  const Filter filter{.patterns = {"src/**/*.py"}, .excludes = {"../x/**"}, .css = {"*.css"}};
  EXPECT_EQ(roots_of("/home/me/site", {}, filter), (std::vector<Root>{{"", filter}}));
}

TEST(Roots, HaveThePathByWhichTheProjectReachesThem) {
  EXPECT_EQ(prefixes({"../shared", "../b/./", "/opt/lib//"}, {}),
            (Lines{"", "../b/", "../shared/", "/opt/lib/"}));
}

TEST(Roots, AreTheLiteralStartOfPatterns) {
  EXPECT_EQ(prefixes({}, {.patterns = {"../shared/**/*.py", "../x/a?/*.py", "*.py"},
                          .css = {"/opt/lib/**"},
                          .reload = {"../y/z/page.html"}}),
            (Lines{"", "../shared/", "../x/", "../y/z/", "/opt/lib/"}));
  EXPECT_EQ(prefixes({}, {.patterns = {"../*.py"}}), (Lines{"", "../"}));
  EXPECT_EQ(prefixes({}, {.patterns = {"../a\\*b/*.py"}}), (Lines{"", "../"}));
}

TEST(Roots, BelowAnotherRootAreLeftOut) {
  EXPECT_EQ(prefixes({"../shared/sub", "../shared", "../shared2", "../shared"}, {}),
            (Lines{"", "../shared/", "../shared2/"}));
  EXPECT_EQ(prefixes({"..", "../.."}, {}), (Lines{"", "../", "../../"}));
  EXPECT_EQ(prefixes({"src", ".", "/home/me/site/lib", "../site"}, {}), Lines{""});
}

TEST(Roots, ReportEveryFileOfAnotherRootButThoseOfTheProjectFolder) {
  const Filter filter{.patterns = {"*.py"}, .default_excludes = false, .ignore_unchanged = true};
  EXPECT_EQ(roots_of("/home/me/site", {"../shared"}, filter).at(1).filter,
            (Filter{.default_excludes = false, .ignore_unchanged = true}));
  EXPECT_EQ(roots_of("/home/me/si*te", {".."}, {}).at(1).filter,
            (Filter{.excludes = {"si\\*te/**"}}));
  EXPECT_EQ(roots_of("/home/me/site", {"/home"}, {}).at(1).filter,
            (Filter{.excludes = {"me/site/**"}}));
}

TEST(Roots, InTheProjectFolderOrOfTheWholeFileSystemAreRefused) {
  for (const char* glob : {"../site/*.py", "/home/me/site/src/**", "/home/me/site/*", "/*.py"}) {
    EXPECT_THROW(prefixes({}, {.patterns = {glob}}), std::invalid_argument) << glob;
  }
}

TEST(Roots, HaveALimit) {
  Lines many;
  for (std::size_t i = 1; i < kRootsMax; ++i) many.push_back("../" + std::to_string(i));
  EXPECT_EQ(prefixes(many, {}).size(), kRootsMax);
  many.emplace_back("../x");
  EXPECT_THROW(prefixes(many, {}), std::invalid_argument);
}

TEST(DirectoryOf, IsRelativeToTheProjectFolderUnlessThePrefixIsAbsolute) {
  EXPECT_EQ(directory_of("/p", ""), "/p");
  EXPECT_EQ(directory_of("/p", "../shared/"), "/p/../shared/");
  EXPECT_EQ(directory_of("/p", "/opt/"), "/opt/");
}

}  // namespace
}  // namespace hpp::watchd
