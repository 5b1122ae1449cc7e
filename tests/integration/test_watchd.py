"""hpp-watchd alone, with a real Watchman: which files count, and that no change is lost. test_changes.py
has the ways to change a file."""

import contextlib
import json
import os
import pathlib
import select
import shutil
import signal
import socket
import struct
import subprocess
import threading
import time
import unittest

from bus import TicketAuthor, TopicReader
from harness import (QUIET_S, WATCHER, Background, IntegrationTest, freeze, needs_watchman, only_with,
                     wait_for)

# The number of the test's run directory. watchd opens no port.
INSTANCE = 1


class WatchdTest(IntegrationTest):
    def start_watchd(self, *arguments, watching=True):
        """Starts hpp-watchd in the project. If `watching`, waits until it watches."""
        before = self.tree().get("sequence", 0)
        self.watchd = self.start_helper("watchd", *arguments, bind=INSTANCE, backend=INSTANCE)
        if watching:
            self.wait_tree(lambda t: t["watching"] and t["sequence"] > before, "watching")
        return self.watchd

    def tree(self):
        """The newest TreeState; {} if there is none yet."""
        try:
            text = (self.run_directory(INSTANCE) / "watchd.json").read_text()
        except OSError:
            return {}
        return json.loads(text.partition(" ")[2])

    def wait_tree(self, condition, what):
        def reached():
            tree = self.tree()
            return tree if tree and condition(tree) else None

        return wait_for(
            reached, lambda: f"{what}; it is {self.tree()}\n{self.watchd.transcript()}")

    def assert_counts(self, act, *names):
        """Checks that watchd publishes `act` as a change of these files."""
        before = self.tree()["revision"]
        act()
        missing = set(names)

        def told(tree):
            missing.difference_update(tree["changed"] if tree["revision"] > before else ())
            return not missing

        self.wait_tree(told, lambda: f"the change of {missing}")

    def assert_does_not_count(self, act):
        """Checks that watchd does not publish `act`. Watchman reports changes in order, so it is enough
        that a later change is published alone."""
        before = self.tree()["revision"]
        act()
        self.sentinels = getattr(self, "sentinels", 0) + 1
        name = f"sentinel-{self.sentinels}.py"
        self.save(name, "")
        tree = self.wait_tree(lambda t: name in t["changed"], "the sentinel")
        self.assertEqual((tree["changed"], tree["revision"]), ([name], before + 1))

    def assert_watchd_never_said(self, text):
        """Ends hpp-watchd first, because a log line may come later than a snapshot."""
        self.watchd.end()
        self.assert_never_said(self.watchd, text)

    def git(self, *words):
        subprocess.run(
            ["git", "-c", "user.name=x", "-c", "user.email=x@localhost", *words],
            cwd=self.project, check=True, capture_output=True,
            env={**os.environ, "GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_SYSTEM": "/dev/null"})

    def add_submodule(self, name):
        """Adds a submodule with one file, a.py, to the project, which is a repository."""
        origin = self.directory / f"origin of {name}"
        for words in (("init", "--quiet", origin),
                      ("-C", origin, "commit", "--quiet", "--allow-empty", "--message", "one"),
                      ("-c", "protocol.file.allow=always", "submodule", "--quiet", "add", origin, name)):
            self.git(*words)
        self.write(f"{name}/a.py")

    def write(self, name, text="x"):
        """Writes a file in one step. Truncating it first, with a pause before the write, would be two
        changes."""
        return self.save(name, text)


class Counting(WatchdTest):
    def test_starting_counts_no_change(self):
        self.write("a.py")
        self.start_watchd()
        tree = self.tree()
        self.assertEqual((tree["revision"], tree["problem"]), (0, ""))
        # The line was written before the snapshot, but it comes through a pipe, maybe later.
        self.watchd.wait_line(f"^hpp-watchd: watching {self.project}$")

    @only_with("watchman")
    def test_a_file_that_is_created_and_deleted_counts(self):
        """It counts if Watchman has seen it. git's lock delays the report until the file is deleted."""
        self.git("init", "-q")
        self.start_watchd()
        before = self.tree()["revision"]
        lock = self.project / ".git" / "index.lock"
        lock.touch()
        (self.project / "temporary").touch()
        self.assertTrue(self.watchman.command("find", str(self.project), "temporary")["files"])
        (self.project / "temporary").unlink()
        lock.unlink()
        tree = self.wait_tree(lambda t: t["revision"] > before, "the change")
        self.assertEqual((tree["changed"], tree["changed_count"]), ([], 1))

    def test_pattern_and_exclude(self):
        self.start_watchd("--pattern", "*.py", "src/**/*", "--exclude", "src/**/test_*", "tmp*.py")
        self.assert_counts(lambda: self.write("a.py"), "a.py")
        self.assert_counts(lambda: self.write("src/a.txt"), "src/a.txt")
        self.assert_counts(lambda: self.write("src/deep/.a"), "src/deep/.a")
        for name in ("a.txt", "lib/a.py", "src/test_a.py", "src/deep/test_b", "tmp1.py"):
            self.assert_does_not_count(lambda name=name: self.write(name))

    NOISE = (
        ".git/HEAD", "sub/.git", ".hg/dirstate", ".svn/wc.db", ".jj/repo", "__pycache__/a.cpython.pyc",
        "deep/er/__pycache__/a.pyc.123", "a.pyc", "a.pyo", ".a.py.swp", ".a.py.swx", ".a.py.swo",
        "deep/4913", "a.py~", ".#a.py", "#a.py#", "deep/.#a.py", ".a.py.kate-swp",
        "a.py___jb_tmp___", "a.py___jb_old___", ".goutputstream-ABCDEF", ".DS_Store",
        ".next/server/app/page.js", "web/node_modules/.vite/deps/a.js",
    )

    def test_default_excludes(self):
        self.start_watchd()
        for name in self.NOISE:
            with self.subTest(name):
                self.assert_does_not_count(lambda name=name: self.write(name))
        for name in ("hello.swf", ".gitignore", "git/a", "4913.py", "pycache/a", "a.pyx"):
            with self.subTest(name):
                self.assert_counts(lambda name=name: self.write(name), name)

    def test_no_default_excludes(self):
        self.start_watchd("--no-default-excludes")
        for name in ("a.pyc", "__pycache__/b.pyc", "a.py~", ".a.py.swp"):
            self.assert_counts(lambda name=name: self.write(name), name)

    @only_with("watchman")
    def test_subdirectory_of_a_repository(self):
        repository = self.project
        self.git("init", "--quiet")
        self.project = repository / "site"
        self.write("a.py")
        self.start_watchd("--pattern", "src/*", "*.py")
        self.assertEqual(self.watchman.command("watch-list")["roots"], [str(repository)])
        self.assert_counts(lambda: self.write("src/b"), "src/b")
        self.assert_does_not_count(lambda: (repository / "outside.py").write_text("x"))

    def test_watchmanconfig(self):
        self.write(".watchmanconfig", '{"ignore_dirs": ["build"]}')
        self.start_watchd()
        self.assert_does_not_count(lambda: self.write("build/a.py"))

