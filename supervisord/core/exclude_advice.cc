#include "supervisord/core/exclude_advice.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include "common/glob.h"
#include "common/shell_words.h"
#include "common/text.h"

namespace hpp::supervisord {
namespace {

// A folder with its slash: `src/api/` of `src/api/a.db`; empty: the project folder.
std::string_view folder_of(std::string_view path) {
  return path.substr(0, path.rfind('/') + 1);
}

// The deepest folder that holds both.
std::string_view common_folder(std::string_view one, std::string_view other) {
  const auto [end, _] = std::mismatch(one.begin(), one.end(), other.begin(), other.end());
  return folder_of(one.substr(0, static_cast<std::size_t>(end - one.begin())));
}

// The outermost hidden folder on the way to `folder`, or else `folder` itself.
std::string_view up_to_hidden(std::string_view folder) {
  for (std::size_t begin = 0; begin < folder.size();) {
    const std::size_t end = folder.find('/', begin) + 1;
    if (folder[begin] == '.') return folder.substr(0, end);
    begin = end;
  }
  return folder;
}

bool is_hidden(std::string_view folder) {
  return folder.starts_with('.') || folder.find("/.") != std::string_view::npos;
}

// Files that get one glob.
struct Group {
  std::string_view first;   // a file
  std::string_view folder;  // that holds all of them
  bool has_more = false;    // than the first

  bool takes(std::string_view file) {
    const std::string_view shared = common_folder(folder, folder_of(file));
    if (shared.empty()) return false;
    folder = shared;
    has_more = has_more || file != first;
    return true;
  }

  std::string glob() const {
    if (!has_more && !is_hidden(folder)) return glob_of(first);
    return glob_of(up_to_hidden(folder)) + "**";
  }
};

}  // namespace

std::vector<std::string> globs_to_exclude(const std::vector<std::string>& files) {
  std::vector<Group> groups;
  for (const std::string& file : files) {
    const auto takes_it = [&](Group& group) { return group.takes(file); };
    if (std::any_of(groups.begin(), groups.end(), takes_it)) continue;
    groups.push_back({.first = file, .folder = folder_of(file)});
  }
  std::vector<std::string> globs;
  for (const Group& group : groups) globs.push_back(group.glob());
  return globs;
}

std::string exclude_option(const std::vector<std::string>& globs) {
  std::string text = "--exclude";
  for (const std::string& glob : globs) text += ' ' + shell_word(glob);
  return printable(text);
}

}  // namespace hpp::supervisord
