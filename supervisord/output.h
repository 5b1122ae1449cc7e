// Shell. Passes the backend's stdout and stderr on to ours, byte for byte and without delay.
//
// If our stdout or stderr is a terminal, the backend gets a pseudoterminal for that stream, so that
// it uses colours and does not buffer lines. If our stdout and stderr are the same terminal, the
// backend gets one pseudoterminal for both streams, which keeps the order of their lines; the tail
// that explains a crash then contains both.
//
// The pseudoterminal is not the backend's controlling terminal. A program that opens /dev/tty, for
// example to ask for a password, must fail instead of waiting for keys that never arrive. With
// --interactive, keys do arrive (input.h): then the backend's stdout is always a pseudoterminal,
// its stdin is the same one, and it is the controlling terminal.
//
// If supervisord is killed, the bytes that it has read but not yet written are lost. All others
// wait in the pipe for the next supervisord. This cannot be avoided: no system call moves bytes
// between any two descriptors and also returns them, as the tail requires.
#pragma once

#include <functional>
#include <list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/bus/output_record.h"
#include "common/event/fd_watch.h"
#include "common/event/loop.h"
#include "common/event/outlet_watch.h"
#include "common/os/outlet.h"
#include "common/os/unique_fd.h"

namespace hpp::supervisord {

// The destinations of output: one outlet for each terminal, pipe or file, even if several
// descriptors refer to it, so that lines keep their order. Our stderr shares the log's outlet.
// So a log line waits until earlier output is written, and begins on its own line.
class Destinations {
 public:
  explicit Destinations(Loop& loop);

  // Returns the outlet of the terminal, pipe or file that `fd` refers to. Does not own `fd`.
  OutletWatch& at(int fd);

  // Writes all pending output before the program ends. Blocks for at most `patience`.
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

// One output stream of the backend: the pipe or pseudoterminal that it writes to, and the last
// bytes that it wrote.
class Relay {
 public:
  enum class Kind {
    Same,      // a pseudoterminal if the destination is a terminal, else a pipe
    Terminal,  // always a pseudoterminal
  };

  // Receives each piece of output, in addition to the destination.
  using Tap = std::function<void(std::string_view bytes)>;

  // `destination` must outlive this.
  Relay(Loop& loop, OutletWatch& destination, Kind kind = Kind::Same, Tap tap = {});
  ~Relay();
  Relay(const Relay&) = delete;
  Relay& operator=(const Relay&) = delete;

  struct Ends {
    UniqueFd ours;
    UniqueFd theirs;
  };

  // Makes a pipe or pseudoterminal that this relay can take over later. Throws std::system_error.
  Ends make() const;

  // Makes a new pipe or pseudoterminal, and returns the end for the backend. First passes on the
  // bytes that are left in the old one. Throws std::system_error.
  UniqueFd open();

  // Reads from now on from a pipe or pseudoterminal that an earlier relay or make() has made.
  // `earlier` are bytes that were read from it, and are passed on now.
  void take_over(UniqueFd reader, std::string_view earlier = {});

  // The end that we read from; -1 if there is none.
  int reader() const { return reader_.get(); }

  // Passes on the bytes that are available now, without waiting for more.
  void drain();

  // Writes a control sequence of ours, in order with the backend's output. Returns false and writes
  // nothing if the destination is not a terminal that understands control sequences.
  bool show(std::string_view sequence);

  // Copies the window size of our terminal to the backend's, if both are terminals.
  void follow_window();

  // The last bytes since open() or take_over(), at most kOutputTailMax.
  std::string_view tail() const;

 private:
  // The result of a read: the number of bytes, 0 if none are available now, or no value at the end.
  using Got = std::optional<std::size_t>;

  Got read_once();
  void pass_on(std::string_view bytes);
  void on_readable();
  void on_room();
  void close();

  bool has_room() const { return !outlet_.is_waiting(); }

  Loop& loop_;
  OutletWatch& destination_;
  Outlet& outlet_;  // destination_'s outlet
  bool is_terminal_;
  Tap tap_;
  UniqueFd reader_;
  std::unique_ptr<FdWatch> readable_;
  std::string tail_;  // up to twice kOutputTailMax, so that its bytes are seldom moved
};

class Output {
 public:
  enum class Input { None, Keyboard };

  using Tap = std::function<void(bus::OutputStream, std::string_view bytes)>;

  // The destinations must outlive this.
  Output(Loop& loop, OutletWatch& out, OutletWatch& err, Input input = Input::None, Tap tap = {});

  struct Ends {
    UniqueFd in;  // open only with Input::Keyboard
    UniqueFd out;
    UniqueFd err;
  };

  // Makes the streams of a new backend, and returns its ends. Throws std::system_error.
  Ends open();

  // The streams of a process that is not the backend yet, without input.
  struct Made {
    std::vector<UniqueFd> readers;  // for take_over()
    Ends ends;
  };

  // Throws std::system_error.
  Made make() const;

  // The number of ends that we read from: 1 if stdout and stderr are the same terminal, else 2.
  std::size_t reader_count() const { return err_ ? 2 : 1; }

  // The ends that we read from, stdout first.
  std::vector<int> readers() const;

  // Reads from now on from these ends, which belong to a backend that an earlier supervisord has
  // started, or are from make(). `readers` must have reader_count() elements, and so must
  // `earlier`, the bytes that were read from them; without it, none were.
  void take_over(std::vector<UniqueFd> readers, std::vector<std::string> earlier = {});

  void drain();

  // The descriptor to write the backend's keys to, with Input::Keyboard; -1 if there is no backend.
  int keyboard() const { return out_.reader(); }

  // Resets our terminal after the death of an interactive backend, which may have left modes set.
  void reset_screen();

  // Clears the screen and the scrollback of our terminal, if we have one.
  void clear_screen();

  // To be called when the size of our terminal may have changed. Sends no signal to the backend.
  void follow_window();

  // The output that explains a crash: the tail of stderr, or of stdout if stderr has printed
  // nothing or is the same terminal.
  std::string tail() const;

 private:
  Input input_;
  Relay out_;
  std::optional<Relay> err_;  // no value if stderr is the same terminal as stdout
};

}  // namespace hpp::supervisord
