"""A restart never causes a refused connection or an empty reply. What happens to a request when the
backend is killed, for each stage of the request."""

import json
import os
import random
import re
import resource
import select
import signal
import socket
import struct
import time
import unittest

from harness import PYTHON, Background, Connection, IntegrationTest, freeze, wait_for
from restarts import SAFE, UPGRADE, Load, RestartTest, is_sanitized

RESTARTS = 30 if is_sanitized() else 100


class UnderLoad(RestartTest):
    """Clients GET without pause while the backend is restarted. Each GET is answered with 200."""

    def wait_text(self, text):
        client = self.client()
        wait_for(lambda: client.ask().text == text, f"an answer that says {text}")

    def restart_often(self):
        with Load(self.hpp.bind) as load:
            for i in range(RESTARTS):
                self.save_text(str(i))
                self.wait_text(str(i))
                load.wait_answers(8)
        self.assertGreaterEqual(self.hpp.generation, RESTARTS)
        self.assert_one_at_a_time()

    def restart_bare_often(self, *backend):
        self.start(backend=["--no-reuse", *backend])
        self.restart_often()
        self.assertNotIn("bind:", self.hpp.output("err"))

    def test_many_restarts(self):
        self.start()
        self.restart_often()

    def test_many_restarts_of_a_backend_without_so_reuseaddr(self):
        """Such a server cannot bind while a connection to the previous one is in TIME_WAIT, so hpp, which
        keeps connections to the backend, must not leave any. One failure to bind would be the state
        Error, and so a 503."""
        self.restart_bare_often()

    def test_many_restarts_of_such_a_backend_that_closes_after_each_answer(self):
        """The TIME_WAIT would be at the backend's end."""
        self.restart_bare_often("--one-by-one")

    def test_a_hundred_saves_within_a_second(self):
        self.start()
        with Load(self.hpp.bind):
            for i in range(100):
                self.save_text(str(i))
                time.sleep(0.01)  # the rate of saves is what the test needs
            self.wait_text("99")
        self.assertEqual(self.log("start")[-1], "start 99")
        self.assert_one_at_a_time()

    def test_saves_at_every_instant(self):
        """Saves at random times, so in Loading, in Killing and at the spawn. The backend's time to boot
        varies. The last save must be served."""
        seed = random.randrange(1 << 32)
        with self.subTest(seed=seed):
            rng = random.Random(seed)
            self.start(backend=["--boot-max", 100])
            last = None
            with Load(self.hpp.bind, count=2):
                for _ in range(10):
                    for _ in range(rng.randrange(1, 10)):
                        last = str(rng.random())
                        self.save_text(last)
                        time.sleep(rng.choice((0, 0.002, 0.02, 0.1)) * rng.random())
                    self.wait_text(last)
            self.assertEqual(self.log("start")[-1], f"start {last}")
            self.assert_one_at_a_time()


class SlowProxy(RestartTest):
    def test_a_backend_without_so_reuseaddr_starts_after_the_release(self):
        """The new backend must not be started before proxyd has released the previous generation. On a
        busy machine, proxyd may stand still for longer than a backend takes to boot."""
        self.start(backend=["--no-reuse"])
        self.assertEqual(self.client().ask().text, "first")
        proxyd = self.hpp.helper_pid("proxyd")
        freeze(proxyd)
        self.save_text("new")
        self.hpp.wait_state("Killing")
        time.sleep(0.3)  # longer than hpp waits for other clients' connections
        self.assertEqual(self.hpp.snapshot("supervisord")["state"], "Killing")
        os.kill(proxyd, signal.SIGCONT)
        self.assertEqual(self.client().ask().text, "new")
        self.assertNotIn("bind:", self.hpp.output("err"))


