// Pure. BSER, the binary form of Watchman's protocol
// (https://facebook.github.io/watchman/docs/bser).
//
// Why not the JSON form: a file name is any bytes, and Watchman 4.9 cannot write one that is not
// UTF-8 as JSON. It then says nothing any more on that connection, and does not close it either:
// hpp would be deaf without knowing. BSER carries the bytes as they are.
#pragma once

#include <cstddef>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>

namespace hpp::watchd::watchman::bser {

// The most bytes of a PDU that tell its size.
constexpr std::size_t kHeaderMax = 2 + 1 + 8;

// What the first bytes of a connection's input say.
struct Frame {
  enum class Is {
    Incomplete,  // more bytes are needed to tell
    Sized,       // the PDU has `size` bytes, this header included
    Broken,      // that is no BSER: nothing that follows can be understood
  };

  Is is = Is::Incomplete;
  std::size_t size = 0;

  bool operator==(const Frame&) const = default;
};

// Reads the header of a PDU. `bytes` may hold less or more than it.
Frame frame(std::string_view bytes);

// One whole PDU. Strings go out as the bytes that they are.
std::string encode(const nlohmann::json& value);

// The value of one whole PDU; nothing if it is malformed. Never throws. Strings of the result may
// hold bytes that are no UTF-8, with which nlohmann::json::dump wants an error handler.
std::optional<nlohmann::json> decode(std::string_view pdu);

}  // namespace hpp::watchd::watchman::bser
