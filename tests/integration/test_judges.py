"""Third-party clients and servers on both sides of the proxy: Node's http, undici, ws, curl.

A judge is a program in judges/ that contains both a client and a server of the library that it tests.
It runs without the proxy first, to show that its expectations are those of the library, and then with
the proxy, which must behave like the server itself."""

import hashlib
import os
import pathlib
import shutil
import socket
import subprocess
import unittest

from harness import DEADLINE_S, Program, free_port, wait_for
from proxy import start_proxy

NODE_PATH = pathlib.Path("/usr/share/nodejs")  # where Debian's packages put modules
JUDGES = pathlib.Path(__file__).parent / "judges"


def start_before(test, backend):
    """Starts a proxy in front of a port; returns the proxy's port."""
    port = free_port()
    start_proxy(test, f"localhost:{port}", f"localhost:{backend}")
    return port


@unittest.skipUnless(shutil.which("node"), "node is not installed")
class Node(unittest.TestCase):
    def judge(self, name, target, backend):
        program = Program(["node", JUDGES / f"{name}.js", backend, target], JUDGES,
                          {**os.environ, "NODE_PATH": str(NODE_PATH)})
        self.addCleanup(program.end)
        status = program.wait_exit(120)
        self.assertEqual(status, 0, f"\n{program.transcript()}")

    def check(self, name):
        backend = free_port()
        with self.subTest("without the proxy"):
            self.judge(name, backend, backend)
        with self.subTest("with the proxy"):
            self.judge(name, start_before(self, backend), backend)

    def test_http(self):
        self.check("node_http")

    def test_a_server_that_ends_first(self):
        self.check("node_ends_first")

    @unittest.skipUnless((NODE_PATH / "undici").exists(), "node-undici is not installed")
    def test_undici(self):
        self.check("undici")

    @unittest.skipUnless((NODE_PATH / "ws").exists(), "node-ws is not installed")
    def test_ws(self):
        self.check("ws")