# Half-closes a connection after a POST, and prints a line when the proxy has closed its end.
LEAVES = """\
import os, pathlib, socket, sys
os.chdir(sys.argv[2])
server = socket.create_server(("127.0.0.1", int(sys.argv[1])))
while True:
    connection = server.accept()[0]
    request = connection.recv(65536)
    if b"POST" not in request:
        connection.sendall(b"HTTP/1.1 200 OK\\r\\nContent-Length: 0\\r\\nConnection: close\\r\\n\\r\\n")
        connection.close()
        continue
    connection.shutdown(socket.SHUT_WR)
    while connection.recv(65536):
        pass
    pathlib.Path("left").touch()
"""


class StoppedProxy(IntegrationTest):
    def test_a_crash_that_was_published_meanwhile_is_reported(self):
        """A backend closes a connection, and then exits. Its end is published within the 250 ms in which
        proxyd waits for that, but proxyd is stopped, and runs again only later."""
        hpp = self.start_hpp("--barrier", "off", "--exec", PYTHON, "-c", LEAVES, "{backend}",
                             self.directory)
        hpp.wait_ready()
        proxyd = hpp.helper_pid("proxyd")
        client = wait_for(lambda: self.ask_and_freeze(hpp, proxyd), "proxyd to be frozen in time")
        os.kill(hpp.snapshot()["pid"], signal.SIGKILL)
        hpp.wait_state("Error")
        time.sleep(0.3)  # until proxyd would have given up
        os.kill(proxyd, signal.SIGCONT)
        answer = client.read_response()
        self.assertEqual((answer.status, json.loads(answer.text)["reason"]), (503, "crashed"))

    def ask_and_freeze(self, hpp, proxyd):
        """Sends a request, and freezes proxyd when it has noticed that the backend has closed the
        connection. Returns the client; None if proxyd had given up before it was frozen."""
        left = self.directory / "left"
        left.unlink(missing_ok=True)
        client = Connection(hpp.bind)
        self.addCleanup(client.socket.close)
        client.ask("POST", headers=[("Content-Length", 0), ("Accept", "application/json")])
        wait_for(left.exists, "proxyd to have noticed", pause_s=0.001)
        freeze(proxyd)
        if client.is_quiet(0):
            return client
        os.kill(proxyd, signal.SIGCONT)
        return None


