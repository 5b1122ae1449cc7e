"""Many restarts and requests leak no descriptor, process, file or memory.

The ordinary test run plays a few hundred; tools/soak plays many more, and also measures an idle hpp."""

import collections
import contextlib
import os
import pathlib
import re
import time
import unittest

from harness import children_of, memory_of, stat_fields, wait_for
from restarts import Load, RestartTest, is_sanitized

SOAKS = "HPP_SOAK" in os.environ
RESTARTS = 1000 if SOAKS else 25
REQUESTS = 1_000_000 if SOAKS else 2_000
HELPERS = ("proxyd", "watchd", "supervisord")
KIB = 1024
# How much more memory an allocator may keep after one round than after another. It may keep more once,
# after a busy round. A leak grows in every round.
GROWTH_MAX = 512 * KIB
ROUNDS = 3
# Snapshots are sent again after 1, 2, 4, 8 s, and then every 16 s.
CALM_S = 32
REST_S = 16


def has_settled(sizes):
    """Whether a process has not grown in the last round."""
    return sizes[-1] - sizes[-2] < GROWTH_MAX


class Process:
    def __init__(self, pid):
        self.pid = pid
        self.directory = pathlib.Path(f"/proc/{pid}")

    def descriptors(self):
        """How many descriptors of each kind the process has open."""
        kinds = collections.Counter()
        for entry in (self.directory / "fd").iterdir():
            with contextlib.suppress(FileNotFoundError):  # closed meanwhile
                kinds[re.sub(r"\d+", "N", os.readlink(entry))] += 1
        return kinds

    def wake_ups(self):
        """The number of wake-ups of all its threads so far."""
        count = 0
        for task in (self.directory / "task").iterdir():
            text = (task / "status").read_text()
            count += int(re.search(r"^voluntary_ctxt_switches:\s+(\d+)", text, re.M).group(1))
        return count


class LongLife(RestartTest):
    def processes(self):
        pids = {"launch": self.hpp.pid, **{name: self.hpp.helper_pid(name) for name in HELPERS}}
        return {name: Process(pid) for name, pid in pids.items()}

    def zombies(self):
        """The zombies among the children of hpp's processes."""
        found = []
        for entry in pathlib.Path("/proc").glob("[0-9]*/stat"):
            try:
                fields = stat_fields(entry)
            except OSError:
                continue
            if fields[0] == "Z" and int(fields[1]) in self.pids:
                found.append(entry.parent.name)
        return found

    def play(self, restarts, requests):
        """Sends `requests` requests, with `restarts` saves evenly spread among them."""
        with Load(self.hpp.bind) as load:
            for number in range(restarts):
                generation = self.hpp.generation
                self.save_text(f"{generation}-{number}")
                self.hpp.wait_state("Running", generation + 1)
                load.wait_answers(requests // restarts)

    def test_nothing_leaks(self):
        self.start()
        processes = self.processes()
        self.pids = {self.hpp.pid, *(self.hpp.helper_pid(name) for name in HELPERS)}
        self.play(10, 1000)  # after this, everything that is allocated once is allocated
        files = sorted(os.listdir(self.hpp.run_directory))
        descriptors = {name: p.descriptors() for name, p in processes.items()}
        sizes = {name: [memory_of(p.pid)] for name, p in processes.items()}
        for _ in range(ROUNDS):
            self.play(RESTARTS, REQUESTS)
            for name, process in processes.items():
                sizes[name].append(memory_of(process.pid))
            if all(has_settled(of_one) for of_one in sizes.values()):
                break
        for name, process in processes.items():
            with self.subTest(name):
                # hpp closes the connections of clients that have left a moment later.
                wait_for(lambda: process.descriptors() <= descriptors[name],
                         lambda: f"the end of {process.descriptors() - descriptors[name]}")
                told = f"hpp-{name}: {', '.join(str(size // KIB) for size in sizes[name])} KiB"
                print(told)
                if not is_sanitized():  # a sanitizer keeps freed memory
                    self.assertTrue(has_settled(sizes[name]), told)
        self.assertEqual(self.zombies(), [])
        wait_for(lambda: sorted(os.listdir(self.hpp.run_directory)) == files,
                 lambda: f"{files}, not {os.listdir(self.hpp.run_directory)}")
        self.assertEqual(set(children_of(self.hpp.helper_pid("supervisord"))),
                         {self.hpp.snapshot()["pid"]})

    @unittest.skipUnless(SOAKS, "takes its time: tools/soak")
    def test_when_idle(self):
        self.start()
        processes = self.processes().values()
        time.sleep(CALM_S)
        before = sum(p.wake_ups() for p in processes)
        time.sleep(REST_S)  # count the wake-ups of an idle hpp
        rate = (sum(p.wake_ups() for p in processes) - before) / REST_S
        memory = sum(memory_of(p.pid, "Pss") for p in processes)
        print(f"idle: {rate:.1f} wake-ups a second, {memory // KIB} KiB, all four together")
        self.assertLess(rate, 10)
        self.assertLess(memory, 30 * KIB * KIB)


if __name__ == "__main__":
    unittest.main()