class ForBrowsers(WatchdTest):
    """--css and --reload: changes that do not restart the backend."""

    def refresh_by(self, act):
        """Does `act`, which must be published as one refresh. Returns the refresh."""
        before = self.tree()
        act()
        tree = self.wait_tree(lambda t: t["refresh"]["count"] > before["refresh"]["count"],
                              "the refresh")
        self.assertEqual(tree["refresh"]["count"], before["refresh"]["count"] + 1)
        self.assertEqual(tree["revision"], before["revision"])
        return tree["refresh"]

    def test_files_that_concern_only_browsers(self):
        self.start_watchd("--pattern", "*.py", "--css", "static/**/*.css", "theme.css", "--reload",
                          "static/**", "*.html", "--exclude", "static/vendor/**")
        refresh = self.refresh_by(lambda: self.write("static/deep/a.css"))
        self.assertEqual((refresh["css"], refresh["css_count"]), (["static/deep/a.css"], 1))
        self.assertEqual((refresh["reload"], refresh["reload_count"]), ([], 0))
        refresh = self.refresh_by(lambda: self.write("static/a.js"))
        self.assertEqual((refresh["css"], refresh["reload"]), ([], ["static/a.js"]))
        self.assertEqual(self.refresh_by(lambda: self.write("a.html"))["reload"], ["a.html"])
        self.assertEqual(self.refresh_by((self.project / "a.html").unlink)["reload"], ["a.html"])
        before = self.tree()["refresh"]
        self.assert_does_not_count(lambda: self.write("static/vendor/b.css"))
        self.assert_does_not_count(lambda: self.write("other.css"))
        self.assertEqual(self.tree()["refresh"], before)

    def test_without_a_pattern_all_other_files_count(self):
        self.start_watchd("--css", "*.css")
        self.assertEqual(self.refresh_by(lambda: self.write("a.css"))["css"], ["a.css"])
        self.assert_counts(lambda: self.write("b/a.css"), "b/a.css")

    def test_both_kinds_at_once(self):
        self.start_watchd("--css", "*/*.css")
        before = self.tree()
        folder = self.directory / "many"
        folder.mkdir()
        for name in ("a.css", "b.css", "c.py"):
            (folder / name).touch()
        folder.rename(self.project / "many")
        tree = self.wait_tree(lambda t: t["revision"] > before["revision"], "the change")
        self.assertEqual(tree["changed"], ["many/c.py"])
        self.assertEqual(sorted(tree["refresh"]["css"]), ["many/a.css", "many/b.css"])
        self.assertEqual(tree["refresh"]["count"], 1)

    @only_with("watchman")
    def test_watchd_killed_and_a_style_sheet_changed(self):
        options = ("--css", "*.css", "--reload", "*.html")
        first = self.start_watchd(*options)
        self.refresh_by(lambda: self.write("a.css"))
        before = self.tree()
        first.signal(signal.SIGKILL)
        first.wait_exit()
        self.write("a.html")
        self.start_watchd(*options)
        after = self.tree()
        self.assertEqual((after["epoch"], after["revision"]), (before["epoch"], before["revision"]))
        self.assertEqual((after["refresh"]["count"], after["refresh"]["reload"]), (2, ["a.html"]))

    NAMES = ("a.css", ".a.css", "b/a.css", "b/.c/a.css", "b/c/d/a.css", "a.scss", "A.css", "ab.css",
             "a-b.css", "[a].css", "a*.css", "b/cb", "b/c/b", "ä.css")
    GLOBS = ("*.css", "**/*.css", "b/**", "b/**/*.css", "**/**/a.css", "b/*/a.css", "?.css", "a?.css",
             "[ab].css", "[!a].css", "[^A-Z].css", "[[:lower:]].css", "[[:oops:]].css", "\\[a].css",
             "a\\*.css", "**", "b**", "**css", "b/**b", "b/**/b", "a[-a-c]b.css", "*[]a].css",
             "[a-cA].css", "ä*", "?ä.css", "*")

    @needs_watchman
    def test_globs_match_the_same_files_as_in_watchman(self):
        for name in self.NAMES:
            self.write(name)
        self.watchman.command("watch-project", str(self.project))
        for glob in self.GLOBS:
            with self.subTest(glob):
                expected = self.watchman.query(self.project, {
                    "fields": ["name"], "expression": ["allof", ["type", "f"], [
                        "match", glob, "wholename", {"includedotfiles": True}]]})["files"]
                self.start_watchd("--css", glob)
                before = self.tree()
                for name in self.NAMES:
                    os.utime(self.project / name)
                css, others = self.all_told(before)
                self.assertEqual(css, set(expected))
                self.assertEqual(others, set(self.NAMES) - set(expected))
                self.watchd.end()

    def all_told(self, before):
        """Collects all names, from any number of batches: (style sheets, others)."""
        css, others = set(), set()

        def whole(tree):
            if tree["refresh"]["count"] > before["refresh"]["count"]:
                css.update(tree["refresh"]["css"])
            if tree["revision"] > before["revision"]:
                others.update(tree["changed"])
            return len(css | others) == len(self.NAMES)

        self.wait_tree(whole, lambda: f"all of them; told were {css} and {others}")
        return css, others


