"""hpp's side of the gate, for the tests of adapters (docs/gate.rst)."""

import fcntl
import os
import pathlib
import select
import shutil
import socket
import subprocess
import tempfile
import time
import unittest

TOP = pathlib.Path(__file__).resolve().parents[2]
ADAPTERS = pathlib.Path(os.environ.get("HPP_BUILD_DIR", TOP / "build")) / "adapters"

FIRST_DESCRIPTOR = 64
DEADLINE_S = 30
# To a spare, a file that has changed so shortly before it is read counts as changed, for its times cannot
# tell. Twice the limit of the adapters.
RACY_S = 0.1


class Gated:
    """A process with a gate. `file` None: without one."""

    def __init__(self, command, folder, order, file, environment=None, roots=None, said=None):
        ours, theirs = socket.socketpair()
        number = fcntl.fcntl(theirs.fileno(), fcntl.F_DUPFD, FIRST_DESCRIPTOR)
        os.set_inheritable(number, True)
        self.socket, self.lines, self.rest = ours, [], b""
        self.out, self.err = tempfile.TemporaryFile(), tempfile.TemporaryFile()
        given = [f"root {root}" for root in roots or [os.path.realpath(folder)]]
        given += [f"command {' '.join(command)}", f"{order} {file}"]
        ours.sendall("".join(f"{line}\n" for line in given).encode())
        if order == "record":
            ours.shutdown(socket.SHUT_WR)
        self.process = subprocess.Popen(
            command, cwd=folder, env={**(os.environ if environment is None else environment),
                                      "HPP_GATE": str(number)},
            pass_fds=[number], stdin=subprocess.DEVNULL, stdout=self.out, stderr=self.err,
            start_new_session=True)
        os.close(number)
        theirs.close()

    def read_line(self):
        """The next line from the process, or None at the end of the file."""
        deadline = time.monotonic() + DEADLINE_S
        while b"\n" not in self.rest:
            if not select.select([self.socket], [], [], max(0, deadline - time.monotonic()))[0]:
                raise AssertionError(f"no line within {DEADLINE_S} s, after {self.lines}")
            try:
                more = self.socket.recv(4096)
            except ConnectionResetError:
                more = b""
            if not more:
                return None
            self.rest += more
        line, _, self.rest = self.rest.partition(b"\n")
        self.lines.append(line.decode())
        return self.lines[-1]

    def wait_for(self, word):
        """Returns the rest of the next line that begins with this word, and None if none comes."""
        while (line := self.read_line()) is not None:
            if line.split(" ")[0] == word:
                return line[len(word) + 1:]
        return None

    def open(self):
        """Opens the gate, and returns the line that the process answers."""
        self.socket.sendall(b"open\n")
        self.socket.shutdown(socket.SHUT_WR)
        return self.read_line()

    def go_on(self):
        """Opens the gate, and returns the lines after `go` until the process closes its end."""
        answer = self.open()
        if answer != "go":
            raise AssertionError(f"{answer} instead of go")
        return list(iter(self.read_line, None))

    def output(self):
        """The process's output so far. Python's is complete if PYTHONUNBUFFERED is set."""
        return self.text(self.out)

    def wait_for_output(self, text):
        deadline = time.monotonic() + DEADLINE_S
        while self.output() != text:
            if time.monotonic() > deadline:
                raise AssertionError(f"{self.output()!r} after {DEADLINE_S} s")
            time.sleep(0.005)

    @staticmethod
    def text(file):
        return os.pread(file.fileno(), 1 << 20, 0).decode()

    def finish(self):
        """Waits for the end, and returns (exit status, stdout, stderr)."""
        self.process.wait(DEADLINE_S)
        self.socket.close()
        return self.process.returncode, self.text(self.out), self.text(self.err)

    def kill(self):
        """Ends the process and what it has started."""
        try:
            os.killpg(self.process.pid, 9)
        except ProcessLookupError:
            pass
        self.process.wait(DEADLINE_S)
        for file in self.socket, self.out, self.err:
            file.close()


class AdapterTest(unittest.TestCase):
    """A project folder whose program prints EARLY when a package is loaded, and OUT in all. A subclass writes
    the files, and defines environment(**variables), with which the adapter is loaded."""

    MAIN = ()  # the words that run the program
    INTERPRETER = ()  # words before each command that is not a shell's
    EARLY = "package\n"
    OUT = "package\nshop\nmain\n"

    def setUp(self):
        self.top = pathlib.Path(tempfile.mkdtemp()).resolve()
        self.addCleanup(shutil.rmtree, self.top)
        self.folder = self.top / "project"
        self.folder.mkdir()
        self.list = self.top / "list"
        self.recorded_at = 0
        self.wanted = {}  # the variables that the adapter has asked for

    def write(self, name, text):
        path = self.top / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path

    def run_gated(self, order, command, roots=None, **variables):
        """`command` is a shell's command line, or words. `roots`: what hpp watches, instead of the folder."""
        if order == "record":
            self.recorded_at = time.monotonic()
        words = ["sh", "-c", command] if isinstance(command, str) else [*self.INTERPRETER, *command]
        process = Gated(words, self.folder, order, self.list, self.environment(**variables), roots)
        self.addCleanup(process.kill)
        return process

    def cold(self, command=None, **variables):
        """Records a cold start, and returns its output."""
        process = self.run_gated("record", command or self.MAIN, **variables)
        lines = iter(process.read_line, None)
        self.wanted = dict(line[4:].split("=", 1) for line in lines if line.startswith("env "))
        status, out, err = process.finish()
        self.assertEqual((status, err), (0, ""))
        return out

    def spare(self, command=None, **variables):
        """A spare that is ready. The files that were written before the recording are old enough."""
        time.sleep(max(0, self.recorded_at + RACY_S - time.monotonic()))
        process = self.run_gated("preload", command or self.MAIN, **{**variables, **self.wanted})
        self.assertIsNotNone(process.wait_for("ready"), process.lines + [process.text(process.err)])
        return process

    def recorded(self, word):
        lines = [line.split(" ", 2) for line in self.list.read_text().splitlines()]
        return [line[2] for line in lines if line[1] == word]

    def check_cold(self, path, change):
        self.cold()
        spare = self.spare()
        spare.socket.sendall(b"compare\nof a later version\n")
        change()
        spare.socket.sendall(b"compare\n")
        self.assertEqual(spare.open(), f"cold {path}")
        self.assertEqual(spare.finish(), (0, self.EARLY, ""))


class GateTests:
    """The tests that are the same for each adapter."""

    def test_a_spare_that_is_not_needed_ends(self):
        self.cold()
        spare = self.spare()
        spare.socket.close()
        self.assertEqual(spare.finish(), (0, self.EARLY, ""))

    def test_the_second_process_of_a_command_goes_on_without(self):
        once = " ".join([*self.INTERPRETER, *self.MAIN])
        command = f"{once} && {once}"
        self.assertEqual(self.cold(command), 2 * self.OUT)
        spare = self.spare(command)
        self.assertEqual(spare.output(), self.EARLY)
        self.assertEqual(spare.open(), "go")
        self.assertEqual(spare.finish(), (0, 2 * self.OUT, ""))
