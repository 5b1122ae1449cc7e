"""`--inject`: pages to which a user navigates get the LiveReload script. No byte of any other body
changes."""

import asyncio
import gzip
import hashlib
import json
import re
import subprocess
import unittest

import websockets

from harness import DEADLINE_S, PYTHON, Background, IntegrationTest, get
from proxy import ProxyTest, close

TAG = b'<script src="/__hpp/livereload.js" async></script>'
NAVIGATION = {"Sec-Fetch-Dest": "document", "Sec-Fetch-Mode": "navigate", "Accept": "text/html,*/*;q=0.8",
              "Accept-Encoding": "gzip, br"}
START = b"<!doctype html>\n<html>\n<head>\n<meta charset=utf-8>\n"
REST = b"<title>t</title>\n<p>hello</p>\n"
PAGE = START + REST
TAGGED = START + TAG + REST
VARY = b"Vary: Sec-Fetch-Dest\r\nVary: Sec-Fetch-Mode\r\nVary: Accept\r\n"
HTML = b"Content-Type: text/html; charset=utf-8\r\n"


def with_length(body, fields=HTML, status=b"200 OK"):
    return (b"HTTP/1.1 " + status + b"\r\nContent-Length: %d\r\n" % len(body) + fields + b"\r\n" +
            body)


class InjectTest(ProxyTest):
    OPTIONS = ("--inject",)

    def request(self, path="/", method="GET", host="localhost", **fields):
        """The bytes of one request. A keyword `a_b` becomes the field a-b."""
        lines = [f"{method} {path} HTTP/1.1", f"Host: {host}:{self.port}"]
        lines += [f"{name.replace('_', '-')}: {value}" for name, value in fields.items()]
        return "\r\n".join(lines).encode() + b"\r\n\r\n"

    def navigate(self, answer, client=None, peer=None, **fields):
        """Sends a navigation, which the backend answers with `answer`; returns (client, peer, response)."""
        return self.exchange(self.request(**{**NAVIGATION, **fields}), answer, client, peer)

    def both(self, asked, answer, method="GET"):
        """Sends `asked`; returns (the request at the backend, all bytes of the answer at the client)."""
        client = self.client()
        client.send(asked)
        peer = self.accept()
        got = peer.read_request()
        peer.send(answer)
        peer.socket.close()
        head = client.read_until(b"\r\n\r\n")
        length = int(dict(line.split(": ") for line in answer.split(b"\r\n\r\n")[0].decode().split(
            "\r\n")[1:]).get("Content-Length", 0))
        return got, head + client.read_exactly(0 if method == "HEAD" else length)


