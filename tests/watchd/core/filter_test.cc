#include "watchd/core/filter.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace hpp::watchd {
namespace {

TEST(Concerns, CssGlobsTakePrecedenceOverReloadGlobsAndPatterns) {
  const Concerns concerns(
      {.patterns = {"**"}, .css = {"**/*.css", "theme.scss"}, .reload = {"static/**", "*.html"}});
  EXPECT_EQ(concerns.of("app.py"), Concern::Backend);
  EXPECT_EQ(concerns.of("deep/page.html"), Concern::Backend);
  EXPECT_EQ(concerns.of("page.html"), Concern::Page);
  EXPECT_EQ(concerns.of("static/a.js"), Concern::Page);
  EXPECT_EQ(concerns.of("static/a.css"), Concern::StyleSheet);
  EXPECT_EQ(concerns.of("theme.scss"), Concern::StyleSheet);
  EXPECT_EQ(Concerns({}).of("a.css"), Concern::Backend);
}

TEST(Filter, AGlobMatchesOnePathWithinTheProject) {
  EXPECT_EQ(glob_within("/home/me/shop", "/home/me/shop/run/hpp"), "run/hpp");
  EXPECT_EQ(glob_within("/", "/run/hpp"), "run/hpp");
  const auto glob = glob_within("/p", R"(/p/a[1]*?\b)");
  ASSERT_TRUE(glob);
  EXPECT_TRUE(Wildmatch(*glob).matches(R"(a[1]*?\b)"));
  EXPECT_FALSE(Wildmatch(*glob).matches(R"(a1xx\b)"));
  for (const char* const path : {"/p", "/p2/x", "/", "/other/p/x"}) {
    EXPECT_EQ(glob_within("/p", path), std::nullopt) << path;
  }
}

}  // namespace
}  // namespace hpp::watchd
