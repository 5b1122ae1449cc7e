// Shell. Owns the way of the backend's stdout and stderr to ours: byte for byte, as they come.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "common/event/fd_watch.h"
#include "common/event/loop.h"
#include "common/os/unique_fd.h"

namespace hpp::supervisord {

// Writes to a descriptor that others share (a terminal, a log file), without ever blocking and
// without O_NONBLOCK, which would be set for everybody who has it.
class Sink {
 public:
  // `on_room` is called when all that had to wait is written. Does not own `fd`.
  Sink(Loop& loop, int fd, std::function<void()> on_room);

  // Writes what fits and keeps the rest for later. Drops it if nobody reads any more, or if too
  // much waits already.
  void write(std::string_view bytes);

  bool has_room() const { return waiting_.empty(); }

 private:
  std::size_t write_some(std::string_view bytes);
  void flush();

  int fd_;
  std::function<void()> on_room_;
  std::string waiting_;
  std::unique_ptr<FdWatch> writable_;  // made when first needed: epoll refuses plain files
  Loop& loop_;
};

// One stream of the backend: the pipe that it writes to, and the last that it wrote.
class Relay {
 public:
  Relay(Loop& loop, int destination);

  // Makes a new pipe and returns the end for the backend. What is left in the old one is passed on
  // first. Throws std::system_error.
  UniqueFd open();

  // Goes on with a pipe that another relay read from.
  void take_over(UniqueFd reader);

  // The end that we read from.
  int reader() const { return reader_.get(); }

  // Passes on what is in the pipe now, without waiting for more.
  void drain();

  // The last bytes since open(), at most kOutputTailMax.
  std::string_view tail() const;

 private:
  enum class Got { Bytes, NothingNow, End };

  Got read_once();
  void on_readable();
  void on_room();
  void close();

  Loop& loop_;
  Sink sink_;
  UniqueFd reader_;
  std::unique_ptr<FdWatch> readable_;
  std::string tail_;  // up to twice what tail() gives, so that it is seldom moved
};

class Output {
 public:
  // Passes on to these descriptors, which must outlive it.
  Output(Loop& loop, int stdout_fd, int stderr_fd) : out_(loop, stdout_fd), err_(loop, stderr_fd) {}

  struct Ends {
    UniqueFd out;
    UniqueFd err;
  };

  // Pipes for a new backend. Throws std::system_error.
  Ends open();

  // Goes on with the pipes of a backend that an earlier supervisord has started.
  void take_over(UniqueFd out, UniqueFd err);

  // The ends that we read from, stdout first.
  std::vector<int> readers() const { return {out_.reader(), err_.reader()}; }

  void drain();

  // What explains a crash: the last of stderr, of stdout if that is empty.
  std::string tail() const;

 private:
  Relay out_;
  Relay err_;
};

}  // namespace hpp::supervisord
