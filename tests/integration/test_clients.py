"""Clients that are slow, many, or gone: what they cost the proxy, and that other clients are served."""

import contextlib
import hashlib
import os
import resource
import select
import socket
import struct
import threading
import time
import unittest

from harness import DEADLINE_S, QUIET_S, Background, memory_of, stat_fields, wait_for
from proxy import GET, OK, ProxyTest
from restarts import is_sanitized

GIB = 1 << 30


def reset(client):
    """Closes the connection with a RST."""
    client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    client.socket.close()


class Memory(ProxyTest):
    def memory(self):
        """The proxy's private memory in bytes."""
        return memory_of(self.proxy.pid)

    def assert_small(self, limit, before):
        """Checks the growth of memory, except under a sanitizer, which keeps freed memory for a while."""
        if not is_sanitized():
            self.assertLess(self.memory() - before, limit)


class Unread(Memory):
    """The memory for heads that a client does not read is limited, like that for bodies."""

    def test_endless_interim_answers(self):
        before = self.memory()
        client, peer = self.ask()
        early = b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" * 10_000
        sent = 0
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            for _ in range(200):
                peer.send(early)
                sent += len(early)
        self.assertLess(sent, 8 << 20)
        self.assert_small(4 << 20, before)
        status = 103
        while status == 103:
            status, _ = client.read_head()
        self.assertEqual(status, 502)

    def test_heads_of_pipelined_answers(self):
        for method, answer in (("GET", b"HTTP/1.1 204 No Content"), ("HEAD", b"HTTP/1.1 200 OK\r\nContent-Length: 5")):
            with self.subTest(method):
                before = self.memory()
                client = self.client()
                count = 1500
                sending = Background(client.send, f"{method} / HTTP/1.1\r\nHost: a\r\n\r\n" * count)
                peer = self.accept()
                peer.socket.settimeout(QUIET_S)
                answers = 0
                with contextlib.suppress(TimeoutError):
                    for _ in range(count):
                        peer.read_request()
                        peer.send(answer + b"\r\nA: " + b"a" * 60_000 + b"\r\n\r\n")
                        answers += 1
                self.assertLess(answers, count, "the proxy did not stop reading from the backend")
                self.assert_small(8 << 20, before)
                sending.result()
                peer.socket.settimeout(DEADLINE_S)
                for _ in range(answers):
                    self.assertEqual(client.read_response(method).headers[-1][0], "a")
                peer.read_request()  # the proxy sends it only when the client reads


class Leaving(ProxyTest):
    """When a client leaves, its request is ended at once, in every state."""

    def test_during_an_upload_that_the_backend_does_not_read(self):
        """The proxy has stopped reading from the client, too, but must notice the reset."""
        client, peer = self.ask("POST", headers=[("Content-Length", GIB)])
        client.socket.setblocking(False)
        block = bytes(1 << 20)

        def is_full():
            try:
                client.socket.send(block)
            except BlockingIOError:
                return True
            return False

        wait_for(is_full, "the proxy to take no more")
        reset(client)
        peer.wait_ended()

    def test_during_a_download_that_the_client_does_not_read(self):
        client, peer = self.ask()
        peer.send(f"HTTP/1.1 200 OK\r\nContent-Length: {GIB}\r\n\r\n")
        client.read_head()
        sending = Background(self.send_until_refused, peer)
        reset(client)
        sending.result()

    @staticmethod
    def send_until_refused(peer):
        block = bytes(1 << 20)
        try:
            for _ in range(GIB // len(block)):
                peer.send(block)
        except (BrokenPipeError, ConnectionResetError):
            return
        raise AssertionError("the proxy did not stop reading from the backend")

    def test_before_the_answer(self):
        client, peer = self.ask()
        reset(client)
        peer.wait_ended()

    def test_after_pipelined_requests(self):
        """The client's next requests fill the proxy's buffer, and are never read."""
        client, peer = self.ask()
        client.send("GET /next HTTP/1.1\r\nHost: a\r\n\r\n" * 20_000)
        reset(client)
        peer.wait_ended()

    def test_from_a_tunnel(self):
        client, peer = self.ask(headers=[("Connection", "Upgrade"), ("Upgrade", "x")])
        peer.send(b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n")
        client.read_head()
        reset(client)
        peer.wait_ended()


class Suspect(ProxyTest):
    """A backend connection that has been idle for long may be closing at this moment."""

    def test_is_not_used_for_a_request_that_cannot_be_repeated(self):
        """It is closed instead, because a server that serves one connection at a time accepts the new one
        only then."""
        client, old, _ = self.exchange()
        time.sleep(1.1)  # the connection must be this old
        client.ask("POST", headers=[("Content-Length", 0)])
        old.wait_ended()
        fresh = self.accept()
        self.assertTrue(fresh.read_request()[0].startswith("POST"))
        self.finish(client, fresh)
        client.ask(path="/safe")
        self.assertEqual(fresh.read_request()[0], "GET /safe HTTP/1.1")
        self.finish(client, fresh)

    def test_a_connection_that_was_just_used_is_used_again(self):
        def is_carried():
            client, peer, _ = self.exchange()
            used = time.monotonic()
            client.ask("POST", headers=[("Content-Length", 0)])
            asked = select.select([peer.socket, self.backend], [], [], DEADLINE_S)[0]
            if asked == [self.backend]:
                self.assertGreater(time.monotonic() - used, 0.9, "a connection just used was not used again")
                for one in (client, peer, self.accept()):
                    one.socket.close()
                return False  # the machine stood still for a second: try again
            self.assertTrue(peer.read_request()[0].startswith("POST"))
            self.finish(client, peer)
            return True

        wait_for(is_carried, "a machine that does two things in a second")


class Many(Memory):
    COUNT = 10_000

    def setUp(self):
        super().setUp()
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        wanted = self.COUNT + 200
        if hard < wanted:
            self.skipTest(f"a process may have {hard} descriptors, this needs {wanted}")
        resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, wanted), hard))
        self.addCleanup(resource.setrlimit, resource.RLIMIT_NOFILE, (soft, hard))

    def test_ten_thousand_idle_clients_do_not_slow_down_others(self):
        """One third has had an answer, one third has sent half a head, one third has sent nothing."""
        before = self.memory()
        client, peer, _ = self.exchange()
        idle = []
        self.addCleanup(lambda: [one.close() for one in idle])
        for i in range(self.COUNT):
            one = socket.create_connection(("127.0.0.1", self.port), timeout=DEADLINE_S)
            idle.append(one)
            if i % 3 == 0:
                one.sendall(GET)
                peer.read_request()
                peer.send(OK)
                one.recv(1000)
            elif i % 3 == 1:
                one.sendall(b"GET / HTTP/1.1\r\nHo")
        self.exchange(client=client, peer=peer)
        self.assert_small(40 << 20, before)
        used = self.processor_seconds()
        for _ in range(200):
            self.exchange(client=client, peer=peer)
        self.assertLess(self.processor_seconds() - used, 0.5, "each request costs time for every idle connection")

    def processor_seconds(self):
        fields = stat_fields(f"/proc/{self.proxy.pid}/stat")
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


