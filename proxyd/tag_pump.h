// Shell. Moves the beginning of a page's body, up to hpp's tag. The rest is moved by pump().
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
  // The body must have been begun without keep_framing. Use the pump until is_done(), or until the
  // body is over.
  TagPump(std::string tag, Framing framing, Delivery::Coding coding);

  // Moves as much as is possible now, as pump() does. `copy`: gets the body without the tag.
  Pumped pump(Buffer& from, Buffer& to, ResponseBody& body, BodyCopy* copy = nullptr);

  // Called if the body ends with its connection before the tag was inserted. Appends the tag.
  void finish(Buffer& to);

  // Whether the tag is inserted, and pump() can move the rest of the body.
  bool is_done() const { return is_done_; }

  // Whether the document is in UTF-16 and therefore has not got the tag.
  bool is_utf16() const { return inserter_.is_utf16(); }

 private:
  void pass(Buffer& from, Buffer& to, std::size_t size, bool is_last);
  void drop(Buffer& from, Buffer& to, const BodyStep& step, ResponseBody& body);
  void write(Buffer& to);

  TagInserter inserter_;
  bool reads_chunks_;
  bool writes_chunks_;
  bool is_done_ = false;
  std::string text_;  // content that the inserter has released, to be written next
};

}  // namespace hpp::proxyd
