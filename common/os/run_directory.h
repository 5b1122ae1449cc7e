// The run directory of an instance: where its helpers meet.
//
// Other users must not be able to read it, to put files into it, or to put another directory in its
// place. So the directory must belong to this user and have mode 0700. Each directory above it must
// belong to this user, to root, or to the owner of `/`, and must not let others rename its entries:
// others may not write there, or it is sticky as /tmp is. (Members of a directory's group are
// trusted, because group-writable directories are common where each user has a group of their own.)
// Only the trusted users can change any of this after it was checked.
//
// Files are opened relative to a descriptor of the directory (openat(2)). Sockets need a path,
// which is safe because of the checks above.
//
// If the directory belongs to this user, hpp sets its mode. If there is a symbolic link instead, in
// a directory that is private to this user, hpp replaces the link. It refuses everything else.
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

  // For openat(2). The directory's entries cannot be listed with it (O_PATH).
  int fd() const { return fd_.get(); }

  // Whether the path still leads to the open directory, and its mode is 0700.
  bool is_intact() const;

  // Opens the directory again if it was deleted, replaced or opened to others since. Throws like
  // the constructor.
  void mend();

  bool has(const std::string& name) const;

  // Returns the random id of the instance, from the file `instance`; writes the file if it does not
  // exist. The id tells this directory from one with the same path in another mount namespace.
  // Throws CannotStartNow if the file cannot be written.
  std::string instance_id() const;

  // Writes the file `instance` again if it was deleted, or if another hpp-launch, which held the
  // lock for a moment, has written its own id. The caller holds the lock. Throws CannotStartNow.
  void keep_instance_id(const std::string& id) const;

  // See FileLock::take(). Throws CannotStartNow if the file cannot be created or opened.
  std::optional<FileLock> lock(const std::string& name,
                               std::chrono::milliseconds patience = kLockPatienceMin) const;

 private:
  void write_instance_id(const std::string& id) const;

  std::string path_;
  OnRepair on_repair_;
  UniqueFd fd_;
};

// Returns the directories that contain run directories: `$XDG_RUNTIME_DIR/hpp`, if that variable
// names a directory of this user, and `/tmp/hpp-<uid>`. They may not exist.
std::vector<std::string> run_directory_roots();

// Returns the instance's path in the first of these: `$XDG_RUNTIME_DIR/hpp/<instance>`.
std::string default_run_directory(const std::string& instance);

// Whether the files in the directory can be trusted: it exists, belongs to this user, and no other
// user can change it. Repairs nothing.
bool is_trustworthy_directory(const std::string& path);

// Returns the id in the file `instance`, like RunDirectory::instance_id(), but creates nothing: the
// id is empty if the directory or the file does not exist.
std::string kept_instance_id(const std::string& directory);

// hpp-launch holds the lock of this file while it uses the run directory.
constexpr const char* kRunLock = "lock";
std::string run_lock_path(const std::string& directory);

// Thrown if another hpp-launch uses the run directory.
class AlreadyRunning : public std::runtime_error {
 public:
  AlreadyRunning(const RunDirectory& directory, std::string its_holder);

  std::string holder;  // describes that hpp-launch
};

// Locks the directory for this hpp-launch until the result is destroyed. `holder` describes it, for
// others' AlreadyRunning: "pid 123, http://localhost:8000". Throws AlreadyRunning.
FileLock lock_run_directory(const RunDirectory& directory, const std::string& holder);

}  // namespace hpp
