#include "supervisord/journal_streams.h"

#include <syslog.h>
#include <systemd/sd-journal.h>
#include <unistd.h>

#include "common/log.h"
#include "common/os/error.h"

namespace hpp::supervisord {
namespace {

constexpr const char* kIdentifier = "hpp-backend";

// The result is closed if `fd` is no journal stream, or if the journal does not accept a new one.
UniqueFd stream_instead_of(int fd) {
  if (!log::is_journal(fd)) return {};
  const int stream = ::sd_journal_stream_fd(kIdentifier, LOG_INFO, /*level_prefix=*/0);
  if (stream >= 0) return UniqueFd(stream);
  log::warning("the backend's lines in the journal cannot be told from hpp's: {}",
               error_text(-stream));
  return {};
}

}  // namespace

JournalStreams::JournalStreams()
    : out_(stream_instead_of(STDOUT_FILENO)),
      err_(stream_instead_of(STDERR_FILENO)),
      out_fd_(out_.is_open() ? out_.get() : STDOUT_FILENO),
      err_fd_(err_.is_open() ? err_.get() : STDERR_FILENO) {}

}  // namespace hpp::supervisord
