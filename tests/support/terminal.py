"""A terminal for hpp-launch, and its user.

    hpp = self.start_hpp("--exec", …, kind=TerminalHpp)
    hpp.type("r\\n")
    hpp.wait_screen("Killing")

hpp-launch leads the session, and the terminal is its controlling terminal, as under a shell.
"""

import contextlib
import fcntl
import os
import re
import select
import struct
import subprocess
import termios

from harness import DEADLINE_S, Hpp, wait_for

IUTF8 = 0o40000  # termios(3); Python has no name for it


class TerminalHpp(Hpp):
    """hpp-launch with a terminal for stdin, stdout and stderr. Subclasses replace some of them
    (subprocess.PIPE, a file), or change the environment."""

    redirected = {}
    shell = []  # a command that runs hpp-launch, whose command line is appended
    environment = {"TERM": "xterm", "NO_COLOR": "1"}

    def __init__(self, *arguments):
        self._screen = bytearray()
        self._last_modes = None
        self._master, self._slave = os.openpty()
        modes = termios.tcgetattr(self._slave)
        modes[0] |= IUTF8  # as modern terminals do
        termios.tcsetattr(self._slave, termios.TCSANOW, modes)
        self.modes_before = termios.tcgetattr(self._slave)  # hpp-launch may be faster than a test
        self.resize(24, 80)
        super().__init__(*arguments)

    def _start(self, cwd, environment):
        return subprocess.Popen(
            [*self.shell, *self.command],
            cwd=cwd,
            env={**environment, **self.environment},
            start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(self._slave, termios.TIOCSCTTY, 0),
            **{"stdin": self._slave, "stdout": self._slave, "stderr": self._slave,
               **self.redirected},
        )

    def _more_streams(self):
        return {"screen": os.fdopen(os.dup(self._master), "rb", buffering=0)}

    def _read(self, stream, pipe):
        if stream != "screen":
            return super()._read(stream, pipe)
        line = b""
        with pipe:
            while True:
                try:
                    fresh = pipe.read(65536)
                except OSError:  # EIO: no process has the terminal open any more
                    break
                self._screen += fresh
                *whole, line = (line + fresh).split(b"\n")
                for text in whole:
                    self._keep_line(stream, text)
        if line:
            self._keep_line(stream, line)

    # ---- screen and keyboard

    @property
    def screen(self):
        """Everything that was written to the terminal."""
        return bytes(self._screen).decode(errors="replace")

    def wait_screen(self, pattern, after=0):
        """Waits until the regular expression is found on the screen; returns its match. Skips the
        first `after` characters (len(hpp.screen) at an earlier moment)."""
        return wait_for(lambda: re.search(pattern, self.screen[after:]),
                        lambda: f"{pattern!r}; the screen has\n{self.screen!r}")

    def type(self, text):
        os.write(self._master, text.encode())

    def takes_output(self):
        """Whether a write would not block. It blocks between Ctrl+S and Ctrl+Q."""
        return bool(select.select([], [self._slave], [], 0)[1])

    def resize(self, rows, columns):
        fcntl.ioctl(self._master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    @property
    def modes(self):
        """The terminal's modes, as `stty -a` shows them."""
        return self._last_modes or termios.tcgetattr(self._slave)

    def wait_exit(self, deadline_s=DEADLINE_S):
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(deadline_s)
        self._close_slave()
        return super().wait_exit(deadline_s)

    def end(self):
        self._close_slave()
        super().end()
        os.close(self._master)

    def _close_slave(self):
        """Closes the slave here, so that the reader sees end of file when no process has the terminal open."""
        if not self._last_modes:
            self._last_modes = self.modes
            os.close(self._slave)
