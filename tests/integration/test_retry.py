"""With --retry, hpp starts the server again after a crash that no save has caused."""

import json
import os
import signal
import time

from harness import Background, IntegrationTest, get, wait_for


class Retry(IntegrationTest):
    def start(self, *options, first=""):
        self.hpp = self.start_ready(*options, first=first)
        return self.hpp

    def crash(self):
        """Lets the server crash by a request, which is safe to repeat, but is not repeated."""
        request = Background(get, self.hpp.url + "crash")
        wait_for(lambda: self.hpp.snapshot().get("exit") == {"code": 3}, "the crash")
        return request

    def answer(self):
        answer = get(self.hpp.url, Accept="application/json")
        return answer.status, json.loads(answer.text)

    def test_a_crash_by_a_request(self):
        hpp = self.start("--retry", 2)
        self.crash()
        hpp.wait_line(r"Error: .*exit code 3.*; trying again in 1 s \(1 of 2\)$")
        status, told = self.answer()
        self.assertEqual((status, told["retry"]), (503, {"tries": 1, "most": 2, "pause_ms": 1000}))
        self.assertIn("hpp starts it by itself: trying again in 1 s (1 of 2).", get(hpp.url).text)
        self.assertEqual(hpp.wait_state("Running", 2)["cause"]["text"], "try 1 of 2 after a crash")
        self.assertEqual(get(hpp.url).text, "hello")

    def test_a_crash_by_a_signal(self):
        hpp = self.start("--retry", 1)
        os.kill(hpp.snapshot()["pid"], signal.SIGSEGV)
        hpp.wait_line(r"trying again in 1 s \(1 of 1\)")
        hpp.wait_state("Running", 2)
        self.assertEqual(self.spawns, 2)
        os.kill(hpp.snapshot()["pid"], signal.SIGKILL)
        hpp.wait_line("; gave up after 1 try; waiting for a change$")
        status, told = self.answer()
        self.assertEqual((status, told["retry"]["pause_ms"]), (503, 0))
        self.assertIn("hpp gave up after 1 try (--retry). Save a file and hpp starts your server again.",
                      get(hpp.url).text)
        self.save_backend("fixed")
        self.assertEqual(get(hpp.url).text, "fixed")
        os.kill(hpp.snapshot()["pid"], signal.SIGKILL)
        hpp.wait_state("Running", 4)  # the change has begun a new row

    def test_a_crash_that_a_save_has_caused(self):
        hpp = self.start("--retry", 3)
        self.save_backend(first="import sys; sys.exit(4)\n")
        self.assertEqual(hpp.wait_state("Error", 2)["retry"]["pause_ms"], 0)
        hpp.wait_line("exit code 4 .*; waiting for a change$")
        self.assertEqual(get(hpp.url).status, 503)

    def test_the_first_start_waits_for_another_program(self):
        """It crashes until a file is there that no pattern matches."""
        first = "import os, sys; os.path.exists('../database') or sys.exit('no database')\n"
        hpp = self.start_hpp("--retry", 5, "--exec", *self.save_backend(first=first))
        hpp.wait_line(r"exit code 1 .*; trying again in 1 s \(1 of 5\)$")
        (self.directory / "database").touch()
        hpp.wait_state("Running", 2)

    def test_a_save_ends_the_pause(self):
        hpp = self.start("--retry", 3, first="import os\n")
        self.crash()
        hpp.wait_state("Error")
        begun = time.monotonic()
        self.save_backend("saved")
        self.assertEqual(get(hpp.url).text, "saved")
        self.assertEqual(hpp.generation, 2)
        self.assertLess(time.monotonic() - begun, 1)

    def test_supervisord_is_killed_in_the_pause(self):
        hpp = self.start("--retry", 3)
        self.crash()
        hpp.wait_state("Error")
        killed = hpp.helper_pid("supervisord")
        os.kill(killed, signal.SIGKILL)
        hpp.wait_state("Running", 2)
        self.assertEqual(self.spawns, 2)

    def test_it_is_off(self):
        hpp = self.start()
        self.crash()
        hpp.wait_line("exit code 3.*; waiting for a change$")
        self.assertIsNone(self.answer()[1]["retry"])