class Pages(InjectTest):
    """Each framing, and a second request on the same connections."""

    def test_a_length(self):
        client, peer, first = self.navigate(with_length(PAGE))
        self.assertEqual(first.body, TAGGED)
        self.assertEqual(first.header("content-length"), str(len(TAGGED)))
        _, _, second = self.navigate(with_length(b"hello"), client, peer)
        self.assertEqual(second.body, TAG + b"hello")

    def test_chunks_with_trailers(self):
        answer = (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: T\r\n" + HTML + b"\r\n" +
                  b"".join(b"%x;e=f\r\n%b\r\n" % (len(piece), piece)
                           for piece in (PAGE[:18], PAGE[18:33], PAGE[33:70], PAGE[70:])) +
                  b"0\r\nT: u\r\n\r\n")
        client, peer = self.begin(self.request(**NAVIGATION))
        peer.send(answer)
        client.read_head()
        body = b""
        while (line := client.read_until(b"\r\n")) != b"0\r\n":
            body += client.read_exactly(int(line.split(b";")[0], 16))
            self.assertEqual(client.read_exactly(2), b"\r\n")
        self.assertEqual(body, TAGGED)
        self.assertEqual(client.read_until(b"\r\n\r\n"), b"T: u\r\n\r\n")
        _, _, second = self.navigate(answer, client, peer)
        self.assertEqual(second.body, TAGGED)

    def test_until_the_connection_ends(self):
        client = None
        for page, tagged in ((PAGE, TAGGED), (START, START + TAG), (b"", TAG)):
            client = client or self.client()
            client.send(self.request(**NAVIGATION))
            peer = self.accept_request()
            peer.send(b"HTTP/1.0 200 OK\r\n" + HTML + b"\r\n" + page)
            peer.socket.close()
            self.assertEqual(client.read_response().body, tagged)

    def test_http_1_0(self):
        for answer in (with_length(PAGE), b"HTTP/1.0 200 OK\r\n" + HTML + b"\r\n" + PAGE,
                       b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n" + HTML +
                       b"\r\n%x\r\n%b\r\n0\r\n\r\n" % (len(PAGE), PAGE)):
            client = self.client()
            client.send(f"GET / HTTP/1.0\r\nHost: 127.0.0.1:{self.port}\r\n"
                        "Accept: text/html\r\n\r\n")
            peer = self.accept_request()
            peer.send(answer)
            peer.socket.close()
            self.assertEqual(client.read_response().body, TAGGED)

    def test_a_large_page(self):
        page = START + b"<p>" + bytes(i % 251 for i in range(5_000_000))
        for framing in ("length", "chunks", "close"):
            if framing == "length":
                answer = with_length(page)
            elif framing == "chunks":
                answer = (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n" + HTML +
                          b"\r\n%x\r\n%b\r\n0\r\n\r\n" % (len(page), page))
            else:
                answer = b"HTTP/1.0 200 OK\r\n" + HTML + b"\r\n" + page
            client, peer = self.begin(self.request(**NAVIGATION))
            sender = Background(lambda peer=peer, answer=answer: (peer.send(answer),
                                                                  peer.socket.close()))
            body = client.read_response().body
            sender.result()
            self.assertEqual(len(body), len(page) + len(TAG), framing)
            self.assertEqual(hashlib.sha256(body.replace(TAG, b"", 1)).digest(),
                             hashlib.sha256(page).digest(), framing)

    def test_a_length_that_would_be_too_large(self):
        client, peer = self.begin(self.request(**NAVIGATION))
        peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n" % (2**64 - 1) + HTML + b"\r\n" + PAGE)
        _, headers = client.read_head()
        self.assertIn(("content-length", str(2**64 - 1)), headers)
        self.assertEqual(client.read_exactly(len(PAGE)), PAGE)

    def test_from_a_service_worker(self):
        connections = ()
        for destination, mode, body in (("empty", "navigate", TAGGED), ("empty", "cors", PAGE)):
            fields = {"Sec-Fetch-Dest": destination, "Sec-Fetch-Mode": mode}
            *connections, answer = self.navigate(with_length(PAGE), *connections, **fields)
            self.assertEqual(answer.body, body)

    def test_pipelined(self):
        client = self.client()
        client.send(self.request("/1", **NAVIGATION) + self.request("/2", Sec_Fetch_Dest="empty") +
                    self.request("/3", **NAVIGATION))
        peer = self.accept()
        for _ in range(3):
            peer.read_request()
            peer.send(with_length(PAGE))
        self.assertEqual([client.read_response().body for _ in range(3)], [TAGGED, PAGE, TAGGED])

    def test_the_error_pages_of_the_backend(self):
        connections = ()
        for status in (b"404 Not Found", b"500 Oops"):
            *connections, answer = self.navigate(with_length(PAGE, status=status), *connections)
            self.assertEqual(answer.body, TAGGED)

    def test_the_fields_of_the_head(self):
        _, _, answer = self.navigate(
            with_length(PAGE, HTML + b'ETag: "v1"\r\nVary: Cookie\r\nAccept-Ranges: bytes\r\n'
                        b"Content-MD5: x\r\nDigest: y\r\nLast-Modified: z\r\n"))
        self.assertEqual(answer.header("etag"), 'W/"v1-hpp"')
        self.assertEqual([v for n, v in answer.headers if n == "vary"],
                         ["Cookie", "Sec-Fetch-Dest", "Sec-Fetch-Mode", "Accept"])
        self.assertEqual(answer.header("last-modified"), "z")
        for gone in ("accept-ranges", "content-md5", "digest"):
            self.assertIsNone(answer.header(gone))


