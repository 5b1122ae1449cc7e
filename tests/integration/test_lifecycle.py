"""The life cycle of the programs at a terminal: starts, stops in every state, crashes of each part,
starts that cannot work."""

import contextlib
import fcntl
import http.client
import itertools
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import termios
import time
import unittest

from harness import (BUILD_DIR, DEADLINE_S, PYTHON, QUIET_S, STOP_S, Background, Connection, Hpp,
                     IntegrationTest, Program, children_of, free_port, freeze, get, is_alive,
                     is_program, make_run_directory, only_with, stat_fields, traced, wait_for)

STOPS = {signal.SIGINT: 130, signal.SIGTERM: 143, signal.SIGHUP: 129}
HELPERS = ("proxyd", "watchd", "supervisord")

# Enough memory that the kernel needs some time to free it, so that a test can observe Killing.
HEAVY = "memory = bytearray(b'x') * (256 << 20)\n"


class OneStream(Hpp):
    """hpp with `2>&1`."""

    def _start(self, cwd, environment):
        return subprocess.Popen(self.command, cwd=cwd, env=environment, stdin=subprocess.DEVNULL,
                                stdout=subprocess.PIPE, stderr=subprocess.STDOUT, process_group=0)


class Redirected(Hpp):
    """hpp whose output goes into the project's hpp.log."""

    def _start(self, cwd, environment):
        with self._open_log(cwd) as log:
            return subprocess.Popen(self.command, cwd=cwd, env=environment, stdin=subprocess.DEVNULL,
                                    stdout=log, stderr=log, process_group=0)

    def _open_log(self, cwd):
        """`> hpp.log`"""
        return open(cwd / "hpp.log", "wb")


class Piped(Redirected):
    def _open_log(self, cwd):
        """`| grep . | tee hpp.log`. The shell ends at once; init reaps the rest."""
        command = "exec 3<&0; { grep --line-buffered . <&3 | tee hpp.log; } >/dev/null &"
        with subprocess.Popen(["sh", "-c", command], cwd=cwd, stdin=subprocess.PIPE) as shell:
            pipe, shell.stdin = shell.stdin, None
        wait_for((cwd / "hpp.log").exists, "tee to open its file")
        return pipe


class Captured(Redirected):
    """hpp below a program that copies its output, as foreman does."""

    COPY = """\
import signal, subprocess, sys
signal.signal(signal.SIGINT, lambda *_: None)
with subprocess.Popen(sys.argv[1:], stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as hpp:
    for line in hpp.stdout:
        sys.stdout.buffer.write(line)
        sys.stdout.flush()
sys.exit(hpp.returncode)
"""

    def __init__(self, command, *more):
        super().__init__([PYTHON, "-c", self.COPY, *command], *more)


class Deaf(Hpp):
    """hpp, started by a program that blocks and ignores the signals that end hpp."""

    def _start(self, cwd, environment):
        def close_ears():
            signal.signal(signal.SIGCHLD, signal.SIG_IGN)
            signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM, signal.SIGCHLD})

        return subprocess.Popen(self.command, cwd=cwd, env=environment, stdin=subprocess.DEVNULL,
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE, process_group=0,
                                preexec_fn=close_ears)


class Heir(Hpp):
    """hpp that inherits a descriptor, which its backend must not inherit."""

    def _start(self, cwd, environment):
        with open("/dev/zero", "rb") as file:
            return subprocess.Popen(self.command, cwd=cwd, env=environment, stdin=subprocess.DEVNULL,
                                    stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                    process_group=0, pass_fds=[file.fileno()])


class AtTerminal(Hpp):
    """hpp as the leader of a session whose terminal can be closed. Its output goes to a pipe."""

    def _start(self, cwd, environment):
        self._master, slave = os.openpty()
        with os.fdopen(slave) as terminal:
            return subprocess.Popen(
                self.command, cwd=cwd, env=environment, stdin=terminal, stdout=subprocess.PIPE,
                stderr=subprocess.PIPE, start_new_session=True,
                preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0))

    def close_terminal(self):
        os.close(self._master)


class Shared(Hpp):
    """hpp below a process that has other children, too."""

    def launches(self):
        return [pid for pid, command in children_of(self.pid).items()
                if is_program(command, "hpp-launch")]

    def helper_pid(self, name):
        def found():
            for launch in self.launches():
                for pid, command in children_of(launch).items():
                    if is_program(command, f"hpp-{name}"):
                        return pid
            return None

        return wait_for(found, lambda: f"hpp-{name}:\n{self.transcript()}")


