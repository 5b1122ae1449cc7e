// Terminals: the user's, and pseudoterminals through which the backend has one, too.
#pragma once

#include <string_view>

#include "common/os/unique_fd.h"

namespace hpp {

bool is_terminal(int fd);

// Whether it is one that understands more than text: TERM is set, and not `dumb`.
bool is_able_terminal(int fd);

// Whether two descriptors are of one terminal.
bool is_same_terminal(int one, int other);

// Ends what a killed program may have left on the screen: colours, a hidden cursor, the alternate
// screen, reports of the mouse, bracketed paste, keys of an application. All of it is nothing where
// there was nothing; in particular this way out of the alternate screen (47, not 1049) moves no
// cursor.
constexpr std::string_view kScreenAsUsual =
    "\033[0m\033[?25h\033[?47l\033[?1000l\033[?1002l\033[?1003l\033[?1006l\033[?2004l\033[?1l\033>";

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
