#include "supervisord/headword.h"

namespace hpp::supervisord {
namespace {

log::Colour colour_of(Backend::State state) {
  switch (state) {
    case Backend::State::Running:
    case Backend::State::Rebuilding:
      return log::Colour::Green;
    case Backend::State::Building:
    case Backend::State::Loading:
      return log::Colour::Cyan;
    case Backend::State::Waiting:
    case Backend::State::Killing:
      return log::Colour::Yellow;
    case Backend::State::Error:
      return log::Colour::Red;
    case Backend::State::Starting:
    case Backend::State::Stopping:
    case Backend::State::Left:
      return log::Colour::None;
  }
  return log::Colour::None;
}

}  // namespace

log::Headword headword(std::string_view text, Backend::State state) {
  const auto end = text.find_first_of(": ");
  const bool is_headed = end != std::string_view::npos && text[end] == ':';
  if (!is_headed) return {};
  return {.word = text.substr(0, end), .colour = colour_of(state)};
}

}  // namespace hpp::supervisord
