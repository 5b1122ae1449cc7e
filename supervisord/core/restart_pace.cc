#include "supervisord/core/restart_pace.h"

#include <algorithm>
#include <iterator>

namespace hpp::supervisord {
namespace {

using std::chrono::milliseconds;

// Returns the files and all their folders: `a/b/c.txt`, `a/b/` and `a/`.
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

// A little longer than `time`, so that the next change in the same rhythm comes within it.
milliseconds with_margin(milliseconds time) {
  return time * 5 / 4 + milliseconds(50);
}

}  // namespace

void RestartPace::on_change(const std::vector<std::string>& files, TimePoint now) {
  follows_change_ = phase_ != Phase::Idle;
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

// No server runs, so another program has made this change.
void RestartPace::on_change_in_pause(const std::vector<std::string>& files) {
  if (!is_suspicious()) return;
  is_experiment_ = false;
  is_impatient_ = true;
  if (!has_suspect(files)) return;
  raise_needed();
  series_.reset();
}

void RestartPace::on_request() {
  series_.reset();
  is_experiment_ = false;
  follows_change_ = false;
  interrupted_ = 0;
}

bool RestartPace::is_early(TimePoint now) const {
  if (phase_ == Phase::Running) return now - since_ <= kAfterAnswer;
  if (phase_ == Phase::Failed) return now - since_ <= kAfterCrash;
  return true;
}

void RestartPace::extend(const std::vector<std::string>& files, TimePoint::duration time) {
  if (is_suspicious() && !has_suspect(files)) {
    is_impatient_ = true;
    return;
  }
  const std::set<std::string> keys = keys_of(files);
  auto both = series_ ? common(series_->keys, keys) : std::set<std::string>();
  if (both.empty()) {
    series_ = Series{.keys = keys, .times = {}};
  } else {
    series_->keys = std::move(both);
    if (is_experiment_) ++series_->proofs;
    if (is_loop()) restarts_needed_ = kSuspectRestarts;
  }
  series_->times.push_back(time);
  if (series_->times.size() > kSuspectRestarts) series_->times.pop_front();
  ++series_->restarts;
}

void RestartPace::raise_needed() {
  restarts_needed_ = std::min(2 * restarts_needed_, kSuspectRestartsMax);
}

// Whether enough starts in a row were ended by the same files, each after about the same time.
bool RestartPace::is_suspicious() const {
  if (!series_ || series_->restarts < restarts_needed_) return false;
  const auto [first, last] = std::minmax_element(series_->times.begin(), series_->times.end());
  return *last <= kSuspectTimeMax && *last - *first <= milliseconds(100) + *last / 4;
}

// Whether the start that is under way is an experiment whose result matters.
bool RestartPace::is_experimental_start() const {
  return phase_ == Phase::Starting && is_experiment_ && !is_loop();
}

bool RestartPace::is_loop() const {
  return series_ && series_->proofs >= kLoopProofs;
}

milliseconds RestartPace::longest_time() const {
  const auto longest = *std::max_element(series_->times.begin(), series_->times.end());
  return std::chrono::ceil<milliseconds>(longest);
}

milliseconds RestartPace::quiet_time(TimePoint now) const {
  if (interrupted_ < 2) return {};
  const auto left = kQuietTotalMax - std::chrono::floor<milliseconds>(now - since_);
  milliseconds quiet = kQuietMin;
  for (int i = 2; i < interrupted_ && quiet < kQuietMax; ++i) quiet *= 2;
  return std::max(std::min({quiet, kQuietMax, left}), milliseconds{});
}

milliseconds RestartPace::settle_time(TimePoint now) const {
  if (!follows_change_) return {};
  const auto left = kSettleMax * settle_ - std::chrono::floor<milliseconds>(now - since_);
  return std::max(std::min(settle_, left), milliseconds{});
}

// Returns the suspected files or, if there are none, the suspected folders. A folder is left out if
// one of its subfolders is suspected: a server that writes in `app/tmp/` is no reason to suspect
// all of `app/`.
std::vector<std::string> RestartPace::suspects() const {
  const auto& keys = series_->keys;
  std::vector<std::string> found;
  std::copy_if(keys.begin(), keys.end(), std::back_inserter(found),
               [](const std::string& key) { return !is_folder(key); });
  if (!found.empty()) return found;
  // The set is sorted, so a subfolder comes right after its folder.
  for (auto key = keys.begin(); key != keys.end(); ++key) {
    const auto next = std::next(key);
    if (next == keys.end() || !next->starts_with(*key)) found.push_back(*key);
  }
  return found;
}

bool RestartPace::has_suspect(const std::vector<std::string>& files) const {
  for (const std::string& suspect : suspects()) {
    const auto is_it = [&](const std::string& file) {
      return is_folder(suspect) ? file.starts_with(suspect) : file == suspect;
    };
    if (std::any_of(files.begin(), files.end(), is_it)) return true;
  }
  return false;
}

Pause RestartPace::begin_pause(TimePoint now) {
  if (phase_ == Phase::Idle) return {};
  phase_ = Phase::Paused;
  since_ = now;
  Pause next = pause(now);
  is_experiment_ = next.is == Pause::For::Experiment || next.is == Pause::For::Loop;
  return next;
}

Pause RestartPace::pause(TimePoint now) const {
  const milliseconds settle = settle_time(now);
  const milliseconds quiet = std::max(quiet_time(now), settle);
  Pause pause{.length = quiet, .files = {}};
  if (quiet > milliseconds{}) pause.is = quiet > settle ? Pause::For::Quiet : Pause::For::Settle;
  if (is_impatient_ || !is_suspicious()) return pause;
  pause.files = suspects();
  pause.restarts = series_->restarts;
  pause.time = longest_time();
  if (series_->follows_answers) {
    if (pause.is == Pause::For::Nothing) pause.is = Pause::For::Advice;
    return pause;
  }
  const auto step = std::min(static_cast<std::size_t>(series_->proofs), kLoopPauses.size() - 1);
  pause.is = is_loop() ? Pause::For::Loop : Pause::For::Experiment;
  pause.length = std::max({quiet, kLoopPauses.at(step), with_margin(longest_time())});
  return pause;
}

void RestartPace::on_start(TimePoint now) {
  phase_ = Phase::Starting;
  started_ = since_ = now;
  is_impatient_ = false;
  follows_change_ = false;
  has_failed_ = false;
}

milliseconds RestartPace::on_answer(TimePoint now) {
  if (phase_ != Phase::Starting) return {};
  if (is_experimental_start()) {
    const auto left = with_margin(longest_time()) - (now - started_);
    if (left > milliseconds{}) return std::chrono::ceil<milliseconds>(left);
  }
  end_with_answer(now);
  return {};
}

milliseconds RestartPace::on_failure(TimePoint now) {
  if (is_experimental_start()) {
    has_failed_ = true;
    const auto left = with_margin(longest_time()) - (now - started_);
    return std::max(std::chrono::ceil<milliseconds>(left), kNoticeMax);
  }
  end_with_failure(now);
  return {};
}

void RestartPace::on_hold_over(TimePoint now) {
  if (has_failed_) {
    end_with_failure(now);
  } else {
    end_with_answer(now);
  }
}

void RestartPace::end_with_answer(TimePoint now) {
  if (is_experimental_start()) {
    is_experiment_ = false;
    series_->follows_answers = true;
    raise_needed();
  }
  phase_ = Phase::Running;
  since_ = now;
  interrupted_ = 0;
}

void RestartPace::end_with_failure(TimePoint now) {
  if (is_experimental_start()) {
    is_experiment_ = false;
    series_.reset();
    raise_needed();
  }
  if (phase_ == Phase::Starting && series_ && series_->follows_answers) series_.reset();
  phase_ = Phase::Failed;
  since_ = now;
}

}  // namespace hpp::supervisord
