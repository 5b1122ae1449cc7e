"""The paths below /__hpp/, which hpp answers itself: which clients may use them, and that no such
request reaches the backend."""

import asyncio
import ipaddress
import json
import re
import socket
import subprocess
import unittest

import websockets

from harness import BUILD_DIR, DEADLINE_S, PYTHON, Background, Connection, IntegrationTest, get, wait_for
from proxy import ProxyTest

HELLO = json.dumps({"command": "hello",
                    "protocols": ["http://livereload.com/protocols/official-7"]})


class OwnEndpointsTest(IntegrationTest):
    """A running hpp, and functions to send requests to it."""

    def setUp(self):
        super().setUp()
        self.hpp = self.start_ready(text="the backend's")

    def ask(self, path, method="GET", host=None, fields=()):
        """Sends one request with exactly this Host and these fields."""
        with Connection(self.hpp.bind) as client:
            lines = [f"{method} {path} HTTP/1.1", f"Host: {host or f'localhost:{self.hpp.bind}'}",
                     *(f"{name}: {value}" for name, value in fields), "", ""]
            client.send("\r\n".join(lines))
            return client.read_response(method)


class Guard(OwnEndpointsTest):
    def test_only_local_host_names_are_answered(self):
        for host in ("localhost", "127.0.0.1", "[::1]"):
            answer = self.ask("/__hpp/livereload.js", host=f"{host}:{self.hpp.bind}")
            self.assertEqual(answer.status, 200, host)
        for host in (f"evil.example:{self.hpp.bind}", "localhost", "localhost:1"):
            answer = self.ask("/__hpp/livereload.js", host=host)
            self.assertEqual(answer.status, 403, host)
            self.assertIn(host, answer.text)
            self.assertEqual(answer.header("connection"), "close")

    def test_no_request_below_the_path_reaches_the_backend(self):
        self.assertEqual(get(self.hpp.url + "__hpp/nosuch").status, 404)
        answer = self.ask("/__hpp/livereload.js", "POST", fields=[("Content-Length", "0")])
        self.assertEqual((answer.status, answer.header("allow")), (405, "GET, HEAD"))
        self.assertEqual(self.ask("/__hpp/livereload").status, 426)
        self.assertEqual(self.ask("/__hpperator").text, "the backend's")

    def test_a_head_request_gets_only_the_head(self):
        whole = self.ask("/__hpp/livereload.js")
        head = self.ask("/__hpp/livereload.js", "HEAD")
        self.assertEqual((head.status, head.body), (200, b""))
        self.assertEqual(head.header("content-length"), str(len(whole.body)))
        refused = self.ask("/__hpp/livereload.js", "HEAD", host="evil.example")
        self.assertEqual((refused.status, refused.body), (403, b""))


