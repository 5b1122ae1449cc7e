"""hpp-launch at a terminal. The backend gets a pseudoterminal, too."""

import contextlib
import os
import re
import signal
import subprocess
import threading
import unittest

from harness import (BACKEND, PYTHON, STOP_S, Hpp, IntegrationTest, children_of, get, is_alive,
                     wait_for)
from terminal import TerminalHpp

# Prints which of its streams are terminals, and serves. On SIGWINCH, prints the size of its window.
TELLER = """\
import http.server, os, signal, sys

def size(*_):
    print("window", *os.get_terminal_size(1), flush=True)

def tell():
    print("streams", *[os.isatty(fd) for fd in (0, 1, 2)], "{mark}")

tell()
if os.isatty(1):
    signal.signal(signal.SIGWINCH, size)
    size()

class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        print("served", self.path, "{mark}")  # a terminal gets each line without a flush
        self.send_response(200)
        self.end_headers()
    do_HEAD = do_GET
    def log_message(self, *_):
        pass

http.server.ThreadingHTTPServer(("localhost", int(sys.argv[1])), Handler).serve_forever()
"""


class TerminalForTwo(TerminalHpp):
    """hpp-launch whose stderr is a pipe, not the terminal."""

    redirected = {"stderr": subprocess.PIPE}


class ColourTerminal(TerminalHpp):
    environment = {"TERM": "xterm", "NO_COLOR": ""}


class DumbTerminal(TerminalHpp):
    environment = {"TERM": "dumb", "NO_COLOR": ""}


class Background(TerminalHpp):
    """A job in the background, until the shell reads `go`."""

    shell = ["bash", "-c", 'set -m; "$@" & read -r word; echo "the shell has $word"; fg', "bash"]


class Job(TerminalHpp):
    """A job in the foreground. When it stops, the shell reads a line and then continues it."""

    shell = ["bash", "-c",
             'set -m; "$@"; echo "the shell waits"; read -r word; echo "the shell has $word"; fg',
             "bash"]


class UnreadTerminal(TerminalHpp):
    """The output to the terminal is not read, as with a hung connection or a terminal in copy mode."""

    def _more_streams(self):
        return {}


class UnreadPipe(Hpp):
    """stdout and stderr are a full pipe that is not read."""

    def _start(self, cwd, environment):
        reader, writer = os.pipe()
        self.fill = 0
        os.set_blocking(writer, False)
        with contextlib.suppress(BlockingIOError):
            while True:
                self.fill += os.write(writer, b"." * 65536)
        os.set_blocking(writer, True)
        self.reader = os.fdopen(reader, "rb", buffering=0)
        with os.fdopen(writer, "wb") as end:
            return subprocess.Popen(self.command, cwd=cwd, env=environment, process_group=0,
                                    stdin=subprocess.DEVNULL, stdout=end, stderr=end)

    def read_rest(self):
        """Returns the output after the filling, up to the end of all writers."""
        return self.reader.read(self.fill) and b"".join(iter(lambda: self.reader.read(65536), b""))

    def end(self):
        super().end()
        self.reader.close()


class Rival(TerminalHpp):
    """Another process in the foreground reads from the same terminal."""

    shell = ["bash", "-c", '"$@" <&0 & cat; wait', "bash"]


class TerminalTest(IntegrationTest):
    def setUp(self):
        super().setUp()
        # Output must be unbuffered because of the terminal, not because of this variable.
        self.environment.pop("PYTHONUNBUFFERED")

    def start_teller(self, *options, mark="first", kind=TerminalHpp):
        self.save("app.py", TELLER.replace("{mark}", mark))
        return self.start_ready(*options, "--exec", PYTHON, "app.py", "{backend}", kind=kind)


