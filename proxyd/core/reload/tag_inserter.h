// Pure. Inserts one tag into an HTML document that arrives in pieces.
#pragma once

#include <string>
#include <string_view>
#include <utility>

#include "proxyd/core/reload/html_prefix.h"

namespace hpp::proxyd {

// The tag is inserted exactly once, at the first place where it may stand (html_prefix.h), or at
// the end if the document has no such place. Only undecided bytes are held back: those that may
// have to stand before or after the tag, at most kMetaMax.
//
// A document in UTF-16 is recognised by its byte order mark. By then its head was sent, with the
// length of the document including the tag. Therefore the document gets UTF-16 spaces of the same
// size instead, before the doctype, where browsers ignore them.
class TagInserter {
 public:
  // `tag` must have an even number of bytes if the document may be in UTF-16.
  explicit TagInserter(std::string tag) : tag_(std::move(tag)) {}

  // Takes the next piece of the document. Appends to `out` the bytes that can be sent now.
  void feed(std::string_view content, std::string& out);

  // Ends the document. Appends to `out` the tag, if it is not inserted yet, and the undecided
  // bytes.
  void finish(std::string& out);

  // Whether the tag is inserted. The rest of the document is sent unchanged.
  bool is_in() const { return is_in_; }

  // Whether the document got spaces instead of the tag.
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