class Status(OwnEndpointsTest):
    def test_it_contains_all_three_snapshots(self):
        get(self.hpp.url)  # after this, proxyd has received all snapshots
        answer = get(self.hpp.url + "__hpp/status")
        self.assertEqual(answer.header("content-type"), "application/json; charset=utf-8")
        status = json.loads(answer.text)
        self.assertEqual(list(status), ["backend", "defects", "proxy", "tree"])
        self.assertEqual(status["backend"]["state"], "Running")
        self.assertTrue(status["tree"]["watching"])
        self.assertIn(f"127.0.0.1:{self.hpp.bind}", status["proxy"]["listening"])
        self.assertGreaterEqual(status["proxy"]["clients"], 1)

    def test_the_page_for_people(self):
        for path in ("__hpp/", "__hpp"):
            page = get(self.hpp.url + path)
            self.assertEqual((page.status, page.header("content-type")),
                             (200, "text/html; charset=utf-8"))
            policy = page.header("content-security-policy")
            nonce = re.search(r"script-src 'nonce-([0-9a-f]{32})'", policy)[1]
            self.assertIn(f'<script nonce="{nonce}">', page.text)
            self.assertEqual(page.text.count("<script"), 1)
            self.assertIn("frame-ancestors 'self'", policy)
            self.assertEqual(page.header("x-frame-options"), "SAMEORIGIN")
            self.assertTrue(page.header("date").endswith(" GMT"))
            self.assertNotIn(nonce, get(self.hpp.url + path).text)

    def test_the_steps_of_each_start_are_kept(self):
        get(self.hpp.url)
        self.save_backend("new")
        get(self.hpp.url)
        get(self.hpp.url + "crash")
        self.hpp.wait_state("Error", 2)
        self.save_backend("cured")
        get(self.hpp.url)
        history = json.loads(get(self.hpp.url + "__hpp/history").text)
        self.assertEqual((history["state"], history["generation"]), ("Running", 3))
        cured, crashed, first = history["starts"]
        self.assertEqual([s["generation"] for s in (first, crashed, cured)], [1, 2, 3])
        self.assertEqual((first["cause"]["text"], first["detected_at_ms"]), ("", 0))
        self.assertEqual(crashed["cause"], {"text": "app.py changed", "changed": ["app.py"]})
        self.assertEqual(crashed["ended"], "ended with exit code 3")
        self.assertEqual((cured["ended"], cured["killed_at_ms"]), ("", 0))
        for start, steps in ((crashed, ("detected", "killed", "spawned", "ready", "first_byte")),
                             (cured, ("detected", "spawned", "ready", "first_byte"))):
            times = [start[f"{step}_at_ms"] for step in steps]
            self.assertEqual(times, sorted(times))
            self.assertGreater(times[0], 0)


class Restart(OwnEndpointsTest):
    def post(self, **fields):
        return self.ask("/__hpp/restart", "POST", fields=[
            ("Content-Length", "0"), *((name.replace("_", "-"), value) for name, value in fields.items())])

    def test_a_program_or_a_page_of_hpp_may_restart_the_server(self):
        ours = f"http://localhost:{self.hpp.bind}"
        self.assertEqual(get(self.hpp.url).text, "the backend's")  # proxyd knows the server
        for generation, fields in ((2, {}), (3, {"Origin": ours, "Sec_Fetch_Site": "same-origin"})):
            answer = self.post(**fields)
            self.assertEqual((answer.status, json.loads(answer.text)["generation"]), (202, generation - 1))
            self.hpp.wait_state("Running", generation)
            status = json.loads(get(self.hpp.url + "__hpp/status").text)
            self.assertEqual(status["backend"]["cause"]["text"], "restart requested (browser)")
            self.assertEqual(get(self.hpp.url).text, "the backend's")

    def test_a_crashed_server_is_started_again(self):
        get(self.hpp.url + "crash")
        self.hpp.wait_state("Error", 1)
        self.assertEqual(self.post().status, 202)
        self.hpp.wait_state("Running", 2)

    def test_saves_do_not_restart_a_paused_server(self):
        for path, paused in (("pause", True), ("resume", False), ("pause", True)):
            self.assertEqual(self.ask(f"/__hpp/{path}", "POST", fields=[("Content-Length", "0")]).status, 202)
            wait_for(lambda: json.loads(get(self.hpp.url + "__hpp/status").text)["backend"]["paused"] is paused,
                     f"the effect of {path}")
        self.save_backend("new")
        wait_for(lambda: json.loads(get(self.hpp.url + "__hpp/history").text)["paused"] == "stale",
                 "the change to be noted")
        self.assertEqual(get(self.hpp.url).text, "the backend's")
        self.ask("/__hpp/resume", "POST", fields=[("Content-Length", "0")])
        self.hpp.wait_state("Running", 2)
        self.assertEqual(get(self.hpp.url).text, "new")

    def test_no_other_page_can_do_it(self):
        for fields in ({"Origin": "http://evil.example"}, {"Sec_Fetch_Site": "cross-site"}):
            self.assertEqual(self.post(**fields).status, 403)
        refused = self.ask("/__hpp/restart")
        self.assertEqual((refused.status, refused.header("allow")), (405, "POST"))
        self.save_backend("new")
        self.assertEqual(get(self.hpp.url).text, "new")
        self.assertEqual(json.loads(get(self.hpp.url + "__hpp/status").text)["backend"]["generation"], 2)