class Gitignore(WatchdTest):
    def setUp(self):
        super().setUp()
        self.git("init", "--quiet")
        self.write(".gitignore", "*.log\n/build/\n!keep.log\n")

    def test_ignored_files_do_not_count(self):
        self.start_watchd("--gitignore")
        for name in ("a.log", "deep/down/b.log", "build/out.js", "odd \n \xff.log"):
            self.assert_does_not_count(lambda: self.write(name))
        for name in ("a.py", "keep.log", "deep/build/c", ":(top)d"):
            self.assert_counts(lambda: self.write(name), name)
        self.assert_counts(lambda: [self.write("x.log"), self.write("x.py")], "x.py")
        self.assertEqual(self.tree()["changed_count"], 1)

    def test_tracked_files_count(self):
        self.write("tracked.log")
        self.git("add", "--force", "tracked.log")
        self.start_watchd("--gitignore")
        self.assert_counts(lambda: self.write("tracked.log", "y"), "tracked.log")

    def test_a_change_of_gitignore_counts_at_once(self):
        self.start_watchd("--gitignore")
        self.assert_counts(lambda: self.write(".gitignore", "*.tmp\n"), ".gitignore")
        self.assert_counts(lambda: self.write("a.log"), "a.log")
        self.assert_does_not_count(lambda: self.write("a.tmp"))

    def test_below_the_root_of_the_repository(self):
        self.write("sub/a.py")
        self.project = self.project / "sub"
        self.start_watchd("--gitignore")
        self.assert_does_not_count(lambda: self.write("b.log"))
        self.assert_counts(lambda: self.write("b.py"), "b.py")

    def test_a_submodule_has_its_own_rules(self):
        self.add_submodule("module")
        self.write("module/.gitignore", "*.tmp\n")
        self.start_watchd("--gitignore")
        self.assert_does_not_count(lambda: self.write("module/deep/a.tmp"))
        self.assert_counts(lambda: self.write("module/deep/a.log"), "module/deep/a.log")
        self.assert_counts(lambda: self.write("a.tmp"), "a.tmp")
        self.assert_counts(lambda: [self.write("x.log"), self.write("module/x.tmp"),
                                    self.write("module/x.py")], "module/x.py")
        self.assertEqual(self.tree()["changed_count"], 1)
        self.assert_watchd_never_said("does not work")

    def assert_asks_without_the_submodule(self, name):
        """git refuses the files of a submodule. It knows the submodule from the index, even if its `.git`
        is gone. hpp must ask again without these files."""
        self.assert_counts(lambda: shutil.rmtree(self.project / name), f"{name}/a.py")
        self.assert_counts(lambda: [self.write("x.log"), self.write(f"{name}/b.py")], f"{name}/b.py")
        self.assertEqual(self.tree()["changed_count"], 1)
        self.assert_watchd_never_said("does not work")

    def test_a_submodule_that_was_deleted(self):
        self.add_submodule("module")
        self.start_watchd("--gitignore")
        self.assert_asks_without_the_submodule("module")

    def test_a_submodule_that_was_deleted_below_the_root_of_the_repository(self):
        self.add_submodule("sub/deep/module")
        self.project = self.project / "sub"
        self.start_watchd("--gitignore")
        self.assert_asks_without_the_submodule("deep/module")

    def test_a_clone_in_an_ignored_folder_is_ignored(self):
        self.git("init", "--quiet", "build/clone")
        self.start_watchd("--gitignore")
        self.assert_does_not_count(lambda: self.write("build/clone/a.py"))

    def test_clones_in_a_folder_without_a_repository(self):
        shutil.rmtree(self.project / ".git")
        for name in ("one", "two"):
            self.git("init", "--quiet", name)
            self.write(f"{name}/.gitignore", f"*.{name}\n")
        self.start_watchd("--gitignore")
        self.assert_counts(lambda: [self.write("one/a.one"), self.write("two/a.one")], "two/a.one")
        self.assertEqual(self.tree()["changed_count"], 1)
        self.assert_watchd_never_said("does not work")

    def test_files_for_browsers_always_count(self):
        self.start_watchd("--gitignore", "--css", "build/*.css")
        before = self.tree()["refresh"]["count"]
        self.write("build/site.css")
        self.wait_tree(lambda t: t["refresh"]["count"] > before, "a style sheet")

    def test_without_a_repository_all_files_count_with_a_warning(self):
        shutil.rmtree(self.project / ".git")
        self.start_watchd("--gitignore")
        self.assert_counts(lambda: self.write("a.log"), "a.log")
        self.watchd.wait_line("--gitignore does not work: git says: .*not a git repository")
        self.assert_counts(lambda: self.write("b.log"), "b.log")
        self.watchd.end()
        self.assertEqual(self.watchd.output("err").count("does not work"), 1)

    def test_without_git_all_files_count_with_a_warning(self):
        self.environment["PATH"] = str(self.directory / "bin")
        (self.directory / "bin").mkdir()
        if WATCHER == "watchman":
            (self.directory / "bin" / "watchman").symlink_to(shutil.which("watchman"))
        self.start_watchd("--gitignore")
        self.assert_counts(lambda: self.write("a.log"), "a.log")
        self.watchd.wait_line("--gitignore does not work: cannot run git: .*No such file")

    def test_a_hanging_git_does_not_block_watchd(self):
        (self.directory / "bin").mkdir()
        hanging = self.directory / "bin" / "git"
        hanging.write_text("#!/bin/sh\nexec sleep 600\n")
        hanging.chmod(0o755)
        self.environment["PATH"] = f"{self.directory}/bin:{self.environment['PATH']}"
        self.start_watchd("--gitignore")
        self.assert_counts(lambda: self.write("a.log"), "a.log")
        self.watchd.wait_line("--gitignore does not work: git check-ignore: signal 9")


