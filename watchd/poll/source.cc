#include "watchd/poll/source.h"

#include <fcntl.h>

#include <variant>

#include "common/os/unique_fd.h"
#include "watchd/digest.h"

namespace hpp::watchd::poll {
namespace {

using std::chrono::steady_clock;

// How long to work before the other events of watchd have a turn.
constexpr std::chrono::milliseconds kSlice{4};

}  // namespace

Source::Source(Loop& loop, const Settings& settings, OnReport on_report)
    : directory_(settings.directory),
      poller_({.wants_digests = settings.filter.ignore_unchanged,
               .interval = settings.interval,
               .settle = settings.settle}),
      walk_(settings.directory, Lister(Scope(settings.filter, settings.ignored), settings.prefix)),
      on_report_(std::move(on_report)),
      timer_(loop, [this] { take(TimerExpired{}); }),
      turn_(loop, [this] { work(); }) {}

void Source::dispatch(const Event& event) {
  for (const Effect& effect : poller_.on(event, steady_clock::now())) {
    std::visit([this](const auto& e) { perform(e); }, effect);
  }
}

// ---- work in slices -----------------------------------------------------------------------------

void Source::work() {
  switch (work_) {
    case Work::None:
      return;
    case Work::Walking:
      return walk();
    case Work::Reading:
      return read();
  }
}

void Source::walk() {
  switch (walk_.go_on(steady_clock::now() + kSlice)) {
    case Walk::Outcome::Unfinished:
      return turn_.start(std::chrono::milliseconds{0});
    case Walk::Outcome::Ended: {
      work_ = Work::None;
      const auto took = steady_clock::now() - began_;
      return take(Scanned{.files = walk_.take(),
                          .took = std::chrono::duration_cast<std::chrono::milliseconds>(took),
                          .began_ns = began_ns_});
    }
    case Walk::Outcome::Failed:
      work_ = Work::None;
      return take(ScanFailed{walk_.problem()});
  }
}

void Source::read() {
  const auto deadline = steady_clock::now() + kSlice;
  const UniqueFd folder(::open(directory_.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  while (contents_.digests.size() < names_.size()) {
    contents_.digests.push_back(digest_of(folder.get(), names_[contents_.digests.size()]));
    if (steady_clock::now() >= deadline) return turn_.start(std::chrono::milliseconds{0});
  }
  work_ = Work::None;
  take(std::move(contents_));
}

// ---- effects ------------------------------------------------------------------------------------

// The first slice needs no turn of its own, so that a small tree is scanned at once.
void Source::perform(const StartScan&) {
  perform(Abandon{});
  began_ = steady_clock::now();
  began_ns_ = std::chrono::nanoseconds{std::chrono::system_clock::now().time_since_epoch()}.count();
  walk_.begin();
  work_ = Work::Walking;
  work();
}

void Source::perform(const ReadContents& effect) {
  names_ = effect.names;
  contents_ = {};
  work_ = Work::Reading;
  work();
}

void Source::perform(const Abandon&) {
  turn_.stop();
  work_ = Work::None;
}

void Source::perform(const StartTimer& effect) {
  timer_.start(effect.delay);
}

void Source::perform(const StopTimer&) {
  timer_.stop();
}

}  // namespace hpp::watchd::poll
