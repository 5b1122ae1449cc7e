"""The proxy alone, `hpp-proxyd --assume-running`, between a client and a backend that both send exact
bytes: the proxy must pass the bytes on unchanged."""

import hashlib
import os
import pathlib
import random
import resource
import select
import signal
import socket
import threading
import time
import unittest

from harness import (BUILD_DIR, DEADLINE_S, PYTHON, Background, Connection, Program, free_port, freeze,
                     wait_for)
from proxy import GET, OK, ProxyTest, close


# Hands over a listening socket as descriptor 3, in blocking mode, as systemd-socket-activate does.
ACTIVATE = """\
import os, socket, sys
listener = socket.create_server(("127.0.0.1", int(sys.argv[1])))
os.dup2(listener.fileno(), 3)
os.set_inheritable(3, True)
os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS="1", LISTEN_FDNAMES="http")
os.execv(sys.argv[2], sys.argv[2:])
"""


class Activated(ProxyTest):
    def starter(self):
        return PYTHON, "-c", ACTIVATE, self.port

    def test_accepts_on_a_socket_that_blocks(self):
        answer = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"
        for _ in range(3):
            client, peer, got = self.exchange(GET, answer)
            self.assertEqual(got.body, b"hello")
            close(client, peer)


class ActivatedUnderAnotherName(unittest.TestCase):
    def test_the_error_says_the_right_name(self):
        """`unknown` is systemd-socket-activate's default."""
        bind = free_port()
        program = Program([PYTHON, "-c", ACTIVATE.replace('"http"', '"unknown"'), bind,
                           BUILD_DIR / "proxyd" / "hpp-proxyd", f"127.0.0.1:{bind}", free_port(),
                           "--assume-running"], None, dict(os.environ))
        self.addCleanup(program.end)
        self.assertEqual(program.wait_exit(), 1)
        self.assertIn("systemd-socket-activate --fdname=http", program.output("err"))


