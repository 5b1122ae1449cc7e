"""A web server of a few lines: one page, whose text is in page.py."""

import html
import http.server
import sys

import page

HTML = f"""<!doctype html>
<meta charset="utf-8">
<title>{html.escape(page.TITLE)}</title>
<h1>{html.escape(page.TITLE)}</h1>
<p>{html.escape(page.TEXT)}</p>
<script src="http://localhost:35729/livereload.js"></script>
""".encode()


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(HTML)))
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(HTML)

    do_HEAD = do_GET

    def log_message(self, *_):
        """Silent: hpp's own lines are the interesting ones here."""


http.server.ThreadingHTTPServer(("localhost", int(sys.argv[1])), Handler).serve_forever()
