// The file that keeps an author's newest snapshot for the next process of that author.
//
// The next process resumes from the file, so the file must not contain an older snapshot than the
// readers of the bus have received. write() normally replaces the file. If it cannot create a file
// (the disk is full, the quota is used up, no descriptors are left), it overwrites the old file,
// which needs neither space nor a descriptor. Meanwhile the first byte of the file is NUL, so that
// a crash leaves a file that decode() refuses. If the text does not fit, the file stays invalid,
// and the next process starts a new epoch. That restarts the backend once more than necessary, but
// never too rarely.
//
// The descriptor stays open for writing, which also prevents a remount of the file system as
// read-only.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "common/os/run_directory.h"
#include "common/os/unique_fd.h"

namespace hpp::bus {

class SnapshotFile {
 public:
  // `directory` must outlive this object.
  SnapshotFile(const RunDirectory& directory, std::string name);

  std::string path() const { return directory_.path() + "/" + name_; }

  // Returns the text that this process or an earlier one has written last. After a failed write,
  // decode() refuses the text. Returns nothing if there is no file, or if open_own_file() refuses
  // it.
  std::optional<std::string> read() const;

  enum class Result {
    Replaced,     // the normal case
    Overwritten,  // the text is in the file, but no new file could be created
    Lost,         // there is no file, or decode() refuses its text
  };

  struct Outcome {
    Result result = Result::Replaced;
    int error = 0;  // errno value: why the file could not be replaced; 0 if Replaced
  };

  // The text must not be empty, and must not begin with NUL.
  Outcome write(std::string_view text);

  // Whether the file that write() has written is still in the directory.
  bool is_in_place() const;

 private:
  bool overwrite(std::string_view text) const;
  void invalidate() const;

  const RunDirectory& directory_;
  std::string name_;
  UniqueFd file_;
};

}  // namespace hpp::bus
