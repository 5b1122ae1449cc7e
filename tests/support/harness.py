"""Runs hpp as its user does, for tests on real processes.

    class Listing(IntegrationTest):
        def test_it(self):
            hpp = self.start_ready("--exec", "python3", "-m", "http.server", "{backend}")
            self.assertEqual(get(hpp.url).status, 200)

Each test has a directory of its own, with a project (the working directory of hpp), a run directory
(XDG_RUNTIME_DIR) and a Watchman; it does not touch the user's. All processes that a test starts
carry a mark in their environment. At the end of the test, all processes with the mark are killed. If
hpp should have ended one of them, the test fails.

There are no sleeps of a guessed length: wait_for() repeats its check until it succeeds, or until
DEADLINE_S is over.
"""

import contextlib
import ctypes
import fcntl
import functools
import json
import os
import pathlib
import random
import re
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import unittest
import urllib.error
import urllib.request

from watchman import PrivateWatchman

# The default timeout of every wait. Generous, for loaded machines and sanitizers.
DEADLINE_S = 30
# How long hpp may take to end. hpp promises one second, and its own timeouts enforce that; the rest
# allows for a loaded machine. A stop that hangs takes longer: six seconds (the watchdog), or forever.
STOP_S = 5
# How long to watch for an event that must not happen.
QUIET_S = 0.5
# The default --barrier-timeout of tests. On a loaded machine a save may take longer to be reported than
# hpp's default of 2 s, and requests would then get the old answer, as documented.
LONG_BARRIER_MS = 20_000

# If the tests run under nohup(1), hpp would inherit that SIGHUP is ignored, and ignore it, too.
signal.signal(signal.SIGHUP, signal.SIG_DFL)

PYTHON = sys.executable
HAS_WATCHMAN = shutil.which("watchman") is not None
# The source of changes that hpp uses if --watcher does not say another one.
DEFAULT_WATCHER = "watchman" if HAS_WATCHMAN else "inotify"
# The source of changes in tests that set none.
WATCHER = os.environ.get("HPP_TEST_WATCHER", DEFAULT_WATCHER)
BUILD_DIR = pathlib.Path(os.environ.get("HPP_BUILD_DIR", "build")).resolve()
MARK = "HPP_TEST"


# ---- waiting ------------------------------------------------------------------------------------


def wait_for(condition, what, deadline_s=DEADLINE_S, pause_s=0.005):
    """Calls `condition` until it returns a true value, and returns that. `what` is the text of the
    AssertionError after a timeout, or a function that returns the text."""
    end = time.monotonic() + deadline_s
    while True:
        result = condition()
        if result:
            return result
        if time.monotonic() > end:
            raise AssertionError(f"waited {deadline_s} s for {what() if callable(what) else what}")
        time.sleep(pause_s)


def with_watcher(arguments):
    """Adds --watcher to hpp's arguments if the tests run with another source than the default."""
    is_set = WATCHER == DEFAULT_WATCHER or "--watcher" in arguments
    return arguments if is_set else ("--watcher", WATCHER, *arguments)


def only_with(*watchers):
    """Skips a test or a class if the tests run with another source of changes than these."""
    return unittest.skipUnless(WATCHER in watchers, f"not with --watcher {WATCHER}")


# For a test or a class that uses Watchman itself, with any source of changes.
needs_watchman = unittest.skipUnless(HAS_WATCHMAN, "Watchman is not installed")


# ---- ports --------------------------------------------------------------------------------------