class Links(WatchdTest):
    """Symbolic links that hpp does not follow. test_roots.py has those that it follows."""

    WARNING = r"warning: (a symbolic link that leads out of the project folder: .*)$"

    def test_a_link_to_a_folder_that_contains_the_project_is_named(self):
        (self.project / "up").symlink_to("..")
        (self.project / "python").symlink_to("/usr/bin/python3")
        self.write("a.py")
        self.start_watchd()
        match = self.watchd.wait_line(self.WARNING)
        self.assertIn(f"up → {self.directory.resolve()}. hpp does not see changes there", match[1])
        self.assert_counts(lambda: self.write("a.py", "2"), "a.py")
        self.watchd.end()
        self.assertEqual(self.watchd.output("err").count("warning:"), 1)

    def test_excluded_and_inner_links_are_not_named(self):
        self.write("a.py")
        (self.project / "up").symlink_to("..")
        (self.project / "c.py").symlink_to(self.project / "a.py")
        self.start_watchd("--exclude", "up")
        self.assert_watchd_never_said("warning:")


class IgnoreUnchanged(WatchdTest):
    def test_a_save_with_the_same_content_does_not_count(self):
        self.write("a.py", "one")
        self.start_watchd("--ignore-unchanged")
        self.assert_does_not_count(lambda: (self.project / "a.py").touch())
        self.assert_does_not_count(lambda: self.write("a.py", "one"))
        self.assert_counts(lambda: self.write("a.py", "two"), "a.py")
        self.assert_does_not_count(lambda: self.write("a.py", "two"))
        self.assert_counts(lambda: self.write("a.py", "one"), "a.py")

    def test_created_and_deleted_files_count(self):
        self.start_watchd("--ignore-unchanged")
        self.assert_counts(lambda: self.write("a.py"), "a.py")
        self.assert_counts((self.project / "a.py").unlink, "a.py")
        self.assert_counts(lambda: self.write("a.py"), "a.py")
        self.assert_counts(lambda: (self.project / "link").symlink_to("a.py"), "link")

    def test_a_checkout_counts_if_it_changes_contents(self):
        self.git("init", "--quiet")
        self.write("a.py", "one")
        self.git("add", "a.py")
        self.git("commit", "--quiet", "--message", "one")
        self.start_watchd("--ignore-unchanged")
        self.assert_does_not_count(lambda: self.git("checkout", "--quiet", "-b", "other"))
        self.assert_counts(lambda: self.write("a.py", "two"), "a.py")
        self.assert_counts(lambda: self.git("checkout", "--quiet", "a.py"), "a.py")

    @only_with("watchman")
    def test_a_restarted_watchd_has_forgotten_contents_but_misses_no_change(self):
        self.write("a.py", "one")
        self.start_watchd("--ignore-unchanged")
        self.watchd.signal(signal.SIGKILL)
        self.watchd.wait_exit()
        before = self.tree()["revision"]
        self.write("a.py", "two")
        self.start_watchd("--ignore-unchanged")
        self.wait_tree(lambda t: t["revision"] == before + 1, "the save meanwhile")
        self.assert_does_not_count((self.project / "a.py").touch)


