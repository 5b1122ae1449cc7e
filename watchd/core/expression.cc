#include "watchd/core/expression.h"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

namespace hpp::watchd {
namespace {

using Json = nlohmann::json;

// What changes without anybody having edited the program. Each is a path below the watched
// directory; wildmatch's `**/` also matches no directory at all.
constexpr std::array kDefaultExcludes{
    // Version control: a commit or a fetch changes no source. A submodule's or worktree's `.git`
    // is a file.
    "**/.git",
    "**/.git/**",
    "**/.hg/**",
    "**/.svn/**",
    "**/.jj/**",
    "**/.sl/**",
    "**/.bzr/**",
    "**/_darcs/**",
    "**/.pijul/**",
    // Python's caches, which the backend itself writes while it loads, and those of its tools.
    "**/__pycache__/**",
    "**/*.pyc",
    "**/*.pyo",
    "**/.pytest_cache/**",
    "**/.mypy_cache/**",
    "**/.ruff_cache/**",
    "**/.hypothesis/**",
    "**/.tox/**",
    "**/.nox/**",
    "**/.ipynb_checkpoints/**",
    // JavaScript: frameworks and bundlers write these when they start, build or serve a page. Not
    // node_modules itself, because the backend loads it.
    "**/.next/**",
    "**/.nuxt/**",
    "**/.svelte-kit/**",
    "**/.astro/**",
    "**/.angular/cache/**",
    "**/.docusaurus/**",
    "**/.vinxi/**",
    "**/.react-router/**",
    "**/.turbo/**",
    "**/.nx/cache/**",
    "**/.nx/workspace-data/**",
    "**/.cache/**",
    "**/.parcel-cache/**",
    "**/.sass-cache/**",
    "**/.nyc_output/**",
    "**/node_modules/.cache/**",
    "**/node_modules/.vite/**",
    "**/node_modules/.vite-temp/**",
    "**/vite.config.*.timestamp-*",
    "**/.eslintcache",
    "**/.stylelintcache",
    "**/*.tsbuildinfo",
    // Caches of other languages' tools: Gradle, Kotlin, Bootsnap of Rails, ElixirLS.
    "**/.gradle/**",
    "**/.kotlin/**",
    "**/tmp/cache/bootsnap/**",
    "**/.elixir_ls/**",
    // Vim: swap files count down from .swp (not as far as Flash's .swf), .swx and 4913 probe
    // whether the directory is writable.
    "**/*.sw[j-px]",
    "**/4913",
    // Backups of Vim, Emacs, nano and others; Emacs' locks and its autosaves.
    "**/*~",
    "**/.#*",
    "**/#*#",
    // Kate, JetBrains' IDEs, Visual Studio, and whatever saves through GLib.
    "**/.idea/**",
    "**/.vs/**",
    "**/*.kate-swp",
    "**/*___jb_tmp___",
    "**/*___jb_old___",
    "**/.goutputstream-*",
    // Watchman's own, and the macOS Finder's on shared disks.
    "**/.watchman-cookie-*",
    "**/.DS_Store",
};

Json match(const std::string& glob) {
  return {"match", glob, "wholename", {{"includedotfiles", true}}};
}

Json any_of(std::vector<Json> terms) {
  if (terms.size() == 1) return terms.front();
  Json result = Json::array({"anyof"});
  for (Json& term : terms) result.push_back(std::move(term));
  return result;
}

// Appends the excludes to a conjunction.
void exclude(Json& conjunction, const Filter& filter) {
  std::vector<Json> unwanted;
  for (const auto& glob : filter.excludes) unwanted.push_back(match(glob));
  if (filter.default_excludes) {
    for (const char* glob : kDefaultExcludes) unwanted.push_back(match(glob));
  }
  if (!unwanted.empty()) conjunction.push_back({"not", any_of(std::move(unwanted))});
}

}  // namespace

Json expression_for(const Filter& filter) {
  Json result = Json::array({"allof", {"anyof", {"type", "f"}, {"type", "l"}}});
  std::vector<Json> wanted;
  if (!filter.patterns.empty()) {
    for (const auto* globs : {&filter.patterns, &filter.css, &filter.reload}) {
      for (const auto& glob : *globs) wanted.push_back(match(glob));
    }
  }
  if (!wanted.empty()) result.push_back(any_of(std::move(wanted)));
  exclude(result, filter);
  return result;
}

Json links_expression_for(const Filter& filter) {
  Json result = Json::array({"allof", {"type", "l"}});
  exclude(result, filter);
  return result;
}

Concerns::Concerns(const Filter& filter)
    : css_(filter.css.begin(), filter.css.end()),
      reload_(filter.reload.begin(), filter.reload.end()) {}

Concern Concerns::of(std::string_view path) const {
  const auto matches = [&](const Wildmatch& glob) { return glob.matches(path); };
  if (std::any_of(css_.begin(), css_.end(), matches)) return Concern::StyleSheet;
  if (std::any_of(reload_.begin(), reload_.end(), matches)) return Concern::Page;
  return Concern::Backend;
}

}  // namespace hpp::watchd
