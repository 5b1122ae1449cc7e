// The run directory of an instance: where its helpers meet.
//
// Other users must not be able to read it, to put files into it, or to put another directory in its
// place. So the directory must belong to this user and have mode 0700, and every directory above it
// must be one in which only this user, root, or the owner of `/` can rename entries: it belongs to
// one of them, and others may not write there, or it is sticky as /tmp is. (Members of a
// directory's group are trusted: with user private groups, group-writable directories are common.)
// What was true when the directory was opened stays true then: only those users can change it.
//
// Names are looked up relative to a descriptor of the directory (openat(2)). Sockets need a path;
// the check above is what makes it safe.
//
// hpp repairs what belongs to this user: it sets the mode, and replaces a symbolic link by a
// directory if the link lies in a directory that is private to this user. It refuses the rest.
#pragma once

#include <functional>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "common/os/file.h"

namespace hpp {

class RunDirectory {
 public:
  // Called after each repair, with a warning for the user.
  using OnRepair = std::function<void(const std::string& warning)>;

  // Opens the directory. If it does not exist, it is created with mode 0700, and so is its parent.
  // Without `on_repair`, repairs are silent.
  // Throws CannotStartNow if the directory cannot be used, and says why and what to do;
  // std::runtime_error if its path is too long for the sockets in it (108 bytes, unix(7)).
  explicit RunDirectory(
      std::string path, OnRepair on_repair = [](const std::string&) {});

  const std::string& path() const { return path_; }

  // For openat(2); reading the directory itself needs another one.
  int fd() const { return fd_.get(); }

  // Whether the path still leads to the open directory, and its mode is 0700.
  bool is_intact() const;

  // Opens the directory again if it was deleted, replaced or opened to others since. Throws like
  // the constructor.
  void mend();

  bool has(const std::string& name) const;

  // The random id of the instance that works here, which the file `instance` keeps: it tells this
  // directory from one that has the same path in another mount namespace. Created if it is missing.
  // Throws CannotStartNow if that fails.
  std::string instance_id() const;

  // Writes the file again if it was deleted, or if another hpp-launch that held the directory for a
  // moment has written an id of its own. The caller holds the lock. Throws CannotStartNow, too.
  void keep_instance_id(const std::string& id) const;

  // Throws CannotStartNow if the file cannot be created or opened.
  std::optional<FileLock> lock(const std::string& name,
                               std::chrono::milliseconds patience = kLockPatienceMin) const;

 private:
  void write_instance_id(const std::string& id) const;

  std::string path_;
  OnRepair on_repair_;
  UniqueFd fd_;
};

// Where run directories are: `$XDG_RUNTIME_DIR/hpp`, if that variable names a directory of this
// user; and `/tmp/hpp-<uid>`. They may not exist.
std::vector<std::string> run_directory_roots();

// In the first of the roots: `$XDG_RUNTIME_DIR/hpp/<instance>`.
std::string default_run_directory(const std::string& instance);

// Whether what the directory holds can be believed: it exists, belongs to this user, and no other
// user can change it. Repairs nothing.
bool is_trustworthy_directory(const std::string& path);

// The id that RunDirectory::instance_id() would return; empty if the directory or the file does not
// exist. Creates nothing.
std::string kept_instance_id(const std::string& directory);

// The file whose lock says that a hpp-launch has the directory, and its path.
constexpr const char* kRunLock = "lock";
std::string run_lock_path(const std::string& directory);

// Thrown if another hpp-launch holds the directory; says who.
class AlreadyRunning : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// Holds the directory for one hpp-launch, for as long as the result lives. `who` is told to a
// second start: "pid 123, http://localhost:8000". Throws AlreadyRunning.
FileLock lock_run_directory(const RunDirectory& directory, const std::string& who);

}  // namespace hpp
