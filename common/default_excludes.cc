#include "common/default_excludes.h"

#include <algorithm>
#include <array>
#include <vector>

#include "common/wildmatch.h"

namespace hpp {
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

std::span<const char* const> default_excludes() {
  return kDefaultExcludes;
}

bool is_excluded_by_default(std::string_view path) {
  static const std::vector<Wildmatch> kGlobs(kDefaultExcludes.begin(), kDefaultExcludes.end());
  return std::any_of(kGlobs.begin(), kGlobs.end(),
                     [path](const Wildmatch& glob) { return glob.matches(path); });
}

}  // namespace hpp
