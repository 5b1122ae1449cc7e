// Shell. Reads the output log (supervisord/output_log.h) while supervisord writes it, and replaces
// the file when it is full. Output is passed over only if both files are replaced between two calls
// of read().
#pragma once

#include <optional>
#include <string>

#include "common/bus/messages.h"
#include "common/os/unique_fd.h"

namespace hpp::bus {

class OutputLogReader {
 public:
  OutputLogReader(const std::string& run_directory, const AuthorId& author);

  // Returns what was written since the last call. Nothing: there is no log.
  std::optional<std::string> read();

 private:
  std::string path_;
  std::string old_path_;
  UniqueFd file_;  // the newest one at the last call
};

}  // namespace hpp::bus
