"""The source `poll`: a folder that is shared by bindfs, which does not report changes of the shared
folder, and a watcher that is too slow to be waited for."""

import os
import re
import shutil
import signal
import subprocess
import unittest

from harness import wait_for
from restarts import RestartTest, is_sanitized

SAVES = 50 if is_sanitized() else 200


def why_not_bindfs():
    """Why bindfs cannot be used here; None if it can."""
    if not shutil.which("bindfs"):
        return "bindfs is not installed"
    if not os.access("/dev/fuse", os.R_OK | os.W_OK):
        return "/dev/fuse is missing or not accessible"
    return None


@unittest.skipIf(why_not_bindfs(), why_not_bindfs())
class BindfsTest(RestartTest):
    """`self.shared` is shown at a mount point by bindfs. Tests write to `self.shared`, as another
    machine writes to a file server."""

    def setUp(self):
        super().setUp()
        (self.project / "text").unlink()
        self.shared = self.directory / "shared"
        self.shared.mkdir()

    def mount(self, point):
        """Mounts `self.shared` at the folder until the end of the test."""
        done = subprocess.run(["bindfs", self.shared, point], capture_output=True, text=True)
        if "not permitted" in done.stderr:
            self.skipTest(f"bindfs may not mount here: {done.stderr}")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.addCleanup(subprocess.run, ["umount", "--lazy", point], check=True)
        wait_for(point.is_mount, f"{point} to be mounted")

    def save_behind(self, i):
        """Saves the text in the shared folder, by renaming or in place."""
        if i % 2:
            (self.shared / "new").write_text(str(i))
            (self.shared / "new").rename(self.shared / "text")
        else:
            (self.shared / "text").write_text(str(i))

    def check_saves(self):
        client = self.client()
        stale = []
        for i in range(SAVES):
            self.save_behind(i)
            shown = client.ask(keeps=i % 4 < 2).text
            if shown != str(i):
                stale.append((i, shown))
        self.assertEqual(stale, [], "stale answers (saved, shown)")
        self.assert_one_at_a_time()


class SharedProject(BindfsTest):
    def setUp(self):
        super().setUp()
        self.mount(self.project)
        self.save_behind(0)

    def test_no_answer_is_stale(self):
        self.start()
        self.hpp.wait_line(r"polling: the file system \(fuse(\.bindfs)?\) does not report changes")
        self.check_saves()

    def test_without_a_request_a_save_is_noticed_soon(self):
        self.start("--poll-interval", 50)
        self.save_behind(7)
        self.wait_log("start 7")

    def test_only_saves_count_while_watchd_is_down(self):
        self.start()
        client = self.client()
        client.ask()
        for i in range(1, 4):
            os.kill(self.hpp.helper_pid("watchd"), signal.SIGKILL)
            self.save_behind(i)
            wait_for(lambda: client.ask().text == str(i), f"the save of {i}")
        starts = self.log("start")
        os.kill(self.hpp.helper_pid("watchd"), signal.SIGKILL)
        self.hpp.wait_line("watching .*", len(self.hpp.lines))
        self.assertEqual(client.ask().text, "3")
        self.assertEqual(self.log("start"), starts)


class SharedFolder(BindfsTest):
    """The mount is below the project folder, which Watchman watches."""

    def test_no_answer_is_stale(self):
        folder = self.project / "data"
        folder.mkdir()
        self.mount(folder)
        self.save_behind(0)
        self.start(text="data/text")
        self.hpp.wait_line(r"polling data: the file system")
        self.check_saves()


class SlowScans(BindfsTest):
    """A look at all files takes too long for a request to wait for it."""

    FILES = 20_000

    def setUp(self):
        super().setUp()
        for i in range(self.FILES):
            folder = self.shared / str(i // 1000)
            if i % 1000 == 0:
                folder.mkdir()
            (folder / str(i)).touch()
        self.mount(self.project)
        self.save_behind(0)

    def test_hpp_says_that_it_may_be_behind(self):
        self.start()
        self.hpp.wait_line(r"warning: old code may answer requests for up to \d+ s after a save: "
                           r"a look at \d+ files takes \d+ ms")
        response = self.client().ask()
        self.assertEqual(response.text, "0")
        self.assertRegex(response.header("Server-Timing"), r", lag;dur=\d+000$")
        done = self.run_program("ctl", "wait")
        self.assertEqual(done.process.returncode, 0)
        self.assertRegex(done.output("err"), r"warning: a save of the last \d+ s may not be live yet")
        self.assertRegex(self.run_program("ctl", "status").output("out"),
                         r"watched, up to \d+ s behind")
        self.save_behind(1)
        self.wait_log("start 1")
        told = [text for _, _, text in self.hpp.lines if re.search("old code may answer", text)]
        self.assertEqual(len(told), 1, self.hpp.transcript())


if __name__ == "__main__":
    unittest.main()
