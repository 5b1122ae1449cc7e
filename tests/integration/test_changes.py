"""The ways in which programs change files: what hpp-watchd publishes, and that the answer to a ticket
covers every change before the ticket. Each source of changes must pass."""

import ctypes
import os
import re
import shutil
import socket
import subprocess
import time
import unittest

from harness import IntegrationTest, get, only_with
from test_watchd import TicketTest

SETTLE_S = 0.02  # the pause after which a change is published without a ticket
VIM = shutil.which("vim") or "vim.tiny"
DIGEST_SIZE_MAX = 64 << 20  # hpp does not read longer files (watchd/digest.h)
CHANGED_MAX = 20  # names in a snapshot (kChangedPathsMax)


class ChangeTest(TicketTest):
    def setUp(self):
        super().setUp()
        self.path = self.write("app.py", "old\n")

    def watch(self, *arguments):
        self.start_watchd(*arguments)
        self.ask()

    def publish(self, act):
        """Does `act`, then asks. Returns what was published up to the answer: how many revisions, the
        set of all names, and how many files. Checks that nothing follows."""
        first, before = len(self.told.messages), self.told.last["revision"]
        act()
        end, revision, names, count = self.ask()["revision"], before, set(), 0
        for _, tree in self.told.messages[first:]:
            if revision < tree["revision"] <= end:
                revision = tree["revision"]
                names.update(tree["changed"])
                count += tree["changed_count"]
        self.assertEqual(self.ask()["revision"], end, "a change was published after the answer")
        return end - before, names, count

    def assert_publishes(self, act, *names, maybe=None, steps=1):
        """Checks that `act` is published as changes of these files. The pattern `maybe` matches further
        names that only some sources publish, or only under load. `act` makes at most `steps` changes
        one after another, and each may become a revision if the next one comes late."""
        revisions, published, _ = self.publish(act)
        if maybe:
            published = {name for name in published if name in names or not re.fullmatch(maybe, name)}
        self.assertEqual(published, set(names))
        self.assertIn(revisions, range(1, steps + 1))

    def assert_publishes_nothing(self, act):
        self.assertEqual(self.publish(act), (0, set(), 0))

    def run_tool(self, *command):
        """Runs a program in the project. It must succeed."""
        done = subprocess.run([str(word) for word in command], cwd=self.project, check=False,
                              stdin=subprocess.DEVNULL, capture_output=True, text=True,
                              env={**self.environment, "HOME": str(self.directory)})
        self.assertEqual(done.returncode, 0, (command, done.stdout, done.stderr))


class Editors(ChangeTest):
    def assert_saves(self, save, maybe=None, steps=1):
        """Checks a way to save. The second save finds the backup that the first one has made."""
        for text in ("first\n", "second\n"):
            self.assert_publishes(lambda text=text: save(text), "app.py", maybe=maybe, steps=steps)
            self.assertEqual(self.path.read_text(), text)

    def test_in_place(self):
        self.watch()
        self.assert_saves(self.path.write_text, steps=2)

    def test_a_temporary_file_is_renamed(self):
        def save(text):
            temporary = self.project / "app.py.1234"
            temporary.write_text(text)
            temporary.rename(self.path)

        self.watch()
        self.assert_saves(save, maybe="app.py.1234", steps=3)

    def test_a_file_without_a_name_is_linked(self):
        def save(text):
            file = os.open(self.project, os.O_TMPFILE | os.O_WRONLY)
            os.write(file, text.encode())
            self.path.unlink()
            os.link(f"/proc/self/fd/{file}", self.path, src_dir_fd=file)  # linkat(2), not link(2)
            os.close(file)

        self.watch()
        self.assert_saves(save, steps=2)

    def test_vim(self):
        self.watch()
        for copy in ("yes", "no", "auto", "yes,breaksymlink", "auto,breakhardlink"):
            for backup in ("backup", "nobackup writebackup", "nobackup nowritebackup"):
                options = f"set updatecount=1 swapfile backupcopy={copy} {backup}"
                with self.subTest(options):
                    self.assert_saves(lambda text, options=options: self.run_tool(
                        VIM, "-u", "NONE", "-i", "NONE", "-N", "-es", "-c", options, "-c",
                        f"%s/.*/{text.strip()}/", "-c", "wq", "app.py"), steps=4)

    def test_jetbrains(self):
        def save(text):
            fresh, old = (self.project / f"app.py___jb_{which}___" for which in ("tmp", "old"))
            fresh.write_text(text)
            self.path.rename(old)
            fresh.rename(self.path)
            old.unlink()

        self.watch()
        self.assert_saves(save, steps=2)

    def test_emacs(self):
        """Emacs also writes a lock, a file with the unsaved text, and a backup."""

        def save(text):
            lock, unsaved = self.project / ".#app.py", self.project / "#app.py#"
            lock.symlink_to("user@host.1234:1700000000")
            unsaved.write_text(text)
            self.path.rename(self.project / "app.py~")
            self.path.write_text(text)
            unsaved.unlink()
            lock.unlink()

        self.watch()
        self.assert_saves(save, steps=3)