class Trouble(WatchdTest):
    def wait_back(self, revision):
        return self.wait_tree(
            lambda t: t["watching"] and t["revision"] >= revision and not t["problem"],
            f"watching at revision {revision}")

    @only_with("watchman")
    def test_watchman_killed(self):
        watchd = self.start_watchd("--debug")
        for round_number in range(3):
            revision = self.tree()["revision"]
            lines = len(watchd.lines)
            self.watchman.kill()
            self.write("meanwhile.py", str(round_number))
            watchd.wait_line("warning: not watching: Watchman closed the connection", lines)
            watchd.wait_line(r'"problem":"Watchman closed the connection".*"watching":false', lines)
            watchd.wait_line("Watchman has lost track of the files: that counts as a change", lines)
            watchd.wait_line(r"watching /.* again after \d+ ms", lines)
            self.wait_back(revision + 1)
            # The next change is published as usual.
            self.assert_counts(lambda n=round_number: self.write("next.py", str(n)), "next.py")

    @only_with("watchman")  # inotify forgets its queue without a service manager (test_inotify)
    def test_watchd_killed_and_nothing_changed(self):
        first = self.start_watchd()
        self.assert_counts(lambda: self.write("a.py"), "a.py")
        before = self.tree()
        first.signal(signal.SIGKILL)
        first.wait_exit()
        self.start_watchd()
        after = self.tree()
        for field in ("epoch", "revision", "changed", "changed_count", "watching", "problem"):
            self.assertEqual(after[field], before[field], field)

    @only_with("watchman")
    def test_watchd_killed_and_a_file_changed(self):
        first = self.start_watchd()
        self.assert_counts(lambda: self.write("a.py"), "a.py")
        before = self.tree()
        first.signal(signal.SIGKILL)
        first.wait_exit()
        self.write("b.py")
        (self.project / "a.py").unlink()
        self.start_watchd()
        after = self.tree()
        self.assertEqual((after["epoch"], after["revision"]), (before["epoch"], before["revision"] + 1))
        self.assertEqual(sorted(after["changed"]), ["a.py", "b.py"])

    def test_both_killed(self):
        """A change counts even if the last matching file was deleted, so that Watchman has no file to
        report."""
        self.write("a.py")
        first = self.start_watchd("--pattern", "*.py")
        before = self.tree()
        first.signal(signal.SIGKILL)
        first.wait_exit()
        self.watchman.kill()
        (self.project / "a.py").unlink()
        self.start_watchd("--pattern", "*.py")
        self.assertEqual(self.tree()["revision"], before["revision"] + 1)

    @only_with("watchman")
    def test_watch_deleted(self):
        watchd = self.start_watchd("--debug")
        self.watchman.command("watch-del", str(self.project))
        watchd.wait_line("not watching: Watchman has stopped watching")
        self.wait_back(1)

    def test_directory_moved_away_and_back(self):
        watchd = self.start_watchd()
        before = self.tree()["revision"]
        away = self.directory / "away"
        self.project.rename(away)
        watchd.wait_line(f"not watching: {self.project} does not exist; hpp watches it again when it is back")
        self.wait_tree(lambda t: t["revision"] > before and "does not exist" in t["problem"],
                       "the absence to count")
        away.rename(self.project)
        self.wait_back(before + 2)
        self.assert_counts(lambda: self.write("b.py"), "b.py")

    @only_with("watchman")
    def test_directory_that_watchman_refuses(self):
        self.watchman.stop()
        self.watchman.write_config({"root_restrict_files": [".git"]})
        watchd = self.start_watchd("--watcher", "watchman", watching=False)
        watchd.wait_line("warning: not watching: Watchman says: .*root_files")
        self.wait_tree(lambda t: not t["watching"] and "root_files" in t["problem"], "the problem")
        (self.project / ".git").mkdir()
        self.wait_back(1)

    @only_with("watchman")
    def test_the_standby_watches_a_directory_that_watchman_refuses(self):
        self.watchman.stop()
        self.watchman.write_config({"root_restrict_files": [".git"]})
        watchd = self.start_watchd()
        watchd.wait_line("Watchman says: .*root_files.*: using inotify until Watchman can be used")
        self.assert_counts(lambda: self.write("a.py"), "a.py")

    def test_stopped_by_a_signal(self):
        for number in (signal.SIGTERM, signal.SIGINT):
            watchd = self.start_watchd()
            watchd.signal(number)
            self.assertEqual(watchd.wait_exit(), 0)
        watchd = self.start_watchd(watching=False)
        watchd.wait_line("watching")
        watchd.signal(signal.SIGTERM)
        self.assertEqual(watchd.wait_exit(), 0)


class TicketTest(WatchdTest):
    """The test publishes tickets instead of proxyd."""

    def start_watchd(self, *arguments, watching=True):
        folder = self.run_directory(INSTANCE)
        self.author = TicketAuthor(folder)
        self.addCleanup(self.author.close)
        super().start_watchd(*arguments, watching=watching)
        self.told = TopicReader(folder / "watchd.tickets.sock", note=self.note)
        self.addCleanup(self.told.close)
        self.told.wait(lambda tree: tree["watching"], "watching")

    def note(self, tree):
        """Called with each TreeState when it arrives."""

    def answers(self, tree, number):
        answer = tree["answers"]
        return answer["epoch"] == self.author.epoch and answer["number"] >= number

    def wait_answer(self, number):
        """Returns the first TreeState that answers the ticket."""
        return self.told.wait(lambda tree: self.answers(tree, number), f"the answer to {number}")

    def ask(self):
        """Publishes a ticket, and returns the TreeState that answers it. If the source lags, asks again
        when all earlier saves are old enough to be covered."""
        tree = self.wait_answer(self.author.ask())
        if tree["lag_ms"]:
            time.sleep(tree["lag_ms"] / 1000)
            tree = self.wait_answer(self.author.ask())
        return tree


