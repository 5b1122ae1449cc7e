// Shell. Owns the way of the backend's stdout and stderr to ours: byte for byte, as they come.
//
// Where ours is a terminal the backend's is one, too: it colours what it prints, and does not keep
// lines back. Where stdout and stderr are the same terminal theirs is the same, which keeps the
// order of their lines; then what explains a crash has both. It is not the backend's controlling
// terminal: a prompt that asks /dev/tty for a password, say, is to fail, and not to wait for keys
// that nobody passes on. With --interactive they are passed on (input.h): then stdout's, at least,
// is a terminal, the controlling one, and stdin is the same.
//
// A supervisord that is killed takes along what it has read and not yet written; all else waits in
// the pipe for the next one. No system call moves bytes from any descriptor to any other and shows
// them, too, for the tail.
#pragma once

#include <list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/event/fd_watch.h"
#include "common/event/loop.h"
#include "common/event/outlet_watch.h"
#include "common/os/outlet.h"
#include "common/os/unique_fd.h"

namespace hpp::supervisord {

// Where output goes: one outlet for each terminal, pipe or file, however many descriptors lead to
// it, so that lines keep their order. Our stderr is the log's outlet, which makes the log's lines
// wait behind the output that came before them, and begin on a line of their own.
class Destinations {
 public:
  explicit Destinations(Loop& loop);

  // The outlet of what `fd` refers to. Does not own `fd`.
  OutletWatch& at(int fd);

  // For the end of the program: waits until all outlets have taken what waits, for at most that
  // long.
  void finish(Milliseconds patience);

 private:
  struct Place {
    Place(Loop& loop, int fd) : outlet(fd), watch(loop, outlet) {}

    Outlet outlet;
    OutletWatch watch;
  };

  Loop& loop_;
  OutletWatch log_watch_;
  std::list<Place> places_;
};

// One stream of the backend: the pipe or pseudoterminal that it writes to, and the last that it
// wrote.
class Relay {
 public:
  enum class Kind {
    Same,      // a terminal where the destination is one
    Terminal,  // in any case
  };

  // `destination` must outlive it.
  Relay(Loop& loop, OutletWatch& destination, Kind kind = Kind::Same);
  ~Relay();
  Relay(const Relay&) = delete;
  Relay& operator=(const Relay&) = delete;

  // Makes a new pipe or pseudoterminal, and returns the end for the backend. What is left in the
  // old one is passed on first. Throws std::system_error.
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

  bool has_room() const { return !outlet_.is_waiting(); }

  Loop& loop_;
  OutletWatch& destination_;
  Outlet& outlet_;  // that of destination_
  bool is_terminal_;
  UniqueFd reader_;
  std::unique_ptr<FdWatch> readable_;
  std::string tail_;  // up to twice what tail() gives, so that it is seldom moved
};

class Output {
 public:
  enum class Input { None, Keyboard };

  // The destinations must outlive it.
  Output(Loop& loop, OutletWatch& out, OutletWatch& err, Input input = Input::None);

  struct Ends {
    UniqueFd in;  // with Input::Keyboard
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

  // Where the keys for the backend are to be written, with Input::Keyboard; -1 without a backend.
  int keyboard() const { return out_.reader(); }

  // Makes our terminal as usual, for the backend that read from it is dead.
  void calm_screen();

  // Clears the screen of our terminal and what has left it, if we have one.
  void clear_screen();

  // To be called when the size of our terminal may have changed. Nobody is told.
  void follow_window();

  // What explains a crash: the last of stderr, of stdout if that is empty or the same.
  std::string tail() const;

 private:
  Input input_;
  Relay out_;
  std::optional<Relay> err_;  // nothing: it is the same terminal
};

}  // namespace hpp::supervisord
