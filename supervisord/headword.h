// The colour of the word in a log line that reports a state.
#pragma once

#include "common/log.h"
#include "supervisord/core/backend.h"

namespace hpp::supervisord {

log::Colour colour_of(Backend::State state);

}  // namespace hpp::supervisord
