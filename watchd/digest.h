// Shell. Digests of files' contents, for --ignore-unchanged.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "watchd/core/source.h"

namespace hpp::watchd {

// The longest file that has a digest. A longer one counts as changed with each save, because
// reading it would take longer than a restart.
constexpr std::uint64_t kDigestSizeMax = 64 * 1024 * 1024;

// Returns the digest of a plain file's content, or of a symbolic link's target. `name` is relative
// to the directory `folder`. Nothing: there is no such file, it is too long, or cannot be read.
std::optional<std::uint64_t> digest_of(int folder, const std::string& name);

// Sets the digests of those of the files that exist. `directory` is the path to which their names
// are relative.
void add_digests(const std::string& directory, std::vector<ChangedFile>& files);

}  // namespace hpp::watchd
