// Writes what an Outlet has waiting as soon as its terminal or pipe takes it.
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
  // Both must outlive it. One watch for an outlet.
  OutletWatch(Loop& loop, Outlet& outlet);
  ~OutletWatch();
  OutletWatch(const OutletWatch&) = delete;
  OutletWatch& operator=(const OutletWatch&) = delete;

  Outlet& outlet() const { return outlet_; }

  // Calls `on_room` each time that all that waited is written, until `owner` leaves.
  void join(const void* owner, std::function<void()> on_room);
  void leave(const void* owner);

 private:
  void start();
  void flush();

  Loop& loop_;
  Outlet& outlet_;
  std::unique_ptr<FdWatch> writable_;  // made when first needed: epoll refuses plain files
  std::vector<std::pair<const void*, std::function<void()>>> writers_;
};

}  // namespace hpp
