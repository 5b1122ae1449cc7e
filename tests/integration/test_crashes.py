"""Any helper may die in any state: no save is lost, no backend is started twice or without need, and
the port always accepts connections."""

import contextlib
import itertools
import os
import pathlib
import random
import resource
import shutil
import signal
import subprocess
import time
import unittest

from harness import (PYTHON, children_of, free_port, freeze, is_alive, is_program,
                     traced, wait_for)
from restarts import BACKEND, Client, Load, NoByte, RestartTest, is_sanitized

HELPERS = ("proxyd", "watchd", "supervisord")
# hpp-launch gives up a helper that crashes once more than this within 10 s.
KILLS_MAX = 4
# For tests that keep watchd stopped while requests are sent.
SHORT_BARRIER = ("--barrier-timeout", "500")


@contextlib.contextmanager
def limited(pid, what, limit):
    """Within the block, the process and its new children have this (soft) limit."""
    limits = resource.prlimit(pid, what)
    resource.prlimit(pid, what, (limit, limits[1]))
    try:
        yield
    finally:
        resource.prlimit(pid, what, limits)


@contextlib.contextmanager
def mounted(folder, options):
    """Within the block, a tmpfs is mounted on `folder`. Skips the test if this user may not mount."""
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", folder],
                          capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise unittest.SkipTest(f"cannot mount a file system: {done.stderr.strip()}")
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", folder], check=True)


class CrashTest(RestartTest):
    def kill(self, *names):
        """Sends SIGKILL to helpers; returns the time."""
        pids = [self.hpp.helper_pid(name) for name in names]
        at = time.monotonic()
        for pid in pids:
            os.kill(pid, signal.SIGKILL)
        self.killed = dict(zip(names, pids, strict=True))
        return at

    def wait_restarted(self):
        """Waits until the helpers that kill() has killed run again."""
        for name, pid in self.killed.items():
            wait_for(lambda: self.hpp.helper_pid(name) != pid, f"another hpp-{name}")

    def ask(self):
        """Sends a GET. Repeats it if the connection is cut without an answer, because proxyd was killed.
        Connections must never be refused."""

        def answer():
            try:
                return Client(self.hpp.bind).ask(keeps=False)
            except NoByte:
                return None

        return wait_for(answer, lambda: f"an answer:\n{self.hpp.transcript()}")

    def assert_fresh(self, text):
        """Checks that the next answer, and every later one, shows the newest save."""
        response = self.ask()
        self.assertEqual((response.status, response.text), (200, text), self.hpp.transcript())
        self.assert_one_at_a_time()

    def assert_heals(self, text):
        self.save_text(text)
        self.assert_fresh(text)
        self.assertEqual(self.log("start")[-1], f"start {text}")

    def check_restart(self, starved, why):
        """Checks that a killed helper is started again as soon as hpp-launch can, and that no save was
        missed."""
        self.start(*SHORT_BARRIER)
        # All helpers have found each other's sockets, which `starved` may hide.
        self.assertEqual(self.ask().status, 200)
        with starved(self.hpp.pid):
            self.kill("watchd")
            self.hpp.wait_line(f"cannot start hpp-watchd: {why}: trying again every")
            self.save_text("second")
            self.assertEqual(self.ask().status, 200)
            seen = len(self.hpp.lines)
        self.wait_restarted()
        self.hpp.wait_line("watching ", seen)
        wait_for(lambda: self.ask().text == "second", "an answer of the newest code")
        self.assertEqual(self.log("start"), ["start first", "start second"])

    def escaped(self, name):
        """Returns the pid that a process wrote into the file `name`, and removes the file."""
        path = self.directory / name
        wait_for(lambda: path.exists() and path.read_text().endswith("\n"), name)
        pid = int(path.read_text())
        path.unlink()
        self.addCleanup(lambda: is_alive(pid) and os.kill(pid, signal.SIGKILL))
        return pid