class Streams(InjectTest):
    def begin_page(self):
        client, peer = self.begin(self.request(**NAVIGATION))
        peer.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n" + HTML + b"\r\n")
        client.read_head()  # arrives before the body
        return client, peer

    def test_each_piece_comes_before_the_next_is_sent(self):
        client, peer = self.begin_page()
        for sent, read in ((b"<!doctype html>", b"<!doctype html>"), (b"<!-- a", b"<!-- a"),
                           (b" --><html><he", b" --><html>"), (b"ad>", b"<head>"),
                           (b"<meta charset", None), (b"=a>\n", b"<meta charset=a>\n"),
                           (b"<p", TAG + b"<p"), (b">hello", b">hello"), (b"<meta", b"<meta")):
            peer.send(b"%x\r\n%b\r\n" % (len(sent), sent))
            if read:
                self.assertEqual(client.read_chunk(), read)
        self.assertTrue(client.is_quiet(0.05))
        peer.send(b"0\r\n\r\n")
        self.assertEqual(client.read_chunk(), b"")

    def test_a_backend_that_dies_leaves_half_a_page(self):
        for sent, read in ((b"", b""), (b"<html><he", b"<html>"), (PAGE, TAGGED)):
            client, peer = self.begin_page()
            if sent:
                peer.send(b"%x\r\n%b\r\n" % (len(sent), sent))
            if read:
                self.assertEqual(client.read_chunk(), read)
            peer.socket.close()
            self.assertEqual(client.read_to_end(), b"")  # no last chunk, so the client knows of the cut

    def test_a_page_that_is_shorter_than_its_length(self):
        client, peer = self.begin(self.request(**NAVIGATION))
        peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n" + HTML + b"\r\n" + PAGE)
        peer.socket.close()
        _, headers = client.read_head()
        self.assertIn(("content-length", str(1000 + len(TAG))), headers)
        self.assertEqual(client.read_to_end(), TAGGED)


class Untouched(InjectTest):
    """Bodies that are the same with and without --inject. Only Vary may change in their heads."""

    def test_requests_of_scripts_and_tools(self):
        for fields in ({}, {"Accept": "*/*", "Accept-Encoding": "gzip"},
                       {"Sec-Fetch-Dest": "empty", "Sec-Fetch-Mode": "cors", "Accept": "text/html"},
                       {"Sec-Fetch-Dest": "iframe", "Sec-Fetch-Mode": "navigate"},
                       {"Sec-Fetch-Dest": "empty", "Sec-Fetch-Mode": "navigate"},  # <a download>
                       {"Accept": "text/html", "HX-Request": "true"},
                       {"Accept": "text/html, */*; q=0.01", "X-Requested-With": "XMLHttpRequest"},
                       {**NAVIGATION, "Range": "bytes=0-3"}):
            asked, got = self.both(self.request(**fields), with_length(PAGE, HTML + b'ETag: "a"\r\n'))
            self.assertEqual(got, with_length(PAGE, HTML + b'ETag: "a"\r\n' + VARY), fields)
            self.assertEqual(dict(asked[1]).get("Accept-Encoding"), fields.get("Accept-Encoding"))

    def test_pages_whose_browser_may_not_load_the_script(self):
        for host in ("dev.example", "127.0.0.2"):
            _, got = self.both(self.request(host=host, **NAVIGATION), with_length(PAGE))
            self.assertEqual(got, with_length(PAGE))

    def test_other_methods(self):
        for method in ("HEAD", "POST"):
            _, got = self.both(self.request(method=method, **NAVIGATION), with_length(PAGE), method)
            answer = with_length(PAGE)
            self.assertEqual(got, answer[:-len(PAGE)] if method == "HEAD" else answer)

    def test_other_answers(self):
        for answer in (with_length(b""), with_length(PAGE, b"Content-Type: application/json\r\n"),
                       with_length(PAGE, b""), with_length(PAGE, HTML, b"206 Partial Content"),
                       with_length(PAGE, HTML, b"302 Found"),
                       with_length(PAGE, HTML + b"Content-Disposition: attachment\r\n"),
                       with_length(PAGE, HTML + b"Cache-Control: no-transform\r\n"),
                       with_length(gzip.compress(PAGE), HTML + b"Content-Encoding: gzip\r\n"),
                       with_length(PAGE, b"Content-Type: text/html; charset=utf-16\r\n"),
                       with_length(PAGE, b"Content-Type: application/xhtml+xml\r\n")):
            self.assertEqual(self.both(self.request(**NAVIGATION), answer)[1], answer)


