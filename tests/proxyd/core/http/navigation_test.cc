#include "proxyd/core/http/navigation.h"

#include <gtest/gtest.h>

#include <string>

#include "tests/proxyd/core/http/heads.h"

namespace hpp::proxyd {
namespace {

constexpr const char* kBrowsersAccept =
    "Accept: text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8\r\n";

bool is_navigation(const std::string& fields, const std::string& method = "GET") {
  return proxyd::is_navigation(
      *ParsedRequest(method + " / HTTP/1.1\r\nHost: a:1\r\n" + fields + "\r\n"));
}

TEST(Navigation, IsRecognisedBySecFetchFields) {
  const std::string document = "Sec-Fetch-Dest: document\r\n";
  const std::string navigate = "Sec-Fetch-Mode: navigate\r\n";
  EXPECT_TRUE(is_navigation(document + navigate));
  EXPECT_TRUE(is_navigation("sec-fetch-dest: document\r\nX-Requested-With: x\r\n" + navigate));
  EXPECT_TRUE(is_navigation("Sec-Fetch-Dest: empty\r\n" + navigate + kBrowsersAccept))
      << "from a service worker";
  for (const std::string& fields :
       {"Sec-Fetch-Dest: iframe\r\n" + navigate, std::string("Sec-Fetch-Dest: empty\r\n"),
        "Sec-Fetch-Dest: empty\r\n" + navigate,  // <a download>
        "Sec-Fetch-Dest: empty\r\nAccept: */*\r\n" + navigate,
        "Sec-Fetch-Dest: empty\r\nSec-Fetch-Mode: same-origin\r\n" + std::string(kBrowsersAccept),
        document + "Sec-Fetch-Mode: cors\r\n", std::string("Sec-Fetch-Mode: same-origin\r\n"),
        "Sec-Fetch-Dest: empty\r\nSec-Fetch-Mode: cors\r\n" + std::string(kBrowsersAccept),
        "Range: bytes=0-\r\n" + document + navigate}) {
    EXPECT_FALSE(is_navigation(fields)) << fields;
  }
  for (const char* method : {"HEAD", "POST", "PUT", "OPTIONS"}) {
    EXPECT_FALSE(is_navigation(document + navigate, method)) << method;
  }
}

TEST(Navigation, IsRecognisedWithoutSecFetchFields) {
  const std::string accept = kBrowsersAccept;
  EXPECT_TRUE(is_navigation(accept));
  EXPECT_TRUE(is_navigation("Accept: text/html\r\n"));
  EXPECT_TRUE(is_navigation("Accept: application/xml;q=0.9, TEXT/HTML ; q=1.0\r\n"));
  for (const std::string& fields :
       {std::string(), std::string("Accept: */*\r\n"), std::string("Accept: text/*\r\n"),
        std::string("Accept: application/json, text/html;q=0.5\r\n"),
        std::string("Accept: text/html-fragment\r\n"), accept + "X-Requested-With: x\r\n",
        accept + "HX-Request: true\r\n", accept + "Turbo-Frame: a\r\n",
        accept + "Range: bytes=0-\r\n"}) {
    EXPECT_FALSE(is_navigation(fields)) << fields;
  }
}

}  // namespace
}  // namespace hpp::proxyd