class Matrix(CrashTest):
    """Each helper is killed in each state, with a save in the outage and without one."""

    def each(self):
        for name, saves in itertools.product(HELPERS, (False, True)):
            with self.subTest(helper=name, saves=saves):
                yield name, saves

    def test_in_running(self):
        self.start()
        for number, (name, saves) in enumerate(self.each()):
            starts = len(self.log("start"))
            text = self.log("start")[-1].removeprefix("start ")
            self.kill(name)
            if saves:
                text = f"save {number}"
                self.save_text(text)
            self.assert_fresh(text)
            self.wait_restarted()
            self.assert_fresh(text)
            self.assertEqual(len(self.log("start")), starts + saves, "restarts")
        self.assert_heals("last")

    def test_in_loading(self):
        self.start_unready()
        self.wait_log("start first")
        for number, (name, saves) in enumerate(self.each()):
            self.go_file.unlink(missing_ok=True)
            text = f"booting {number}"
            self.save_text(text)
            self.wait_log(f"start {text}")
            starts = len(self.log("start"))
            # A supervisord that dies before it has published the new backend leaves none to take over.
            self.hpp.wait_state("Loading", generation=starts)
            self.kill(name)
            if saves:
                text = f"save {number}"
                self.save_text(text)
                self.wait_log(f"start {text}")
            self.wait_restarted()
            self.go()
            self.assert_fresh(text)
            self.assertEqual(len(self.log("start")), starts + saves, "restarts")

    def test_in_error(self):
        self.start()
        for number, (name, saves) in enumerate(self.each()):
            self.save_text("broken")
            wait_for(lambda: self.ask().status == 503, "the error page")
            generation = self.hpp.generation
            self.kill(name)
            if saves:
                self.assert_heals(f"save {number}")
            self.wait_restarted()
            if not saves:
                self.assertEqual(self.ask().status, 503)
                self.assertEqual(self.hpp.wait_state("Error")["generation"], generation,
                                 "nothing was saved, so no further start is due")
                self.assertEqual(self.hpp.snapshot()["exit"], {"code": 3})
                self.assert_heals(f"healed {number}")

    def test_at_any_instant_after_a_save(self):
        """The kill may come in Killing, at the spawn, or before the new state is published."""
        seed = random.randrange(1 << 32)
        chance = random.Random(seed)
        with self.subTest(seed=seed):
            self.start()
            plan = list(HELPERS) * KILLS_MAX
            chance.shuffle(plan)
            for number, name in enumerate(plan):
                text = f"save {number}"
                self.save_text(text)
                time.sleep(chance.uniform(0, 0.04))  # a random instant
                self.kill(name)
                self.assert_fresh(text)
                self.wait_restarted()
            self.assert_heals("last")

    def test_in_pairs(self):
        self.start()
        for number, names in enumerate(itertools.combinations(HELPERS, 2)):
            with self.subTest(helpers=names):
                self.kill(*names)
                text = f"save {number}"
                self.save_text(text)
                self.assert_fresh(text)
                self.wait_restarted()
                self.assert_heals(f"healed {number}")

    def test_during_the_restart_of_another(self):
        self.start()
        for number, (first, second) in enumerate(itertools.permutations(HELPERS, 2)):
            with self.subTest(first=first, second=second):
                self.kill(first)
                self.kill(second)
                text = f"save {number}"
                self.save_text(text)
                self.assert_fresh(text)
                wait_for(lambda: all(self.hpp.helper_pid(name) for name in HELPERS), "all helpers")