class Conditions(InjectTest):
    """A browser's copy of a page, with the script or without, is only confirmed to a request that would
    get the same."""

    NOT_MODIFIED = b'HTTP/1.1 304 Not Modified\r\nETag: "v1"\r\n'
    SCRIPT = {"Sec-Fetch-Dest": "empty", "Sec-Fetch-Mode": "cors"}
    DATE = {"If-Modified-Since": "Tue, 14 Nov 2023 22:13:20 GMT"}

    def conditions(self, **fields):
        """The conditions in a request that reach the backend."""
        asked, _ = self.both(self.request(**fields), self.NOT_MODIFIED + b"\r\n")
        return {name: value for name, value in asked[1] if name.startswith("If-")}

    def copy_of_page(self, **fields):
        """The condition with which a browser asks again, after it has got the page by such a request."""
        _, got = self.both(self.request(**fields), with_length(PAGE, HTML + b'ETag: "v1"\r\n'))
        return {"If-None-Match": re.search(b"ETag: (.*)\r\n", got)[1].decode()}

    def test_a_copy_with_the_script(self):
        """As a browser: visits the page, asks again with its tag, and fetches it by a script."""
        tag = self.copy_of_page(**NAVIGATION)
        _, got = self.both(self.request(**NAVIGATION, **tag), self.NOT_MODIFIED + b"\r\n")
        self.assertEqual(got, self.NOT_MODIFIED.replace(b'"v1"', b'W/"v1-hpp"') + b"\r\n")
        self.assertEqual(self.conditions(**NAVIGATION, **tag, **self.DATE),
                         {"If-None-Match": 'W/"v1"', **self.DATE})
        self.assertEqual(self.conditions(**self.SCRIPT, **tag, **self.DATE), {})

    def test_a_copy_without_the_script(self):
        """It comes from a script, or from a visit without --inject."""
        tag = self.copy_of_page(**self.SCRIPT)
        self.assertEqual(self.conditions(**NAVIGATION, **tag, **self.DATE), {})
        self.assertEqual(self.conditions(**NAVIGATION, **self.DATE), {})
        self.assertEqual(self.conditions(**self.SCRIPT, **tag, **self.DATE), {**tag, **self.DATE})
        self.assertEqual(self.conditions(**self.SCRIPT, **self.DATE), self.DATE)

    def test_a_304_that_replaces_vary_names_the_deciding_fields(self):
        """The browser updates the fields of its copy from the 304."""
        head = b"HTTP/1.1 304 Not Modified\r\nVary: Cookie\r\n"
        for fields, tag in ((NAVIGATION, 'W/"v1-hpp"'), (self.SCRIPT, '"v1"')):
            _, got = self.both(self.request(If_None_Match=tag, **fields), head + b"\r\n")
            self.assertEqual(got, head + VARY + b"\r\n")
        _, got = self.both(self.request(Sec_Fetch_Dest="style", Sec_Fetch_Mode="no-cors"), head + b"\r\n")
        self.assertEqual(got, head + b"\r\n")


class Asking(InjectTest):
    def test_a_page_is_asked_for_without_compression(self):
        asked, _ = self.both(self.request(**NAVIGATION), with_length(b""))
        encodings = [value for name, value in asked[1] if name.lower() == "accept-encoding"]
        self.assertEqual(encodings, ["identity"])


class Policies(InjectTest):
    connections = ()

    def body(self, policy):
        answer = with_length(PAGE, HTML + b"Content-Security-Policy: " + policy + b"\r\n")
        *self.connections, answer = self.navigate(answer, *self.connections)
        return answer.body

    def test_policies_that_allow_the_script(self):
        self.assertEqual(self.body(b"default-src 'self'"), TAGGED)
        self.assertEqual(self.body(b"script-src localhost:*"), TAGGED)
        self.assertEqual(self.body(b"script-src 'strict-dynamic' 'nonce-r4nd0m'"),
                         START + TAG.replace(b" async", b' async nonce="r4nd0m" ') + REST)

    def test_a_policy_that_forbids_the_script_is_reported_once(self):
        self.assertEqual(self.body(b"script-src 'none'"), PAGE)
        self.assertEqual(self.body(b"default-src 'self'; connect-src 'none'"), PAGE)
        self.proxy.wait_line("script-src does not allow the script. Allow 'self' in script-src")
        self.assertEqual(self.proxy.output("err").count("Content-Security-Policy"), 1)