class Start(IntegrationTest):
    def test_starts_the_backend_once(self):
        hpp = self.start_ready()
        self.assertEqual(get(hpp.url).text, "hello")
        time.sleep(QUIET_S)
        self.assertEqual(self.spawns, 1)

    def check_own_log(self, kind):
        hpp = self.start_ready(kind=kind)
        for text in ("first", "second", "third"):
            self.save_backend(text)
            # A request waits until hpp knows of all earlier changes.
            self.assertEqual(get(hpp.url).text, text)
        hpp.stop()
        log = (self.project / "hpp.log").read_text()
        self.assertEqual(self.spawns, 4, log)
        self.assertIn("hpp.log is not watched, because hpp's output goes there", log)

    def test_its_output_in_a_file_of_the_project_is_no_change(self):
        self.check_own_log(Redirected)

    def test_its_output_in_a_file_of_a_project_behind_a_link_is_no_change(self):
        link = self.directory / "link"
        link.symlink_to(self.project)
        self.environment["PWD"] = str(link)
        self.check_own_log(Redirected)

    def test_its_output_in_a_file_of_the_program_above_is_no_change(self):
        self.check_own_log(Captured)

    def test_its_output_in_a_file_of_a_pipeline_is_no_change(self):
        self.check_own_log(Piped)

    def test_holds_requests_until_the_backend_answers(self):
        command = self.save_backend("late")
        hpp = self.start_hpp("--exec", "sh", "-c",
                             f"while [ ! -e {self.directory}/go ]; do sleep 0.01; done; "
                             f"exec {' '.join(command)}")
        hpp.wait_state("Loading")
        wait_for(lambda: hpp.snapshot("proxyd").get("listening"), "the proxy to listen")
        requests = [Background(get, hpp.url) for _ in range(50)]
        wait_for(lambda: hpp.snapshot("proxyd").get("held") == 50, "fifty held requests")
        (self.directory / "go").touch()
        self.assertEqual([request.result().text for request in requests], ["late"] * 50)

    def test_listens_on_both_addresses_of_localhost(self):
        hpp = self.start_ready()
        for host in ("127.0.0.1", "::1") if socket.has_dualstack_ipv6() else ("127.0.0.1",):
            with Connection(hpp.bind, host) as client:
                client.ask()
                self.assertEqual(client.read_response().text, "hello")

    def test_passes_the_backends_output_on(self):
        hpp = self.start_ready(
            first="import sys\nprint('to stdout')\nprint('to stderr', file=sys.stderr)\n")
        hpp.wait_line("^to stdout$")
        hpp.wait_line("^to stderr$")
        self.assertIn("to stdout", hpp.output("out").splitlines())
        self.assertIn("to stderr", hpp.output("err").splitlines())

    def test_lines_of_hpp_are_not_appended_to_output_without_a_final_newline(self):
        """hpp adds a newline if both go to one file or pipe. Otherwise the output stays unchanged."""
        command = self.save_backend(
            first="import sys\nsys.stdout.write('no newline')\nsys.stdout.flush()\n")
        hpp = self.start_hpp("--exec", *command, kind=OneStream)
        hpp.wait_line("^no newline$")
        hpp.wait_line("^hpp-supervisord: Running")
        hpp.end()
        hpp = self.start_hpp("--exec", *command)
        hpp.wait_line("^hpp-supervisord: Running")
        hpp.ctrl_c()
        hpp.wait_exit()
        self.assertEqual(hpp.output("out"), "no newline")

    def test_the_backend_gets_its_port(self):
        """In PORT, which many servers read. It overrides the value in the user's shell."""
        self.environment = {**self.environment, "PORT": "1"}
        self.save("index.html", "hello")
        hpp = self.start_ready("--exec", "sh", "-c", f"exec {PYTHON} -m http.server $PORT")
        self.assertEqual(get(hpp.url).text, "hello")

    def test_debug_shows_bus_messages(self):
        hpp = self.start_ready("--debug")
        for author, topic in (("watchd", "tree"), ("supervisord", "backend"), ("proxyd", "proxy")):
            hpp.wait_line(rf"^hpp-{author}: debug: bus ─► {topic} \{{")
        hpp.wait_line(r"^hpp-proxyd: debug: bus ◄─ backend \{")

    def test_installed_under_both_names(self):
        meson = shutil.which("meson")
        if not meson:
            self.skipTest("meson is not in PATH")
        subprocess.run([meson, "install", "-C", BUILD_DIR, "--no-rebuild", "--destdir",
                        self.directory / "dest"], check=True, stdout=subprocess.DEVNULL)
        (launch,) = (self.directory / "dest").glob("**/bin/hpp-launch")
        hpp = None
        for name in ("hpp-launch", "http-process-proxy"):
            self.program = lambda _, name=name: launch.parent / name
            hpp = self.start_ready(text=name)
            self.assertEqual(get(hpp.url).text, name)
            hpp.stop()


