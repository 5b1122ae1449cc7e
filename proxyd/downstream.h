// Shell. Sends answers to a client as HTTP/1.1: the backend's heads and bodies, and hpp's own
// answers.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "common/event/stream.h"
#include "proxyd/core/events.h"
#include "proxyd/core/http/body.h"
#include "proxyd/core/http/own_answer.h"
#include "proxyd/pump.h"
#include "proxyd/tag_pump.h"

namespace hpp::proxyd {

class Downstream {
 public:
  // `stream`: the client's connection, which must outlive this object.
  explicit Downstream(Stream& stream) : stream_(stream) {}

  // `tag`: the tag to add to the page whose head this is; empty: none.
  void pass_head(std::string_view head, const PassResponseHead& how, const std::string& tag);

  // Whether the body is passed with its original framing.
  bool keeps_framing() const { return coding_ != Delivery::Coding::Dechunk && !tag_pump_; }

  // Moves as much of the answer's body as is possible now, from the backend's stream `from`.
  // `copy`: gets the body as the backend has sent it; may be nullptr.
  Pumped pump_body(Stream& from, ResponseBody& body, BodyPump& pump, BodyCopy* copy);

  // Whether pump_body() has found that the page is in UTF-16 and cannot get its tag.
  bool is_utf16() const { return is_utf16_; }

  // The body is complete.
  void end_body();

  void write(const OwnAnswer& answer, bool is_head, std::int64_t now_ms);

  // The last answer is complete. `lingers`: the client may be sending more.
  void finish(bool lingers);

 private:
  Stream& stream_;
  Delivery::Coding coding_ = Delivery::Coding::AsItCame;
  bool ends_by_close_ = false;  // the current answer ends with the connection
  bool is_utf16_ = false;
  std::unique_ptr<TagPump> tag_pump_;  // set until the page has got its tag
};

}  // namespace hpp::proxyd
