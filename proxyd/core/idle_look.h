// Pure. The order in which proxyd finds out that no file has changed (common/bus/idle.h).
#pragma once

#include <cstdint>

namespace hpp::proxyd {

// Returns the sequence of the snapshot of watchd that contains every save until now; 0: not known.
// `Senses` has the methods
//   std::uint64_t page()       what the idle page says
//   bool queues_are_empty()
//   bool is_in_place()         whether each directory of a queue is still at its path
//   bool watchd_is_the_same()  no watchd has ended, or handed over another set of queues, since
//                              these queues came
// While this function runs, watchd and the user go on. A queue that is empty may have been read by
// this watchd, which the page shows later, or by the next one, which the connection shows later.
template <class Senses>
std::uint64_t idle_sequence(Senses&& senses) {
  if (senses.page() == 0) return 0;  // saves the system calls below
  if (!senses.queues_are_empty() || !senses.is_in_place()) return 0;
  if (!senses.watchd_is_the_same()) return 0;
  return senses.page();
}

}  // namespace hpp::proxyd