class Output(TerminalTest):
    def test_the_backend_has_a_terminal(self):
        hpp = self.start_teller()
        hpp.wait_screen("streams False True True first\r\n")
        hpp.wait_screen("window 80 24\r\n")
        hpp.wait_screen("served / first\r\n")  # the probe
        self.assertNotIn("\r\r", hpp.screen)

    def test_only_where_hpp_has_one(self):
        hpp = self.start_teller(kind=TerminalForTwo)
        hpp.wait_screen("streams False True False first\r\n")
        hpp.wait_line("Running: generation 1")
        self.assertNotIn("Running", hpp.screen)

    def test_keeps_the_order_of_stdout_and_stderr(self):
        self.save("app.py", """\
import os
for i in range(1000):
    os.write(1 + i % 2, b"<%d>\\n" % i)
""")
        hpp = self.start_hpp("--exec", PYTHON, "app.py", kind=TerminalHpp)
        hpp.wait_state("Error")
        hpp.wait_screen("<999>")
        expected = "".join(f"<{i}>\r\n" for i in range(1000))
        self.assertIn(expected, hpp.screen)

    def test_passes_every_byte(self):
        self.save("app.py", "import os; os.write(1, b'[' + bytes(range(256)) + b']')")
        hpp = self.start_hpp("--exec", PYTHON, "app.py", kind=TerminalHpp)
        hpp.wait_state("Error")
        hpp.wait_screen("\ufffd]")
        expected = bytes(range(256)).replace(b"\n", b"\r\n").decode(errors="replace")
        self.assertIn(f"[{expected}]", hpp.screen)

    def test_the_window_follows(self):
        hpp = self.start_teller()
        hpp.resize(50, 132)
        hpp.wait_screen("window 132 50")
        self.save("app.py", TELLER.replace("{mark}", "second"))
        hpp.wait_screen("streams False True True second\r\nwindow 132 50")

    def test_outlives_a_crash_of_its_supervisor(self):
        hpp = self.start_teller()
        supervisord = hpp.helper_pid("supervisord")
        pid = hpp.snapshot()["pid"]
        os.kill(supervisord, signal.SIGKILL)
        hpp.wait_screen("took over generation 1")
        seen = len(hpp.screen)
        hpp.resize(40, 100)
        hpp.wait_screen("window 100 40", after=seen)
        self.assertEqual(hpp.snapshot()["pid"], pid)
        hpp.type("\x03")
        self.assertEqual(hpp.wait_exit(), 130)
        self.assert_nothing_left()

    def test_the_output_of_a_crash_has_both_streams(self):
        self.save("app.py", "import sys; print('working'); sys.exit('no database')")
        hpp = self.start_hpp("--exec", PYTHON, "app.py", kind=TerminalHpp)
        end = hpp.wait_state("Error")
        self.assertEqual(end["output_tail"], "working\nno database\n")


# Serves, and prints endlessly.
CHATTERBOX = """
import threading

def chatter():
    while True:
        print("chatter " * 100, flush=True)

threading.Thread(target=chatter, daemon=True).start()
"""


class NobodyTakesTheOutput(TerminalTest):
    """hpp continues, and ends as usual, although its output is not read."""

    def start(self, kind, more=""):
        self.save_app("first", more)
        return self.start_ready("--exec", PYTHON, "app.py", "{backend}", kind=kind)

    def save_app(self, text, more=""):
        self.save("app.py", more + BACKEND.format(text=text, spawns=os.devnull))

    def save_and_get(self, hpp, text, more=""):
        generation = hpp.generation
        self.save_app(text, more)
        hpp.wait_state("Running", generation + 1)
        self.assertEqual(get(hpp.url).text, text)

    def assert_ends(self, hpp, number=signal.SIGTERM):
        hpp.signal(number)
        hpp.process.wait(STOP_S)
        self.assert_nothing_left()

    def test_a_terminal_stopped_with_ctrl_s(self):
        hpp = self.start(TerminalHpp)
        for last in ("hpp-watchd: watching ", "Running: generation 1"):
            hpp.wait_screen(f"{last}.*\r\n")
        hpp.type("\x13")
        wait_for(lambda: not hpp.takes_output(), "the terminal to stop")
        seen = len(hpp.screen)
        for text in ("second", "third"):
            self.save_and_get(hpp, text)
        hpp.type("h\nr\n")  # hpp-launch prints something, too
        hpp.wait_state("Running", 4)
        self.assertEqual(len(hpp.screen), seen)
        hpp.type("\x11")
        hpp.wait_screen("shows this help; Enter alone", after=seen)
        hpp.wait_screen("(?s)app.py changed.*generation 2.*app.py changed.*generation 3"
                        ".*Running: generation 4", after=seen)
        self.assert_ends(hpp)

    def test_the_end_in_a_stopped_terminal(self):
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            hpp = self.start(TerminalHpp)
            hpp.type("\x13")
            wait_for(lambda: not hpp.takes_output(), "the terminal to stop")
            self.save_and_get(hpp, "second")
            self.assert_ends(hpp, number)

    def test_a_full_terminal(self):
        hpp = self.start(UnreadTerminal, CHATTERBOX)
        for text in ("second", "third"):
            self.save_and_get(hpp, text, CHATTERBOX)
        self.assert_ends(hpp)

    def test_a_full_pipe(self):
        hpp = self.start(UnreadPipe)
        for text in ("second", "third"):
            self.save_and_get(hpp, text)
        rest = []
        reader = threading.Thread(target=lambda: rest.append(hpp.read_rest()))
        reader.start()
        self.assert_ends(hpp)
        reader.join()
        self.assertRegex(rest[0], b"(?s)generation 1.*app.py changed.*generation 3")

    def test_endless_output_to_a_full_pipe(self):
        hpp = self.start(UnreadPipe, CHATTERBOX)
        for text in ("second", "third"):
            self.save_and_get(hpp, text, CHATTERBOX)
        self.assert_ends(hpp)


