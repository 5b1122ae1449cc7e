#include "common/bus/idle_page.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <utility>

namespace hpp::bus {
namespace {

static_assert(std::atomic<std::uint64_t>::is_always_lock_free);

// So that no access to the mapping can fail, the page can never get smaller.
constexpr int kSeals = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL;

void* map(int fd, int protection) {
  return ::mmap(nullptr, sizeof(std::uint64_t), protection, MAP_SHARED, fd, 0);
}

}  // namespace

std::optional<IdlePage> IdlePage::create() {
  UniqueFd fd(::memfd_create("hpp-idle", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  if (!fd.is_open() || ::ftruncate(fd.get(), sizeof(Value)) != 0 ||
      ::fcntl(fd.get(), F_ADD_SEALS, kSeals) != 0) {
    return std::nullopt;
  }
  void* const memory = map(fd.get(), PROT_READ | PROT_WRITE);
  if (memory == MAP_FAILED) return std::nullopt;
  return IdlePage(std::move(fd), static_cast<Value*>(memory));
}

std::optional<IdlePage> IdlePage::open(UniqueFd fd) {
  const bool is_sealed = ::fcntl(fd.get(), F_GET_SEALS) == kSeals;
  if (!is_sealed || ::lseek(fd.get(), 0, SEEK_END) != sizeof(Value)) return std::nullopt;
  void* const memory = map(fd.get(), PROT_READ);
  if (memory == MAP_FAILED) return std::nullopt;
  return IdlePage(std::move(fd), static_cast<Value*>(memory));
}

IdlePage::IdlePage(UniqueFd fd, Value* value) : fd_(std::move(fd)), value_(value) {}

IdlePage::IdlePage(IdlePage&& other) noexcept
    : fd_(std::move(other.fd_)), value_(std::exchange(other.value_, nullptr)) {}

IdlePage& IdlePage::operator=(IdlePage&& other) noexcept {
  std::swap(fd_, other.fd_);
  std::swap(value_, other.value_);
  return *this;
}

IdlePage::~IdlePage() {
  if (value_ != nullptr) ::munmap(value_, sizeof(Value));
}

}  // namespace hpp::bus
