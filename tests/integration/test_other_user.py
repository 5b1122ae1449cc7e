"""A server that runs as another user than hpp (`--exec sudo -u www-data …`), so that hpp may not end it."""

import json
import os
import pathlib
import shutil
import signal
import tempfile
import unittest

from harness import (MARK, STOP_S, IntegrationTest, Program, get, is_alive, processes_with,
                     wait_for)
from terminal import TerminalHpp

SETPRIV = shutil.which("setpriv")
# The numbers of two users without rights, from Debian's base-passwd.
HPPS_USER, SERVERS_USER = 1, 65534


def become(program, user):
    return [program, f"--reuid={user}", f"--regid={user}", "--clear-groups"]


class UsersTerminal(TerminalHpp):
    """hpp-launch as a user without rights, with what a person sees."""

    is_verbose = False
    shell = become(SETPRIV, HPPS_USER)


@unittest.skipUnless(os.getuid() == 0, "only root can run programs as two other users")
@unittest.skipUnless(SETPRIV, "setpriv is not installed")
class OtherUser(IntegrationTest):
    @classmethod
    def setUpClass(cls):
        """Copies hpp, because users without rights may not search the directories above the build."""
        cls.programs = pathlib.Path(cls.enterClassContext(tempfile.TemporaryDirectory(prefix="hpp")))
        cls.programs.chmod(0o755)
        for name in ("launch", "proxyd", "watchd", "supervisord", "ctl"):
            (cls.programs / name).mkdir()
            shutil.copy(super().program(name), cls.program(name))

    @classmethod
    def program(cls, name):
        return cls.programs / name / f"hpp-{name}"

    def setUp(self):
        super().setUp()
        if os.statvfs(self.directory).f_flag & os.ST_NOSUID:
            self.skipTest(f"{self.directory} is mounted with nosuid")
        # In place of sudo, which may not be installed or not allowed: a program that may become any user.
        self.sudo = self.directory / "become"
        shutil.copy(SETPRIV, self.sudo)
        self.sudo.chmod(0o4755)
        self.directory.chmod(0o755)
        for folder in (self.project, self.directory / "run"):
            os.chown(folder, HPPS_USER, HPPS_USER)
        self.environment["HOME"] = str(self.project)
        self.hpp = self.start()
        self.addCleanup(self.end_servers)

    def start(self):
        command = self.save_backend("version 0")
        # Every user may count the starts.
        (self.directory / "spawns").touch()
        (self.directory / "spawns").chmod(0o666)
        return self.start_ready("--watcher", "inotify", "--exec", *become(self.sudo, SERVERS_USER), *command,
                                kind=UsersTerminal)

    def end_servers(self):
        """Ends hpp, and then the servers that it could not end."""
        self.hpp.process.terminate()
        self.hpp.wait_exit()
        for pid in processes_with(MARK, self.mark):
            os.kill(pid, signal.SIGKILL)
        wait_for(lambda: not processes_with(MARK, self.mark), "the end of the servers")

    def refuse(self):
        """Saves, and waits for hpp's error. Returns the process that hpp may not end, and the snapshot."""
        server = self.hpp.snapshot()["pid"]
        self.assertEqual(pathlib.Path(f"/proc/{server}").stat().st_uid, SERVERS_USER)
        self.save_backend("version 1")
        snapshot = self.hpp.wait_state("Error")
        self.assertTrue(is_alive(server))
        return server, snapshot

    def ctl(self, *arguments):
        ctl = self._keep(Program([*become(SETPRIV, HPPS_USER), self.program("ctl"), *arguments], self.project,
                                 self.environment))
        return ctl.wait_exit(), ctl.output("out")

    def test_the_error_says_what_to_do(self):
        server, snapshot = self.refuse()
        self.assertEqual(snapshot["failure"], "cannot_kill")
        problem = snapshot["problem"]
        self.assertRegex(problem, rf"^pid {server} \(.*app\.py .*\) cannot be ended, because it belongs to another "
                         rf"user\. End it with sudo kill -9 {server}, or run hpp as that user; hpp then "
                         "continues by itself$")
        flat = problem.replace(" ", r"\s+").replace("(", r"\(").replace(")", r"\)")
        self.hpp.wait_screen(rf"hpp  cannot\s+restart:\s+{flat}\r\n")
        page = get(self.hpp.url, Accept="text/html")
        self.assertEqual(page.status, 503)
        self.assertIn(f"sudo kill -9 {server}", page.text)
        self.assertIn(problem, get(self.hpp.url).text)
        answer = get(self.hpp.url, Accept="application/json")
        self.assertIn(problem, json.loads(answer.text)["message"], answer.text)
        status, text = self.ctl("wait", "--json")
        told = json.loads(text)
        self.assertEqual((status, told["reason"]), (1, "cannot_kill"))

    def test_its_end_lets_hpp_continue(self):
        server, _ = self.refuse()
        os.kill(server, signal.SIGKILL)
        self.hpp.wait_state("Running", 2)
        self.assertEqual(get(self.hpp.url).text, "version 1")
        self.hpp.wait_screen("(?s)continues.*ready in")

    def test_a_save_tries_again(self):
        server, first = self.refuse()
        self.save_backend("version 2")
        wait_for(lambda: self.hpp.snapshot()["ended_at_ms"] != first["ended_at_ms"] and self.hpp.state == "Error",
                 lambda: f"another refusal: {self.hpp.snapshot()}")
        os.kill(server, signal.SIGKILL)
        self.hpp.wait_state("Running", 2)
        self.assertEqual(get(self.hpp.url).text, "version 2")

    def test_a_stop_does_not_wait_for_it(self):
        server = self.hpp.snapshot()["pid"]
        self.hpp.type("\x03")
        self.assertEqual(self.hpp.wait_exit(STOP_S), 130)
        self.assertTrue(is_alive(server))
        self.assertRegex(self.hpp.screen, rf"belongs\s+to\s+another\s+user\.\s+End\s+it\s+with\s+sudo\s+kill\s+-9\s+{server}\r\n")


if __name__ == "__main__":
    unittest.main()
