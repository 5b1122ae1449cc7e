#include "proxyd/core/passage.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "tests/proxyd/core/http/heads.h"

namespace hpp::proxyd {
namespace {

using testing::HasSubstr;
using testing::Not;

constexpr std::int64_t kSecond = 1'700'000'000'000;  // Tue, 14 Nov 2023 22:13:20 GMT

class PassageTest : public testing::Test {
 protected:
  // Passes on the answer to a GET that was forwarded at kSecond.
  Passage pass(const std::string& fields, const std::string& status = "200 OK") {
    const ParsedResponse head("HTTP/1.1 " + status + "\r\n" + fields + "\r\n");
    const RequestFacts request{.is_safe = true};
    const auto facts = std::get<ResponseFacts>(judge_response(*head, request));
    return pass_on(*head, {.facts = facts}, request,
                   {.page = page_,
                    .has_variants = has_variants_,
                    .forwarded_at_ms = kSecond,
                    .provenance = provenance_});
  }

  std::optional<Page> page_;
  bool has_variants_ = false;
  std::optional<Provenance> provenance_ = Provenance{.generation = 7};
};

TEST_F(PassageTest, NamesTheGeneration) {
  EXPECT_THAT(pass("Content-Length: 0\r\n").head, HasSubstr("X-Hpp-Generation: 7\r\n"));
  provenance_.reset();
  EXPECT_THAT(pass("Content-Length: 0\r\n").head, Not(HasSubstr("X-Hpp-Generation")));
}

TEST_F(PassageTest, AnAnswerLosesADateThatIsTooNew) {
  const std::string young = "Last-Modified: Tue, 14 Nov 2023 22:13:20 GMT\r\n";
  const std::string old = "Last-Modified: Tue, 14 Nov 2023 22:00:00 GMT\r\n";
  EXPECT_THAT(pass("Content-Length: 0\r\n" + young).head, Not(HasSubstr("Last-Modified")));
  EXPECT_THAT(pass("Content-Length: 0\r\n" + old).head, HasSubstr(old));
  provenance_.reset();
  EXPECT_THAT(pass("Content-Length: 0\r\n" + young).head, HasSubstr(young))
      << "no watcher says that files change";
}

TEST_F(PassageTest, APageGetsTheScriptAndItsNewLength) {
  page_ = Page{.host = "localhost:8000"};
  const Passage passage = pass("Content-Type: text/html\r\nContent-Length: 100\r\n");
  EXPECT_THAT(passage.tag, HasSubstr("/__hpp/livereload.js"));
  EXPECT_THAT(passage.head,
              HasSubstr("Content-Length: " + std::to_string(100 + passage.tag.size()) + "\r\n"));
  EXPECT_FALSE(passage.obstacle);
}

TEST_F(PassageTest, AnAnswerThatIsNoPagePassesUnchanged) {
  const std::string page = "Content-Type: text/html\r\nContent-Length: 100\r\n";
  EXPECT_EQ(pass(page).tag, "") << "the request is not for a page";
  page_ = Page{.host = "localhost:8000"};
  const Passage image = pass("Content-Type: image/png\r\nContent-Length: 100\r\n");
  EXPECT_EQ(image.tag, "");
  EXPECT_FALSE(image.obstacle);
  const Passage compressed = pass(page + "Content-Encoding: gzip\r\n");
  EXPECT_EQ(compressed.tag, "");
  EXPECT_TRUE(compressed.obstacle);
}

TEST_F(PassageTest, TheVariantsOfAPageStayApart) {
  const std::string page = "Content-Type: text/html\r\nContent-Length: 9\r\nETag: \"a\"\r\n";
  EXPECT_THAT(pass(page).head, Not(HasSubstr("Vary")));
  has_variants_ = true;
  EXPECT_THAT(pass(page).head, HasSubstr("ETag: \"a\"\r\nVary: Sec-Fetch-Dest\r\n"));
  EXPECT_THAT(pass("ETag: \"a\"\r\n", "304 x").head, HasSubstr("ETag: \"a\"\r\n"));
  page_ = Page{.host = "localhost:8000"};
  EXPECT_THAT(pass(page).head, HasSubstr("ETag: W/\"a-hpp\"\r\nVary: Sec-Fetch-Dest\r\n"));
  EXPECT_THAT(pass("ETag: \"a\"\r\n", "304 x").head, HasSubstr("ETag: W/\"a-hpp\"\r\n"));
  const std::string compressed = page + "Content-Encoding: gzip\r\n";
  EXPECT_THAT(pass(compressed).head, HasSubstr(compressed + "X-Hpp-Generation"))
      << "it has no variant with the script";
}

}  // namespace
}  // namespace hpp::proxyd