class UnderLoad(CrashTest):
    """Eight clients GET without pause."""

    def kill_often(self, name):
        times = []
        for _ in range(KILLS_MAX):
            seen = len(self.hpp.lines)
            at = self.kill(name)
            self.hpp.wait_line(self.back[name], seen)
            times.append(1000 * (time.monotonic() - at))
            yield
        print(f"hpp-{name} is back after (ms):", *(f"{t:.0f}" for t in times))

    # The log line of each helper when it works again.
    back = {"proxyd": "forwards to", "watchd": "watching ", "supervisord": "took over"}

    def test_supervisord(self):
        self.start()
        with Load(self.hpp.bind) as load:
            for _ in self.kill_often("supervisord"):
                load.wait_answers(100)
        self.assertEqual(self.log("start"), ["start first"], "the backend lives on")

    def test_watchd(self):
        self.start()
        with Load(self.hpp.bind) as load:
            for _ in self.kill_often("watchd"):
                load.wait_answers(100)
        self.assertEqual(self.log("start"), ["start first"])

    def test_proxyd(self):
        """Its connections are cut, but new ones are never refused."""
        self.start()
        refused, cut = [], []

        def ask():
            try:
                self.assertEqual(Client(self.hpp.bind).ask(keeps=False).status, 200)
            except NoByte as error:
                (refused if isinstance(error.__cause__, ConnectionRefusedError) else cut).append(error)
            except ConnectionRefusedError as error:
                refused.append(error)
            except (OSError, EOFError) as error:
                cut.append(error)

        for _ in self.kill_often("proxyd"):
            for _ in range(100):
                ask()
        self.assertEqual(refused, [])
        self.assertLessEqual(len(cut), KILLS_MAX, cut)


class Supervisord(CrashTest):
    def test_a_backend_that_dies_meanwhile_is_an_error_that_heals(self):
        self.start()
        backend = self.hpp.snapshot()["pid"]
        freeze(self.hpp.pid)  # hpp-launch restarts no helper for now
        self.kill("supervisord")
        os.kill(backend, signal.SIGUSR1)
        wait_for(lambda: not is_alive(backend), "the backend's end")
        self.hpp.signal(signal.SIGCONT)
        snapshot = self.hpp.wait_state("Error")
        self.assertEqual(snapshot["generation"], 1)
        self.assertIn(snapshot["exit"], ({"signal": signal.SIGUSR1}, {"unknown": True}))
        self.assertEqual(self.ask().status, 503)
        self.assert_heals("healed")

    def test_output_continues(self):
        """Lines keep their order. A line is lost only if the kill comes between its read and its
        write."""
        self.save("chatty.py", CHATTY)
        self.hpp = self.start_hpp("--exec", PYTHON, "chatty.py", "{backend}")
        self.hpp.wait_ready()
        for _ in range(KILLS_MAX):
            seen = len(self.hpp.lines)
            self.kill("supervisord")
            self.hpp.wait_line("took over", seen)
            count = self.hpp.output("out").count("line")
            wait_for(lambda: self.hpp.output("out").count("line") > count + 20, "more output")
        self.hpp.ctrl_c()
        self.hpp.wait_exit()
        numbers = [int(line.split()[1]) for line in self.hpp.output("out").splitlines()]
        gaps = [(a, b) for a, b in itertools.pairwise(numbers) if b != a + 1]
        self.assertEqual(numbers[0], 0)
        self.assertEqual(numbers, sorted(set(numbers)))
        self.assertLessEqual(len(gaps), KILLS_MAX, gaps)

    def test_all_processes_of_a_taken_over_backend_are_killed(self):
        self.save("tree.py", TREE)
        self.hpp = self.start_hpp("--exec", PYTHON, "tree.py", "{backend}")
        self.hpp.wait_ready()
        seen = len(self.hpp.lines)
        self.kill("supervisord")
        self.hpp.wait_line("took over", seen)
        before = {pid for pid, command in self.left().items()
                  if "tree.py" in command and "hpp-" not in command}
        self.assertEqual(len(before), 4, "the backend, and three processes that try to escape")
        self.save("other", "")
        self.hpp.wait_state("Running", 2)
        self.assertEqual([pid for pid in before if is_alive(pid)], [])
        self.hpp.ctrl_c()
        self.assertEqual(self.hpp.wait_exit(), 130)
        self.assert_nothing_left()

    def test_escaped_processes_of_a_taken_over_backend_are_killed(self):
        """They have another parent, session and environment than the backend, so hpp can recognise them
        only as orphans."""
        self.save("tree.py", ESCAPING.replace("FOLDER", str(self.directory)))
        self.hpp = self.start_hpp("--exec", PYTHON, "tree.py", "{backend}")
        self.hpp.wait_ready()
        before = self.escaped("before")
        seen = len(self.hpp.lines)
        self.kill("supervisord")
        self.hpp.wait_line("took over", seen)
        os.kill(self.hpp.snapshot()["pid"], signal.SIGUSR1)
        after = self.escaped("after")
        self.assertTrue(is_alive(before))
        self.save("other", "")
        self.hpp.wait_state("Running", 2)
        again = self.escaped("before")
        self.assertEqual([is_alive(pid) for pid in (before, after, again)], [False, False, True])
        self.hpp.ctrl_c()
        self.assertEqual(self.hpp.wait_exit(), 130)
        self.assertFalse(is_alive(again))
        self.assert_nothing_left()


