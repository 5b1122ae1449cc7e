"""Conformance to RFC 9110 and RFC 9112, as tables of exact bytes: messages that the proxy must refuse,
messages that it must pass on unchanged, and fields that it must remove.

Each row is (description, raw text); the text is latin-1, so that any byte can be written."""

import json
import select
import socket
import struct
import time
import unittest

from harness import DEADLINE_S, Background, Connection, free_port, wait_for
from proxy import Peer, ProxyTest, close, start_proxy

SMUGGLED = "GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n"
OK = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


def get(*lines, start="GET / HTTP/1.1", host="Host: a"):
    """A request's head."""
    return "\r\n".join([start, *([host] if host else []), *lines]) + "\r\n\r\n"


def post(*lines, start="POST / HTTP/1.1", body="0\r\n\r\n"):
    """A POST with a body. A server that reads the framing differently finds another end of the body."""
    return get(*lines, start=start) + body


def answer(*lines, start="HTTP/1.1 200 OK", body=""):
    return "\r\n".join([start, *lines]) + "\r\n\r\n" + body


def pieces(text, count):
    """Cuts the text into `count` pieces of about the same size."""
    data = text.encode("latin-1")
    count = min(count, len(data))
    cuts = [len(data) * i // count for i in range(count + 1)]
    return [data[a:b] for a, b in zip(cuts, cuts[1:])]


def send_pieces(connection, text, count):
    connection.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    for piece in pieces(text, count):
        connection.send(piece)
        if count > 1:
            time.sleep(0.0005)  # so that the proxy receives the piece separately


# ---- requests that are refused ------------------------------------------------------------------

START_LINES = [
    ("HTTP/0.9", "GET /\r\n\r\n"),
    ("no target", "GET HTTP/1.1\r\nHost: a\r\n\r\n"),
    ("an empty target", get(start="GET  HTTP/1.1")),
    ("a space before the method", get(start=" GET / HTTP/1.1")),
    ("two spaces before the target", get(start="GET  / HTTP/1.1")),
    ("two spaces before the version", get(start="GET /  HTTP/1.1")),
    ("a space after the version", get(start="GET / HTTP/1.1 ")),
    ("a tab for a space", get(start="GET\t/ HTTP/1.1")),
    ("a tab for the other space", get(start="GET /\tHTTP/1.1")),
    ("a vertical tab for a space", get(start="GET\x0b/ HTTP/1.1")),
    ("a space in the target", get(start="GET /a b HTTP/1.1")),
    ("a request line in the target", get(start="GET / HTTP/1.1 GET /b HTTP/1.1")),
    ("NUL in the target", get(start="GET /\0 HTTP/1.1")),
    ("a control character in the target", get(start="GET /\x01 HTTP/1.1")),
    ("DEL in the target", get(start="GET /\x7f HTTP/1.1")),
    ("a bare CR in the target", get(start="GET /\rX HTTP/1.1")),
    ("a method that is no token", get(start="GE(T / HTTP/1.1")),
    ("a method with a colon", get(start="GET: / HTTP/1.1")),
    ("a method with NUL", get(start="G\0T / HTTP/1.1")),
    ("a method beyond ASCII", get(start="G\xc9T / HTTP/1.1")),
    ("a header for a start line", "Host: a\r\n\r\n"),
    ("an answer for a request", "HTTP/1.1 200 OK\r\nHost: a\r\n\r\n"),
    ("HTTP/2.0", get(start="GET / HTTP/2.0")),
    ("the preface of HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
    ("HTTP/1.10", get(start="GET / HTTP/1.10")),
    ("HTTP/01.1", get(start="GET / HTTP/01.1")),
    ("HTTP/1,1", get(start="GET / HTTP/1,1")),
    ("HTTP/1.", get(start="GET / HTTP/1.")),
    ("HTTP/+1.1", get(start="GET / HTTP/+1.1")),
    ("http/1.1", get(start="GET / http/1.1")),
    ("HTTPS/1.1", get(start="GET / HTTPS/1.1")),
    ("XHTTP/1.1", get(start="GET / XHTTP/1.1")),
    ("TLS", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"),
]

TARGETS = [
    ("neither a path nor a URL", get(start="GET a HTTP/1.1")),
    ("authority-form for GET", get(start="GET a:80 HTTP/1.1")),
    ("asterisk-form for GET", get(start="GET * HTTP/1.1")),
    ("a query alone", get(start="GET ?a HTTP/1.1")),
    ("a backslash for a slash", get(start="GET \\ HTTP/1.1")),
    ("absolute-form without a host", get(start="GET http:/// HTTP/1.1")),
    ("absolute-form with a port alone", get(start="GET http://:80/ HTTP/1.1", host="Host: :80")),
    ("absolute-form of another scheme", get(start="GET ftp://a/ HTTP/1.1")),
    ("absolute-form with one slash", get(start="GET http:/a HTTP/1.1")),
    ("absolute-form with another host", get(start="GET http://b/ HTTP/1.1")),
    ("absolute-form with another port", get(start="GET http://a:81/ HTTP/1.1", host="Host: a:82")),
    ("absolute-form with a user", get(start="GET http://u@a/ HTTP/1.1")),
    ("absolute-form with a backslash", get(start="GET http://a\\b/ HTTP/1.1")),
]

HOSTS = [
    ("none", get(host="")),
    ("doubled", get("Host: a")),
    ("doubled and different", get("Host: b")),
    ("doubled in another case", get("hOST: b")),
    ("doubled, one empty", get("Host:")),
    ("a list", get(host="Host: a, b")),
    ("a space", get(host="Host: a b")),
    ("a tab", get(host="Host: a\tb")),
    ("a slash", get(host="Host: a/b")),
    ("a backslash", get(host="Host: a\\b")),
    ("a user", get(host="Host: u@a")),
    ("a query", get(host="Host: a?b")),
    ("a fragment", get(host="Host: a#b")),
    ("a URL", get(host="Host: http://a")),
    ("a port that is no number", get(host="Host: a:b")),
    ("a negative port", get(host="Host: a:-1")),
    ("two ports", get(host="Host: a:1:2")),
    ("a quote", get(host='Host: a"b')),
    ("angle brackets", get(host="Host: <a>")),
    ("an IPv6 address without brackets", get(host="Host: ::1")),
    ("an IPv6 address without its end", get(host="Host: [::1")),
    ("something behind the bracket", get(host="Host: [::1]a")),
    ("a broken escape", get(host="Host: a%zz")),
    ("NUL", get(host="Host: a\0b")),
    ("folded", get(host="Host: a\r\n b")),
]

NAMES_AND_VALUES = [
    ("a space before the colon", get("A : b")),
    ("a tab before the colon", get("A\t: b")),
    ("a space before Host's colon", get(host="Host : a")),
    ("a space before Content-Length's colon", post("Content-Length : 5")),
    ("a space before Transfer-Encoding's colon", post("Transfer-Encoding : chunked")),
    ("a tab before Transfer-Encoding's colon", post("Transfer-Encoding\t: chunked")),
    ("a vertical tab before the colon", post("Transfer-Encoding\x0b: chunked")),
    ("NUL before the colon", post("Transfer-Encoding\0: chunked")),
    ("a space in a name", get("A B: c")),
    ("no name", get(": b")),
    ("no colon", get("A")),
    ("no colon in the last", get("A: b", "C")),
    ("a name with parentheses", get("A(b): c")),
    ("a name with a slash", get("A/b: c")),
    ("a name with NUL", get("A\0b: c")),
    ("a name beyond ASCII", get("\xc4: b")),
    ("a value with NUL", get("A: b\0c")),
    ("a value with a control character", get("A: b\x01c")),
    ("a value with DEL", get("A: b\x7fc")),
    ("a value with an escape", get("A: \x1b[31m")),
    ("a space before the first header", get(host=" Host: a")),
    ("a tab before the first header", get(host="\tHost: a")),
    ("folded with a space", get("A: b", " c")),
    ("folded with a tab", get("A: b", "\tc")),
    ("folded, the first line empty", get("A:", " b")),
    ("folded, the second line empty", get("A: b", " ")),
    ("folded, both lines empty", get("A:", " ")),
    ("folded over three lines", get("A: b", " c", " d")),
    ("a folded Transfer-Encoding", post("Transfer-Encoding:", " chunked")),
    ("a folded Transfer-Encoding, with a tab", post("Transfer-Encoding:", "\tchunked")),
    ("a header in a fold", post("A: b", " Transfer-Encoding: chunked")),
]

LINE_ENDINGS = [
    ("bare LF everywhere", "GET / HTTP/1.1\nHost: a\n\n"),
    ("bare LF after the start line", "GET / HTTP/1.1\nHost: a\r\n\r\n"),
    ("bare LF after a header", "GET / HTTP/1.1\r\nHost: a\nA: b\r\n\r\n"),
    ("bare LF after the last header", "GET / HTTP/1.1\r\nHost: a\n\r\n"),
    ("bare LF for the empty line", "GET / HTTP/1.1\r\nHost: a\r\n\n"),
    ("bare LF that hides a header", post("A: b\nTransfer-Encoding: chunked")),
    ("bare LF before the start line", "\nGET / HTTP/1.1\r\nHost: a\r\n\r\n"),
    ("bare CR before the start line", "\rGET / HTTP/1.1\r\nHost: a\r\n\r\n"),
    ("bare CR after the start line", "GET / HTTP/1.1\rHost: a\r\n\r\n"),
    ("bare CR in a value", get("A: b\rc")),
    ("bare CR at the end of a value", get("A: b\r")),
    ("bare CR that hides a header", post("A: b\rTransfer-Encoding: chunked")),
    ("bare CR in a name", get("A\rb: c")),
    ("CR twice", "GET / HTTP/1.1\r\r\nHost: a\r\n\r\n"),
    ("LF and CR", "GET / HTTP/1.1\n\rHost: a\n\r\n\r"),
]

LENGTHS = [
    ("a plus", post("Content-Length: +5")),
    ("a minus", post("Content-Length: -5")),
    ("minus zero", post("Content-Length: -0")),
    ("nothing", post("Content-Length:")),
    ("a space alone", post("Content-Length:  ")),
    ("a word", post("Content-Length: five")),
    ("hexadecimal", post("Content-Length: 0x5")),
    ("a fraction", post("Content-Length: 5.0")),
    ("an exponent", post("Content-Length: 5e0")),
    ("a thousands' separator", post("Content-Length: 1_0")),
    ("something behind it", post("Content-Length: 5a")),
    ("a semicolon behind it", post("Content-Length: 5;")),
    ("a space within", post("Content-Length: 5 5")),
    ("a tab within", post("Content-Length: 5\t5")),
    ("quoted", post('Content-Length: "5"')),
    ("a list of different ones", post("Content-Length: 5, 6")),
    ("a list of equal ones", post("Content-Length: 5,5")),
    ("a list of one", post("Content-Length: 5,")),
    ("two different ones", post("Content-Length: 5", "Content-Length: 6")),
    ("two in another case", post("Content-Length: 5", "content-length: 0")),
    ("two equal ones", post("Content-Length: 5", "Content-Length: 5")),
    ("two zeros", post("Content-Length: 0", "Content-Length: 0")),
    ("2^64", post("Content-Length: 18446744073709551616")),
    ("2^64 + 5", post("Content-Length: 18446744073709551621")),
    ("a hundred digits", post("Content-Length: " + "9" * 100)),
    ("a vertical tab", post("Content-Length: \x0b5")),
    ("a form feed", post("Content-Length: 5\x0c")),
    ("NUL", post("Content-Length: 5\0")),
    ("digits that are not ASCII", post("Content-Length: \xb2")),
    ("with chunked", post("Content-Length: 5", "Transfer-Encoding: chunked")),
    ("with chunked, after it", post("Transfer-Encoding: chunked", "Content-Length: 5")),
    ("zero with chunked", post("Content-Length: 0", "Transfer-Encoding: chunked")),
    ("malformed with chunked", post("Content-Length: x", "Transfer-Encoding: chunked")),
    ("with identity", post("Content-Length: 5", "Transfer-Encoding: identity")),
    ("with chunked, Connection-named",
     post("Connection: Content-Length", "Content-Length: 5", "Transfer-Encoding: chunked")),
    ("with chunked, the other Connection-named",
     post("Connection: Transfer-Encoding", "Content-Length: 5", "Transfer-Encoding: chunked")),
    ("in a GET, with chunked", get("Content-Length: 5", "Transfer-Encoding: chunked")),
]

CODINGS = [
    ("identity", post("Transfer-Encoding: identity")),
    ("gzip", post("Transfer-Encoding: gzip")),
    ("gzip before chunked", post("Transfer-Encoding: gzip, chunked")),
    ("gzip after chunked", post("Transfer-Encoding: chunked, gzip")),
    ("identity after chunked", post("Transfer-Encoding: chunked, identity")),
    ("chunked twice", post("Transfer-Encoding: chunked, chunked")),
    ("chunked on two lines", post("Transfer-Encoding: chunked", "Transfer-Encoding: chunked")),
    ("another coding on another line",
     post("Transfer-Encoding: chunked", "Transfer-Encoding: identity")),
    ("another coding on a line before",
     post("Transfer-Encoding: identity", "Transfer-Encoding: chunked")),
    ("two lines in two cases", post("Transfer-Encoding: chunked", "transfer-encoding: x")),
    ("nothing", post("Transfer-Encoding:")),
    ("an empty element before", post("Transfer-Encoding: ,chunked")),
    ("an empty element after", post("Transfer-Encoding: chunked,")),
    ("a parameter", post("Transfer-Encoding: chunked;q=1")),
    ("a semicolon", post("Transfer-Encoding: chunked;")),
    ("quoted", post('Transfer-Encoding: "chunked"')),
    ("quoted with apostrophes", post("Transfer-Encoding: 'chunked'")),
    ("a letter before", post("Transfer-Encoding: xchunked")),
    ("a letter after", post("Transfer-Encoding: chunkedx")),
    ("a part", post("Transfer-Encoding: chunk")),
    ("a space within", post("Transfer-Encoding: chu nked")),
    ("a vertical tab before", post("Transfer-Encoding: \x0bchunked")),
    ("a vertical tab after", post("Transfer-Encoding: chunked\x0b")),
    ("a form feed before", post("Transfer-Encoding: \x0cchunked")),
    ("NUL after", post("Transfer-Encoding: chunked\0")),
    ("a bare CR after", post("Transfer-Encoding: chunked\r")),
    ("a no-break space before", post("Transfer-Encoding: \xa0chunked")),
    ("in HTTP/1.0", post("Transfer-Encoding: chunked", start="POST / HTTP/1.0")),
    ("in HTTP/1.0 with a length",
     post("Content-Length: 5", "Transfer-Encoding: chunked", start="POST / HTTP/1.0")),
    ("in a GET", get("Transfer-Encoding: identity")),
]

# Malformed bodies after a good head with Transfer-Encoding: chunked. The third column is the good part,
# which the proxy may have sent already.
CHUNKS = [
    ("0x", "0x5\r\nhello\r\n", ""),
    ("a plus", "+5\r\nhello\r\n", ""),
    ("a minus", "-5\r\nhello\r\n", ""),
    ("minus zero", "-0\r\n\r\n", ""),
    ("a space before the size", " 5\r\nhello\r\n", ""),
    ("a tab before the size", "\t5\r\nhello\r\n", ""),
    ("a space after the size", "5 \r\nhello\r\n", ""),
    ("a tab after the size", "5\t\r\nhello\r\n", ""),
    ("a space after the last size", "0 \r\n\r\n", ""),
    ("two sizes", "5 5\r\nhello\r\n", ""),
    ("an underscore", "1_0\r\nhello\r\n", ""),
    ("no hexadecimal digit", "g\r\nhello\r\n", ""),
    ("a digit that is not ASCII", "\xb2\r\nhello\r\n", ""),
    ("quoted", '"5"\r\nhello\r\n', ""),
    ("no size", "\r\nhello\r\n", ""),
    ("an extension without a size", ";a\r\nhello\r\n", ""),
    ("NUL", "5\0\r\nhello\r\n", ""),
    ("2^64", "10000000000000000\r\nhello\r\n", ""),
    ("2^64 + 5", "10000000000000005\r\nhello\r\n", ""),
    ("2^68 + 5", "100000000000000005\r\nhello\r\n", ""),
    ("bare LF after the size", "5\nhello\r\n", ""),
    ("bare CR after the size", "5\rhello\r\n\r\n", ""),
    ("CR twice after the size", "5\r\r\nhello\r\n", ""),
    ("bare LF after an extension", "5;a=b\nhello\r\n", ""),
    ("bare LF in an extension", "5;a\nb\r\nhello\r\n", ""),
    ("bare CR in an extension", "5;a\rb\r\nhello\r\n", ""),
    ("NUL in an extension", "5;a=\0\r\nhello\r\n", ""),
    ("a line feed in a quoted extension", '5;a="\n"\r\nhello\r\n', ""),
    ("a CR LF in a quoted extension", '5;a="\r\n"\r\nhello\r\n', ""),
    ("no CR LF after the data", "5\r\nhello0\r\n\r\n", "5\r\nhello"),
    ("bare LF after the data", "5\r\nhello\n0\r\n\r\n", "5\r\nhello"),
    ("bare CR after the data", "5\r\nhello\r0\r\n\r\n", "5\r\nhello"),
    ("LF and CR after the data", "5\r\nhello\n\r0\r\n\r\n", "5\r\nhello"),
    ("more data than the size", "5\r\nhello!\r\n0\r\n\r\n", "5\r\nhello"),
    ("a second chunk without a size", "1\r\na\r\n\r\n0\r\n\r\n", "1\r\na\r\n"),
    ("a second size of nonsense", "1\r\na\r\nX\r\n\r\n", "1\r\na\r\n"),
    ("bare LF after the last size", "0\n\r\n\r\n", ""),
    ("bare LF for the last line", "0\r\n\n\r\n\r\n", ""),
    ("something after the last size", "0X\r\n\r\n", ""),
    ("a trailer without a colon", "0\r\nA\r\n\r\n", ""),
    ("a space before a trailer's colon", "0\r\nA : b\r\n\r\n", ""),
    ("a bare LF after a trailer", "0\r\nA: b\nC: d\r\n\r\n", ""),
    ("a bare LF after each trailer", "0\r\nA: b\n\n", ""),
    ("a bare LF after the trailers", "0\r\nA: b\r\n\n", ""),
    ("a bare CR in a trailer", "0\r\nA: b\rC: d\r\n\r\n", ""),
    ("NUL in a trailer", "0\r\nA: \0\r\n\r\n", ""),
    ("a folded trailer", "0\r\nA: b\r\n c\r\n\r\n", ""),
    ("a line of 64 KiB", "5;" + "a" * 65536 + "\r\nhello\r\n", ""),
    ("trailers of 64 KiB", "0\r\nA: " + "a" * 65536 + "\r\n\r\n", ""),
]


class Hostile(ProxyTest):
    """Requests that are refused: the connection is closed, and the backend receives nothing."""

    def check(self, name, text, status=400, count=1):
        with self.subTest(name, pieces=count):
            client = self.client()
            send_pieces(client, text, count)
            heard = select.select([client.socket, self.backend], [], [], DEADLINE_S)[0]
            if self.backend in heard:
                self.accept().socket.close()
                client.socket.close()
                self.fail("it reached the backend")
            got = client.read_response()
            self.assertEqual(got.status, status, got)
            self.assertIn("This request cannot be accepted: ", got.text)
            self.assertEqual(got.header("connection"), "close")
            client.wait_closed()
            client.socket.close()

    def check_all(self, rows):
        for name, text in rows:
            self.check(name, text)
            self.check(name, text + SMUGGLED)
            self.check(name, text, count=4)
        self.assert_backend_heard_nothing()

    def test_start_lines(self):
        self.check_all(START_LINES)

    def test_targets(self):
        self.check_all(TARGETS)

    def test_hosts(self):
        self.check_all(HOSTS)

    def test_names_and_values(self):
        self.check_all(NAMES_AND_VALUES)

    def test_line_endings(self):
        self.check_all(LINE_ENDINGS)

    def test_content_lengths(self):
        self.check_all(LENGTHS)

    def test_transfer_encodings(self):
        self.check_all(CODINGS)

    def test_byte_by_byte(self):
        for table in (START_LINES[2:4], HOSTS[:3], NAMES_AND_VALUES[22:25], LINE_ENDINGS[:3],
                      LENGTHS[29:31], CODINGS[:3]):
            for name, text in table:
                self.check(name, text, count=len(text))
        self.assert_backend_heard_nothing()

    def test_connect_is_not_served(self):
        self.check("authority-form", get(start="CONNECT a:80 HTTP/1.1", host="Host: a:80"), 501)
        self.check("origin-form", get(start="CONNECT / HTTP/1.1"), 501)
        self.assert_backend_heard_nothing()

    def test_a_bad_request_behind_a_good_one(self):
        """The good request is answered, and the bad one behind it is refused."""
        for name, text in (LENGTHS[29], CODINGS[5], HOSTS[2], LINE_ENDINGS[0], NAMES_AND_VALUES[0]):
            with self.subTest(name):
                client, peer = self.begin((get() + text + SMUGGLED).encode("latin-1"))
                self.finish(client, peer)
                self.assertEqual(client.read_response().status, 400)
                client.wait_closed()
                close(client, peer)
                self.assertEqual(peer._buffer, b"")

    def test_chunks(self):
        """The head is sent before the body is known to be malformed. The malformed part, and everything
        after it, is never sent, and the backend's connection ends without the end of the body."""
        for name, text, good in CHUNKS:
            for count in (1, 4):
                with self.subTest(name, pieces=count):
                    client, peer = self.begin(post("Transfer-Encoding: chunked", body=""))
                    more = SMUGGLED if count == 1 else ""
                    sender = Background(send_pieces, client, text + more, count)
                    heard = select.select([client.socket], [], [], 5)[0]
                    self.assertTrue(heard, "it was not refused")
                    got = client.read_response()
                    self.assertEqual(got.status, 400, got)
                    self.assertIn("This request cannot be accepted: ", got.text)
                    sender.result()
                    client.wait_closed()
                    client.socket.close()
                    reached = peer.wait_ended().decode("latin-1")
                    self.assertTrue(good.startswith(reached), reached)
                    peer.socket.close()


# ---- answers that are refused -------------------------------------------------------------------

ANSWERS = [
    ("no HTTP", "hello\r\n\r\n"),
    ("a letter before", answer(start="XHTTP/1.1 200 OK")),
    ("a space before", answer(start=" HTTP/1.1 200 OK")),
    ("http in small letters", answer(start="http/1.1 200 OK")),
    ("HTTP/2", answer(start="HTTP/2 200")),
    ("HTTP/1.10", answer(start="HTTP/1.10 200 OK")),
    ("no version", answer(start="HTTP 200 OK")),
    ("two digits", answer(start="HTTP/1.1 20 OK")),
    ("four digits", answer(start="HTTP/1.1 2000 OK")),
    ("a negative status", answer(start="HTTP/1.1 -20 OK")),
    ("a status of letters", answer(start="HTTP/1.1 abc OK")),
    ("a status below 100", answer(start="HTTP/1.1 099 OK")),
    ("no status", answer(start="HTTP/1.1 OK")),
    ("NUL in the reason", answer(start="HTTP/1.1 200 O\0K")),
    ("a bare CR in the reason", answer(start="HTTP/1.1 200 O\rK")),
    ("bare CR in a value", answer("A: b\rSet-Cookie: c", "Content-Length: 0")),
    ("NUL in a value", answer("A: b\0", "Content-Length: 0")),
    ("no colon", answer("Content-Length")),
    ("no name", answer(": b", "Content-Length: 0")),
    ("a name that is no token", answer("A(b): c", "Content-Length: 0")),
    ("a space before the first header", answer(" A: b", "Content-Length: 0")),
    ("two lengths", answer("Content-Length: 5", "Content-Length: 6")),
    ("a list of lengths", answer("Content-Length: 5, 6")),
    ("a plus", answer("Content-Length: +5")),
    ("a negative length", answer("Content-Length: -5")),
    ("an empty length", answer("Content-Length:")),
    ("a hexadecimal length", answer("Content-Length: 0x5")),
    ("a length of 2^64", answer("Content-Length: 18446744073709551616")),
    ("gzip", answer("Transfer-Encoding: gzip")),
    ("gzip before chunked", answer("Transfer-Encoding: gzip, chunked")),
    ("gzip after chunked", answer("Transfer-Encoding: chunked, gzip")),
    ("chunked twice", answer("Transfer-Encoding: chunked", "Transfer-Encoding: chunked")),
    ("identity", answer("Transfer-Encoding: identity", "Content-Length: 0")),
    ("101 without an Upgrade request",
     answer("Connection: Upgrade", "Upgrade: x", start="HTTP/1.1 101 Switching Protocols")),
    ("another answer after an interim one",
     answer(start="HTTP/1.1 103 Early Hints") + "hello\r\n\r\n"),
]

# Chunks that are refused in a request and corrected in an answer, because they have only one meaning by
# RFC 9112 §7.1, or because nginx and HAProxy accept them. A line feed within an extension ends the line,
# so the rest of the extension is malformed.
CORRECTED_CHUNKS = {
    "a space after the size", "a tab after the size", "a space after the last size",
    "bare LF after the size", "bare LF after an extension", "NUL in an extension",
    "bare LF after the data", "bare LF after the last size", "bare LF for the last line",
    "a space before a trailer's colon", "a bare LF after a trailer", "a bare LF after each trailer",
    "a bare LF after the trailers", "a folded trailer", "NUL in a trailer",
}
MISFITTING_CHUNKS = {
    "bare LF in an extension", "a line feed in a quoted extension", "a CR LF in a quoted extension",
    "LF and CR after the data",
}

class HostileAnswers(ProxyTest):
    def test_heads(self):
        for name, text in ANSWERS:
            for count in (1, 4):
                with self.subTest(name, pieces=count):
                    client, peer = self.begin(get())
                    sender = Background(self.send_all, peer, text + OK, count)
                    got = client.read_response()
                    self.assertEqual(got.status, 502, got)
                    self.assertRegex(got.text, r"^Your server's answer cannot be used: .{10,}\.\n$")
                    self.assertEqual(got.header("connection"), "close")
                    client.wait_closed()
                    sender.result()
                    peer.wait_ended()
                    close(client, peer)

    @staticmethod
    def send_all(peer, text, count):
        try:
            send_pieces(peer, text, count)
        except OSError:
            pass  # the proxy has closed the connection already

    def test_chunks(self):
        """The head was sent already, so the client only notices that the answer is cut."""
        for name, text, good in CHUNKS:
            if name in CORRECTED_CHUNKS | MISFITTING_CHUNKS:
                continue
            with self.subTest(name):
                client, peer = self.begin(get())
                peer.send(answer("Transfer-Encoding: chunked"))
                self.assertEqual(client.read_head()[0], 200)
                sender = Background(self.send_all, peer, text + OK, 1)
                rest = client.read_to_end().decode("latin-1")
                self.assertTrue(good.startswith(rest), rest)
                sender.result()
                peer.wait_ended()
                close(client, peer)

    def test_bytes_after_an_answer_are_no_answer_to_the_next_request(self):
        for name, method, text in (
            ("after a length", "GET", OK + OK),
            ("after chunks", "GET", answer("Transfer-Encoding: chunked", body="0\r\n\r\n" + OK)),
            ("after 204", "GET", answer(start="HTTP/1.1 204 No Content") + OK),
            ("after 304", "GET", answer("Content-Length: 5", start="HTTP/1.1 304 No") + OK),
            ("after HEAD", "HEAD", answer("Content-Length: 2") + OK),
            ("a body after HEAD", "HEAD", OK),
            ("a body after 304", "GET", answer("Content-Length: 5", start="HTTP/1.1 304 No",
                                               body="hello")),
        ):
            with self.subTest(name):
                client, peer = self.begin(get(start=f"{method} / HTTP/1.1"))
                peer.send(text)
                client.read_response(method)
                client.send(get(start="GET /next HTTP/1.1"))
                peer.wait_ended()
                fresh = self.accept_request("GET /next HTTP/1.1")
                fresh.send(answer("Content-Length: 4", "Connection: close", body="mine"))
                self.assertEqual(client.read_response().body, b"mine")
                close(client, peer, fresh)


# ---- answers that are corrected -----------------------------------------------------------------

CHUNKED = "Transfer-Encoding: chunked"
HELLO = "5\r\nhello\r\n0\r\n\r\n"

# The defect, the answer, and a part of the log's line. The body is always `hello`.
SLOPPY = [
    ("bare LF, as curl's test server has it",
     "HTTP/1.1 200 OK\nServer: x\nContent-Length: 5\n\nhello", "bare LF"),
    ("bare LF from a CGI script below http.server",
     "HTTP/1.0 200 Script output follows\r\nServer: x\r\nContent-type: text/plain\n\nhello", "bare LF"),
    ("an empty line before", "\r\n" + answer("Content-Length: 5", body="hello"), "empty line"),
    ("no reason", answer("Content-Length: 5", start="HTTP/1.1 200", body="hello"), "server's status line"),
    ("two blanks before the status",
     answer("Content-Length: 5", start="HTTP/1.1  200 OK", body="hello"), "server's status line"),
    ("HTTP/2.0", answer("Content-Length: 5", start="HTTP/2.0 200 OK", body="hello"), "server's status line"),
    ("a blank before the colon", answer("Content-Length : 5", body="hello"), "before a header's colon"),
    ("folded", answer("Content-Length:", " 5", "A: b", "\tc", body="hello"), "folds a header"),
    ("a control character", answer("A: b\x1bc", "Content-Length: 5", body="hello"), "control character"),
    ("a length and chunked", answer("Content-Length: 3", CHUNKED, body=HELLO), "together with"),
    ("chunked and a length", answer(CHUNKED, "Content-Length: 9", body=HELLO), "together with"),
    ("two equal lengths", answer("Content-Length: 5", "Content-Length: 5", body="hello"), "more than once"),
    ("a list of equal lengths", answer("Content-Length: 5, 5", body="hello"), "more than once"),
    ("chunked in HTTP/1.0", answer(CHUNKED, start="HTTP/1.0 200 OK", body=HELLO), "HTTP/1.0 answer"),
    ("an empty coding", answer("Transfer-Encoding: chunked,", body=HELLO), "empty elements"),
    ("blanks after a size", answer(CHUNKED, body="5  \r\nhello\r\n0 \r\n\r\n"), "behind a chunk's size"),
    ("bare LF in chunks", answer(CHUNKED, body="5\nhello\n0\n\n"), "bare LF"),
    ("a length for a trailer", answer(CHUNKED, body=HELLO[:-2] + "Content-Length: 5\r\n\r\n"), "trailer"),
]


class SloppyAnswers(ProxyTest):
    """Malformed answers with only one meaning are passed on in correct form. Each defect is logged once."""

    def get(self, text, start="GET / HTTP/1.1", count=1):
        """The backend answers with this text; returns the answer at the client."""
        client, peer = self.begin(get("Connection: close", start=start))
        send_pieces(peer, text, count)
        peer.socket.close()
        got = client.read_to_end().decode("latin-1")
        client.socket.close()
        return got

    def check(self, got, name):
        head, _, body = got.partition("\r\n\r\n")
        self.assertRegex(head, r"\AHTTP/1\.1 200 [^\r\n]*(\r\n[!#-'*+.0-9A-Z^_`a-z|~-]+: [ -~]*)*\Z", name)
        framings = [line for line in head.lower().split("\r\n")
                    if line.startswith(("content-length:", "transfer-encoding:"))]
        self.assertIn(framings, (["content-length: 5"], ["transfer-encoding: chunked"]), got)
        self.assertEqual(body, HELLO if "chunked" in framings[0] else "hello", got)

    def test_they_are_corrected(self):
        for name, text, _ in SLOPPY:
            for count in (1, 7):
                with self.subTest(name, pieces=count):
                    self.check(self.get(text, count=count), name)

    def test_a_client_of_http_1_0_gets_only_the_content(self):
        for name, text, _ in SLOPPY:
            with self.subTest(name):
                got = self.get(text, start="GET / HTTP/1.0")
                head, _, body = got.partition("\r\n\r\n")
                self.assertEqual(body, "hello", got)
                self.assertNotIn("transfer-encoding", head.lower())

    def test_chunks_are_corrected(self):
        for name, text, _ in CHUNKS:
            if name not in CORRECTED_CHUNKS or name == "NUL in a trailer":
                continue
            with self.subTest(name):
                data = text if "hello" in text else "5\r\nhello\r\n" + text
                if "0" not in data.partition("hello")[2]:
                    data += "0\r\n\r\n"
                got = self.get(answer(CHUNKED, body=data))
                self.assertEqual(got.partition("\r\n\r\n")[2], HELLO)

    def test_each_defect_is_logged_once(self):
        for _ in range(2):
            for number, (_, text, _) in enumerate(SLOPPY):
                self.get(text, start=f"GET /{number} HTTP/1.1")
        wait_for(lambda: "as a trailer" in self.proxy.output("err"), "the line about the last defect")
        lines = [line for line in self.proxy.output("err").splitlines() if "your server" in line]
        self.assertEqual(len(lines), len({line.partition(" First seen")[0] for line in lines}), lines)
        for number, (name, _, defect) in enumerate(SLOPPY):
            with self.subTest(name):
                told = [line for line in lines if defect in line]
                self.assertEqual(len(told), 1, lines)
                self.assertRegex(told[0], r"\(RFC 911[02], section [0-9.]+\)\. hpp corrects that")
                first = min(at for at, row in enumerate(SLOPPY) if row[2] == defect)
                self.assertTrue(told[0].endswith(f"in the answer to GET /{first}"), told[0])

    def test_they_are_listed_at_hpp_status(self):
        self.get(SLOPPY[0][1], start="GET /cgi HTTP/1.1")
        with self.client() as client:
            client.send(get(start="GET /__hpp/status HTTP/1.1", host=f"Host: localhost:{self.port}"))
            defects = json.loads(client.read_response().text)["defects"]
        self.assertEqual([found["first_request"] for found in defects], ["GET /cgi"])
        self.assertIn("bare LF", defects[0]["defect"])


# ---- messages that pass unchanged ---------------------------------------------------------------

# The request line passes unchanged.
GOOD_START_LINES = [
    "GET / HTTP/1.1",
    "GET //a//b HTTP/1.1",
    "GET /a/../b/./c HTTP/1.1",
    "GET /%2e%2E/%00%zz HTTP/1.1",
    "GET /a?b=c&d=%20+&&?/;=x HTTP/1.1",
    "GET /?http://b/ HTTP/1.1",
    "GET /a#b HTTP/1.1",
    "GET /\"<>[]^`{|}\\ HTTP/1.1",
    "GET /\xe4\xf6 HTTP/1.1",
    "GET /" + "a" * 60_000 + " HTTP/1.1",
    "OPTIONS * HTTP/1.1",
    "OPTIONS / HTTP/1.1",
    "TRACE / HTTP/1.1",
    "DELETE /a HTTP/1.1",
    "PATCH /a HTTP/1.1",
    "PROPFIND / HTTP/1.1",
    "M-SEARCH / HTTP/1.1",
    "get / HTTP/1.1",
    "!#$%&'*+-.^_`|~09azAZ / HTTP/1.1",
]

# A URL as the target is replaced by its path, as an origin server expects it (RFC 9112 §3.2.1).
URLS = [
    ("GET http://a HTTP/1.1", "GET / HTTP/1.1"),
    ("GET http://a?b HTTP/1.1", "GET /?b HTTP/1.1"),
    ("GET http://a/b?c=http://d/ HTTP/1.1", "GET /b?c=http://d/ HTTP/1.1"),
    ("GET HTTP://A//b HTTP/1.1", "GET //b HTTP/1.1"),
    ("GET http://a:80/ HTTP/1.1", "GET / HTTP/1.1"),
    ("GET https://a/ HTTP/1.1", "GET / HTTP/1.1"),
    ("GET ws://a/b HTTP/1.1", "GET /b HTTP/1.1"),
    ("OPTIONS http://a HTTP/1.1", "OPTIONS * HTTP/1.1"),
]

GOOD_HOSTS = ["a", "A.Example", "localhost:8000", "a:", "127.0.0.1", "127.0.0.1:80", "[::1]",
              "[::1]:8000", "[fe80::1%25eth0]:1", "a_b.c", "xn--bcher-kva.example", "a%20b", "a;b",
              "a.", ""]

# Headers without a meaning for the proxy.
GOOD_HEADERS = [
    "a: b",
    "A:",
    "A: b  c\td",
    "!#$%&'*+-.^_`|~0: b",
    "A: \xe4\xf6\xff",
    'A: "b\\"c", d;e=f',
    "A: b: c: d",
    "Cookie: a=b; c=d",
    "Cookie: e=f",
    "cookie: g=h",
    "X-Dup: 1",
    "X-DUP: 2",
    "x-dup: 1",
    "Accept-Encoding: gzip, br",
    "Authorization: Basic YTpi",
    "Proxy-Authorization: Basic YTpi",
    "Cache-Control: no-cache",
    "Content_Length: 5",
    "Content-Length-: 5",
    "X-Transfer-Encoding: chunked",
    "Range: bytes=0-4",
    "If-None-Match: \"a\"",
    "Via: 1.1 other",
    "Max-Forwards: 0",
    "Date: today",
    "Origin: null",
    "Sec-WebSocket-Key: x",
    "HTTP2-Settings: x",
    "Z: last",
]

# (the body's headers, raw body). The body passes byte for byte.
GOOD_BODIES = [
    (["Content-Length: 5"], "hello"),
    (["content-length: 5"], "\0\r\n\xff\n"),
    (["Content-Length: 0"], ""),
    (["Content-Length: 007"], "sevensx"),
    (["Content-Length:\t5\t"], "hello"),
    (["Transfer-Encoding: chunked"], "0\r\n\r\n"),
    (["transfer-encoding: CHUNKED"], "1\r\na\r\n0\r\n\r\n"),
    (["Transfer-Encoding:\tchunked "], "5\r\nhello\r\n0\r\n\r\n"),
    (["Transfer-Encoding: chunked"], "A\r\n0123456789\r\na\r\n0123456789\r\n00\r\n\r\n"),
    (["Transfer-Encoding: chunked"], "0000000000000005\r\nhello\r\n000\r\n\r\n"),
    (["Transfer-Encoding: chunked"], "5;a\r\nhello\r\n0;b\r\n\r\n"),
    (["Transfer-Encoding: chunked"], '5;a=b;c="d e"\r\nhello\r\n0;f="g\\"h"\r\n\r\n'),
    (["Transfer-Encoding: chunked"], "4\r\n\r\n\r\n\r\n0\r\n\r\n"),
    (["Transfer-Encoding: chunked"], "5\r\n0\r\n\r\n\r\n0\r\n\r\n"),
    (["Transfer-Encoding: chunked", "Trailer: A"], "1\r\na\r\n0\r\nA: b\r\nC: d\r\n\r\n"),
    (["Transfer-Encoding: chunked"], "0\r\nA:\r\nB: c  d\r\nB: e\r\n\r\n"),
]

ADDED = ("forwarded", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto")


def trimmed(line):
    """Removes white space around the value, which is not part of it."""
    name, _, value = line.partition(":")
    value = value.strip(" \t")
    return f"{name}: {value}"


class Passing(ProxyTest):
    """Sends messages on one connection of a client and one of the backend."""

    def setUp(self):
        super().setUp()
        self.one_client = self.client()
        self.one_peer = None

    def pass_request(self, text, size=0, count=1):
        """Sends a request; returns (request line, header lines that were not added, body)."""
        sender = Background(send_pieces, self.one_client, text, count)
        self.one_peer = self.one_peer or self.accept()
        lines = self.one_peer.read_until(b"\r\n\r\n").decode("latin-1").split("\r\n")[:-2]
        body = self.one_peer.read_exactly(size).decode("latin-1")
        sender.result()
        kept = [line for line in lines[1:] if line.partition(":")[0].lower() not in ADDED]
        return lines[0], kept, body

    def pass_answer(self, text, method="GET", size=0, count=1):
        """Sends the answer; returns (status line, header lines, body)."""
        sender = Background(send_pieces, self.one_peer, text, count)
        lines = self.one_client.read_until(b"\r\n\r\n").decode("latin-1").split("\r\n")[:-2]
        body = self.one_client.read_exactly(size).decode("latin-1")
        sender.result()
        return lines[0], lines[1:], body

    def answer_ok(self):
        self.assertEqual(self.pass_answer(OK, size=2)[2], "ok")


class Untouched(Passing):
    def test_request_lines(self):
        for line in GOOD_START_LINES:
            with self.subTest(line[:50]):
                self.assertEqual(self.pass_request(get(start=line))[0], line)
                self.answer_ok()

    def test_urls(self):
        for line, passed in URLS:
            with self.subTest(line):
                self.assertEqual(self.pass_request(get(start=line))[:2], (passed, ["Host: a"]))
                self.answer_ok()

    def test_max_forwards(self):
        for method in ("OPTIONS", "TRACE"):
            lines = self.pass_request(get("Max-Forwards: 5", start=f"{method} / HTTP/1.1"))[1]
            self.assertEqual(lines, ["Host: a", "Max-Forwards: 4"])
            self.answer_ok()
        for method, status in (("OPTIONS", 200), ("TRACE", 501)):
            with self.client() as client:
                client.send(get("Max-Forwards: 0", start=f"{method} / HTTP/1.1"))
                got = client.read_response()
                self.assertEqual(got.status, status)
                self.assertIn("Max-Forwards", got.text)
                self.assertRegex(got.header("date"), r"^\w{3}, \d\d \w{3} \d{4} [\d:]{8} GMT$")
        self.assert_backend_heard_nothing()

    def test_hosts(self):
        for host in GOOD_HOSTS:
            with self.subTest(host):
                _, lines, _ = self.pass_request(get(host=f"Host: {host}"))
                self.assertEqual(lines, [f"Host: {host}"])
                self.answer_ok()

    def test_request_headers_keep_their_order_case_and_duplicates(self):
        for count in (1, 2, 3, 5):
            _, lines, _ = self.pass_request(get(*GOOD_HEADERS), count=count)
            self.assertEqual(lines, ["Host: a", *map(trimmed, GOOD_HEADERS)])
            self.answer_ok()

    def test_answer_headers_keep_their_order_case_and_duplicates(self):
        headers = [*GOOD_HEADERS, "Set-Cookie: a=b; Path=/", "set-cookie: c=d", "Set-Cookie: a=b",
                   "Server: x", "Trailer: A", "Forwarded: for=x", "X-Forwarded-For: x",
                   "Host: strange", "Alt-Svc: h2", "content-LENGTH: 0"]
        for count in (1, 2, 3, 5):
            self.pass_request(get())
            status, lines, _ = self.pass_answer(answer(*headers), count=count)
            self.assertEqual(status, "HTTP/1.1 200 OK")
            self.assertEqual(lines, [trimmed(line) for line in headers])

    def test_request_bodies(self):
        for headers, body in GOOD_BODIES:
            for count in (1, 5):
                with self.subTest(f"{headers} {body!r}", pieces=count):
                    _, lines, got = self.pass_request(post(*headers, body=body), len(body), count)
                    self.assertEqual(lines, ["Host: a", *map(trimmed, headers)])
                    self.assertEqual(got, body)
                    self.answer_ok()

    def test_answer_bodies(self):
        for headers, body in GOOD_BODIES:
            for count in (1, 5):
                with self.subTest(f"{headers} {body!r}", pieces=count):
                    self.pass_request(get())
                    _, lines, got = self.pass_answer(answer(*headers, body=body), size=len(body),
                                                     count=count)
                    self.assertEqual(lines, [trimmed(line) for line in headers])
                    self.assertEqual(got, body)

    def test_a_get_may_have_a_body(self):
        text = get("Content-Length: 5") + "hello"
        self.assertEqual(self.pass_request(text, 5)[2], "hello")
        self.answer_ok()

    def test_status_lines(self):
        for line in ("HTTP/1.1 200 OK", "HTTP/1.1 200 ", "HTTP/1.1 299 Any Thing: at all",
                     "HTTP/1.1 404 Nicht da \xe4", "HTTP/1.1 418 I'm a teapot", "HTTP/1.1 599 x",
                     "HTTP/1.1 999 x"):
            with self.subTest(line):
                self.pass_request(get())
                self.assertEqual(self.pass_answer(answer("Content-Length: 0", start=line))[0], line)

    def test_empty_lines_before_a_request_are_ignored(self):
        """Some clients send an empty line too many after a body (RFC 9112 section 2.2)."""
        for empty in ("\r\n", "\r\n\r\n", "\r\n" * 10):
            self.assertEqual(self.pass_request(empty + get())[0], "GET / HTTP/1.1")
            self.answer_ok()

    def test_cut_anywhere(self):
        """Each message in both directions is cut into two pieces at each byte."""
        body = "5;a=b\r\nhello\r\n0\r\nA: b\r\n\r\n"
        request = post("Transfer-Encoding: chunked", "A:  b", body=body)
        response = answer("Transfer-Encoding: chunked", "A:  b", body=body)
        for text, is_request in ((request, True), (response, False)):
            for at in range(1, len(text)):
                with self.subTest(text[:at]):
                    first, second = text[:at], text[at:]
                    sender, receiver = self.one_client, self.one_peer
                    if not is_request:
                        self.pass_request(get())
                        sender, receiver = self.one_peer, self.one_client
                    send_pieces(sender, first, 1)
                    time.sleep(0.0005)  # so that the proxy receives the piece separately
                    send_pieces(sender, second, 1)
                    if is_request:
                        receiver = self.one_peer = self.one_peer or self.accept()
                    head = receiver.read_until(b"\r\n\r\n")
                    self.assertIn(b"\r\nA: b\r\n", head)
                    self.assertEqual(receiver.read_exactly(len(body)), body.encode())
                    if is_request:
                        self.answer_ok()


# ---- headers that concern one connection --------------------------------------------------------

# (description, the request's headers, the headers that the backend gets)
REQUEST_HOPS = [
    ("Connection", ["Connection: keep-alive", "A: b"], ["A: b"]),
    ("Connection, any word", ["Connection: foo"], []),
    ("Keep-Alive", ["Keep-Alive: timeout=5", "Connection: keep-alive"], []),
    ("Keep-Alive that Connection does not name", ["Keep-Alive: timeout=5"], []),
    ("Proxy-Connection", ["Proxy-Connection: keep-alive"], []),
    ("named", ["A: b", "Connection: a", "C: d"], ["C: d"]),
    ("named twice, in any case", ["X-A: b", "x-a: c", "Connection: close2, X-a", "D: e"], ["D: e"]),
    ("named on two lines", ["Connection: A", "Connection: ,, B ,", "A: 1", "B: 2", "C: 3"],
     ["C: 3"]),
    ("Cookie, named", ["Connection: Cookie", "Cookie: a"], []),
    ("Content-Length, named: the body's end is not a peer's to take away",
     ["Connection: Content-Length", "Content-Length: 0"], ["Content-Length: 0"]),
    ("TE: trailers", ["TE: trailers", "Connection: TE"], ["TE: trailers", "Connection: TE"]),
    ("TE: more than trailers", ["TE: gzip;q=0.5, trailers", "Connection: TE"],
     ["TE: trailers", "Connection: TE"]),
    ("TE: no trailers", ["TE: gzip", "Connection: TE"], []),
    ("Upgrade that Connection does not name", ["Upgrade: x"], []),
    ("Upgrade without a protocol", ["Connection: Upgrade"], []),
    ("Upgrade", ["A: b", "Upgrade: x/1", "Connection: keep-alive, upgrade"],
     ["A: b", "Upgrade: x/1", "Connection: Upgrade"]),
    ("Upgrade to HTTP/2, as Java's HttpClient sends it",
     ["Connection: Upgrade, HTTP2-Settings", "HTTP2-Settings: AAMAAABk", "Upgrade: h2c"], []),
    ("Upgrade to HTTP/2 or another protocol",
     ["Connection: Upgrade, HTTP2-Settings", "HTTP2-Settings: AAMAAABk", "Upgrade: h2c, x"],
     ["Upgrade: x", "Connection: Upgrade"]),
    ("Trailer", ["Trailer: A"], ["Trailer: A"]),
    ("Via is not invented", [], []),
    ("Via is kept", ["Via: 1.0 a, 1.1 b"], ["Via: 1.0 a, 1.1 b"]),
]

ANSWER_HOPS = [
    ("Connection", ["Connection: keep-alive", "A: b"], ["A: b"]),
    ("Keep-Alive", ["Keep-Alive: timeout=5, max=3", "Connection: Keep-Alive"], []),
    ("Proxy-Connection", ["Proxy-Connection: keep-alive"], []),
    ("named", ["A: b", "Connection: a", "C: d"], ["C: d"]),
    ("Content-Length, named", ["Connection: Content-Length"], []),
    ("Upgrade that the client did not request", ["Upgrade: h2c", "Connection: Upgrade"], []),
    ("Set-Cookie thrice", ["Set-Cookie: a", "B: c", "Set-Cookie: a", "set-cookie: d"],
     ["Set-Cookie: a", "B: c", "Set-Cookie: a", "set-cookie: d"]),
    ("Proxy-Authenticate", ["Proxy-Authenticate: Basic"], ["Proxy-Authenticate: Basic"]),
]

# (description, headers, those of the four forwarding headers that the backend gets)
FORWARDING = [
    ("none", [],
     ["Forwarded: for=127.0.0.1;host=a;proto=http", "X-Forwarded-For: 127.0.0.1",
      "X-Forwarded-Host: a", "X-Forwarded-Proto: http"]),
    ("each of them",
     ["X-Forwarded-For: 9.9.9.9", "X-Forwarded-Host: b", "X-Forwarded-Proto: https",
      "Forwarded: for=9.9.9.9"],
     ["X-Forwarded-Host: b", "X-Forwarded-Proto: https",
      "Forwarded: for=9.9.9.9, for=127.0.0.1;host=b;proto=https",
      "X-Forwarded-For: 9.9.9.9, 127.0.0.1"]),
    ("on two lines",
     ["X-Forwarded-For: 1.1.1.1", "X-Forwarded-For: 2.2.2.2"],
     ["X-Forwarded-For: 1.1.1.1",
      "Forwarded: for=1.1.1.1;host=a;proto=http, for=2.2.2.2, for=127.0.0.1;host=a;proto=http",
      "X-Forwarded-For: 2.2.2.2, 127.0.0.1", "X-Forwarded-Host: a", "X-Forwarded-Proto: http"]),
]


class HopByHop(Passing):
    def test_requests(self):
        for name, headers, expected in REQUEST_HOPS:
            with self.subTest(name):
                _, lines, _ = self.pass_request(get(*headers))
                self.assertEqual(lines, ["Host: a", *expected])
                self.answer_ok()
                if "Connection: Upgrade" in expected:
                    self.one_peer = None  # not kept: a backend may close after refusing an upgrade

    def test_answers(self):
        for name, headers, expected in ANSWER_HOPS:
            with self.subTest(name):
                self.pass_request(get())
                _, lines, _ = self.pass_answer(answer(*headers, "Content-Length: 0"))
                self.assertEqual(lines, [*expected, "Content-Length: 0"])

    def test_forwarding(self):
        for name, headers, expected in FORWARDING:
            with self.subTest(name):
                self.one_client.send(get(*headers))
                self.one_peer = self.one_peer or self.accept()
                lines = self.one_peer.read_until(b"\r\n\r\n").decode().split("\r\n")[1:-2]
                self.assertEqual([line for line in lines if "orwarded" in line], expected)
                self.answer_ok()


# ---- where a body ends --------------------------------------------------------------------------

FRAMED = ["Content-Length: 5"], ["Transfer-Encoding: chunked"], []


class Bodiless(Passing):
    """These answers have no body in spite of their headers (RFC 9112 section 6.3, rule 1). The headers
    pass where they are allowed, and a second request on both connections gets its own answer."""

    def check(self, status, headers, method="GET"):
        with self.subTest(f"{method} {status} {headers}"):
            self.pass_request(get(start=f"{method} / HTTP/1.1"))
            _, lines, _ = self.pass_answer(answer(*headers, start=f"HTTP/1.1 {status} X"))
            self.assertEqual(lines, self.kept(status, headers))
            self.pass_request(get())
            self.answer_ok()

    @staticmethod
    def kept(status, headers):
        """The headers that pass. RFC 9112 section 6.1 and RFC 9110 section 8.6 forbid the others."""
        return [] if status < 200 or status == 204 else headers

    def test_no_content_and_not_modified(self):
        for status in (204, 304):
            for headers in FRAMED:
                self.check(status, headers)

    def test_head(self):
        for status in (200, 204, 304, 404, 500):
            for headers in FRAMED:
                self.check(status, headers, "HEAD")

    def test_interim(self):
        for status in (100, 102, 103, 199):
            for headers in FRAMED:
                with self.subTest(f"{status} {headers}"):
                    self.pass_request(get())
                    for _ in range(2):
                        line, lines, _ = self.pass_answer(
                            answer(*headers, "A: b", start=f"HTTP/1.1 {status} X"))
                        self.assertEqual(line, f"HTTP/1.1 {status} X")
                        self.assertEqual(lines, [*self.kept(status, headers), "A: b"])
                    self.answer_ok()

    def test_connections_with_close_are_closed(self):
        self.pass_request(get("Connection: close"))
        _, lines, body = self.pass_answer(OK, size=2)
        self.assertEqual((lines, body), (["Content-Length: 2", "Connection: close"], "ok"))
        self.one_client.wait_closed()

    def test_http_1_0_clients_get_no_interim_answers(self):
        self.pass_request(get(start="GET / HTTP/1.0"))
        self.one_peer.send(answer(start="HTTP/1.1 103 Early Hints"))
        self.assertEqual(self.pass_answer(OK, size=2)[0], "HTTP/1.1 200 OK")
        self.one_client.wait_closed()


# ---- clients and backends that leave ------------------------------------------------------------

GRACE_S = 1.0  # how long after its FIN a client's answer may begin


class Leaving(ProxyTest):
    def assert_ends_after_the_grace(self, peer, began):
        """Checks that the proxy ends the backend's connection GRACE_S after `began`."""
        peer.wait_ended()
        self.assertGreaterEqual(time.monotonic() - began, GRACE_S * 0.9)

    @staticmethod
    def assert_ends_at_once(leave):
        """`leave()` makes a client leave, and returns the backend's connection. Checks that the proxy ends
        it sooner than after GRACE_S. A busy machine may need that long, but not each time."""

        def ends_at_once():
            peer = leave()
            began = time.monotonic()
            peer.wait_ended()
            return time.monotonic() - began < GRACE_S * 0.9

        wait_for(ends_at_once, "an end without the grace")

    def reset(self, client):
        client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        client.socket.close()

    def test_after_a_fin_the_answer_may_begin_for_a_second(self):
        client, peer = self.begin(get())
        began = time.monotonic()
        client.socket.shutdown(socket.SHUT_WR)
        self.assert_ends_after_the_grace(peer, began)
        self.assertEqual(client.read_response().status, 503)
        client.wait_closed()

    def test_an_answer_that_has_begun_is_delivered_completely(self):
        client, peer = self.begin(get())
        client.socket.shutdown(socket.SHUT_WR)
        peer.send(answer("Content-Length: 6", body="one"))
        self.assertEqual(client.read_head()[0], 200)
        self.assertFalse(select.select([peer.socket], [], [], GRACE_S * 1.2)[0])
        peer.send("two")
        self.assertEqual(client.read_exactly(6), b"onetwo")
        client.wait_closed()

    def test_pipelined_requests_before_a_fin_are_answered(self):
        client, peer = self.begin(get() * 3)
        client.socket.shutdown(socket.SHUT_WR)
        for number in range(3):
            if number > 0:
                peer.read_request()
            self.finish(client, peer)
        client.wait_closed()

    def test_the_last_pipelined_request_has_a_second_too(self):
        client, peer = self.begin(get() * 2)
        client.socket.shutdown(socket.SHUT_WR)
        began = time.monotonic()
        self.finish(client, peer)
        peer.read_request()
        self.assert_ends_after_the_grace(peer, began)
        self.assertEqual(client.read_response().status, 503)
        client.wait_closed()

    def test_a_reset_ends_the_request_at_once(self):
        for text in (get(), post("Content-Length: 5", body="he"), post("Content-Length: 0", body=""),
                     post("Transfer-Encoding: chunked", body="5\r\nhe")):
            def leave(text=text):
                client, peer = self.begin(text)
                self.reset(client)
                return peer

            with self.subTest(text):
                self.assert_ends_at_once(leave)

    def test_a_reset_ends_the_answer_at_once(self):
        for head in ("Content-Length: 100", "Transfer-Encoding: chunked",
                     "Content-Type: text/event-stream"):
            def leave(head=head):
                client, peer = self.begin(get())
                peer.send(answer(head))
                client.read_head()
                self.reset(client)
                return peer

            with self.subTest(head):
                self.assert_ends_at_once(leave)

    def test_a_fin_ends_an_event_stream_at_once(self):
        for headers in (["Content-Type: text/event-stream"],
                        ["Transfer-Encoding: chunked", "content-type: TEXT/event-stream; x=y"]):
            def leave(headers=headers):
                client, peer = self.begin(get())
                peer.send(answer(*headers))
                client.read_head()
                client.socket.shutdown(socket.SHUT_WR)
                return peer

            with self.subTest(headers):
                self.assert_ends_at_once(leave)

    def test_a_fin_within_a_body_ends_the_request_at_once(self):
        for text in (post("Content-Length: 5", body="he"),
                     post("Transfer-Encoding: chunked", body="5\r\nhe"),
                     post("Transfer-Encoding: chunked", body="2\r\nhe\r\n"),
                     post("Transfer-Encoding: chunked", body="2\r\nhe"),
                     post("Transfer-Encoding: chunked", body="2\r\nhe\r"),
                     post("Transfer-Encoding: chunked", body="2\r\nhe\r\n5"),
                     post("Transfer-Encoding: chunked", body="2\r\nhe\r\n0\r\n"),
                     post("Transfer-Encoding: chunked", body="2\r\nhe\r\n0\r\nA: b\r\n")):
            def leave(text=text):
                self.leaver, peer = self.begin(text)
                self.leaver.socket.shutdown(socket.SHUT_WR)
                return peer

            with self.subTest(text):
                self.assert_ends_at_once(leave)
                self.assertEqual(self.leaver.read_response().status, 400)
                self.leaver.wait_closed()

    def test_a_fin_within_a_head_is_no_request(self):
        client = self.client()
        client.send("GET / HTTP/1.1\r\nHost: a\r\n")
        client.socket.shutdown(socket.SHUT_WR)
        client.wait_closed()
        self.assert_backend_heard_nothing()

    def test_an_end_or_a_reset_of_the_backend_cuts_the_answer(self):
        for headers, body in ((["Content-Length: 10"], "hello"),
                              (["Transfer-Encoding: chunked"], "5\r\nhello\r\n"),
                              (["Transfer-Encoding: chunked"], "5\r\nhel"),
                              (["Transfer-Encoding: chunked"], "5\r\nhello\r\n5"),
                              (["Transfer-Encoding: chunked"], "5\r\nhello\r\n0\r\n")):
            for resets in (False, True):
                with self.subTest(f"{headers} {body!r}", resets=resets):
                    client, peer = self.begin(get())
                    peer.send(answer(*headers, body=body))
                    client.read_until(b"\r\n\r\n")
                    client.read_until(b"hel")
                    if resets:
                        self.reset(peer)
                    peer.socket.close()
                    # The part that had arrived may come first.
                    rest = (b"hel" + client.read_to_end()).decode()
                    self.assertTrue(body[body.index("hel"):].startswith(rest), rest)
                    self.assertNotIn("0\r\n\r\n", rest)
                    client.socket.close()

    def test_a_reset_within_an_answer_until_close_is_not_its_end(self):
        client, peer = self.begin(get())
        peer.send(answer(body="hello"))
        client.read_head()
        self.assertEqual(client.read_chunk(), b"hello")
        self.reset(peer)
        self.assertNotIn(b"0\r\n\r\n", client.read_to_end())


# ---- 64 KiB -------------------------------------------------------------------------------------

LIMIT = 64 * 1024


def padded(size, make):
    """Returns make(padding), with a padding such that the head has this size."""
    return make("a" * (size - len(make(""))))


class Limits(ProxyTest):
    HEADS = [
        ("one header", lambda pad: get("A: " + pad)),
        ("the target", lambda pad: get(start=f"GET /{pad} HTTP/1.1")),
        ("two headers", lambda pad: get("A: " + pad[:30_000], "B: " + pad[30_000:])),
    ]

    def test_requests(self):
        for name, make in self.HEADS:
            for size in (LIMIT - 1, LIMIT):
                with self.subTest(name, size=size):
                    client, peer = self.begin(padded(size, make))
                    self.finish(client, peer)
                    close(client, peer)
            for size in (LIMIT + 1, 10 * LIMIT):
                with self.subTest(name, size=size):
                    client = self.client()
                    sender = Background(client.send, padded(size, make))
                    got = client.read_response()
                    self.assertEqual(got.status, 414 if name == "the target" else 431)
                    self.assertIn("larger than 64 KiB", got.text)
                    sender.result()
                    client.wait_closed()
                    client.socket.close()
        self.assert_backend_heard_nothing()

    def test_answers(self):
        def make(pad):
            return answer("A: " + pad, "Content-Length: 2")

        for size in (LIMIT - 1, LIMIT, LIMIT + 1, 3 * LIMIT):
            with self.subTest(size=size):
                client, peer = self.begin(get())
                sender = Background(HostileAnswers.send_all, peer, padded(size, make) + "ok", 1)
                got = client.read_response()
                if size <= LIMIT:
                    self.assertEqual((got.status, got.body), (200, b"ok"))
                else:
                    self.assertEqual(got.status, 502)
                    self.assertIn("larger than 64 KiB", got.text)
                close(client, peer)
                sender.result()

    def test_many_headers(self):
        for count, status in ((255, 200), (256, 431)):  # in addition to Host
            with self.subTest(count):
                client = self.client()
                client.send(get(*(f"A{i}: b" for i in range(count))))
                if status == 200:
                    peer = self.accept_request()
                    peer.send(OK)
                self.assertEqual(client.read_response().status, status)
                client.socket.close()


# ---- addresses ----------------------------------------------------------------------------------


@unittest.skipUnless(socket.has_dualstack_ipv6(), "there is no IPv6")
class Addresses(unittest.TestCase):
    """IPv4, IPv6 and localhost, which means both, on the browser's side and on the server's side."""

    def start(self, bind, backend, listening):
        """Starts the proxy between two addresses, in which {} is the port. The backend listens on the
        addresses `listening`."""
        ports = free_port(), free_port()
        backends = [socket.create_server((host, ports[1]), family=family)
                    for host, family in listening]
        for server in backends:
            self.addCleanup(server.close)
            server.settimeout(DEADLINE_S)
        start_proxy(self, bind.format(ports[0]), backend.format(ports[1]))
        return ports[0], backends

    def check(self, port, host, backends, reached):
        with Connection(port, host) as client:
            client.send(get("Connection: close"))
            peer = Peer(backends[reached].accept()[0])
            peer.read_request()
            peer.send(answer("Connection: close", "Content-Length: 2", body="ok"))
            self.assertEqual(client.read_response().body, b"ok")
            peer.socket.close()

    V4 = "127.0.0.1", socket.AF_INET
    V6 = "::1", socket.AF_INET6

    def test_where_browsers_connect(self):
        for bind, hosts, refused in (
            ("localhost:{}", ["127.0.0.1", "::1", "localhost"], []),
            ("{}", ["127.0.0.1", "::1"], []),
            ("127.0.0.1:{}", ["127.0.0.1"], ["::1"]),
            ("[::1]:{}", ["::1"], ["127.0.0.1"]),
        ):
            with self.subTest(bind):
                port, backends = self.start(bind, "127.0.0.1:{}", [self.V4])
                for host in hosts:
                    self.check(port, host, backends, 0)
                for host in refused:
                    with self.assertRaises(ConnectionRefusedError):
                        Connection(port, host)

    def test_where_the_server_listens(self):
        for backend, listening in (
            ("127.0.0.1:{}", self.V4),
            ("[::1]:{}", self.V6),
            ("localhost:{}", self.V4),
            ("localhost:{}", self.V6),
            ("{}", self.V4),
            ("{}", self.V6),
        ):
            with self.subTest(f"{backend} {listening[0]}"):
                port, backends = self.start("localhost:{}", backend, [listening])
                for _ in range(3):
                    self.check(port, "127.0.0.1", backends, 0)

    def test_a_server_that_changes_its_address(self):
        """A restarted server may resolve localhost to another address."""
        port, (v4, v6) = self.start("localhost:{}", "localhost:{}", [self.V4, self.V6])
        v6.close()
        self.check(port, "::1", [v4], 0)
        number = v4.getsockname()[1]
        v4.close()
        fresh = socket.create_server(("::1", number), family=socket.AF_INET6)
        self.addCleanup(fresh.close)
        self.check(port, "::1", [fresh], 0)


if __name__ == "__main__":
    unittest.main()