class Tools(ChangeTest):
    def test_sed(self):
        self.watch()
        self.assert_publishes(lambda: self.run_tool("sed", "-i", "s/old/new/", "app.py"), "app.py",
                              maybe="sed.{6}", steps=3)

    def test_rsync(self):
        source = self.directory / "source"
        (source / "deep").mkdir(parents=True)
        for name in ("app.py", "deep/b.py"):
            (source / name).write_text("from the source\n")
        self.watch()
        temporary = r"(deep/)?\.(app|b)\.py\..{6}"
        self.assert_publishes(lambda: self.run_tool("rsync", "-a", f"{source}/", "."), "app.py",
                              "deep/b.py", maybe=temporary, steps=6)
        self.assert_publishes_nothing(lambda: self.run_tool("rsync", "-a", f"{source}/", "."))
        (source / "deep" / "b.py").write_text("longer than before\n")
        self.assert_publishes(lambda: self.run_tool("rsync", "-a", "--inplace", f"{source}/", "."),
                              "deep/b.py", steps=3)

    def test_cp_with_the_old_time(self):
        """Neither the size nor the time of modification differs."""
        other = self.directory / "other.py"
        other.write_text("new\n")
        os.utime(other, (1, 1))
        os.utime(self.path, (1, 1))
        self.watch()
        self.assert_publishes(lambda: self.run_tool("cp", "-p", other, "app.py"), "app.py", steps=3)
        self.assert_publishes(lambda: self.run_tool("cp", "-p", other, "b.py"), "b.py", steps=3)

    def test_attributes(self):
        self.watch()
        self.assert_publishes(lambda: os.utime(self.path), "app.py")
        self.assert_publishes(lambda: os.utime(self.path, (1, 1)), "app.py")
        self.assert_publishes(lambda: self.path.chmod(0o755), "app.py")
        self.assert_publishes(lambda: os.truncate(self.path, 1), "app.py")
        self.assert_publishes_nothing(self.path.read_text)

    def test_npm_install(self):
        package = self.directory / "package"
        package.mkdir()
        (package / "index.js").write_text("module.exports = 1;\n")
        (package / "package.json").write_text('{"name": "thing", "version": "1.0.0"}\n')
        self.write("package.json", '{"name": "project", "private": true}\n')
        subprocess.run(["tar", "-czf", "thing.tgz", "package"], cwd=self.directory, check=True)
        self.watch()
        self.assert_publishes(
            lambda: self.run_tool("npm", "install", "--offline", "--no-audit", "--no-fund", "../thing.tgz"),
            "package.json", "package-lock.json", "node_modules/.package-lock.json",
            "node_modules/thing/index.js", "node_modules/thing/package.json",
            maybe=r"(node_modules/)?\.?(package(-lock)?\.json|thing-).*", steps=10)


