// Writes an Outlet's waiting bytes as soon as its terminal or pipe takes them.
#pragma once

#include <functional>
#include <memory>
#include <utility>
#include <vector>

#include "common/event/fd_watch.h"
#include "common/event/loop.h"
#include "common/os/outlet.h"

namespace hpp {

class OutletWatch {
 public:
  // `loop` and `outlet` must outlive the watch. An outlet may have only one watch.
  OutletWatch(Loop& loop, Outlet& outlet);
  ~OutletWatch();
  OutletWatch(const OutletWatch&) = delete;
  OutletWatch& operator=(const OutletWatch&) = delete;

  Outlet& outlet() const { return outlet_; }

  // Calls `on_room` each time that all waiting bytes have been written, until leave(owner).
  void join(const void* owner, std::function<void()> on_room);
  void leave(const void* owner);

 private:
  void start();
  void flush();

  Loop& loop_;
  Outlet& outlet_;
  std::unique_ptr<FdWatch>
      writable_;  // created when first needed, because epoll refuses plain files
  std::vector<std::pair<const void*, std::function<void()>>> writers_;
};

}  // namespace hpp
