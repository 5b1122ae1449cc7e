#include "common/event/outlet_watch.h"

namespace hpp {

OutletWatch::OutletWatch(Loop& loop, Outlet& outlet) : loop_(loop), outlet_(outlet) {
  outlet_.on_waiting([this] { start(); });
  if (outlet_.is_waiting()) start();
}

OutletWatch::~OutletWatch() {
  outlet_.on_waiting({});
}

void OutletWatch::join(const void* owner, std::function<void()> on_room) {
  writers_.emplace_back(owner, std::move(on_room));
}

void OutletWatch::leave(const void* owner) {
  std::erase_if(writers_, [owner](const auto& writer) { return writer.first == owner; });
}

void OutletWatch::start() {
  if (!writable_) {
    writable_ =
        std::make_unique<FdWatch>(loop_, outlet_.fd(), FdWatch::For::Writing, [this] { flush(); });
  }
  writable_->start();
}

void OutletWatch::flush() {
  if (!outlet_.flush()) return;
  writable_->stop();
  for (const auto& [owner, on_room] : writers_) on_room();
}

}  // namespace hpp