class InFlight(RestartTest):
    """The backend is killed while it processes a request."""

    def ask_unanswered(self, method="GET", path="/only/new", **keywords):
        """Sends a request that this backend does not answer; returns it when the backend has it."""
        asking = Background(self.client().ask, method, path, **keywords)
        self.wait_log(f"{method} {path} first")
        return asking

    def test_a_safe_request_is_answered_by_the_next_backend(self):
        self.start()
        requests = [self.ask_unanswered(method) for method in SAFE]
        self.save_text("new")
        for request in requests:
            answer = request.result()
            self.assertEqual((answer.status, answer.header("X-Text")), (200, "new"))
        for method in SAFE:
            self.assertEqual(self.log(f"{method} /only/new"),
                             [f"{method} /only/new first", f"{method} /only/new new"])

    def test_safe_requests_are_not_rejected_by_a_full_queue(self):
        """They were accepted before, so the limit does not apply to them again."""
        self.start("--queue-limit", 1)
        requests = [self.ask_unanswered(method) for method in SAFE]
        self.save_text("new")
        for request in requests:
            answer = request.result()
            self.assertEqual((answer.status, answer.header("X-Text")), (200, "new"))

    def test_the_time_in_which_a_backend_worked_on_it_is_no_waiting_time(self):
        self.start("--queue-timeout", 2000)
        request = self.ask_unanswered()
        time.sleep(2.1)  # longer than the timeout
        self.save_text("new")
        answer = request.result()
        self.assertEqual((answer.status, answer.text), (200, "new"))
        held_ms = re.search(r"hold;dur=([0-9.]+)", answer.header("Server-Timing"))[1]
        self.assertLess(float(held_ms), 2000)

    def test_a_safe_request_waits_for_the_last_of_several_backends(self):
        self.start()
        request = self.ask_unanswered()
        for text in ("second", "third"):
            self.save_text(text)
            self.wait_log(f"GET /only/new {text}")
        self.save_text("new")
        self.assertEqual(request.result().text, "new")

    def test_any_other_request_is_executed_once_and_gets_the_reason(self):
        self.start()
        request = self.ask_unanswered("POST", headers=[("Content-Length", 4)], body=b"body")
        self.save_text("new")
        answer = request.result()
        self.assertEqual(answer.status, 503)
        self.assertEqual(answer.header("Retry-After"), "1")
        self.assertRegex(answer.text, r"(?s)not sent again.*because")
        wait_for(lambda: self.client().ask().text == "new", "the new backend")
        self.assertEqual(self.log("POST"), ["POST /only/new first"])

    def test_an_unfinished_upload_is_never_executed(self):
        self.start()
        client = self.connection()
        client.ask("POST", headers=[("Content-Length", 1_000_000), ("Expect", "100-continue")])
        self.assertEqual(client.read_head()[0], 100)
        client.send(bytes(100_000))
        self.save_text("new")
        self.assertEqual(client.read_response().status, 503)
        wait_for(lambda: self.client().ask().text == "new", "the new backend")
        self.assertEqual(self.log("POST"), [])

    def test_a_request_that_crashes_the_backend_gets_the_reason_and_is_not_repeated(self):
        """The second request is sent on an upstream connection that was used before. hpp must not believe
        that the backend has closed an idle connection."""
        self.start()
        for text, uses in (("one", 0), ("two", 3)):
            with self.subTest(text):
                client = self.client()
                for _ in range(uses):
                    client.ask()
                answer = client.ask(path="/crash")
                self.assertEqual(answer.status, 503)
                self.assertIn("exit code 3", answer.text)
                self.assertIn("crash requested", answer.text)
                crashes = self.log("GET /crash")
                generation = self.hpp.generation
                self.save_text(text)
                self.hpp.wait_state("Running", generation + 1)
                self.assertEqual(self.client().ask().text, text)
                self.assertEqual(self.log("GET /crash"), crashes)
        self.assertEqual(self.log("GET /crash"), ["GET /crash first", "GET /crash one"])


# At its first start, it asks supervisord for a restart between an answer's head and body.
TWO_WRITES = '''
import http.server, os, pathlib, signal, sys, time

class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        self.send_response(200)
        if "length" in self.path:
            self.send_header("Content-Length", "3")
        else:
            self.close_connection = True
        self.end_headers()
        if not pathlib.Path(sys.argv[2]).exists():
            pathlib.Path(sys.argv[2]).touch()
            os.kill(os.getppid(), signal.SIGHUP)
            time.sleep(60)
        self.wfile.write(b"abc")

    do_POST = do_GET

http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
'''


class TwoWrites(RestartTest):
    """Many servers send head and body in two writes, Python's http.server among them."""

    def setUp(self):
        super().setUp()
        self.save("app.py", TWO_WRITES)
        self.asked = self.directory / "asked"
        self.hpp = self.start_hpp("--exec", PYTHON, "app.py", "{backend}", self.asked)
        self.hpp.wait_ready()

    def test_a_restart_between_them_is_invisible(self):
        for path in ("/length", "/close"):
            with self.subTest(path):
                self.asked.unlink(missing_ok=True)
                answer = self.client().ask(path=path)
                self.assertEqual((answer.status, answer.text), (200, "abc"))

    def test_a_request_that_cannot_be_repeated_gets_the_reason(self):
        answer = self.client().ask("POST", "/length", [("Content-Length", 0)])
        self.assertEqual(answer.status, 503)
        self.assertIn("not sent again", answer.text)