class Framing(ProxyTest):
    """Two requests on one connection after each kind of framing."""

    def check(self, answer, body, method="GET", peer_stays=True):
        request = f"{method} / HTTP/1.1\r\nHost: a\r\n\r\n"
        client, peer, first = self.exchange(request, answer, method=method)
        self.assertEqual(first.body, body)
        self.assertIsNone(first.header("connection"))
        if not peer_stays:
            peer.socket.close()
        _, _, second = self.exchange(request, answer, client, peer if peer_stays else None, method)
        self.assertEqual(second.body, body)

    def test_length(self):
        self.check(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", b"hello")

    def test_no_length_at_all(self):
        self.check(b"HTTP/1.1 204 No Content\r\n\r\n", b"")

    def test_not_modified_with_a_length(self):
        self.check(b"HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n", b"")

    def test_head_with_a_length(self):
        self.check(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", b"", method="HEAD")

    def test_head_with_chunks(self):
        self.check(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"", method="HEAD")

    def test_chunks(self):
        self.check(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
                   b"5;a=b\r\nhello\r\n1\r\n!\r\n0\r\nTrailer: x\r\n\r\n", b"hello!")

    def test_http_1_0_with_a_length(self):
        self.check(b"HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\nhello", b"hello", peer_stays=False)

    def test_until_close(self):
        client = self.client()
        for body in (b"hello", b"", b"x" * 300_000):
            client.send(GET)
            peer = self.accept_request()
            sender = Background(peer.send, b"HTTP/1.0 200 OK\r\n\r\n" + body)
            status, headers = client.read_head()
            self.assertIn(("transfer-encoding", "chunked"), headers)
            sender.result()
            peer.socket.close()
            self.assertEqual(b"".join(iter(client.read_chunk, b"")), body)

    def test_the_client_notices_a_cut_answer(self):
        for head, body in ((b"Content-Length: 10", b"hello"),
                           (b"Transfer-Encoding: chunked", b"5\r\nhello\r\n")):
            client, peer = self.begin()
            peer.send(b"HTTP/1.1 200 OK\r\n" + head + b"\r\n\r\n" + body)
            client.read_head()
            peer.socket.close()
            self.assertEqual(client.read_to_end(), body)

    def test_pipelined_requests_are_answered_in_order(self):
        client = self.client()
        client.send("".join(f"GET /{i} HTTP/1.1\r\nHost: a\r\n\r\n" for i in range(20)))
        peer = self.accept()
        for i in range(20):
            line, _ = peer.read_request()
            self.assertEqual(line, f"GET /{i} HTTP/1.1")
            peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n%02d" % i)
        for i in range(20):
            self.assertEqual(client.read_response().body, b"%02d" % i)

    def test_http_1_0_clients(self):
        chunked = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"
        client, peer, answer = self.exchange("GET / HTTP/1.0\r\n\r\n", chunked)
        self.assertEqual(answer.header("connection"), "close")
        self.assertIsNone(answer.header("transfer-encoding"))
        self.assertEqual(answer.body, b"hello")
        length = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"
        request = "GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"
        client, peer, answer = self.exchange(request, length, peer=peer)
        self.assertEqual(answer.header("connection"), "keep-alive")
        self.exchange(request, length, client, peer)


    def begin_to_answer_http_1_0(self, port, answer):
        """Sends an answer, and returns the client when it has received the part that ends with `half`."""
        client = Connection(port)
        self.addCleanup(client.socket.close)
        client.send("GET / HTTP/1.0\r\n\r\n")
        peer = self.accept_request()
        peer.send(answer)
        client.read_head()
        self.assertEqual(client.read_exactly(4), b"half")
        return client

    def test_http_1_0_clients_notice_that_the_end_of_hpp_cuts_an_answer(self):
        """The end of the connection would mean that such an answer is complete, so hpp resets it."""
        for number in (signal.SIGTERM, signal.SIGKILL):
            port = free_port()
            proxy = Program([BUILD_DIR / "proxyd" / "hpp-proxyd", f"localhost:{port}",
                             f"127.0.0.1:{self.backend.getsockname()[1]}", "--assume-running",
                             "--verbose"],
                            None, dict(os.environ))
            self.addCleanup(proxy.end)
            proxy.wait_line("forwards to")
            clients = [self.begin_to_answer_http_1_0(port, answer) for answer in (
                b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nhalf",
                b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n")]
            proxy.signal(number)
            proxy.wait_exit()
            for client in clients:
                with self.assertRaises(ConnectionResetError):
                    client.socket.recv(1)

    def test_http_1_0_clients_get_the_end_of_a_complete_answer(self):
        """There is no reset, even if they read the answer late."""
        body = random.randbytes(1 << 20)
        client = self.client()
        client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 64 << 10)
        client.send("GET / HTTP/1.0\r\n\r\n")
        peer = self.accept_request()
        Background(peer.send, b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" + body).result()
        peer.socket.close()
        client.read_head()
        self.assertEqual(client.read_to_end(), body)

    def test_half_closed_clients_get_the_end_at_once(self):
        """hpp does not wait two seconds, as it does for clients that may still be sending. A busy machine may
        need longer, but not each time."""
        answer = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
        request = "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
        peer = None

        def is_at_once():
            nonlocal peer
            client, peer, _ = self.exchange(request, answer, peer=peer)
            began = time.monotonic()
            client.wait_closed()
            return time.monotonic() - began < 1

        wait_for(is_at_once, "an end that comes at once")


class Requests(ProxyTest):
    def test_bodies_pass_untouched(self):
        client = self.client()
        peer = None
        chunks = b"5;x=y\r\nhello\r\n0\r\nA: b\r\n\r\n"
        for head, body in ((b"Content-Length: 5", b"hello"),
                           (b"Transfer-Encoding: chunked", chunks),
                           (b"Content-Length: 0", b"")):
            client.send(b"POST /x HTTP/1.1\r\nHost: a\r\n" + head + b"\r\n\r\n" + body)
            peer = peer or self.accept()
            _, headers = peer.read_request()
            self.assertIn(head.decode(), [f"{name}: {value}" for name, value in headers])
            self.assertEqual(peer.read_exactly(len(body)), body)
            self.finish(client, peer)

    def test_forwarded_names_the_client_and_the_host(self):
        hosts = ["127.0.0.1"] + (["::1"] if socket.has_dualstack_ipv6() else [])
        for host in hosts:
            client = self.client(host)
            client.send("GET / HTTP/1.1\r\nHost: localhost:8000\r\nForwarded: for=9.9.9.9\r\n\r\n")
            peer = self.accept()
            headers = dict(peer.read_request()[1])
            who = host if host == "127.0.0.1" else f'"[{host}]"'
            self.assertEqual(headers["Forwarded"],
                             f'for=9.9.9.9, for={who};host="localhost:8000";proto=http')
            self.assertEqual(headers["X-Forwarded-For"], f"9.9.9.9, {host}")
            self.assertEqual(headers["Host"], "localhost:8000")
            peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
            client.read_response()

    def test_expect_continue_goes_end_to_end(self):
        client = self.client()
        client.ask("POST", headers=[("Content-Length", 5), ("Expect", "100-continue")])
        peer = self.accept()
        self.assertIn(("Expect", "100-continue"), peer.read_request()[1])
        self.assertTrue(client.is_quiet(0.1))
        peer.send(b"HTTP/1.1 100 Continue\r\n\r\n")
        self.assertEqual(client.read_head()[0], 100)
        client.send(b"hello")
        self.assertEqual(peer.read_exactly(5), b"hello")
        self.finish(client, peer)

    def test_every_interim_answer_passes_at_once_and_in_order(self):
        client, peer = self.ask()
        for status in (102, 103, 103):
            peer.send(b"HTTP/1.1 %d Interim\r\nLink: </a>\r\n\r\n" % status)
            self.assertEqual(client.read_head()[0], status)
        self.finish(client, peer)

    def test_an_early_answer_arrives_while_the_upload_runs(self):
        client, peer = self.ask("POST", headers=[("Content-Length", 100_000_000)])
        upload = Background(self.send_until_refused, client)
        peer.send(b"HTTP/1.1 413 Too Large\r\nContent-Length: 7\r\n\r\ntoo big")
        answer = client.read_response()
        self.assertEqual((answer.status, answer.body), (413, b"too big"))
        self.assertEqual(answer.header("connection"), "close")
        upload.result()

    def test_a_client_that_sends_on_after_an_early_answer_can_still_read_it(self):
        """hpp reads on for as long as the client sends without a pause: a reset could destroy the
        answer that the client has not read."""
        client, peer = self.ask("POST", headers=[("Content-Length", 100_000_000)])
        peer.send(b"HTTP/1.1 413 Too Large\r\nContent-Length: 7\r\n\r\ntoo big")
        for _ in range(35):
            client.send(bytes(1000))
            time.sleep(0.1)  # the test needs these pauses, and the total of 3.5 s
        answer = client.read_response()
        self.assertEqual((answer.status, answer.body), (413, b"too big"))

    def test_an_early_answer_arrives_although_the_backend_has_stopped_reading(self):
        """The backend answers and closes. Because it has unread data, its kernel resets the connection, which
        discards the part of the answer that hpp has not received. So the answer is short enough for hpp to
        receive it as a whole."""
        for _ in range(20):
            client, peer = self.ask("POST", headers=[("Content-Length", 100_000_000)])
            upload = Background(self.send_until_refused, client)
            peer.send(b"HTTP/1.1 413 Too Large\r\nContent-Length: 30000\r\n\r\n" + b"x" * 30_000)
            peer.socket.close()
            answer = client.read_response()
            self.assertEqual((answer.status, len(answer.body)), (413, 30_000))
            client.socket.close()
            upload.result()

    @staticmethod
    def send_until_refused(client):
        try:
            for _ in range(1000):
                client.send(bytes(100_000))
        except OSError:
            pass

    def test_both_directions_at_once(self):
        client, peer = self.ask("POST", headers=[("Transfer-Encoding", "chunked")])
        peer.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        self.assertEqual(client.read_head()[0], 200)
        for i in range(10):
            client.send(b"1\r\n%d\r\n" % i)
            self.assertEqual(peer.read_chunk(), b"%d" % i)
            peer.send(b"1\r\n%d\r\n" % i)
            self.assertEqual(client.read_chunk(), b"%d" % i)

    def test_malformed_requests_get_400_and_never_reach_the_backend(self):
        for request in (b"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n"
                        b"Transfer-Encoding: chunked\r\n\r\n",
                        b"GET / HTTP/1.1\nHost: a\n\n",
                        b"GET / HTTP/1.1\r\nHost: a\r\nA: b\r\n c\r\n\r\n",
                        b"GET / HTTP/1.1\r\nHost : a\r\n\r\n",
                        b"GET / HTTP/1.1\r\n\r\n",
                        b"\x16\x03\x01\x00"):
            client = self.client()
            client.send(request)
            answer = client.read_response()
            self.assertEqual(answer.status, 400, request)
            self.assertEqual(answer.header("connection"), "close")
            client.wait_closed()
        client = self.client()
        client.send(b"GET / HTTP/1.1\r\nHost: a\r\nA: " + b"a" * 70_000)
        self.assertEqual(client.read_response().status, 431)
        self.assert_backend_heard_nothing()

    def test_a_head_request_that_is_refused_gets_no_body(self):
        for request in (b"HEAD / HTTP/1.1\r\n\r\n",  # refused after parsing
                        b"HEAD / HTTP/1.1\nHost: a\n\n",  # refused by the parser
                        b"\r\nHEAD /\0 HTTP/1.1\r\nHost: a\r\n\r\n",
                        b"HEAD / HTTP/1.1\r\nHost: a\r\nA: " + b"a" * 70_000):
            client = self.client()
            client.send(request)
            status, headers = client.read_head()
            self.assertIn(status, (400, 431))
            self.assertNotEqual(dict(headers)["content-length"], "0")
            client.wait_closed()

    def test_a_refusal_is_written_as_the_client_prefers(self):
        for accept, kind in (("text/html;q=0.5\r\nAccept: application/json", "application/json"),
                             ("application/json;q=0.1, text/html", "text/html")):
            client = self.client()
            client.send(f"GET / HTTP/1.1\r\nHost: a b\r\nAccept: {accept}\r\n\r\n")
            answer = client.read_response()
            self.assertEqual(answer.status, 400)
            self.assertIn(kind, answer.header("content-type"))

    def test_bad_chunks_end_the_exchange(self):
        client, peer = self.ask("POST", headers=[("Transfer-Encoding", "chunked")])
        client.send(b"5\r\nhelloXXXX\r\n")
        self.assertEqual(client.read_response().status, 400)
        peer.wait_ended()


class Backends(ProxyTest):
    def test_a_malformed_answer_is_a_502_with_the_reason(self):
        for answer in (b"hello\r\n\r\n", b"HTTP/1.1 200 OK\r\nA b\r\n\r\n",
                       b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n",
                       b"HTTP/1.1 200 OK\r\nA: " + b"a" * 70_000 + b"\r\n\r\n"):
            client, peer, response = self.exchange(GET, answer)
            self.assertEqual(response.status, 502)
            self.assertIn("cannot be used", response.text)
            peer.wait_ended()

    def test_a_backend_that_closes_without_an_answer_is_a_502(self):
        client, peer = self.ask("POST", headers=[("Content-Length", 0)])
        peer.socket.close()
        self.assertEqual(client.read_response().status, 502)

    def test_no_liveness_check_without_a_supervisor(self):
        """proxyd does not wait the 250 ms in which supervisord would answer a liveness check."""
        delays = []
        for _ in range(5):
            client, peer = self.ask("POST", headers=[("Content-Length", 0)])
            peer.socket.close()
            began = time.monotonic()
            self.assertEqual(client.read_response().status, 502)
            delays.append(time.monotonic() - began)
        self.assertLess(min(delays), 0.2)

    def test_a_missing_backend_is_a_502(self):
        self.backend.close()
        client = self.client()
        client.ask()
        self.assertEqual(client.read_response().status, 502)

    def test_a_close_of_an_idle_connection_is_invisible_to_the_client(self):
        """The backend reads the second request on a kept connection and closes: the classic race."""
        client, peer, _ = self.exchange()
        client.ask(path="/again")
        self.assertEqual(peer.read_request()[0], "GET /again HTTP/1.1")
        peer.socket.close()
        self.finish(client, self.accept_request("GET /again HTTP/1.1"))

    def test_an_idle_connection_that_the_backend_closes_is_not_used(self):
        client, peer, _ = self.exchange()
        peer.socket.shutdown(socket.SHUT_WR)
        peer.wait_ended()
        client.ask("POST", headers=[("Content-Length", 0)])
        self.finish(client, self.accept_request())

    def test_a_connection_whose_end_was_not_noticed_yet_is_not_used(self):
        """proxyd reads the client's bytes first, because they came first, and must not send the request
        twice."""
        client, peer, _ = self.exchange()
        freeze(self.proxy.pid)
        client.ask("POST", headers=[("Content-Length", 0)])
        peer.socket.close()
        os.kill(self.proxy.pid, signal.SIGCONT)
        self.finish(client, self.accept_request())

    def test_a_connection_with_unrequested_data_is_not_used(self):
        """Data that comes before a request is no answer to it (RFC 9112 section 9.2)."""
        client, peer, _ = self.exchange()
        freeze(self.proxy.pid)
        client.ask("POST", headers=[("Content-Length", 0)])
        peer.send(b"HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\n\r\n")
        os.kill(self.proxy.pid, signal.SIGCONT)
        self.finish(client, self.accept_request())

    HEAD_AND = "HEAD / HTTP/1.1\r\nHost: a\r\n\r\n{} /next HTTP/1.1\r\nHost: a\r\n\r\n"

    def test_a_body_that_follows_the_answer_to_head_is_not_taken_for_the_next_answer(self):
        """The backend answers HEAD with a body, which arrives after the next request was sent."""
        client = self.client()
        client.send(self.HEAD_AND.format("GET"))
        peer = self.accept_request("HEAD / HTTP/1.1")
        peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 13\r\n\r\n")
        self.assertEqual(peer.read_request()[0], "GET /next HTTP/1.1")
        peer.send(b"<p>hello</p>\n")
        fresh = self.accept_request("GET /next HTTP/1.1")
        fresh.send(OK)
        self.assertEqual(client.read_response("HEAD").status, 200)
        self.assertEqual(client.read_response().status, 200)
        peer.wait_ended()

    def test_a_request_that_cannot_be_repeated_does_not_follow_head_at_once(self):
        for answer in (b"HTTP/1.1 200 OK\r\nContent-Length: 13\r\n\r\n",
                       b"HTTP/1.1 204 No Content\r\n\r\n", b"HTTP/1.1 304 Not Modified\r\n\r\n"):
            client, peer = self.begin(self.HEAD_AND.format("DELETE"))
            peer.send(answer)
            fresh = self.accept_request("DELETE /next HTTP/1.1")
            fresh.send(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
            client.read_response("HEAD")
            self.assertEqual(client.read_response().status, 200)
            self.assertEqual(peer.wait_ended(), b"")
            client.socket.close()

    def test_a_get_with_a_body_does_not_use_a_connection_that_was_idle_for_long(self):
        """The backend may close it at any moment, and the body cannot be sent a second time."""
        client, peer, _ = self.exchange()
        time.sleep(1.1)  # kFreshFor in proxyd/core/reuse.h
        client.ask(headers=[("Content-Length", 4)], body=b"body")
        fresh = self.accept_request("GET / HTTP/1.1")
        self.assertEqual(fresh.read_exactly(4), b"body")
        self.finish(client, fresh)

    LAST = (b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 1\r\n\r\n1",
            b"HTTP/1.0 200 OK\r\nContent-Length: 1\r\n\r\n1")

    UNTIL_CLOSE = b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n1"
    KEPT = b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n1"
    REFUSED_UPGRADE = b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 1\r\n\r\n1"

    def test_a_half_closed_backend_gets_a_fin(self):
        """The backend may still read, like a Node server after socket.end(), and may crash on a reset."""
        upgrade = "GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n"
        plain = GET
        for request, answer in ((plain, self.LAST[0]), (plain, self.LAST[1]), (plain, self.KEPT),
                                (plain, self.UNTIL_CLOSE), (upgrade, self.REFUSED_UPGRADE)):
            with self.subTest(answer):
                client, peer = self.begin(request)
                peer.send(answer)
                peer.socket.shutdown(socket.SHUT_WR)
                self.assertEqual(client.read_response().body, b"1")
                self.assertEqual(peer.socket.recv(1), b"")

    def test_the_port_of_a_backend_that_has_closed_is_free(self):
        """Also for a new backend that binds without SO_REUSEADDR, which a TIME_WAIT would prevent."""
        for answer in (*self.LAST, self.KEPT, self.UNTIL_CLOSE):
            for _ in range(20):
                client, peer = self.begin()
                peer.send(answer)
                peer.socket.close()
                self.assertEqual(client.read_response().body, b"1")
        address = self.backend.getsockname()
        self.backend.close()

        def can_be_bound():
            with socket.socket() as successor:
                try:
                    successor.bind(address)
                except OSError:
                    return False
                return True

        wait_for(can_be_bound, "the port to be free", deadline_s=5)

    def test_a_backend_that_does_not_close_as_announced_delays_proxyd_briefly(self):
        for answer in self.LAST:
            began = time.monotonic()
            _, peer, _ = self.exchange(GET, answer)
            self.assertEqual(peer.socket.recv(1), b"")
            self.assertGreaterEqual(time.monotonic() - began, 0.1)


class Log(ProxyTest):
    """There is one log line for each answer that hpp cuts or gives itself."""

    def test_a_backend_that_gives_no_answer(self):
        client, peer = self.ask(path="/none")
        peer.socket.close()
        self.assertEqual(client.read_response().status, 502)
        self.proxy.wait_line("GET /none: 502, your server closed the connection before it began")

    def test_an_answer_that_cannot_be_used(self):
        client, peer = self.ask(path="/bad")
        peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: x\x1b[31m\r\n\r\n")
        self.assertEqual(client.read_response().status, 502)
        self.proxy.wait_line("GET /bad: 502, your server's answer cannot be used")
        self.assertNotIn("\x1b", self.proxy.output())

    def test_an_answer_that_is_cut(self):
        client, peer = self.ask(path="/cut")
        peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello")
        client.read_head()
        peer.socket.close()
        self.assertEqual(client.read_to_end(), b"hello")
        self.proxy.wait_line("GET /cut: cut short, your server closed the connection")

    def test_a_request_that_is_refused(self):
        client = self.client()
        client.send(b"GET /nul\x1b[31m HTTP/1.1\r\nHost: a\r\n\r\n")
        self.assertEqual(client.read_response().status, 400)
        self.proxy.wait_line(r"GET /nul\?\[31m: 400, ")

    def test_many_lines_at_once_are_shortened(self):
        for _ in range(3):
            client, peer = self.ask(path="/none")
            peer.socket.close()
            self.assertEqual(client.read_response().status, 502)
        self.proxy.wait_line("[12] more requests? failed in the same way")


class Streams(ProxyTest):
    def test_events_pass_at_once(self):
        client, peer = self.ask()
        peer.send(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n")
        client.read_head()
        for i in range(5):
            event = b"data: %d\n\n" % i
            peer.send(event)
            self.assertEqual(client.read_chunk(), event)

    def test_an_event_stream_ends_when_the_client_leaves(self):
        client, peer = self.ask()
        peer.send(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\ndata: 0\n\n")
        client.read_head()
        client.read_chunk()
        client.socket.close()
        peer.wait_ended()

    def test_half_closed_clients_get_their_answer(self):
        client = self.client()
        client.ask()
        client.socket.shutdown(socket.SHUT_WR)
        peer = self.accept_request()
        peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello")
        self.assertEqual(client.read_response().body, b"hello")
        client.wait_closed()

    def test_every_request_of_a_half_closed_client_is_answered(self):
        client = self.client()
        client.send(GET +
                    b"POST /cut HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhel")
        client.socket.shutdown(socket.SHUT_WR)
        peer = self.accept_request()
        peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello")
        self.assertEqual(client.read_response().body, b"hello")
        self.assertEqual(client.read_response().status, 400)
        client.wait_closed()
        peer.wait_ended()

    def test_a_tunnel_carries_early_data_both_ways_and_half_closes(self):
        client = self.client()
        client.ask(headers=[("Connection", "Upgrade"), ("Upgrade", "echo")], body=b"early")
        peer = self.accept()
        self.assertIn(("Upgrade", "echo"), peer.read_request()[1])
        peer.send(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: echo\r\nConnection: Upgrade\r\n\r\n"
                  b"also early")
        self.assertEqual(peer.read_exactly(5), b"early")
        status, headers = client.read_head()
        self.assertEqual(status, 101)
        self.assertIn(("upgrade", "echo"), headers)
        self.assertEqual(client.read_exactly(10), b"also early")
        client.send(b"\x00\xff" * 1000)
        self.assertEqual(peer.read_exactly(2000), b"\x00\xff" * 1000)
        client.socket.shutdown(socket.SHUT_WR)
        self.assertEqual(peer.read_to_end(), b"")
        peer.send(b"last")
        peer.socket.close()
        self.assertEqual(client.read_to_end(), b"last")

    def test_a_tunnel_that_the_backend_has_half_closed_carries_all_of_the_clients_data(self):
        def descriptors():
            return len(os.listdir(f"/proc/{self.proxy.pid}/fd"))

        before = descriptors()
        self.backend.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 64 << 10)
        client, peer = self.ask(headers=[("Connection", "Upgrade"), ("Upgrade", "echo")])
        peer.send(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: echo\r\nConnection: Upgrade\r\n\r\n")
        peer.socket.shutdown(socket.SHUT_WR)
        self.assertEqual(client.read_head()[0], 101)
        self.assertEqual(client.read_to_end(), b"")
        # More than the buffers of the peer's end hold, and less than those of hpp's end.
        data = random.randbytes(1 << 20)

        def send():
            client.send(data)
            client.socket.shutdown(socket.SHUT_WR)

        Background(send).result()
        wait_for(lambda: descriptors() <= before + 1, "hpp to close the tunnel")
        self.assertEqual(peer.read_to_end(), data)

    def test_a_tunnel_carries_the_rest_of_the_requests_body(self):
        """The backend switches protocols before it has read the request's body. The body is long enough for
        splice(2), and to fill each buffer on the way."""
        body = random.randbytes(8 << 20)
        client = self.client()
        client.ask("POST", headers=[("Connection", "Upgrade"), ("Upgrade", "echo"),
                                    ("Content-Length", len(body))])
        sender = Background(client.send, body + b"behind the body")
        peer = self.accept_request()
        peer.send(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: echo\r\nConnection: Upgrade\r\n\r\n")
        self.assertEqual(client.read_head()[0], 101)
        self.assertEqual(peer.read_exactly(len(body)), body)
        self.assertEqual(peer.read_exactly(15), b"behind the body")
        sender.result()
        peer.send(b"hello")
        self.assertEqual(client.read_exactly(5), b"hello")

    def test_random_bodies_both_ways(self):
        seed = random.randrange(1 << 32)
        with self.subTest(seed=seed):
            rng = random.Random(seed)
            for _ in range(10):
                self.check_random_body(rng)

    def check_random_body(self, rng):
        up, down = (rng.randbytes(int(10 ** rng.uniform(0, 6.5))) for _ in range(2))
        client = self.client()
        sender = Background(self.send_in_pieces, rng.random(), client, "POST / HTTP/1.1\r\nHost: a",
                            up)
        peer = self.accept()
        _, headers = peer.read_request()
        self.assertEqual(self.digest_body(peer, headers), hashlib.sha256(up).digest())
        answerer = Background(self.send_in_pieces, rng.random(), peer, "HTTP/1.1 200 OK", down)
        self.assertEqual(client.read_response().body, down)
        sender.result()
        answerer.result()
        close(client, peer)

    @staticmethod
    def digest_body(peer, headers):
        fields = {name.lower(): value for name, value in headers}
        if "content-length" in fields:
            body = peer.read_exactly(int(fields["content-length"]))
        else:
            body = b"".join(iter(peer.read_chunk, b""))
        return hashlib.sha256(body).digest()

    @staticmethod
    def send_in_pieces(seed, connection, start, body):
        """Sends a body, with a length or in random chunks, in random pieces."""
        rng = random.Random(seed)
        if rng.random() < 0.5:
            data = f"{start}\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body
        else:
            data = f"{start}\r\nTransfer-Encoding: chunked\r\n\r\n".encode()
            at = 0
            while at < len(body):
                size = int(10 ** rng.uniform(0, 5))
                piece = body[at:at + size]
                data += b"%x\r\n" % len(piece) + piece + b"\r\n"
                at += size
            data += b"0\r\n\r\n"
        at = 0
        while at < len(data):
            size = int(10 ** rng.uniform(0, 5.5))
            connection.send(data[at:at + size])
            at += size
            if rng.random() < 0.1:
                time.sleep(0.001)  # so that the peer receives the piece separately

    def test_one_byte_at_a_time(self):
        client = self.client()
        for byte in b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n":
            client.send(bytes([byte]))
        peer = self.accept_request()
        for byte in b"2\r\nab\r\n0\r\n\r\n":
            client.send(bytes([byte]))
        self.assertEqual(peer.read_chunk(), b"ab")
        self.assertEqual(peer.read_chunk(), b"")
        for byte in b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok":
            peer.send(bytes([byte]))
        self.assertEqual(client.read_response().body, b"ok")


class Backpressure(ProxyTest):
    """If a reader stops, the sender must stop, too: the proxy's memory does not grow with the body."""

    SIZE = 256 << 20

    def rss(self):
        pages = int(pathlib.Path(f"/proc/{self.proxy.pid}/statm").read_text().split()[1])
        return pages * resource.getpagesize()

    def check(self, sender, reader):
        """Sends until the sender blocks, checks the memory, then reads everything."""
        before = self.rss()
        sent = [0]
        block = bytes(1 << 20)

        def send_all():
            while sent[0] < self.SIZE:
                sender.send(block)
                sent[0] += len(block)

        sending = Background(send_all)
        self.wait_stalled(sent)
        self.assertLess(sent[0], 64 << 20, "the proxy did not stop reading")
        self.assertLess(self.rss() - before, 16 << 20)
        got = 0
        while got < self.SIZE:
            got += len(reader.socket.recv(1 << 20))
        sending.result()
        self.assertEqual(got, self.SIZE)
        self.assertLess(self.rss() - before, 16 << 20)

    @staticmethod
    def wait_stalled(sent):
        """Waits until the count has not changed for a while, which means that the sender blocks."""
        seen = [(-1, 0.0)]

        def stalled():
            if sent[0] != seen[0][0]:
                seen[0] = (sent[0], time.monotonic())
            return time.monotonic() - seen[0][1] > 0.3

        wait_for(stalled, "the sender to block")

    def test_down(self):
        client, peer = self.ask()
        peer.send(f"HTTP/1.1 200 OK\r\nContent-Length: {self.SIZE}\r\n\r\n")
        client.read_head()
        self.check(peer, client)

    def test_up(self):
        client, peer = self.ask("POST", headers=[("Content-Length", self.SIZE)])
        self.check(client, peer)


class ManyConnections(ProxyTest):
    def test_descriptors_are_released(self):
        def descriptors():
            return len(os.listdir(f"/proc/{self.proxy.pid}/fd"))

        def serve():
            for _ in range(20):
                peer = self.accept_request()
                peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")

        before = descriptors()
        for _ in range(5):
            server = threading.Thread(target=serve)
            server.start()
            clients = [self.client() for _ in range(20)]
            for client in clients:
                client.ask()
            for client in clients:
                self.assertEqual(client.read_response().status, 200)
                client.socket.close()
            server.join()
        wait_for(lambda: descriptors() <= before, "all descriptors to be closed")


class FewDescriptors(ProxyTest):
    def starter(self):
        return "/bin/sh", "-c", 'ulimit -n 64 && exec "$@"', "sh"

    def test_a_request_and_the_log_report_that_descriptors_have_run_out(self):
        clients = []
        for _ in range(64):  # each client needs its own connection to the backend
            clients.append(self.client())
            clients[-1].ask()
        answered = wait_for(lambda: next((c for c in clients if not c.is_quiet(0)), None),
                            "the first answer")
        answer = answered.read_response()
        self.assertEqual(answer.status, 503)
        for part in ("no file descriptor left (its limit is 64)", "ulimit -n"):
            self.assertIn(part, answer.text)
        self.proxy.wait_line("GET /: 503, hpp cannot connect .* no file descriptor left")
        # Each client that leaves makes room for another.
        for client in clients:
            client.socket.close()

        def is_asked():
            client = self.client()
            client.ask(path="/later")
            while client.socket not in select.select([client.socket, self.backend], [], [], DEADLINE_S)[0]:
                if self.accept().read_until(b"\r\n\r\n").startswith(b"GET /later"):
                    return True
            return False  # proxyd has not noticed yet that the other clients have left

        wait_for(is_asked, "the request to arrive")


if __name__ == "__main__":
    unittest.main()
