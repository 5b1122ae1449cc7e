// Shell. Writes a core's log lines into the log.
#pragma once

#include "watchd/core/effects.h"

namespace hpp::watchd {

void say(const Say& line);

}  // namespace hpp::watchd