class Kept(RestartTest):
    """Connections that clients keep open between their requests."""

    ROUNDS = 20

    def test_no_request_is_sent_on_a_closed_connection(self):
        """Not even a request that cannot be repeated, and that is sent when hpp notices a save."""
        self.start()
        client = self.connection()
        for i in range(self.ROUNDS):
            client.ask()
            self.assertEqual(client.read_response().status, 200)
            self.save_text(str(i))
            time.sleep(0.001 * (15 + i))  # Watchman reports a save after 20 ms
            client.ask("POST", "/", [("Content-Length", 4)], b"body")
            answer = client.read_response("POST")
            self.assertEqual((answer.status, answer.text), (200, str(i)))
            if answer.header("connection") == "close":
                client.wait_closed()
                client = self.connection()
        self.assertEqual(len(self.log("POST")), self.ROUNDS)


class Begun(RestartTest):
    """An answer cannot be repeated once the client has received a part of it. It is cut, in a way that
    the client can recognise."""

    def begin(self, path, version="1.1"):
        client = self.connection()
        client.send(f"GET /begun/{path} HTTP/{version}\r\nHost: localhost\r\n\r\n")
        status, headers = client.read_head()
        self.assertEqual(status, 200)
        return client, dict(headers)

    def test_with_a_length(self):
        self.start()
        client, headers = self.begin("length")
        self.assertEqual(headers["content-length"], "1000")
        self.assertEqual(client.read_exactly(5), b"begun")
        self.save_text("new")
        client.wait_closed()

    def test_in_chunks(self):
        self.start()
        client, _ = self.begin("chunked")
        self.assertEqual(client.read_chunk(), b"begun")
        self.save_text("new")
        client.wait_closed()  # without the last chunk

    def test_until_the_end_of_the_connection(self):
        """hpp sends such an answer in chunks."""
        self.start()
        client, headers = self.begin("close")
        self.assertEqual(headers["transfer-encoding"], "chunked")
        self.assertEqual(client.read_chunk(), b"begun")
        self.save_text("new")
        client.wait_closed()

    def test_until_the_end_of_the_connection_to_an_old_client(self):
        """Only a reset shows the cut, because a complete answer of this kind ends with a normal close."""
        self.start()
        for path in ("close", "chunked"):
            with self.subTest(path):
                client, headers = self.begin(path, version="1.0")
                self.assertNotIn("transfer-encoding", headers)
                self.assertEqual(client.read_exactly(5), b"begun")
                self.save_text(path)
                with self.assertRaises(ConnectionResetError):
                    client.wait_byte()
                wait_for(lambda: self.client().ask().text == path, "the new backend")

    def test_tunnel(self):
        self.start()
        client = self.connection()
        client.ask(headers=UPGRADE)
        self.assertEqual(client.read_head()[0], 101)
        self.save_text("new")
        client.wait_closed()