class Stop(IntegrationTest):
    def check(self, start):
        """Stops hpp with each signal in the state that `start` brings it to."""
        for number, status in STOPS.items():
            with self.subTest(number.name):
                hpp = start()
                began = time.monotonic()
                hpp.signal(number)
                self.assertEqual(hpp.wait_exit(), status, hpp.transcript())
                self.assertLess(time.monotonic() - began, STOP_S)
                self.assert_nothing_left()

    def test_in_loading(self):
        def start():
            hpp = self.start_hpp("--exec", "sleep", "1000")
            hpp.wait_state("Loading")
            wait_for(lambda: hpp.snapshot()["pid"], "the backend's pid")
            return hpp

        self.check(start)

    def test_in_running(self):
        def start():
            return self.start_ready()

        self.check(start)

    def test_in_error(self):
        def start():
            hpp = self.start_hpp("--exec", "sh", "-c", "exit 3")
            hpp.wait_state("Error")
            return hpp

        self.check(start)

    def test_in_killing(self):
        def start():
            hpp = self.start_ready(first=HEAVY)
            saved = set()

            def is_killing():  # Killing may be over before the snapshot is read
                now = hpp.snapshot()
                if now["state"] == "Running" and now["generation"] not in saved:
                    saved.add(now["generation"])
                    self.save("change", str(time.monotonic()))
                return now["state"] == "Killing"

            wait_for(is_killing, "Killing", pause_s=0)
            return hpp

        self.check(start)

    def test_direct_connections_to_the_backend_do_not_delay_it(self):
        """A client's direct connection to the backend outlives the backend by a minute."""
        hpp = self.start_ready()
        with socket.create_connection(("localhost", hpp.backend)):
            hpp.stop()
        hpp.wait_line("hpp-supervisord: Stopped: no process of your server is left after ")

    def test_while_it_starts(self):
        def start():
            hpp = self.start_hpp("--exec", "sleep", "1000")
            hpp.helper_pid("proxyd")
            return hpp

        self.check(start)

    def test_with_requests_held(self):
        hpp = self.start_hpp("--exec", "sleep", "1000")
        hpp.wait_state("Loading")
        wait_for(lambda: hpp.snapshot("proxyd").get("listening"), "the proxy to listen")
        with Connection(hpp.bind) as client:
            client.ask()
            wait_for(lambda: hpp.snapshot("proxyd").get("held") == 1, "the request to be held")
            hpp.stop()
            client.read_to_end()
        self.assert_nothing_left()

    def test_kills_helpers_that_do_not_stop(self):
        hpp = self.start_ready()
        for name in HELPERS:
            freeze(hpp.helper_pid(name))
        hpp.stop()
        self.assert_nothing_left()

    def test_second_ctrl_c_does_not_wait(self):
        hpp = self.start_ready("--debug")
        freeze(hpp.helper_pid("supervisord"))
        hpp.ctrl_c()
        hpp.wait_line("hpp-proxyd ended: ")
        hpp.stop()
        hpp.wait_line("hpp-supervisord ended: signal 9")
        self.assert_nothing_left()

    def test_kills_a_tree_that_tries_to_escape(self):
        escape = (f"setsid -f sleep 1001; (env -i setsid -f sleep 1002 &); "
                  f"exec {' '.join(self.save_backend())}")
        hpp = self.start_ready("--exec", "sh", "-c", escape)
        backend = hpp.snapshot()["pid"]
        sessions = {os.getsid(backend)}
        wait_for(lambda: len(self.sleepers()) == 2, "the children that escape")
        hpp.stop()
        self.assertEqual(self.sleepers(), [])
        self.assertFalse(any(is_alive(session) for session in sessions))
        self.assert_nothing_left()

    def test_does_not_kill_older_children_of_its_process(self):
        """A start script of a container may run `redis-server & exec hpp-launch …`."""
        script = 'sleep 1001 >/dev/null 2>&1 & exec "$@"'
        hpp = self.start_below(script)
        wait_for(self.sleepers, "what was started before")
        os.kill(hpp.helper_pid("supervisord"), signal.SIGKILL)
        hpp.wait_line("took over")
        self.save("app.py", (self.project / "app.py").read_text())
        hpp.wait_state("Running", 2)
        self.assertEqual(len(self.sleepers()), 1)
        hpp.stop()
        self.assertEqual(len(self.sleepers()), 1)
        self.end_sleepers()

    def test_continues_and_ends_with_its_forked_child(self):
        """When hpp-launch is suspended, its parent, which is the shell's child, stops with it. `hpp-ctl
        stop` sends SIGCONT to hpp-launch alone, and that must resume both."""
        script = 'sleep 1001 >/dev/null 2>&1 & exec "$@"'
        hpp = self.start_below(script)
        (launch,) = hpp.launches()

        def state():
            return stat_fields(f"/proc/{hpp.pid}/stat")[0]

        def wakes():
            status = pathlib.Path(f"/proc/{hpp.pid}/status").read_text()
            return int(re.search(r"^voluntary_ctxt_switches:\s+(\d+)", status, re.M).group(1))

        for goes_on in (launch, hpp.pid):
            freeze(launch)
            wait_for(lambda: state() == "T", "the parent to stop")
            os.kill(goes_on, signal.SIGCONT)
            for pid in (launch, hpp.pid):
                wait_for(lambda: stat_fields(f"/proc/{pid}/stat")[0] == "S", f"{pid} to go on")
        before = wakes()
        time.sleep(QUIET_S)
        self.assertLess(wakes() - before, 50, "the two processes signal each other endlessly")
        freeze(launch)
        wait_for(lambda: state() == "T", "the parent to stop")
        self.assertEqual(self.run_program("ctl", "stop").output(), "")
        self.assertEqual(hpp.wait_exit(), 143)
        self.end_sleepers()

    def test_does_not_kill_orphans_of_older_children(self):
        """A child that is older than hpp starts a daemon, which becomes an orphan while hpp runs."""
        go = self.directory / "go"
        script = (f"(while [ ! -e {go} ]; do sleep 0.01; done; "
                  'setsid -f sleep 1001 >/dev/null 2>&1) & exec "$@"')
        hpp = self.start_below(script)
        go.touch()
        wait_for(self.sleepers, "the daemon")
        os.kill(hpp.helper_pid("supervisord"), signal.SIGKILL)
        hpp.wait_line("took over")
        self.save_backend("second")
        hpp.wait_state("Running", 2)
        hpp.signal(signal.SIGTERM)
        self.assertEqual(hpp.wait_exit(), 143)
        self.assertEqual(len(self.sleepers()), 1)
        self.end_sleepers()

    def test_with_signals_that_its_parent_blocked_or_ignored(self):
        hpp = self.start_ready(kind=Deaf)
        self.save_backend("second")
        hpp.wait_state("Running", 2)
        hpp.stop()
        self.assert_nothing_left()

    def test_helpers_end_when_hpp_launch_is_killed(self):
        """Helpers with file capabilities end, too. The kernel does not send them the parent's death
        signal, because they lose that setting at execve(2)."""
        for name in ("launch", *HELPERS):
            folder = self.directory / "bin" / name
            folder.mkdir(parents=True)
            program = folder / f"hpp-{name}"
            if name == "launch":
                shutil.copy(self.program(name), program)
            else:
                program.write_text(f"#!/bin/sh\nexec setpriv --pdeathsig clear "
                                   f'{self.program(name)} "$@"\n')
                program.chmod(0o755)
        hpp = self.start_ready(kind=lambda command, *rest: Hpp(
            [self.directory / "bin/launch/hpp-launch", *command[1:]], *rest))
        hpp.signal(signal.SIGKILL)
        hpp.wait_exit()
        wait_for(lambda: not self.left(), lambda: f"the end of {self.left()}")

    def test_a_start_waits_for_the_end_of_a_killed_hpp_launchs_backend(self):
        """The start waits for as long as the backend may take (--stop-timeout)."""
        stubborn = ("import os, signal, time\n"
                    "def stop(*_):\n"
                    f"    while not os.path.exists({str(self.directory / 'go')!r}): time.sleep(0.01)\n"
                    "    os._exit(0)\n"
                    "signal.signal(signal.SIGTERM, stop)\n")
        command = self.save_backend(first=stubborn)
        options = ("--stop-signal", "TERM", "--stop-timeout", "60000", "--exec", *command)
        first = self.start_ready(*options)
        supervisord = first.helper_pid("supervisord")
        first.process.kill()
        first.process.wait()  # wait_exit() would wait for the end of its output, which stays open
        second = self.start_hpp(*options, bind=first.bind, backend=first.backend)
        second.wait_line(rf"waiting for hpp-supervisord \(pid {supervisord}, stopping its")
        time.sleep(QUIET_S + 1)  # longer than the helpers wait for a lock
        self.assertTrue(is_alive(second.pid), second.transcript())
        (self.directory / "go").touch()
        second.wait_ready()
        self.assertEqual(get(second.url).text, "hello")

    def test_a_start_kills_a_helper_of_a_killed_hpp_launch_that_hangs(self):
        bind = free_port()
        lock = make_run_directory(self.run_directory(bind)) / "watchd.lock"
        hang = ("import fcntl, signal, sys; signal.signal(signal.SIGTERM, signal.SIG_IGN); "
                "file = open(sys.argv[1], 'w'); fcntl.flock(file, fcntl.LOCK_EX); "
                "print('locked', flush=True); signal.pause()")
        earlier = self._keep(Program([PYTHON, "-c", hang, lock], self.project,
                                     {**self.environment, "HPP_HELPER": "hpp-watchd"}))
        earlier.wait_line("^locked$")
        hpp = self.start_hpp("--exec", *self.save_backend(), bind=bind)
        hpp.wait_line(rf"waiting for hpp-watchd \(pid {earlier.pid}\)")
        hpp.wait_line(rf"hpp-watchd \(pid {earlier.pid}\) has not ended in time: killing it")
        self.assertEqual(earlier.wait_exit(), -signal.SIGKILL)
        hpp.wait_ready()

    def test_a_start_that_waits_can_be_stopped(self):
        deaf = ("import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); "
                "print('deaf', flush=True); time.sleep(1000)")
        options = ("--stop-signal", "TERM", "--stop-timeout", "60000")
        first = self.start_hpp(*options, "--exec", PYTHON, "-c", deaf)
        first.wait_line("^deaf$")
        backend = first.wait_state("Loading")["pid"]
        first.process.kill()
        first.process.wait()
        second = self.start_hpp(*options, "--exec", "true", bind=first.bind)
        second.wait_line("waiting for hpp-supervisord")
        second.stop()
        os.kill(backend, signal.SIGKILL)
        wait_for(lambda: not self.left(), "the end of all")

    def test_sends_the_backend_the_stop_signal_first(self):
        """With --stop-timeout, a slow server has time to end by itself, at a restart and at the end of
        hpp."""
        polite = ("import signal, sys, time\n"
                  "def stop(*_):\n"
                  "    time.sleep(1)\n"
                  "    print('bye', flush=True)\n"
                  "    sys.exit()\n"
                  "signal.signal(signal.SIGTERM, stop)\n")
        hpp = self.start_ready("--stop-signal", "TERM", "--stop-timeout", "20000", first=polite)
        os.kill(hpp.helper_pid("supervisord"), signal.SIGHUP)
        hpp.wait_state("Running", 2)
        hpp.wait_line("^bye$")
        hpp.stop()
        self.assertEqual(hpp.output("out"), "bye\nbye")
        self.assert_nothing_left()

    def start_below(self, script):
        """Starts hpp below a shell that runs the script, which begins hpp by "$@"."""
        return self.start_ready(kind=lambda command, *rest: Shared(
            ["sh", "-c", script, "sh", *command], *rest))

    def end_sleepers(self):
        for pid in self.sleepers():
            os.kill(pid, signal.SIGKILL)
        wait_for(lambda: not self.sleepers(), "their end")
        self.assert_nothing_left()

    def sleepers(self):
        """The processes `sleep 1001` and `sleep 1002` in the directory of this test. Their environment
        does not matter."""
        found = []
        for entry in pathlib.Path("/proc").iterdir():
            try:
                command = (entry / "cmdline").read_bytes()
                directory = os.readlink(entry / "cwd")
            except OSError:
                continue
            if command.startswith(b"sleep\x00100") and directory == str(self.project.resolve()):
                found.append(int(entry.name))
        return found

    @only_with("watchman")
    def test_does_not_kill_watchman(self):
        self.watchman.stop()
        hpp = self.start_ready()
        watchman = self.watchman.pid
        self.assertTrue(watchman)
        for crash in (False, True):  # the search for orphans must not kill it either
            if crash:
                hpp = self.start_ready()
                freeze(hpp.helper_pid("supervisord"))
            hpp.stop()
            self.assertEqual(self.watchman.pid, watchman)
            self.assertTrue(is_alive(watchman))
            self.assert_nothing_left()


