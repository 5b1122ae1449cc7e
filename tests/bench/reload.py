"""Measures the time from a save to the first response of the changed program: with hpp, with other
reloaders, and with the fastest possible restart.

Run it with tools/bench reload. All contenders run side by side and take turns; each figure is the
median of several rounds. `over its boot` is the figure minus the time that a restart by hand needs:
kill, spawn, and the wait for the first 200. `of it` is the ratio of the two.

tools/bench barrier measures what the barrier costs a request.

The response header X-Start identifies the process that made the response. A response is fresh if
its X-Start differs from that of the response before the save.
"""

import contextlib
import os
import pathlib
import random
import re
import select
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
from applications import (DjangoProject, ExpressProject, LargeDjangoProject, SinatraProject,
                          Unavailable, UvicornProject, install)
from harness import BUILD_DIR, DEADLINE_S, free_port, processes_with
from watchman import PrivateWatchman

LAUNCH = BUILD_DIR / "launch" / "hpp-launch"
SERVER = BUILD_DIR / "tests" / "support" / "test-backend"
MARK = "HPP_BENCH"
# The pause before the next request if nothing listens or the old process answers: the minimum, and
# as a share of the time waited so far. More frequent requests would take CPU time from the program
# that is booting.
ASK_AGAIN_S = 0.0002
ASK_AGAIN_PART = 1 / 200
# A random pause before each save, so that a reloader that polls once a second is met at any point
# of its cycle.
PAUSE_S = (0.3, 1.3)

def ask(port):
    """Returns the X-Start of the response; None if there is no response or it has no X-Start."""
    got = b""
    try:
        with socket.create_connection(("127.0.0.1", port), DEADLINE_S) as connection:
            connection.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
            while b"\r\n\r\n" not in got:
                block = connection.recv(65536)
                if not block:
                    return None
                got += block
    except OSError:
        return None
    found = re.search(rb"\r\nX-Start: *(\d+)\r\n", got)
    return int(found.group(1)) if got.startswith(b"HTTP/1.1 200 ") and found else None


class PeerProject:
    """test-backend, which boots almost as fast as any process can, and a file that it does not
    read."""

    pattern = "**/*.txt"

    def __init__(self, directory):
        self.directory = directory
        self.file = directory / "source.txt"
        self.file.write_text("0")
        self.port = free_port()
        self.command = [str(SERVER), str(self.port)]

    def save(self, text):
        self.file.write_text(text)


class LargeProject(PeerProject):
    """PeerProject with many other files."""

    folders, files = 1000, 100

    def __init__(self, directory):
        super().__init__(directory)
        for i in range(self.folders):
            folder = directory / f"folder-{i}"
            folder.mkdir()
            for j in range(self.files):
                (folder / f"{j}.txt").touch()


class Contender:
    """One way to get from a save to a fresh response. It runs until end()."""

    def __init__(self, project, environment):
        self.project = project
        self.environment = environment
        self.process = None
        self.seconds = []  # the measured times
        self.port = project.port  # the port to send requests to
        self.old = None  # the X-Start before the save

    def start(self):
        self.spawn(self.project.command)

    def spawn(self, command, **options):
        """Starts `command` in its own session, as hpp does, because Linux distributes CPU time
        among sessions."""
        options = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, **options}
        self.process = subprocess.Popen(command, cwd=self.project.directory, env=self.environment,
                                        stderr=subprocess.STDOUT, start_new_session=True, **options)

    def wait_answer(self):
        """Waits for any answer, and remembers its X-Start as the old one."""
        self.old = None
        self.old = self.wait_fresh()

    def wait_fresh(self):
        """Waits until a process other than the old one answers, and returns its X-Start."""
        begin = time.monotonic()
        while (who := ask(self.port)) in (None, self.old):
            waited = time.monotonic() - begin
            if waited > DEADLINE_S:
                raise SystemExit(f"no fresh response: {type(self).__name__} {self.process.args}")
            time.sleep(max(ASK_AGAIN_S, waited * ASK_AGAIN_PART))
        return who

    def measure(self, text):
        """Returns the seconds from the save to a fresh response."""
        self.project.save(text)
        self.saved_at = time.time()
        begin = time.monotonic()
        self.wait_fresh()
        return time.monotonic() - begin

    def end(self):
        self.process.terminate()
        self.process.wait(DEADLINE_S)


class Bare(Contender):
    """No reloader: the saver kills the program and starts it again."""

    def measure(self, text):
        self.project.save(text)
        begin = time.monotonic()
        self.process.kill()
        self.process.wait()
        self.start()
        self.wait_fresh()
        return time.monotonic() - begin


class Hpp(Contender):
    """hpp gets a request when the save returns, and further ones while the old process answers."""

    output = subprocess.DEVNULL
    options = ()

    def start(self):
        self.port = free_port()
        self.spawn([str(LAUNCH), "--verbose", f"127.0.0.1:{self.port}", f"127.0.0.1:{self.project.port}",
                    "--livereload-port", "0", "--pattern", self.project.pattern, *self.options,
                    "--exec", *self.project.command], stdout=self.output)