class Hung(CrashTest):
    def test_helpers_that_are_stopped_are_killed_and_restarted(self):
        self.start()
        for name in HELPERS:
            self.killed = {n: self.hpp.helper_pid(n) for n in HELPERS}
            freeze(self.killed[name])
        self.save_text("second")
        for name in HELPERS:
            self.hpp.wait_line(f"hpp-{name} has not responded for 6 s; killing it")
        self.wait_restarted()
        self.assert_fresh("second")

    def test_helpers_in_a_debugger_are_not_killed(self):
        self.start("--debug")
        before = {name: self.hpp.helper_pid(name) for name in HELPERS}
        with contextlib.ExitStack() as debuggers:
            for pid in before.values():
                debuggers.enter_context(traced(pid))
            for name in HELPERS:
                self.hpp.wait_line(f"hpp-{name} does not respond, because pid {os.getpid()} traces it")
            self.save_text("second")
        self.assert_fresh("second")
        self.assertEqual({name: self.hpp.helper_pid(name) for name in HELPERS}, before)

    def test_a_stopped_hpp_launch_takes_no_helper_for_hung(self):
        """Ctrl+Z, and `fg` after a while."""
        self.start()
        before = {name: self.hpp.helper_pid(name) for name in HELPERS}
        freeze(self.hpp.pid)
        end = time.monotonic() + 8  # longer than the watchdog's time
        for number in itertools.count():
            self.assert_heals(f"save {number}")
            if time.monotonic() > end:
                break
        self.hpp.signal(signal.SIGCONT)
        self.assertEqual({name: self.hpp.helper_pid(name) for name in HELPERS}, before)
        self.assert_never_said(self.hpp, "has not responded")
        self.hpp.ctrl_c()
        self.assertEqual(self.hpp.wait_exit(), 130)


class NoDescriptors(CrashTest):
    """A process that cannot open any more descriptors."""

    @staticmethod
    def starved(pid):
        """Within the block, the process can open no descriptor, even if it closes others."""
        return limited(pid, resource.RLIMIT_NOFILE, 0)

    def test_supervisord(self):
        """The error page says why, and the next save tries again."""
        self.start("--debug")
        self.hpp.wait_line("^hpp-proxyd: debug: bus ◄─ backend")
        with self.starved(self.hpp.helper_pid("supervisord")):
            self.save_text("second")
            wait_for(lambda: "Too many open files" in self.ask().text, "the error page")
        self.assert_heals("third")

    def test_supervisord_when_proxyd_has_to_connect(self):
        """Requests wait for the state of the backend, and a log line says so."""
        self.start()
        with self.starved(self.hpp.helper_pid("supervisord")):
            self.kill("proxyd")
            self.wait_restarted()
            waiting = self.connection()
            waiting.ask()
            self.hpp.wait_line("hpp-supervisord has not reported yet: requests wait until it does")
        self.hpp.wait_line("hpp-supervisord reports now: requests no longer wait for it")
        self.assertEqual(waiting.read_response().text, "first")

    def test_proxyd(self):
        """New clients wait in the backlog, and one log line says so."""
        self.start()
        with self.starved(self.hpp.helper_pid("proxyd")):
            connections = [self.connection() for _ in range(3)]
            self.hpp.wait_line("cannot accept connections, so they wait: .* no file descriptor left")
            for connection in connections:
                connection.ask()
        for connection in connections:
            self.assertEqual(connection.read_response().text, "first")
        self.assertEqual(self.hpp.output("err").count("cannot accept"), 1)

    def test_watchd(self):
        """Helpers that have connected to it before are not affected."""
        self.start("--debug")
        for name in ("proxyd", "supervisord"):
            self.hpp.wait_line(f"^hpp-{name}: debug: bus ◄─ tree")
        with self.starved(self.hpp.helper_pid("watchd")):
            self.assert_heals("second")
        self.assert_heals("third")

    def test_watchd_when_proxyd_has_to_connect(self):
        """Requests wait for the barrier's timeout, a log line says so, and requests wait no longer as
        soon as watchd can open files."""
        self.start(*SHORT_BARRIER)
        with self.starved(self.hpp.helper_pid("watchd")):
            self.kill("proxyd")
            self.wait_restarted()
            self.assertEqual(self.ask().text, "first")
            self.hpp.wait_line("hpp-watchd does not answer. Requests do not wait for it, so old code may answer them")
        self.hpp.wait_line("hpp-watchd answers again: requests wait for the newest save")
        self.save_text("second")
        wait_for(lambda: self.ask().text == "second", "an answer of the newest code")
        self.assert_one_at_a_time()

    def test_launch(self):
        self.check_restart(self.starved, ".*Too many open files")