class Held(RestartTest):
    """Requests that wait because the backend does not run yet."""

    def test_are_forwarded_in_the_order_of_their_arrival(self):
        self.start_unready(backend=["--one-by-one"])
        clients = [self.connection() for _ in range(50)]
        clients.reverse()  # send the requests in another order than that of the connections
        for i, client in enumerate(clients):
            client.ask(path=f"/{i}")
            self.wait_read()
        self.go()
        for client in clients:
            self.assertEqual(client.read_response().status, 200)
        self.assertEqual(self.log("GET"), [f"GET /{i} first" for i in range(50)])

    def test_are_counted(self):
        """Although no client has come or gone since the count was last published."""
        self.start_unready()
        clients = [self.connection() for _ in range(3)]
        wait_for(lambda: self.hpp.snapshot("proxyd")["clients"] == 3, "three clients")
        for client in clients:
            client.ask()
        self.wait_held(3)

    def test_are_dropped_when_the_client_leaves(self):
        """After a reset, at once. After a FIN, the client may only have ended its requests: a GET waits
        for one more second, a request that is not safe does not."""
        self.start_unready()
        stays = self.connection()
        stays.ask(path="/stays")
        for method in ("GET", "POST"):
            for leave in (self.reset, self.close, self.half_close):
                client = self.connection()
                client.ask(method, f"/{method}/{leave.__name__}", [("Content-Length", 4)], b"body")
                self.wait_read()
                leave(client)
        self.wait_held(1)
        self.go()
        self.assertEqual(stays.read_response().status, 200)
        self.assertEqual(self.log("GET", "POST"), ["GET /stays first"])

    def test_half_closed_clients_get_the_reason(self):
        """A half-closed client gets an answer, never an empty reply."""
        self.start_unready()
        for method, words in (("POST", "may have an effect"), ("GET", "was not ready")):
            with self.subTest(method):
                client = self.connection()
                client.ask(method, "/half", [("Content-Length", 4)], b"body")
                self.wait_read()
                self.half_close(client)
                answer = client.read_response(method)
                self.assertEqual(answer.status, 503)
                self.assertIn("closed its side", answer.text)
                self.assertIn(words, answer.text)
                client.wait_closed()
        self.go()
        wait_for(lambda: self.client().ask().status == 200, "the backend")
        self.assertEqual(self.log("GET /half", "POST"), [])

    def test_half_closed_clients_get_the_answer_of_a_server_that_runs(self):
        """Whichever watcher has to say first that no file has changed."""
        self.start()
        for i in range(10):
            client = self.connection()
            client.ask("POST", f"/{i}", [("Content-Length", 4)], b"body")
            self.half_close(client)
            self.assertEqual(client.read_response().status, 200)
        self.assertEqual(self.log("POST"), [f"POST /{i} first" for i in range(10)])

    @staticmethod
    def reset(client):
        client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        client.socket.close()

    @staticmethod
    def close(client):
        client.socket.close()

    @staticmethod
    def half_close(client):
        client.socket.shutdown(socket.SHUT_WR)

    def test_are_answered_at_once_beyond_the_limit(self):
        self.start_unready("--queue-limit", 3)
        held = []
        for _ in range(3):
            held.append(self.connection())
            held[-1].ask()
            self.wait_read()
        for method in ("GET", "POST"):
            answer = self.client().ask(method, "/beyond", [("Content-Length", 0)])
            self.assertEqual(answer.status, 503)
            self.assertIsNotNone(answer.header("Retry-After"))
            self.assertIn("--queue-limit", answer.text)
        self.go()
        for client in held:
            self.assertEqual(client.read_response().status, 200)
        self.assertEqual(self.client().ask().status, 200)
        self.assertEqual(self.log("GET /beyond", "POST /beyond"), [])

    def test_make_room_below_the_limit_when_the_client_leaves(self):
        self.start_unready("--queue-limit", 1)
        leaves, comes = self.connection(), self.connection()
        leaves.ask(path="/leaves")
        self.wait_held(1)
        self.reset(leaves)
        self.wait_held(0)
        comes.ask()
        self.wait_read()
        self.go()
        self.assertEqual(comes.read_response().status, 200)

    def test_are_answered_after_the_timeout(self):
        self.start_unready("--queue-timeout", 200)
        for method in ("GET", "POST"):
            began = time.monotonic()
            answer = self.client().ask(method, "/late", [("Content-Length", 0)])
            self.assertGreater(time.monotonic() - began, 0.15, "it was not held")
            self.assertEqual(answer.status, 503)
            self.assertIsNotNone(answer.header("Retry-After"))
            self.assertIn("--queue-timeout", answer.text)
        self.go()
        wait_for(lambda: self.client().ask().status == 200, "the backend")
        self.assertEqual(self.log("GET /late", "POST /late"), [])