class HppWithoutBarrier(Hpp):
    options = ("--barrier", "off")


class HppWithWatchman(Hpp):
    options = ("--watcher", "watchman")


class HppWithInotify(Hpp):
    options = ("--watcher", "inotify")


class HppWithPoll(Hpp):
    options = ("--watcher", "poll")


class HppUnasked(Hpp):
    """hpp gets the first request after it has reported that the new process is Running."""

    output = subprocess.PIPE

    def measure(self, text):
        self.read_for(0)
        self.project.save(text)
        begin = time.monotonic()
        self.read_for(DEADLINE_S, b"hpp-supervisord: Running:")
        self.wait_fresh()
        return time.monotonic() - begin

    def read_for(self, seconds, until=None):
        """Reads hpp's output until it contains `until`, or has paused for `seconds`."""
        got = b""
        while select.select([self.process.stdout], [], [], seconds)[0]:
            block = os.read(self.process.stdout.fileno(), 65536)
            got += block
            if not block or until and until in got:
                return


class HppWarm(Hpp):
    """hpp with --warm. The save is made when the next process waits at its gate, and no other contender is
    measured while that one is started."""

    options = ("--warm", "--debug")
    output = subprocess.PIPE

    def start(self):
        self.ready = threading.Event()
        super().start()
        threading.Thread(target=self.read, args=(self.process.stdout,), daemon=True).start()

    def read(self, output):
        for line in output:
            if re.search(rb"spare \d+ is ready", line):
                self.ready.set()

    def measure(self, text):
        self.wait_spare()
        self.ready.clear()
        seconds = super().measure(text)
        self.wait_spare()
        return seconds

    def wait_spare(self):
        if not self.ready.wait(DEADLINE_S):
            raise SystemExit(f"{self.name}: no spare is ready")


class Nodemon(Contender):
    program = None

    def start(self):
        self.spawn([self.program, "--quiet", "--watch", ".", "--ext", "txt,js", "--exec",
                    " ".join(self.project.command)])


class Entr(Contender):
    def start(self):
        self.spawn(["entr", "-n", "-r", *self.project.command], stdin=subprocess.PIPE)
        self.process.stdin.write(str(self.project.file).encode() + b"\n")
        self.process.stdin.close()


class OwnAutoreload(Contender):
    def start(self):
        self.spawn(self.project.autoreload_command)


def left_out(name, why):
    print(f"{name}: left out, {why}", file=sys.stderr)


class Reload:
    def __init__(self, directory, environment):
        self.directory = directory
        self.environment = environment
        self.groups = []  # contenders that run the same program; the first of a group is a Bare
        self.contenders = []

    def start(self):
        try:
            packages = install(self.directory / "nodemon", "nodemon@3")
            Nodemon.program = str(packages / ".bin" / "nodemon")
        except Unavailable as why:
            left_out("nodemon", why)
        self.has_entr = shutil.which("entr") is not None
        if not self.has_entr:
            left_out("entr", "it is not installed")
        self.add_group("test-backend", PeerProject)
        self.add("  hpp, asked at once", Hpp)
        self.add("  hpp, asked when it is Running", HppUnasked)
        self.add("  hpp, asked at once, 100,000 files", Hpp, LargeProject)
        self.add_others()
        for program, project, others in (
                ("Django", DjangoProject, (("its own autoreloader", OwnAutoreload),)),
                ("Django, 10 applications", LargeDjangoProject, (("its own autoreloader", OwnAutoreload),)),
                ("uvicorn, the same project", UvicornProject, (("uvicorn --reload", OwnAutoreload),)),
                ("Express, 20 packages", ExpressProject, ()),
                ("Sinatra with Puma", SinatraProject, ())):
            try:
                self.add_application(program, project, others)
            except Unavailable as why:
                left_out(program, why)

    def add_application(self, program, project, others):
        if project is ExpressProject:
            ExpressProject.install(self.directory / "express")
        self.add_group(program, project)
        self.add("  hpp", Hpp)
        self.add("  hpp --warm", HppWarm)
        for name, kind in others:
            self.add(f"  {name}", kind)
        self.add_others()

    def add_others(self):
        """The reloaders that run any program."""
        if Nodemon.program and self.project in (PeerProject, ExpressProject):
            self.add("  nodemon", Nodemon)
        if self.has_entr:
            self.add("  entr -r", Entr)

    def add_group(self, program, project):
        self.project = project
        self.groups.append([])
        try:
            self.add(f"{program}: by hand", Bare)
        except Unavailable:
            self.groups.pop()
            raise

    def add(self, name, kind, project=None):
        directory = self.directory / f"project-{len(self.contenders)}"
        directory.mkdir()
        contender = kind((project or self.project)(directory), self.environment)
        contender.name = name
        self.contenders.append(contender)
        self.groups[-1].append(contender)

    def run(self, rounds):
        for contender in self.contenders:
            contender.start()
        for contender in self.contenders:
            contender.wait_answer()
        for turn in range(rounds):
            first = turn % len(self.contenders)
            for contender in self.contenders[first:] + self.contenders[:first]:
                time.sleep(random.uniform(*PAUSE_S))
                contender.wait_answer()
                contender.seconds.append(contender.measure(str(turn + 1)))

    def print(self):
        print(f"{'from a save to a fresh response':40}{'ms':>10}{'over its boot':>16}{'of it':>8}")
        for group in self.groups:
            boot = statistics.median(group[0].seconds)
            for contender in group:
                median = statistics.median(contender.seconds)
                over = f"{(median - boot) * 1000:+16.1f}{median / boot:8.2f}" if contender is not group[0] else ""
                print(f"{contender.name:40}{median * 1000:10.1f}{over}", flush=True)

    def end(self):
        for contender in self.contenders:
            if contender.process:
                contender.end()


