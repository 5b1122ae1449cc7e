#include "supervisord/core/restart_pace.h"

#include <algorithm>
#include <cassert>
#include <iterator>

namespace hpp::supervisord {
namespace {

using std::chrono::milliseconds;

// `a/b/c.txt` gives itself, `a/b/` and `a/`.
std::set<std::string> keys_of(const std::vector<std::string>& files) {
  std::set<std::string> keys(files.begin(), files.end());
  for (const std::string& file : files) {
    for (auto slash = file.rfind('/'); slash != std::string::npos && slash != 0;
         slash = file.rfind('/', slash - 1)) {
      keys.insert(file.substr(0, slash + 1));
    }
  }
  return keys;
}

std::set<std::string> common(const std::set<std::string>& one, const std::set<std::string>& other) {
  std::set<std::string> both;
  std::set_intersection(one.begin(), one.end(), other.begin(), other.end(),
                        std::inserter(both, both.end()));
  return both;
}

bool is_folder(const std::string& key) {
  return key.ends_with('/');
}

// A little longer, so that the next change of the same rhythm falls into it.
milliseconds with_margin(milliseconds time) {
  return time * 5 / 4 + milliseconds(50);
}

}  // namespace

void RestartPace::on_change(const std::vector<std::string>& files, TimePoint now) {
  switch (phase_) {
    case Phase::Idle:
      return;
    case Phase::Paused:
      if (now - since_ > kNoticeMax) on_change_in_pause(files);
      return;
    case Phase::Starting:
      ++interrupted_;
      break;
    case Phase::Running:
    case Phase::Failed:
      interrupted_ = 0;
      break;
  }
  if (is_early(now)) {
    extend(files, now - started_);
  } else {
    series_.reset();
  }
  phase_ = Phase::Paused;
  since_ = now;
}

// No server runs: what changes now, it does not write.
void RestartPace::on_change_in_pause(const std::vector<std::string>& files) {
  if (!is_suspicious()) return;
  is_experiment_ = false;
  is_impatient_ = true;
  const bool is_wrong = std::any_of(files.begin(), files.end(),
                                    [this](const std::string& file) { return is_suspect(file); });
  if (!is_wrong) return;
  raise_needed();
  series_.reset();
}

void RestartPace::on_request() {
  series_.reset();
  is_experiment_ = false;
  interrupted_ = 0;
}

bool RestartPace::is_early(TimePoint now) const {
  if (phase_ == Phase::Running) return now - since_ <= kAfterAnswer;
  if (phase_ == Phase::Failed) return now - since_ <= kAfterCrash;
  return true;
}

void RestartPace::extend(const std::vector<std::string>& files, TimePoint::duration time) {
  const std::set<std::string> keys = keys_of(files);
  auto both = series_ ? common(series_->keys, keys) : std::set<std::string>();
  if (both.empty()) {
    series_ = Series{.keys = keys, .files = {}, .times = {}};
  } else {
    series_->keys = std::move(both);
    if (is_experiment_) ++series_->proofs;
    if (is_loop()) restarts_needed_ = kSuspectRestarts;
  }
  series_->files = files;
  series_->times.push_back(time);
  if (series_->times.size() > kSuspectRestarts) series_->times.pop_front();
  ++series_->restarts;
}

void RestartPace::raise_needed() {
  restarts_needed_ = std::min(2 * restarts_needed_, kSuspectRestartsMax);
}

// Whether enough starts in a row have ended in the same way, about as long after they began.
bool RestartPace::is_suspicious() const {
  if (!series_ || series_->restarts < restarts_needed_) return false;
  const auto [first, last] = std::minmax_element(series_->times.begin(), series_->times.end());
  return *last <= kSuspectTimeMax && *last - *first <= milliseconds(100) + *last / 4;
}

bool RestartPace::is_loop() const {
  return series_ && series_->proofs >= kLoopProofs;
}

milliseconds RestartPace::longest_time() const {
  const auto longest = *std::max_element(series_->times.begin(), series_->times.end());
  return std::chrono::ceil<milliseconds>(longest);
}

milliseconds RestartPace::quiet_time() const {
  if (interrupted_ < 2) return {};
  milliseconds quiet = kQuietMin;
  for (int i = 2; i < interrupted_ && quiet < kQuietMax; ++i) quiet *= 2;
  return std::min(quiet, kQuietMax);
}

// Whether the file changed each time; if no file did, whether it is in a folder in which something
// changed each time.
bool RestartPace::is_suspect(const std::string& file) const {
  const auto& keys = series_->keys;
  if (!std::all_of(keys.begin(), keys.end(), is_folder)) return keys.contains(file);
  return std::any_of(keys.begin(), keys.end(),
                     [&](const std::string& folder) { return file.starts_with(folder); });
}

std::vector<std::string> RestartPace::suspects() const {
  std::vector<std::string> files;
  std::copy_if(series_->files.begin(), series_->files.end(), std::back_inserter(files),
               [this](const std::string& file) { return is_suspect(file); });
  return files;
}

Pause RestartPace::begin_pause(TimePoint now) {
  if (phase_ == Phase::Idle) return {};
  phase_ = Phase::Paused;
  since_ = now;
  const Pause next = pause();
  is_experiment_ = next.is == Pause::For::Experiment || next.is == Pause::For::Loop;
  return next;
}

Pause RestartPace::pause() const {
  const milliseconds quiet = quiet_time();
  Pause pause{.is = quiet > milliseconds{} ? Pause::For::Quiet : Pause::For::Nothing,
              .length = quiet,
              .files = {}};
  if (is_impatient_ || !is_suspicious()) return pause;
  pause.files = suspects();
  pause.restarts = series_->restarts;
  pause.time = longest_time();
  if (series_->follows_answers) {
    if (pause.is == Pause::For::Nothing) pause.is = Pause::For::Advice;
    return pause;
  }
  const auto step = std::min<std::size_t>(series_->proofs, kLoopPauses.size() - 1);
  pause.is = is_loop() ? Pause::For::Loop : Pause::For::Experiment;
  pause.length = std::max({quiet, kLoopPauses.at(step), with_margin(longest_time())});
  return pause;
}

void RestartPace::on_start(TimePoint now) {
  phase_ = Phase::Starting;
  started_ = since_ = now;
  is_impatient_ = false;
}

milliseconds RestartPace::on_answer(TimePoint now) {
  if (phase_ != Phase::Starting) return {};
  if (is_experiment_ && !is_loop()) {
    const auto left = with_margin(longest_time()) - (now - started_);
    if (left > milliseconds{}) return std::chrono::ceil<milliseconds>(left);
  }
  on_hold_over(now);
  return {};
}

void RestartPace::on_hold_over(TimePoint now) {
  phase_ = Phase::Running;
  since_ = now;
  interrupted_ = 0;
  if (!is_experiment_ || is_loop()) return;
  is_experiment_ = false;
  assert(series_);
  series_->follows_answers = true;
  raise_needed();
}

void RestartPace::on_failure(TimePoint now) {
  phase_ = Phase::Failed;
  since_ = now;
}

}  // namespace hpp::supervisord
