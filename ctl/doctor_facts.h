// Shell. Gathers what core/doctor.h judges.
#pragma once

#include "ctl/core/doctor.h"
#include "ctl/options.h"

namespace hpp::ctl {

// Takes up to some seconds if a program does not answer. Starts nothing that stays: a Watchman that
// does not run is not started. Throws Failure if several instances could be meant.
DoctorFacts gather_facts(const CtlOptions& options);

}  // namespace hpp::ctl
