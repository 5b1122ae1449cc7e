"""A request that is sent after the end of a save is never answered by a backend that was started before
it. That holds for every kind of request, and if others save at the same time. Also: what hpp does if it
cannot know whether all saves were reported."""

import collections
import contextlib
import os
import random
import shutil
import signal
import subprocess
import threading
import time
import unittest

from harness import LONG_BARRIER_MS, Program, freeze, only_with, wait_for
from restarts import UPGRADE, Load, RestartTest, is_sanitized

# A pair is a save and a request.
PAIRS = int(os.environ.get("HPP_TEST_PAIRS", 200 if is_sanitized() else 1_000))
PAIRS_WITH_KILLS = int(os.environ.get("HPP_TEST_PAIRS_WITH_KILLS", 60))

# hpp-launch gives up a helper that crashes more often than this in 10 s.
KILLS_MAX = 4
KILLS_WINDOW_S = 10.5


class Pairs(RestartTest):
    """Saves, asks, and checks the answer. Half of the saves are renames, half are in place. A backend
    knows the text only if it was started after the save had begun."""

    def save_one_way_or_the_other(self, i):
        (self.save_text if i % 2 else self.write_text)(str(i))

    def check(self, count, ask):
        """`ask(i)` sends a request after the save of `i`, and returns the text of the backend that
        answered."""
        stale = []
        for i in range(count):
            self.save_one_way_or_the_other(i)
            shown = ask(i)
            if shown != str(i):
                stale.append((i, shown))
        self.assertEqual(stale[:10], [], f"{len(stale)} stale ones of {count} (saved, shown)")
        self.assert_one_at_a_time()

    def test_get_on_kept_and_on_new_connections(self):
        self.start()
        client = self.client()

        def ask(i):
            answer = client.ask(keeps=i % 4 < 2)
            self.assertEqual(answer.status, 200)
            return answer.text

        self.check(PAIRS, ask)

    def test_get_while_watchd_is_killed(self):
        """watchd is killed while the request waits for it, as often as hpp-launch allows."""
        self.start("--barrier-timeout", str(LONG_BARRIER_MS))
        client = self.client()
        kills = collections.deque(maxlen=KILLS_MAX)  # when the latest ones were planned

        def kill():
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.hpp.helper_pid("watchd"), signal.SIGKILL)

        def ask(_):
            may_kill = len(kills) < KILLS_MAX or time.monotonic() - kills[0] > KILLS_WINDOW_S
            killer = threading.Timer(random.uniform(0, 0.01), kill)
            if may_kill:
                kills.append(time.monotonic())
                killer.start()
            answer = client.ask()
            if may_kill:
                killer.join()
            return answer.text

        self.check(PAIRS_WITH_KILLS, ask)

    def test_head(self):
        self.start()
        client = self.client()
        self.check(PAIRS // 5, lambda i: client.ask("HEAD", "/page").header("X-Text"))

    def test_post_is_executed_once_and_by_new_code(self):
        """Each uses a new connection, because a POST cannot be repeated if a kept connection is
        closed."""
        self.start()
        client = self.client()
        count = PAIRS // 5

        def ask(i):
            return client.ask("POST", f"/{i}", [("Content-Length", 4)], b"body", keeps=False).text

        self.check(count, ask)
        self.assertEqual(self.log("POST"), [f"POST /{i} {i}" for i in range(count)])

    def test_websocket_handshake(self):
        self.start()

        def ask(_):
            with self.connection() as connection:
                connection.ask(headers=UPGRADE)
                status, headers = connection.read_head()
                self.assertEqual(status, 101)
                return dict(headers)["x-text"]

        self.check(PAIRS // 5, ask)


class Broken(RestartTest):
    """An error must be as fresh as an answer of the backend."""

    def test_the_error_page_is_never_stale(self):
        self.start()
        client = self.client()
        for i in range(PAIRS // 20):
            self.save_text("broken")
            answer = client.ask()
            self.assertEqual(answer.status, 503, i)
            self.assertIn("the text is broken", answer.text)
            self.save_text(str(i))
            answer = client.ask()
            self.assertEqual((answer.status, answer.text), (200, str(i)))
        self.assert_one_at_a_time()


class OtherSaves(RestartTest):
    """Changes of the tree that are not a write to a file."""

    COUNT = PAIRS // 20

    def setUp(self):
        super().setUp()
        self.folder = self.project / "folder" / "below"

    def check(self, client, text):
        answer = client.ask()
        self.assertEqual((answer.status, answer.text), (200, text))

    def test_new_and_removed_folders(self):
        """Watchman notices a new folder first, and its files only after reading the folder."""
        self.start(text="folder/below/text")
        client = self.client()
        for i in range(self.COUNT):
            self.folder.mkdir(parents=True)
            (self.folder / "text").write_text(str(i))
            self.check(client, str(i))
            shutil.rmtree(self.folder.parent)
            self.check(client, "")

    def test_renamed_folders(self):
        self.start(text="folder/below/text")
        client = self.client()
        for i in range(self.COUNT):
            aside = self.directory / f"aside-{i}"
            (aside / "below").mkdir(parents=True)
            (aside / "below" / "text").write_text(str(i))
            aside.rename(self.folder.parent)
            self.check(client, str(i))
            self.folder.parent.rename(self.project / f"old-{i}")
            self.check(client, "")

    def test_removed_files(self):
        self.start()
        client = self.client()
        for i in range(self.COUNT):
            (self.project / "text").unlink()
            self.check(client, "")
            self.save_text(str(i))
            self.check(client, str(i))

    def test_changed_links(self):
        """The new target is a file that existed before."""
        for text in ("0", "1"):
            self.save(f"version-{text}", text)
        link = self.project / "current"
        link.symlink_to("version-0")
        self.start(text="current")
        client = self.client()
        for i in range(self.COUNT):
            text = str((i + 1) % 2)
            fresh = self.directory / "link"
            fresh.symlink_to(f"version-{text}")
            fresh.rename(link)
            self.check(client, text)


class Concurrent(RestartTest):
    COUNT = PAIRS // 5

    def test_each_answer_shows_at_least_the_last_save_before_its_request(self):
        self.save_text("0")
        self.start()
        self.saved = 0  # number of the last save that has returned

        def check(response, saved):
            if response.status != 200 or int(response.text) < saved:
                raise AssertionError(f"{response} to a request after the save of {saved}")

        with Load(self.hpp.bind, check=check, before=lambda: self.saved) as load:
            for i in range(1, self.COUNT + 1):
                self.save_text(str(i))
                self.saved = i
                if i % 3:  # in the other cases, the next save follows at once
                    load.wait_answers(8)
        self.assert_one_at_a_time()


class WithoutPause(RestartTest):
    """A program rewrites a file as fast as it can. Without a flush, Watchman would wait for a pause."""

    def write_without_pause(self, name):
        busy = self.project / name
        self._keep(Program(["sh", "-c", f"while :; do echo x > {name}; done"], self.project,
                           self.environment))
        wait_for(busy.exists, "the writer to write")

    def test_a_watched_file_does_not_block_requests(self):
        self.start()
        self.write_without_pause("busy")
        client = self.client()
        for i in range(10):
            self.save_text(str(i))
            answer = client.ask()  # must not time out
            self.assertEqual((answer.status, answer.text), (200, str(i)))
        self.assert_one_at_a_time()

    def test_a_file_that_is_not_watched_does_not_delay_requests(self):
        self.start("--exclude", "busy")
        self.write_without_pause("busy")
        client = self.client()
        for i in range(20):
            self.save_text(str(i))
            answer = client.ask()
            self.assertEqual((answer.status, answer.text), (200, str(i)))
        self.assertEqual(self.log("start"), ["start first", *(f"start {i}" for i in range(20))])


class Checkout(RestartTest):
    """`git checkout` writes one file after another. Watchman reports nothing before git has finished."""

    FOLDERS = 20
    FILES = 100  # in each branch
    CHECKOUTS = 6

    def setUp(self):
        super().setUp()
        self.git("init", "-q", "-b", "A")
        self.commit("A")
        self.git("checkout", "-q", "-b", "B")
        self.commit("B")
        self.git("checkout", "-q", "A")

    def git(self, *words):
        subprocess.run(
            ["git", "-c", "user.name=test", "-c", "user.email=test@localhost", *words],
            cwd=self.project, check=True, stdin=subprocess.DEVNULL,
            env={**self.environment, "GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_NOSYSTEM": "1"})

    def commit(self, version):
        for folder in (self.project / f"folder-{i}" for i in range(self.FOLDERS)):
            folder.mkdir(exist_ok=True)
            for i in range(self.FILES):
                (folder / f"file-{i}").write_text(version)
        self.git("add", ".")
        self.git("commit", "-q", "-m", version)

    def test_no_answer_comes_from_a_partly_written_tree(self):
        self.start(backend=("--tree", "."))
        client = self.client()
        self.assertEqual(client.ask().text, "whole A")

        def check(response, _):
            if response.status != 200 or response.text not in ("whole A", "whole B"):
                raise AssertionError(response)

        stale = []
        with Load(self.hpp.bind, count=4, check=check):
            for i in range(self.CHECKOUTS):
                branch = "AB"[(i + 1) % 2]
                self.git("checkout", "-q", branch)
                shown = client.ask().text
                if shown != f"whole {branch}":
                    stale.append((i, branch, shown))
        self.assertEqual(stale, [], f"of {self.CHECKOUTS} checkouts (which, branch, shown)")
        self.assert_one_at_a_time()


class ReplacedFolder(RestartTest):
    """hpp works at a path. The watcher, the backend and restarted helpers must use the directory that is
    at that path now."""

    COUNT = 5

    def prepare(self, text):
        """Returns a new directory beside the project, with this text in it."""
        fresh = self.directory / f"fresh-{text}"
        fresh.mkdir()
        (fresh / "text").write_text(text)
        return fresh

    def check(self, replace):
        """`replace(i)` replaces the project by a directory with the text `i`."""
        client = self.client()
        for i in range(self.COUNT):
            replace(i)
            answer = client.ask()
            self.assertEqual((answer.status, answer.text), (200, str(i)))
            self.save_text(f"saved {i}")
            self.assertEqual(client.ask().text, f"saved {i}")
        expected = ["start first"]
        for i in range(self.COUNT):
            expected += [f"start {i}", f"start saved {i}"]
        self.assertEqual(self.log("start"), expected, "each replacement counts once")
        self.assert_one_at_a_time()
        for name in ("watchd", "supervisord"):
            os.kill(self.hpp.helper_pid(name), signal.SIGKILL)
        self.save_text("after a crash")
        wait_for(lambda: client.ask().text == "after a crash", "the save after a crash")
        status = self.run_program("ctl", "status", cwd=self.project)
        self.assertEqual(status.process.returncode, 0, status.transcript())

    def move_into_place(self, i):
        fresh = self.prepare(str(i))
        self.project.rename(self.directory / f"old-{i}")
        fresh.rename(self.project)

    def test_another_directory_is_moved_to_its_path(self):
        self.start()
        self.check(self.move_into_place)

    def test_removed_and_made_again(self):
        """Watchman does not notice that, because the backend has the old directory open."""

        def replace(i):
            shutil.rmtree(self.project)
            self.project.mkdir()
            (self.project / "text").write_text(str(i))

        self.start()
        client = self.client()
        for i in range(self.COUNT):
            replace(i)
            wait_for(lambda i=i: client.ask().text == str(i), "the new directory")
            for text in (f"saved {i}", f"saved {i} again"):
                self.save_text(text)
                self.assertEqual(client.ask().text, text)

    def test_without_a_request(self):
        self.start()
        self.move_into_place(1)
        self.wait_log("start 1")

    def test_a_directory_above_is_renamed(self):
        above = self.project = self.directory / "above" / "project"
        above.mkdir(parents=True)
        self.save_text("first")

        def replace(i):
            fresh = self.directory / f"fresh-{i}" / "project"
            fresh.mkdir(parents=True)
            (fresh / "text").write_text(str(i))
            self.project.parent.rename(self.directory / f"old-{i}")
            fresh.parent.rename(self.project.parent)

        self.start()
        self.check(replace)

    def test_a_link_is_switched(self):
        self.project = self.directory / "current"
        self.project.symlink_to(self.prepare("first"))
        self.environment["PWD"] = str(self.project)

        def replace(i):
            link = self.directory / "link"
            link.symlink_to(self.prepare(str(i)))
            link.rename(self.project)

        self.start()
        self.check(replace)

    def test_git_checkout_of_a_branch_without_the_folder_and_back(self):
        def git(*words):
            subprocess.run(
                ["git", "-c", "user.name=test", "-c", "user.email=test@localhost", *words],
                cwd=self.directory / "repository", check=True, capture_output=True,
                env={**self.environment, "GIT_CONFIG_GLOBAL": "/dev/null",
                     "GIT_CONFIG_NOSYSTEM": "1"})

        self.project = self.directory / "repository" / "project"
        self.project.mkdir(parents=True)
        git("init", "-q", "-b", "without")
        git("commit", "-q", "--allow-empty", "-m", "nothing")
        git("checkout", "-q", "-b", "with")
        self.save_text("first")
        git("add", ".")
        git("commit", "-q", "-m", "the project")
        self.start()
        client = self.client()
        for i in range(3):
            git("checkout", "-q", "without")
            git("checkout", "-q", "with")
            wait_for(lambda: client.ask().text == "first", "the server")
            self.save_text(f"saved {i}")
            self.assertEqual(client.ask().text, f"saved {i}")
            git("checkout", "-q", "project/text")
        self.assert_one_at_a_time()

    def test_a_missing_folder_is_reported(self):
        self.start()
        client = self.client()
        away = self.directory / "away"
        self.project.rename(away)
        missing = f"the project folder {self.project} does not exist"
        self.hpp.wait_line(f"cannot start .*: {missing}")
        wait_for(lambda: missing in client.ask().text, "the reason")
        self.assertEqual(client.ask().status, 503)
        problem = f"{self.project} does not exist; hpp watches it again when it is back"
        wait_for(lambda: self.hpp.snapshot("watchd")["problem"] == problem, problem)
        self.assertFalse(self.hpp.snapshot("watchd")["watching"])
        waiting = self.run_program("ctl", "--name", f"localhost-{self.hpp.bind}", "wait",
                                   cwd=self.directory)
        self.assertEqual(waiting.process.returncode, 1, waiting.transcript())
        self.assertIn(missing, waiting.output("err"))
        # The helpers can start without the folder.
        seen = len(self.hpp.lines)
        for name in ("watchd", "supervisord"):
            os.kill(self.hpp.helper_pid(name), signal.SIGKILL)
        self.hpp.wait_line("hpp-supervisord: .*cannot start .*: the project folder", seen)
        (away / "text").write_text("back")
        away.rename(self.project)
        wait_for(lambda: client.ask().text == "back", "the server")
        self.save_text("saved")
        self.assertEqual(client.ask().text, "saved")


class Outages(RestartTest):
    """Watchman, if it is the source, or watchd is killed while clients GET without pause, and a file is
    saved before the next watch begins."""

    ROUNDS = 3  # a fourth crash of watchd within ten seconds would be close to the end of hpp

    def check(self, kill):
        self.save_text("0")
        # On a slow machine, a new watch takes longer than two seconds.
        self.start("--barrier-timeout", 20_000)
        self.saved = 0  # the save of this one has returned
        client = self.client()

        def check(response, saved):
            if response.status != 200 or int(response.text) < saved:
                raise AssertionError(f"{response} to a request after the save of {saved}")

        with Load(self.hpp.bind, check=check, before=lambda: self.saved) as load:
            for i in range(1, self.ROUNDS + 1):
                kill()
                self.save_text(str(i))
                self.saved = i
                load.wait_answers(8)
                self.assertEqual(client.ask().text, str(i))
        self.assert_one_at_a_time()

    @only_with("watchman")
    def test_watchman_dies(self):
        self.check(self.watchman.kill)

    def test_watchman_and_watchd_die(self):
        def kill():
            os.kill(self.hpp.helper_pid("watchd"), signal.SIGKILL)
            self.watchman.kill()

        self.check(kill)

    @only_with("watchman")
    def test_requests_do_not_wait_if_watchman_never_returns(self):
        """Requests wait once, for --barrier-timeout. Later requests do not wait."""
        timeout_s = 3
        self.start("--watcher", "watchman", "--barrier-timeout", 1000 * timeout_s)
        self.watchman.write_config({"root_restrict_files": ["no such file"]})
        self.watchman.kill()
        client = self.client()
        wait_for(lambda: client.ask() and not self.hpp.snapshot("watchd")["watching"],
                 "the watch to be lost")
        self.hpp.wait_line("^hpp-proxyd: warning: hpp-watchd does not answer")
        for keeps in (True, False) * 4:
            began = time.monotonic()
            self.assertEqual(client.ask(keeps=keeps).text, "first")
            self.assertLess(time.monotonic() - began, timeout_s)


class Degraded(RestartTest):
    """No answer comes to a ticket. Requests go to the running backend, and the user is warned once."""

    TIMEOUT_MS = 2000

    def check(self, pid):
        """Stops a process without which no ticket is answered, and resumes it."""
        client = self.client()
        self.assertEqual(client.ask().text, "first")
        before = len(self.hpp.lines)
        freeze(pid)
        self.addCleanup(self.resume, pid)
        self.save_text("unseen")
        began = time.monotonic()
        self.assertEqual(client.ask().text, "first")
        waited_ms = (time.monotonic() - began) * 1000
        self.assertGreater(waited_ms, self.TIMEOUT_MS * 0.8, "the request did not wait for the answer")
        for keeps in (True, False) * 4:
            self.assertEqual(client.ask(keeps=keeps).text, "first")
        self.hpp.wait_line("^hpp-proxyd: warning: ", before)
        self.assertEqual(len(self.lines_of_proxyd(before)), 1, self.hpp.transcript())

        before = len(self.hpp.lines)
        os.kill(pid, signal.SIGCONT)
        wait_for(lambda: client.ask().text == "unseen", "the save that was missed")
        wait_for(lambda: client.ask() and self.lines_of_proxyd(before),
                 lambda: f"the good news:\n{self.hpp.transcript()}")
        for i in range(20):
            self.save_text(str(i))
            self.assertEqual(client.ask().text, str(i))
        self.assertEqual(len(self.lines_of_proxyd(before)), 1, self.hpp.transcript())

    @staticmethod
    def resume(pid):
        try:
            os.kill(pid, signal.SIGCONT)
        except ProcessLookupError:
            pass

    def lines_of_proxyd(self, after):
        return [text for _, _, text in self.hpp.lines[after:] if text.startswith("hpp-proxyd: ")]

    @only_with("watchman")
    def test_watchman_hangs(self):
        self.start("--watcher", "watchman", "--barrier-timeout", self.TIMEOUT_MS)
        self.check(self.watchman.pid)

    def test_watchd_hangs(self):
        self.start("--barrier-timeout", self.TIMEOUT_MS)
        self.check(self.hpp.helper_pid("watchd"))

    def test_requests_do_not_wait_if_the_barrier_is_off(self):
        """The timeout is longer than the test's, so that a request that waits would fail."""
        self.start("--barrier", "off", "--barrier-timeout", 600_000)
        watchd = self.hpp.helper_pid("watchd")
        freeze(watchd)
        self.addCleanup(self.resume, watchd)
        client = self.client()
        for keeps in (True, False) * 5:
            self.assertEqual(client.ask(keeps=keeps).text, "first")


if __name__ == "__main__":
    unittest.main()
