#include "supervisord/core/restart_loop.h"

#include <fmt/format.h>

#include <algorithm>

#include "common/glob.h"
#include "common/shell_words.h"
#include "common/text.h"

namespace hpp::supervisord {
namespace {

bool contains(const std::vector<std::string>& files, const std::string& file) {
  return std::find(files.begin(), files.end(), file) != files.end();
}

// `--exclude db.sqlite3 'a file'`
std::string cure_for(const std::vector<std::string>& files) {
  std::string text = "--exclude";
  for (const std::string& file : files) text += ' ' + shell_word(glob_of(file));
  return printable(text);
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
    if (news.size() < kLoopFilesTold && told_.insert(file).second) news.push_back(file);
  }
  if (news.empty()) return "";
  return fmt::format(
      "a restart loop? {}, {} times in a row, each time when your server had just been started. If "
      "it writes that itself: {}",
      files_changed(news.front(), news.size()), restarts_, cure_for(news));
}

}  // namespace hpp::supervisord