class Tickets(TicketTest):
    def test_an_idle_tree_is_answered(self):
        self.start_watchd()
        for number in range(1, 100):
            tree = self.ask()
            self.assertEqual(tree["answers"], {"epoch": self.author.epoch, "number": number})
            self.assertEqual((tree["revision"], tree["settling"]), (0, False))

    def test_earlier_saves_are_counted(self):
        self.start_watchd()
        revision = 0
        for number in range(300):
            self.save("a.py", str(number))
            tree = self.ask()
            self.assertGreater(tree["revision"], revision, f"pair {number}")
            self.assertEqual(tree["changed"], ["a.py"])
            revision = tree["revision"]

    def test_a_save_that_does_not_count_is_answered(self):
        self.start_watchd("--pattern", "*.py")
        self.save("a.txt", "")
        self.assertEqual(self.ask()["revision"], 0)

    def test_a_writer_that_never_pauses(self):
        """Without a flush, Watchman would wait for a pause of the writer."""
        self.start_watchd()
        is_over = threading.Event()

        def write():
            count = 0
            while not is_over.is_set():
                self.save("busy.py", str(count))
                count += 1

        writer = Background(write)
        try:
            revision = 0
            for _ in range(50):
                tree = self.ask()
                self.assertGreaterEqual(tree["revision"], revision)
                revision = tree["revision"]
        finally:
            is_over.set()
            writer.result()
        self.assertGreater(revision, 0)

    def test_a_thousand_at_once(self):
        self.start_watchd()
        for _ in range(1000):
            number = self.author.ask()
        self.wait_answer(number)

    def test_a_restarted_proxyd(self):
        self.start_watchd()
        for _ in range(9):
            self.ask()
        self.author.close()
        self.author = TicketAuthor(self.run_directory(INSTANCE))
        self.addCleanup(self.author.close)
        self.assertEqual(self.ask()["answers"], {"epoch": self.author.epoch, "number": 1})

    @only_with("watchman")
    def test_a_watchman_that_dies_with_a_ticket_open(self):
        self.start_watchd()
        self.ask()
        freeze(self.watchman.pid)
        number = self.author.ask()
        before = len(self.told.messages)
        self.watchman.kill()
        lost = self.told.wait(lambda tree: not tree["watching"], "not watching", before)
        self.assertFalse(self.answers(lost, number))
        tree = self.wait_answer(number)
        self.assertTrue(tree["watching"])
        self.assertGreater(tree["revision"], 0)

    @only_with("watchman")
    def test_a_slow_watchman(self):
        self.start_watchd()
        self.ask()
        watchman = self.watchman.pid
        freeze(watchman)
        self.save("a.py", "")
        number = self.author.ask()
        os.kill(watchman, signal.SIGCONT)
        self.assertGreater(self.wait_answer(number)["revision"], 0)

    @only_with("watchman")
    def test_a_refused_flush_is_repeated(self):
        """Without `.git`, Watchman cannot write its cookie."""
        self.git("init", "--quiet")
        self.start_watchd("--debug")
        self.ask()
        away = self.directory / "away"
        (self.project / ".git").rename(away)
        number = self.author.ask()
        self.watchd.wait_line("warning: old code may answer requests .*: Watchman says: ")
        self.assertFalse(self.answers(self.told.last, number))
        self.assertTrue(self.told.last["watching"])
        away.rename(self.project / ".git")
        self.wait_answer(number)
        self.assertEqual(self.watchd.output().count("warning:"), 1)


