"""Measures how long hpp-watchd takes to watch a large tree, and how much memory it needs, for each
source of changes.

Run it with tools/bench start. The files were just made, so the kernel has their directories in
memory. Watchman is started again before each round, because it would otherwise know the tree.
"""

import os
import pathlib
import re
import select
import shutil
import signal
import statistics
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
from harness import BUILD_DIR, DEADLINE_S
from watchman import PrivateWatchman

WATCHD = BUILD_DIR / "watchd" / "hpp-watchd"


def private_bytes(pid):
    """The memory of a process that no other process shares."""
    text = pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text()
    return sum(int(kib) for kib in re.findall(r"^Private_\w+: +(\d+) kB", text, re.M)) * 1024


class StartUp:
    WATCHERS = ("watchman", "inotify", "poll")
    FOLDERS, FILES = 20_000, 5  # files per folder

    def __init__(self, directory, environment):
        self.project = directory / "project"
        self.runs = directory / "runs"
        self.environment = environment
        self.watchman = PrivateWatchman(directory / "watchman")
        self.seconds = {watcher: [] for watcher in self.WATCHERS}
        self.memory = {watcher: [] for watcher in self.WATCHERS}

    def start(self):
        for i in range(self.FOLDERS):
            folder = self.project / f"package-{i // 100}" / f"module-{i % 100}"
            folder.mkdir(parents=True)
            for j in range(self.FILES):
                (folder / f"component-{j}.txt").touch()

    def run(self, rounds):
        for turn in range(rounds):
            first = turn % len(self.WATCHERS)
            for watcher in self.WATCHERS[first:] + self.WATCHERS[:first]:
                self.measure(watcher)

    def measure(self, watcher):
        if watcher == "watchman":
            self.watchman.command("watch-del-all")  # or the next Watchman watches the tree at once
            self.watchman.stop()
            self.watchman.start()
        self.runs.mkdir(mode=0o700)
        begin = time.monotonic()
        with subprocess.Popen([WATCHD, "--run-dir", self.runs, "--watcher", watcher, "--verbose"],
                              cwd=self.project, env=self.environment, stderr=subprocess.PIPE) as watchd:
            self.wait_watching(watchd)
            self.seconds[watcher].append(time.monotonic() - begin)
            memory = private_bytes(watchd.pid)
            if watcher == "watchman":
                memory += private_bytes(self.watchman.pid)
            self.memory[watcher].append(memory)
            watchd.send_signal(signal.SIGTERM)
        shutil.rmtree(self.runs)

    @staticmethod
    def wait_watching(watchd):
        text = b""
        while b"hpp-watchd: watching " not in text:
            if not select.select([watchd.stderr], [], [], DEADLINE_S)[0]:
                raise SystemExit(f"hpp-watchd does not watch: {text}")
            block = os.read(watchd.stderr.fileno(), 65536)
            if not block:
                raise SystemExit(f"hpp-watchd ended: {text}")
            text += block

    def print(self):
        count = f"{self.FOLDERS * self.FILES:,} files in {self.FOLDERS:,} folders"
        print(f"{count:40}{'Watchman':>10}{'inotify':>10}{'poll':>10}")
        for name, values, unit in (("from the start to the watch, s", self.seconds, 1),
                                   ("private memory, MB", self.memory, 1e6)):
            cells = "".join(f"{statistics.median(values[w]) / unit:10.2f}" for w in self.WATCHERS)
            print(f"{name:40}{cells}", flush=True)

    def end(self):
        self.watchman.stop()
