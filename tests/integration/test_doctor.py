"""hpp-ctl doctor: what is wrong, and what cures it."""

import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import time

from harness import MARK, PYTHON, free_port, freeze, is_alive, wait_for
from test_ctl import CtlTest

# Starts so many processes that doctor kills this one before it has found all of them.
STARTS_OTHERS = """
import os, time
while True:
    if os.fork() == 0:
        time.sleep(60)
        os._exit(0)
    time.sleep(0.001)
"""


class Doctor(CtlTest):
    def doctor(self, run_directory, *arguments, status):
        """The answer of doctor. With --run-dir, it leaves alone what other tests leave behind."""
        program = self.ctl("--run-dir", run_directory, "doctor", "--json", *arguments, status=status)
        answer = json.loads(program.output())
        self.assertEqual(answer["ok"], status == 0)
        for finding in answer["findings"]:
            if finding["level"] != "ok":
                self.assertTrue(finding["what"] and finding["why"] and finding["cure"], finding)
        return answer

    def problems(self, answer):
        return [(finding["check"], finding["what"]) for finding in answer["findings"]
                if finding["level"] == "problem"]

    def nowhere(self):
        """A run directory that does not exist."""
        return self.directory / "run" / "none"

    def stopped(self):
        """The run directory of an hpp that has ended."""
        hpp = self.start_ready()
        hpp.signal(signal.SIGTERM)
        hpp.wait_exit()
        return hpp.run_directory

    def test_nothing_is_wrong(self):
        self.doctor(self.nowhere(), status=0)
        hpp = self.start_ready()
        answer = self.doctor(hpp.run_directory, status=0)
        checks = [finding["check"] for finding in answer["findings"]]
        self.assertEqual(checks, ["hpp", "watchman", "files", "inotify", "ports", "git", "versions",
                                  "run directory", "leftovers"], answer)
        found = {finding["check"]: finding["what"] for finding in answer["findings"]}
        self.assertEqual(found["hpp"], f"runs at http://localhost:{hpp.bind}")
        self.assertIn(str(self.project), found["files"])
        program = self.ctl("--run-dir", hpp.run_directory, "doctor", status=0)
        self.assertTrue(program.output().endswith("nothing is wrong"), program.output())

    def test_the_source_of_each_directory_is_named(self):
        shared = self.directory / "shared"
        shared.mkdir()
        hpp = self.start_ready("--root", "../shared", "--root", "../later")
        files = [finding["what"] for finding in self.doctor(hpp.run_directory, status=0)["findings"]
                 if finding["check"] == "files"]
        self.assertEqual(len(files), 3, files)
        self.assertRegex(files[0], f"^(Watchman|inotify) reports changes in {self.project}$")
        self.assertIn(f"{self.directory / 'later'} does not exist, and is watched as soon as it does", files)
        self.assertRegex("\n".join(files[1:]), f"(?m)^(Watchman|inotify) reports changes in {shared}$")

    def test_fix_leaves_a_running_hpp_alone(self):
        hpp = self.start_ready()
        answer = self.doctor(hpp.run_directory, "--fix", status=0)
        self.assertEqual(answer["fixed"], [])
        self.assertTrue(is_alive(hpp.snapshot()["pid"]))
        self.ctl("status", status=0)

    def test_fix_leaves_a_server_alone_whose_run_directory_was_deleted(self):
        hpp = self.start_ready()
        pid = hpp.snapshot()["pid"]
        # So that none of them repairs the directory.
        for frozen in (hpp.pid, *map(hpp.helper_pid, ("supervisord", "watchd", "proxyd"))):
            freeze(frozen)
            self.addCleanup(lambda pid=frozen: is_alive(pid) and os.kill(pid, signal.SIGCONT))
        shutil.rmtree(hpp.run_directory)
        self.assertEqual(self.doctor(hpp.run_directory, "--fix", status=0)["fixed"], [])
        self.assertTrue(is_alive(pid))

    def test_a_port_in_use(self):
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = taken.getsockname()[1]
            self.save("hpp.toml", f'bind = {port}\nbackend = {free_port()}\nexec = "true"\n')
            ((check, what),) = self.problems(self.doctor(self.nowhere(), status=1))
        self.assertEqual(check, "ports")
        self.assertIn(f"BIND localhost:{port} is in use by pid {os.getpid()}", what)
        self.doctor(self.nowhere(), status=0)

    def test_a_wrong_hpp_toml(self):
        self.save("hpp.toml", "bind = true\n")
        program = self.ctl("--run-dir", self.nowhere(), "doctor", status=1)
        self.assertRegex(program.output(), r"(?m)^problem +ports +hpp.toml has the error ")
        self.assertRegex(program.output(), r"(?m)^hpp-launch: error: hpp.toml:1: ")

    def test_an_old_git_lock(self):
        lock = self.project / ".git" / "index.lock"
        lock.parent.mkdir()
        lock.touch()
        self.doctor(self.nowhere(), status=0)
        an_hour_ago = time.time() - 3600
        os.utime(lock, (an_hour_ago, an_hour_ago))
        problem = ("git", f"the lock {lock} is 60 min old")
        self.assertEqual(self.problems(self.doctor(self.nowhere(), status=1)), [problem])
        self.doctor(self.nowhere(), "--fix", status=1)
        self.assertTrue(lock.exists(), "only leftovers of hpp are removed")

    def test_a_run_directory_that_others_can_change(self):
        directory = self.directory / "open"
        directory.mkdir()
        directory.chmod(0o777)
        ((check, what),) = self.problems(self.doctor(directory, status=1))
        self.assertEqual(check, "run directory")
        self.assertIn(str(directory), what)

    def test_a_leftover_run_directory(self):
        left = self.stopped()
        other = self.stopped()
        (finding,) = [finding for finding in self.doctor(left, status=0)["findings"]
                      if finding["check"] == "leftovers"]
        self.assertEqual(finding["level"], "note")
        self.assertIn(str(left), finding["what"])
        self.assertEqual(self.doctor(left, "--fix", status=0)["fixed"], [f"removed {left}"])
        self.assertFalse(left.exists())
        self.assertTrue(other.exists())
        self.assertEqual(self.doctor(left, "--fix", status=0)["fixed"], [])

    def test_a_directory_that_is_not_of_hpp_stays(self):
        directory = self.directory / "mine"
        directory.mkdir(mode=0o700)
        (directory / "file").touch()
        self.assertEqual(self.doctor(directory, "--fix", status=0)["fixed"], [])
        self.assertTrue((directory / "file").exists())

    def start_leftover(self, directory, tag, *command):
        """Starts a process that seems to belong to an earlier hpp."""
        instance = (directory / "instance").read_text()
        process = subprocess.Popen(command, env={
            **os.environ, MARK: self.mark, "HPP_BACKEND": f"{directory.resolve()}/{instance}/{tag}"})
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        environment = pathlib.Path(f"/proc/{process.pid}/environ")
        # execve(2) closes the pipe that Popen waits for before it sets the environment.
        wait_for(lambda: environment.read_bytes(), f"the environment of {command}")
        return process

    def test_a_leftover_process(self):
        directory = self.stopped()
        server = self.start_leftover(directory, "1", "sleep", "1000")
        daemon = self.start_leftover(directory, "build", "sleep", "1000")
        ((check, what),) = self.problems(self.doctor(directory, status=1))
        self.assertEqual(check, "leftovers")
        self.assertIn(f"pid {server.pid} (sleep 1000) is left", what)
        fixed = self.doctor(directory, "--fix", status=0)["fixed"]
        self.assertEqual(fixed, [f"killed pid {server.pid}", f"removed {directory}"])
        self.assertEqual(server.wait(), -signal.SIGKILL)
        self.assertIsNone(daemon.poll(), "a build daemon serves later builds")

    def test_leftover_processes_that_take_long_to_end(self):
        """They have the lowest priority on a processor that another program keeps busy."""
        directory = self.stopped()
        busy = subprocess.Popen([PYTHON, "-c", "while True: pass"])
        self.addCleanup(busy.wait)
        self.addCleanup(busy.kill)
        servers = [self.start_leftover(directory, "1", "sleep", "1000") for _ in range(4)]
        processor = min(os.sched_getaffinity(0))
        for process in (busy, *servers):
            os.sched_setaffinity(process.pid, {processor})
        for server in servers:
            os.sched_setscheduler(server.pid, os.SCHED_IDLE, os.sched_param(0))
        fixed = self.doctor(directory, "--fix", status=0)["fixed"]
        self.assertEqual({f"killed pid {server.pid}" for server in servers} - set(fixed), set())

    def test_a_leftover_process_that_starts_others(self):
        directory = self.stopped()
        server = self.start_leftover(directory, "1", PYTHON, "-c", STARTS_OTHERS)
        self.assertIn(f"killed pid {server.pid}", self.doctor(directory, "--fix", status=0)["fixed"])
        self.doctor(directory, status=0)
