// A directory for one test. The destructor removes it with all its files.
#pragma once

#include <stdlib.h>

#include <filesystem>
#include <stdexcept>
#include <string>

namespace hpp {

class TemporaryDirectory {
 public:
  // The directory has mode 0700, and a short path, because paths of sockets have a limit (unix(7)).
  TemporaryDirectory() {
    char name[] = "/tmp/hppXXXXXX";
    if (::mkdtemp(name) == nullptr) throw std::runtime_error("cannot make a directory in /tmp");
    path_ = name;
  }

  ~TemporaryDirectory() { std::filesystem::remove_all(path_); }

  TemporaryDirectory(const TemporaryDirectory&) = delete;
  TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;

  const std::string& path() const { return path_; }

  std::string operator/(const std::string& name) const { return path_ + "/" + name; }

 private:
  std::string path_;
};

}  // namespace hpp