class Deleted(IntegrationTest):
    """A cleaner of /tmp deletes the run directory of a running hpp."""

    def setUp(self):
        super().setUp()
        self.hpp = self.start_ready()

    def locks(self):
        """The locks that are held, from proc_locks(5). Trying to lock could take the lock from hpp."""
        listed = pathlib.Path("/proc/locks").read_text()
        return {path.name for path in self.hpp.run_directory.glob("*lock")
                if f":{path.stat().st_ino} " in listed}

    def test_locks_are_created_again_and_held(self):
        all_locks = {"lock", *(f"{name}.lock" for name in HELPERS)}
        self.assertEqual({path.name for path in self.hpp.run_directory.glob("*lock")}, all_locks)
        instance = (self.hpp.run_directory / "instance").read_text()
        shutil.rmtree(self.hpp.run_directory)
        wait_for(lambda: self.locks() == all_locks, lambda: f"the locks, not only {self.locks()}")
        path = self.hpp.run_directory / "instance"
        wait_for(lambda: path.exists() and path.read_text() == instance, "the instance's id")
        second = self.run_program("launch", self.hpp.bind, free_port(), "--exec", "true")
        self.assertIn(f"already running: pid {self.hpp.pid}", second.output())
        self.assertEqual(get(self.hpp.url).text, "hello")

    @contextlib.contextmanager
    def place_taken(self):
        """Within the block, another hpp-launch holds the lock of a new run directory."""
        others = make_run_directory(self.directory / "others" / "run")
        with open(others / "lock", "w", encoding="ascii") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            file.write("pid 1234, http://localhost:8000")
            file.flush()
            self.hpp.run_directory.rename(self.directory / "old")
            others.rename(self.hpp.run_directory)
            yield

    def test_ends_if_another_hpp_has_taken_its_place(self):
        with self.place_taken():
            self.hpp.wait_line("another hpp-launch has taken its place .*pid 1234")
            self.assertEqual(self.hpp.wait_exit(), 1)
        self.assert_nothing_left()

    def test_a_helper_is_not_restarted_if_another_hpp_has_taken_its_place(self):
        proxyd = self.hpp.helper_pid("proxyd")
        freeze(self.hpp.pid)  # it must see the crash before it sees the lost directory
        with self.place_taken():
            os.kill(proxyd, signal.SIGKILL)
            self.hpp.signal(signal.SIGCONT)
            self.assertEqual(self.hpp.wait_exit(), 1)
        self.assertEqual(self.hpp.output("err").count("has taken its place"), 1)
        self.assert_never_said(self.hpp, "trying again")
        self.assert_nothing_left()


