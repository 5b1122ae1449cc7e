"""hpp-launch in a pane of tmux, as a person has it on the screen: in a shell, at a given size.

    hpp = self.start_hpp("--exec", …, kind=Tmux80)
    hpp.wait_screen("ready in")
    hpp.type("r")

tmux is a real terminal emulator: it wraps lines, interprets the control sequences, and says what is
left on the screen. Each pane has a tmux server of its own, which ends with the test.
"""

import os
import re
import shlex
import shutil
import signal
import subprocess

from harness import Hpp, children_of, is_alive, is_program, wait_for

ROWS = 24
PROMPT = "$ "


def what_is_missing():
    """Why no pane can be opened, in one line; empty if one can."""
    missing = [name for name in ("tmux", "bash") if not shutil.which(name)]
    return f"{missing[0]} is not installed (tools/install-deps --tests)" if missing else ""


class TmuxHpp(Hpp):
    """A shell in a pane, in which the person has typed the command that starts hpp-launch. Subclasses
    set the width. Ending hpp does not end the shell."""

    is_verbose = False
    columns = 80

    def __init__(self, command, world, bind, backend):
        self._socket = world.directory / "tmux.sock"
        self._last_screen = None
        super().__init__(command, world, bind, backend)

    def _start(self, cwd, environment):
        script = cwd.parent / "start"
        script.write_text(f"#!/bin/sh\nexec {shlex.join(self.command)}\n")
        script.chmod(0o755)
        environment = {**environment, "PS1": PROMPT, "SHELL": shutil.which("bash")}
        for name in ("NO_COLOR", "TMUX"):
            environment.pop(name, None)
        server = subprocess.Popen(["tmux", "-S", self._socket, "-f", "/dev/null", "-D"], cwd=cwd,
                                  env=environment, stdin=subprocess.DEVNULL, start_new_session=True)
        wait_for(lambda: self._tmux("list-sessions", check=False).returncode == 0, "tmux")
        self._tmux("set-option", "-g", "status", "off")
        self._tmux("new-session", "-d", "-c", cwd, "-x", self.columns, "-y", ROWS, "bash", "--norc", "--noprofile")
        self.wait_screen(re.escape(PROMPT.strip()))
        self.modes_before = self.modes
        self.type("../start")
        self.press("Enter")
        return server

    def _tmux(self, *arguments, check=True):
        return subprocess.run(["tmux", "-S", self._socket, *map(str, arguments)], check=check,
                              capture_output=True, text=True)

    # ---- screen and keyboard

    def type(self, text):
        self._tmux("send-keys", "-l", text)

    def press(self, key):
        """Presses a key by its name (tmux(1), KEY BINDINGS)."""
        self._tmux("send-keys", key)

    def screen(self, *options):
        """The lines on the screen, without blanks at their ends and empty lines at the end. `options` are
        those of capture-pane: -e with colours, -J with wrapped lines as one, -S - with the history."""
        text = self._tmux("capture-pane", "-p", *options).stdout
        return [line.rstrip() for line in text.rstrip().split("\n")]

    def wait_screen(self, pattern):
        """Waits until the regular expression is found in the lines on the screen; returns its match."""
        return wait_for(lambda: re.search(pattern, "\n".join(self.screen())),
                        lambda: f"{pattern!r}; {self.transcript()}")

    def ask(self, variable):
        """The value of one of tmux's variables (tmux(1), FORMATS)."""
        return self._tmux("display-message", "-p", f"#{{{variable}}}").stdout.strip()

    @property
    def modes(self):
        """The terminal's modes, as `stty -a` shows them."""
        terminal = self.ask("pane_tty")
        return subprocess.run(["stty", "-a", "-F", terminal], check=True, capture_output=True, text=True).stdout

    def output(self, stream=None):
        return self.transcript()

    def transcript(self):
        return "the screen has\n" + "\n".join(self._last_screen or self.screen("-S", "-"))

    # ---- processes

    @property
    def pid(self):
        """The process id of hpp-launch."""
        shell = int(self.ask("pane_pid"))
        return wait_for(lambda: next((pid for pid, command in children_of(shell).items()
                                      if is_program(command, "hpp-launch")), None), "hpp-launch")

    def wait_prompt(self):
        """Waits until hpp has ended, and the shell reads the keyboard again."""
        shell = int(self.ask("pane_pid"))
        wait_for(lambda: not children_of(shell), lambda: f"the end of hpp; {self.transcript()}")
        wait_for(lambda: self.screen()[-1] == PROMPT.strip(), lambda: f"the prompt; {self.transcript()}")

    def end(self):
        shell = int(self.ask("pane_pid"))
        for pid in children_of(shell):
            os.kill(pid, signal.SIGTERM)
            wait_for(lambda pid=pid: not is_alive(pid), "the end of hpp")
        self._last_screen = self.screen("-S", "-")
        self._tmux("kill-server")
        wait_for(lambda: not is_alive(shell), "the end of the shell")
        super().end()


class Tmux40(TmuxHpp):
    columns = 40


class Tmux120(TmuxHpp):
    columns = 120
