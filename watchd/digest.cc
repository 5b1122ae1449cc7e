#include "watchd/digest.h"

#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>
#include <unistd.h>

#include <vector>

#include "common/os/unique_fd.h"
#include "watchd/core/fnv.h"

namespace hpp::watchd {
namespace {

constexpr std::size_t kChunk = 64 * 1024;

std::optional<std::uint64_t> digest_of_link(int folder, const std::string& name) {
  char target[PATH_MAX];
  const ssize_t size = ::readlinkat(folder, name.c_str(), target, sizeof target);
  if (size < 0) return std::nullopt;
  // The digest must differ from that of a file that contains the path, as in a checkout without
  // links.
  Fnv digest;
  digest.add("link\n");
  digest.add({target, static_cast<std::size_t>(size)});
  return digest.value();
}

}  // namespace

// O_NONBLOCK, because the name may have become a FIFO.
std::optional<std::uint64_t> digest_of(int folder, const std::string& name) {
  const UniqueFd fd(
      ::openat(folder, name.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC));
  if (!fd.is_open()) return digest_of_link(folder, name);

  struct stat status {};

  if (::fstat(fd.get(), &status) != 0 || !S_ISREG(status.st_mode)) return std::nullopt;
  if (status.st_size > static_cast<off_t>(kDigestSizeMax)) return std::nullopt;
  Fnv digest;
  std::vector<char> chunk(kChunk);
  for (std::uint64_t total = 0; total <= kDigestSizeMax;) {
    const ssize_t got = ::read(fd.get(), chunk.data(), chunk.size());
    if (got < 0) return std::nullopt;
    if (got == 0) return digest.value();
    digest.add({chunk.data(), static_cast<std::size_t>(got)});
    total += static_cast<std::uint64_t>(got);
  }
  return std::nullopt;
}

void add_digests(const std::string& directory, std::vector<ChangedFile>& files) {
  const UniqueFd folder(::open(directory.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!folder.is_open()) return;
  for (ChangedFile& file : files) {
    if (file.exists) file.digest = digest_of(folder.get(), file.name);
  }
}

}  // namespace hpp::watchd