@unittest.skipIf(is_sanitized(), "pthread_create is the sanitizer's")
class NoThreads(CrashTest):
    """A process that cannot start a thread, as if the user had too many. nng needs some threads."""

    @staticmethod
    def starved(pid):
        """Within the block, new threads of the process have no memory for a stack."""
        return limited(pid, resource.RLIMIT_STACK, 1 << 46)

    def test_at_the_start(self):
        with self.starved(os.getpid()):
            program = self.run_program("launch", free_port(), free_port(), "--exec", "true")
        self.assertEqual(program.process.returncode, 1, program.transcript())
        self.assertRegex(program.output(), "^hpp  error: cannot start a thread: .* `ulimit -u`.*\n"
                                           "hpp  error: cannot start hpp-proxyd: a resource is missing$")
        self.assert_nothing_left()

    def test_later(self):
        self.check_restart(self.starved, "a resource is missing")


@unittest.skipIf(is_sanitized(), "a sanitizer needs addresses for itself")
class NoMemory(CrashTest):
    def test_proxyd(self):
        """It ends with a line that says why, and the next proxyd has enough memory."""
        self.start()
        proxyd = self.hpp.helper_pid("proxyd")
        hard_limit = resource.prlimit(proxyd, resource.RLIMIT_AS)[1]
        resource.prlimit(proxyd, resource.RLIMIT_AS, (1, hard_limit))
        out_of_memory = "^hpp-proxyd: error: out of memory"
        for _ in range(1000):  # its free memory is used up long before
            if "out of memory" in self.hpp.output("err"):
                break
            with contextlib.suppress(OSError):
                self.connection().socket.sendall(b"POST / HTTP/1.1\r\nHost: localhost\r\n"
                                                 b"Content-Length: 1000000\r\n\r\n" + bytes(60_000))
        self.hpp.wait_line(out_of_memory)
        self.hpp.wait_line(r"hpp-proxyd died \(signal 6")
        self.assert_heals("second")


