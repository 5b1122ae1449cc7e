"""The units in a real `systemd --user`. The promises are the same as under hpp-launch."""

import json
import os
import pathlib
import re
import subprocess
import tempfile
import unittest

from harness import (BUILD_DIR, LONG_BARRIER_MS, PYTHON, Hpp, Program, command_of, environment_of, free_port,
                     freeze, get, is_alive, is_program, wait_for)
from restarts import BACKEND, is_sanitized
from test_crashes import ESCAPING, HELPERS, SERVE, CrashTest
from test_warm import SERVER
from user_manager import UserManager

SOURCE = pathlib.Path(__file__).resolve().parents[2]
NAME = "shop"
TARGET = f"hpp@{NAME}.target"


def unit(helper):
    return f"hpp-{helper}@{NAME}.service"


def install_units(folder):
    """Installs the units of meson's installation, but with the programs of the build tree."""
    (folder / "hpp@.target").write_bytes((SOURCE / "systemd" / "hpp@.target").read_bytes())
    for helper in HELPERS:
        text = (BUILD_DIR / "systemd" / f"hpp-{helper}@.service").read_text()
        program = BUILD_DIR / helper / f"hpp-{helper}"
        text, count = re.subn(r'(?m)^ExecStart="[^"]+"', f'ExecStart="{program}"', text)
        if is_sanitized():  # a sanitizer needs system calls that the units forbid
            text = re.sub(r"(?m)^(SystemCall|MemoryDeny|NoNew|RestrictA|RestrictN|Lock)\w+=.*$", "", text)
        assert count == 1, text
        (folder / f"hpp-{helper}@.service").write_text(text)


class Kept(Hpp):
    """The hpp that runs as hpp@shop.target."""

    def __init__(self, manager, run_directory, bind, backend):  # pylint: disable=super-init-not-called
        self.manager = manager
        self.run_directory = run_directory
        self.bind, self.backend = bind, backend
        self.url = f"http://localhost:{bind}/"

    def transcript(self):
        return "\n".join([*self.manager.messages, self.manager.log])

    def helper_pid(self, name):
        def found():
            pid = int(self.manager.show(unit(name), "MainPID"))
            return is_program(command_of(pid), f"hpp-{name}") and pid

        return wait_for(found, lambda: f"hpp-{name}:\n{self.transcript()}")


class SystemdTest(CrashTest):
    def setUp(self):
        super().setUp()
        self.manager = UserManager(self.directory, self.environment)
        self.addCleanup(self.manager.forget)
        self.addCleanup(self.stop_manager)
        self.manager.start()
        self.environment = self.manager.environment
        install_units(self.manager.units)
        self.manager.systemctl("daemon-reload")
        (self.manager.config / "hpp").mkdir()
        (self.manager.config / "hpp" / NAME).symlink_to(self.project)
        self.bind, self.backend = free_port(), free_port()
        self.hpp = Kept(self.manager, self.directory / "run" / "hpp" / NAME, self.bind, self.backend)

    def stop_manager(self):
        self.manager.stop()
        said = self.manager.messages
        self.assertFalse([text for text in said if "Sanitizer" in text], said)

    def save_config(self, *lines, command=None, pattern="text"):
        command = command or [BACKEND, self.backend, "--text", "text", "--log", self.log_file,
                              "--lock", self.directory / "lock"]
        self.save("hpp.toml", "\n".join([
            f'bind = "localhost:{self.bind}"', f"backend = {self.backend}", "livereload-port = 0",
            f"barrier-timeout = {LONG_BARRIER_MS}", f"pattern = ['{pattern}']", f"exec = {[str(word) for word in command]}", *lines]))

    def start(self, *lines, **options):
        self.save_config(*lines, **options)
        self.manager.systemctl("start", TARGET)
        self.hpp.wait_ready()
        return self.hpp

    def stop(self):
        """Stops the target, and waits for its services, because systemctl waits only for the target."""
        self.manager.systemctl("stop", TARGET)
        wait_for(lambda: not self.left(), lambda: f"the end of {self.left()}")

    def left(self):
        return {pid: command for pid, command in super().left().items()
                if pid not in self.manager.pids}

    def ctl(self, *arguments, cwd=None):
        command = self.manager.beside(cwd or self.project, self.program("ctl"), *arguments)
        program = self._keep(Program(command, "/", os.environ))
        program.wait_exit()
        return program