class Names(ChangeTest):
    def test_created_renamed_and_deleted(self):
        self.watch()
        b = self.project / "b.py"
        self.assert_publishes(lambda: self.path.rename(b), "app.py", "b.py")
        self.assert_publishes(lambda: b.rename(self.directory / "b.py"), "b.py")
        self.assert_publishes(lambda: (self.directory / "b.py").rename(b), "b.py")
        self.assert_publishes(b.unlink, "b.py")
        self.assert_publishes(lambda: self.write(".env"), ".env")

    def test_two_files_are_exchanged(self):
        self.write("b.py", "b")
        self.watch()

        def exchange():
            at_cwd, rename_exchange = -100, 2
            paths = (os.fsencode(self.project / name) for name in ("app.py", "b.py"))
            first, second = paths
            self.assertEqual(ctypes.CDLL(None).renameat2(at_cwd, first, at_cwd, second,
                                                         rename_exchange), 0)

        self.assert_publishes(exchange, "app.py", "b.py")

    def test_hard_links(self):
        """A write is published under the name that was used. A source that compares files names each."""
        self.watch()
        self.assert_publishes(lambda: os.link(self.path, self.project / "b.py"), "b.py", maybe="app.py")
        self.assert_publishes(lambda: self.path.write_text("new\n"), "app.py", maybe="b.py", steps=2)
        self.assert_publishes((self.project / "b.py").unlink, "b.py", maybe="app.py")

    @only_with("poll")
    def test_a_hard_link_outside_the_project(self):
        """The kernel reports a write under the name that was used, so no other source can see it."""
        outside = self.directory / "outside.py"
        os.link(self.path, outside)
        self.watch()
        self.assert_publishes(lambda: outside.write_text("new\n"), "app.py", steps=2)

    def test_symbolic_links(self):
        self.watch()
        link, fresh = self.project / "link", self.directory / "link"
        self.assert_publishes(lambda: link.symlink_to("nowhere"), "link")
        fresh.symlink_to("app.py")
        self.assert_publishes(lambda: fresh.rename(link), "link")
        self.assert_publishes(lambda: link.write_text("through the link\n"), "app.py", steps=2)
        self.assert_publishes(link.unlink, "link")

    def test_pipes_sockets_and_directories(self):
        self.watch()
        pipe, folder = self.project / "pipe", self.project / "folder"
        self.assert_publishes_nothing(lambda: os.mkfifo(pipe))
        self.assert_publishes_nothing(pipe.unlink)
        with socket.socket(socket.AF_UNIX) as server:
            self.assert_publishes_nothing(lambda: server.bind(str(self.project / "socket")))
        self.assert_publishes_nothing(folder.mkdir)
        self.assert_publishes_nothing(lambda: folder.chmod(0o700))
        self.assert_publishes_nothing(folder.rmdir)

    def test_any_bytes(self):
        self.watch()
        for name in (b"\xff\xfe.py", b"new\nline", b"tab\t\x01\x7f", b" ", b"-", b"\\", b"\"'", b"*?[a]",
                     b"...", b"x" * 255, "ü ☃".encode(), b"e\xcc\x81", b"\xff/\xfe/a"):
            with self.subTest(name):
                path = self.project / os.fsdecode(name)
                path.parent.mkdir(parents=True, exist_ok=True)
                shown = name.decode(errors="replace")
                self.assert_publishes(path.touch, shown)
                self.assert_publishes(path.unlink, shown)


class Directories(ChangeTest):
    def test_files_at_once(self):
        """A file is written before a watcher can know its directory."""
        self.watch()
        for i in range(20):
            self.assert_publishes(lambda i=i: self.run_tool(
                "sh", "-c", f"mkdir -p {i}/b/c && echo x >{i}/b/c/d.py"), f"{i}/b/c/d.py", steps=2)

    def test_deleted_and_created_again(self):
        self.write("a/b/c.py")
        self.watch()
        folder = self.project / "a"
        for text in ("1", "2", "3"):
            self.assert_publishes(lambda: shutil.rmtree(folder), "a/b/c.py")
            self.assert_publishes(lambda text=text: self.write("a/b/c.py", text), "a/b/c.py")
            self.assert_publishes(
                lambda text=text: (shutil.rmtree(folder), self.write("a/b/c.py", text * 2)),
                "a/b/c.py", steps=2)

    def test_moved_in_and_out(self):
        self.watch()
        inside, outside = self.project / "a", self.directory / "a"
        (outside / "b").mkdir(parents=True)
        for turn in range(3):
            (outside / "b" / "c.py").write_text(str(turn))
            self.assert_publishes(lambda: outside.rename(inside), "a/b/c.py")
            self.assert_publishes(lambda turn=turn: self.write("a/b/c.py", f"{turn}!"), "a/b/c.py")
            self.assert_publishes(lambda: inside.rename(outside), "a/b/c.py")
            self.assert_publishes_nothing(lambda: (outside / "b" / "c.py").write_text("outside"))

    def test_renamed(self):
        self.write("a/b/c.py")
        self.watch()
        a, z = self.project / "a", self.project / "z"
        self.assert_publishes(lambda: a.rename(z), "a/b/c.py", "z/b/c.py")
        self.assert_publishes(lambda: self.write("z/b/c.py", "1"), "z/b/c.py")
        self.assert_publishes(lambda: self.write("a/b/c.py", "2"), "a/b/c.py")
        self.assert_publishes(lambda: self.write("z/b/c.py", "3"), "z/b/c.py")

    def test_replaced(self):
        """Another directory has its name before the next look."""
        self.write("a/b.py")
        self.watch()
        for turn in range(3):
            other = self.directory / "other"
            other.mkdir()
            (other / f"{turn}.py").touch()
            gone = "b.py" if turn == 0 else f"{turn - 1}.py"
            self.assert_publishes(lambda other=other, turn=turn: (
                (self.project / "a").rename(self.directory / f"old{turn}"),
                other.rename(self.project / "a")), f"a/{turn}.py", f"a/{gone}", steps=2)
            name = f"a/new{turn}.py"
            self.assert_publishes(lambda name=name: self.write(name), name)
            (self.project / name).unlink()
            self.ask()

    def test_three_thousand_files(self):
        self.watch()

        inside, outside = self.project / "many", self.directory / "many"

        def create():
            for i in range(3000):
                folder = inside / str(i % 30)
                folder.mkdir(parents=True, exist_ok=True)
                (folder / f"{i}.py").touch()

        def check(act):
            began = time.monotonic()
            revisions, names, count = self.publish(act)
            # Without a ticket, a report needs a pause between two changes, which are many under load.
            most = 1 + (time.monotonic() - began) // SETTLE_S
            self.assertGreaterEqual(count, 3000)
            self.assertTrue(1 <= revisions <= most, f"{revisions} revisions")
            self.assertLessEqual(len(names), revisions * CHANGED_MAX)

        check(create)
        check(lambda: inside.rename(outside))
        check(lambda: outside.rename(inside))
        check(lambda: shutil.rmtree(inside))


