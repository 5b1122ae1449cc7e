#include "watchd/core/filter.h"

#include <algorithm>
#include <array>

#include "common/glob.h"

namespace hpp::watchd {
namespace {

// Files that change although the user has not edited the program. Each glob matches a path below
// the watched directory; `**/` also matches no directory at all.
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
    // Python's caches, which the backend itself writes while it loads, and caches of Python's
    // tools.
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
    // JavaScript: frameworks and bundlers write these when they start, build or serve a page.
    // node_modules itself is not excluded, because the backend loads it.
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
    // SQLite's databases, which servers write, with their journals.
    "**/*.sqlite",
    "**/*.sqlite-*",
    "**/*.sqlite3",
    "**/*.sqlite3-*",
    "**/*.db-journal",
    "**/*.db-shm",
    "**/*.db-wal",
    // Rails writes these before it answers: its log, its secret, its cache and its process ID.
    "**/log/development.log",
    "**/tmp/cache/**",
    "**/tmp/development_secret.txt",
    "**/tmp/local_secret.txt",
    "**/tmp/pids/**",
    // Caches of other languages' tools: Gradle, Kotlin, ElixirLS.
    "**/.gradle/**",
    "**/.kotlin/**",
    "**/.elixir_ls/**",
    // Vim: swap files count down from .swp (not as far as Flash's .swf), .swx and 4913 probe
    // whether the directory is writable.
    "**/*.sw[j-px]",
    "**/4913",
    // Backups of Vim, Emacs, nano and others; Emacs' locks and its autosaves.
    "**/*~",
    "**/.#*",
    "**/#*#",
    // Kate, JetBrains' IDEs, Visual Studio, and every program that saves through GLib.
    "**/.idea/**",
    "**/.vs/**",
    "**/*.kate-swp",
    "**/*___jb_tmp___",
    "**/*___jb_old___",
    "**/.goutputstream-*",
    // Watchman's cookies, and files that the macOS Finder writes on shared disks.
    "**/.watchman-cookie-*",
    "**/.DS_Store",
};

}  // namespace

std::span<const char* const> built_in_excludes() {
  return kDefaultExcludes;
}

std::optional<std::string> glob_within(std::string_view project, std::string_view path) {
  if (!path.starts_with(project)) return std::nullopt;
  path.remove_prefix(project.size());
  if (project != "/") {
    if (!path.starts_with('/')) return std::nullopt;
    path.remove_prefix(1);
  }
  if (path.empty()) return std::nullopt;
  return glob_of(path);
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
