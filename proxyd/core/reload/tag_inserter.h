// Pure. Puts one tag into an HTML document that comes piece by piece.
#pragma once

#include <string>
#include <string_view>
#include <utility>

#include "proxyd/core/reload/html_prefix.h"

namespace hpp::proxyd {

// The tag goes in exactly once, at the first place where it may stand (html_prefix.h), or at the
// end of a document that ends before. Of what comes nothing is kept back but the bytes, kMetaMax at
// most, that do not tell yet on which side of the tag they belong.
//
// A document in UTF-16 shows that by a byte order mark, after the head has announced how long the
// document with its tag is. It gets as many bytes of spaces instead, in UTF-16, where browsers
// ignore them: before the doctype.
class TagInserter {
 public:
  // `tag` has an even number of bytes, if the document may be in UTF-16.
  explicit TagInserter(std::string tag) : tag_(std::move(tag)) {}

  // Appends to `out` what is to be sent now that `content` has come.
  void feed(std::string_view content, std::string& out);

  // Likewise, now that the document has ended.
  void finish(std::string& out);

  // Whether the tag has been given out. What follows is sent as it comes.
  bool is_in() const { return is_in_; }

  // Whether the document got spaces instead.
  bool is_utf16() const { return is_utf16_; }

 private:
  void become_utf16(char last_of_mark);

  std::string tag_;
  HtmlPrefix prefix_;
  std::string undecided_;
  bool is_in_ = false;
  bool is_utf16_ = false;
};

}  // namespace hpp::proxyd
