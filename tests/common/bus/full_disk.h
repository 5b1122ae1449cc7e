// Simulates a run directory without space, quota or descriptors. Needs no full file system.
#pragma once

#include <sys/resource.h>
#include <sys/stat.h>

#include <csignal>
#include <filesystem>
#include <string>

namespace hpp::bus {

// While it exists, no new file can be created at `path`, but the old one can be overwritten.
class NoNewFile {
 public:
  explicit NoNewFile(const std::string& path) : blocker_(path + ".new") {
    ::mkdir(blocker_.c_str(), 0700);
  }

  ~NoNewFile() { std::filesystem::remove(blocker_); }

  NoNewFile(const NoNewFile&) = delete;
  NoNewFile& operator=(const NoNewFile&) = delete;

 private:
  std::string blocker_;
};

// While it exists, this process can write to no file at or behind this offset.
class FileSizeLimit {
 public:
  explicit FileSizeLimit(rlim_t bytes) : handler_(std::signal(SIGXFSZ, SIG_IGN)) {
    ::getrlimit(RLIMIT_FSIZE, &before_);
    const rlimit limit{.rlim_cur = bytes, .rlim_max = before_.rlim_max};
    ::setrlimit(RLIMIT_FSIZE, &limit);
  }

  ~FileSizeLimit() {
    ::setrlimit(RLIMIT_FSIZE, &before_);
    std::signal(SIGXFSZ, handler_);
  }

  FileSizeLimit(const FileSizeLimit&) = delete;
  FileSizeLimit& operator=(const FileSizeLimit&) = delete;

 private:
  rlimit before_{};
  void (*handler_)(int);
};

}  // namespace hpp::bus
