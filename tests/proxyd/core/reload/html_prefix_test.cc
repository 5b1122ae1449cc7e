#include "proxyd/core/reload/html_prefix.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

namespace hpp::proxyd {
namespace {

using Step = HtmlPrefix::Step;

// How many bytes certainly belong to the prefix, and whether the prefix has ended there.
struct Found {
  std::size_t size = 0;
  bool ended = false;

  bool operator==(const Found&) const = default;
};

Found find(std::string_view document) {
  HtmlPrefix prefix;
  Found found;
  for (std::size_t i = 0; i < document.size(); ++i) {
    const Step step = prefix.next(document[i]);
    if (step == Step::Behind) return {.size = found.size, .ended = true};
    if (step == Step::Utf16) return {.size = i + 1, .ended = true};
    if (step == Step::Part) found.size = i + 1;
  }
  return found;
}

// Each document has a `|` at the end of its prefix.
TEST(HtmlPrefix, EndsAtTheFirstPlaceForAScript) {
  for (const std::string_view text : {
           "|hello",
           "|<p>hello",
           "<!doctype html>|<p>",
           "<!DOCTYPE html PUBLIC \"-//W3C//DTD XHTML 1.0 Strict//EN\" \"http://a\">\n|<body>",
           "\xef\xbb\xbf<!doctype html>\n<html lang=en>\n<head>\n|<title>",
           "|\xef\xbb<html>",
           "\xff\xfe|<",
           "\xfe\xff|<",
           "|\xff<html>",
           "|\xfe\xfe",
           "\xef\xbb\xbf|\xff\xfe",
           "<html>\n<head>|\xef\xbb\xbf<title>",
           "<!-- a > b --><!doctype html><!-- <head> -- > ---->\n|<title>",
           "<!-->|x",
           "<!--->|x",
           "<!---->|x",
           "<!----->|x",
           "<!--a--!>|x",
           "<!--a--!-->|x",
           "<!--a--!x-->|x",
           "<!--a<!-->|x",
           "<!--a->--x->-->|x",
           "<!>|x",
           "<!->|x",
           "<!-x>|x",
           "<?xml version=\"1.0\"?>\n<!DOCTYPE html>|x",
           "<![CDATA[x]]>|x",
           "<!doctype html \"a>|\">",
           "<html>|<header>",
           "<html>|<h1>",
           "|<htmlx>",
           "|<metadata charset=a>",
           "|</html>",
           "|< html>",
           "<HTML><HEAD><META CHARSET=utf-8>|<META NAME=x>",
           "<html/><head/>|x",
           "<html a=\"b>c\" d='>\"' e=f\"g h = \"i>\"\n>|x",
           "<html a=b/>|x",
           "<html a=/b>|x",
           "<html a=>|x",
           "<html a = >|x",
           "<html =a=\">\">|x",
           "<html a/b=\">\"/>|x",
           "<html \"a>|x",
           "<head\n\n\tdata-x>|x",
           "<meta charset=\"utf-8\">|<meta charset-x=a>",
           "<meta content=\">\" http-equiv=\"Content-Type\">|<link>",
           "<meta charset>|x",
           "<meta a charset=x />|x",
           "|<meta name=\"charset\" content=\"charset=utf-8\">",
           "|<meta name=charset>",
           "|<meta http-equiv=refresh content='0; charset'>",
           "|<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'self'\">",
           "|<meta>",
       }) {
    const std::size_t size = text.find('|');
    const std::string document = std::string(text.substr(0, size)).append(text.substr(size + 1));
    EXPECT_EQ(find(document), (Found{.size = size, .ended = true})) << text;
  }
}

TEST(HtmlPrefix, HoldsBackOnlyUndecidedBytes) {
  // Each document has a `|` before the bytes that are undecided if the document ends there.
  for (const std::string_view text : {
           "|",
           "|\xef\xbb",
           "|<",
           "|<!",
           "|<!-",
           "<!--|",
           "<!-- a very long comment|",
           "<!d|",
           "|<ht",
           "|<html",
           "<html |",
           "<html>|<hea",
           "<html><head a='|",
           "<head>\n|<meta charset='utf-8'",
           " \t\r\n\f|",
       }) {
    const std::size_t size = text.find('|');
    const std::string document = std::string(text.substr(0, size)).append(text.substr(size + 1));
    EXPECT_EQ(find(document), (Found{.size = size, .ended = false})) << text;
  }
}

TEST(HtmlPrefix, DoesNotWaitForAnEndlessMeta) {
  const std::string document = "<head><meta content='" + std::string(kMetaMax, 'x');
  EXPECT_EQ(find(document), (Found{.size = 6, .ended = true}));
  const std::string fits = "<meta charset=a content='" + std::string(kMetaMax - 40, 'x') + "'>";
  EXPECT_EQ(find(fits), (Found{.size = fits.size(), .ended = false}));
}

}  // namespace
}  // namespace hpp::proxyd
