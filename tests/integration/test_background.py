"""hpp-launch --background: starts hpp, and says whether the server is ready."""

import json
import os
import re
import signal
import socket

from harness import (PYTHON, Program, environment_of, free_port, get, is_alive, stat_fields, wait_for,
                     with_watcher)
from terminal import TerminalHpp
from test_ctl import CtlTest

BROKEN = "def (:\n"


class InShell(TerminalHpp):
    """hpp-launch in a shell that waits for the next command."""

    is_verbose = False
    shell = ["sh", "-c", '"$@"; echo "status $?"; read next', "sh"]


class BackgroundTest(CtlTest):
    def setUp(self):
        super().setUp()
        self.bind, self.backend = free_port(), free_port()
        self.url = f"http://localhost:{self.bind}/"
        self.folder = self.run_directory(self.bind)
        self.log = self.folder / "hpp.log"
        self.addCleanup(self.ctl, "stop")

    def start(self, *arguments, status, word="--background", command=(PYTHON, "app.py", "{PORT}")):
        """Runs hpp-launch to its end, with a descriptor 9 that it must not pass on; returns what it
        printed."""
        words = [self.program("launch"), f"localhost:{self.bind}", self.backend, word,
                 *with_watcher(("--livereload-port", 0, *arguments)), "--exec", *command]
        program = self._keep(Program(["sh", "-c", 'exec "$@" 9</dev/zero', "sh", *words],
                                     self.project, self.environment))
        self.assertEqual(program.wait_exit(), status, program.transcript())
        return program.output()

    def start_ready(self, *arguments, first=""):
        self.save_backend(first=first)
        said = self.start(*arguments, status=0)
        return said, int(re.search(r"in the background \(pid (\d+)\)", said)[1])

    def test_returns_when_the_server_is_ready(self):
        said, pid = self.start_ready()
        self.assertEqual(self.spawns, 1)
        self.assertEqual(get(self.url).text, "hello")
        name = f"hpp-ctl --name localhost-{self.bind}"
        for text in (f"ready: {self.url}", f"{name} stop", f"{name} log -f", f"hpp's own lines: {self.log}"):
            self.assertIn(text, said)
        self.assertIn(f"pid {pid}, in {self.project}", self.ctl("status", status=0).output())
        self.save_backend("changed")
        self.ctl("wait", status=0)
        self.assertEqual(get(self.url).text, "changed")
        self.ctl("stop", status=0)
        self.assert_nothing_left()

    def test_keeps_nothing_of_its_starter(self):
        _, pid = self.start_ready()
        stat = stat_fields(f"/proc/{pid}/stat")
        session, terminal = stat[3], stat[4]
        self.assertEqual((int(session), int(terminal)), (pid, 0))
        opened = {int(fd): os.readlink(f"/proc/{pid}/fd/{fd}") for fd in os.listdir(f"/proc/{pid}/fd")}
        self.assertEqual([opened[fd] for fd in (0, 1, 2)], ["/dev/null", str(self.log), str(self.log)])
        self.assertNotIn("/dev/zero", opened.values())
        snapshot = json.loads((self.folder / "supervisord.json").read_text().partition(" ")[2])
        self.assertNotIn("HPP_BACKGROUND", environment_of(snapshot["pid"]))

    def test_says_why_the_server_has_failed_and_goes_on(self):
        self.save("app.py", BROKEN)
        said = self.start(status=1)
        self.assertIn("SyntaxError", said)
        self.assertIn(f"hpp goes on at {self.url}, and starts it again after your next save", said)
        self.save_backend("mended")
        self.assertEqual(get(self.url).text, "mended")

    def test_gives_up_after_the_time(self):
        said = self.start(status=3, word="--background=300", command=("sleep", "1000"))
        self.assertIn("your server was not ready within 300 ms", said)
        self.ctl("status", status=0)

    def test_does_not_start_twice(self):
        _, pid = self.start_ready()
        before = self.log.stat().st_ino
        said = self.start(status=1)
        self.assertIn(f"error: already running: pid {pid}", said)
        self.assertEqual([path.name for path in self.folder.glob("hpp.log*")], ["hpp.log"])
        self.assertEqual(self.log.stat().st_ino, before)
        self.assertEqual(get(self.url).text, "hello")

    def test_says_that_the_port_is_in_use(self):
        self.save_backend()
        with socket.create_server(("127.0.0.1", self.bind)):
            said = self.start(status=1)
        self.assertRegex(said, rf"cannot listen on .*:{self.bind}: the port is in use by ")
        self.assert_nothing_left()

    def test_says_that_the_run_directory_cannot_be_used(self):
        self.save_backend()
        self.folder.parent.mkdir(mode=0o700)
        self.folder.write_text("")
        self.assertIn(f"error: {self.folder} ", self.start(status=1))
        self.assert_nothing_left()

    def test_wrong_words_are_refused(self):
        self.save_backend()
        for said in (self.start(status=2, word="--background=soon"), self.start("--interactive", status=2),
                     self.start("--bogus", status=2)):
            self.assertEqual(len(said.splitlines()), 1, said)
        self.save("hpp.toml", "background = true\n")
        self.assertIn("background", self.start(status=2))
        (self.project / "hpp.toml").unlink()
        self.assert_nothing_left()

    def test_outlives_the_terminal(self):
        hpp = self.start_hpp("--background", "--exec", *self.save_backend(), bind=self.bind,
                             backend=self.backend, kind=InShell)
        hpp.wait_screen("status 0")
        pid = int(re.search(r"in the background \(pid (\d+)\)", hpp.screen.replace("\r\n     ", " "))[1])
        hpp.signal(signal.SIGKILL)  # the kernel hangs the terminal up, because its session has ended
        hpp.wait_exit()
        self.assertEqual(get(self.url).text, "hello")
        self.assertTrue(is_alive(pid))
        os.kill(pid, signal.SIGHUP)
        self.save_backend("changed")
        self.assertEqual(get(self.url).text, "changed")

    def test_its_log_has_only_its_own_lines_and_is_bounded(self):
        self.start_ready(first="import sys; print('OUT'); print('ERR', file=sys.stderr)\n")
        output = self.ctl("log", status=0).output()
        self.assertIn("OUT", output)
        self.assertIn("ERR", output)
        text = self.log.read_text()
        self.assertIn("ready in", text)
        self.assertNotRegex(text, "OUT|ERR")
        os.truncate(self.log, 2 * 1024 * 1024)
        wait_for(lambda: self.log.stat().st_size < 1024, "a short log")
        self.assertIn("this log was too long", self.log.read_text())
