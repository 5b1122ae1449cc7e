#include "watchd/link_search.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <optional>
#include <system_error>

#include "common/os/unique_fd.h"

namespace hpp::watchd {
namespace {

namespace fs = std::filesystem;

// The most links in one chain: the kernel's limit, path_resolution(7).
constexpr int kChainMax = 40;

// Whether the name leads to a path in the directory. Uses one system call, because a project may
// have thousands of links (pnpm). False may also mean that the kernel cannot tell, or that the link
// is absolute: then the caller must follow it.
bool stays_inside(int directory, const std::string& name) {
  open_how how{};
  how.flags = O_PATH | O_CLOEXEC;
  how.resolve = RESOLVE_BENEATH;
  const long fd = ::syscall(SYS_openat2, directory, name.c_str(), &how, sizeof how);
  if (fd < 0) return errno == ENOENT || errno == ENOTDIR;
  ::close(static_cast<int>(fd));
  return true;
}

// The end of a link's chain, whether or not there is a file (realpath(3) would fail without one).
// Nothing: the chain has no end.
std::optional<fs::path> end_of_chain(fs::path path) {
  std::error_code error;
  for (int i = 0; i < kChainMax && fs::is_symlink(fs::symlink_status(path, error)); ++i) {
    path = path.parent_path() / fs::read_symlink(path, error);
    if (error) return std::nullopt;
  }
  fs::path end = fs::weakly_canonical(path, error);
  if (error) return std::nullopt;
  return end;
}

bool is_below(const fs::path& path, const fs::path& folder) {
  return std::mismatch(folder.begin(), folder.end(), path.begin(), path.end()).first ==
         folder.end();
}

}  // namespace

std::vector<OutsideLink> links_outside(const std::string& directory,
                                       const std::vector<std::string>& names) {
  std::error_code error;
  const fs::path real = fs::canonical(directory, error);
  const UniqueFd fd(::open(directory.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (error || !fd.is_open()) return {};
  std::vector<OutsideLink> links;
  for (const std::string& name : names) {
    if (stays_inside(fd.get(), name)) continue;
    const auto end = end_of_chain(real / name);
    if (!end || is_below(*end, real)) continue;
    links.push_back(
        {.name = name, .target = end->native(), .is_folder = fs::is_directory(*end, error)});
  }
  return links;
}

}  // namespace hpp::watchd
