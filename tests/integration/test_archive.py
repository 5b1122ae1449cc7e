"""``/__hpp/requests.har``: the kept requests with the bodies of their answers."""

import base64
import gzip
import json
import os
import socket

from harness import get
from proxy import GET, ProxyTest, close

KEPT_MAX = 64 * 1024
JSON_TEXT = '{"name": "caf\u00e9"}\n'


def with_length(body, *fields):
    head = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n" % len(body)
    return head + b"".join(field + b"\r\n" for field in fields) + b"\r\n" + body


def chunk(content):
    return b"%x\r\n%s\r\n" % (len(content), content)


def chunked(*pieces, fields=b""):
    return (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n" + fields + b"\r\n" +
            b"".join(chunk(piece) for piece in pieces) + b"0\r\n\r\n")


class ArchiveTest(ProxyTest):
    def responses(self):
        """The responses of the archive, the oldest first."""
        archive = json.loads(get(f"http://localhost:{self.port}/__hpp/requests.har").text)
        self.assertEqual(archive["log"]["version"], "1.2")
        return [entry["response"] for entry in archive["log"]["entries"]]

    def response(self):
        """The only response of the archive."""
        responses = self.responses()
        self.assertEqual(len(responses), 1)
        return responses[0]

    def body(self):
        """The bytes in the only response of the archive."""
        content = self.response()["content"]
        text = content["text"].encode()
        return base64.b64decode(text) if content.get("encoding") == "base64" else text

    def assert_no_body(self, size, reason):
        response = self.response()
        self.assertEqual((response["bodySize"], response["content"]["size"]), (size, size))
        self.assertNotIn("text", response["content"])
        self.assertIn(reason, response["content"]["comment"])


