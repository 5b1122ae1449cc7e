// Shell. Finds git's locks on the files of a directory.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "common/git_lock.h"

namespace hpp {

// Returns the `index.lock` of the repository, worktree or submodule that holds `directory`, which
// must be absolute and without symbolic links. Like git, looks for `.git` there and in all parent
// directories. Nothing: no lock, or no repository. See gitrepository-layout(5).
std::optional<GitLock> find_git_lock(const std::string& directory);

// Returns the locks of the repositories that hold `directory` and its `folders` (relative to it,
// or absolute), each lock once. The path of `directory` may go through symbolic links.
std::vector<GitLock> find_git_locks(const std::string& directory,
                                    const std::vector<std::string>& folders);

}  // namespace hpp
