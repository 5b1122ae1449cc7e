#include "supervisord/headword.h"

namespace hpp::supervisord {

log::Colour colour_of(Backend::State state) {
  switch (state) {
    case Backend::State::Running:
    case Backend::State::Rebuilding:
      return log::Colour::Green;
    case Backend::State::Building:
    case Backend::State::Loading:
    case Backend::State::Failing:
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

}  // namespace hpp::supervisord
