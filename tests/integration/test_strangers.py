"""Other programs on the backend's port."""

import socket
import time
import unittest

from harness import (PYTHON, QUIET_S, Background, Connection, IntegrationTest, Program, free_port, get,
                     wait_for)

# A server on the given address that answers every request with `stranger`.
STRANGER = '''\
import http.server, os, socket, sys

class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        print(self.command, flush=True)
        self.send_response(200)
        self.send_header("Content-Length", "8")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(b"stranger")
    do_HEAD = do_GET
    def log_message(self, *_):
        pass

class Server(http.server.ThreadingHTTPServer):
    address_family = socket.AF_INET6 if ":" in sys.argv[1] else socket.AF_INET

server = Server((sys.argv[1], int(sys.argv[2])), Handler)
print("listens", flush=True)
server.serve_forever()
'''


# Waits for the file `go`, and then listens at once, because a stranger that has been the only listener
# for two seconds is accepted.
WAITING = '''\
import http.server, os, socket, time
http.server.HTTPServer.address_family = socket.{family}
while not os.path.exists({go!r}):
    time.sleep(0.005)
'''


class Stranger(IntegrationTest):
    def start_stranger(self, host, port):
        (self.directory / "stranger.py").write_text(STRANGER)
        stranger = self._keep(Program([PYTHON, self.directory / "stranger.py", host, port],
                                      self.directory, self.environment))
        stranger.wait_line("listens")
        return stranger

    def start_waiting(self, host):
        """Starts hpp with a server that listens on `host` once the file `go` exists."""
        command = self.save_backend("ours")
        code = (self.project / "app.py").read_text().replace('"localhost"', repr(host))
        self.save("app.py", WAITING.format(family="AF_INET6" if ":" in host else "AF_INET",
                                           go=str(self.directory / "go")) + code)
        hpp = self.start_hpp("--exec", *command)
        hpp.wait_state("Loading")
        wait_for(lambda: hpp.snapshot()["pid"], "the backend's pid")
        return hpp

    def go(self):
        (self.directory / "go").touch()

    def check_is_never_asked(self, strangers, ours):
        hpp = self.start_waiting(ours)
        stranger = self.start_stranger(strangers, hpp.backend)
        request = Background(get, hpp.url)
        time.sleep(QUIET_S)  # hpp finds the stranger, but must not count the server as ready
        self.assertEqual(hpp.state, "Loading")
        self.go()
        self.assertEqual(request.result().text, "ours")
        for _ in range(20):
            self.assertEqual(get(hpp.url).text, "ours")
        self.assertEqual(stranger.output("out"), "listens", "hpp must not even send it a ready request")

    @unittest.skipUnless(socket.has_dualstack_ipv6(), "no IPv6")
    def test_on_the_other_address_gets_no_request(self):
        self.check_is_never_asked("::1", "127.0.0.1")

    @unittest.skipUnless(socket.has_dualstack_ipv6(), "no IPv6")
    def test_on_the_address_that_is_tried_first_gets_no_request(self):
        self.check_is_never_asked("127.0.0.1", "::1")

    def test_is_accepted_after_a_while_and_named(self):
        hpp = self.start_waiting("127.0.0.1")
        stranger = self.start_stranger("127.0.0.1", hpp.backend)
        self.assertEqual(get(hpp.url).text, "stranger")
        hpp.wait_line(rf"requests go to pid {stranger.pid} .* is no process of your command")
        self.assertIn(f"pid {stranger.pid} ", hpp.snapshot()["stranger"])

    @unittest.skipUnless(socket.has_dualstack_ipv6(), "no IPv6")
    def test_is_replaced_by_a_server_that_listens_later(self):
        hpp = self.start_waiting("::1")
        self.start_stranger("127.0.0.1", hpp.backend)
        with Connection(hpp.bind) as client:  # proxyd keeps the connection to the stranger
            client.ask()
            self.assertEqual(client.read_response().text, "stranger")
            self.go()
            hpp.wait_line("your server listens on .* now")
            wait_for(lambda: get(hpp.url).text == "ours", "an answer of our server")
            client.ask()
            self.assertEqual(client.read_response().text, "ours")

    def test_on_the_port_is_named_and_waited_for(self):
        hpp = self.start_waiting("127.0.0.1")
        stranger = self.start_stranger("127.0.0.1", hpp.backend)
        wait_for(lambda: hpp.state == "Running", "the stranger to be accepted")
        self.go()
        hpp.wait_state("Error")
        self.save("change", "")
        hpp.wait_line(rf"port {hpp.backend} is in use by pid {stranger.pid} .*kill {stranger.pid};")
        self.assertEqual(get(hpp.url).status, 503)
        generation = hpp.generation
        stranger.end()
        hpp.wait_state("Running")
        self.assertEqual(get(hpp.url).text, "ours")
        self.assertEqual(hpp.generation, generation, "the same generation")

    def test_on_the_port_during_the_boot_is_waited_for(self):
        hpp = self.start_waiting("127.0.0.1")
        stranger = self.start_stranger("127.0.0.1", hpp.backend)
        time.sleep(QUIET_S)  # hpp finds the stranger, but does not accept it yet
        self.go()
        hpp.wait_line(rf"port {hpp.backend} is in use by pid {stranger.pid} ")
        stranger.end()
        hpp.wait_state("Running")
        self.assertEqual(get(hpp.url).text, "ours")

    def test_a_busy_port_is_tried_again_without_more_messages(self):
        port = free_port()
        stranger = self.start_stranger("127.0.0.1", port)
        hpp = self.start_hpp("--exec", *self.save_backend("ours"), backend=port)
        for last in ("is in use by", "hpp-watchd: watching "):
            hpp.wait_line(last)
        self.assertEqual(get(hpp.url).status, 503)
        lines = len(hpp.lines)
        snapshot = hpp.snapshot()
        time.sleep(3 * QUIET_S)
        self.assertEqual(hpp.transcript().splitlines()[lines:], [])
        self.assertEqual(hpp.snapshot(), snapshot)
        stranger.end()
        hpp.wait_state("Running")
        self.assertEqual(get(hpp.url).text, "ours")


if __name__ == "__main__":
    unittest.main()