def free_port():
    """Returns an unused port below the range from which the kernel assigns ports to clients. The port
    is reserved against concurrent tests as long as this process lives."""
    folder = pathlib.Path(tempfile.gettempdir()) / f"hpp-test-ports-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    while True:
        port = random.randrange(10_000, 32_000)
        reservation = os.open(folder / str(port), os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(reservation, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(reservation)
            continue
        if _is_free(port):
            return port  # the reservation stays open, and so the lock is kept
        os.close(reservation)


def _is_free(port):
    hosts = [(socket.AF_INET, "")]
    if socket.has_dualstack_ipv6():
        hosts.append((socket.AF_INET6, "::1"))
    for family, host in hosts:
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            try:
                # Without SO_REUSEADDR, because some of the tested servers do not set it either: a
                # connection of an earlier test, in TIME_WAIT, would keep them from the port.
                probe.bind((host, port))
            except OSError:
                return False
    return True


def make_run_directory(path):
    """Creates a run directory and its parent with mode 0700, as hpp does. Path.mkdir() does not use
    its mode for the parents that it creates."""
    for folder in (path.parent, path):
        folder.mkdir(mode=0o700, exist_ok=True)
    return path


# ---- processes ----------------------------------------------------------------------------------


def stat_fields(path):
    """The fields of proc_pid_stat(5) from the state on. They are split after the name, which may
    contain blanks."""
    return pathlib.Path(path).read_text().rpartition(")")[2].split()


@functools.cache
def hpp_source():
    """The source of all programs, in one text."""
    top = pathlib.Path(__file__).resolve().parents[2]
    return "\n".join(path.read_text() for program in ("common", "ctl", "launch", "proxyd", "supervisord", "watchd")
                     for path in (top / program).rglob("*.[ch]*"))


def is_alive(pid):
    """Whether the process runs. A zombie does not."""
    try:
        return stat_fields(f"/proc/{pid}/stat")[0] not in "ZX"
    except OSError:
        return False


def freeze(pid):
    """Sends SIGSTOP. Returns when all threads are stopped; until then they may go on."""
    os.kill(pid, signal.SIGSTOP)

    def is_frozen():
        try:
            threads = pathlib.Path(f"/proc/{pid}/task").glob("*/stat")
            return all(stat_fields(thread)[0] in "TZX" for thread in threads)
        except OSError:  # a thread has just ended
            return False

    wait_for(is_frozen, f"process {pid} to stop")


@contextlib.contextmanager
def traced(pid):
    """Within the block, the process is held as by a debugger (ptrace(2)): its first thread stands
    still. If the process is killed, it stays a zombie until the end of the block."""
    libc = ctypes.CDLL(None, use_errno=True)

    def ptrace(request):
        if libc.ptrace(request, pid, ctypes.c_void_p(), ctypes.c_void_p()) != 0:
            raise OSError(ctypes.get_errno(), f"ptrace: {os.strerror(ctypes.get_errno())}")

    seize, interrupt, detach = 0x4206, 0x4207, 17
    ptrace(seize)
    try:
        ptrace(interrupt)
        os.waitpid(pid, 0x40000000)  # __WALL
        yield
    finally:
        try:
            ptrace(detach)
        except ProcessLookupError:  # it was killed
            os.waitpid(pid, 0x40000000)


def memory_of(pid, kind="Private_Dirty"):
    """The process's memory of that kind in bytes (proc(5), smaps). Other processes of the same program
    change `Private_Clean` and `Pss`, but not `Private_Dirty`."""
    text = pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text()
    return int(re.search(rf"^{kind}: +(\d+) kB", text, re.M).group(1)) * 1024


def environment_of(pid):
    try:
        entries = pathlib.Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    except OSError:
        return {}
    return dict(e.decode(errors="replace").split("=", 1) for e in entries if b"=" in e)


def processes_with(name, value):
    """Living processes that were started with that environment variable: {pid: command line}."""
    found = {}
    for entry in os.listdir("/proc"):
        if entry.isdigit() and environment_of(entry).get(name) == value and is_alive(entry):
            found[int(entry)] = command_of(entry)
    return found


def command_of(pid):
    try:
        return pathlib.Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()
    except OSError:
        return ""


def is_program(command, name):
    """Whether the command line runs a program of that name, in any directory."""
    return os.path.basename(command.split(" ")[0]) == name


def children_of(pid):
    """The process's living children: {pid: command line}."""
    found = {}
    for entry in os.listdir("/proc"):
        if not entry.isdigit():
            continue
        try:
            parent = int(stat_fields(f"/proc/{entry}/stat")[1])
        except OSError:
            continue
        if parent == pid and is_alive(entry):
            found[int(entry)] = command_of(entry)
    return found


class Program:
    """One of hpp's programs with its output: lines of (seconds since the start, stream, text)."""

    def __init__(self, command, cwd, environment):
        self.command = [str(word) for word in command]
        self.lines = []
        self._began = time.monotonic()
        self.process = self._start(cwd, environment)
        streams = {"out": self.process.stdout, "err": self.process.stderr, **self._more_streams()}
        self._readers = [
            threading.Thread(target=self._read, args=(name, stream), daemon=True)
            for name, stream in streams.items() if stream
        ]
        for reader in self._readers:
            reader.start()

    def _start(self, cwd, environment):
        return subprocess.Popen(
            self.command,
            cwd=cwd,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            process_group=0,
        )

    def _more_streams(self):
        """Further streams to read besides stdout and stderr: {name: file}."""
        return {}

    @property
    def pid(self):
        return self.process.pid

    def _read(self, stream, pipe):
        with pipe:
            for line in pipe:
                self._keep_line(stream, line)

    def _keep_line(self, stream, line):
        now = time.monotonic() - self._began
        self.lines.append((now, stream, line.decode(errors="replace").rstrip("\r\n")))

    def output(self, stream=None):
        """All lines so far, or those of one stream: `out` or `err`."""
        return "\n".join(text for _, name, text in list(self.lines) if stream in (None, name))

    def transcript(self):
        return "\n".join(f"  {at:8.3f} {name} {text}" for at, name, text in list(self.lines))

    def wait_line(self, pattern, after=0):
        """Waits for a line in which the regular expression is found; returns its match. Skips the
        first `after` lines (len(program.lines) at an earlier moment)."""

        def found():
            for _, _, text in self.lines[after:]:
                match = re.search(pattern, text)
                if match:
                    return match
            return None

        return wait_for(found, lambda: f"a line with {pattern!r}; the output is\n{self.transcript()}")

    def signal(self, number):
        self.process.send_signal(number)

    def ctrl_c(self):
        """Sends SIGINT to the whole foreground process group, as a terminal does."""
        os.killpg(self.pid, signal.SIGINT)

    def wait_exit(self, deadline_s=DEADLINE_S):
        """Waits for the program's end and returns the exit status (negative: the signal)."""
        try:
            status = self.process.wait(deadline_s)
        except subprocess.TimeoutExpired:
            raise AssertionError(
                f"{self.command[0]} did not end in {deadline_s} s:\n{self.transcript()}"
            ) from None
        for reader in self._readers:
            reader.join(DEADLINE_S)
        return status

    def end(self):
        """Kills the program if it still runs. For the end of a test."""
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(5)
            except subprocess.TimeoutExpired:
                self.process.kill()
        self.process.wait()
        for reader in self._readers:
            reader.join(DEADLINE_S)


class Hpp(Program):
    """A running hpp-launch (or one helper, started by IntegrationTest.start_helper), with its
    snapshots."""

    is_verbose = True

    def __init__(self, command, world, bind, backend):
        self.bind = bind
        self.backend = backend
        self.url = f"http://localhost:{bind}/"
        self.run_directory = world.run_directory(bind)
        super().__init__(command, world.project, world.environment)

    def snapshot(self, author="supervisord"):
        """The author's newest snapshot; {} if there is none yet."""
        with contextlib.suppress(OSError, ValueError):
            text = (self.run_directory / f"{author}.json").read_text()
            return json.loads(text.partition(" ")[2])
        return {}

    @property
    def state(self):
        return self.snapshot().get("state")

    @property
    def generation(self):
        return self.snapshot().get("generation", 0)

    def wait_state(self, state, generation=1):
        """Waits until the backend is in this state, in this generation or a later one; returns the
        snapshot."""

        def reached():
            now = self.snapshot()
            return now.get("state") == state and now["generation"] >= generation and now

        return wait_for(
            reached,
            lambda: f"{state} in generation {generation}; it is {self.snapshot()}, the output is\n"
            f"{self.transcript()}",
        )

    def wait_watching(self):
        """Waits until watchd watches, so that saves count."""
        wait_for(
            lambda: self.snapshot("watchd").get("watching"),
            lambda: f"watching; it is {self.snapshot('watchd')}, the output is\n{self.transcript()}",
        )

    def wait_ready(self):
        """Waits until the backend runs and saves count. Most tests begin with this."""
        self.wait_watching()
        return self.wait_state("Running")

    def stop(self):
        """Presses Ctrl+C. hpp must then end in time."""
        self.ctrl_c()
        status = self.wait_exit(STOP_S)
        if status != 130:
            raise AssertionError(f"exit status {status}:\n{self.transcript()}")

    def helper_pid(self, name):
        """The process id of hpp-launch's child `hpp-NAME`."""

        def found():
            for pid, command in children_of(self.pid).items():
                # A child that a killed helper had forked but that has not called exec yet does not count.
                with contextlib.suppress(ProcessLookupError):
                    if is_program(command, f"hpp-{name}") and os.getpgid(pid) == pid:
                        return pid
            return None

        return wait_for(found, lambda: f"hpp-{name}:\n{self.transcript()}")


class IntegrationTest(unittest.TestCase):
    """Creates a project directory, a run directory and a Watchman for each test, and removes them."""

    def setUp(self):
        # The path must be short, because the path of a socket has at most 108 bytes.
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="hpp", dir="/tmp"))
        self.addCleanup(shutil.rmtree, self.directory, ignore_errors=True)
        self.mark = self.directory.name
        for name in ("run", "wm"):
            (self.directory / name).mkdir(mode=0o700)
        self.project = self.directory / "project"
        self.project.mkdir()
        self.watchman = PrivateWatchman(self.directory / "wm")
        self.addCleanup(self.watchman.stop)
        self.environment = {
            **os.environ,
            **self.watchman.environment,
            "XDG_RUNTIME_DIR": str(self.directory / "run"),
            "PYTHONUNBUFFERED": "1",
            "PYTHONDONTWRITEBYTECODE": "1",
            MARK: self.mark,
        }
        self._programs = []
        self.addCleanup(self._end_all)
        if WATCHER == "watchman":
            self.watchman.start()

    # ---- starting

    def run_directory(self, bind):
        return pathlib.Path(self.environment["XDG_RUNTIME_DIR"], "hpp", f"localhost-{bind}")

    def start_hpp(self, *arguments, bind=None, backend=None, kind=Hpp):
        """Starts hpp-launch on the given ports, or on free ones. `{bind}` and `{backend}` in the
        arguments are replaced by the port numbers."""
        bind = bind or free_port()
        backend = backend or free_port()
        if "--livereload-port" not in arguments:  # concurrent tests cannot share the default port
            arguments = ("--livereload-port", 0, *arguments)
        if "--barrier-timeout" not in arguments:
            arguments = ("--barrier-timeout", LONG_BARRIER_MS, *arguments)
        # Most tests read the details, such as generations; Hpp subclasses may show what a person sees.
        if getattr(kind, "is_verbose", True):
            arguments = ("--verbose", *arguments)
        arguments = with_watcher(arguments)
        words = [str(a).replace("{bind}", str(bind)).replace("{backend}", str(backend))
                 for a in arguments]
        return self._keep(kind([self.program("launch"), f"localhost:{bind}", backend, *words],
                               self, bind, backend))

    def start_ready(self, *arguments, text="hello", first="", **more):
        """Like start_hpp(); returns when the backend runs and saves count. Without --exec, the backend
        is that of save_backend()."""
        if "--exec" not in arguments:
            arguments = (*arguments, "--exec", *self.save_backend(text, first=first))
        hpp = self.start_hpp(*arguments, **more)
        hpp.wait_ready()
        return hpp

    def start_helper(self, name, *arguments, bind, backend):
        """Starts `hpp-NAME` as a developer does on the command line."""
        folder = make_run_directory(self.run_directory(bind))
        if name == "watchd":
            arguments = with_watcher(arguments)
        arguments = ("--verbose", *arguments)
        where = {"proxyd": [f"localhost:{bind}", backend, "--barrier-timeout", LONG_BARRIER_MS],
                 "watchd": [], "supervisord": [backend]}
        return self._keep(Hpp([self.program(name), *where[name], "--run-dir", folder, *arguments],
                              self, bind, backend))

    def run_program(self, name, *arguments, environment=None, cwd=None):
        """Runs `hpp-NAME`, which must end by itself; returns the ended Program."""
        program = self._keep(
            Program([self.program(name), *arguments], cwd or self.project,
                    {**self.environment, **(environment or {})}))
        program.wait_exit()
        return program

    @staticmethod
    def program(name):
        return BUILD_DIR / name / f"hpp-{name}"

    def _keep(self, program):
        self._programs.append(program)
        return program

    # ---- the project

    def save(self, name, text):
        """Writes a file into the project by a rename, as many editors do, so that no program can
        read a part of it."""
        path = self.project / name
        path.parent.mkdir(parents=True, exist_ok=True)
        fresh = self.directory / "fresh"
        fresh.write_text(text)
        os.replace(fresh, path)
        return path

    def save_backend(self, text="hello", name="app.py", first=""):
        """Saves a small backend that answers every GET with `text`, and counts its starts in a file
        that is not watched. It begins with the lines `first`. Returns the command that runs it."""
        self.save(name, first + BACKEND.format(text=text, spawns=str(self.directory / "spawns")))
        return [PYTHON, name, "{backend}"]

    @property
    def spawns(self):
        """How often the backend of save_backend() was started."""
        path = self.directory / "spawns"
        return len(path.read_text().splitlines()) if path.exists() else 0

    # ---- the end

    def left(self):
        """The processes of the test that still run, except Watchman."""
        found = processes_with(MARK, self.mark)
        return {pid: c for pid, c in found.items() if pid != self.watchman.pid}

    def assert_never_said(self, program, text):
        """Checks that `program` did not write `text`, a message of hpp. The message must be in hpp's
        source, because the check could not fail otherwise."""
        self.assertIn(text, hpp_source(), "hpp no longer has this message")
        self.assertNotIn(text, program.output())

    def assert_nothing_left(self):
        left = self.left()
        self.assertEqual(left, {}, "processes are left")

    def _has_failed(self):
        """Whether the test has failed. unittest's own flag is of no use in a cleanup: there it only says
        whether the earlier cleanups have succeeded."""
        result = self._outcome.result
        return any(getattr(test, "test_case", test) is self
                   for test, _ in (*result.failures, *result.errors))

    def _end_all(self):
        for program in reversed(self._programs):
            program.end()
        left = self.left()
        for pid in left:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        wait_for(lambda: not self.left(), "the end of what the test left")
        if left or self._has_failed():
            for program in self._programs:
                print(f"{program.command}:\n{program.transcript()}", file=sys.stderr)
        for program in self._programs:
            for stream in ("err", "screen"):
                self.assertNotIn("Sanitizer", program.output(stream), program.transcript())
        self.assertEqual(left, {}, "hpp left processes behind")


