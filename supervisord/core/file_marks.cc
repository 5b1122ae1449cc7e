#include "supervisord/core/file_marks.h"

#include <algorithm>
#include <iterator>
#include <span>

#include "common/default_excludes.h"

namespace hpp::supervisord {
namespace {

using Endings = std::span<const std::string_view>;

constexpr std::string_view kSourceCode[] = {
    ".py",  ".pyi",    ".js",    ".mjs",    ".cjs", ".jsx", ".ts",      ".mts", ".cts", ".tsx",
    ".vue", ".svelte", ".astro", ".coffee", ".rb",  ".ru",  ".graphql", ".gql", ".sql"};
constexpr std::string_view kTexts[] = {  // templates and translations
    ".html", ".htm", ".erb",        ".haml",     ".slim", ".jbuilder", ".liquid", ".ejs",
    ".pug",  ".hbs", ".handlebars", ".mustache", ".njk",  ".eta",      ".jinja",  ".jinja2",
    ".j2",   ".md",  ".mdx",        ".rst",      ".po",   ".mo"};
constexpr std::string_view kAssets[] = {".css",  ".scss", ".sass", ".less",  ".svg",
                                        ".png",  ".jpg",  ".jpeg", ".gif",   ".webp",
                                        ".avif", ".ico",  ".woff", ".woff2", ".ttf"};
constexpr std::string_view kWritten[] = {".log", ".pid", ".db"};  // by servers

bool ends_with_one(std::string_view name, Endings endings) {
  return std::any_of(endings.begin(), endings.end(),
                     [name](std::string_view ending) { return name.ends_with(ending); });
}

}  // namespace

bool is_read_early(std::string_view name) {
  if (name.starts_with(".env")) return true;  // `.env-cmdrc.js`
  const Endings late[] = {kSourceCode, kTexts, kAssets, kWritten};
  return !is_excluded_by_default(name) &&
         std::none_of(std::begin(late), std::end(late),
                      [name](Endings endings) { return ends_with_one(name, endings); });
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
