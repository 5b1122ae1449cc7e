"""`hpp-proxyd --assume-running` between a client and a backend that both send exact bytes."""

import os
import socket
import unittest

from harness import BUILD_DIR, DEADLINE_S, Connection, Program, free_port

GET = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


def start_proxy(test, bind, backend, *options, starter=()):
    """Starts the proxy, through the command `starter` if there is one, and returns the Program. At the
    end of the test, the proxy must exit without an error."""
    proxy = Program([*starter, BUILD_DIR / "proxyd" / "hpp-proxyd", bind, backend,
                     "--assume-running", "--verbose", *options], None, dict(os.environ))

    def end():
        proxy.end()
        test.assertNotIn("Sanitizer", proxy.output("err"), proxy.transcript())
        test.assertEqual(proxy.process.returncode, 0, proxy.transcript())

    test.addCleanup(end)
    proxy.wait_line("forwards to")
    return proxy


class Peer(Connection):
    """The backend's end of one connection from the proxy."""

    def __init__(self, connection):
        connection.settimeout(DEADLINE_S)
        self.socket = connection
        self._buffer = b""

    def read_request(self):
        """Reads a request's head; returns (request line, headers)."""
        lines = self.read_until(b"\r\n\r\n").decode("latin-1").split("\r\n")
        pairs = (line.partition(":") for line in lines[1:] if line)
        return lines[0], [(name, value.strip()) for name, _, value in pairs]

    def wait_ended(self):
        """Waits until the proxy closes or resets its connection."""
        return self.read_to_end()


def close(*connections):
    for connection in connections:
        connection.socket.close()


class ProxyTest(unittest.TestCase):
    """A proxy in front of a backend; the test itself is the backend."""

    OPTIONS = ()  # further options of the proxy

    def starter(self):
        """The command that starts the proxy."""
        return ()

    def setUp(self):
        self.backend = socket.create_server(("127.0.0.1", free_port()), backlog=128)
        self.backend.settimeout(DEADLINE_S)
        self.addCleanup(self.backend.close)
        self.port = free_port()
        self.proxy = start_proxy(self, f"localhost:{self.port}",
                                 f"127.0.0.1:{self.backend.getsockname()[1]}", *self.OPTIONS,
                                 starter=self.starter())

    def client(self, host="127.0.0.1"):
        client = Connection(self.port, host)
        self.addCleanup(client.socket.close)
        return client

    def accept(self):
        peer = Peer(self.backend.accept()[0])
        self.addCleanup(peer.socket.close)
        return peer

    def accept_request(self, line=None):
        """Accepts a connection and reads a request's head, whose first line must be `line`."""
        peer = self.accept()
        got, _ = peer.read_request()
        self.assertEqual(got, line or got)
        return peer

    def begin(self, request=GET):
        """Sends a request, byte for byte; returns (client, peer). The backend has read the head."""
        client = self.client()
        client.send(request)
        return client, self.accept_request()

    def ask(self, *request, **more):
        """Like begin(), with the arguments of Connection.ask()."""
        client = self.client()
        client.ask(*request, **more)
        return client, self.accept_request()

    def finish(self, client, peer):
        """The backend answers with OK, which must be the client's answer."""
        peer.send(OK)
        got = client.read_response()
        self.assertEqual((got.status, got.body), (200, b"ok"))

    def exchange(self, request=GET, answer=OK, client=None, peer=None, method="GET"):
        """Sends one request and its answer, byte for byte; returns (client, peer, the client's
        Response)."""
        client = client or self.client()
        client.send(request)
        peer = peer or self.accept()
        peer.read_request()
        peer.send(answer)
        return client, peer, client.read_response(method)

    def assert_backend_heard_nothing(self):
        """Checks that the proxy opens no connection to the backend."""
        self.backend.settimeout(0.05)
        with self.assertRaises(TimeoutError):
            self.backend.accept()