# A backend for tests. GET /crash ends it with status 3.
BACKEND = '''\
import http.server, os, sys

with open({spawns!r}, "a") as spawns:
    spawns.write("spawned\\n")


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        if self.path == "/crash":
            print("crash requested", file=sys.stderr, flush=True)
            os._exit(3)
        body = {text!r}.encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    do_HEAD = do_GET

    def log_message(self, *_):
        pass


http.server.ThreadingHTTPServer.request_queue_size = 128
http.server.ThreadingHTTPServer(("localhost", int(sys.argv[1])), Handler).serve_forever()
'''


# ---- HTTP ---------------------------------------------------------------------------------------


class Response:
    def __init__(self, status, headers, body):
        self.status = status
        self.headers = headers  # [(lower-case name, value)], in order
        self.body = body

    def header(self, name):
        """The value of the first header of that name; None if there is none."""
        return next((value for key, value in self.headers if key == name.lower()), None)

    @property
    def text(self):
        return self.body.decode(errors="replace")

    def __repr__(self):
        return f"{self.status} {self.text!r}"


def get(url, timeout=DEADLINE_S, **headers):
    """Sends one GET with urllib, as a script does. Never repeats it. An error status is an answer, too."""
    request = urllib.request.Request(
        url, headers={name.replace("_", "-"): value for name, value in headers.items()})
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        answer = opener.open(request, timeout=timeout)
    except urllib.error.HTTPError as error:
        answer = error
    with answer:
        headers_got = [(name.lower(), value) for name, value in answer.headers.items()]
        return Response(answer.status, headers_got, answer.read())


