// Shell. Reads a message's head from the front of a buffer.
#pragma once

#include <string_view>
#include <variant>

#include "common/event/buffer.h"
#include "proxyd/core/http/parser.h"

namespace hpp::proxyd {

// Removes the empty lines before a request. Returns whether the request has begun.
bool find_request(Buffer& input);

// Joins the buffer's pieces only if the head is not complete in the first one, which is rare.
template <class Parser>
HeadResult read_head(Parser& parser, Buffer& input) {
  const std::string_view piece = input.front();
  if (piece.empty()) return NeedMore{};
  HeadResult result = parser.read_head(piece);
  const bool is_all = piece.size() == input.size() || piece.size() >= kHeadSizeMax;
  if (is_all || !std::holds_alternative<NeedMore>(result)) return result;
  return parser.read_head(input.pull_up(kHeadSizeMax));
}

}  // namespace hpp::proxyd
