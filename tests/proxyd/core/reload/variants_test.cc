#include "proxyd/core/reload/variants.h"

#include <gtest/gtest.h>

#include <string>

#include "proxyd/core/http/rewrite.h"
#include "tests/proxyd/core/http/heads.h"

namespace hpp::proxyd {
namespace {

// The conditions in a request that the backend gets.
std::string conditions(Variant variant, const std::string& fields) {
  const ParsedRequest head("GET / HTTP/1.1\r\nHost: a\r\n" + fields + "\r\n");
  const ConditionalHead conditional(*head, variant);
  std::string text;
  for (const Field& field : conditional.get().fields) {
    if (field.known == FieldName::Host) continue;
    text.append(field.name).append(": ").append(field.value).append("\r\n");
  }
  return text;
}

const std::string kDate = "If-Modified-Since: Tue, 14 Nov 2023 22:13:20 GMT\r\n";

TEST(ConditionalHead, ANavigationKeepsOnlyTagsOfPagesWithTheScript) {
  const auto kept = [](const std::string& fields) { return conditions(Variant::Tagged, fields); };
  EXPECT_EQ(kept("If-None-Match: W/\"v1-hpp\"\r\n"), "If-None-Match: W/\"v1\"\r\n");
  EXPECT_EQ(kept("If-None-Match: W/\"-hpp\"\r\n"), "If-None-Match: W/\"\"\r\n");
  EXPECT_EQ(kept("if-none-match: \"a\" ,W/\"b,c-hpp\",W/\"d\"\r\nIf-None-Match: W/\"e-hpp\"\r\n"),
            "If-None-Match: W/\"b,c\", W/\"e\"\r\n");
  for (const char* const other : {"\"v1\"", "W/\"v1\"", "*", "\"v1-hpp\"", "v1-hpp", "W/v1-hpp\"",
                                  "W/\"v1-hpp", "W/\"", "\"a,W/\"b-hpp", ""}) {
    EXPECT_EQ(kept(std::string("X: y\r\nIf-None-Match: ") + other + "\r\n" + kDate), "X: y\r\n")
        << other;
  }
  EXPECT_EQ(kept("If-None-Match: \"v1\"\r\n" + kDate), "");
  EXPECT_EQ(kept(kDate), "") << "the date of either variant";
  EXPECT_EQ(kept(kDate + "If-None-Match: W/\"v1-hpp\"\r\n"), kDate + "If-None-Match: W/\"v1\"\r\n");
}

TEST(ConditionalHead, AnotherRequestKeepsOnlyTagsOfUnchangedPages) {
  const auto kept = [](const std::string& fields) { return conditions(Variant::Plain, fields); };
  for (const std::string& unchanged :
       {std::string("If-None-Match: W/\"a\" ,\"b\"\r\n"), std::string("If-None-Match: *\r\n"),
        kDate, kDate + "If-None-Match: \"a\"\r\n", std::string("If-Match: \"a-hpp\"\r\n")}) {
    EXPECT_EQ(kept(unchanged), unchanged);
  }
  EXPECT_EQ(kept("X: y\r\nIf-None-Match: W/\"v1-hpp\"\r\n" + kDate), "X: y\r\n");
  EXPECT_EQ(kept("If-None-Match: W/\"v1-hpp\", \"v2\"\r\n" + kDate), "If-None-Match: \"v2\"\r\n");
}

TEST(ConditionalHead, ConcernsOnlyConditionsOfReading) {
  const std::string fields = "If-Match: W/\"a-hpp\"\r\nIf-Range: W/\"a-hpp\"\r\n";
  for (const Variant variant : {Variant::Tagged, Variant::Plain}) {
    EXPECT_EQ(conditions(variant, fields), fields);
  }
}

const std::string kVary = "Vary: Sec-Fetch-Dest\r\nVary: Sec-Fetch-Mode\r\nVary: Accept\r\n";

TEST(TaggedHead, DescribesTheNewBody) {
  struct Case {
    const char* fields;
    std::string tagged;
  };

  for (const auto& [fields, tagged] : {
           Case{"Content-Length: 5\r\nETag: \"a\"\r\nX: y\r\n",
                "Content-Length: 12\r\nETag: W/\"a-hpp\"\r\nX: y\r\n" + kVary},
           {"etag: W/\"a\"\r\ncontent-length: 5\r\n",
            "etag: W/\"a-hpp\"\r\ncontent-length: 12\r\n" + kVary},
           {"Transfer-Encoding: chunked\r\nVary: Cookie\r\n",
            "Transfer-Encoding: chunked\r\nVary: Cookie\r\n" + kVary},
           {"Vary: *\r\n", "Vary: *\r\n"},
           {"Vary: accept, sec-fetch-dest\r\n",
            "Vary: accept, sec-fetch-dest\r\nVary: Sec-Fetch-Mode\r\n"},
           {"Vary: sec-fetch-mode\r\nVary: Sec-Fetch-Dest,Accept\r\n",
            "Vary: sec-fetch-mode\r\nVary: Sec-Fetch-Dest,Accept\r\n"},
           {"Accept-Ranges: bytes\r\nContent-MD5: a\r\nDigest: b\r\nRepr-Digest: c\r\n"
            "Content-Digest: d\r\nLast-Modified: e\r\n",
            "Last-Modified: e\r\n" + kVary},
       }) {
    const ParsedResponse head(std::string("HTTP/1.1 200 OK\r\n") + fields + "\r\n");
    const auto facts = std::get<ResponseFacts>(judge_response(*head, {}));
    EXPECT_EQ(write_response_head(TaggedHead(*head, facts, 7).get(), facts, {}, {}),
              "HTTP/1.1 200 OK\r\n" + tagged + "\r\n");
  }
}

std::string tagged_304(const std::string& fields) {
  const ParsedResponse head("HTTP/1.1 304 x\r\n" + fields + "\r\n");
  return write_response_head(TaggedHead(*head).get(), {.status = 304}, {}, {});
}

TEST(TaggedHead, A304ConfirmsThePageWithTheScript) {
  EXPECT_EQ(tagged_304("ETag: \"a\"\r\nContent-Length: 5\r\n"),
            "HTTP/1.1 304 x\r\nETag: W/\"a-hpp\"\r\nContent-Length: 5\r\n\r\n");
  EXPECT_EQ(tagged_304("Vary: Cookie\r\n"), "HTTP/1.1 304 x\r\nVary: Cookie\r\n" + kVary + "\r\n");
  EXPECT_EQ(tagged_304("Date: x\r\n"), "HTTP/1.1 304 x\r\nDate: x\r\n\r\n")
      << "the copy's Vary stays";
}

TEST(TaggedHead, HasOneEntityTagAtMost) {
  EXPECT_EQ(tagged_304("ETag: abc\r\n"), "HTTP/1.1 304 x\r\n\r\n");
  EXPECT_EQ(tagged_304("ETag: \"\r\n"), "HTTP/1.1 304 x\r\n\r\n");
  EXPECT_EQ(tagged_304("ETag: \"a\"\r\nETag: \"b\"\r\n"),
            "HTTP/1.1 304 x\r\nETag: W/\"a-hpp\"\r\n\r\n");
}

// The mark that one answer gives is the one that the next request loses.
TEST(TaggedHead, ItsEntityTagComesBack) {
  for (const std::string tag : {"\"a\"", "W/\"a\"", "\"\"", "\"a,b\"", "\"a-hpp\""}) {
    const std::string head = tagged_304("ETag: " + tag + "\r\n");
    const std::size_t at = head.find("ETag: ") + 6;
    const std::string weak = tag.starts_with("W/") ? tag : "W/" + tag;
    EXPECT_EQ(conditions(Variant::Tagged, "If-None-Match: " + head.substr(at)),
              "If-None-Match: " + weak + "\r\n");
  }
}

TEST(PlainVariant, NamesTheDecidingFields) {
  const auto plain = [](const std::string& text) {
    const ParsedResponse head(text + "\r\n");
    const auto facts = std::get<ResponseFacts>(judge_response(*head, {}));
    return write_response_head(plain_variant(*head, facts), facts, {}, {});
  };
  const std::string html = "Content-Length: 5\r\nContent-Type: text/html\r\nETag: \"a\"\r\n";
  const std::string page = "HTTP/1.1 200 OK\r\n" + html;
  EXPECT_EQ(plain(page), page + kVary + "\r\n");
  const std::string confirmed = "HTTP/1.1 304 x\r\nVary: Cookie\r\n";
  EXPECT_EQ(plain(confirmed), confirmed + kVary + "\r\n") << "it replaces the copy's Vary";
  for (const std::string& unchanged :
       {std::string("HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Type: text/css\r\n"),
        std::string("HTTP/1.1 304 x\r\nETag: \"a\"\r\n"), "HTTP/1.1 302 x\r\n" + html}) {
    EXPECT_EQ(plain(unchanged), unchanged + "\r\n");
  }
}

}  // namespace
}  // namespace hpp::proxyd