class OwnFiles(IntegrationTest):
    def test_a_run_directory_in_the_project(self):
        run = self.project / "run"
        run.mkdir(mode=0o700)
        self.environment["XDG_RUNTIME_DIR"] = str(run)
        hpp = self.start_ready(text="old")
        self.save_backend("new")
        self.assertEqual(get(hpp.url).text, "new")
        self.assertEqual(hpp.wait_state("Running", 2)["generation"], 2)


class Git(ChangeTest):
    def setUp(self):
        super().setUp()
        self.git("init", "--quiet", "--initial-branch", "one")
        self.write("same.py")
        self.commit("one")
        self.git("checkout", "--quiet", "-b", "two")
        self.write("app.py", "two\n")
        self.write("only/two.py")
        self.commit("two")
        self.git("checkout", "--quiet", "one")

    def commit(self, message):
        self.git("add", "--all")
        self.git("commit", "--quiet", "--message", message)

    def test_checkout(self):
        self.watch()
        for branch in ("two", "one", "two"):
            self.assert_publishes(lambda branch=branch: self.git("checkout", "--quiet", branch),
                                  "app.py", "only/two.py", steps=2)
        self.assert_publishes_nothing(lambda: self.git("checkout", "--quiet", "-b", "three"))

    def test_a_temporary_file_is_not_named(self):
        """`sed -i` and most editors write a temporary file, and rename it over the old one. git's lock
        delays the report until no such file is left."""
        gone = self.write("gone.py")
        lock, temporary = self.project / ".git" / "index.lock", self.project / "sedeszpX3"
        self.watch()

        def save():
            lock.touch()
            (self.project / "aaa-temporary").touch()
            (self.project / "aaa-temporary").unlink()
            gone.unlink()
            temporary.write_text("new")
            temporary.rename(self.path)
            lock.unlink()

        self.assert_publishes(save, "app.py", "gone.py")

    def test_commit(self):
        self.watch()
        self.assert_publishes(lambda: self.write("app.py", "three\n"), "app.py")
        self.assert_publishes_nothing(lambda: self.commit("three"))

    def test_stash(self):
        self.watch()
        self.assert_publishes(lambda: self.write("app.py", "unfinished\n"), "app.py")
        self.assert_publishes(lambda: self.git("stash"), "app.py", steps=2)
        self.assert_publishes(lambda: self.git("stash", "pop"), "app.py", steps=2)

    def test_rebase(self):
        self.git("checkout", "--quiet", "two")
        self.write("second.py")
        self.commit("second")
        self.git("checkout", "--quiet", "one")
        self.write("base.py")
        self.commit("base")
        self.git("checkout", "--quiet", "two")
        self.watch()
        # git takes its lock several times. A snapshot after the last one names only the newest batch.
        self.assert_publishes(lambda: self.git("rebase", "one"), steps=6,
                              maybe="base.py|app.py|second.py|only/two.py")
        self.assert_publishes_nothing(lambda: self.git("rebase", "one"))


class Contents(ChangeTest):
    def test_a_file_that_is_too_long_to_be_read(self):
        """It counts at each save, with the same content, too."""
        large = self.write("large")
        os.truncate(large, 1 << 40)
        self.watch("--ignore-unchanged")
        self.assert_publishes(lambda: os.utime(large), "large")
        self.assert_publishes_nothing(lambda: os.utime(self.path))
        self.assert_publishes(lambda: os.truncate(large, DIGEST_SIZE_MAX), "large")
        self.assert_publishes(lambda: os.truncate(large, DIGEST_SIZE_MAX - 1), "large")
        self.assert_publishes_nothing(lambda: os.utime(large))


if __name__ == "__main__":
    unittest.main()