class StateLines(TerminalTest):
    def test_are_coloured(self):
        hpp = self.start_teller(kind=ColourTerminal)
        hpp.wait_screen(r"\033\[0;2mhpp-supervisord:\033\[0m \033\[1;32mRunning\033\[0m: gen")
        self.save("app.py", "raise SystemExit(3)")
        hpp.wait_screen(r"\033\[1;33mKilling\033\[0m: app.py changed")
        hpp.wait_screen(r"\033\[1;36mLoading\033\[0m: started .*, killed the old one in [0-9.]+ ms")
        hpp.wait_screen(r"\033\[1;31mError\033\[0m: exit code 3 after [0-9.]+ ms, "
                        "[0-9.]+ ms after app.py changed; waiting for a change")

    def test_are_not_coloured_if_unwanted(self):
        for kind in (TerminalHpp, DumbTerminal):
            hpp = self.start_teller(kind=kind)
            hpp.wait_screen("hpp-supervisord: Running: generation 1")
            self.assertNotIn("\033", hpp.screen)


class Clear(TerminalTest):
    CLEARED = "\033[H\033[2J\033[3J"

    def test_comes_before_the_first_line_of_a_restart(self):
        hpp = self.start_ready("--clear", kind=TerminalHpp)
        self.assertNotIn("\033", hpp.screen)
        self.save_backend("again")
        hpp.wait_state("Running", 2)
        hpp.wait_screen(re.escape(self.CLEARED) + "hpp-supervisord: Killing: app.py changed")
        self.assertEqual(hpp.screen.count("\033[2J"), 1)
        self.save("app.py", "raise SystemExit(1)")
        hpp.wait_state("Error", 3)
        self.save_backend("at last")
        hpp.wait_screen(re.escape(self.CLEARED) + "hpp-supervisord: Loading: app.py changed, started")

    def test_does_nothing_without_a_terminal(self):
        hpp = self.start_ready("--clear")
        self.save_backend("again")
        hpp.wait_state("Running", 2)
        hpp.wait_line("Running: generation 2")
        self.assertNotIn("\033", hpp.output())