class Life(SystemdTest):
    def test_from_start_to_stop(self):
        self.start()
        self.assertEqual(self.ask().text, "first")
        self.assert_heals("second")
        self.manager.systemctl("reload", TARGET)
        wait_for(lambda: len(self.log("start")) == 3, "the restart that was asked for")
        self.assert_fresh("second")
        self.stop()
        for helper in HELPERS:
            self.assertEqual(self.manager.show(unit(helper), "Result"), "success")
        self.save_text("third")
        self.start()
        self.assert_fresh("third")
        self.assertEqual(len(self.log("start")), 4, "one start: earlier saves must not count as a change")

    def test_a_failed_start_works_after_a_restart(self):
        self.save_text("broken")
        self.save_config()
        self.manager.systemctl("start", TARGET)
        self.hpp.wait_state("Error")
        self.manager.systemctl("restart", TARGET)
        self.hpp.wait_state("Error", generation=2)

    def test_a_permanent_failure_is_not_tried_again(self):
        self.save_config("patern = 'x'")
        self.manager.systemctl("start", TARGET)
        for helper in HELPERS:
            wait_for(lambda: self.manager.show(unit(helper), "ActiveState") == "failed",
                     lambda: f"the end of {helper}: {self.hpp.transcript()}")
            self.assertEqual(self.manager.show(unit(helper), "NRestarts"), "0")

        def said():
            return [entry for entry in self.manager.journal("hpp") if "patern" in entry["MESSAGE"]]

        wait_for(lambda: len(said()) >= len(HELPERS), self.hpp.transcript)
        self.assertEqual(len(said()), len(HELPERS))
        self.assert_nothing_left()

    def test_a_temporary_failure_is_tried_again_after_a_pause(self):
        self.hpp.run_directory.parent.mkdir(mode=0o700, exist_ok=True)
        self.hpp.run_directory.write_text("")
        self.save_config()
        self.manager.systemctl("start", "--no-block", TARGET)

        def times(helper):
            return [int(entry["__REALTIME_TIMESTAMP"]) for entry in self.manager.journal("hpp")
                    if re.match(f"hpp-{helper}: .* in the way ", entry["MESSAGE"])]

        for helper in HELPERS:
            wait_for(lambda: len(times(helper)) >= 2, self.hpp.transcript)
            first, second = times(helper)[:2]
            self.assertGreater(second - first, 2_000_000, "microseconds")
        self.hpp.run_directory.unlink()
        self.hpp.wait_ready()

    def test_without_a_project_nothing_starts(self):
        (self.manager.config / "hpp" / NAME).unlink()
        done = self.manager.run("systemctl", "--user", "start", TARGET)
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("Assertion failed", done.stderr)


