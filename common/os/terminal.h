// Terminals: the user's, and pseudoterminals through which the backend has one, too.
#pragma once

#include "common/os/unique_fd.h"

namespace hpp {

bool is_terminal(int fd);

// Whether it is one that understands more than text: TERM is set, and not `dumb`.
bool is_able_terminal(int fd);

// Whether two descriptors are of one terminal.
bool is_same_terminal(int one, int other);

// A pseudoterminal: what is written to the slave is read from the master. Close-on-exec both, and
// nobody's controlling terminal.
//
// Bytes pass from slave to master untouched: the terminal that they end at turns LF into CR LF, and
// it should be done once. When the last slave is closed, and all is read, the master's read(2)
// fails with EIO.
struct Pty {
  UniqueFd master;
  UniqueFd slave;
};

// `like`: the window's size and the keys that edit a line (erase, kill, …) are those of that
// terminal; the kernel's own if it is none. Throws std::system_error.
Pty make_pty(int like);

// Gives the terminal `to` the size of the terminal `from`. Nobody is told, SIGWINCH is for the
// foreground processes of those who have `to` as their controlling terminal. Nothing happens if one
// of them is no terminal.
void copy_window_size(int from, int to);

}  // namespace hpp
