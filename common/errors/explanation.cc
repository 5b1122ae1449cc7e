#include "common/errors/explanation.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <filesystem>
#include <system_error>
#include <utility>

#include "common/errors/core/error_search.h"
#include "common/errors/core/source_excerpt.h"
#include "common/os/file.h"
#include "common/os/unique_fd.h"

namespace hpp::errors {
namespace {

namespace fs = std::filesystem;

// Java and Kotlin name a file by its package. These are the folders where projects keep packages.
constexpr std::array kSourceFolders{"src/main/java/", "src/main/kotlin/", "src/", "app/"};

// Adds a directory under its path and, if links lead to it, under its real path. Programs print
// either.
void add_root(std::vector<SourceRoot>& roots, const std::string& path, const std::string& name) {
  roots.push_back({.path = normal_path(path), .name = name});
  std::error_code error;
  std::string real = fs::canonical(path, error).string();
  if (!error && real != roots.back().path) roots.push_back({.path = std::move(real), .name = name});
}

std::vector<SourceRoot> source_roots(const std::string& directory,
                                     const std::vector<std::string>& further) {
  std::vector<SourceRoot> roots;
  add_root(roots, directory, "");
  for (const std::string& root : further) {
    const std::string path = normal_path((fs::path(directory) / root).string());
    const std::string name = fs::path(path).lexically_relative(roots.front().path).string();
    if (name.starts_with("..")) add_root(roots, path, name);
  }
  return roots;
}

// Opens a regular file that lies in the directory and not behind a link that leads out of it.
UniqueFd open_below(const std::string& directory, const std::string& path) {
  const UniqueFd root(::open(directory.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!root.is_open()) return {};
  open_how how{};
  how.flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY;
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS;
  UniqueFd file(
      static_cast<int>(::syscall(SYS_openat2, root.get(), path.c_str(), &how, sizeof how)));

  struct stat status {};

  if (!file.is_open() || ::fstat(file.get(), &status) != 0 || !S_ISREG(status.st_mode) ||
      status.st_size > static_cast<off_t>(kSourceFileMax)) {
    return {};
  }
  return file;
}

// Opens a file of the project by the name that source_place() has given it.
UniqueFd open_source(const std::string& file, const std::vector<SourceRoot>& roots) {
  for (const SourceRoot& root : roots) {
    const std::string prefix = root.name.empty() ? "" : root.name + '/';
    if (!file.starts_with(prefix)) continue;
    UniqueFd opened = open_below(root.path, file.substr(prefix.size()));
    if (opened.is_open()) return opened;
  }
  return {};
}

// The name of the file, if it is known to be in another folder than the output says.
std::string name_in_project(const std::string& file, const std::vector<SourceRoot>& roots) {
  if (open_source(file, roots).is_open()) return file;
  if (!file.ends_with(".java") && !file.ends_with(".kt")) return file;
  for (const char* const folder : kSourceFolders) {
    if (open_source(folder + file, roots).is_open()) return folder + file;
  }
  return file;
}

}  // namespace

std::optional<bus::BackendError> explain(std::string_view output, const std::string& directory,
                                         const std::vector<std::string>& roots) {
  const std::vector<SourceRoot> all = source_roots(directory, roots);
  auto error = find_error(output, all);
  if (!error || error->file.empty() || error->is_foreign) return error;
  error->file = name_in_project(error->file, all);
  const UniqueFd file = open_source(error->file, all);
  if (!file.is_open() || error->line == 0) return error;
  SourceExcerpt excerpt = source_excerpt(read_all(file.get()).value_or(""), error->line);
  error->source = std::move(excerpt.text);
  error->source_line = excerpt.first_line;
  return error;
}

}  // namespace hpp::errors
