"""hpp in front of a backend whose answers show which start of it they come from, and clients that
repeat only safe requests. For tests of what happens to requests during a save.

    class Saves(RestartTest):
        def test_it(self):
            self.start()
            self.save_text("new")
            self.assertEqual(self.client().ask().text, "new")
"""

import contextlib
import json
import sys
import threading

from harness import BUILD_DIR, Connection, IntegrationTest, wait_for

BACKEND = BUILD_DIR / "tests" / "support" / "test-backend"
UPGRADE = (("Connection", "Upgrade"), ("Upgrade", "websocket"), ("Sec-WebSocket-Version", "13"),
           ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="))
SAFE = ("GET", "HEAD", "OPTIONS")


def is_sanitized():
    """Whether the programs are built with a sanitizer, which makes them several times as slow."""
    options = json.loads((BUILD_DIR / "meson-info" / "intro-buildoptions.json").read_text())
    return next(o["value"] for o in options if o["name"] == "b_sanitize") not in ("none", [])


class NoByte(ConnectionError):
    """The connection was closed before the answer began."""


class Client:
    """Sends one request after another and keeps its connection, as browsers do. If the connection had
    carried an answer before, and is closed before a byte of the next one comes, a safe request is sent
    once more on a new connection (RFC 9112 section 9.3.1). Every other failure is raised."""

    def __init__(self, port):
        self._port = port
        self._connection = None
        self.answers = 0
        self.retries = 0  # how often the connection was closed under a request

    def ask(self, method="GET", path="/", headers=(), body=b"", keeps=True):
        """Returns the Response. If `keeps` is false, uses a new connection for this request alone."""
        if not keeps:
            with Connection(self._port) as connection:
                return self._exchange(connection, method, path, headers, body)
        if self._connection:
            try:
                return self._exchange(self._connection, method, path, headers, body)
            except NoByte:
                if method not in SAFE:
                    raise
                self.retries += 1
                self.close()
        self._connection = Connection(self._port)
        return self._exchange(self._connection, method, path, headers, body)

    def _exchange(self, connection, method, path, headers, body):
        try:
            connection.ask(method, path, headers, body)
            connection.wait_byte()
        except (EOFError, ConnectionResetError, BrokenPipeError) as error:
            raise NoByte(f"{method} {path}: no answer, but {error!r}") from error
        response = connection.read_response(method)
        self.answers += 1
        if connection is self._connection and response.header("connection") == "close":
            self.close()
        return response

    def close(self):
        if self._connection:
            self._connection.socket.close()
        self._connection = None


class Load:
    """Clients that GET without pause, each in a thread, until the end of a `with` block. If a client
    has failed, the end of the block raises."""

    def __init__(self, port, count=8, check=None, before=None):
        """Each client calls before(), sends a request, then calls check(response, result of before()),
        which may raise. By default the status must be 200."""
        self.clients = [Client(port) for _ in range(count)]
        self.failures = []
        self._check = check or self._check_status
        self._before = before or (lambda: None)
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._run, args=(client,), daemon=True)
                         for client in self.clients]

    @property
    def answers(self):
        return sum(client.answers for client in self.clients)

    @property
    def retries(self):
        return sum(client.retries for client in self.clients)

    def __enter__(self):
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, kind, *_):
        self._stop.set()
        for thread in self._threads:
            thread.join()
        for client in self.clients:
            client.close()
        if kind is not None:  # the block has failed: the clients' failures may explain it
            print(self, file=sys.stderr)
        elif self.failures:
            raise AssertionError(self)

    def __str__(self):
        return (f"{self.answers} answered, {self.retries} sent again because their connection had "
                f"been closed, {len(self.failures)} failed: {self.failures[:5]}")

    def _run(self, client):
        while not self._stop.is_set():
            try:
                before = self._before()
                self._check(client.ask(), before)
            except (OSError, EOFError, AssertionError) as error:
                self.failures.append(repr(error))
                client.close()

    @staticmethod
    def _check_status(response, _):
        if response.status != 200:
            raise AssertionError(response)

    def wait_answers(self, count):
        """Waits for `count` more answers."""
        wanted = self.answers + count
        wait_for(lambda: self.answers >= wanted, lambda: f"{count} more answers: {self}")


class RestartTest(IntegrationTest):
    """A project with one file, `text`, which the backend reads when it starts."""

    def setUp(self):
        super().setUp()
        self.log_file = self.directory / "log"
        self.go_file = self.directory / "go"
        self.save_text("first")

    def start(self, *options, backend=(), text="text", ready=True):
        """Starts hpp with `options`. `backend` are the backend's options; `text` is the file that it
        reads."""
        self.hpp = self.start_hpp(*options, "--exec", BACKEND, "{backend}", "--text", text,
                                  "--log", self.log_file, "--lock", self.directory / "lock",
                                  *backend)
        self.wait_started(self.hpp)
        if ready:
            self.hpp.wait_state("Running")
        return self.hpp

    def wait_started(self, hpp):
        """Waits until saves count and clients can connect."""

        def started():
            self.assertIsNone(hpp.process.poll(), hpp.transcript())
            return hpp.snapshot("watchd").get("watching") and hpp.snapshot("proxyd").get("listening")

        wait_for(started, lambda: f"hpp to start:\n{hpp.transcript()}")

    def start_unready(self, *options, backend=()):
        """Starts hpp like start(), but the backend does not listen before go()."""
        self.start(*options, backend=("--wait", self.go_file, *backend), ready=False)
        return self.hpp

    def go(self):
        self.go_file.touch()

    def client(self):
        client = Client(self.hpp.bind)
        self.addCleanup(client.close)
        return client

    def connection(self):
        connection = Connection(self.hpp.bind)
        self.addCleanup(connection.socket.close)
        return connection

    # ---- the file

    def save_text(self, text):
        return self.save("text", text)

    def write_text(self, text):
        """Saves the text in place, as some editors do."""
        (self.project / "text").write_text(text)

    # ---- the backend's log

    def log(self, *starts):
        """The lines of the backend's log (`start TEXT`, `METHOD TARGET TEXT`) that begin with one of
        `starts`."""
        with contextlib.suppress(FileNotFoundError):
            lines = self.log_file.read_text().splitlines()
            return [line for line in lines if line.startswith(starts or "")]
        return []

    def wait_log(self, start):
        wait_for(lambda: self.log(start), lambda: f"the backend to log {start!r}: {self.log()}")

    def assert_one_at_a_time(self):
        """Checks that no backend was started before the previous one was gone."""
        self.assertEqual(self.log("DOUBLE"), [])

    # ---- held requests

    def wait_held(self, count):
        """Waits until proxyd publishes that it holds `count` requests (kCountInterval)."""
        wait_for(lambda: self.hpp.snapshot("proxyd").get("held") == count,
                 lambda: f"{count} held requests: {self.hpp.snapshot('proxyd')}")

    def wait_read(self):
        """Waits until proxyd has read everything that was sent to it before. proxyd reads in the order
        of arrival, and answers a malformed request by itself."""
        with Connection(self.hpp.bind) as connection:
            connection.send("nonsense\r\n\r\n")
            self.assertEqual(connection.read_response().status, 400)
