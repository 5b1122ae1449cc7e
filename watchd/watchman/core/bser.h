// Pure. BSER, the binary form of Watchman's protocol
// (https://facebook.github.io/watchman/docs/bser).
//
// hpp does not use the JSON form, because a file name may be any bytes, and Watchman 4.9 cannot
// write a name that is not UTF-8 as JSON. It then stops sending on that connection but does not
// close it, so hpp would miss all later changes without noticing. BSER carries the bytes unchanged.
#pragma once

#include <cstddef>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>

namespace hpp::watchd::watchman::bser {

// The longest header of a PDU: magic, tag, 64-bit size.
constexpr std::size_t kHeaderMax = 2 + 1 + 8;

// The result of reading a PDU's header.
struct Frame {
  enum class Is {
    Incomplete,  // more bytes are needed to tell
    Sized,       // the PDU has `size` bytes, this header included
    Broken,      // the input is not BSER, and cannot be read any further
  };

  Is is = Is::Incomplete;
  std::size_t size = 0;

  bool operator==(const Frame&) const = default;
};

// Reads the header of a PDU. `bytes` may hold less or more than it.
Frame frame(std::string_view bytes);

// Returns one whole PDU. The bytes of strings are written unchanged.
std::string encode(const nlohmann::json& value);

// Returns the value of one whole PDU; nothing if it is malformed. Never throws. Strings in the
// result may not be UTF-8, which nlohmann::json::dump() refuses and json_text() replaces.
std::optional<nlohmann::json> decode(std::string_view pdu);

}  // namespace hpp::watchd::watchman::bser