class RunDirectory(CrashTest):
    """Other programs or users damage the run directory."""

    def test_deleted_completely(self):
        """Programs that clean /tmp do so. The directory is created again, and no helper counts as hung or
        missing."""
        self.start()
        before = {name: self.hpp.helper_pid(name) for name in HELPERS}
        shutil.rmtree(self.hpp.run_directory)
        for name in HELPERS:
            self.hpp.wait_line(rf"^hpp-{name}: warning: .* was deleted: created it again")
        self.assert_heals("second")
        for name in HELPERS:
            self.kill(name)
            self.wait_restarted()
            self.assert_heals(f"after {name}")
        self.assert_never_said(self.hpp, "has not responded")
        self.assertNotIn(self.hpp.helper_pid("proxyd"), before.values())
        self.hpp.ctrl_c()
        self.assertEqual(self.hpp.wait_exit(), 130)

    def check_repaired(self, damage, said):
        """Kills helper after helper. hpp-launch, or a running helper, repairs the directory."""
        self.start()
        for name in HELPERS:
            with self.subTest(name):
                seen = len(self.hpp.lines)
                damage()
                self.kill(name)
                self.hpp.wait_line(rf"^hpp-\w+: warning: {self.hpp.run_directory} {said}", seen)
                self.wait_restarted()
                self.assert_heals(f"after {name}")
                self.assertEqual(self.hpp.run_directory.lstat().st_mode & 0o777, 0o700)
                # One process repairs it for all, or two do that look at the same moment.
                told = sum(said in text for _, _, text in self.hpp.lines[seen:])
                self.assertLessEqual(told, 2, self.hpp.transcript())

    def test_made_accessible_to_others(self):
        self.check_repaired(lambda: self.hpp.run_directory.chmod(0o755),
                            "had mode 0755: set it to 0700")
        self.assertEqual(len(self.log("start")), 1 + len(HELPERS), "no restart without a save")

    def test_replaced_by_a_link(self):
        moved = (self.directory / f"moved {number}" for number in itertools.count())

        def damage():
            folder = next(moved)
            self.hpp.run_directory.rename(folder)
            self.hpp.run_directory.symlink_to(folder)

        self.check_repaired(damage, "was a symbolic link")

    @unittest.skipUnless(os.getuid() == 0, "only root can give a directory away")
    def test_given_to_another_user(self):
        @contextlib.contextmanager
        def given(_):
            os.chown(self.hpp.run_directory, 12345, 12345)
            yield
            os.chown(self.hpp.run_directory, 0, 0)

        self.check_restart(given, ".* belongs to another user .*")

    def test_read_only(self):
        @contextlib.contextmanager
        def read_only(_):
            with mounted(self.hpp.run_directory, "ro"):
                yield

        self.check_restart(read_only, ".*: Read-only file system")

    def test_snapshots_that_cannot_be_replaced(self):
        """There is one log line for each. No state is lost, because the files are overwritten in
        place."""
        self.start()
        for name in HELPERS:
            (self.hpp.run_directory / f"{name}.json.new").mkdir()
        self.assert_heals("second")
        self.hpp.wait_line("^hpp-supervisord: warning: cannot create files in ")
        self.assert_heals("third")
        told = [self.hpp.output("err").count(f"hpp-{name}: warning: cannot create files")
                for name in HELPERS]
        self.assertIn(told, ([0, 1, 1], [1, 1, 1]), "proxyd may or may not have written meanwhile")
        starts = self.log("start")
        self.kill("supervisord")
        self.wait_restarted()
        self.assert_fresh("third")
        self.assertEqual(self.log("start"), starts, "the backend outlives its supervisor")
        self.assert_heals("fourth")

    def test_snapshots_of_another_version(self):
        self.start()
        for text in ("", "backend", "backend {", 'backend {"epoch": 1}', "news {}", "\0" * 100):
            with self.subTest(text=text):
                path = self.hpp.run_directory / "supervisord.json"
                pid = self.hpp.helper_pid("supervisord")
                freeze(pid)  # it must not write the file meanwhile
                path.write_text(text)
                seen = len(self.hpp.lines)
                os.kill(pid, signal.SIGKILL)
                self.hpp.wait_line("supervisord.json, which is not usable", seen)
                self.hpp.wait_line("Running: ", seen)
                self.assert_fresh("first")
                self.hpp.ctrl_c()
                self.assertEqual(self.hpp.wait_exit(), 130)
                self.start()


