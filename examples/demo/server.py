"""A web server of a few lines: one page, whose text is in page.py, and its style sheet."""

import html
import http.server
import pathlib
import string
import sys

import page

HERE = pathlib.Path(__file__).resolve().parent
ORIGINAL_TITLE = "Hello from hpp"

# The page is made once, so a change needs a new server. The style sheet is read for each request.
PAGE = string.Template((HERE / "page.html").read_text(encoding="utf-8")).substitute(
    title=html.escape(page.TITLE), text=html.escape(page.TEXT), folder=html.escape(str(HERE)),
    is_original="true" if page.TITLE == ORIGINAL_TITLE else "false").encode()


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        if self.path == "/":
            self.answer("text/html", PAGE)
        elif self.path.partition("?")[0] == "/style.css":
            self.answer("text/css", (HERE / "style.css").read_bytes())
        else:
            self.send_error(404)

    do_HEAD = do_GET

    def answer(self, kind, body):
        self.send_response(200)
        self.send_header("Content-Type", f"{kind}; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(body)

    def log_message(self, *_):
        """Silent: hpp's own lines are the interesting ones here."""


http.server.ThreadingHTTPServer(("localhost", int(sys.argv[1])), Handler).serve_forever()
