#include "common/base64.h"

#include <gtest/gtest.h>

#include <string_view>
#include <utility>

namespace hpp {
namespace {

using namespace std::string_view_literals;

// RFC 4648 §10.
TEST(Base64, HasThePaddingOfTheStandard) {
  for (const auto& [bytes, text] : {std::pair{"", ""},
                                    {"f", "Zg=="},
                                    {"fo", "Zm8="},
                                    {"foo", "Zm9v"},
                                    {"foob", "Zm9vYg=="},
                                    {"fooba", "Zm9vYmE="},
                                    {"foobar", "Zm9vYmFy"}}) {
    EXPECT_EQ(base64(bytes), text);
  }
}

TEST(Base64, AcceptsAllBytes) {
  EXPECT_EQ(base64("\0\0\0"sv), "AAAA");
  EXPECT_EQ(base64("\xff\xff\xff"sv), "////");
  EXPECT_EQ(base64("\xfb\xef\xbe\0"sv), "++++AA==");
}

}  // namespace
}  // namespace hpp
