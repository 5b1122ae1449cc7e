// Pure. Notices a backend that restarts itself: it writes a watched file whenever it starts.
#pragma once

#include <chrono>
#include <string>
#include <vector>

namespace hpp::supervisord {

// So many restarts in a row, each begun by a change of the same file so soon after the backend
// answered, are no developer's doing: a database, a log, the output of a build.
constexpr int kLoopRestarts = 4;
constexpr std::chrono::milliseconds kLoopWindow{2'000};

// Of files that all change each time, so many are told.
constexpr std::size_t kLoopFilesTold = 3;

class RestartLoop {
 public:
  // `changed`: the files that restart the backend; `answered_for`: how long it has answered by
  // then, 0: it had not yet. Returns the warning if this is the moment for one; else an empty text.
  // A warning advises the one --exclude that has all files found so far, so there is a new one only
  // if a file is found that the last advice does not cover.
  std::string on_restart(const std::vector<std::string>& changed,
                         std::chrono::steady_clock::duration answered_for);

 private:
  std::vector<std::string> suspects_;  // changed before each of the last `restarts_`
  int restarts_ = 0;
  std::vector<std::string> told_;     // files found so far
  std::vector<std::string> advised_;  // globs of the last warning
};

}  // namespace hpp::supervisord
