// Pure. Counts what pages did about one refresh (bus::Refresh), for one line in the log.
//
// A page that reloads loses the text that its user has typed, so developers want to know whether
// their style sheets were swapped.
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
    std::size_t pages = 0;   // pages with hpp's client, which report
    std::size_t others = 0;  // pages with another client, which do not report
  };

  // Begins to count. end() must have been called for an earlier batch. Returns the log line at once
  // if no page reports.
  std::optional<std::string> begin(Batch batch);

  // Returns the log line if this is the last report. Ignores a report about another batch.
  std::optional<std::string> on(const RefreshReport& report);

  // Ends the count. Returns the log line with the reports so far, unless it was returned before.
  std::optional<std::string> end();

 private:
  std::string line() const;

  std::size_t reports() const { return swapped_ + unaffected_ + reloaded_; }

  std::optional<Batch> batch_;  // nothing once its line was returned
  std::size_t swapped_ = 0;
  std::size_t unaffected_ = 0;
  std::size_t reloaded_ = 0;
};

}  // namespace hpp::proxyd
