"""Watchman hangs, is restarted, or cannot be run: inotify takes its place until it answers again."""

import os
import signal
import unittest

from harness import freeze, needs_watchman
from restarts import RestartTest

SWITCH = r"warning: .*: using inotify until Watchman can be used"
RETURN = "using Watchman again"
FIRST_USE = "Watchman can be used now: using it"


@needs_watchman
class PatienceTest(RestartTest):
    def check_saves(self, *texts):
        """Saves each text. Checks that no answer is stale, and that each save causes one start."""
        for text in texts:
            before = len(self.log("start"))
            self.save_text(text)
            self.assertEqual(self.client().ask().text, text)
            self.assertEqual(len(self.log("start")), before + 1, self.hpp.transcript())

    def count(self, pattern):
        return sum(pattern in text for _, _, text in self.hpp.lines)


class AHang(PatienceTest):
    def hang(self):
        """Lets Watchman hang. Checks that a save is answered by new code all the same."""
        pid = self.watchman.pid
        freeze(pid)
        self.save_text("hung")
        self.assertEqual(self.client().ask().text, "hung")
        self.hpp.wait_line(SWITCH)
        return pid

    def test_watchman_answers_again(self):
        self.start()
        self.check_saves("before")
        pid = self.hang()
        self.check_saves("1", "2")
        os.kill(pid, signal.SIGCONT)
        before = self.log("start")
        self.hpp.wait_line(RETURN)
        self.assertEqual(self.client().ask().text, "2")
        self.assertEqual(self.log("start"), before, "the server was restarted without a change")
        self.check_saves("3", "4")
        self.assertEqual((self.count("until Watchman"), self.count(RETURN)), (1, 1))

    def test_watchman_is_restarted(self):
        self.start()
        self.hang()
        self.check_saves("1")
        self.watchman.kill()
        before = self.log("start")
        self.hpp.wait_line(RETURN)
        self.assertEqual(self.client().ask().text, "1")
        self.assertEqual(self.log("start"), before, "the server was restarted without a change")
        self.check_saves("2")


class NoWatchman(PatienceTest):
    """`watchman get-sockname` fails, as without a state directory that it can use."""

    def setUp(self):
        super().setUp()
        folder = self.directory / "bin"
        folder.mkdir()
        self.script = folder / "watchman"
        self.script.write_text("#!/bin/sh\necho 'the state directory cannot be used' >&2\nexit 1\n")
        self.script.chmod(0o755)
        self.environment["PATH"] = f"{folder}:{self.environment.get('PATH', os.environ['PATH'])}"

    def test_from_the_start_until_it_can_be_run(self):
        self.start()
        self.hpp.wait_line(SWITCH)
        self.client().ask()
        self.check_saves("1", "2")
        self.assertEqual(len(self.log("start")), 3, "the server was started twice at the beginning")
        self.script.unlink()
        before = self.log("start")
        self.hpp.wait_line(FIRST_USE)
        self.assertEqual(self.client().ask().text, "2")
        self.assertEqual(self.log("start"), before, "the server was restarted without a change")
        self.check_saves("3")


if __name__ == "__main__":
    unittest.main()