class GitWrites(TicketTest):
    """No change is published while git writes files, even if there are tickets."""

    FILES = 2000

    def setUp(self):
        super().setUp()
        self.early = []  # revisions that were published while git held the lock
        self.revision = 0

    def prepare(self):
        self.git("init", "--quiet", "--initial-branch", "one")
        self.write("a.py")
        self.git("add", ".")
        self.git("commit", "--quiet", "--message", "one")
        self.lock = self.project / ".git" / "index.lock"

    def prepare_worktree(self):
        """Makes the project a worktree of a repository beside it."""
        self.prepare()
        self.git("branch", "two")
        repository = self.project
        self.project = self.directory / "worktree"
        subprocess.run(["git", "worktree", "add", "--quiet", self.project, "two"],
                       cwd=repository, check=True, capture_output=True)
        self.lock = repository / ".git" / "worktrees" / "worktree" / "index.lock"

    def note(self, tree):
        if tree["revision"] > self.revision and self.lock.exists():
            self.early.append(tree["revision"])
        self.revision = tree["revision"]

    def assert_waits_for_the_lock(self):
        self.start_watchd()
        self.ask()
        self.lock.touch()
        self.author.ask()
        self.told.wait(lambda tree: tree["settling"], "settling")
        self.write("a.py", "half")
        # Watchman's own pause of 20 ms is long over.
        self.assert_nothing_told()
        number = self.author.ask()
        self.lock.unlink()
        tree = self.wait_answer(number)
        self.assertEqual((tree["revision"], tree["changed"], tree["settling"]), (1, ["a.py"], False))
        self.assertEqual(self.early, [])

    def assert_nothing_told(self):
        before = len(self.told.messages)
        with self.assertRaises(AssertionError):
            self.told.wait(lambda tree: True, "anything", before, deadline_s=QUIET_S)

    def test_the_lock_of_a_repository(self):
        self.prepare()
        self.assert_waits_for_the_lock()

    def test_the_lock_of_a_worktree(self):
        self.prepare_worktree()
        self.assert_waits_for_the_lock()

    @only_with("watchman")
    def test_the_lock_with_watchmans_root_above_the_project(self):
        self.prepare()
        self.watchman.command("watch", str(self.project.parent))
        self.assert_waits_for_the_lock()
        self.assertEqual(self.watchman.command("watch-list")["roots"], [str(self.project.parent)])

    def test_the_lock_if_a_symbolic_link_leads_to_the_project(self):
        self.prepare()
        self.write("services/api/a.py")
        link = self.directory / "api"
        link.symlink_to(self.project / "services" / "api")
        self.project = link
        self.environment["PWD"] = str(link)
        self.assert_waits_for_the_lock()

    def assert_waits_for_the_lock_of(self, folder):
        self.start_watchd()
        self.ask()
        self.lock.touch()
        self.write(f"{folder}/a.py", "half")
        self.told.wait(lambda tree: tree["settling"], "settling")
        self.assert_nothing_told()
        self.lock.unlink()
        tree = self.told.wait(lambda tree: tree["revision"] == 1, "the change")
        self.assertEqual((tree["changed"], tree["settling"]), ([f"{folder}/a.py"], False))

    def test_the_lock_of_a_submodule(self):
        self.prepare()
        self.add_submodule("module")
        self.lock = self.project / ".git" / "modules" / "module" / "index.lock"
        self.assert_waits_for_the_lock_of("module")

    def test_the_lock_of_a_clone_below_the_project(self):
        self.git("init", "--quiet", "one")
        self.write("one/a.py")
        self.lock = self.project / "one" / ".git" / "index.lock"
        self.assert_waits_for_the_lock_of("one")

    def test_a_lock_of_a_worktree_without_a_ticket(self):
        self.prepare_worktree()
        self.start_watchd()
        self.lock.touch()
        self.write("a.py", "half")
        self.told.wait(lambda tree: tree["settling"], "settling")
        self.assert_nothing_told()
        self.lock.unlink()
        tree = self.told.wait(lambda tree: tree["revision"] == 1, "the change")
        self.assertFalse(tree["settling"])

    def test_a_lock_left_behind(self):
        self.prepare()
        self.start_watchd()
        self.lock.touch()
        self.write("a.py", "1")
        number = self.author.ask()
        self.told.wait(lambda tree: tree["settling"], "settling")
        self.watchd.wait_line(f"warning: {self.lock} has existed for 10 s: .* delete that file$")
        tree = self.wait_answer(number)
        self.assertEqual((tree["revision"], tree["settling"]), (1, False))
        self.write("a.py", "2")
        self.assertEqual(self.ask()["revision"], 2)
        self.assertEqual(self.watchd.output().count("warning:"), 1)

    def assert_checkouts_are_told_whole(self):
        """Checks, under a stream of tickets, that no change of a checkout is published before its end.
        Mostly a checkout is one change. It is two if git's lock comes and goes between two looks."""
        self.git("checkout", "--quiet", "-b", "these")
        for number in range(self.FILES):
            self.write(f"src/{number % 20}/{number}.py", "one" * 100)
        self.git("add", ".")
        self.git("commit", "--quiet", "--message", "files")
        self.git("checkout", "--quiet", "-b", "other")
        for number in range(self.FILES):
            self.write(f"src/{number % 20}/{number}.py", "other" * 100)
        self.git("commit", "--quiet", "--all", "--message", "other files")
        self.start_watchd()
        self.ask()
        is_over = threading.Event()

        def ask():
            while not is_over.wait(0.002):
                self.author.ask()

        asker = Background(ask)
        try:
            for turn in range(6):
                before = self.told.last["revision"]
                self.git("checkout", "--quiet", "other" if turn % 2 else "these")
                tree = self.ask()
                self.assertGreater(tree["revision"], before)
                if "hpp no longer waits for git" in self.watchd.output():
                    self.skipTest("other programs kept git from finishing a checkout within 10 s")
                self.assertEqual(self.early, [], f"checkout {turn}")
        finally:
            is_over.set()
            asker.result()
        self.wait_answer(self.author.number)
        self.assertFalse(self.told.last["settling"])

    def test_checkouts(self):
        self.prepare()
        self.assert_checkouts_are_told_whole()

    def test_checkouts_in_a_worktree(self):
        self.prepare_worktree()
        self.assert_checkouts_are_told_whole()