class BarrierCost:
    """hpp with each source of changes beside hpp without the barrier, in a small tree and in a large
    one."""

    KINDS = (HppWithoutBarrier, HppWithWatchman, HppWithInotify, HppWithPoll)

    def __init__(self, directory, environment):
        self.directory = directory
        self.environment = environment
        self.groups = []  # (name of the tree, a contender of each kind)

    def start(self):
        for name, project in (("1 file", PeerProject), ("100,000 files", LargeProject)):
            group = []
            for kind in self.KINDS:
                directory = self.directory / f"barrier-{len(self.groups)}-{kind.__name__}"
                directory.mkdir()
                contender = kind(project(directory), self.environment)
                contender.start()
                contender.wait_answer()
                contender.latencies, contender.rates = [], []
                group.append(contender)
            self.groups.append((name, group))

    def run(self, rounds):
        for turn in range(rounds):
            for _, group in self.groups:
                first = turn % len(group)
                for contender in group[first:] + group[:first]:
                    contender.latencies.append(self.wrk(1, contender)[0])
                    contender.rates.append(self.wrk(64, contender)[1])

    @staticmethod
    def wrk(connections, contender):
        """Returns the median latency in ms and the number of responses per second."""
        text = subprocess.run(["wrk", "-t1", f"-c{connections}", "-d1s", "--latency",
                               f"http://127.0.0.1:{contender.port}/zeros/64"],
                              stdout=subprocess.PIPE, text=True, check=True).stdout
        if "Socket errors" in text or "Non-2xx" in text:
            raise SystemExit(text)
        value, unit = re.search(r"50% +([\d.]+)(us|ms|s)", text).groups()
        return (float(value) * {"us": 1e-3, "ms": 1, "s": 1e3}[unit],
                float(re.search(r"Requests/sec: +([\d.]+)", text).group(1)))

    def print(self):
        """Prints the medians, and what the barrier costs: the difference of the latencies, and the
        ratio of the rates, each the median over the rounds."""
        print(f"{'cost of the barrier':38}{'without':>8}{'Watchman':>15}{'inotify':>15}{'poll':>15}")
        for name, (without, *others) in self.groups:
            line = f"{statistics.median(without.latencies):8.2f}"
            for it in others:
                cost = statistics.median(
                    one - none for one, none in zip(it.latencies, without.latencies, strict=True))
                line += f"{statistics.median(it.latencies):8.2f}{cost:+7.2f}"
            print(f"{f'1 connection, p50, ms ({name})':38}{line}")
            line = f"{statistics.median(without.rates):8.0f}"
            for it in others:
                ratio = statistics.median(
                    one / none for one, none in zip(it.rates, without.rates, strict=True))
                line += f"{statistics.median(it.rates):8.0f}{ratio:7.2f}"
            print(f"{f'64 connections, 1/s ({name})':38}{line}", flush=True)

    def end(self):
        for _, group in self.groups:
            for contender in group:
                contender.end()


@contextlib.contextmanager
def workplace():
    """Yields a directory, and an environment in which hpp uses only that directory and a runtime
    directory in memory, as after a login. At the end, kills all processes that were started with
    that environment."""
    with tempfile.TemporaryDirectory(prefix="hpp-bench") as name, \
            tempfile.TemporaryDirectory(prefix="hpp-bench", dir="/dev/shm") as runtime:
        directory = pathlib.Path(name)
        (directory / "watchman").mkdir(mode=0o700)
        with PrivateWatchman(directory / "watchman") as watchman:
            try:
                yield directory, {**os.environ, **watchman.environment, MARK: name,
                                  "XDG_RUNTIME_DIR": runtime}
            finally:
                for pid in processes_with(MARK, name):  # processes that a reloader leaves behind
                    if pid != watchman.pid:
                        with contextlib.suppress(ProcessLookupError):
                            os.kill(pid, signal.SIGKILL)


def print_table(kind, rounds):
    """Measures a Reload, a BarrierCost or a StartUp, and prints its table. A round takes some ten
    seconds."""
    with workplace() as (directory, environment):
        table = kind(directory, environment)
        table.start()
        table.run(rounds)
        table.print()
        table.end()