class FullDisk(CrashTest):
    """The run directory is on a file system without any space."""

    def setUp(self):
        super().setUp()
        folder = self.directory / "run"
        mount = mounted(folder, "size=64k,mode=0700")
        mount.__enter__()
        self.addCleanup(mount.__exit__, None, None, None)
        self.addCleanup(self._end_all)  # before that
        self.filler = folder / "filler"

    def fill(self):
        with contextlib.suppress(OSError), self.filler.open("ab", buffering=0) as file:
            while True:
                file.write(bytes(512))

    def kill_twice(self, name, restarts):
        """Kills a helper twice, with a save in each outage and one after it. `restarts`: further restarts
        of the backend."""
        for number in (1, 2):
            starts = len(self.log("start"))
            self.kill(name)
            self.save_text(f"{name} {number}")
            self.assert_fresh(f"{name} {number}")
            self.wait_restarted()
            self.assert_heals(f"{name} {number} again")
            self.assertLessEqual(len(self.log("start")), starts + 2 + restarts)

    def test_nothing_is_lost(self):
        self.start()
        self.fill()
        for number in range(4):
            self.assert_heals(f"save {number}")
        self.hpp.wait_line("^hpp-supervisord: warning: cannot create files in .*"
                           "No space left on device.*Free some space")
        for name in HELPERS:
            self.kill_twice(name, restarts=0)
        starts = self.log("start")
        seen = len(self.hpp.lines)
        self.kill("supervisord")
        self.hpp.wait_line("^hpp-supervisord: warning: cannot create files in ", seen)
        self.assert_fresh(starts[-1].removeprefix("start "))
        self.assertEqual(self.log("start"), starts, "the backend outlives its supervisor")
        self.filler.unlink()
        self.hpp.wait_line("^hpp-supervisord: .*supervisord.json can be replaced again")
        self.assert_heals("last")

    def test_a_snapshot_that_does_not_fit(self):
        """A backend fails with much output, so that its snapshot is longer than the previous one."""
        self.save("app.sh", f"""grep -q bad text && {{ seq 5000 >&2; exit 1; }}
exec {BACKEND} "$@"
""")
        self.hpp = self.start_hpp("--exec", "sh", "app.sh", "{backend}", "--text",
                                  "text", "--log", self.log_file, "--lock", self.directory / "lock")
        self.wait_started(self.hpp)
        self.hpp.wait_state("Running")
        self.fill()
        for number in (1, 2):
            self.save_text(f"bad {number}")
            self.assertEqual(self.ask().status, 503)
            self.kill("supervisord")
            self.wait_restarted()
            self.assert_heals(f"good {number}")
            self.kill_twice("watchd", restarts=1)
        self.hpp.wait_line("^hpp-supervisord: warning: cannot write .*supervisord.json .*"
                           "if hpp-supervisord crashes now")
        self.filler.unlink()
        self.assert_heals("last")
        wait_for(lambda: self.hpp.state == "Running", "a snapshot")
        self.kill_twice("supervisord", restarts=0)


class LongCommand(CrashTest):
    def test_longer_than_a_message_may_be(self):
        """A command of more than 1 MiB is published in part. The backend is started and taken over as
        usual."""
        script = f'exec {BACKEND} "$1" --text text --log {self.log_file} --lock {self.directory}/lock'
        self.hpp = self.start_hpp("--exec", "sh", "-c", script, "sh", "{backend}",
                                  *["x" * 100_000] * 12)
        self.wait_started(self.hpp)
        self.hpp.wait_state("Running")
        self.assert_fresh("first")
        self.assert_heals("second")
        starts = self.log("start")
        seen = len(self.hpp.lines)
        self.kill("supervisord")
        self.hpp.wait_line("^hpp-supervisord: Running: took over", seen)
        self.assert_fresh("second")
        self.assertEqual(self.log("start"), starts)
        self.assert_heals("third")


