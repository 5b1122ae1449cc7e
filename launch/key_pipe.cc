#include "launch/key_pipe.h"

#include <poll.h>
#include <unistd.h>

#include <cassert>
#include <climits>

namespace hpp::launch {

static_assert(KeyPipe::kWriteMax <= PIPE_BUF);

KeyPipe::KeyPipe(Loop& loop, std::function<void()> on_room)
    : on_room_(std::move(on_room)),
      writable_(loop, pipe_.writer.get(), FdWatch::For::Writing, [this] {
        writable_.stop();
        on_room_();
      }) {}

bool KeyPipe::write(std::string_view bytes) {
  assert(bytes.size() <= kWriteMax);
  // The write cannot fail with EPIPE: this object keeps the reading end open, too.
  [[maybe_unused]] const auto written = ::write(pipe_.writer.get(), bytes.data(), bytes.size());
  pollfd entry{.fd = pipe_.writer.get(), .events = POLLOUT, .revents = 0};
  if (::poll(&entry, 1, 0) > 0) return true;
  writable_.start();
  return false;
}

}  // namespace hpp::launch
