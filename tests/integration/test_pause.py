"""hpp-ctl pause and resume: saves are noted, and nothing restarts."""

import json
import os
import signal

from harness import get, wait_for
from test_ctl import CtlTest


class Pause(CtlTest):
    def setUp(self):
        super().setUp()
        self.hpp = self.start_ready(text="version 0")
        self.assertRegex(self.ctl("pause", status=0).output(), r"^Running: generation 1, pid \d+, paused$")

    def shown(self):
        """What a browser gets: the text, and whether hpp calls it stale."""
        answer = get(self.hpp.url)
        return answer.text, answer.header("X-Hpp-Paused")

    def test_saves_are_noted_and_requests_do_not_wait(self):
        self.assertEqual(self.shown(), ("version 0", "current"))
        for number in (1, 2):
            self.save_backend(f"version {number}")
            self.assertEqual(self.shown(), ("version 0", "stale"))
        self.assertIn("paused, 2 changes noted", self.ctl("status", status=0).output())
        self.hpp.wait_line("Paused: app.py changed. Your server keeps the old code")
        self.assertEqual(self.spawns, 1)

    def test_the_end_restarts_at_once_if_there_were_saves(self):
        self.save_backend("version 1")
        self.assertEqual(self.shown(), ("version 0", "stale"))
        self.ctl("resume", status=0)
        self.assertEqual(self.shown(), ("version 1", None))
        self.assertEqual(self.spawns, 2)

    def test_the_end_restarts_nothing_without_a_save(self):
        self.ctl("resume", status=0)
        self.assertEqual(self.shown(), ("version 0", None))
        self.assertEqual(self.spawns, 1)

    def test_wait_says_why_the_save_is_not_live(self):
        self.ctl("wait", status=0)
        self.save_backend("version 1")
        answer = json.loads(self.ctl("wait", "--json", status=1).output())
        self.assertEqual((answer["live"], answer["reason"]), (False, "paused"))
        self.assertIn("hpp is paused", self.ctl("wait", status=1).output())
        self.assertEqual(self.spawns, 1)

    def test_a_restart_by_hand_takes_the_saves(self):
        self.save_backend("version 1")
        self.assertEqual(self.shown(), ("version 0", "stale"))
        self.ctl("restart", "--wait", status=0)
        self.assertEqual(self.shown(), ("version 1", "current"))

    def test_survives_every_helper(self):
        self.save_backend("version 1")
        self.assertEqual(self.shown(), ("version 0", "stale"))
        for name in ("proxyd", "watchd", "supervisord"):
            pid = self.hpp.helper_pid(name)
            os.kill(pid, signal.SIGKILL)
            wait_for(lambda pid=pid, name=name: self.hpp.helper_pid(name) not in (None, pid),
                     f"another {name}")
            self.assertEqual(self.shown(), ("version 0", "stale"), name)
        self.assertEqual(self.spawns, 1)
        self.hpp.wait_line("took over")  # until then, hpp-ctl finds no supervisord
        self.ctl("resume", status=0)
        self.assertEqual(self.shown(), ("version 1", None))

    def test_a_save_does_not_start_a_crashed_server(self):
        get(self.hpp.url + "crash")
        self.hpp.wait_state("Error")
        self.save_backend("version 1")
        text, paused = self.shown()
        self.assertIn("hpp is paused, so no save starts your server again", text)
        self.assertEqual(paused, "stale")
        self.ctl("resume", status=0)
        self.assertEqual(self.shown(), ("version 1", None))


class Manual(CtlTest):
    def test_only_a_restart_by_hand_shows_a_save(self):
        hpp = self.start_ready("--manual", text="version 0")
        hpp.wait_line("Manual: saves do not restart your server")
        self.save_backend("version 1")
        answer = get(hpp.url)
        self.assertEqual((answer.text, answer.header("X-Hpp-Paused")), ("version 0", "stale"))
        self.ctl("restart", "--wait", status=0)
        self.assertEqual(get(hpp.url).text, "version 1")
        self.save_backend("version 2")
        self.assertEqual(get(hpp.url).text, "version 1")
        self.assertEqual(self.spawns, 2)
        self.ctl("resume", status=0)
        self.assertEqual(get(hpp.url).text, "version 2")