# Answers with the method, the path, a cookie and the body. Prints a line for each request.
ECHO = '''\
import http.server, sys

TEXT = %r


class Handler(http.server.BaseHTTPRequestHandler):
    def answer(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        words = [TEXT, self.command, self.path, self.headers.get("Cookie", ""), body.decode()]
        print("ECHO", *words, flush=True)
        text = " ".join(words).encode()
        self.send_response(201)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    do_GET = do_POST = do_HEAD = answer

    def log_message(self, *_):
        pass


http.server.ThreadingHTTPServer(("localhost", int(sys.argv[1])), Handler).serve_forever()
'''


PAGE_FIELDS = [("Sec-Fetch-Dest", "document"), ("Sec-Fetch-Mode", "navigate"), ("Accept", "text/html")]
PAGE = "<!doctype html><title>x</title><p>a page"
HANDSHAKE = [("Connection", "Upgrade"), ("Upgrade", "websocket"), ("Sec-WebSocket-Version", "13"),
             ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==")]


class PagesTest(OwnEndpointsTest):
    """A running hpp that adds its script to a page."""

    def setUp(self):
        IntegrationTest.setUp(self)

    def start(self, *options):
        self.save("index.html", PAGE)
        self.hpp = self.start_ready("--inject", *options, "--exec", PYTHON, "-m", "http.server", "{backend}")


class OtherNames(PagesTest):
    """Browsers that reach hpp under another name, through a tunnel or a program that terminates TLS. One
    keeps Host, another replaces it. Browsers name the page's origin in both cases."""

    NAME = "app.example.dev"

    def page(self, host):
        return self.ask("/", host=host, fields=PAGE_FIELDS)

    def open_socket(self, host):
        with Connection(self.hpp.bind) as client:
            fields = [("Host", host or f"localhost:{self.hpp.bind}"), ("Origin", f"https://{self.NAME}"), *HANDSHAKE]
            client.send("\r\n".join(["GET /__hpp/livereload HTTP/1.1",
                                     *(f"{name}: {value}" for name, value in fields), "", ""]))
            return client.read_response().status

    def lines_about_the_name(self):
        return [line for line in self.hpp.output("err").split("\n") if f"--trust-host {self.NAME}" in line]

    def test_an_unknown_name_is_named_once(self):
        self.start()
        for _ in range(3):
            self.assertNotIn("__hpp/livereload.js", self.page(self.NAME).text)
            self.assertEqual(self.open_socket(self.NAME), 403)
            self.assertEqual(self.open_socket(None), 403)
        self.hpp.wait_line(re.escape(f"--trust-host {self.NAME}"))
        self.assertEqual(self.page(f"localhost:{self.hpp.bind}").text.count("__hpp/livereload.js"), 1)
        self.assertEqual(len(self.lines_about_the_name()), 1)

    def test_a_trusted_name_has_what_pages_need(self):
        self.start("--trust-host", self.NAME)
        self.assertIn("__hpp/livereload.js", self.page(self.NAME).text)
        for host in (self.NAME, None):
            self.assertEqual(self.open_socket(host), 101)
        self.assertEqual(self.ask("/__hpp/status", host=self.NAME).status, 200)
        self.assertEqual(self.ask("/__hpp/requests", host=self.NAME).status, 403)
        self.assertEqual(self.ask("/__hpp/status", host="evil.example").status, 403)


class Lan(PagesTest):
    """Clients of the local network, from a private address of this machine."""

    def setUp(self):
        super().setUp()
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            try:
                probe.connect(("10.255.255.255", 9))  # sends nothing
                self.address = probe.getsockname()[0]
            except OSError:
                self.skipTest("this machine has no route to a network")
        if not any(ipaddress.ip_address(self.address) in ipaddress.ip_network(network)
                   for network in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16")):
            self.skipTest(f"{self.address} is no address of a private network")

    def ask_from_lan(self, path, fields=()):
        with socket.create_connection((self.address, self.hpp.bind), timeout=DEADLINE_S) as client:
            lines = [f"GET {path} HTTP/1.1", f"Host: {self.address}:{self.hpp.bind}", "Connection: close",
                     *(f"{name}: {value}" for name, value in fields), "", ""]
            client.sendall("\r\n".join(lines).encode())
            return client.makefile("rb").read().decode()

    def test_other_machines_reload_and_see_errors(self):
        self.start("--lan")
        self.hpp.wait_line(re.escape(f"http://{self.address}:{self.hpp.bind}/"))
        self.assertIn("__hpp/livereload.js", self.ask_from_lan("/", PAGE_FIELDS))
        origin = ("Origin", f"http://{self.address}:{self.hpp.bind}")
        with socket.create_connection((self.address, self.hpp.bind), timeout=DEADLINE_S) as client:
            fields = [("Host", f"{self.address}:{self.hpp.bind}"), origin, *HANDSHAKE]
            client.sendall("\r\n".join(["GET /__hpp/livereload HTTP/1.1",
                                        *(f"{n}: {v}" for n, v in fields), "", ""]).encode())
            self.assertIn(b" 101 ", client.recv(100))
        shown = subprocess.run([BUILD_DIR / "ctl" / "hpp-ctl", "--run-dir", self.run_directory(self.hpp.bind), "qr"],
                               capture_output=True, text=True, timeout=DEADLINE_S)
        self.assertEqual((shown.returncode, shown.stdout.splitlines()[-1]),
                         (0, f"http://{self.address}:{self.hpp.bind}/"))
        self.assertGreater(shown.stdout.count("█"), 100)
        self.assertIn(" 403 ", self.ask_from_lan("/__hpp/requests").split("\r\n")[0])
        self.assertEqual(self.ask("/__hpp/requests").status, 200)

    def test_without_the_option_nothing_listens_there(self):
        self.start()
        with self.assertRaises(ConnectionRefusedError):
            self.ask_from_lan("/")
        shown = subprocess.run([BUILD_DIR / "ctl" / "hpp-ctl", "--run-dir", self.run_directory(self.hpp.bind), "qr"],
                               capture_output=True, text=True, timeout=DEADLINE_S)
        self.assertEqual(shown.returncode, 1)
        self.assertIn("--lan", shown.stderr)


class Requests(IntegrationTest):
    """The kept requests."""

    def start(self, *options):
        self.save("app.py", ECHO % "old")
        self.hpp = self.start_ready(*options, "--exec", PYTHON, "app.py", "{backend}")

    def send(self, method="GET", path="/", body="", fields=()):
        with Connection(self.hpp.bind) as client:
            length = [("Content-Length", len(body))] if body else []
            lines = [f"{method} {path} HTTP/1.1", f"Host: localhost:{self.hpp.bind}",
                     *(f"{name}: {value}" for name, value in [*fields, *length]), "", body]
            client.send("\r\n".join(lines))
            return client.read_response(method)

    def ask(self, path=""):
        return json.loads(get(f"{self.hpp.url}__hpp/requests{path}").text)

    def kept(self):
        return self.ask()["requests"]

    def await_kept(self, count):
        wait_for(lambda: len(self.kept()) == count and all(r["end"] != "open" for r in self.kept()),
                 lambda: f"{count} requests, not {self.kept()}")
        return self.kept()

    def post(self, path):
        return self.send("POST", f"/__hpp/requests{path}", fields=[("Content-Length", 0)])

    def test_the_last_requests_are_kept_without_hpps_own(self):
        self.start()
        self.send("POST", "/a?b=c", "hello", [("Cookie", "s=1")])
        self.send("HEAD", "/b")
        get(self.hpp.url + "__hpp/status")
        head, post = self.await_kept(2)
        self.assertEqual((post["method"], post["target"], post["status"], post["end"], post["generation"]),
                         ("POST", "/a?b=c", 201, "completed", 1))
        self.assertEqual((head["method"], head["status"]), ("HEAD", 201))
        self.assertGreater(post["taken_ms"], 0)
        detail = self.ask(f"/{post['id']}")
        self.assertEqual((detail["body"], detail["body_is_kept"]), ("hello", True))
        self.assertIn({"name": "Content-Length", "value": str(len("old POST /a?b=c s=1 hello"))},
                      detail["answer_fields"])
        archive = self.ask(".har")["log"]
        self.assertEqual([e["request"]["method"] for e in archive["entries"]], ["POST", "HEAD"])

    def test_a_request_is_sent_again(self):
        self.start()
        self.send("POST", "/a", "hello", [("Cookie", "s=1")])
        answer = self.post(f"/{self.await_kept(1)[0]['id']}/send")
        self.assertEqual(answer.status, 202)
        again, first = self.await_kept(2)
        self.assertEqual([again[key] for key in ("method", "target", "status")],
                         [first[key] for key in ("method", "target", "status")])
        self.assertEqual(self.ask(f"/{again['id']}")["body"], "hello")
        self.assertEqual(self.post("/99/send").status, 404)

    def test_a_request_is_repeated_after_each_restart(self):
        self.start()
        self.send("GET", "/a")
        number = self.await_kept(1)[0]["id"]
        self.assertEqual(self.post(f"/{number}/repeat").status, 200)
        self.assertEqual(self.ask()["repeated"][0]["id"], number)
        for generation in (2, 3):
            self.save("app.py", ECHO % f"new {generation}")
            newest = self.await_kept(generation)[0]
            self.assertEqual((newest["target"], newest["generation"]), ("/a", generation))
        self.assertEqual(self.post(f"/{number}/once").status, 200)
        self.assertEqual(self.ask()["repeated"], [])

    def test_a_long_body_is_not_kept(self):
        self.start()
        for size, is_kept in ((64 * 1024, True), (64 * 1024 + 1, False), (2 * 1024 * 1024, False)):
            self.send("POST", "/long", "x" * size)
            newest = wait_for(lambda: self.kept()[0] if self.kept()[0]["end"] == "completed" else None,
                              "the end of the request")
            self.assertEqual(newest["can_be_sent"], is_kept, size)
            self.assertEqual(len(self.ask(f"/{newest['id']}")["body"]), size if is_kept else 0)
        self.assertEqual(self.post(f"/{newest['id']}/send").status, 409)

    def test_nothing_is_kept_with_no_inspect(self):
        self.start("--no-inspect")
        self.send("POST", "/a", "hello")
        answer = self.ask()
        self.assertEqual((answer["keeps"], answer["requests"]), (False, []))
        self.assertEqual(self.post("/1/send").status, 404)

    def test_the_output_is_shown_line_by_line(self):
        self.start()
        self.send("GET", "/a")
        log = lambda after: json.loads(get(f"{self.hpp.url}__hpp/log?after={after}").text)
        wait_for(lambda: any("ECHO old GET /a" in line["html"] for line in log(0)["lines"]), "the output")
        newest = log(0)["newest"]
        self.assertEqual(log(newest)["lines"], [])
        self.send("GET", "/b")
        wait_for(lambda: any("ECHO old GET /b" in line["html"] for line in log(newest)["lines"]), "the news")
        self.assertNotIn("ECHO old GET /a", str(log(newest)))

    def test_they_are_no_strangers_business(self):
        self.start()
        for path in ("requests", "requests.har", "requests/1", "log"):
            with Connection(self.hpp.bind) as client:
                client.send(f"GET /__hpp/{path} HTTP/1.1\r\nHost: evil.example\r\n\r\n")
                self.assertEqual(client.read_response().status, 403)


class CurlCommand(ProxyTest):
    """The command line for curl sends the same request."""

    def received(self):
        """What the backend gets: the request line, the other lines in any order, and the body."""
        with self.accept() as peer:
            head = peer.read_until(b"\r\n\r\n")
            line, *fields = head.strip().split(b"\r\n")
            length = re.search(rb"\r\ncontent-length: (\d+)", head, re.IGNORECASE)
            body = peer.read_exactly(int(length[1]) if length else 0)
            peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n" + b"yes" * (not line.startswith(b"HEAD")))
            return line, sorted(fields), body

    def check(self, line, fields=b"", body=b"", version=b"1.1"):
        host = b"Host: localhost:%d\r\n" % self.port
        fields = fields if b"Host:" in fields else host + fields
        if body:
            fields += b"Content-Length: %d\r\n" % len(body)
        client = self.client("localhost")
        client.send(line + b" HTTP/" + version + b"\r\n" + fields + b"\r\n" + body)
        first = self.received()
        client.read_response(line.split()[0].decode())
        url = f"http://localhost:{self.port}/__hpp/requests"
        command = json.loads(get(f"{url}/{json.loads(get(url).text)['requests'][0]['id']}").text)["curl"]
        with subprocess.Popen(["sh", "-c", command], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as curl:
            self.assertEqual(self.received(), first, command)
            output, errors = curl.communicate(timeout=DEADLINE_S)
            self.assertEqual((curl.returncode, b"curl:" in errors), (0, False), (command, errors))
            self.assertIn(b"200 OK" if " --head " in command else b"", output)

    def test_targets(self):
        for target in (b"/items?id[]=1&id[]=2", b"/?q={a,b}", b"/[1-3]", b"/a/../b/./c", b"/a/%2e%2E/b", b"/?",
                       b"//a//", b"/?x#frag", b"/?a='b'&c=\"$HOME\"`d`;e|f\\g!h", b"/caf\xe9", b"/?\xff[1-2]",
                       b"/\xc3\xa9!'%20%25", b"/-;*()<>^~", b"http://localhost:%d/b[1]" % self.port):
            self.check(b"GET " + target)
        self.check(b"OPTIONS *")

    def test_methods_and_bodies(self):
        for method in (b"GET", b"HEAD", b"POST", b"PUT", b"OPTIONS", b"PURGE", b"!'x"):
            for body in (b"", b"abc", b"it's $HOME\n@x", b"\x00\xff%d\\\n!", b"-n", b"-\0"):
                self.check(method + b" /", body=body)
            self.check(method + b" /", b"Content-Length: 0\r\n")

    def test_fields(self):
        for fields in (b"User-Agent:\r\nAccept: a\r\n", b"Accept-Encoding: gzip\r\nCookie: a=1; b='2'\r\n",
                       b"X: \xe9!\r\nx:\ty\tz\r\nX:\r\n", b"Host: shop.localhost:8000\r\n", b"Content-Type: a/b\r\n",
                       b"Authorization: Basic YTpi\r\nIf-None-Match: \"a\", W/\"b\"\r\n"):
            self.check(b"GET /", fields)
            self.check(b"POST /", fields, b"a=b")

    def test_http_1_0(self):
        self.check(b"GET /", version=b"1.0")
        self.check(b"POST /", b"Content-Type: a/b\r\n", b"abc", version=b"1.0")


class Wait(IntegrationTest):
    def setUp(self):
        super().setUp()
        self.gate = self.directory / "gate"  # not watched
        self.gate.touch()

    def save_slow_backend(self, text):
        """Saves a backend that does not listen before the file `gate` exists."""
        self.save_backend(text, "quick.py")
        self.save("app.py", "import pathlib, runpy, time\n"
                            f"while not pathlib.Path({str(self.gate)!r}).exists():\n"
                            "    time.sleep(0.005)\n"
                            f"print({text!r})\n"
                            "runpy.run_path('quick.py', run_name='__main__')\n")
        return [PYTHON, "app.py", "{backend}"]

    def start(self, *arguments):
        return self.start_ready("--pattern", "app.py", *arguments, "--exec",
                               *self.save_slow_backend("old"))

    def test_it_answers_at_once_if_the_tree_is_live(self):
        hpp = self.start()
        answer = get(hpp.url + "__hpp/wait")
        self.assertEqual(answer.status, 200)
        live = json.loads(answer.text)
        self.assertEqual((live["live"], live["generation"]), (True, 1))

    def test_it_waits_for_the_newest_save(self):
        hpp = self.start()
        self.gate.unlink()
        self.save_slow_backend("new")
        waits = Background(get, hpp.url + "__hpp/wait")
        hpp.wait_state("Loading", 2)
        wait_for(lambda: json.loads(get(hpp.url + "__hpp/status").text)["proxy"]["held"] == 1,
                 "the question to be held")
        self.assertFalse(waits.is_done())
        self.gate.touch()
        live = json.loads(waits.result().text)
        self.assertEqual((live["live"], live["generation"]), (True, 2))

    def test_a_failure_is_reported(self):
        hpp = self.start()
        self.save("app.py", "import sys; sys.exit('out of cheese')")
        answer = get(hpp.url + "__hpp/wait")
        self.assertEqual(answer.status, 503)
        failed = json.loads(answer.text)
        self.assertEqual((failed["live"], failed["reason"], failed["exit_code"]),
                         (False, "crashed", 1))
        self.assertIn("out of cheese", failed["output"])
        text = get(hpp.url + "__hpp/wait", Accept="text/plain")
        self.assertEqual((text.status, text.header("content-type")),
                         (503, "text/plain; charset=utf-8"))
        self.assertIn("out of cheese", text.text)

    def test_it_waits_no_longer_than_requests(self):
        hpp = self.start("--queue-timeout", 100)
        self.gate.unlink()
        self.save_slow_backend("new")
        answer = get(hpp.url + "__hpp/wait")
        self.assertEqual((answer.status, json.loads(answer.text)["reason"]), (503, "queue_timeout"))


class LiveReload(unittest.IsolatedAsyncioTestCase, OwnEndpointsTest):
    async def browser(self, **keywords):
        """Opens a WebSocket on the main port that has exchanged hello with hpp."""
        connection = await websockets.connect(
            f"ws://localhost:{self.hpp.bind}/__hpp/livereload", open_timeout=DEADLINE_S,
            ping_interval=None, **keywords)
        await connection.send(HELLO)
        self.assertEqual((await self.receive(connection))["command"], "hello")
        return connection

    @staticmethod
    async def receive(connection):
        return json.loads(await asyncio.wait_for(connection.recv(), DEADLINE_S))

    async def test_every_browser_reloads(self):
        browsers = [await self.browser() for _ in range(5)]
        self.save_backend("new")
        for browser in browsers:
            self.assertEqual((await self.receive(browser))["command"], "reload")
        self.assertEqual((await asyncio.to_thread(get, self.hpp.url)).text, "new")
        for browser in browsers:
            await browser.close()

    async def test_it_works_while_no_backend_runs(self):
        await asyncio.to_thread(get, self.hpp.url + "crash")
        self.hpp.wait_state("Error")
        browser = await self.browser()
        self.save_backend("cured")
        self.assertEqual((await self.receive(browser))["command"], "reload")
        await browser.close()

    async def test_a_page_of_another_origin_is_refused(self):
        # Releases of websockets raise different subclasses of this, and all name the status.
        with self.assertRaisesRegex(websockets.InvalidHandshake, "HTTP 403"):
            await self.browser(origin="http://evil.example")
        browser = await self.browser(origin=f"http://localhost:{self.hpp.bind}")
        await browser.close()

    def test_the_handshake_may_follow_another_request_and_bring_a_message(self):
        with Connection(self.hpp.bind) as client:
            handshake = (f"GET /__hpp/livereload HTTP/1.1\r\nHost: localhost:{self.hpp.bind}\r\n"
                         "Connection: Upgrade\r\nUpgrade: websocket\r\n"
                         "Sec-WebSocket-Version: 13\r\n"
                         "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n").encode()
            hello = HELLO.encode()  # a mask of zeros leaves it unchanged
            frame = b"\x81" + bytes([0x80 | len(hello)]) + bytes(4) + hello
            client.ask()
            client.send(handshake + frame)
            self.assertEqual(client.read_response().text, "the backend's")
            opened = client.read_response()
            self.assertEqual(opened.status, 101)
            self.assertEqual(opened.header("sec-websocket-accept"), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=")
            kind, size = client.read_exactly(2)
            self.assertEqual(kind, 0x81)
            self.assertEqual(json.loads(client.read_exactly(size))["command"], "hello")


if __name__ == "__main__":
    unittest.main()