class Slow(ProxyTest):
    def test_a_head_must_be_complete_within_a_minute(self):
        """A byte now and then does not extend the time. Other clients are served meanwhile."""
        slow = self.client()
        slow.socket.settimeout(60 + DEADLINE_S)
        begin = time.monotonic()
        slow.send("GET / HTTP/1.1\r\nHost: a\r\nX: ")
        blank, blank_peer, _ = self.exchange("GET / HTTP/1.1\r\nHost: a\r\n\r\n\r\n", OK)
        stop = threading.Event()

        def drip():
            while not stop.wait(5):
                try:
                    slow.send("x")
                except OSError:
                    return

        dripping = Background(drip)
        client, peer, _ = self.exchange(peer=blank_peer)
        answer = slow.read_response()
        self.assertEqual(answer.status, 408)
        self.assertGreater(time.monotonic() - begin, 59)
        stop.set()
        dripping.result()
        slow.wait_closed()
        peer.wait_ended()  # idle for too long
        _, peer, _ = self.exchange(client=client)
        # An empty line does not begin a request, so this client has not timed out.
        self.exchange(client=blank, peer=peer)

    def test_empty_lines_before_a_request(self):
        """Their number and their timing do not matter."""
        client, peer = None, None
        for count in (1, 32_500, 1_000_000):
            client, peer, answer = self.exchange(b"\r\n" * count + GET, OK, client, peer)
            self.assertEqual(answer.status, 200)
        client.send(b"\r")
        client.send(b"\n\r")
        self.exchange(b"\n" + GET, OK, client, peer)

    def test_a_stalled_body_does_not_affect_other_clients(self):
        stalled, stalled_peer = self.ask("POST", headers=[("Content-Length", 10)], body=b"12345")
        client, peer, _ = self.exchange()
        for _ in range(10):
            self.exchange(client=client, peer=peer)
        stalled.send(b"67890")
        self.assertEqual(stalled_peer.read_exactly(10), b"1234567890")
        self.finish(stalled, stalled_peer)


class Long(Memory):
    """A gibibyte each way arrives unchanged, and the proxy's memory does not grow."""

    PIECE = 1 << 20

    def send(self, connection, chunked):
        noise = os.urandom(self.PIECE - 8)
        digest = hashlib.sha256()
        for i in range(GIB // self.PIECE):
            piece = struct.pack(">Q", i) + noise
            digest.update(piece)
            connection.send(b"%x\r\n%b\r\n" % (self.PIECE, piece) if chunked else piece)
        if chunked:
            connection.send(b"0\r\n\r\n")
        return digest.digest()

    def receive(self, connection, chunked):
        digest = hashlib.sha256()
        for _ in range(GIB // self.PIECE):
            digest.update(connection.read_chunk() if chunked
                          else connection.read_exactly(self.PIECE))
        if chunked:
            self.assertEqual(connection.read_chunk(), b"")
        return digest.digest()

    def check(self, framing, chunked):
        before = self.memory()
        client, peer = self.ask("POST", headers=[framing])
        for sender, receiver in ((client, peer), (peer, client)):
            if sender is peer:
                peer.send("HTTP/1.1 200 OK\r\n%s: %s\r\n\r\n" % framing)
                client.read_head()
            sending = Background(self.send, sender, chunked)
            self.assertEqual(self.receive(receiver, chunked), sending.result())
        self.assert_small(8 << 20, before)
        self.exchange(client=client, peer=peer)

    def test_with_a_length(self):
        self.check(("Content-Length", GIB), chunked=False)

    def test_in_chunks(self):
        self.check(("Transfer-Encoding", "chunked"), chunked=True)


if __name__ == "__main__":
    unittest.main()
