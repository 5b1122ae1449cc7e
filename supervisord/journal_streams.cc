#include "supervisord/journal_streams.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstdlib>
#include <string_view>
#include <system_error>

#include "common/background_variable.h"
#include "common/log.h"
#include "common/os/error.h"

namespace hpp::supervisord {
namespace {

constexpr std::string_view kSocket = "/run/systemd/journal/stdout";
// The header of a stream, as sd_journal_stream_fd(3) sends it: identifier, unit, default priority
// (LOG_INFO), and whether lines begin with a priority and are forwarded to syslog, the kernel's log
// and the console.
constexpr std::string_view kHeader = "hpp-backend\n\n6\n0\n0\n0\n0\n";

// The bytes of output that may wait for journald before the backend blocks. The same as in
// libsystemd.
constexpr int kBuffer = 8 * 1024 * 1024;

// Throws std::system_error.
UniqueFd open_stream() {
  UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!fd.is_open()) throw_errno("cannot create a socket");
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  kSocket.copy(address.sun_path, sizeof address.sun_path - 1);
  if (::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    throw_errno(fmt::format("cannot connect to {}", kSocket));
  }
  ::shutdown(fd.get(), SHUT_RD);
  ::setsockopt(fd.get(), SOL_SOCKET, SO_SNDBUF, &kBuffer, sizeof kBuffer);
  // The buffer of a new socket has room for the whole header.
  if (::send(fd.get(), kHeader.data(), kHeader.size(), MSG_NOSIGNAL) < 0) {
    throw_errno(fmt::format("cannot write to {}", kSocket));
  }
  return fd;
}

// The result is closed if the backend shares `fd`, because that is no journal stream, or because
// the journal does not accept a new one.
UniqueFd stream_instead_of(int fd) {
  if (std::getenv(kBackgroundVariable) != nullptr) {
    return UniqueFd(::open("/dev/null", O_WRONLY | O_CLOEXEC));
  }
  if (!log::is_journal(fd)) return {};
  try {
    return open_stream();
  } catch (const std::system_error& error) {
    log::warning("your server's lines have the identifier hpp in the journal, as hpp's own do: {}",
                 error.what());
    return {};
  }
}

}  // namespace

JournalStreams::JournalStreams()
    : out_(stream_instead_of(STDOUT_FILENO)),
      err_(stream_instead_of(STDERR_FILENO)),
      out_fd_(out_.is_open() ? out_.get() : STDOUT_FILENO),
      err_fd_(err_.is_open() ? err_.get() : STDERR_FILENO) {
  ::unsetenv(kBackgroundVariable);
}

}  // namespace hpp::supervisord