class Crashes(SystemdTest):
    def test_kill(self):
        """Kills each helper, with a save in the outage and without one."""
        self.start()
        for number, name in enumerate(HELPERS):
            with self.subTest(helper=name):
                backend = self.hpp.snapshot()["pid"]
                self.kill(name)
                self.ask()
                self.wait_restarted()
                self.ask()
                self.assertEqual(self.hpp.snapshot()["pid"], backend)
                self.assertTrue(is_alive(backend))
                self.kill(name)
                self.save_text(f"save {number}")
                self.assert_fresh(f"save {number}")
                self.wait_restarted()
        self.assert_heals("last")
        self.assertEqual(len(self.log("start")), 2 + len(HELPERS))
        self.stop()

    def test_systemd_keeps_the_queue_of_inotify(self):
        """A save while watchd is dead is not lost. Without a save, the server is not restarted."""
        self.start('watcher = "inotify"')
        for number in range(2):  # systemd gives up a service that is started more often in a short time
            starts = len(self.log("start"))
            self.kill("watchd")
            self.wait_restarted()
            self.hpp.wait_watching()
            self.assertEqual(self.ask().status, 200)
            self.assertEqual(len(self.log("start")), starts, self.hpp.transcript())
            self.kill("watchd")
            self.save_text(f"save {number}")
            self.assert_fresh(f"save {number}")
            self.wait_restarted()
            self.assertEqual(len(self.log("start")), starts + 1, self.hpp.transcript())
        self.stop()

    def test_a_supervisor_is_never_given_up(self):
        self.start()
        for _ in range(7):
            self.kill("supervisord")
            self.wait_restarted()
        self.assertEqual(self.ask().text, "first")
        self.assertEqual(len(self.log("start")), 1)

    def test_stopped_helpers_are_restarted(self):
        self.start()
        self.killed = {name: self.hpp.helper_pid(name) for name in HELPERS}
        for pid in self.killed.values():
            freeze(pid)
        self.save_text("second")
        self.wait_restarted()
        self.assert_fresh("second")
        for helper in HELPERS:
            self.assertEqual(self.manager.show(unit(helper), "NRestarts"), "1")

    def test_escaped_processes_of_a_taken_over_backend_are_killed(self):
        self.save("tree.py", ESCAPING.replace("FOLDER", str(self.directory)))
        self.start(command=[PYTHON, "tree.py", self.backend])
        escaped = self.escaped("before")
        self.kill("supervisord")
        self.wait_restarted()
        wait_for(lambda: self.manager.show(unit("supervisord"), "ActiveState") == "active", "its READY=1")
        self.assertTrue(is_alive(escaped))
        self.manager.systemctl("reload", TARGET)  # by a process in the same control group
        self.hpp.wait_state("Running", 2)
        self.assertFalse(is_alive(escaped))
        self.stop()

    def test_a_backend_that_cannot_be_taken_over_ends(self):
        """A supervisor crashes, and the next one cannot read the file."""
        self.start()
        backend = self.hpp.snapshot()["pid"]
        self.save("hpp.toml", "patern = 'x'")
        self.kill("supervisord")
        wait_for(lambda: not is_alive(backend), "the backend's end")
        wait_for(lambda: self.manager.show(unit("supervisord"), "ActiveState") == "failed",
                 self.hpp.transcript)


    def test_a_build_that_cannot_be_taken_over_ends(self):
        """Processes with the tag of another instance are not killed."""
        pid_file = self.directory / "build.pid"
        self.save_config(f"build = 'echo $$ >{pid_file}; exec sleep 1000'")
        self.manager.systemctl("start", TARGET)
        build = int(wait_for(lambda: pid_file.exists() and pid_file.read_text(), "the build"))
        other = subprocess.Popen(["sleep", "1000"], env={
            **os.environ, "HPP_BACKEND": f"{self.hpp.run_directory.resolve()}2/1"})
        self.addCleanup(other.wait)
        self.addCleanup(other.kill)
        self.save("hpp.toml", "patern = 'x'")
        self.kill("supervisord")
        wait_for(lambda: not is_alive(build), "the build's end")
        wait_for(lambda: self.manager.show(unit("supervisord"), "ActiveState") == "failed",
                 self.hpp.transcript)
        self.assertIsNone(other.poll())


class Warm(SystemdTest):
    """The next process of the server waits in the control group of supervisord's service."""

    def spares(self):
        return {pid for pid in self.left() if "/spare-" in environment_of(pid).get("HPP_BACKEND", "")}

    def wait_spare(self, count, backend):
        """Waits until `count` spares have been ready so far; returns the one that waits now."""
        wait_for(lambda: len(re.findall(r"spare \d+ is ready", self.hpp.transcript())) == count,
                 self.hpp.transcript)
        spare, = self.spares() - {backend}
        return spare

    def test_warm(self):
        self.save_app("first")
        server = self.directory / "server.py"
        server.write_text(SERVER.format(support=str(SOURCE / "tests" / "support"), packages=str(self.directory),
                                        log=str(self.directory / "log"), first="", second=""))
        (self.directory / "slow.py").write_text("VERSION = '1'\n")
        self.start("warm = true", "debug = true", pattern="app.py",
                   command=[PYTHON, "-EB", server, self.backend])
        for number in range(2):  # before and after a crash of supervisord
            spare = self.wait_spare(2 * number + 1, self.hpp.snapshot()["pid"])
            self.save_app(f"save {number}")
            self.assertEqual(get(self.hpp.url).text.rsplit(" ", 2)[0], f"save {number}")
            self.assertEqual(self.hpp.snapshot()["pid"], spare)
            spare = self.wait_spare(2 * number + 2, spare)
            self.kill("supervisord")
            self.wait_restarted()
            wait_for(lambda: not is_alive(spare), "the end of the spare")
        self.stop()

    def save_app(self, text):
        self.save("app.py", f"TEXT = {text!r}\n")


