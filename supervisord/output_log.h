// Shell. Keeps the output of all generations in a file of the run directory, for `hpp-ctl log`.
//
// The file survives this process: the next supervisord continues it. It is bounded: when it is
// full, it takes the place of an older one, so the last kFileMax bytes are always there.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "common/bus/messages.h"
#include "common/bus/output_record.h"
#include "common/os/run_directory.h"
#include "common/os/unique_fd.h"
#include "supervisord/core/line_splitter.h"

namespace hpp::supervisord {

class OutputLog {
 public:
  static constexpr std::size_t kFileMax = 1024 * 1024;  // bytes of each of the two files

  // `resumes`: whether to continue the log of an earlier supervisord of this run. Otherwise the log
  // starts empty. Throws what RunDirectory throws. If the file cannot be written, a warning is
  // logged once, and the next begin() tries again.
  OutputLog(const std::string& run_directory, const bus::AuthorId& author, bool resumes);

  // Attributes the output from now on to this generation.
  void begin(std::uint64_t generation);

  // Appends the lines that `bytes` completes. An incomplete line is kept until its rest arrives, or
  // until the next generation begins.
  void write(bus::OutputStream stream, std::string_view bytes);

 private:
  struct Stream {
    bus::OutputStream is;
    LineSplitter lines;
  };

  void open();
  std::string record(const Stream& stream, std::string text) const;
  void append(std::string_view records);
  void rotate();
  void give_up();

  RunDirectory directory_;
  std::string name_;
  std::string old_name_;
  UniqueFd file_;  // not open after a failure
  std::size_t size_ = 0;
  bool has_warned_ = false;
  std::uint64_t generation_ = 0;
  Stream streams_[4] = {{bus::OutputStream::Stdout, {}},
                        {bus::OutputStream::Stderr, {}},
                        {bus::OutputStream::Build, {}},
                        {bus::OutputStream::Hpp, {}}};
};

}  // namespace hpp::supervisord
