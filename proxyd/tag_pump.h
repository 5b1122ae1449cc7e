// Shell. Moves the part of an answer's body that is read, and not only passed on: up to our tag.
#pragma once

#include <string>

#include "common/event/buffer.h"
#include "proxyd/core/http/body.h"
#include "proxyd/core/http/rewrite.h"
#include "proxyd/core/reload/tag_inserter.h"
#include "proxyd/pump.h"

namespace hpp::proxyd {

class TagPump {
 public:
  // For a body that has been begun without its framing; until is_done(), or the body is over.
  TagPump(std::string tag, Framing framing, Delivery::Coding coding);

  // Moves what can be moved now, as pump() does.
  Pumped pump(Buffer& from, Buffer& to, ResponseBody& body);

  // The body has ended with its connection: the tag is not in yet.
  void finish(Buffer& to);

  // The tag is in; what is left of the body, if anything is, is for pump().
  bool is_done() const { return is_done_; }

  // The document is in UTF-16, and has not got the tag.
  bool is_utf16() const { return inserter_.is_utf16(); }

 private:
  void pass(Buffer& from, Buffer& to, std::size_t size, bool is_last);
  void drop(Buffer& from, Buffer& to, const BodyStep& step, ResponseBody& body);
  void write(Buffer& to);

  TagInserter inserter_;
  bool reads_chunks_;
  bool writes_chunks_;
  bool is_done_ = false;
  std::string text_;  // to be written: content that has been looked at
};

}  // namespace hpp::proxyd
