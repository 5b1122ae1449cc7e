"""Files outside the project folder: --root, and patterns that begin with `../` or `/`."""

import shutil

from test_watchd import TicketTest, WatchdTest


class Counting(WatchdTest):
    def setUp(self):
        super().setUp()
        self.shared = self.directory / "shared"
        self.shared.mkdir()
        self.write("a.py")

    def test_files_have_the_name_by_which_the_project_reaches_them(self):
        other = self.directory / "other"
        other.mkdir()
        self.start_watchd("--root", "../shared", other)
        self.assert_counts(lambda: self.write("a.py", "2"), "a.py")
        self.assert_counts(lambda: self.write("../shared/sub/b.py"), "../shared/sub/b.py")
        self.assert_counts((self.shared / "sub" / "b.py").unlink, "../shared/sub/b.py")
        self.assert_counts(lambda: self.write("../other/c.py"), f"{other}/c.py")

    def test_patterns_have_roots(self):
        (self.directory / "other").mkdir()
        self.start_watchd("--pattern", "*.py", "../shared/**/*.py", f"{self.directory}/other/*.js",
                          "--exclude", "../shared/old/**", "--css", "../shared/*.css")
        self.assert_counts(lambda: self.write("../shared/sub/b.py"), "../shared/sub/b.py")
        self.assert_counts(lambda: self.write("../other/c.js"), f"{self.directory}/other/c.js")
        for name in ("../shared/b.txt", "../shared/old/b.py", "../other/sub/c.js", "../d.py"):
            self.assert_does_not_count(lambda name=name: self.write(name))
        before = self.tree()
        self.write("../shared/x.css")
        tree = self.wait_tree(lambda t: t["refresh"] != before["refresh"], "the refresh")
        self.assertEqual((tree["refresh"]["css"], tree["revision"]),
                         (["../shared/x.css"], before["revision"]))

    def test_the_root_above_the_project_leaves_out_the_project(self):
        self.start_watchd("--root", "..", "--exclude", "../run/**", "../wm/**", "../fresh")
        before = self.tree()["revision"]
        self.assert_counts(lambda: self.write("a.py", "2"), "a.py")
        self.assertEqual(self.tree()["revision"], before + 1)
        self.assert_counts(lambda: self.write("../shared/b.py"), "../shared/b.py")

    def test_changes_while_watchd_is_away_are_named(self):
        self.start_watchd("--root", "../shared")
        self.watchd.end()
        self.assert_counts(lambda: (self.write("../shared/b.py"),
                                    self.start_watchd("--root", "../shared")), "../shared/b.py")

    def test_a_restarted_watchman_counts_one_change(self):
        self.start_watchd("--root", "../shared")
        before = self.tree()
        self.watchman.kill()
        self.wait_tree(lambda t: t["watching"] and t["revision"] > before["revision"], "the change")
        self.assert_counts(lambda: self.write("../shared/b.py"), "../shared/b.py")

    def test_a_root_that_is_made_removed_and_replaced(self):
        self.start_watchd("--root", "../new")
        self.watchd.wait_line("warning: ../new is no directory, or does not exist: hpp watches it when "
                              "it is there$")
        before = self.tree()["revision"]
        self.write("../new/a.py")
        self.wait_tree(lambda t: t["revision"] > before, "the new root")
        self.watchd.wait_line("watching ../new again$")
        self.assert_counts(lambda: self.write("../new/a.py", "2"), "../new/a.py")
        before = self.tree()["revision"]
        shutil.rmtree(self.directory / "new")
        self.wait_tree(lambda t: t["revision"] > before, "the removal")
        self.watchd.wait_line("../new is gone: that counts as a change$")
        self.assert_counts(lambda: self.write("a.py", "2"), "a.py")

    def test_git_ignores_files_in_the_repository_of_a_root(self):
        for repository in (self.project, self.shared):
            self.git("init", "--quiet", repository)
        self.write("../shared/.gitignore", "*.log\n")
        self.start_watchd("--root", "../shared", "--pattern", "*.py", "../shared/**", "--gitignore")
        self.assert_does_not_count(lambda: self.write("../shared/a.log"))
        self.assert_counts(lambda: self.write("../shared/a.py"), "../shared/a.py")

    def test_a_pattern_that_leads_back_into_the_project_is_refused(self):
        watchd = self.start_watchd("--pattern", "../project/*.py", watching=False)
        self.assertEqual(watchd.wait_exit(), 1)
        watchd.wait_line("'../project/.*' leads back into the working directory: write it relative")


class Tickets(TicketTest):
    def test_the_lock_of_the_repository_of_a_root(self):
        shared = self.directory / "shared"
        self.git("init", "--quiet", shared)
        self.start_watchd("--root", "../shared")
        self.ask()
        lock = shared / ".git" / "index.lock"
        lock.touch()
        self.write("../shared/a.py")
        number = self.author.ask()
        tree = self.told.wait(lambda t: t["settling"], "settling")
        self.assertEqual(tree["revision"], 0)
        lock.unlink()
        tree = self.wait_answer(number)
        self.assertEqual((tree["revision"], tree["changed"]), (1, ["../shared/a.py"]))