class Keys(TerminalTest):
    def start(self, kind=TerminalHpp):
        return self.start_ready(kind=kind)

    def test_are_listed_at_the_start(self):
        hpp = self.start()
        hpp.wait_screen(r"➜  press h \+ Enter for help\r\n")

    def test_restart(self):
        hpp = self.start()
        hpp.type("r\n")
        hpp.wait_state("Running", 2)
        hpp.wait_screen(r"restart requested \(SIGHUP\)")
        self.assertEqual(self.spawns, 2)

    def test_help(self):
        hpp = self.start()
        hpp.type("h\n")
        hpp.wait_screen(r"hpp-launch: q \+ Enter  stops hpp and your server")
        hpp.type("wat\n")
        hpp.wait_screen('unknown command "wat"; press h')

    def test_pause(self):
        self.save_backend("version 0")
        hpp = self.start()
        hpp.type("p\n")
        hpp.wait_screen(r"Paused: saves do not restart your server. Press p \+ Enter to go on\r\n")
        self.save_backend("version 1")
        self.assertEqual(get(hpp.url).header("X-Hpp-Paused"), "stale")
        hpp.wait_screen(r"Paused: app.py changed. Your server keeps the old code until you press p \+ Enter\r\n")
        self.assertEqual(self.spawns, 1)
        hpp.type("p\n")
        hpp.wait_screen("app.py changed during the pause")
        answer = get(hpp.url)
        self.assertEqual((answer.text, answer.header("X-Hpp-Paused")), ("version 1", None))
        hpp.type("p\np\n")
        hpp.wait_screen(r"(?s)Paused: saves do not .*Resumed: saves restart your server again\r\n",
                        after=hpp.screen.index("during the pause"))

    def test_pause_while_supervisord_is_down(self):
        hpp = self.start()
        os.kill(hpp.helper_pid("supervisord"), signal.SIGKILL)
        hpp.wait_screen("starting it again")
        hpp.type("p\n")
        hpp.wait_screen(r"Press p \+ Enter")
        wait_for(lambda: get(hpp.url).header("X-Hpp-Paused") == "current", "the pause")

    def test_quit(self):
        hpp = self.start()
        hpp.type("q\n")
        self.assertEqual(hpp.wait_exit(), 0)
        self.assert_nothing_left()

    def test_end_of_file_does_not_end_hpp(self):
        hpp = self.start()
        hpp.type("\x04")
        hpp.type("r\n")
        hpp.wait_state("Running", 2)

    def test_restart_while_supervisord_is_down(self):
        hpp = self.start()
        os.kill(hpp.helper_pid("supervisord"), signal.SIGKILL)
        hpp.wait_screen("starting it again")
        hpp.type("r\n")
        hpp.wait_state("Running", 2)

    def test_are_not_read_in_a_pipeline(self):
        hpp = self.start_teller(kind=TerminalForTwo)
        hpp.type("q\n")
        hpp.wait_screen("q\r\n")  # the echo
        self.assertEqual(get(hpp.url).status, 200)
        self.assert_never_said(hpp, "press h + Enter")

    def test_may_be_read_by_another_first(self):
        hpp = self.start_teller(kind=Rival)
        launcher = wait_for(
            lambda: next((pid for pid, c in children_of(hpp.pid).items() if "hpp-launch" in c), None),
            "hpp-launch")
        for i in range(100):
            hpp.type(f"{i}\n")
            hpp.wait_screen(f'(?m)^{i}\r?$.*(\n.*)*(^{i}\r?$|unknown command "{i}")')
        os.kill(launcher, signal.SIGTERM)
        wait_for(lambda: not is_alive(launcher), "the end of hpp-launch", STOP_S)

    def test_are_not_read_in_the_background(self):
        hpp = self.start(Background)
        hpp.type("q\n")  # would end it
        hpp.wait_screen("the shell has q")
        hpp.type("r\n")
        hpp.wait_state("Running", 2)
        hpp.type("\x03")
        self.assertEqual(hpp.wait_exit(), 130)
        self.assert_nothing_left()


class Person(TerminalHpp):
    """What a person sees, without --verbose."""

    is_verbose = False


class ColourPerson(Person):
    environment = {"TERM": "xterm", "NO_COLOR": ""}


class PersonsJob(Person):
    shell = Job.shell


class PersonsPipe(Hpp):
    is_verbose = False