class CannotStart(WatchdTest):
    def assert_one_line(self, program, pattern):
        self.assertEqual(program.wait_exit(), 1, program.transcript())
        self.assertRegex(program.output(), rf"\A{pattern}\Z")

    def test_second_watchd(self):
        self.start_watchd()
        second = self.start_helper("watchd", bind=INSTANCE, backend=INSTANCE)
        self.assert_one_line(
            second, f"hpp-watchd: error: another hpp-watchd uses {self.directory}.*")
        self.assert_counts(lambda: self.write("a.py"), "a.py")

    def test_no_watchman(self):
        program = self.run_program(
            "watchd", "--run-dir", self.directory / "run" / "x", "--watcher", "watchman",
            environment={"PATH": "/nowhere"})
        self.assert_one_line(
            program, "hpp-watchd: error: watchman is not installed. .*apt-get install watchman.*")

    def test_no_working_directory(self):
        program = self.run_program(
            "watchd", "--run-dir", self.directory / "run" / "x",
            cwd=self.gone(), environment={})
        self.assert_one_line(program, "hpp-watchd: error: cannot find out the working directory: .*")

    def gone(self):
        """Returns a working directory that no longer exists, through a process that has it open."""
        path = self.directory / "gone"
        path.mkdir()
        handle = os.open(path, os.O_PATH)
        self.addCleanup(os.close, handle)
        path.rmdir()
        return f"/proc/{os.getpid()}/fd/{handle}"


class Tap(threading.Thread):
    """A proxy between hpp-watchd and the real Watchman. It can cut connections, and send bytes to
    hpp-watchd that no Watchman sends."""

    def __init__(self, folder, target):
        super().__init__(daemon=True)
        self.target = target
        self.path = folder / "tap.sock"
        self.script = folder / "watchman"
        self.script.write_text(f"#!/bin/sh\necho '{{\"sockname\": \"{self.path}\"}}'\n")
        self.script.chmod(0o755)
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(str(self.path))
        self.listener.listen()
        self.client = None
        self.connections = 0
        self.start()

    def run(self):
        with self.listener:
            while True:
                try:
                    self.client = self.listener.accept()[0]
                except OSError:
                    return
                server = socket.socket(socket.AF_UNIX)
                server.connect(self.target)
                self.connections += 1
                threading.Thread(target=self.pass_on, args=(self.client, server)).start()

    @staticmethod
    def pass_on(client, server):
        """Passes bytes on until one end closes; then closes the other."""
        with client, server, contextlib.suppress(OSError):
            while True:
                for source in select.select([client, server], [], [])[0]:
                    data = source.recv(65536)
                    if not data:
                        return
                    (server if source is client else client).sendall(data)

    def cut(self):
        self.client.shutdown(socket.SHUT_RDWR)

    def say(self, data):
        self.client.sendall(data)

    def stop(self):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.join()


@only_with("watchman")
class Connection(WatchdTest):
    def setUp(self):
        super().setUp()
        folder = self.directory / "bin"
        folder.mkdir()
        self.tap = Tap(folder, self.watchman.command("get-sockname")["sockname"])
        self.addCleanup(self.tap.stop)
        self.environment["PATH"] = f"{folder}:{os.environ['PATH']}"

    def assert_back(self, problem, connections):
        self.watchd.wait_line(f"warning: not watching: .*{problem}")
        self.wait_tree(lambda t: t["watching"] and self.tap.connections >= connections,
                       "watching again")

    def test_a_cut_without_a_change_counts_nothing(self):
        self.start_watchd()
        self.assert_counts(lambda: self.write("a.py"), "a.py")
        before = self.tree()
        self.tap.cut()
        self.assert_back("Watchman closed the connection", 2)
        self.assertEqual(self.tree()["revision"], before["revision"])

    def test_a_change_during_a_cut_counts(self):
        self.start_watchd()
        self.tap.cut()
        self.write("a.py")
        self.assert_back("Watchman closed the connection", 2)
        self.wait_tree(lambda t: t["changed"] == ["a.py"], "the change")

    def test_malformed_data_ends_the_connection_but_not_watchd(self):
        self.start_watchd()
        nonsense = [
            (b'{"version": "4.9.0"}\n', "Watchman does not speak BSER"),
            (b"\0\1\6" + struct.pack("=q", 1 << 40), r"Watchman sent \d+ bytes at once"),
            (b"\0\1\3\1\x0e", "malformed BSER"),
            (b"\0\1\3\3\0\3\0", "not an object"),
        ]
        for count, (data, problem) in enumerate(nonsense, start=2):
            with self.subTest(problem):
                self.tap.say(data)
                self.assert_back(problem, count)
                self.assert_counts(lambda n=count: self.write(f"{n}.py"), f"{count}.py")

    def test_a_search_that_fails_for_a_while(self):
        self.start_watchd()
        script = self.tap.script.read_text()
        # Replaced by a rename, because a script that is open for writing cannot be run.
        self.replace_script("#!/bin/sh\necho 'no state directory' >&2\nexit 1\n")
        self.tap.cut()
        self.watchd.wait_line(
            "not watching: watchman get-sockname ended with exit code 1: no state directory")
        self.write("a.py")
        self.replace_script(script)
        self.wait_tree(lambda t: t["watching"] and t["changed"] == ["a.py"], "the change")

    def replace_script(self, text):
        fresh = pathlib.Path(f"{self.tap.script}.new")
        fresh.write_text(text)
        fresh.chmod(0o755)
        fresh.rename(self.tap.script)


if __name__ == "__main__":
    unittest.main()
