"""`hpp-proxyd --assume-running` between a client and a backend that both send exact bytes."""

import os
import socket
import unittest

from harness import BUILD_DIR, DEADLINE_S, Connection, Program, free_port


def start_proxy(test, bind, backend, *options, starter=()):
    """Starts the proxy, through the command `starter` if there is one, and returns the Program. At the
    end of the test, the proxy must exit without an error."""
    proxy = Program([*starter, BUILD_DIR / "proxyd" / "hpp-proxyd", bind, backend,
                     "--assume-running", *options], None, dict(os.environ))

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

    def exchange(self, request, answer, client=None, peer=None, method="GET"):
        """Sends one request and its answer, byte for byte; returns (client, peer, the client's
        Response)."""
        client = client or self.client()
        client.send(request)
        peer = peer or self.accept()
        peer.read_request()
        peer.send(answer)
        return client, peer, client.read_response(method)