class Crowd(RestartTest):
    """So many requests are held that they could overwhelm the backend when it starts."""

    COUNT = 8_000
    COUNT_BEFORE_A_SHORT_BACKLOG = 300
    DEADLINE_S = 60

    def setUp(self):
        super().setUp()
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        wanted = 2 * self.COUNT + 500  # proxyd needs two descriptors for each request
        if hard < wanted:
            self.skipTest(f"a process may have {hard} descriptors, this needs {wanted}")
        resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, wanted), hard))
        self.addCleanup(resource.setrlimit, resource.RLIMIT_NOFILE, (soft, hard))

    def ask_all(self, count):
        clients = [self.connection() for _ in range(count)]
        for client in clients:
            client.ask()
        self.wait_read()
        return clients

    def read_all(self, clients):
        """Reads all answers in the order of their arrival. Each must be a 200."""
        end = time.monotonic() + self.DEADLINE_S
        waiting = {client.socket.fileno(): client for client in clients}
        poll = select.epoll()
        for fd in waiting:
            poll.register(fd, select.EPOLLIN)
        while waiting:
            self.assertLess(time.monotonic(), end, f"{len(waiting)} requests have no answer")
            for fd, _ in poll.poll(1):
                answer = waiting.pop(fd).read_response()
                poll.unregister(fd)
                self.assertEqual(answer.status, 200, f"{len(waiting)} answers were still missing")

    def test_each_is_answered(self):
        self.start_unready()
        clients = self.ask_all(self.COUNT)
        self.go()
        self.read_all(clients)
        self.assertEqual(len(self.log("GET")), self.COUNT)

    def test_each_is_answered_by_a_backend_with_a_backlog_of_five(self):
        """This is Python's default. The kernel drops connections beyond the backlog, and a dropped one is
        tried again after a second."""
        self.save("start.sh", f"while [ ! -e {self.go_file} ]; do sleep 0.01; done\n"
                  f"exec {PYTHON} -m http.server $1\n")
        self.hpp = self.start_hpp("--exec", "sh", "start.sh", "{backend}")
        self.wait_started(self.hpp)
        clients = self.ask_all(self.COUNT_BEFORE_A_SHORT_BACKLOG)
        self.go()
        self.read_all(clients)

    def test_each_is_answered_by_a_backend_that_serves_one_after_another(self):
        self.start_unready(backend=["--one-by-one", "--backlog", 5])
        clients = self.ask_all(self.COUNT_BEFORE_A_SHORT_BACKLOG)
        self.go()
        self.read_all(clients)
        self.assertEqual(len(self.log("GET")), self.COUNT_BEFORE_A_SHORT_BACKLOG)

    def test_those_that_had_no_connection_are_answered_after_a_kill(self):
        """Even if they are not safe, because the backend has received nothing of them. It works on the
        first one, and six more have connections that it has not accepted. It may still accept these when
        hpp drops the first one, and before it is killed."""
        self.start(backend=["--one-by-one", "--backlog", 5])
        clients = [self.connection() for _ in range(40)]
        for i, client in enumerate(clients):
            client.ask("POST", f"/{i}" if i else "/only/new", [("Content-Length", 4)], b"body")
        self.wait_log("POST /only/new first")
        self.wait_read()
        self.save_text("new")
        statuses = [client.read_response().status for client in clients]
        self.assertEqual(set(statuses), {200, 503})
        self.assertLessEqual(statuses.count(503), 7)
        ran = self.log("POST")
        for i, status in enumerate(statuses):
            runs = [line.split()[2] for line in ran if line.startswith(f"POST /{i} ")]
            self.assertIn(runs, ([["new"]] if status == 200 else [[], ["first"]]), f"{i}: {status}")

    def test_each_is_answered_after_a_kill(self):
        """The requests arrive while the backend runs, so it has them all when it is killed."""
        count = self.COUNT_BEFORE_A_SHORT_BACKLOG
        self.start()
        clients = [self.connection() for _ in range(count)]
        for client in clients:
            client.ask(path="/only/new")
        wait_for(lambda: len(self.log("GET")) == count, "the backend to have all")
        self.save_text("new")
        self.read_all(clients)
        self.assertEqual(len(self.log("GET")), 2 * count)


if __name__ == "__main__":
    unittest.main()