class Journal(SystemdTest):
    def test_the_backends_lines_have_their_own_identifier(self):
        self.save("loud.py", LOUD)
        self.start(command=[PYTHON, "loud.py", self.backend])
        wait_for(lambda: len(self.lines("hpp-backend")) >= 4, self.hpp.transcript)
        self.kill("supervisord")
        self.wait_restarted()
        get(self.hpp.url + "again")
        wait_for(lambda: len(self.lines("hpp-backend")) >= 5, self.hpp.transcript)
        self.assertEqual(sorted(self.lines("hpp-backend")),
                         sorted(["out 1", "<3>out 2", "  err 1", "hpp-supervisord: err 2", "again"]))
        own = self.manager.journal("hpp")
        self.assertTrue(all(re.match(r"hpp-\w+: ", entry["MESSAGE"]) for entry in own), own)
        self.assertEqual({entry["PRIORITY"] for entry in own}, {"6"})

    def lines(self, identifier):
        return [entry["MESSAGE"] for entry in self.manager.journal(identifier)]


class Ctl(SystemdTest):
    def test_every_command(self):
        self.start()
        status = self.ctl("status")
        self.assertRegex(status.output(), rf"instance +{NAME}, managed by systemd, in {self.project}")
        known = json.loads(self.ctl("status", "--json").output())
        self.assertEqual(known["instance"]["keeper"], "systemd")
        self.save_text("second")
        self.assertEqual(self.ctl("wait").process.returncode, 0)
        self.assertEqual(self.log("start")[-1], "start second")
        self.assertEqual(self.ctl("--name", NAME, "restart", cwd="/").process.returncode, 0)
        wait_for(lambda: len(self.log("start")) == 3, "the restart")
        stopped = self.ctl("stop")
        self.assertEqual((stopped.output(), stopped.process.returncode), ("", 0))
        self.assert_nothing_left()
        self.assertEqual(self.manager.show(TARGET, "ActiveState"), "inactive")
        self.assertRegex(self.ctl("status").output(), "no hpp is running")


class Files(unittest.TestCase):
    """The unit files. Needs no manager."""

    def test_systemd_analyze_reports_no_problem(self):
        if not pathlib.Path("/usr/bin/systemd-analyze").exists():
            self.skipTest("systemd is not installed")
        with tempfile.TemporaryDirectory() as name:
            folder = pathlib.Path(name)
            install_units(folder)
            done = subprocess.run(
                ["systemd-analyze", "--user", "--man=no", "verify",
                 *[str(folder / f"hpp-{helper}@x.service") for helper in HELPERS],
                 str(folder / "hpp@x.target")],
                env={**os.environ, "SYSTEMD_UNIT_PATH": f"{folder}:/usr/lib/systemd/user",
                     "XDG_RUNTIME_DIR": name},
                check=False, capture_output=True, text=True)
        self.assertEqual((done.returncode, done.stdout, done.stderr), (0, "", ""))

    def test_meson_installs_all_files(self):
        plan = json.loads((BUILD_DIR / "meson-info" / "intro-installed.json").read_text())
        paths = "\n".join(plan.values())
        for end in ("bin/hpp-launch", "bin/hpp-ctl", "libexec/hpp/hpp-proxyd",
                    "libexec/hpp/hpp-watchd", "libexec/hpp/hpp-supervisord",
                    "lib/systemd/user/hpp@.target",
                    *[f"lib/systemd/user/hpp-{helper}@.service" for helper in HELPERS],
                    "share/bash-completion/completions/hpp-launch"):
            self.assertRegex(paths, rf"(?m)/{re.escape(end)}$")


LOUD = SERVE.replace("    def log_message", '''\
    def do_GET(self):
        print(self.path[1:], flush=True)
        self.do_HEAD()

    def log_message''') + '''\
print("out 1\\n<3>out 2", flush=True)
print("  err 1\\nhpp-supervisord: err 2", file=sys.stderr, flush=True)
server.serve_forever()
'''