class Crash(IntegrationTest):
    def check_works(self, hpp, text):
        """Checks that requests are answered, and that a save restarts the backend."""
        wait_for(lambda: self.answer(hpp) is not None, "an answer")
        generation = hpp.generation
        self.save_backend(text)
        hpp.wait_state("Running", generation + 1)
        self.assertEqual(get(hpp.url).text, text)

    @staticmethod
    def answer(hpp):
        try:
            return get(hpp.url)
        except (OSError, http.client.HTTPException):
            return None  # proxyd does not run yet, or the kill has cut the answer

    def test_restarts_each_helper(self):
        hpp = self.start_ready()
        for name in HELPERS:
            with self.subTest(name):
                before = hpp.helper_pid(name)
                seen = len(hpp.lines)
                os.kill(before, signal.SIGKILL)
                hpp.wait_line(rf"hpp-{name} died \(signal 9 \(Killed\)\): starting it again$", seen)
                wait_for(lambda: hpp.helper_pid(name) != before, "another process")
                hpp.wait_ready()
                self.check_works(hpp, f"after {name}")
        hpp.stop()
        self.assert_nothing_left()

    def test_all_helpers_at_once(self):
        hpp = self.start_ready()
        before = {name: hpp.helper_pid(name) for name in HELPERS}
        for pid in before.values():
            os.kill(pid, signal.SIGKILL)
        for name, pid in before.items():
            wait_for(lambda: hpp.helper_pid(name) != pid, "another process")
        self.check_works(hpp, "after all")

    def test_gives_up_a_helper_that_keeps_crashing(self):
        hpp = self.start_ready()
        killed = None

        def has_ended():  # at five crashes within 10 s; a busy machine may need more kills for that
            nonlocal killed
            watchd = next((pid for pid, command in children_of(hpp.pid).items()
                           if is_program(command, "hpp-watchd") and pid != killed), None)
            if watchd:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(watchd, signal.SIGKILL)
                    killed = watchd
            return hpp.process.poll() is not None

        wait_for(has_ended, "the end of hpp")
        self.assertEqual(hpp.wait_exit(), 1)
        hpp.wait_line("^hpp-launch: error: hpp-watchd died .* 5 times in 10 s: giving up$")
        self.assert_nothing_left()

    def test_kill_of_hpp_launch_ends_all_processes(self):
        hpp = self.start_ready()
        hpp.signal(signal.SIGKILL)
        self.assertEqual(hpp.wait_exit(), -signal.SIGKILL)
        wait_for(lambda: not self.left(), lambda: f"the end of {self.left()}")
        again = self.start_ready(text="again", bind=hpp.bind, backend=hpp.backend)
        self.assertEqual(get(again.url).text, "again")


