#include "proxyd/core/reload/tag_inserter.h"

#include <gtest/gtest.h>

#include <random>
#include <string>
#include <string_view>
#include <vector>

namespace hpp::proxyd {
namespace {

constexpr const char* kTag = "[tag]";

// Returns the bytes that are sent for a document that arrives in these pieces.
std::string insert(const std::vector<std::string_view>& pieces) {
  TagInserter inserter(kTag);
  std::string out;
  for (const std::string_view piece : pieces) inserter.feed(piece, out);
  inserter.finish(out);
  EXPECT_TRUE(inserter.is_in());
  return out;
}

std::vector<std::string_view> byte_by_byte(std::string_view document) {
  std::vector<std::string_view> pieces;
  for (std::size_t i = 0; i < document.size(); ++i) pieces.push_back(document.substr(i, 1));
  return pieces;
}

// Documents with the tag in its right place.
constexpr std::string_view kDocuments[] = {
    "[tag]",
    "[tag]hello",
    "<!doctype html>[tag]",
    "[tag]<htm",
    "<!-- not closed[tag]",
    "\xef\xbb\xbf<!DOCTYPE html>\n<!-- a -->\n<html lang='e>n'>\n<head>\n<meta charset=\"utf-8\">\n"
    "[tag]<title>x</title>\n<p>hello</p>\n</html>\n",
    "<html><head>[tag]<meta name=viewport><meta charset=utf-8>",
    "<html><head>[tag]<meta content=not-closed",
};

std::string without_tag(std::string_view document) {
  std::string text(document);
  return text.erase(text.find(kTag), std::string_view(kTag).size());
}

TEST(TagInserter, TheResultDoesNotDependOnThePieces) {
  for (const std::string_view expected : kDocuments) {
    const std::string document = without_tag(expected);
    EXPECT_EQ(insert({document}), expected);
    EXPECT_EQ(insert(byte_by_byte(document)), expected);
    for (std::size_t at = 0; at <= document.size(); ++at) {
      const std::string_view text = document;
      EXPECT_EQ(insert({text.substr(0, at), "", text.substr(at)}), expected) << at;
    }
  }
}

// For arbitrary bytes: the tag is added, nothing else changes, and the pieces make no difference.
TEST(TagInserter, AddsTheTagAndChangesNothingElse) {
  constexpr std::string_view kParts[] = {"<!doctype html>",
                                         "<html",
                                         "<head>",
                                         "<meta ",
                                         "charset=",
                                         "<!--",
                                         "-->",
                                         "--!>",
                                         "<",
                                         ">",
                                         "\"",
                                         "'",
                                         "=",
                                         "/",
                                         " ",
                                         "\n",
                                         "-",
                                         "!",
                                         "\xef\xbb\xbf",
                                         "<title>",
                                         "x",
                                         "<?",
                                         "http-equiv=content-type",
                                         "\xff"};
  std::mt19937 random(1);
  const auto below = [&](std::size_t n) { return random() % n; };
  for (int i = 0; i < 20'000; ++i) {
    std::string document;
    for (auto n = below(12); n > 0; --n) document += kParts[below(std::size(kParts))];
    const std::string whole = insert({document});
    ASSERT_EQ(without_tag(whole), document);
    std::vector<std::string_view> pieces;
    for (std::string_view rest = document; !rest.empty();) {
      pieces.push_back(rest.substr(0, 1 + below(rest.size())));
      rest.remove_prefix(pieces.back().size());
    }
    ASSERT_EQ(insert(pieces), whole);
  }
}

TEST(TagInserter, AddsOnlySpacesToUtf16) {
  for (const std::string_view expected : {std::string_view("\xff\xfe \0 \0 \0<\0p\0>\0", 14),
                                          std::string_view("\xfe\xff\0 \0 \0 \0<\0p\0>", 14),
                                          std::string_view("\xff\xfe \0 \0 \0", 8)}) {
    const std::string_view rest = expected.substr(8);
    const std::string document = std::string(expected.substr(0, 2)).append(rest);
    for (std::size_t at = 0; at <= document.size(); ++at) {
      TagInserter inserter("[tags]");
      std::string out;
      inserter.feed(std::string_view(document).substr(0, at), out);
      inserter.feed(std::string_view(document).substr(at), out);
      inserter.finish(out);
      EXPECT_EQ(out, expected) << at;
      EXPECT_TRUE(inserter.is_utf16());
    }
  }
}

TEST(TagInserter, HoldsBackOnlyUndecidedBytes) {
  TagInserter inserter(kTag);
  std::string out;
  inserter.feed("<!doctype html>\n<html>\n<hea", out);
  EXPECT_EQ(out, "<!doctype html>\n<html>\n");
  inserter.feed("d>\n<meta charset=", out);
  EXPECT_EQ(out, "<!doctype html>\n<html>\n<head>\n");
  inserter.feed("a><b", out);
  EXPECT_EQ(out, "<!doctype html>\n<html>\n<head>\n<meta charset=a>[tag]<b");
  inserter.feed("ody>", out);
  EXPECT_EQ(out, "<!doctype html>\n<html>\n<head>\n<meta charset=a>[tag]<body>");
}

}  // namespace
}  // namespace hpp::proxyd
