#include "watchd/patient_source.h"

#include "watchd/say.h"

namespace hpp::watchd {

PatientSource::PatientSource(Loop& loop, std::string directory, Patience patience,
                             const Make& make_first, Make make_standby, OnReport on_report)
    : directory_(std::move(directory)),
      patience_(std::move(patience)),
      on_report_(std::move(on_report)),
      make_standby_(std::move(make_standby)),
      first_(make_first([this](const Report& report) { events_.post(FromFirst{report}); })),
      timer_(loop, [this] { events_.post(TimerExpired{}); }) {}

void PatientSource::dispatch(const PatienceEvent& event) {
  for (const PatienceEffect& effect : patience_.on(event)) {
    std::visit([this](const auto& e) { perform(e); }, effect);
  }
}

void PatientSource::perform(const ToFirst& effect) {
  first_(effect.order);
}

void PatientSource::perform(const ToStandby& effect) {
  if (!standby_) {
    standby_ = make_standby_([this](const Report& report) { events_.post(FromStandby{report}); });
  }
  standby_(effect.order);
}

void PatientSource::perform(const StartTimer& effect) {
  timer_.start(effect.delay);
}

void PatientSource::perform(const StopTimer&) {
  timer_.stop();
}

void PatientSource::perform(const Say& effect) {
  say({effect.level, directory_ + ": " + effect.text});
}

}  // namespace hpp::watchd
