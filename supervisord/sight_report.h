// Shell. Reports why the backend does not answer yet.
#pragma once

#include <functional>
#include <utility>

#include "common/event/loop.h"
#include "common/event/timer.h"
#include "supervisord/core/events.h"

namespace hpp::supervisord {

class SightReport {
 public:
  using OnSight = std::function<void(const Sight&)>;

  // `on_sight` is called whenever the reason has changed: for the first time half a second after
  // start(), then at most twice a second. `on_late` is called once, kLate after start(). `loop`
  // must outlive this.
  SightReport(Loop& loop, OnSight on_sight, OnSight on_late);

  // Begins without a reason. `may_be_late`: whether to call `on_late`.
  void start(bool may_be_late = true);

  void stop();

  // The reason from now on.
  void see(Sight sight) { sight_ = std::move(sight); }

 private:
  void report();

  OnSight on_sight_;
  Sight sight_;
  Sight reported_;
  Timer next_;
  Timer late_;
};

}  // namespace hpp::supervisord
