"""Files outside the project folder: --root, patterns that begin with `../` or `/`, and symbolic links."""

import os
import shutil

from harness import only_with
from restarts import RestartTest, is_sanitized
from test_watchd import TicketTest, WatchdTest

PAIRS = 100 if is_sanitized() else 300  # a pair is a save and a request


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
        self.assertEqual(self.tree()["other_roots"], [str(self.shared), str(other)])
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

    @only_with("watchman")
    def test_changes_while_watchd_is_away_are_named(self):
        self.start_watchd("--root", "../shared")
        self.watchd.end()
        self.assert_counts(lambda: (self.write("../shared/b.py"),
                                    self.start_watchd("--root", "../shared")), "../shared/b.py")

    @only_with("watchman")
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


class Links(WatchdTest):
    def setUp(self):
        super().setUp()
        for name in ("lib", "other"):
            (self.directory / "shared" / name).mkdir(parents=True)
        self.write("../shared/lib/money.py")
        self.write("a.py")

    def link(self, name, target):
        """Makes a link, or switches it as `ln -sfn` does."""
        (self.directory / "fresh").symlink_to(target)
        path = self.project / name
        path.parent.mkdir(parents=True, exist_ok=True)
        (self.directory / "fresh").rename(path)

    def test_files_behind_a_link_to_a_directory(self):
        self.link("src/lib", "../../shared/lib")
        self.start_watchd("--pattern", "src/**/*.py")
        self.assert_counts(lambda: self.write("../shared/lib/money.py", "2"), "src/lib/money.py")
        self.assert_counts(lambda: self.write("src/lib/new/a.py"), "src/lib/new/a.py")
        self.assert_counts((self.project / "src/lib/money.py").unlink, "src/lib/money.py")
        self.assertEqual(self.tree()["other_roots"], [f"{self.project}/src/lib"])

    def test_a_link_to_a_file(self):
        self.link("conf.py", "../shared/lib/money.py")
        self.start_watchd("--pattern", "*.py")
        self.assert_counts(lambda: self.write("../shared/lib/money.py", "2"), "conf.py")
        self.assert_counts(lambda: (self.project / "conf.py").write_text("3"), "conf.py")
        self.write("../shared/lib/else.py")
        self.assert_counts(lambda: self.write("a.py", "2"), "a.py")

    def test_links_to_links_and_links_in_circles(self):
        self.link("lib", "../shared/first")
        (self.directory / "shared" / "first").symlink_to("lib")
        (self.directory / "shared" / "lib" / "up").symlink_to("..")
        (self.directory / "shared" / "lib" / "far").symlink_to("../../far")
        self.link("self", ".")
        self.write("../far/b.py")
        self.start_watchd()
        self.assert_counts(lambda: self.write("../shared/lib/money.py", "2"), "lib/money.py")
        self.assert_counts(lambda: self.write("../far/b.py", "2"), "lib/far/b.py")

    def test_unchanged_and_ignored_files_behind_a_link(self):
        self.git("init", "--quiet", self.project)
        self.git("init", "--quiet", self.directory / "shared")
        self.write("../shared/.gitignore", "*.log\n")
        self.link("lib", "../shared/lib")
        self.start_watchd("--ignore-unchanged", "--gitignore", "--pattern", "*.py", "lib/**")
        self.assert_does_not_count(lambda: self.write("../shared/lib/money.py", "x"))
        self.assert_does_not_count(lambda: self.write("../shared/lib/a.log"))
        self.assert_counts(lambda: self.write("../shared/lib/money.py", "2"), "lib/money.py")

    def test_a_new_link_and_a_switched_link(self):
        self.start_watchd("--pattern", "**/*.py")
        before = self.tree()["revision"]
        self.link("lib", "../shared/lib")
        self.wait_tree(lambda t: t["revision"] > before, "the new link")
        self.assert_counts(lambda: self.write("../shared/lib/money.py", "2"), "lib/money.py")
        before = self.tree()["revision"]
        self.link("lib", "../shared/other")
        self.wait_tree(lambda t: t["revision"] > before, "the switched link")
        self.watchd.wait_line("watching lib again$")
        self.assert_counts(lambda: self.write("../shared/other/b.py"), "lib/b.py")

    def test_a_link_in_a_folder_that_replaces_the_project(self):
        self.start_watchd()
        before = self.tree()["revision"]
        fresh = self.directory / "next"
        fresh.mkdir()
        (fresh / "lib").symlink_to("../shared/lib")
        self.project.rename(self.directory / "old")
        fresh.rename(self.project)
        self.wait_tree(lambda t: t["watching"] and t["revision"] > before, "the replacement")
        self.assert_counts(lambda: self.write("../shared/lib/money.py", "2"), "lib/money.py")

    @only_with("watchman")
    def test_a_link_that_is_made_while_watchman_is_away(self):
        self.start_watchd()
        before = self.tree()["revision"]
        self.watchman.kill()
        self.link("lib", "../shared/lib")
        self.wait_tree(lambda t: t["watching"] and t["revision"] > before, "the change")
        self.assert_counts(lambda: self.write("../shared/lib/money.py", "2"), "lib/money.py")

    def test_a_switched_link_to_a_file(self):
        self.write("../shared/other/b.py")
        self.link("conf.py", "../shared/lib/money.py")
        self.start_watchd()
        before = self.tree()["revision"]
        self.link("conf.py", "../shared/other/b.py")
        # The link counts, and then the new target, whose earlier changes are unknown.
        self.wait_tree(lambda t: t["revision"] >= before + 2, "the watch of the new target")
        self.assert_counts(lambda: self.write("../shared/other/b.py", "2"), "conf.py")

    @only_with("watchman")
    def test_changes_while_watchd_is_away_are_named(self):
        self.link("lib", "../shared/lib")
        self.start_watchd()
        self.watchd.end()
        self.assert_counts(lambda: (self.write("../shared/lib/b.py"), self.start_watchd()), "lib/b.py")


