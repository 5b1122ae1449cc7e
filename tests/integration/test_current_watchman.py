"""Current releases of Watchman (fake_watchman.py): what hpp reads of their messages, and what hpp does if such
a Watchman hangs, is upgraded, or cannot use its state directory."""

import unittest

from fake_watchman import FakeWatchman
from test_patience import FIRST_USE, RETURN, SWITCH, PatienceTest


class CurrentWatchmanTest(PatienceTest):
    def setUp(self):
        super().setUp()
        folder = self.directory / "current"
        folder.mkdir()
        self.fake = FakeWatchman(folder)
        self.environment.update(self.fake.environment)

    def begin(self):
        """Starts the fake Watchman."""
        self.enterContext(self.fake)

    def check_return(self, text, said=RETURN):
        """Waits until Watchman is used, and hpp says so. Checks that this does not restart the server, and
        that Watchman then answers a request that comes after a save."""
        before = self.log("start")
        self.hpp.wait_line(said)
        self.assertEqual(self.client().ask().text, text)
        self.assertEqual(self.log("start"), before, "the server was restarted without a change")
        del self.fake.questions[:]
        self.check_saves("after")
        self.assertIn("flush-subscriptions", self.fake.questions)

    def check_standby(self):
        """Checks that inotify takes the place of Watchman, and that hpp then sees each save."""
        self.hpp.wait_line(SWITCH)
        self.client().ask()
        self.check_saves("1", "2")


class Messages(CurrentWatchmanTest):
    def test_saves_and_messages_without_meaning_for_hpp(self):
        self.begin()
        self.start()
        self.check_saves("1", "2")
        self.fake.say_of_subscriptions({
            "clock": "c:1:2:3:4", "state-enter": "hg.update", "metadata": {"rev": "x", "distance": 3}})
        self.fake.say_of_subscriptions({
            "clock": "c:1:2:3:5", "state-leave": "hg.update", "abandoned": True})
        self.fake.warning = ("Recrawled this watch 1 times, most recently because:\nqueue overflow\n"
                             "To clear this warning, run:\n`watchman watch-del '/x'`\n")
        self.check_saves("3", "4")
        self.hpp.wait_line("warning: Watchman warns: Recrawled this watch 1 times, .*`watchman watch-del")
        self.assertEqual(self.count("Watchman warns"), 1)
        self.assertEqual(self.count("something unexpected"), 0)

    def test_the_watch_is_canceled(self):
        """The next watch is a new one, so Watchman does not know hpp's clock."""
        self.begin()
        self.start()
        self.check_saves("1")
        self.fake.cancel(str(self.project.resolve()))
        self.hpp.wait_line("watching .* again")
        self.client().ask()
        self.check_saves("2")


class Hangs(CurrentWatchmanTest):
    def test_when_hpp_connects(self):
        self.fake.hang("accept")
        self.begin()
        self.start()
        self.check_standby()
        self.fake.hang(None)
        self.check_return("2", FIRST_USE)

    def test_when_hpp_connects_and_the_queue_is_full(self):
        """A connection is then refused at once."""
        self.fake.hang("accept")
        self.fake.start(backlog=0)
        fillers = self.fake.fill_queue()
        self.start()
        self.check_standby()
        for filler in fillers:
            filler.close()
        self.fake.hang(None)
        self.begin()
        self.check_return("2", FIRST_USE)

    def test_at_a_query(self):
        self.fake.hang("query")
        self.begin()
        self.start()
        self.check_standby()
        self.fake.hang(None)
        self.check_return("2", FIRST_USE)

    def test_at_a_flush(self):
        self.begin()
        self.start()
        self.check_saves("before")
        self.fake.hang("flush-subscriptions")
        self.save_text("hung")
        self.assertEqual(self.client().ask().text, "hung")
        self.check_standby()
        self.fake.hang(None)
        self.check_return("2")


class Fails(CurrentWatchmanTest):
    def test_an_upgrade(self):
        """Watchman's connections and socket vanish, and cannot be replaced for a while. The next Watchman has
        another socket, and does not know the clocks of the first."""
        self.begin()
        self.start()
        self.check_saves("before")
        self.fake.let_command("echo 'watchman: not found' >&2; exit 127")
        self.fake.stop()
        self.save_text("0")
        self.check_standby()
        self.fake.version = "20260821.000000.0"
        self.fake.start()
        self.check_return("2")

    def test_the_state_directory_cannot_be_used(self):
        self.begin()
        works = self.fake.command.read_text()
        self.fake.let_command(
            "echo \"2026-11-26T05:00:47,281: [watchman] the permissions on /x/root-state allow others to "
            "write to it. Verify that you own the contents and then fix its permissions by running \\`chmod "
            "0700 '/x/root-state'\\`\" >&2; exit 1")
        self.start()
        self.check_standby()
        self.hpp.wait_line("the permissions on /x/root-state allow others to write to it.*chmod 0700")
        self.fake.let_command(works.partition("\n")[2])
        self.check_return("2", FIRST_USE)


if __name__ == "__main__":
    unittest.main()