class Archive(ArchiveTest):
    def test_a_chunked_json_a_gzip_and_a_long_answer(self):
        text = JSON_TEXT.encode()
        zipped = gzip.compress(text * 100)
        client, peer, _ = self.exchange(
            answer=chunked(text[:7], text[7:], fields=b"Content-Type: application/json\r\n"))
        self.exchange(client=client, peer=peer, answer=with_length(zipped, b"Content-Encoding: gzip"))
        self.exchange(client=client, peer=peer,
                      answer=with_length(b"x" * 102_400, b"Content-Type: text/plain"))
        as_json, as_gzip, as_long = self.responses()
        self.assertEqual(as_json["content"], {"size": len(text), "mimeType": "application/json",
                                              "text": JSON_TEXT})
        self.assertEqual(as_json["bodySize"], len(text))
        self.assertEqual(as_gzip["content"]["encoding"], "base64")
        self.assertEqual(base64.b64decode(as_gzip["content"]["text"]), zipped)
        self.assertIn("Content-Encoding gzip", as_gzip["content"]["comment"])
        self.assertEqual((as_gzip["bodySize"], as_gzip["content"]["size"]), (len(zipped), len(zipped)))
        self.assertEqual(as_long["content"], {"size": 102_400, "mimeType": "text/plain",
                                              "comment": "hpp keeps only bodies of up to 64 KiB."})
        self.assertEqual(as_long["bodySize"], 102_400)

    def test_one_request_shows_its_answer(self):
        self.exchange(answer=chunked(b"ab", b"c"))
        detail = json.loads(get(f"http://localhost:{self.port}/__hpp/requests/1").text)
        self.assertEqual((detail["answer_body"], detail["answer_body_is_kept"]), ("abc", True))

    def test_any_bytes_up_to_the_limit(self):
        body = os.urandom(KEPT_MAX)
        self.exchange(answer=with_length(body))
        self.assertEqual(self.body(), body)

    def test_a_byte_more_than_the_limit(self):
        self.exchange(answer=with_length(b"x" * (KEPT_MAX + 1)))
        self.assert_no_body(KEPT_MAX + 1, "up to 64 KiB")

    def test_a_long_answer_without_length(self):
        self.exchange(answer=chunked(*[b"x" * 8192] * 9))
        self.assert_no_body(-1, "up to 64 KiB")

    def test_an_answer_that_is_moved_inside_the_kernel(self):
        self.exchange(answer=with_length(b"x" * 1_000_000))
        self.assert_no_body(1_000_000, "up to 64 KiB")

    def test_an_answer_that_ends_with_its_connection(self):
        for version in (b"1.1", b"1.0"):  # with hpp's chunks, and as it came
            client, peer = self.begin(GET.replace(b"1.1", version))
            peer.send("HTTP/1.0 200 OK\r\n\r\nfirst ")
            client.read_until(b"first ")
            peer.send("second")
            peer.socket.close()
            client.read_until(b"second")
            if version == b"1.0":
                client.read_to_end()
        self.assertEqual([response["content"]["text"] for response in self.responses()], ["first second"] * 2)

    def test_a_long_answer_that_ends_with_its_connection(self):
        client, peer = self.begin(GET.replace(b"1.1", b"1.0"))
        body = os.urandom(3_000_000)
        peer.send(b"HTTP/1.0 200 OK\r\n\r\n" + body[:10])
        client.read_until(body[:10])
        # The test is both ends: the client must read while the backend writes.
        for at in range(10, len(body), 10_000):
            peer.send(body[at:at + 10_000])
            self.assertEqual(client.read_exactly(len(body[at:at + 10_000])), body[at:at + 10_000])
        close(peer)
        client.read_to_end()
        self.assert_no_body(-1, "up to 64 KiB")

    def test_an_http_1_0_client(self):
        self.exchange(GET.replace(b"1.1", b"1.0"), chunked(b"ab", b"c"))
        self.assertEqual(self.body(), b"abc")

    def test_an_answer_that_has_no_body(self):
        length = b"Content-Length: 99\r\n\r\n"
        client, peer, _ = self.exchange(GET.replace(b"GET", b"HEAD"), b"HTTP/1.1 200 OK\r\n" + length,
                                        method="HEAD")
        self.exchange(client=client, peer=peer, answer=b"HTTP/1.1 204 No Content\r\n\r\n")
        self.exchange(client=client, peer=peer, answer=b"HTTP/1.1 304 Not Modified\r\n" + length)
        responses = self.responses()
        self.assertEqual([response["status"] for response in responses], [200, 204, 304])
        for response in responses:
            self.assertEqual((response["bodySize"], response["content"]["size"]), (0, 0))

    def test_a_tunnel_has_no_body(self):
        client, peer, answer = self.exchange(
            b"GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n",
            b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\nhello")
        self.assertEqual(answer.status, 101)
        self.assertEqual(client.read_exactly(5), b"hello")
        response = self.response()
        self.assertEqual((response["status"], response["bodySize"], response["content"]["text"]), (101, 0, ""))
        close(peer)
        client.socket.shutdown(socket.SHUT_WR)
        client.wait_closed()
        self.assertEqual(self.response(), response)

    def test_an_answer_that_is_cut(self):
        client, peer = self.begin()
        peer.send("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhello")
        client.read_until(b"hello")
        close(peer)
        client.wait_closed()
        self.assert_no_body(-1, "ended before the end")

    def test_an_endless_stream(self):
        client, peer = self.begin()
        peer.send("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\ndata: first\n\n")
        client.read_until(b"first")
        self.assert_no_body(-1, "not complete")
        for number in range(10):
            end = b" %d\n\n" % number
            peer.send(b"data: " + b"x" * 10_000 + end)
            client.read_until(end)
        close(peer)
        client.read_until(b"0\r\n\r\n")
        self.assert_no_body(-1, "up to 64 KiB")

    def test_an_answer_of_hpps_own(self):
        client, peer = self.begin()
        peer.send("HTTP/1.1 nonsense\r\n\r\n")
        self.assertEqual(client.read_response().status, 502)
        self.assert_no_body(-1, "hpp itself has answered")
        self.assertEqual((self.response()["status"], self.response()["headers"]), (502, []))

    def test_only_the_final_answer_counts(self):
        self.exchange(answer=b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" + with_length(b"abc"))
        self.assertEqual(self.body(), b"abc")


class WithScript(ArchiveTest):
    OPTIONS = ("--inject",)

    def test_the_body_is_the_backends_without_hpps_script(self):
        page = b"<!doctype html>\n<head>\n<title>t</title>\n"
        asked = GET.replace(b"\r\n\r\n", b"\r\nSec-Fetch-Dest: document\r\nSec-Fetch-Mode: navigate\r\n\r\n")
        asked = asked.replace(b"Host: a", b"Host: localhost:%d" % self.port)
        html = b"Content-Type: text/html\r\n"
        client, peer, first = self.exchange(asked, with_length(page, html.strip()))
        second = self.exchange(asked, chunked(page[:20], page[20:], fields=html), client, peer)[2]
        for answer in (first, second):
            self.assertIn(b"livereload.js", answer.body)
        for response in self.responses():
            self.assertEqual((response["content"]["text"], response["bodySize"]), (page.decode(), len(page)))


class WithoutRecords(ArchiveTest):
    OPTIONS = ("--no-inspect",)

    def test_nothing_is_kept(self):
        self.assertEqual(self.exchange()[2].body, b"ok")
        self.assertEqual(self.responses(), [])
