#include "supervisord/core/restart_loop.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "common/text.h"
#include "supervisord/core/exclude_advice.h"

namespace hpp::supervisord {
namespace {

bool contains(const std::vector<std::string>& files, const std::string& file) {
  return std::find(files.begin(), files.end(), file) != files.end();
}

}  // namespace

std::string RestartLoop::on_restart(const std::vector<std::string>& changed,
                                    std::chrono::steady_clock::duration answered_for) {
  if (answered_for > kLoopWindow) restarts_ = 0;
  if (restarts_ == 0) suspects_ = changed;
  std::erase_if(suspects_, [&](const std::string& file) { return !contains(changed, file); });
  if (suspects_.empty()) {
    restarts_ = 1;
    suspects_ = changed;
    return "";
  }
  if (++restarts_ < kLoopRestarts) return "";
  std::vector<std::string> news;
  for (const std::string& file : suspects_) {
    if (news.size() == kLoopFilesTold) break;
    if (contains(told_, file)) continue;
    told_.push_back(file);
    news.push_back(file);
  }
  std::vector<std::string> globs = globs_to_exclude(told_);
  if (globs == advised_) return "";
  advised_ = std::move(globs);
  return fmt::format(
      "a restart loop? {}, {} times in a row, each time when your server had just been started. If "
      "it writes that itself: {}",
      files_changed(news.front(), news.size()), restarts_, exclude_option(advised_));
}

}  // namespace hpp::supervisord
