"""The source `inotify`: when hpp takes it, what happens at the limits of the system, and that the server
is restarted once for each save, and never without one, while hpp-watchd is killed."""

import contextlib
import os
import pathlib
import shutil
import signal
import subprocess
import unittest

from harness import LONG_BARRIER_MS, Background, freeze, wait_for
from restarts import Load, is_sanitized
from test_crashes import KILLS_MAX, CrashTest
from test_watchd import WatchdTest

SAVES = 5 if is_sanitized() else 25  # for each time that hpp-watchd is killed


class Choice(WatchdTest):
    def test_without_watchman_hpp_uses_inotify(self):
        self.environment["PATH"] = "/nowhere"
        self.start_watchd()
        self.watchd.wait_line("using inotify, because Watchman is not installed")
        self.assert_counts(lambda: self.write("a/b/c.py"), "a/b/c.py")

    def test_watchmanconfig_holds(self):
        self.save(".watchmanconfig", '{"ignore_dirs": ["ignored"]}')
        (self.project / "ignored").mkdir()
        self.start_watchd("--watcher", "inotify")
        self.watchd.wait_line("using inotify, as --watcher says")
        self.assert_does_not_count(lambda: self.write("ignored/a.py"))


def why_no_limits():
    """Why the limits of inotify cannot be set for a test; None if they can."""
    done = subprocess.run(["unshare", "--user", "--map-root-user", "test", "-w",
                           "/proc/sys/user/max_inotify_watches"], capture_output=True)
    return "no user namespace can be made" if done.returncode else None


@unittest.skipIf(why_no_limits(), why_no_limits())
class Limits(WatchdTest):
    def start_limited(self, limit, value):
        """Starts hpp-watchd in a user namespace with a limit of its own."""
        wrapper = self.directory / "limited"
        wrapper.write_text("#!/bin/sh\nexec unshare --user --map-root-user sh -c '"
                           f"echo {value} >/proc/sys/user/{limit} && exec \"$@\"' sh "
                           f"{self.program('watchd')} \"$@\"\n")
        wrapper.chmod(0o755)
        self.program = lambda _: wrapper
        for i in range(10):
            self.write(f"{i}/a.py")
        self.start_watchd("--watcher", "inotify")

    def check_polls(self, limit, after=0):
        """Skips the first `after` lines. A save before watchd watches again has no name of its own."""
        self.watchd.wait_line(f"warning: not watching: .*raise the limit with .*fs.inotify.{limit}=", after)
        self.watchd.wait_line("polling, because inotify cannot watch all folders", after)
        self.watchd.wait_line("hpp-watchd: watching /", after)
        self.assert_counts(lambda: self.write("9/a.py", "2"), "9/a.py")

    def test_too_few_watches_at_the_start(self):
        self.start_limited("max_inotify_watches", 5)
        self.check_polls("max_user_watches")

    def test_too_few_watches_later(self):
        self.start_limited("max_inotify_watches", 30)
        self.assert_counts(lambda: self.write("9/a.py", "1"), "9/a.py")
        before = len(self.watchd.lines)
        for i in range(30):
            self.write(f"new/{i}/a.py")
        self.check_polls("max_user_watches", before)

    def test_too_few_queues(self):
        self.start_limited("max_inotify_instances", 0)
        self.check_polls("max_user_instances")


class Overflow(CrashTest):
    def test_no_save_is_lost_if_the_queue_overflows(self):
        """The kernel drops the events of the last save, because the queue is full."""
        self.start("--watcher", "inotify", "--barrier-timeout", str(LONG_BARRIER_MS))
        one, other = self.save("one", ""), self.save("other", "")
        self.assert_fresh("first")
        watchd = self.hpp.helper_pid("watchd")
        freeze(watchd)
        limit = int(pathlib.Path("/proc/sys/fs/inotify/max_queued_events").read_text())
        for _ in range(limit // 2 + 10):  # equal events in a row would be one
            os.utime(one)
            os.utime(other)
        self.save_text("second")
        answer = Background(self.ask)
        os.kill(watchd, signal.SIGCONT)
        self.assertEqual(answer.result().text, "second")
        self.hpp.wait_line("the kernel has dropped file events .*: that counts as a change")
        starts = len(self.log("start"))
        self.assert_heals("third")
        self.assertEqual(len(self.log("start")), starts + 1, "restarts")


class Kills(CrashTest):
    """hpp-watchd is killed at any moment; hpp-launch keeps the queue for the next one."""

    def kill_and_wait(self):
        sequence = self.hpp.snapshot("watchd")["sequence"]
        self.kill("watchd")

        def is_back():
            tree = self.hpp.snapshot("watchd")
            return tree["watching"] and tree["sequence"] > sequence

        wait_for(is_back, "the next hpp-watchd")
        return self.hpp.snapshot("watchd")

    def test_no_save_is_lost(self):
        self.start("--watcher", "inotify")
        self.saved = 0

        def check(response, saved):
            self.assertEqual(response.status, 200)
            self.assertGreaterEqual(int(response.text), saved)

        self.save_text("0")
        with Load(self.hpp.bind, count=4, before=lambda: self.saved, check=check) as load:
            for i in range(1, SAVES * KILLS_MAX + 1):
                self.save_text(str(i))
                self.saved = i
                if i % SAVES == SAVES // 2:
                    self.kill("watchd")
                else:
                    load.wait_answers(1)
        self.assert_fresh(str(self.saved))

    def test_a_save_in_a_folder_that_is_made_meanwhile_is_named(self):
        self.start("--watcher", "inotify")
        freeze(self.hpp.pid)
        self.kill("watchd")
        self.save("new/folder/file", "x")
        os.kill(self.hpp.pid, signal.SIGCONT)
        wait_for(lambda: self.hpp.snapshot("watchd")["changed"] == ["new/folder/file"], "the change")

    def test_the_queue_of_a_part_that_is_gone_is_forgotten(self):
        (self.directory / "shared").mkdir()
        link = self.project / "link"
        link.symlink_to(self.directory / "shared")
        self.start("--watcher", "inotify")

        def wait_kept(count):
            def kept():
                links = []
                for fd in pathlib.Path(f"/proc/{self.hpp.pid}/fd").iterdir():
                    with contextlib.suppress(FileNotFoundError):  # it was closed meanwhile
                        links.append(os.readlink(fd))
                return links.count("anon_inode:inotify") == count

            wait_for(kept, f"{count} queues in the store of hpp-launch")

        wait_kept(2)
        freeze(self.hpp.pid)
        self.kill("watchd")
        link.unlink()
        os.kill(self.hpp.pid, signal.SIGCONT)
        self.wait_restarted()
        wait_kept(1)

    def test_revision_stays_if_watchd_is_killed_without_a_save(self):
        shutil.copytree("/usr/include/linux", self.project / "tree")
        self.start("--watcher", "inotify")
        self.save_text("saved")
        self.assert_fresh("saved")
        before = self.hpp.snapshot("watchd")["revision"]
        for _ in range(KILLS_MAX):
            self.assertEqual(self.kill_and_wait()["revision"], before)
        self.assert_fresh("saved")
        self.assertEqual(self.log("start"), ["start first", "start saved"])


if __name__ == "__main__":
    unittest.main()
