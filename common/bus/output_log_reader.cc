#include "common/bus/output_log_reader.h"

#include <fcntl.h>

#include <utility>

#include "common/bus/endpoints.h"
#include "common/os/file.h"
#include "common/os/same_file.h"

namespace hpp::bus {
namespace {

UniqueFd open_log(const std::string& path) {
  return UniqueFd(::open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC));
}

std::string rest_of(const UniqueFd& file) {
  return file.is_open() ? read_all(file.get()).value_or("") : "";
}

}  // namespace

OutputLogReader::OutputLogReader(const std::string& run_directory, const AuthorId& author)
    : path_(run_directory + '/' + output_log_name(author)),
      old_path_(run_directory + '/' + old_output_log_name(author)) {}

std::optional<std::string> OutputLogReader::read() {
  UniqueFd newest = open_log(path_);
  const UniqueFd old = open_log(old_path_);
  if (!newest.is_open() && !old.is_open() && !file_.is_open()) return std::nullopt;
  std::string text = rest_of(file_);
  if (!newest.is_open() || is_same_file(newest.get(), file_.get())) return text;
  // The file may have become the old one after `newest` was opened.
  if (!is_same_file(old.get(), file_.get()) && !is_same_file(old.get(), newest.get()))
    text += rest_of(old);
  file_ = std::move(newest);
  return text + rest_of(file_);
}

}  // namespace hpp::bus
