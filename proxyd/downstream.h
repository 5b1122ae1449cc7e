// Shell. Gives a client its answers, as HTTP/1.1: heads, bodies, their ends, and answers of hpp's
// own.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "common/event/stream.h"
#include "proxyd/core/exchange.h"
#include "proxyd/core/http/body.h"
#include "proxyd/core/http/own_answer.h"
#include "proxyd/pump.h"
#include "proxyd/tag_pump.h"

namespace hpp::proxyd {

class Downstream {
 public:
  // `stream`, the client's connection, must outlive it.
  explicit Downstream(Stream& stream) : stream_(stream) {}

  // `tag`: to be added to the page that follows; empty: none.
  void pass_head(std::string_view head, const PassResponseHead& how, const std::string& tag);

  // Whether the body is to be passed with the framing that it comes with.
  bool keeps_framing() const { return coding_ != Delivery::Coding::Dechunk && !tag_pump_; }

  // Moves what can be moved now of the answer's body, which `pump` gets from the backend.
  Pumped pump_body(Stream& from, ResponseBody& body, BodyPump& pump);

  // Whether pump_body() has found that the page is in UTF-16, and does not get its tag.
  bool is_utf16() const { return is_utf16_; }

  // The body is complete.
  void end_body();

  void write(const OwnAnswer& answer, bool is_head, std::int64_t now_ms);

  // The last answer is complete. `lingers`: the client may be sending more.
  void finish(bool lingers);

 private:
  Stream& stream_;
  Delivery::Coding coding_ = Delivery::Coding::AsItCame;
  bool ends_by_close_ = false;  // the answer under way ends with the connection
  bool is_utf16_ = false;
  std::unique_ptr<TagPump> tag_pump_;  // while a page has not got its tag
};

}  // namespace hpp::proxyd