class WhatAPersonSees(TerminalTest):
    def lines(self, hpp, first):
        """The lines on the screen, from that one on, with times replaced."""
        text = re.sub(r"\d+(\.\d)? ms", "N ms", hpp.screen).replace("\r\n", "\n")
        text = text.replace(str(self.project), "PROJECT").replace(str(hpp.bind), "8000")
        lines = text.replace(str(hpp.backend), "8001").splitlines()
        return lines[next(i for i, line in enumerate(lines) if line.startswith(first)):]

    def test_a_session(self):
        self.save_backend()
        self.environment["HOME"] = str(self.project.parent)
        hpp = self.start_ready("--exec", PYTHON, "app.py", "{backend}", kind=Person)
        self.save("app.py", "print('Serving'\n")
        hpp.wait_state("Error", 2)
        hpp.wait_screen(r"press r \+ Enter\r\n")
        self.save_backend()
        hpp.wait_state("Running", 3)
        hpp.wait_screen("(?s)ready in.*ready in")
        hpp.type("\x03")
        self.assertEqual(hpp.wait_exit(), 130)
        lines = self.lines(hpp, "  hpp")
        self.assertRegex(lines[0], r"^  hpp \d+\.\d+\.\d+   ~/project$")
        self.assertEqual(lines[1:7], [
            "",
            "  ➜  Local:    http://localhost:8000/",
            "  ➜  Network:  off (bind 0.0.0.0:8000, or --lan)",
            "  ➜  Status:   http://localhost:8000/__hpp/",
            "  ➜  press h + Enter for help",
            ""])
        said = [line for line in lines[7:] if line[:5] in ("hpp  ", "     ") and "using inotify" not in line
                and "polling" not in line]
        self.assertEqual(said, [
            f"hpp  starting  {PYTHON} app.py 8001",
            "hpp  ready in N ms  http://localhost:8000/",
            "hpp  app.py changed, restarting",
            "         ^",
            "hpp  crashed (exit 1): SyntaxError: '(' was never closed  app.py:1",
            "     save a fix, or press r + Enter",
            "hpp  app.py changed, restarting",
            "hpp  ready in N ms",
            "hpp  stopped"], hpp.screen)
        self.assertLessEqual(max(map(len, lines)), 80)

    def test_long_lines_are_wrapped(self):
        message = " ".join(["word"] * 60)
        self.save("app.py", f"raise SystemError({message!r})\n")
        hpp = self.start_hpp("--exec", PYTHON, "app.py", kind=Person)
        hpp.wait_screen(r"  app.py:1\r\n     save a fix")
        wrapped = hpp.screen[hpp.screen.index("hpp  crashed"):].split("\r\n")
        self.assertGreater(len(wrapped), 4)
        self.assertLessEqual(max(map(len, wrapped)), 80)
        self.assertTrue(wrapped[1].startswith("     word"), wrapped)

    def test_has_colours(self):
        hpp = self.start_ready(kind=ColourPerson)
        hpp.wait_screen(r"\033\[0;1;36mhpp\033\[0m  \033\[1;32mready\033\[0m in")
        hpp.wait_screen(r"\033\[32m➜\033\[0m  \033\[1mLocal:\033\[0m")

    def test_pipes_get_no_control_sequences(self):
        self.environment.pop("NO_COLOR", None)
        self.environment["TERM"] = "xterm-256color"
        hpp = self.start_ready("--clear", kind=PersonsPipe)
        self.save("app.py", "raise SystemExit('a ' * 100)")
        hpp.wait_line("^hpp  crashed ")
        hpp.wait_line("^     save a fix, or run hpp-ctl restart$")
        hpp.stop()
        output = hpp.output()
        self.assertNotRegex(output, r"[\x00-\x09\x0b-\x1f\x7f]")
        self.assertIn("a a a a " * 12, output, "the line is not wrapped")
        self.assertIn("hpp  stopped", output)
        self.assertNotIn("press h", output)


