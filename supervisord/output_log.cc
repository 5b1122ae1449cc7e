#include "supervisord/output_log.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "common/bus/endpoints.h"
#include "common/clock.h"
#include "common/log.h"
#include "common/os/file.h"

namespace hpp::supervisord {

OutputLog::OutputLog(const std::string& run_directory, const bus::AuthorId& author, bool resumes)
    : directory_(run_directory),
      name_(bus::output_log_name(author)),
      old_name_(bus::old_output_log_name(author)) {
  if (!resumes) {
    ::unlinkat(directory_.fd(), name_.c_str(), 0);
    ::unlinkat(directory_.fd(), old_name_.c_str(), 0);
  }
  open();
}

// Opens the file, or creates it.
void OutputLog::open() {
  file_ = open_own_file(directory_.fd(), name_, O_WRONLY | O_APPEND);
  if (!file_.is_open()) {
    constexpr int kCreate = O_WRONLY | O_APPEND | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC;
    file_.reset(::openat(directory_.fd(), name_.c_str(), kCreate, 0600));
  }
  if (!file_.is_open()) return give_up();
  const off_t end = ::lseek(file_.get(), 0, SEEK_END);
  size_ = end < 0 ? 0 : static_cast<std::size_t>(end);
}

void OutputLog::begin(std::uint64_t generation) {
  std::string records;
  for (Stream& stream : streams_) {
    if (auto line = stream.lines.finish()) records += record(stream, std::move(*line));
  }
  append(records);
  generation_ = generation;
  if (file_.is_open() && is_name_of(directory_.fd(), name_, file_.get())) return;
  // Another process has deleted the file or the directory, or the disk was full.
  try {
    if (!directory_.is_intact()) directory_.mend();
    open();
  } catch (const std::runtime_error&) {
    file_.reset();  // the publisher has the same trouble, and reports it
  }
}

void OutputLog::write(bus::OutputStream which, std::string_view bytes) {
  Stream& stream = *std::find_if(std::begin(streams_), std::end(streams_),
                                 [which](const Stream& one) { return one.is == which; });
  std::string records;
  for (std::string& line : stream.lines.take(bytes)) records += record(stream, std::move(line));
  append(records);
}

std::string OutputLog::record(const Stream& stream, std::string text) const {
  return bus::write_record({.at_ms = wall_ms(),
                            .generation = generation_,
                            .stream = stream.is,
                            .text = std::move(text)});
}

void OutputLog::append(std::string_view records) {
  if (records.empty() || !file_.is_open()) return;
  if (size_ + records.size() > kFileMax) rotate();
  while (!records.empty() && file_.is_open()) {
    const ssize_t written = ::write(file_.get(), records.data(), records.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return give_up();
    size_ += static_cast<std::size_t>(written);
    records.remove_prefix(static_cast<std::size_t>(written));
  }
}

void OutputLog::rotate() {
  if (::renameat(directory_.fd(), name_.c_str(), directory_.fd(), old_name_.c_str()) != 0) {
    return give_up();
  }
  open();
}

// To be called while errno says what has failed.
void OutputLog::give_up() {
  const int error = errno;
  file_.reset();
  if (std::exchange(has_warned_, true)) return;
  log::warning(
      "cannot write {}/{} ({}), so hpp-ctl log lacks the output from now on. hpp tries again with "
      "the next restart",
      directory_.path(), name_, std::strerror(error));
}

}  // namespace hpp::supervisord
