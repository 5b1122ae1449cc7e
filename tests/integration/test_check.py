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