class Backend(IntegrationTest):
    def wait_error(self, hpp, *parts):
        """Waits until the backend has failed; returns the answer, which must have these parts."""
        hpp.wait_watching()
        hpp.wait_state("Error")
        answer = get(hpp.url)
        self.assertEqual(answer.status, 503)
        for part in parts:
            self.assertIn(part, answer.text)
        return answer

    def test_answers_name_their_generation_and_their_waiting_time(self):
        command = self.save_backend()
        go = self.directory / "go"
        hpp = self.start_hpp("--exec", "sh", "-c", f"while [ ! -e {go} ]; do sleep 0.01; done; "
                             f"exec {' '.join(command)}")
        hpp.wait_line("forwards to")
        request = Background(get, hpp.url)
        wait_for(lambda: hpp.snapshot("proxyd").get("held") == 1, "the request to be held")
        go.touch()
        first = request.result()
        self.assertEqual(first.header("X-Hpp-Generation"), "1")
        held_ms = re.fullmatch(r'hpp;desc="generation 1", hold;dur=([\d.]+), refresh;desc="\d+/0"',
                               first.header("Server-Timing"))
        self.assertGreater(float(held_ms.group(1)), 1)
        hpp.wait_ready()
        self.save_backend("changed")
        hpp.wait_state("Running", 2)
        self.assertEqual(get(hpp.url).header("X-Hpp-Generation"), "2")

    def test_crash_is_explained_and_ends_with_the_next_save(self):
        self.save("start.sh", "echo on the way >&2\necho the reason >&2\nexit 3\n")
        hpp = self.start_hpp("--exec", "sh", "start.sh", "{backend}")
        answer = self.wait_error(hpp, "exit code 3", "on the way\nthe reason\n")
        self.assertIn("no-store", answer.header("Cache-Control"))
        self.save_backend("healed")
        self.save("start.sh", f"exec {PYTHON} app.py $1\n")
        hpp.wait_state("Running", 2)
        self.assertEqual(get(hpp.url).text, "healed")

    def test_death_by_a_signal_is_named(self):
        hpp = self.start_hpp("--exec", "sh", "-c", "kill -SEGV $$")
        hpp.wait_state("Error")
        self.assertIn("signal 11", get(hpp.url).text)

    def test_request_that_crashes_the_backend_gets_the_reason(self):
        hpp = self.start_ready()
        with Connection(hpp.bind) as client:
            client.ask("GET", "/crash")
            answer = client.read_response()
        self.assertEqual(answer.status, 503)
        self.assertIn("exit code 3", answer.text)
        self.assertIn("crash requested", answer.text)
        self.save_backend("hello again")
        hpp.wait_state("Running", 2)
        self.assertEqual(get(hpp.url).text, "hello again")

    def test_missing_command_is_an_error_that_ends_with_the_next_save(self):
        hpp = self.start_hpp("--exec", "./server", "{backend}")
        self.wait_error(hpp, "./server: there is no such file")
        self.save_backend("built")
        script = self.directory / "script"
        script.write_text(f"#!/bin/sh\nexec {PYTHON} app.py $1\n")
        script.chmod(0o755)
        script.rename(self.project / "server")
        hpp.wait_state("Running")
        self.assertEqual(get(hpp.url).text, "built")

    def test_script_with_carriage_returns_is_an_error_that_names_its_interpreter(self):
        self.save_backend("mended")
        for line, name in (("#!/bin/sh", r"/bin/sh\r"), ("#!/usr/bin/env sh", r"sh\r")):
            script = self.save("server", f"{line}\r\nexec {PYTHON} app.py $1\r\n")
            script.chmod(0o755)
            hpp = self.start_hpp("--exec", "./server", "{backend}")
            self.wait_error(hpp, f'its interpreter "{name}" was not found')
            hpp.wait_line(r"Error: .*first line of the script ends in a carriage return.*sed -i")
            subprocess.run(["sed", "-i", r"s/\r$//", "server"], cwd=self.project, check=True)
            hpp.wait_state("Running")
            self.assertEqual(get(hpp.url).text, "mended")
            hpp.end()

    def test_killed_server_that_a_debugger_holds_is_named_and_not_waited_for(self):
        hpp = self.start_ready()
        pid = hpp.snapshot()["pid"]
        with traced(pid):
            self.save_backend("second")
            hpp.wait_line(rf"pid {pid} is dead, but pid {os.getpid()} \(.*\) traces it")
            self.assertEqual(get(hpp.url).text, "second")

    def test_program_that_is_being_written_is_started_again(self):
        """A linker has the program open for writing (ETXTBSY), and no further change follows."""
        self.save_backend("linked")
        program = self.project / "server"
        shutil.copy(shutil.which("dash") or "/bin/sh", program)
        with open(program, "ab"):
            hpp = self.start_hpp("--exec", "./server", "-c", f"exec {PYTHON} app.py {{backend}}")
            self.wait_error(hpp, "Text file busy")
        hpp.wait_state("Running")
        self.assertEqual(get(hpp.url).text, "linked")

    def test_backend_with_a_command_that_is_not_utf8_is_taken_over(self):
        hpp = self.start_ready(kind=lambda words, *rest: Hpp([*words, b"caf\xe9"], *rest))
        os.kill(hpp.helper_pid("supervisord"), signal.SIGKILL)
        hpp.wait_line("took over generation 1")
        self.assertEqual(self.spawns, 1)

    def test_it_does_not_inherit_hpps_descriptors(self):
        command = self.save_backend(
            first="import os\nfor fd in os.listdir('/proc/self/fd'):\n"
                  "    try: print('has', os.readlink('/proc/self/fd/' + fd), flush=True)\n"
                  "    except OSError: pass\n"
                  "print('all', flush=True)\n")
        hpp = self.start_hpp("--exec", *command, kind=Heir)
        hpp.wait_line("^all$")
        self.assertNotIn("has /dev/zero", hpp.output())

    def test_port_held_by_a_stranger_is_an_error_that_names_it(self):
        with socket.create_server(("127.0.0.1", free_port())) as stranger:
            port = stranger.getsockname()[1]
            hpp = self.start_hpp("--exec", *self.save_backend("hello"), backend=port)
            self.wait_error(hpp, f"pid {os.getpid()}")
        self.save_backend("free now")
        hpp.wait_state("Running")
        self.assertEqual(get(hpp.url).text, "free now")

    def test_kept_connections_end_after_a_restart(self):
        """They end after the next answer, which is a fresh one, or after five idle seconds."""
        hpp = self.start_ready(text="one")
        with Connection(hpp.bind) as asks, Connection(hpp.bind) as idles, Connection(hpp.bind) as blank:
            for client in (asks, idles, blank):
                client.ask()
                self.assertEqual(client.read_response().text, "one")
            blank.send("\r\n")
            began = time.monotonic()
            self.save_backend("two")
            hpp.wait_state("Running", 2)
            asks.ask()
            answer = asks.read_response()
            self.assertEqual((answer.text, answer.header("connection")), ("two", "close"))
            asks.wait_closed()
            idles.wait_closed()
            blank.wait_closed()
            self.assertGreater(time.monotonic() - began, 4)

    def test_sighup_to_the_supervisor_restarts(self):
        hpp = self.start_ready()
        os.kill(hpp.helper_pid("supervisord"), signal.SIGHUP)
        hpp.wait_state("Running", 2)
        self.assertEqual(self.spawns, 2)
        self.assertEqual(get(hpp.url).text, "hello")

    def test_after_many_saves_the_last_one_is_served(self):
        hpp = self.start_ready(text="0")
        for i in range(1, 40):
            self.save_backend(str(i))

        def text():
            try:
                return get(hpp.url).text
            except (http.client.IncompleteRead, ConnectionResetError):
                return ""  # a response that has begun is cut when its backend is killed

        wait_for(lambda: text() == "39", "the last text")
        self.assertLess(hpp.generation, 40)


