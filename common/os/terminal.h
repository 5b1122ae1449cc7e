// Terminals: the user's, and the pseudoterminals of the backend.
#pragma once

#include <cstddef>
#include <string_view>

#include "common/os/unique_fd.h"

namespace hpp {

bool is_terminal(int fd);

// Whether `fd` is a terminal that understands escape sequences: TERM is set and is not `dumb`.
bool is_able_terminal(int fd);

// The number of columns of the terminal `fd`; 80 if the terminal does not know it, and 0 if `fd` is
// not a terminal.
std::size_t terminal_columns(int fd);

// Whether both descriptors refer to the same terminal.
bool is_same_terminal(int one, int other);

// Resets the terminal modes that a killed program may have left set: colours, a hidden cursor, the
// alternate screen, mouse reports, bracketed paste, application keys. Has no effect if none is set.
// In particular, sequence 47 leaves the alternate screen without moving the cursor; 1049 would move
// it.
constexpr std::string_view kScreenAsUsual =
    "\033[0m\033[?25h\033[?47l\033[?1000l\033[?1002l\033[?1003l\033[?1006l\033[?2004l\033[?1l\033>";

// Clears the screen and the scrollback.
constexpr std::string_view kClearScreen = "\033[H\033[2J\033[3J";

// A pseudoterminal. Bytes that are written to the slave are read from the master. Both descriptors
// are close-on-exec, and neither becomes a controlling terminal.
//
// Bytes pass from slave to master unchanged. The user's terminal turns LF into CR LF, and that must
// happen only once. After the last slave is closed and all bytes are read, read(2) on the master
// fails with EIO.
struct Pty {
  UniqueFd master;
  UniqueFd slave;
};

// The window size and the line-editing keys (erase, kill, …) are those of the terminal `like`. If
// `like` is not a terminal, they are the kernel's defaults. Throws std::system_error.
Pty make_pty(int like);

// Gives the terminal `to` the size of the terminal `from`. Does nothing if one of them is not a
// terminal. The kernel sends SIGWINCH only to processes whose controlling terminal is `to`, so the
// caller must notify the others.
void copy_window_size(int from, int to);

}  // namespace hpp
