// The file that keeps an author's newest snapshot for its successor.
//
// The successor resumes from what the file holds, so the file must never hold an older snapshot
// than the readers of the bus have seen. Usually write() replaces the file. Where it cannot create
// a file (the disk is full, over quota, no descriptors are left), it overwrites the old one, which
// needs neither space nor a descriptor: the first byte becomes NUL, the rest is written, and the
// first byte last, so that a crash in between leaves a file that nobody believes. If the text does
// not fit, the file stays like that, and the successor starts a new epoch: one restart too many,
// and none too few.
//
// The descriptor is open for writing all the time, which also keeps anybody from remounting the
// file system read-only.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "common/os/run_directory.h"
#include "common/os/unique_fd.h"

namespace hpp::bus {

class SnapshotFile {
 public:
  // `directory` must outlive this, and may be mended.
  SnapshotFile(const RunDirectory& directory, std::string name);

  std::string path() const { return directory_.path() + "/" + name_; }

  // The text that was written last, by this process or an earlier one. After a write that failed it
  // is one that decode() refuses. Nothing if there is no file, or if it is not ours
  // (open_own_file()).
  std::optional<std::string> read() const;

  enum class Result {
    Replaced,     // as usual
    Overwritten,  // the text is in the file, but no file could be created
    Lost,         // there is no file, or it holds a text that decode() refuses
  };

  struct Outcome {
    Result result = Result::Replaced;
    int error = 0;  // why the file could not be replaced: an errno value
  };

  // The text must not be empty, and must not begin with NUL.
  Outcome write(std::string_view text);

  // Whether the file that write() left is still there.
  bool is_in_place() const;

 private:
  bool overwrite(std::string_view text) const;
  void invalidate() const;

  const RunDirectory& directory_;
  std::string name_;
  UniqueFd file_;
};

}  // namespace hpp::bus
