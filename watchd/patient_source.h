// Shell. Owns a source and its standby, around core::Patience.
#pragma once

#include <functional>
#include <string>
#include <utility>
#include <variant>

#include "common/event/loop.h"
#include "common/event/timer.h"
#include "common/event_runner.h"
#include "watchd/core/patience.h"

namespace hpp::watchd {

class PatientSource {
 public:
  using OnReport = std::function<void(const Report&)>;
  using TakeOrder = std::function<void(const Order&)>;  // owns the source that takes the order
  using Make = std::function<TakeOrder(OnReport)>;

  // `directory` begins the log lines. The standby is made when it is needed. `loop` must outlive
  // the source.
  PatientSource(Loop& loop, std::string directory, Patience patience, const Make& make_first,
                Make make_standby, OnReport on_report);

  // Takes an order. The first Watch throws what the first source throws.
  void take(const Order& order) {
    std::visit([this](const auto& o) { events_.post(o); }, order);
  }

 private:
  void dispatch(const PatienceEvent& event);

  void perform(const ToFirst& effect);
  void perform(const ToStandby& effect);
  void perform(const StartTimer& effect);
  void perform(const StopTimer&);
  void perform(const Say& effect);

  template <class R>
  void perform(const R& report) {
    on_report_(report);
  }

  std::string directory_;
  Patience patience_;
  OnReport on_report_;
  Make make_standby_;
  TakeOrder first_;
  TakeOrder standby_;
  Timer timer_;
  EventRunner<PatienceEvent> events_{[this](const PatienceEvent& event) { dispatch(event); }};
};

}  // namespace hpp::watchd
