"""Last-Modified has a resolution of one second: two saves within one second must not leave an old page
in the browser's cache."""

import email.utils
import os
import time

from harness import PYTHON, Connection, IntegrationTest, wait_for

# Serves the files of the folder with their dates, but without ETag.
SERVER = """import http.server, sys
http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), http.server.SimpleHTTPRequestHandler).serve_forever()
"""


class Dates(IntegrationTest):
    def setUp(self):
        super().setUp()
        self.save("app.py", SERVER)
        self.save("page.txt", "old")
        self.hpp = self.start_ready("--pattern", "*.py", "--exec", PYTHON, "app.py", "{backend}")

    def save_in_second(self, text, second):
        """Saves the file with a date within that second."""
        path = self.project / "page.txt"
        path.write_text(text)
        os.utime(path, (second, second))

    def ask(self, date=None, tag=None):
        fields = [f"Host: localhost:{self.hpp.bind}", "Connection: close"]
        if date is not None:
            fields.append(f"If-Modified-Since: {date}")
        if tag is not None:
            fields.append(f"If-None-Match: {tag}")
        with Connection(self.hpp.bind) as client:
            client.send("\r\n".join(["GET /page.txt HTTP/1.1", *fields, "", ""]))
            return client.read_response()

    def test_a_browser_gets_no_date_in_the_current_second(self):
        """hpp does not even watch this file. Only the date of the answer matters."""
        this_second = int(time.time()) + 60  # not over before the end of the test
        self.save_in_second("first", this_second)
        first = self.ask()
        self.assertEqual(first.text, "first")
        self.save_in_second("second", this_second)
        # A browser would send this for the copy in its cache.
        reload = self.ask(date=first.header("last-modified"))
        self.assertEqual((reload.status, reload.text), (200, "second"))
        # For an older save, the browser gets a date, and can use it.
        self.save_in_second("third", int(time.time()) - 60)
        third = self.ask()
        self.assertIsNotNone(third.header("last-modified"))

    def test_the_condition_is_removed_right_after_a_change(self):
        date = email.utils.formatdate(time.time() - 60, usegmt=True)
        self.save_in_second("new", time.time() - 3600)
        wait_for(lambda: self.ask(date=date).status == 304, "the first two seconds are over")
        self.save("app.py", SERVER + "# changed\n")
        self.assertEqual(self.ask(date=date).status, 200)
        self.assertEqual(self.ask(date=date, tag='"a"').status, 200)  # the server has no tags
        wait_for(lambda: self.ask(date=date).status == 304, "a date counts again")
