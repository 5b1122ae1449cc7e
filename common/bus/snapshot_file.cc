#include "common/bus/snapshot_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <cassert>
#include <cerrno>
#include <utility>

#include "common/os/file.h"

namespace hpp::bus {
namespace {

constexpr std::string_view kInvalid{"\0", 1};  // first byte of an invalid file

}  // namespace

SnapshotFile::SnapshotFile(const RunDirectory& directory, std::string name)
    : directory_(directory),
      name_(std::move(name)),
      file_(open_own_file(directory_.fd(), name_, O_RDWR)) {}

std::optional<std::string> SnapshotFile::read() const {
  const UniqueFd file = open_own_file(directory_.fd(), name_, O_RDONLY);
  return file.is_open() ? read_all(file.get()) : std::nullopt;
}

SnapshotFile::Outcome SnapshotFile::write(std::string_view text) {
  assert(!text.empty() && !text.starts_with(kInvalid));
  UniqueFd fresh = replace_file(directory_.fd(), name_, text);
  if (fresh.is_open()) {
    file_ = std::move(fresh);
    return {};
  }
  const int error = errno;
  if (is_in_place() && overwrite(text)) return {.result = Result::Overwritten, .error = error};
  invalidate();
  return {.result = Result::Lost, .error = error};
}

bool SnapshotFile::is_in_place() const {
  return is_name_of(directory_.fd(), name_, file_.get());
}

bool SnapshotFile::overwrite(std::string_view text) const {
  return write_all(file_.get(), kInvalid, 0) == 0 &&
         write_all(file_.get(), text.substr(1), 1) == 0 &&
         ::ftruncate(file_.get(), static_cast<off_t>(text.size())) == 0 &&
         write_all(file_.get(), text.substr(0, 1), 0) == 0;
}

// Neither truncating nor removing the file needs space.
void SnapshotFile::invalidate() const {
  if (is_in_place() && ::ftruncate(file_.get(), 0) == 0) return;
  ::unlinkat(directory_.fd(), name_.c_str(), 0);
}

}  // namespace hpp::bus