class KeysWithoutEnter(TerminalTest):
    def start(self, kind=Person):
        hpp = self.start_ready(kind=kind)
        wait_for(lambda: hpp.modes != hpp.modes_before, "the terminal for keys")
        return hpp

    def test_restart_and_quit(self):
        hpp = self.start()
        hpp.type("r")
        hpp.wait_state("Running", 2)
        hpp.wait_screen("hpp  restarting\r\n")
        self.assertNotIn("\r\nr", hpp.screen, "the key is not echoed")
        hpp.type("q")
        self.assertEqual(hpp.wait_exit(), 0)
        self.assertEqual(hpp.modes, hpp.modes_before)
        self.assert_nothing_left()

    def test_urls_and_clear(self):
        hpp = self.start()
        seen = len(hpp.screen)
        hpp.type("u")
        hpp.wait_screen(f"Local:    {hpp.url}\r\n", after=seen)
        seen = len(hpp.screen)
        hpp.type("c")
        hpp.wait_screen(re.escape(Clear.CLEARED), after=seen)

    def test_open(self):
        opened = self.directory / "opened"
        folder = self.directory / "bin"
        folder.mkdir()
        script = folder / "xdg-open"
        script.write_text(f'#!/bin/sh\necho "$1" > {opened}.new && mv {opened}.new {opened}\nexec sleep 1000\n')
        script.chmod(0o755)
        self.environment["PATH"] = f"{folder}:{self.environment['PATH']}"
        hpp = self.start()
        hpp.type("o")
        wait_for(opened.exists, "the browser")
        self.assertEqual(opened.read_text(), hpp.url + "\n")
        hpp.type("q")
        self.assertEqual(hpp.wait_exit(), 0)
        [browser] = self.left().items()
        self.assertIn("sleep", browser[1], "the browser outlives hpp")
        os.kill(browser[0], signal.SIGKILL)
        wait_for(lambda: not self.left(), "the end of the browser")

    def test_open_without_a_browser(self):
        folder = self.directory / "bin"
        folder.mkdir()
        script = folder / "xdg-open"
        script.write_text("#!/bin/sh\nexit 3\n")
        script.chmod(0o755)
        self.environment["PATH"] = f"{folder}:{self.environment['PATH']}"
        hpp = self.start()
        hpp.type("o")
        hpp.wait_screen(r"(?s)warning: cannot open a browser: xdg-open has\s+failed \(exit code 3\)")

    def test_the_terminal_is_restored_after_any_kill(self):
        for victims in (["launch"], ["supervisord", "launch"]):
            hpp = self.start()
            for victim in victims:
                os.kill(hpp.pid if victim == "launch" else hpp.helper_pid(victim), signal.SIGKILL)
            wait_for(lambda: hpp.modes == hpp.modes_before, "the terminal as it was")
            hpp.wait_exit()
            wait_for(lambda: not self.left(), "the end of all")

    def test_the_terminal_is_restored_after_each_signal(self):
        for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
            hpp = self.start()
            hpp.signal(number)
            hpp.wait_exit()
            self.assertEqual(hpp.modes, hpp.modes_before)

    def test_the_shell_gets_its_terminal_while_hpp_is_stopped(self):
        hpp = self.start(PersonsJob)
        hpp.type("\x1a")
        hpp.wait_screen("the shell waits")
        self.assertEqual(hpp.modes, hpp.modes_before)
        hpp.type("go\n")
        hpp.wait_screen("the shell has go")
        wait_for(lambda: hpp.modes != hpp.modes_before, "the terminal for keys")
        hpp.type("r")
        hpp.wait_state("Running", 2)
        hpp.type("\x03")
        self.assertEqual(hpp.wait_exit(), 130)
        self.assertEqual(hpp.modes, hpp.modes_before)


# Stops in the debugger before it serves.
DEBUGGED = """\
import http.server, sys
answer = "{answer}"
breakpoint()
print("serving", answer)
http.server.ThreadingHTTPServer(("localhost", int(sys.argv[1])),
                                http.server.SimpleHTTPRequestHandler).serve_forever()
"""

# Prints the lines that it reads. Does not change the modes of its terminal.
PARROT = """\
import os, sys, termios
print("mine", os.getsid(0) == os.getpid() == os.tcgetpgrp(0), os.ttyname(0) == os.ttyname(2))
print("ready")
for line in sys.stdin:
    print("heard", repr(line))
print("end")
"""

# Changes the modes of its terminal, and does not restore them.
RUDE = """\
import sys, termios, tty
tty.setraw(0)
print("\\033[31m\\033[?1049h\\033[?25lrude", end="", flush=True)
sys.stdin.read()
"""