class Connection:
    """A client connection on which exact bytes are sent, one request after another."""

    def __init__(self, port, host="127.0.0.1"):
        self.socket = socket.create_connection((host, port), timeout=DEADLINE_S)
        self._buffer = b""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def send(self, data):
        self.socket.sendall(data.encode() if isinstance(data, str) else data)

    def ask(self, method="GET", path="/", headers=(), body=b""):
        """Sends a request with a Host and these headers: [(name, value)]."""
        lines = [f"{method} {path} HTTP/1.1", "Host: localhost"]
        lines += [f"{name}: {value}" for name, value in headers]
        self.send("\r\n".join(lines).encode() + b"\r\n\r\n" + body)

    def read_head(self):
        """Reads up to the end of a head; returns (status, headers)."""
        lines = self.read_until(b"\r\n\r\n").decode("latin-1").split("\r\n")
        status = int(lines[0].split()[1])
        pairs = (line.partition(":") for line in lines[1:] if line)
        return status, [(name.lower(), value.strip()) for name, _, value in pairs]

    def read_response(self, method="GET"):
        """Reads one final response, by the framing rules of RFC 9112 section 6.3."""
        status, headers = self.read_head()
        while 100 <= status < 200 and status != 101:
            status, headers = self.read_head()
        fields = dict(headers)
        if method == "HEAD" or status in (101, 204, 304):
            body = b""
        elif "chunked" in fields.get("transfer-encoding", ""):
            body = b"".join(iter(self.read_chunk, b""))
        elif "content-length" in fields:
            body = self.read_exactly(int(fields["content-length"]))
        else:
            body = self.read_to_end()
        return Response(status, headers, body)

    def read_chunk(self):
        """Returns the next chunk's data; b"" for the last chunk, whose trailers are read, too."""
        size = int(self.read_until(b"\r\n").split(b";")[0], 16)
        if size == 0:
            while self.read_until(b"\r\n") != b"\r\n":
                pass
            return b""
        data = self.read_exactly(size)
        if self.read_exactly(2) != b"\r\n":
            raise AssertionError("a chunk does not end with CRLF")
        return data

    def read_until(self, end):
        while end not in self._buffer:
            self._more()
        data, _, self._buffer = self._buffer.partition(end)
        return data + end

    def read_exactly(self, size):
        while len(self._buffer) < size:
            self._more()
        data, self._buffer = self._buffer[:size], self._buffer[size:]
        return data

    def wait_byte(self):
        """Waits until there is at least one byte to read."""
        if not self._buffer:
            self._more()

    def read_to_end(self):
        """Returns all bytes until the peer closes or resets the connection."""
        with contextlib.suppress(EOFError, ConnectionResetError):
            while True:
                self._more()
        data, self._buffer = self._buffer, b""
        return data

    def wait_closed(self):
        """Waits until the peer closes, and expects no more bytes."""
        rest = self.read_to_end()
        if rest:
            raise AssertionError(f"the peer said before it closed: {rest!r}")

    def is_quiet(self, seconds=QUIET_S):
        """Whether no byte comes for that time."""
        return not self._buffer and not select.select([self.socket], [], [], seconds)[0]

    def _more(self):
        data = self.socket.recv(65536)
        if not data:
            raise EOFError(f"the peer closed after {self._buffer!r}")
        self._buffer += data


class Background(threading.Thread):
    """Runs a function in a thread, for requests that are held. result() waits for its end, and returns
    or raises the same."""

    def __init__(self, function, *arguments, **keywords):
        super().__init__(daemon=True)
        self._call = lambda: function(*arguments, **keywords)
        self._result = None
        self._error = None
        self.start()

    def run(self):
        try:
            self._result = self._call()
        except Exception as error:  # pylint: disable=broad-except
            self._error = error

    def is_done(self):
        return not self.is_alive()

    def result(self):
        self.join(DEADLINE_S)
        if self.is_alive():
            raise AssertionError(f"no result after {DEADLINE_S} s")
        if self._error:
            raise self._error
        return self._result
