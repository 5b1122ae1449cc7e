// Pure. Counts what pages have made of one batch of changes for browsers (bus::Refresh), for one
// line in the log: a page that reloads loses what its user has typed, so a developer wants to know
// why style sheets were not swapped.
#pragma once

#include <cstddef>
#include <optional>
#include <string>

#include "common/bus/messages.h"
#include "proxyd/core/reload/livereload.h"

namespace hpp::proxyd {

class RefreshTally {
 public:
  struct Batch {
    bus::RefreshPoint point;
    std::string why;         // which files changed
    std::size_t pages = 0;   // those with our own client, which report
    std::size_t others = 0;  // those with another client, which do not
  };

  // Begins to count; the batch before it must have ended. Returns the line if no report can come.
  std::optional<std::string> begin(Batch batch);

  // Returns the line if this is the last report. One about another batch is ignored.
  std::optional<std::string> on(const RefreshReport& report);

  // Returns the line as it is now, unless it was returned before: no more reports are waited for.
  std::optional<std::string> end();

 private:
  std::string line() const;

  std::size_t reports() const { return swapped_ + unaffected_ + reloaded_; }

  std::optional<Batch> batch_;  // nothing: its line was returned
  std::size_t swapped_ = 0;
  std::size_t unaffected_ = 0;
  std::size_t reloaded_ = 0;
};

}  // namespace hpp::proxyd
