// What is to be seen from afar of a line of state, where the log has colours.
#pragma once

#include <string_view>

#include "common/log.h"
#include "supervisord/core/backend.h"

namespace hpp::supervisord {

// `Running` of `Running: generation 1 …`, in the colour of `state`; nothing of a line of another
// kind. A view of `text`.
log::Headword headword(std::string_view text, Backend::State state);

}  // namespace hpp::supervisord
