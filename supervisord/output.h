// Shell. Owns the way of the backend's stdout and stderr to ours: byte for byte, as they come.
//
// Where ours is a terminal the backend's is one, too: it colours what it prints, and does not keep
// lines back. Where stdout and stderr are the same terminal theirs is the same, which keeps the
// order of their lines; then what explains a crash has both. It is not the backend's controlling
// terminal: a prompt that asks /dev/tty for a password, say, is to fail, and not to wait for keys
// that nobody passes on.
#pragma once

#include <functional>
#include <memory>
#include <optional>
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

// One stream of the backend: the pipe or pseudoterminal that it writes to, and the last that it
// wrote.
class Relay {
 public:
  Relay(Loop& loop, int destination);

  // Makes a new pipe, or a pseudoterminal if the destination is a terminal, and returns the end for
  // the backend. What is left in the old one is passed on first. Throws std::system_error.
  UniqueFd open();

  // Goes on with what another relay read from.
  void take_over(UniqueFd reader);

  // The end that we read from.
  int reader() const { return reader_.get(); }

  // Passes on what is there now, without waiting for more.
  void drain();

  // Shows something of ours, in order with what the backend prints. Returns false, and does not, if
  // the destination is no terminal that understands more than text.
  bool show(std::string_view sequence);

  // Gives the backend's terminal the size of ours, if there are such.
  void follow_window();

  // The last bytes since open(), at most kOutputTailMax.
  std::string_view tail() const;

 private:
  // What a read found: some bytes, nothing now (0) or the end (nothing).
  using Got = std::optional<std::size_t>;

  Got read_once();
  void on_readable();
  void on_room();
  void close();

  Loop& loop_;
  int destination_;
  Sink sink_;
  UniqueFd reader_;
  std::unique_ptr<FdWatch> readable_;
  std::string tail_;  // up to twice what tail() gives, so that it is seldom moved
};

class Output {
 public:
  // Passes on to these descriptors, which must outlive it.
  Output(Loop& loop, int stdout_fd, int stderr_fd);

  struct Ends {
    UniqueFd out;
    UniqueFd err;
  };

  // For a new backend. Throws std::system_error.
  Ends open();

  // How many ends we read from: one if stdout and stderr are the same terminal, else two.
  std::size_t reader_count() const { return err_ ? 2 : 1; }

  // The ends that we read from, stdout first.
  std::vector<int> readers() const;

  // Goes on with those of a backend that an earlier supervisord has started: reader_count() of
  // them.
  void take_over(std::vector<UniqueFd> readers);

  void drain();

  // Clears the screen of our terminal and what has left it, if we have one.
  void clear_screen();

  // To be called when the size of our terminal may have changed. Nobody is told.
  void follow_window();

  // What explains a crash: the last of stderr, of stdout if that is empty or the same.
  std::string tail() const;

 private:
  Relay out_;
  std::optional<Relay> err_;  // nothing: it is the same terminal
};

}  // namespace hpp::supervisord
