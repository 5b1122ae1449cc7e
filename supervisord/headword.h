// Finds the first word of a log line that reports a state, and the colour to highlight it with.
#pragma once

#include <string_view>

#include "common/log.h"
#include "supervisord/core/backend.h"

namespace hpp::supervisord {

// Returns `Running` for `Running: generation 1 …`, with the colour of `state`. The headword is
// empty for a line that does not begin with a word and a colon. The word is a view of `text`.
log::Headword headword(std::string_view text, Backend::State state);

}  // namespace hpp::supervisord