class NeverStale(RestartTest):
    """A request after a save in a root is answered by the new code, with the right cause."""

    def setUp(self):
        super().setUp()
        self.save("../shared/text", "first")

    def check(self, count):
        client = self.client()
        for i in range(count):
            if i % 2:
                (self.project / "../shared/text").write_text(str(i))
            else:
                self.save("../shared/text", str(i))
            self.assertEqual(client.ask(keeps=i % 4 < 2).text, str(i))
        self.assert_one_at_a_time()

    def test_in_a_root(self):
        self.start("--root", "../shared", text="../shared/text")
        self.check(PAIRS)
        self.hpp.wait_line(r"\.\./shared/text changed")

    def test_in_the_root_of_a_pattern(self):
        self.start("--pattern", "../shared/te*", text="../shared/text")
        self.check(PAIRS // 3)

    def test_in_a_root_that_is_replaced(self):
        self.start("--root", "../shared", text="../shared/text")
        client = self.client()
        shared = self.directory / "shared"
        for i in range(20):
            self.save("../next/text", str(i))
            shared.rename(self.directory / f"old{i}")
            (self.directory / "next").rename(shared)
            answer = client.ask()
            self.assertEqual((answer.status, answer.text), (200, str(i)))

    def test_behind_links(self):
        (self.project / "lib").symlink_to("../shared")
        (self.project / "conf").symlink_to("../shared/text")
        for text in ("lib/text", "conf"):
            with self.subTest(text):
                self.start("--pattern", text, text=text)
                self.check(PAIRS // 3)
                self.hpp.wait_line(f"{text} changed")
                self.hpp.end()

    def test_behind_a_switched_link(self):
        for name in ("0", "1"):
            (self.directory / name).mkdir()
        fresh = self.project / "fresh"
        os.symlink("../shared", self.project / "lib")
        self.start("--pattern", "lib/*", text="lib/text")
        client = self.client()
        for i in range(20):
            self.save(f"../{i % 2}/text", str(i))
            os.symlink(f"../{i % 2}", fresh)
            fresh.rename(self.project / "lib")
            answer = client.ask()
            self.assertEqual((answer.status, answer.text), (200, str(i)))
