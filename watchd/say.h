// Shell. Writes what a core says into the log.
#pragma once

#include "watchd/core/effects.h"

namespace hpp::watchd {

void say(const Say& line);

}  // namespace hpp::watchd
