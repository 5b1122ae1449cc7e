#include "watchd/watchman/core/expression.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <nlohmann/json.hpp>

namespace hpp::watchd::watchman {
namespace {

using Json = nlohmann::json;

struct Case {
  const char* name;
  Filter filter;
  const char* expected;
};

const Case kCases[] = {
    {"everything",
     {.default_excludes = false},
     R"(["allof", ["anyof", ["type", "f"], ["type", "l"]]])"},
    {"one pattern",
     {.patterns = {"src/**/*"}, .default_excludes = false},
     R"(["allof", ["anyof", ["type", "f"], ["type", "l"]],
         ["anyof", ["type", "l"],
                   ["match", "src/**/*", "wholename", {"includedotfiles": true}]]])"},
    {"two patterns",
     {.patterns = {"*.py", "*.html"}, .default_excludes = false},
     R"(["allof", ["anyof", ["type", "f"], ["type", "l"]],
         ["anyof", ["type", "l"],
                   ["match", "*.py", "wholename", {"includedotfiles": true}],
                   ["match", "*.html", "wholename", {"includedotfiles": true}]]])"},
    {"one exclude",
     {.excludes = {"log/*"}, .default_excludes = false},
     R"(["allof", ["anyof", ["type", "f"], ["type", "l"]],
         ["not", ["match", "log/*", "wholename", {"includedotfiles": true}]]])"},
    {"patterns and excludes",
     {.patterns = {"a"}, .excludes = {"b", "c"}, .default_excludes = false},
     R"(["allof", ["anyof", ["type", "f"], ["type", "l"]],
         ["anyof", ["type", "l"], ["match", "a", "wholename", {"includedotfiles": true}]],
         ["not", ["anyof", ["match", "b", "wholename", {"includedotfiles": true}],
                           ["match", "c", "wholename", {"includedotfiles": true}]]]])"},
    {"files that concern browsers alone, and a pattern",
     {.patterns = {"a"}, .css = {"b"}, .reload = {"c"}, .default_excludes = false},
     R"(["allof", ["anyof", ["type", "f"], ["type", "l"]],
         ["anyof", ["type", "l"],
                   ["match", "a", "wholename", {"includedotfiles": true}],
                   ["match", "b", "wholename", {"includedotfiles": true}],
                   ["match", "c", "wholename", {"includedotfiles": true}]]])"},
    {"files that concern browsers alone, without a pattern",
     {.css = {"b"}, .reload = {"c"}, .default_excludes = false},
     R"(["allof", ["anyof", ["type", "f"], ["type", "l"]]])"},
    {"a glob with quotes and bytes",
     {.patterns = {"a\"b\\\\ü"}, .default_excludes = false},
     R"(["allof", ["anyof", ["type", "f"], ["type", "l"]],
         ["anyof", ["type", "l"],
                   ["match", "a\"b\\\\ü", "wholename", {"includedotfiles": true}]]])"},
};

TEST(Expression, ContainsTheUsersGlobs) {
  for (const Case& c : kCases) {
    SCOPED_TRACE(c.name);
    EXPECT_EQ(expression_for(c.filter), Json::parse(c.expected));
  }
}

// The excluded globs if the user's only exclude is `mine`.
std::vector<std::string> excluded_globs() {
  const Json expression = expression_for({.excludes = {"mine"}});
  std::vector<std::string> globs;
  const Json& terms = expression.back().at(1);
  for (std::size_t i = 1; i < terms.size(); ++i) globs.push_back(terms[i].at(1));
  return globs;
}

TEST(Expression, BuiltInExcludesFollowTheUsersExcludes) {
  const auto globs = excluded_globs();
  EXPECT_EQ(globs.front(), "mine");
  for (const char* glob :
       {"**/.git", "**/.git/**", "**/.hg/**", "**/.svn/**", "**/.jj/**", "**/__pycache__/**",
        "**/*.pyc", "**/*.pyo", "**/4913", "**/*~", "**/.#*", "**/#*#", "**/.DS_Store"}) {
    EXPECT_NE(std::find(globs.begin(), globs.end(), glob), globs.end()) << glob;
  }
}

}  // namespace
}  // namespace hpp::watchd::watchman
