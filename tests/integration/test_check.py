"""hpp-ctl check: a page after the last save, and what the server printed for it."""

import json

from harness import PYTHON
from test_ctl import CtlTest

SERVER = """
import http.server, sys

class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        print("asked for", self.path, "in {version}", flush=True)
        status = 500 if self.path == "/broken" else 200
        self.send_response(status)
        self.send_header("Content-Type", "text/plain")
        self.end_headers()
        self.wfile.write(b"{version} of " + self.headers["Host"].encode())

    def log_message(self, *arguments):
        pass

http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
"""


class Check(CtlTest):
    def save_server(self, version):
        self.save("app.py", SERVER.replace("{version}", version))

    def setUp(self):
        super().setUp()
        self.save_server("version 0")
        self.hpp = self.start_ready("--exec", PYTHON, "app.py", "{backend}")

    def check(self, target, status):
        return json.loads(self.ctl("check", "--json", target, status=status).output("out"))

    def test_shows_the_page_after_the_save_and_what_was_printed(self):
        for number in range(1, 4):
            self.save_server(f"version {number}")
            outcome = self.check("/a?b=c", 0)
            self.assertEqual(outcome["status"], 200)
            self.assertEqual(outcome["body"], f"version {number} of localhost:{self.hpp.bind}")
            self.assertEqual(outcome["output"].splitlines()[-1], f"asked for /a?b=c in version {number}")

    def test_takes_a_url_with_another_name(self):
        outcome = self.check(f"http://shop.localhost:{self.hpp.bind}/", 0)
        self.assertEqual(outcome["body"], f"version 0 of shop.localhost:{self.hpp.bind}")

    def test_an_error_of_the_page_is_a_failure(self):
        self.assertEqual(self.check("/broken", 1)["status"], 500)
        text = self.ctl("check", "/broken", status=1).output("out")
        self.assertRegex(text, r"(?s)^HTTP/1.1 500 .*version 0 of .*Your server has printed:.*asked for /broken")

    def test_a_save_that_has_failed_is_shown_as_by_wait(self):
        self.save("app.py", "import sys\nraise ValueError('boom')\n")
        outcome = self.check("/", 1)
        self.assertEqual((outcome["live"], outcome["reason"]), (False, "crashed"))
        self.assertEqual(outcome["error"]["message"], "ValueError: boom")

    def test_another_server_is_wrong_usage(self):
        self.ctl("check", "http://localhost:1/", status=2)
        self.ctl("check", "cart", status=2)
        self.ctl("check", status=2)


# The server prints a traceback for a view that raises, and answers with 500.
WSGI = """
import sys
import wsgiref.simple_server

import views

def application(environ, start_response):
    body = views.page(environ["PATH_INFO"])
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [body.encode()]

wsgiref.simple_server.make_server("localhost", int(sys.argv[1]), application).serve_forever()
"""
VIEWS = """
def price(path):
    return {"/": 1}[path]

def page(path):
    return str(price(path))
"""


class ErrorOfAView(CtlTest):
    def setUp(self):
        super().setUp()
        self.save("views.py", VIEWS)
        self.save("app.py", WSGI)
        self.start_ready("--exec", PYTHON, "app.py", "{backend}")

    def test_is_named_first(self):
        text = self.ctl("check", "/cart", status=1).output("out")
        self.assertRegex(text, r"(?s)^views.py:3: KeyError: '/cart'\n\nHTTP/1.1 500 .*Your server has printed:.*Traceback")
        error = json.loads(self.ctl("check", "--json", "/cart", status=1).output("out"))["error"]
        self.assertEqual((error["message"], error["file"], error["line"]), ("KeyError: '/cart'", "views.py", 3))
        self.assertEqual([frame["line"] for frame in error["frames"] if frame["file"] == "views.py"], [3, 6])
        self.assertIn('return {"/": 1}[path]', error["source"])

    def test_of_an_earlier_request_is_not_named(self):
        self.ctl("check", "/cart", status=1)
        self.assertIsNone(json.loads(self.ctl("check", "--json", "/", status=0).output("out"))["error"])
        self.assertRegex(self.ctl("check", "/", status=0).output("out"), "^HTTP/1.1 200 OK\n")