class Launch(CrashTest):
    """hpp-launch is killed, alone or with others."""

    def kill_with(self, *names):
        """Kills hpp-launch and these helpers at once, so that none can react to the death of another.
        Waits until the other helpers have ended by themselves."""
        helpers = [self.hpp.helper_pid(name) for name in HELPERS]
        # hpp-launch is killed last, because at its end the kernel wakes stopped processes (SIGHUP and
        # SIGCONT to an orphaned process group), and supervisord would run again.
        pids = [*(self.hpp.helper_pid(name) for name in names), self.hpp.pid]
        for pid in pids:
            freeze(pid)
        for pid in pids:
            os.kill(pid, signal.SIGKILL)
        self.hpp.wait_exit()
        wait_for(lambda: not any(map(is_alive, helpers)), "the helpers' end")

    def check_next_start(self):
        """Checks that remaining processes are gone before the next backend starts."""
        first = self.hpp
        self.hpp = self.start_hpp("--exec", *first.command[first.command.index("--exec") + 1:],
                                  bind=first.bind, backend=first.backend)
        self.hpp.wait_line("Running: ")  # the snapshots may still be those of the first hpp
        self.assertEqual(self.ask().status, 200)
        self.assert_one_at_a_time()
        self.hpp.ctrl_c()
        self.assertEqual(self.hpp.wait_exit(), 130)
        self.assert_nothing_left()

    def test_no_process_stays(self):
        for names in ((), *((name,) for name in HELPERS)):
            with self.subTest(together_with=names):
                self.start()
                self.kill_with(*names)
                wait_for(lambda: not self.left(), lambda: f"the end of {self.left()}")

    def test_another_start_at_once_kills_remaining_processes(self):
        for names in ((), *((name,) for name in HELPERS), HELPERS):
            with self.subTest(together_with=names):
                self.start()
                self.kill_with(*names)
                self.check_next_start()

    def test_no_process_stays_if_the_run_directory_is_deleted_too(self):
        """While the guard waits because supervisord might be stopping the backend. A start in between
        creates a new directory with another id, and so does not find this backend."""
        for starts_again in (False, True):
            with self.subTest(starts_again=starts_again):
                self.start("--stop-signal", "TERM", "--stop-timeout", "5000")
                self.kill_with("supervisord")
                self.assertTrue(any(is_program(command, "test-backend")
                                    for command in self.left().values()))
                shutil.rmtree(self.hpp.run_directory)
                if starts_again:
                    self.check_next_start()
                wait_for(lambda: not self.left(), lambda: f"the end of {self.left()}")

    def test_killing_all_helpers_and_the_guard_at_once(self):
        """The next start kills the remaining processes."""
        self.start()
        guards = [pid for pid in children_of(self.hpp.pid) if
                  pathlib.Path(f"/proc/{pid}/comm").read_text() == "hpp-guard\n"]
        self.assertEqual(len(guards), 1)
        os.kill(guards[0], signal.SIGKILL)
        self.kill_with(*HELPERS)
        self.assertEqual([is_program(command, "test-backend") for command in self.left().values()],
                         [True])
        self.check_next_start()


SERVE = """\
import http.server, os, subprocess, sys, threading, time

class Handler(http.server.BaseHTTPRequestHandler):
    def do_HEAD(self):
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_):
        pass

server = http.server.HTTPServer(("localhost", int(sys.argv[1])), Handler)
"""

CHATTY = SERVE + """\
def chat():
    number = 0
    while True:
        os.write(1, b"line %d\\n" % number)
        number += 1
        time.sleep(0.002)

threading.Thread(target=chat, daemon=True).start()
server.serve_forever()
"""

# Starts a child, a child in a session of its own, and a process whose parent is gone.
TREE = SERVE + """\
SLEEP = [sys.executable, "-c", "import time; time.sleep(1000)  # tree.py"]
subprocess.Popen(SLEEP)
subprocess.Popen(SLEEP, start_new_session=True)
if os.fork() == 0:
    os.setsid()
    subprocess.Popen(SLEEP, start_new_session=True)
    os._exit(0)
os.wait()
server.serve_forever()
"""

# Starts two processes with another parent, session and environment: one at once, one on request.
ESCAPING = SERVE + """\
import signal

def escape(name):
    script = f"echo $$ >FOLDER/{name}; exec sleep 1000"
    subprocess.run(["env", "-i", "setsid", "-f", "sh", "-c", script])

signal.signal(signal.SIGUSR1, lambda *_: escape("after"))
escape("before")
server.serve_forever()
"""

if __name__ == "__main__":
    unittest.main()