class Obstacles(InjectTest):
    """If the script cannot be put into a page, the log says so once per reason, with advice."""

    def check(self, fields, said, body=PAGE):
        for _ in range(2):
            client, peer, answer = self.navigate(with_length(body, fields))
            self.assertEqual(answer.body, body)
            close(client, peer)
        self.proxy.wait_line(said)
        log = [line for line in self.proxy.output("err").splitlines() if "--inject" in line]
        self.assertEqual(len([line for line in log if said in line]), 1, log)
        self.assertTrue(log[-1].endswith("(GET /)"), log)

    def test_a_server_that_compresses_nevertheless(self):
        self.check(HTML + b"Content-Encoding: gzip\r\n", "Turn compression off", gzip.compress(PAGE))

    def test_utf_16(self):
        self.check(b"Content-Type: text/html; charset=utf-16\r\n", "Send the page in UTF-8",
                   PAGE.decode().encode("utf-16"))

    def test_utf_16_that_only_the_first_bytes_show(self):
        """The head may already be sent, with the tag in its length, so white space is added instead."""
        connections = ()
        for encoding, mark in (("utf-16-le", b"\xff\xfe"), ("utf-16-be", b"\xfe\xff")):
            page = PAGE.decode().replace("utf-8", "utf-16")
            body = mark + page.encode(encoding)
            for fields in (HTML, b"Content-Type: text/html\r\n"):
                *connections, answer = self.navigate(with_length(body, fields), *connections)
                self.assertTrue(answer.body.startswith(mark))
                self.assertEqual(answer.body[2:].decode(encoding), " " * (len(TAG) // 2) + page)
        self.proxy.wait_line("a page is in UTF-16")

    def test_xhtml(self):
        self.check(b"Content-Type: application/xhtml+xml\r\n", "hpp adds its script to HTML alone")

    def test_no_transform(self):
        self.check(HTML + b"Cache-Control: no-transform\r\n", "Cache-Control: no-transform")

    def test_no_content_type(self):
        self.check(b"", "has no Content-Type")

    def test_each_reason_is_reported(self):
        self.test_utf_16()
        self.test_no_transform()


class WithoutTheOption(InjectTest):
    OPTIONS = ()

    def test_no_byte_changes(self):
        _, peer, answer = self.exchange(self.request(**NAVIGATION), with_length(PAGE))
        self.assertEqual(answer.body, PAGE)
        self.assertIsNone(answer.header("vary"))


HELLO = json.dumps({"command": "hello",
                    "protocols": ["http://livereload.com/protocols/official-7"]})

VIEWS = '''\
from django.http import HttpResponse, StreamingHttpResponse
from django.urls import path


def index(request):
    return HttpResponse("<!doctype html><html><head><title>{text}</title></head></html>")


def stream(request):
    return StreamingHttpResponse(["<!doctype html>", "<html><he", "ad><title>", "{text}</title>"])


urlpatterns = [path("", index), path("stream", stream)]
'''


class Django(unittest.IsolatedAsyncioTestCase, IntegrationTest):
    def setUp(self):
        super().setUp()
        subprocess.run([PYTHON, "-m", "django", "startproject", "mysite", str(self.project)],
                       check=True, timeout=DEADLINE_S, env=self.environment)
        settings = (self.project / "mysite" / "settings.py").read_text()
        self.save("mysite/settings.py", settings.replace(
            "MIDDLEWARE = [", "MIDDLEWARE = [\n    'django.middleware.gzip.GZipMiddleware',"
            "\n    'django.middleware.http.ConditionalGetMiddleware',"))
        self.save("mysite/urls.py", VIEWS.format(text="one"))
        self.hpp = self.start_ready("--inject", "--pattern", "**/*.py", "--exec", PYTHON, "./manage.py",
                                    "runserver", "--noreload", "{backend}")

    def test_its_pages_have_the_tag(self):
        url, tag = self.hpp.url, TAG.decode()
        page = get(url, **NAVIGATION)
        self.assertEqual(page.text,
                         f"<!doctype html><html><head>{tag}<title>one</title></head></html>")
        again = get(url, **NAVIGATION, If_None_Match=page.header("etag"))
        self.assertEqual(again.status, 304)
        self.assertEqual(get(url + "stream", **NAVIGATION).text,
                         f"<!doctype html><html><head>{tag}<title>one</title>")
        self.assertIn(tag, get(url + "nowhere", **NAVIGATION).text)  # its 404 page
        self.assertNotIn(tag, get(url).text)

    async def test_the_tag_brings_the_next_version(self):
        """Does the same as a browser: loads the script, connects, and reloads the page."""
        source = re.search('src="/([^"]*)"', get(self.hpp.url, **NAVIGATION).text)[1]
        script = get(self.hpp.url + source)
        self.assertIn("javascript", script.header("content-type"))
        socket = self.hpp.url.replace("http", "ws", 1) + source.removesuffix(".js")
        async with websockets.connect(socket, ping_interval=None) as browser:
            await browser.send(HELLO)
            self.assertIn("hello", await asyncio.wait_for(browser.recv(), DEADLINE_S))
            self.save("mysite/urls.py", VIEWS.format(text="two"))
            self.assertIn("reload", await asyncio.wait_for(browser.recv(), DEADLINE_S))
        page = await asyncio.to_thread(get, self.hpp.url, **NAVIGATION)
        self.assertIn(TAG.decode() + "<title>two", page.text)


if __name__ == "__main__":
    unittest.main()