@unittest.skipUnless(shutil.which("node") and shutil.which("curl"), "node or curl is not installed")
class Curl(unittest.TestCase):
    """curl and judges/backend.js. The same command must print the same with the proxy and without it."""

    @classmethod
    def setUpClass(cls):
        cls.backend_port = free_port()
        cls.backend = Program(["node", JUDGES / "backend.js", cls.backend_port], JUDGES,
                              dict(os.environ))
        cls.addClassCleanup(cls.backend.end)
        cls.backend.wait_line("listening")

    def setUp(self):
        self.port = start_before(self, self.backend_port)

    @staticmethod
    def curl(port, *arguments, body=b"", status=0, host="127.0.0.1"):
        """Runs curl with `{}` for http://HOST:PORT; returns what it printed."""
        base = f"http://{host}:{port}"
        command = ["curl", "--disable", "--silent", "--show-error", "--noproxy", "*",
                   "--max-time", str(DEADLINE_S)]
        command += [str(argument).replace("{}", base) for argument in arguments]
        run = subprocess.run(command, input=body, capture_output=True, check=False)
        if run.returncode != status:
            raise AssertionError(f"{command}: {run.returncode} {run.stderr.decode()}")
        return run.stdout

    def both(self, *arguments, **keywords):
        """Runs curl with the proxy and without it. Both outputs must be equal; returns that output."""
        without = self.curl(self.backend_port, *arguments, **keywords)
        through = self.curl(self.port, *arguments, **keywords)
        self.assertEqual(through, without, arguments)
        return through

    @staticmethod
    def digest(method, framing, body):
        return f"{method} {framing} {len(body)} {hashlib.sha256(body).hexdigest()}\n".encode()

    def test_versions(self):
        for version in ("--http1.0", "--http1.1"):
            for path in ("/chunks", "/close", "/range", "/echo"):
                self.both(version, f"{{}}{path}")
        self.assertEqual(self.both("--http1.0", "{}/chunks", "{}/chunks"),
                         b"one two threeone two three")

    def test_http_1_0_with_keep_alive(self):
        for path in ("/range", "/chunks"):
            self.both("--http1.0", "-H", "Connection: keep-alive", f"{{}}{path}", f"{{}}{path}")

    def test_one_connection_for_many_requests(self):
        urls = ["{}/chunks", "{}/range", "{}/close", "{}/gzip", "{}/echo", "{}/chunks"]
        count = self.both("-o", "/dev/null", "-w", "%{num_connects}\n", "{}/range", "-o",
                          "/dev/null", "{}/chunks", "-o", "/dev/null", "{}/range")
        self.assertEqual(count, b"1\n0\n0\n")
        self.both(*urls)

    def test_post(self):
        for size in (0, 1, 1000, 1024, 1025, 70_000, 1_100_000):  # above 1 MB with Expect
            body = os.urandom(size)
            self.assertEqual(self.both("--data-binary", "@-", "{}/digest", body=body),
                             self.digest("POST", size, body))

    def test_a_hundred_megabytes_up(self):
        body = os.urandom(1_000_000) * 100
        self.assertEqual(self.curl(self.port, "--data-binary", "@-", "{}/digest", body=body),
                         self.digest("POST", len(body), body))

    def test_a_hundred_megabytes_down(self):
        body = self.curl(self.port, "{}/large")
        self.assertEqual(hashlib.sha256(body).hexdigest(),
                         hashlib.sha256(b"0123456789" * 10_000_000).hexdigest())

    def test_chunked_upload(self):
        for size in (0, 1, 65_536, 5_000_000):
            body = os.urandom(size)
            self.assertEqual(self.both("-T", "-", "{}/digest", body=body),
                             self.digest("PUT", "chunked", body))
            self.assertEqual(self.curl(self.port, "-T", "-", "{}/echo", body=body), body)

    def test_expect(self):
        for arguments in (["--data-binary", "@-"], ["-T", "-"]):
            out = self.curl(self.port, "-H", "Expect: 100-continue", "--expect100-timeout",
                            DEADLINE_S, *arguments, "-D", "-", "{}/digest", body=b"x" * 100_000)
            self.assertTrue(out.startswith(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK"), out)

    def test_an_early_answer_to_an_upload(self):
        for arguments in (["--data-binary", "@-"], ["-T", "-"]):
            for expect in ("Expect:", "Expect: 100-continue"):
                out = self.curl(self.port, "-H", expect, *arguments, "{}/413",
                                body=bytes(20_000_000))
                self.assertEqual(out, b"too big")

    def test_head(self):
        for path in ("/chunks", "/range", "/large", "/gzip", "/redirect", "/close"):
            self.both("-I", "-w", "%{http_code} %{size_download}\n", "-o", "/dev/null", f"{{}}{path}")
        self.assertIn(b"Content-Length: 100000000", self.curl(self.port, "-I", "{}/large"))

    def test_ranges(self):
        for ranges in ("0-9", "10-", "-5", "5-5"):
            self.both("-r", ranges, "{}/range")
            head = self.curl(self.port, "-r", ranges, "-D", "-", "-o", "/dev/null", "{}/range")
            self.assertIn(b"206 Partial Content", head)
            self.assertIn(b"Content-Range: bytes ", head)

    def test_compressed_bodies_are_not_changed(self):
        self.assertEqual(self.both("--compressed", "{}/gzip"), b"0123456789" * 1000)
        self.assertEqual(self.both("{}/gzip")[:2], b"\x1f\x8b")

    def test_trailers_and_interim_answers(self):
        self.assertIn(b"X-After: all\r\n", self.curl(self.port, "-D", "-", "-o", "/dev/null",
                                                     "{}/trailers"))
        self.assertEqual(self.both("--raw", "{}/trailers"),
                         b"4\r\nbody\r\n0\r\nX-After: all\r\n\r\n")
        head = self.curl(self.port, "-D", "-", "{}/hints")
        self.assertTrue(head.startswith(b"HTTP/1.1 103 Early Hints\r\nLink: </a.css>"), head)

    def test_request_targets(self):
        for target in ("//a//../b?c=%20&&", "/%2e%2e/%00", "*"):
            method = "OPTIONS" if target == "*" else "GET"
            out = self.curl(self.port, "-X", method, "--request-target", target, "{}/")
            self.assertEqual(out.split(b"\n")[0].decode(), f"{method} {target} HTTP/1.1")

    def test_used_as_a_forward_proxy(self):
        """It is no forward proxy, but it accepts a URL as the target, and sends the path on."""
        base = f"http://127.0.0.1:{self.port}"
        out = self.curl(self.port, "--noproxy", "", "--proxy", base, "http://example.test/a?b")
        self.assertTrue(out.startswith(b"GET /a?b HTTP/1.1\n"), out)
        self.assertIn(b"\nHost: example.test\n", out)
        self.assertNotIn(b"Proxy-Connection", out)

    def test_headers(self):
        out = self.both("-A", "me", "-H", "X-b: 1", "-H", "x-A: 2", "-H", "X-B: 3", "-H", "Empty;",
                        "-b", "a=b", "-H", "Host: other.test", "-H", "X-Forwarded-For: 9.9.9.9",
                        "-H", "Connection: X-Gone", "-H", "X-Kept: 1", "-o", "/dev/null", "{}/")
        out = self.curl(self.port, "-A", "me", "-H", "X-b: 1", "-H", "x-A: 2", "-H", "X-B: 3",
                        "-H", "Empty;", "-H", "Host: other.test", "-H", "X-Gone: 1", "-H",
                        "Connection: X-Gone", "{}/").decode().split("\n")
        self.assertEqual(out[1:8], ["Host: other.test", "User-Agent: me", "Accept: */*", "X-b: 1",
                                    "x-A: 2", "X-B: 3", "Empty: "])
        self.assertNotIn("X-Gone: 1", out)

    def test_an_answer_that_is_cut_short(self):
        self.both("{}/broken", status=18)

    @unittest.skipUnless(socket.has_dualstack_ipv6(), "there is no IPv6")
    def test_addresses(self):
        for host, arguments in (("127.0.0.1", []), ("[::1]", []), ("localhost", ["-4"]),
                                ("localhost", ["-6"]), ("localhost", [])):
            self.assertEqual(self.curl(self.port, *arguments, "{}/chunks", host=host),
                             b"one two three")

    def test_events(self):
        command = ["curl", "--disable", "-sN", f"http://127.0.0.1:{self.port}/events"]
        left = int(self.curl(self.port, "{}/left"))
        with subprocess.Popen(command, stdout=subprocess.PIPE) as events:
            for expected in (b"data: first\n", *[b"data: next\n"] * 3):
                self.assertEqual(events.stdout.readline(), expected)
                self.assertEqual(events.stdout.readline(), b"\n")
                self.curl(self.port, "{}/next")
            events.kill()
        wait_for(lambda: int(self.curl(self.port, "{}/left")) == left + 1, "the backend to see it")


if __name__ == "__main__":
    unittest.main()