class Interactive(TerminalTest):
    def start(self, program, kind=TerminalHpp):
        self.save("app.py", program)
        hpp = self.start_hpp("--interactive", "--exec", PYTHON, "app.py", "{backend}", kind=kind)
        hpp.wait_screen("the keyboard belongs to your server; Ctrl.C stops")
        hpp.wait_watching()
        return hpp, hpp.modes_before

    def test_pdb(self):
        hpp, before = self.start(DEBUGGED.replace("{answer}", "first"))
        hpp.wait_screen(r"\(Pdb\) ")
        seen = len(hpp.screen)
        hpp.type("answer.uppr\x7f\x7fper()\r")
        hpp.wait_screen("'FIRST'\r\n", after=seen)
        hpp.type("c\r")
        hpp.wait_screen("serving first")
        hpp.wait_state("Running")
        seen = len(hpp.screen)
        self.save("app.py", DEBUGGED.replace("{answer}", "second"))
        hpp.wait_screen(r"\(Pdb\) ", after=seen)
        hpp.type("p answer\r")
        hpp.wait_screen(r"'second'\r\n\(Pdb\) ", after=seen)
        seen = len(hpp.screen)
        self.save("app.py", DEBUGGED.replace("{answer}", "third"))  # while it waits for a key
        hpp.wait_screen(r"\(Pdb\) ", after=seen)
        self.assertIn("\r\nhpp-supervisord: Killing: app.py changed", hpp.screen[seen:])
        hpp.type("p answer\r")
        hpp.wait_screen("'third'\r\n", after=seen)
        hpp.type("\x03")
        self.assertEqual(hpp.wait_exit(), 130)
        self.assertEqual(hpp.modes, before)
        self.assert_nothing_left()

    def test_the_line_is_edited_and_echoed_once(self):
        hpp, _ = self.start(PARROT)
        hpp.wait_screen("mine True True\r\nready\r\n")
        seen = len(hpp.screen)
        hpp.type("helm\x7flo \u00fc\u00e4\x7f!\r")
        hpp.wait_screen(r"heard 'hello \u00fc!\\n'\r\n", after=seen)
        self.assertTrue(hpp.screen[seen:].startswith(
            "helm\b \blo \u00fc\u00e4\b \b!\r\nheard"), hpp.screen[seen:])
        hpp.type("\x04")
        hpp.wait_screen("end\r\n")

    def test_hpps_keys_go_to_the_program(self):
        hpp, _ = self.start(PARROT)
        hpp.wait_screen("ready")
        hpp.type("r\rq\rh\r")
        hpp.wait_screen(r"heard 'h\\n'")
        self.assertEqual(hpp.generation, 1)

    def test_the_modes_of_a_killed_program_are_reset(self):
        hpp, _ = self.start(RUDE)
        hpp.wait_screen("rude")
        seen = len(hpp.screen)
        self.save("app.py", PARROT)
        hpp.wait_screen("ready", after=seen)
        self.assertIn("\033[0m\033[?25h\033[?47l", hpp.screen[seen:])
        hpp.type("as usual\r")
        hpp.wait_screen(r"as usual\r\nheard 'as usual\\n'", after=seen)

    def test_outlives_its_supervisor(self):
        hpp, _ = self.start(PARROT)
        hpp.wait_screen("ready")
        os.kill(hpp.helper_pid("supervisord"), signal.SIGKILL)
        hpp.type("meanwhile\r")
        hpp.wait_screen(r"heard 'meanwhile\\n'")
        self.assertEqual(hpp.generation, 1)

    def test_a_long_paste_arrives(self):
        hpp, _ = self.start(PARROT)
        hpp.wait_screen("ready")
        lines = [f"{i} " + "x" * 100 for i in range(1000)]
        for line in lines:  # more than the pipe, the terminals and the buffers hold
            hpp.type(line + "\r")
        hpp.wait_screen("heard '999 ")
        heard = re.findall(r"heard '(\d+) x{100}\\n'", hpp.screen)
        self.assertEqual(heard, [str(i) for i in range(1000)])

    def test_the_terminal_is_restored_after_any_kill(self):
        for victims in (["launch"], ["supervisord", "launch"]):
            hpp, before = self.start(PARROT)
            hpp.wait_screen("ready")
            self.assertNotEqual(hpp.modes, before)
            for victim in victims:
                os.kill(hpp.pid if victim == "launch" else hpp.helper_pid(victim), signal.SIGKILL)
            wait_for(lambda: hpp.modes == before, "the terminal as it was")
            hpp.wait_exit()
            wait_for(lambda: not self.left(), "the end of all")

    def test_each_signal_ends_hpp_normally(self):
        for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
            hpp, before = self.start(PARROT)
            hpp.wait_screen("ready")
            hpp.signal(number)
            hpp.wait_exit()
            self.assertEqual(hpp.modes, before)

    def test_the_shell_gets_its_terminal_while_hpp_is_stopped(self):
        hpp, before = self.start(PARROT, Job)
        hpp.wait_screen("ready")
        self.assertNotEqual(hpp.modes, before)
        hpp.type("\x1a")
        hpp.wait_screen("the shell waits")
        self.assertEqual(hpp.modes, before)
        hpp.type("go\n")
        hpp.wait_screen("the shell has go")
        wait_for(lambda: hpp.modes != before, "the terminal for keys")
        hpp.type("back\r")
        hpp.wait_screen(r"heard 'back\\n'")
        hpp.type("\x03")
        self.assertEqual(hpp.wait_exit(), 130)
        self.assertEqual(hpp.modes, before)

    def test_needs_a_terminal(self):
        hpp = self.start_hpp("--interactive", "--exec", "true")
        self.assertEqual(hpp.wait_exit(), 1)
        hpp.wait_line("--interactive needs a terminal for stdin and stdout")


if __name__ == "__main__":
    unittest.main()
