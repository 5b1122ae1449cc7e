"""The first test of hpp's predecessor: a directory listing, served by a command whose real server is a
grandchild. It must die at each restart, or the next server finds its port in use."""

import unittest

from harness import PYTHON, Background, IntegrationTest, free_port, get, processes_with, wait_for


class Listing(IntegrationTest):
    def setUp(self):
        super().setUp()
        self.save("already-there", "")
        self.backend = free_port()
        script = f"sleep 0.1 && {PYTHON} -m http.server {self.backend}"
        self.hpp = self.start_ready("--exec", "sh", "-c", script, backend=self.backend)

    def servers(self):
        mark = processes_with("HPP_TEST", self.mark)
        return [pid for pid, command in mark.items() if "-m http.server" in command
                and not command.startswith("sh") and "hpp-" not in command]

    def change_and_get(self, change):
        """Makes a change, and sends a request as soon as hpp has noticed the change. The request is held,
        because the old server is being killed or the new one is starting."""
        generation = self.hpp.generation
        change()
        wait_for(lambda: self.hpp.generation > generation, "the restart")
        answer = Background(get, self.hpp.url).result()
        self.assertEqual(answer.status, 200)
        self.hpp.wait_state("Running", generation + 1)
        return answer.text

    def test_shows_what_is_touched_and_removed(self):
        x = self.project / "x"
        self.assertNotIn('"x"', get(self.hpp.url).text)
        for _ in range(3):
            before = self.servers()
            self.assertEqual(len(before), 1)
            self.assertIn('"x"', self.change_and_get(x.touch))
            self.assertNotIn(before[0], self.servers())
            self.assertNotIn('"x"', self.change_and_get(x.unlink))
        self.assertEqual(len(self.servers()), 1)

    def test_holds_requests_while_the_backend_loads(self):
        generation = self.hpp.generation
        (self.project / "x").touch()
        wait_for(lambda: self.hpp.generation > generation, "the restart")
        # http.server has a backlog of five connections. The kernel would drop further ones, and
        # connecting again takes a second.
        requests = [Background(get, self.hpp.url) for _ in range(5)]
        for request in requests:
            answer = request.result()
            self.assertEqual(answer.status, 200)
            self.assertIn('"x"', answer.text)

    def test_leaves_no_server_behind(self):
        self.hpp.stop()
        self.assert_nothing_left()


if __name__ == "__main__":
    unittest.main()