class Refused(IntegrationTest):
    """A start that cannot work prints one line that says what to do."""

    def check_refused(self, program, status, *words):
        # hpp-launch may have printed where the site is before another helper failed.
        lines = [line for line in program.output().splitlines() if line and line[0] != " "]
        self.assertEqual(len(lines), 1, program.transcript())
        self.assertEqual(program.process.returncode, status, program.transcript())
        for word in words:
            self.assertIn(word, lines[0])
        self.assert_nothing_left()

    def test_second_start_names_the_first(self):
        hpp = self.start_ready()
        second = self.run_program("launch", hpp.bind, free_port(), "--exec", "true")
        self.assertEqual(second.process.returncode, 1)
        self.assertEqual(len(second.lines), 1, second.transcript())
        self.assertIn(f"pid {hpp.pid}", second.output())
        self.assertIn(f"http://localhost:{hpp.bind}", second.output())
        self.assertEqual(get(hpp.url).status, 200)

    def test_port_in_use_names_the_process(self):
        with socket.create_server(("127.0.0.1", free_port())) as other:
            port = other.getsockname()[1]
            program = self.run_program("launch", port, free_port(), "--exec", "sleep", "1000")
        self.check_refused(program, 1, f":{port}", f"pid {os.getpid()}")

    def test_unknown_host(self):
        for bind, backend in (("no-such-host.invalid:1", "2"), ("1", "no-such-host.invalid:2")):
            with self.subTest(bind + " " + backend):
                program = self.run_program("launch", bind, backend, "--name", "x", "--exec", "true")
                self.check_refused(program, 1, "no-such-host.invalid")

    def test_watchman_missing(self):
        folder = self.directory / "bin"
        folder.mkdir()
        for name in ("sh", "sleep"):
            (folder / name).symlink_to(shutil.which(name))
        program = self.run_program("launch", free_port(), free_port(), "--livereload-port", 0,
                                   "--watcher", "watchman", "--exec", "sleep", "1000",
                                   environment={"PATH": str(folder)})
        self.check_refused(program, 1, "atchman", "install")

    def test_wrong_arguments(self):
        bind, backend = str(free_port()), str(free_port())
        run = ("--exec", "true")
        cases = (
            ((), "no command was given"),
            ((bind, backend), "--exec"),
            ((bind, backend, "--exec"), "--exec"),
            (("nonsense", backend, *run), "nonsense"),
            ((bind, "localhost:99999", *run), "99999"),
            ((bind, bind, *run), "same"),
            ((bind, "http://localhost:1", *run), "http://"),
            ((bind, backend, "--pattern", "[a", *run), "[a"),
            ((bind, backend, "--exclude", "src/../*", *run), "src/../*"),
            ((bind, backend, "--nonsense", *run), "--nonsense"),
            ((bind, backend, "--name", "../x", *run), "--name"),
        )
        for arguments, word in cases:
            with self.subTest(arguments):
                self.check_refused(self.run_program("launch", *arguments), 2, word, "hpp-launch")

    def test_helpers_refuse_wrong_arguments(self):
        for name in HELPERS:
            with self.subTest(name):
                self.check_refused(self.run_program(name, "--nonsense"), 2, f"hpp-{name}")

    def test_missing_working_directory(self):
        gone = self.project / "gone"
        gone.mkdir()
        command = f"cd {gone}; rmdir {gone}; exec {self.program('launch')} 1 2 --exec true"
        done = subprocess.run(["sh", "-c", command], env=self.environment, capture_output=True,
                              text=True, timeout=DEADLINE_S, check=False)
        self.assertEqual(done.returncode, 1)
        self.assertEqual(len(done.stderr.splitlines()), 1, done.stderr)
        self.assertIn("working directory", done.stderr)

    @unittest.skipIf(os.getuid() == 0, "root can read every directory")
    def test_working_directory_that_cannot_be_read(self):
        secret = self.project / "secret"
        secret.mkdir(mode=0o111)
        program = self.run_program("launch", free_port(), free_port(), "--exec", "true", cwd=secret)
        self.check_refused(program, 1, str(secret), "Permission denied")

    def test_run_directory_that_others_can_enter(self):
        bind = free_port()
        folder = self.run_directory(bind)
        folder.mkdir(parents=True)
        folder.chmod(0o755)
        hpp = self.start_hpp("--exec", "sleep", "1000", bind=bind)
        hpp.wait_line(rf"^hpp-launch: warning: {folder} had mode 0755: set it to 0700")
        hpp.wait_line("Loading")
        self.assertEqual(folder.stat().st_mode & 0o777, 0o700)

    @unittest.skipUnless(os.getuid() == 0, "only root can make a directory of another user")
    def test_run_directories_in_a_folder_of_another_user(self):
        """In /tmp, another user may have created the folder. hpp writes nothing into it."""
        bind = free_port()
        folder = self.run_directory(bind)
        for prepares in (lambda: None, lambda: folder.mkdir(mode=0o700)):
            with self.subTest(prepares):
                shutil.rmtree(folder.parent, ignore_errors=True)
                folder.parent.mkdir()
                prepares()
                os.chown(folder.parent, 12345, 12345)
                folder.parent.chmod(0o777)
                before = sorted(folder.parent.rglob("*"))
                program = self.run_program("launch", bind, free_port(), "--exec", "true")
                self.check_refused(program, 1, str(folder.parent), "another user (uid 12345)")
                self.assertEqual(sorted(folder.parent.rglob("*")), before)

    def test_helper_whose_run_directory_is_unusable(self):
        """The directory may be usable later, so the helper's service manager must start it again."""
        (self.project / "file").touch()
        program = self.run_program("watchd", "--run-dir", "file")
        self.check_refused(program, 75, "file", "not a directory")


