#include "supervisord/core/exclude_advice.h"

#include <algorithm>
#include <map>
#include <set>
#include <string_view>
#include <utility>

#include "common/glob.h"
#include "common/shell_words.h"
#include "common/text.h"

namespace hpp::supervisord {
namespace {

// If more files than this are in the same folder, the folder is excluded instead.
constexpr std::size_t kNamedMax = 4;

// The path's folder with a trailing slash: `src/api/` for `src/api/a.db`; empty for the project
// folder.
std::string_view folder_of(std::string_view path) {
  return path.substr(0, path.rfind('/') + 1);
}

// The path of the outermost hidden folder in `folder`; empty if there is none.
std::string_view hidden_folder(std::string_view folder) {
  for (std::size_t begin = 0; begin < folder.size();) {
    const std::size_t end = folder.find('/', begin) + 1;
    if (folder[begin] == '.') return folder.substr(0, end);
    begin = end;
  }
  return {};
}

std::string glob_for(const std::string& path, bool has_many_beside) {
  const std::string_view folder = folder_of(path);
  const std::string_view hidden = hidden_folder(folder);
  if (!hidden.empty()) return glob_of(hidden) + "**";
  const bool is_folder = folder == path;
  return is_folder || has_many_beside ? glob_of(folder) + "**" : glob_of(path);
}

}  // namespace

std::vector<std::string> globs_to_exclude(const std::vector<std::string>& paths) {
  std::map<std::string_view, std::set<std::string_view>> beside;
  for (const std::string& path : paths) beside[folder_of(path)].insert(path);
  std::vector<std::string> globs;
  for (const std::string& path : paths) {
    const std::string_view folder = folder_of(path);
    const bool has_many_beside = !folder.empty() && beside[folder].size() > kNamedMax;
    std::string glob = glob_for(path, has_many_beside);
    if (std::find(globs.begin(), globs.end(), glob) == globs.end())
      globs.push_back(std::move(glob));
  }
  return globs;
}

std::string exclude_option(const std::vector<std::string>& globs) {
  std::string text = "--exclude";
  for (const std::string& glob : globs) text += ' ' + shell_word(glob);
  return printable(text);
}

}  // namespace hpp::supervisord
