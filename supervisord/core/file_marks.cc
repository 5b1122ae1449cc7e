#include "supervisord/core/file_marks.h"

#include <algorithm>
#include <iterator>

#include "common/default_excludes.h"

namespace hpp::supervisord {
namespace {

constexpr std::string_view kLateEndings[] = {
    ".py",   ".pyi",  ".js",   ".mjs",  ".cjs", ".jsx",    ".ts",     ".mts", ".cts",
    ".tsx",  ".rb",   ".erb",  ".ru",   ".vue", ".svelte", ".html",   ".htm", ".css",
    ".scss", ".sass", ".less", ".haml", ".ejs", ".pug",    ".jinja2", ".md",  ".rst",
    ".svg",  ".png",  ".jpg",  ".log",  ".pid", ".db",
};

}  // namespace

bool is_read_early(std::string_view name) {
  if (name.starts_with(".env")) return true;  // `.env-cmdrc.js`
  return !is_excluded_by_default(name) &&
         std::none_of(std::begin(kLateEndings), std::end(kLateEndings),
                      [name](std::string_view ending) { return name.ends_with(ending); });
}

std::string first_difference(const FileMarks& before, const FileMarks& now) {
  for (const auto& [name, mark] : before) {
    const auto found = now.find(name);
    if (found == now.end() || found->second != mark) return name;
  }
  for (const auto& [name, mark] : now) {
    if (!before.contains(name)) return name;
  }
  return "";
}

}  // namespace hpp::supervisord
