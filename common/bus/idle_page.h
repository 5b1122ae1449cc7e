// The page of shared memory in which watchd tells proxyd that it is idle (idle.h).
#pragma once

#include <atomic>
#include <cstdint>
#include <optional>

#include "common/os/unique_fd.h"

namespace hpp::bus {

// A mapping of the page.
class IdlePage {
 public:
  // Creates a page that says that watchd works. Returns nothing if the kernel has no memory or no
  // descriptor for it.
  static std::optional<IdlePage> create();

  // Maps a page that another process has created, for reading. Returns nothing if the descriptor is
  // none of such a page.
  static std::optional<IdlePage> open(UniqueFd fd);

  IdlePage(IdlePage&& other) noexcept;
  IdlePage& operator=(IdlePage&& other) noexcept;
  ~IdlePage();

  // For the other process.
  int fd() const { return fd_.get(); }

  // Only for the process that has created the page. 0: watchd works.
  void write(std::uint64_t sequence) { *value_ = sequence; }

  std::uint64_t read() const { return *value_; }

 private:
  using Value = std::atomic<std::uint64_t>;

  IdlePage(UniqueFd fd, Value* value);

  UniqueFd fd_;
  Value* value_ = nullptr;
};

}  // namespace hpp::bus
