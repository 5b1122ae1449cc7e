#include "common/os/splice_pipe.h"

#include <fcntl.h>
#include <unistd.h>

#include <cassert>
#include <utility>

namespace hpp {
namespace {

// The default of 64 KiB would need four times as many system calls for a long body.
constexpr int kCapacity = 256 * 1024;
constexpr std::size_t kIdleMax = 16;

}  // namespace

std::unique_ptr<SplicePipe> SplicePipe::make() {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC | O_NONBLOCK) != 0) return nullptr;
  UniqueFd out(ends[0]);
  UniqueFd in(ends[1]);
  ::fcntl(in.get(), F_SETPIPE_SZ, kCapacity);
  return std::unique_ptr<SplicePipe>(new SplicePipe(std::move(out), std::move(in)));
}

SplicePipe::SplicePipe(UniqueFd out, UniqueFd in) : out_(std::move(out)), in_(std::move(in)) {}

ssize_t SplicePipe::fill(int from, std::size_t max) {
  assert(held_ == 0);
  const ssize_t size =
      ::splice(from, nullptr, in_.get(), nullptr, max, SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
  if (size > 0) held_ = static_cast<std::size_t>(size);
  return size;
}

ssize_t SplicePipe::empty_into(int to) {
  const ssize_t size =
      ::splice(out_.get(), nullptr, to, nullptr, held_, SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
  if (size > 0) held_ -= static_cast<std::size_t>(size);
  return size;
}

std::unique_ptr<SplicePipe> SplicePipes::take() {
  if (idle_.empty()) return SplicePipe::make();
  auto pipe = std::move(idle_.back());
  idle_.pop_back();
  return pipe;
}

void SplicePipes::put_back(std::unique_ptr<SplicePipe> pipe) {
  if (pipe->held() == 0 && idle_.size() < kIdleMax) idle_.push_back(std::move(pipe));
}

}  // namespace hpp
