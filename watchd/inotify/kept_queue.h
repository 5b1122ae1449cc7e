// Shell. Owns an inotify descriptor that outlives watchd, together with the position of the newest
// change that was read from it.
#pragma once

#include <atomic>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "common/os/unique_fd.h"
#include "common/service_manager.h"

namespace hpp::watchd::inotify {

// The service manager keeps two descriptors under one name: inotify's, and a memory file with the
// queue's token and position. A signal that kills watchd cannot lose the position, because watchd
// writes it into the mapped file.
class KeptQueue {
 public:
  // The position while events are read: it is no position of a clock.
  static constexpr std::uint64_t kReading = ~std::uint64_t{0};

  // `manager` must outlive the queue. `store_name`: the descriptors' name in its store.
  KeptQueue(ServiceManager& manager, std::string_view store_name);
  ~KeptQueue();
  KeptQueue(const KeptQueue&) = delete;
  KeptQueue& operator=(const KeptQueue&) = delete;

  struct Opened {
    int error = 0;  // an errno value; 0: the queue is open
    bool is_kept = false;
  };

  // Opens the kept queue with this token. If there is none, opens a new one with another token, and
  // has the manager keep it. The previous queue must be closed.
  Opened open(const std::string& token);

  // Closes the queue. The manager forgets it.
  void close();

  int fd() const { return fd_.get(); }

  // The token is random, and readable.
  std::string token() const;

  std::uint64_t position() const { return page_->position; }

  void set_position(std::uint64_t position) { page_->position = position; }

 private:
  struct Page {
    char token[16];
    std::atomic<std::uint64_t> position;
  };

  bool adopt(UniqueFd queue, UniqueFd memory, const std::string& token);
  int create();
  bool map(int memory);
  void unmap();

  ServiceManager& manager_;
  std::string store_name_;
  UniqueFd fd_;
  UniqueFd memory_;
  Page* page_ = nullptr;
};

}  // namespace hpp::watchd::inotify