class Alone(IntegrationTest):
    def test_each_helper_on_the_command_line_in_any_order(self):
        for order in itertools.permutations(HELPERS):
            with self.subTest(order):
                bind, backend = free_port(), free_port()
                command = [w.replace("{backend}", str(backend)) for w in self.save_backend("one")]
                arguments = {"proxyd": [], "watchd": [], "supervisord": ["--exec", *command]}
                helpers = []
                for name in order:
                    helpers.append(self.start_helper(name, *arguments[name], bind=bind,
                                                     backend=backend))
                any_one = helpers[0]
                any_one.wait_ready()
                wait_for(lambda: any_one.snapshot("proxyd").get("listening"), "the proxy")
                self.assertEqual(get(any_one.url).text, "one")
                generation = any_one.generation
                self.save_backend("two")
                any_one.wait_state("Running", generation + 1)
                self.assertEqual(get(any_one.url).text, "two")
                for helper in helpers:
                    helper.signal(signal.SIGTERM)
                    self.assertEqual(helper.wait_exit(), 0, helper.transcript())
                self.assert_nothing_left()

    def test_supervisord_ends_with_its_terminal(self):
        """On the command line, SIGHUP means that the terminal was closed. Otherwise it asks for a
        restart."""
        bind, backend = free_port(), free_port()
        command = [w.replace("{backend}", str(backend)) for w in self.save_backend()]
        folder = make_run_directory(self.run_directory(bind))
        supervisord = self._keep(AtTerminal(
            [self.program("supervisord"), backend, "--run-dir", folder, "--exec", *command],
            self, bind, backend))
        supervisord.wait_state("Running")
        supervisord.signal(signal.SIGHUP)
        supervisord.wait_state("Running", 2)
        supervisord.close_terminal()
        self.assertEqual(supervisord.wait_exit(), 0)
        self.assert_nothing_left()

    def test_a_second_helper_of_one_kind_is_refused(self):
        bind, backend = free_port(), free_port()
        for name, arguments in (("watchd", []), ("supervisord", ["--exec", "sleep", "1000"])):
            with self.subTest(name):
                first = self.start_helper(name, *arguments, bind=bind, backend=backend)
                wait_for(lambda: first.snapshot(name), f"a snapshot of {name}")
                second = self.start_helper(name, *arguments, bind=bind, backend=backend)
                self.assertEqual(second.wait_exit(), 1)
                self.assertIn(f"another hpp-{name}", second.output("err"))
                self.assertIsNone(first.process.poll())


if __name__ == "__main__":
    unittest.main()
