#include "proxyd/core/http/accept.h"

#include <gtest/gtest.h>

#include <initializer_list>
#include <utility>

namespace hpp::proxyd {
namespace {

Wanted wanted(std::initializer_list<std::string_view> lines) {
  AcceptReader reader;
  for (const std::string_view line : lines) reader.read(line);
  return reader.wanted();
}

TEST(Accept, ReturnsTheNamedType) {
  const std::pair<std::string_view, Wanted> cases[] = {
      {"", Wanted::Any},
      {"*/*", Wanted::Any},
      {"image/png, application/*+json", Wanted::Any},
      {"text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", Wanted::Html},
      {"application/json, text/plain, */*", Wanted::Json},
      {"text/plain, application/json", Wanted::Text},
      {"TEXT/HTML ; charset=x", Wanted::Html},
      {"text/*", Wanted::Text},
      {"application/*", Wanted::Json},
  };
  for (const auto& [line, expected] : cases) EXPECT_EQ(wanted({line}), expected) << line;
}

TEST(Accept, TakesTheHighestQuality) {
  const std::pair<std::string_view, Wanted> cases[] = {
      {"text/html;q=0.1, application/json", Wanted::Json},
      {"text/html;q=0.5, application/json;q=0.51", Wanted::Json},
      {"text/html; Q=0.501, application/json;q=0.5", Wanted::Html},
      {"text/html;level=1;q=0, application/json;q=0.001", Wanted::Json},
      {"text/html;q=0", Wanted::Any},
      {"text/html;q=0.000, */*", Wanted::Any},
      {"text/html;q=0.5, */*", Wanted::Any},
      {"text/html;q=0.5, text/*", Wanted::Text},
      {"text/html;q=high, application/json;q=0.9", Wanted::Html},
  };
  for (const auto& [line, expected] : cases) EXPECT_EQ(wanted({line}), expected) << line;
}

TEST(Accept, ReadsSeveralLinesAsOneList) {
  EXPECT_EQ(wanted({"text/html", "application/json"}), Wanted::Html);
  EXPECT_EQ(wanted({"text/html;q=0.5", "application/json"}), Wanted::Json);
  EXPECT_EQ(wanted({"text/html", "*/*;q=0.1"}), Wanted::Html);
}

}  // namespace
}  // namespace hpp::proxyd
