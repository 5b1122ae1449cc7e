"""LiveReload in a real browser: Chromium, hpp, and a small site that is edited.

The screenshots are in the build directory, tests/browser/screenshots."""

import json
import os
import signal
import socket
import socketserver
import sys
import threading
import unittest

from browser import HERE, Browser, what_is_missing
from harness import QUIET_S, IntegrationTest, free_port, freeze, get, wait_for

# Serves built-in pages, and the files in static/. /plain loads the public LiveReload client instead of
# hpp's, /main loads hpp's from the main port, /slow loads it when a test calls connect(), /bare loads
# none. A script fills /late, and /odd has links that lead nowhere. While a file `hold` exists, requests
# for copies of main.css and part.css get no answer, and those for copies of other.css fail.
SITE = '''\
import http.server, os, sys, time

TEXT = {text!r}
HEAD = """<!DOCTYPE html><html lang=en><meta name=viewport content="width=device-width">
<title>%s</title><link rel=icon href=data:,>""" % TEXT
OURS = "<script src=http://localhost:{livereload}/livereload.js></script>"
STYLE = "<link rel=stylesheet href=/static/main.css><link rel=stylesheet href=/static/other.css>"
BODY = """<h1>%s</h1><p>A page of a site under development.<p><input id=name>""" % TEXT
# A page with a shadow tree. `window.shadow` lets tests read the tree even if it is closed.
SHADOW = """<div id=host></div><script>
    window.shadow = host.attachShadow({{mode: "%s"}});
    shadow.innerHTML = "<link rel=stylesheet href=/static/part.css><p>in the shadow";
    </script>"""
PAGES = {{
    "/": HEAD + OURS + STYLE + BODY,
    "/late": HEAD + OURS + """<div id=late></div><script>
        setTimeout(() => late.style.height = "5000px", 100)</script>""",
    "/plain": HEAD + STYLE + """<script src="/static/livereload.js?host=localhost&port={livereload}">
        </script>""" + BODY,
    "/strict": HEAD + OURS + STYLE + BODY,
    "/odd": HEAD + OURS + "<link rel=stylesheet href=http://[>" + STYLE
        + "<link rel=stylesheet href=/static/a%.css>" + BODY,
    "/bare": HEAD + STYLE + BODY,
    "/nonce": HEAD + STYLE + BODY,
    "/fragment": "<li>%s</li>" % TEXT,
    "/slow": HEAD + """<script>
        function connect() {{
            document.head.append(Object.assign(document.createElement("script"),
                                 {{src: "http://localhost:{livereload}/livereload.js"}}));
        }}</script>""" + STYLE + BODY,
    "/main": HEAD + "<script src=/__hpp/livereload.js></script>" + STYLE + BODY,
    "/nested": HEAD + OURS + "<link rel=stylesheet href=/static/nested.css>" + BODY,
    "/style": HEAD + OURS + "<style>@layer x; @import url(/static/part.css);</style>" + BODY,
    "/open": HEAD + OURS + BODY + SHADOW % "open",
    "/closed": HEAD + OURS + BODY + SHADOW % "closed",
    "/module": HEAD + OURS + BODY + """<script type=module>
        import sheet from "/static/part.css" with {{type: "css"}};
        document.adoptedStyleSheets = [sheet];</script>""",
    "/fetched": HEAD + OURS + BODY + """<script>
        fetch("/static/part.css").then((answer) => answer.text()).then((text) => {{
            const sheet = new CSSStyleSheet();
            sheet.replaceSync(text);
            document.adoptedStyleSheets = [sheet];
        }})</script>""",
    "/worker": HEAD + BODY,
    "/base": HEAD + "<base href=http://127.0.0.2:1/>" + BODY,
    "/sandbox": HEAD + BODY,
    "/meta": HEAD + "<meta http-equiv=Content-Security-Policy content='connect-src https://a.example'>" + BODY,
    "/sandbox-main": HEAD + "<script src=/__hpp/livereload.js></script>" + BODY,
}}
POLICIES = {{
    "/sandbox": "sandbox allow-scripts",
    "/sandbox-main": "sandbox allow-scripts",
    "/strict": "default-src 'self'; img-src data:; script-src localhost:{livereload};"
               " connect-src ws://localhost:{livereload}",
    "/nonce": "default-src 'self'; img-src data:; script-src 'nonce-abc'",
}}


class Handler(http.server.SimpleHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        if self.path == "/crash":
            print("Asked to crash: <script>document.title = 'hacked'</script>", file=sys.stderr)
            sys.stderr.flush()
            os._exit(3)
        held = ("/static/main.css?hpp=", "/static/part.css?hpp=")
        while self.path.startswith(held) and "hold" in os.listdir():
            time.sleep(0.01)
        if self.path.startswith("/static/other.css?hpp=") and "hold" in os.listdir():
            return self.send_error(500)
        if self.path not in PAGES:
            return super().do_GET()
        body = PAGES[self.path].encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        if self.path in POLICIES:
            self.send_header("Content-Security-Policy", POLICIES[self.path])
        self.end_headers()
        self.wfile.write(body)

    def end_headers(self):
        # A browser that has such a file does not ask again.
        if self.path.startswith("/static/") and "cached" in os.listdir():
            self.send_header("Cache-Control", "max-age=3600")
        super().end_headers()

    def log_message(self, *_):
        pass


http.server.ThreadingHTTPServer(("localhost", int(sys.argv[1])), Handler).serve_forever()
'''

# Starts hpp's script on /slow. Each of its connections ends at once, the first one after a hello or not,
# and no time passes between two attempts. Returns 16 delays, in ms.
FASTER = """
new Promise((resolve) => {
    const delays = [], wait = setTimeout;
    let saysHello = %s;
    window.setTimeout = (attempt, ms) => delays.push(ms) < 16 ? wait(attempt, 0) : resolve(delays);
    window.WebSocket = class {
        constructor() {
            wait(() => {
                if (saysHello) this.onmessage({data: '{"command": "hello"}'});
                saysHello = false;
                this.onclose();
            }, 0);
        }
    };
    connect();
})"""

# Fails like a program that was saved in the middle of an edit.
BROKEN = """\
import sys


def load_settings():
    return {"debug": True}["database"]


def main():
    print("\\x1b[1;31mLoading <b>settings</b>…\\x1b[0m", file=sys.stderr)
    load_settings()


main()
"""

OVERLAY = "document.querySelector('hpp-overlay')?.shadowRoot"


# Sizes of a desktop, a tablet and a phone.
ALL_SIZES = ({"width": 1280, "height": 800}, {"width": 820, "height": 1180}, {"width": 390, "height": 844})

# Whether an element lies in the window completely, and is not covered by another.
IS_VISIBLE = """((element, root) => {
  const { left, right, top, bottom } = element.getBoundingClientRect();
  const middle = root.elementFromPoint((left + right) / 2, (top + bottom) / 2);
  return left >= 0 && top >= 0 && right <= innerWidth && bottom <= innerHeight && element.contains(middle);
})"""


# The texts whose contrast to their background is below 4.5 (WCAG 2.1 §1.4.3), and why.
POOR_CONTRAST = """(() => {
  const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  const rgba = (color) => {
    canvas.clearRect(0, 0, 1, 1);
    canvas.fillStyle = color;
    canvas.fillRect(0, 0, 1, 1);
    return [...canvas.getImageData(0, 0, 1, 1).data];
  };
  const luminance = ([r, g, b]) => [r, g, b].map((c) => c / 255)
    .map((c) => (c <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4))
    .reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0);
  const ground = (element) => {
    const layers = [];
    for (let e = element; e; e = e.parentElement) {
      layers.push(rgba(getComputedStyle(e).backgroundColor));
      if (layers.at(-1)[3] === 255) break;
    }
    return layers.reverse().reduce((under, [r, g, b, a]) =>
      [r, g, b].map((c, i) => (c * a + under[i] * (255 - a)) / 255), [255, 255, 255]);
  };
  const found = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let node; (node = walker.nextNode());) {
    const element = node.parentElement;
    if (!node.data.trim() || !element.checkVisibility() || element.closest("script, style, :disabled")) continue;
    const [a, b] = [luminance(rgba(getComputedStyle(element).color)), luminance(ground(element))];
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (ratio < 4.5) found.push(`${ratio.toFixed(2)} ${node.data.trim().slice(0, 40)}`);
  }
  return found;
})()"""


def looks(page):
    """Shows the page in both colour schemes and at each size. Yields the name of each combination."""
    for scheme in ("light", "dark"):
        page.ask("media", media={"colorScheme": scheme})
        for size in ALL_SIZES:
            page.ask("size", size=size)
            yield f"{scheme}-{size['width']}"


def look_at(page, name, selectors, root="document"):
    """Checks, in both colour schemes and at each size, that the elements are visible without scrolling and
    that texts have contrast. Keeps pictures."""
    for look in looks(page):
        for selector in selectors:
            page.wait(f"{IS_VISIBLE}({root}.querySelector('{selector}'), {root})")
        poor = page.get(POOR_CONTRAST if root == "document" else POOR_CONTRAST.replace("document.body", root))
        assert not poor, poor
        page.screenshot(f"{name}-{look}")


class BrowserTest(IntegrationTest):
    OPTIONS = ()

    @classmethod
    def setUpClass(cls):
        cls.browser = Browser()
        cls.addClassCleanup(cls.browser.close)

    def setUp(self):
        super().setUp()
        self.livereload = free_port()
        self.save("static/main.css", "@import url(part.css); h1 { color: rgb(1, 0, 0) }")
        self.save("static/part.css", "p { color: rgb(2, 0, 0) }")
        self.save("static/other.css", "input { color: rgb(3, 0, 0) }")
        self.save("static/livereload.js",
                  (HERE / "node_modules/livereload-js/dist/livereload.js").read_text())
        self.hpp = self.start_site()
        self.addCleanup(self.browser.close_pages)

    def start_site(self, livereload=None, name="app.py"):
        hpp = self.start_hpp("--livereload-port", livereload or self.livereload, "--pattern", name,
                             "--css", "static/*.css", "theme/*.scss", "--reload", "static/*.html",
                             *self.OPTIONS, "--exec", sys.executable, self.save_site("old", livereload, name).name,
                             "{backend}")
        hpp.wait_ready()
        return hpp

    def save_site(self, text, livereload=None, name="app.py"):
        return self.save(name, SITE.format(text=text, livereload=livereload or self.livereload))

    def open(self, path="", hpp=None, page=None, **options):
        """Opens a page of the site, in `page` or in a new one."""
        page = page or self.browser.page(**options)
        page.goto((hpp or self.hpp).url + path)
        return page

    def open_connected(self, path=""):
        """Opens a page, and waits until its client is connected. For tests of what hpp says about a save:
        a page that connects afterwards catches up, but hpp does not count it."""
        page = self.open(path)
        wait_for(lambda: page.states > 0, "the connection of the page's client")
        return page

    @staticmethod
    def shows(page, text):
        page.wait(f"document.title === {json.dumps(text)}")

    @staticmethod
    def color(page, selector):
        return page.get(f"getComputedStyle(document.querySelector('{selector}')).color")

    @staticmethod
    def wait_color(page, selector, red):
        page.wait(f"getComputedStyle(document.querySelector('{selector}')).color"
                  f" === 'rgb({red}, 0, 0)'")

    def assert_no_reload(self, page, loads):
        """Checks that no document was loaded beyond the expected ones, now and a moment later. The content
        of a document may be visible before the document counts as loaded."""
        wait_for(lambda: page.loads >= loads, lambda: f"load {loads}; it is {page.loads}")
        page.get(f"new Promise((done) => setTimeout(done, {1000 * QUIET_S}))")
        self.assertEqual(page.loads, loads)

    @staticmethod
    def wait_overlay(page, text):
        page.wait(f"{OVERLAY}?.textContent.includes({json.dumps(text)})")


class Refreshing(BrowserTest):
    def test_an_edit_is_shown_without_user_action(self):
        page = self.open()
        self.shows(page, "old")
        for count in range(3):
            self.save_site(f"new {count}")
            self.shows(page, f"new {count}")
        self.assert_no_reload(page, 4)

    def test_livereload_on_the_main_port(self):
        page = self.open("main")
        self.save("static/main.css", "h1 { color: rgb(11, 0, 0) }")
        self.wait_color(page, "h1", 11)
        self.save("app.py", BROKEN)
        self.wait_overlay(page, "KeyError")
        self.save_site("new")
        self.shows(page, "new")
        self.assert_no_reload(page, 2)

    def test_ten_tabs(self):
        first = self.open()
        tabs = [first, *(self.open(page=self.browser.page_beside(first.context))
                         for _ in range(9))]
        self.save_site("new")
        for tab in tabs:
            self.shows(tab, "new")
        for tab in tabs:
            self.assert_no_reload(tab, 2)

    def test_two_instances(self):
        second = self.start_site(free_port(), "second.py")
        ours, theirs = self.open(), self.open(hpp=second)
        self.save_site("new")
        self.shows(ours, "new")
        self.assert_no_reload(theirs, 1)
        self.shows(theirs, "old")

    def test_a_file_for_browsers_does_not_restart_the_backend(self):
        page = self.open()
        self.save("static/part.html", "x")
        wait_for(lambda: page.loads == 2, "the reload")
        self.assert_no_reload(page, 2)
        self.assertEqual(self.hpp.generation, 1)

    def test_a_page_catches_up_after_a_restart_of_proxyd(self):
        page = self.open()
        for text in ("old", "new"):  # without a change, and with one
            proxyd = self.hpp.helper_pid("proxyd")
            seen = len(self.hpp.lines)
            freeze(proxyd)
            if text == "new":
                self.save_site(text)
                self.hpp.wait_state("Running", 2)
            os.kill(proxyd, signal.SIGKILL)
            self.hpp.wait_line("hpp-proxyd: .*forwards to", seen)
            self.shows(page, text)
            self.assert_no_reload(page, 2 if text == "new" else 1)

    def test_a_page_that_is_never_answered_tries_again_once_a_minute(self):
        for says_hello, limit in ((False, 60_000), (True, 5_000)):
            page = self.open("slow")
            delays = page.get(FASTER % ("true" if says_hello else "false"))
            self.assertEqual(delays[:5], [50, 100, 200, 400, 800])
            self.assertEqual(delays[-1], limit)
            self.assertEqual(max(delays), limit)

    def test_a_page_catches_up_on_saves_before_it_has_connected(self):
        page = self.open("slow")
        self.save("static/part.html", "x")
        self.hpp.wait_line("static/part.html changed: notified 0 browsers")
        page.get("connect()")
        wait_for(lambda: page.loads == 2, "the reload")
        self.save_site("new")
        self.hpp.wait_state("Running", 2)
        page.get("connect()")
        self.shows(page, "new")
        page.get("connect()")
        self.assert_no_reload(page, 3)

    def test_a_hidden_tab_reloads_when_it_becomes_visible(self):
        page = self.open()
        hide = "Object.defineProperty(document, 'hidden', {{ get: () => {}, configurable: true }});" \
               "document.dispatchEvent(new Event('visibilitychange'))"
        page.get(hide.format("true"))
        self.save_site("new")
        self.hpp.wait_state("Running", 2)
        self.assert_no_reload(page, 1)
        page.get(hide.format("false"))
        self.shows(page, "new")
        wait_for(lambda: page.loads == 2, "the reload")

    def test_the_scroll_position_is_kept(self):
        page = self.open("late")
        page.wait("document.documentElement.scrollHeight > 4000")
        page.get("scrollTo(0, 1234)")
        self.save_site("new")
        self.shows(page, "new")
        page.wait("Math.abs(scrollY - 1234) < 2")


class StyleSheets(BrowserTest):
    def test_a_style_sheet_is_swapped_in_place(self):
        page = self.open()
        page.fill("#name", "half a sentence")
        for red in (11, 12):
            self.save("static/main.css",
                      f"@import url(part.css); h1 {{ color: rgb({red}, 0, 0) }}")
            self.wait_color(page, "h1", red)
        page.wait("document.querySelectorAll('link[rel=stylesheet]').length === 2")
        self.assertEqual(self.color(page, "p"), "rgb(2, 0, 0)")
        self.assertEqual(page.get("document.querySelector('#name').value"), "half a sentence")
        self.assertEqual(page.get("document.querySelectorAll('link[href$=\"other.css\"]').length"), 1)
        self.assert_no_reload(page, 1)
        self.assertEqual(self.hpp.generation, 1)

    def test_an_imported_style_sheet(self):
        page = self.open()
        for red in (11, 12):
            self.save("static/part.css", f"p {{ color: rgb({red}, 0, 0) }}")
            self.wait_color(page, "p", red)
        self.assertEqual(self.color(page, "h1"), "rgb(1, 0, 0)")
        page.wait("document.styleSheets[0].cssRules.length === 2")
        self.assert_no_reload(page, 1)

    def test_an_imported_style_sheet_changes_again_during_its_swap(self):
        page = self.open_connected()
        hold = self.save("hold", "")
        rules = "document.querySelector('link[href*=\"main.css\"]').sheet.cssRules"
        self.save("static/part.css", "p { color: rgb(11, 0, 0) }")
        page.wait(f"{rules}.length === 3")
        page.get(f"window.first = {rules}[1].href")
        self.save("static/part.css", "p { color: rgb(12, 0, 0) }")
        page.wait(f"{rules}[1].href !== window.first")
        hold.unlink()
        self.wait_color(page, "p", 12)
        page.wait(f"{rules}.length === 2")

    def test_an_unknown_style_sheet_swaps_all(self):
        page = self.open()
        self.save("static/main.css", "h1 { color: rgb(11, 0, 0) }")
        self.wait_color(page, "h1", 11)
        links = "[...document.querySelectorAll('link[rel=stylesheet]')].map(({ href }) => href)"
        page.wait(f"{links}.length === 2")  # the old link is gone
        page.get(f"window.before = {links}")
        self.save("theme/colors.scss", "")
        page.wait(f"{links}.length === 2 && !{links}.some((href) => before.includes(href))")
        self.assert_no_reload(page, 1)

    def test_a_save_before_the_page_has_connected(self):
        page = self.open("slow")
        self.save("static/main.css", "h1 { color: rgb(11, 0, 0) }")
        self.hpp.wait_line("static/main.css changed: notified 0 browsers")
        self.assertEqual(self.color(page, "h1"), "rgb(1, 0, 0)")
        page.get("connect()")
        self.wait_color(page, "h1", 11)
        self.assert_no_reload(page, 1)

    def test_a_save_before_a_new_proxyd_has_watchds_snapshot(self):
        """The new proxyd receives the backend's snapshot first."""
        page = self.open()
        self.save("static/main.css", "h1 { color: rgb(11, 0, 0) }")
        self.wait_color(page, "h1", 11)
        page.get("""{
            window.told = 0;
            const OldSocket = WebSocket;
            window.WebSocket = class extends OldSocket {
                constructor(url) {
                    super(url);
                    this.addEventListener("message", () => ++window.told);
                }
            };
        }""")
        proxyd, watchd = (self.hpp.helper_pid(name) for name in ("proxyd", "watchd"))
        freeze(proxyd)
        self.save("static/main.css", "h1 { color: rgb(12, 0, 0) }")
        wait_for(lambda: self.hpp.snapshot("watchd")["refresh"]["count"] == 2, "the second save")
        freeze(watchd)
        os.kill(proxyd, signal.SIGKILL)
        page.wait("window.told >= 2")  # the new proxyd's hello, and its state
        os.kill(watchd, signal.SIGCONT)
        self.wait_color(page, "h1", 12)
        self.assert_no_reload(page, 1)

    def test_a_failed_copy_while_another_is_saved_again(self):
        self.save("static/main.css", "h1 { color: rgb(1, 0, 0) }")
        self.hpp.wait_line("static/main.css changed")
        page = self.open()
        links = "document.querySelectorAll('link[rel=stylesheet]').length"
        self.save("hold", "")
        self.save("theme/colors.scss", "")
        page.wait(f"{links} === 3")  # the copy of main.css has not come, that of other.css has failed
        self.save("static/main.css", "h1 { color: rgb(11, 0, 0) }")
        wait_for(lambda: page.loads == 2, "the reload")
        self.wait_color(page, "h1", 11)

    def test_links_that_lead_nowhere(self):
        self.save("static/a%.css", "h1 { color: rgb(1, 0, 0) }")
        page = self.open_connected("odd")
        for red in (11, 12):
            self.save("static/a%.css", f"h1 {{ color: rgb({red}, 0, 0) }}")
            self.wait_color(page, "h1", red)
            self.hpp.wait_line("static/a%.css changed: swapped in 1 page")
        self.assert_no_reload(page, 1)

    def test_a_page_without_style_sheets(self):
        page = self.open_connected("late")
        self.save("static/main.css", "")
        self.hpp.wait_line("static/main.css changed: 1 page without style sheets")
        self.assert_no_reload(page, 1)

    def test_a_count_that_decreases(self):
        page = self.open()
        self.save("static/main.css", "h1 { color: rgb(11, 0, 0) }")
        self.wait_color(page, "h1", 11)
        page.get("""{
            const OldSocket = WebSocket;
            window.WebSocket = class extends OldSocket {
                set onmessage(handler) {
                    super.onmessage = ({ data }) => {
                        const message = JSON.parse(data);
                        if (message.refresh?.epoch) message.refresh.count -= 1;
                        handler({ data: JSON.stringify(message) });
                    };
                }
            };
        }""")
        os.kill(self.hpp.helper_pid("proxyd"), signal.SIGKILL)
        wait_for(lambda: page.loads == 2, "the reload")
        self.assert_no_reload(page, 2)

    def test_the_order_of_layers_is_kept(self):
        self.save("static/main.css", "@layer x, y; @import url(part.css) layer(x); h1 { color: rgb(1, 0, 0) }")
        page = self.open_connected()
        for red in (11, 12):
            self.save("static/part.css", f"p {{ color: rgb({red}, 0, 0) }}")
            self.wait_color(page, "p", red)
            self.hpp.wait_line("static/part.css changed: swapped in 1 page")
        page.wait("document.styleSheets[0].cssRules.length === 3")
        self.assert_no_reload(page, 1)

    def test_an_import_in_a_style_element(self):
        page = self.open("style")
        for red in (11, 12):
            self.save("static/part.css", f"p {{ color: rgb({red}, 0, 0) }}")
            self.wait_color(page, "p", red)
        self.assert_no_reload(page, 1)

    def test_a_style_sheet_in_a_shadow_tree(self):
        page = self.open("open")
        inside = "getComputedStyle(shadow.querySelector('p')).color"
        for red in (2, 11, 12):
            self.save("static/part.css", f"p {{ color: rgb({red}, 0, 0) }}")
            page.wait(f"{inside} === 'rgb({red}, 0, 0)'")
        self.assert_no_reload(page, 1)

    def test_a_style_sheet_that_cannot_be_swapped_reloads_the_page(self):
        """Each page includes part.css in another way."""
        self.save("static/nested.css", "@import url(main.css); input { color: rgb(3, 0, 0) }")
        inside = "getComputedStyle(shadow.querySelector('p')).color"
        outside = "getComputedStyle(document.querySelector('p')).color"
        for path, color in (("nested", outside), ("closed", inside), ("module", outside), ("fetched", outside)):
            with self.subTest(path):
                self.save("static/part.css", "p { color: rgb(2, 0, 0) }")
                page = self.open(path)
                page.wait(f"{color} === 'rgb(2, 0, 0)'")
                for loads, red in ((2, 11), (3, 12)):
                    self.save("static/part.css", f"p {{ color: rgb({red}, 0, 0) }}")
                    page.wait(f"{color} === 'rgb({red}, 0, 0)'")
                    wait_for(lambda loads=loads: page.loads >= loads, "the load to be complete")
                    self.assertEqual(page.loads, loads)
                self.assert_no_reload(page, 3)
                self.browser.close_pages()
        self.hpp.wait_line("static/part.css changed: reloaded 1 page")

    def test_a_style_sheet_whose_import_was_swapped_before(self):
        """The browser could take the old text of part.css from its cache."""
        self.save("cached", "")
        page = self.open()
        self.save("static/part.css", "p { color: rgb(11, 0, 0) }")
        self.wait_color(page, "p", 11)
        self.save("static/main.css", "@import url(part.css); h1 { color: rgb(12, 0, 0) }")
        self.wait_color(page, "h1", 12)
        self.wait_color(page, "p", 11)

    def test_the_browsers_cache_is_updated(self):
        """A swapped style sheet is still the new one after a reload."""
        self.save("cached", "")
        page = self.open_connected()
        self.save("static/other.css", "input { color: rgb(13, 0, 0) }")
        self.wait_color(page, "input", 13)
        self.hpp.wait_line("static/other.css changed: swapped in 1 page")
        self.save("static/part.html", "x")
        wait_for(lambda: page.loads == 2, "the reload")
        self.wait_color(page, "input", 13)

    def test_nothing_flashes(self):
        """The page is never without its style during a swap."""
        page = self.open()
        self.wait_color(page, "h1", 1)
        page.get("""window.seen = new Set(), (function look() {
            seen.add(getComputedStyle(document.querySelector("h1")).color);
            requestAnimationFrame(look);
        })()""")
        self.save("static/main.css", "h1 { color: rgb(11, 0, 0) }")
        self.wait_color(page, "h1", 11)
        page.wait("seen.has('rgb(11, 0, 0)')")
        self.assertEqual(page.get("[...seen]"), ["rgb(1, 0, 0)", "rgb(11, 0, 0)"])


class Crashes(BrowserTest):
    def test_a_page_survives_a_crash(self):
        page = self.open(viewport={"width": 1200, "height": 800})
        page.fill("#name", "half a sentence")
        self.save("app.py", BROKEN)
        self.wait_overlay(page, "KeyError: 'database'")
        page.screenshot("crash-light")
        page.ask("media", media={"colorScheme": "dark"})
        page.screenshot("crash-dark")
        page.ask("size", size={"width": 390, "height": 844})
        page.screenshot("crash-phone")
        self.assertEqual(page.get("document.querySelector('#name').value"), "half a sentence")
        self.assertEqual(page.get(f"{OVERLAY}.querySelector('.output b')"), None)
        self.assertIn("Loading <b>settings</b>…\n", page.get(f"{OVERLAY}.querySelector('.output').textContent"))
        self.assert_no_reload(page, 1)
        self.save_site("fixed")
        self.shows(page, "fixed")
        self.assert_no_reload(page, 2)
        self.assertFalse(page.get(f"!!{OVERLAY}"))

    def test_its_output_is_shown_as_text(self):
        page = self.open()
        get(self.hpp.url + "crash")
        self.wait_overlay(page, "<script>document.title = 'hacked'</script>")
        self.wait_overlay(page, "It ended with exit code 3.")
        self.wait_overlay(page, "Your server crashed while it handled GET /crash")
        self.assertEqual(page.get(f"{OVERLAY}.querySelector('h1').textContent"),
                         "Your server crashed while it handled GET /crash")
        self.assertEqual(self.editor_controls(page), [], "the output names no file")
        self.shows(page, "old")

    def test_a_strict_policy_of_the_page(self):
        page = self.open("strict", viewport={"width": 1200, "height": 800})
        self.save("app.py", BROKEN)
        self.wait_overlay(page, "KeyError")
        self.assertEqual(page.get(f"getComputedStyle({OVERLAY}.querySelector('section')).position"),
                         "fixed")
        page.screenshot("crash-strict-policy")
        self.assertEqual([line for line in page.ask("log") if "Content Security" in line], [])

    def test_it_can_be_dismissed(self):
        page = self.open()
        for number, way in enumerate((lambda: page.press("Escape"), lambda: page.click("button.close"))):
            get(self.hpp.url + "crash")
            self.wait_overlay(page, "Asked to crash")
            way()
            page.wait(f"!{OVERLAY}")
            self.save_site(f"fixed {number}")
            self.shows(page, f"fixed {number}")

    def test_the_server_can_be_restarted(self):
        page = self.open()
        get(self.hpp.url + "crash")
        self.wait_overlay(page, "Asked to crash")
        page.click("text=Restart the server")
        page.wait(f"document.title === 'old' && !{OVERLAY}")
        self.hpp.wait_state("Running", 2)
        self.assert_no_reload(page, 2)

    @staticmethod
    def editor_controls(page):
        """The visible controls that open the editor: their texts, and the targets of links."""
        return page.get(f"""[...{OVERLAY}.querySelectorAll("a, button")].filter((e) => e.checkVisibility())
          .filter((e) => e.textContent.startsWith("Open ")).map((e) => [e.textContent, e.getAttribute("href")])""")

    def test_a_link_opens_vs_code(self):
        page = self.open()
        self.save("app.py", BROKEN)
        self.wait_overlay(page, "KeyError")
        self.assertEqual(self.editor_controls(page), [["Open in VS Code", f"vscode://file{self.project}/app.py:5"]])

    def test_a_button_opens_the_users_editor(self):
        opened = self.directory / "opened"
        editor = self.directory / "editor"
        editor.write_text(f'#!/bin/sh\necho "$@" > {opened}.new && mv {opened}.new {opened}\n')
        editor.chmod(0o755)
        self.environment["HPP_EDITOR"] = str(editor)
        livereload = free_port()
        hpp = self.start_site(livereload, "second.py")
        page = self.open(hpp=hpp)
        self.save("second.py", BROKEN)
        self.wait_overlay(page, "KeyError")
        self.assertEqual(self.editor_controls(page), [["Open in editor", None]])
        page.click("text=Open in editor")
        wait_for(opened.exists, "the editor")
        self.assertEqual(opened.read_text(), f"{self.project}/second.py:5\n")

    def test_an_edit_after_a_crash(self):
        """The overlay stays while the server starts, and shows the next crash."""
        page = self.open()
        self.save("app.py", BROKEN)
        self.wait_overlay(page, "KeyError")
        self.save("app.py", BROKEN.replace('{"debug": True}["database"]', "undefined_name"))
        self.wait_overlay(page, "NameError")
        self.assertNotIn("KeyError", page.get(f"{OVERLAY}.textContent"))
        self.assert_no_reload(page, 1)


    def test_the_error_is_visible_at_once(self):
        page = self.open(viewport=ALL_SIZES[0])
        self.save("app.py", BROKEN)
        self.wait_overlay(page, "app.py:5")
        look_at(page, "error-overlay", ("h1", ".here i"), OVERLAY)
        self.assertEqual(page.get(f"{OVERLAY}.querySelector('h1').textContent"), "KeyError: 'database'")


class FailedBuilds(BrowserTest):
    """A build that fails beside a server that goes on answering (--keep-last-good)."""

    OPTIONS = ("--build", "sh build.sh", "--keep-last-good")
    STRIP = f"{OVERLAY}?.querySelector('section.strip')"

    def start_site(self, *arguments):
        self.save("build.sh", "python3 -m py_compile app.py\n")
        return super().start_site(*arguments)

    def fail_a_build(self, page):
        self.save("app.py", "def f(:\n    pass\n")
        page.wait(f"!!{self.STRIP}")
        self.wait_overlay(page, "app.py:1")

    def test_a_strip_leaves_the_page_usable(self):
        page = self.open(viewport=ALL_SIZES[0])
        self.fail_a_build(page)
        self.wait_overlay(page, "The build failed. Your server still runs, without your last save.")
        for look in looks(page):
            for selector in ("h1", "button.details", "button.close"):
                page.wait(f"{IS_VISIBLE}({OVERLAY}.querySelector('{selector}'), {OVERLAY})")
            page.wait(f"{IS_VISIBLE}(document.querySelector('h1'), document)")
            covered = page.get(f"{self.STRIP}.getBoundingClientRect().height / innerHeight")
            self.assertLess(covered, 0.3, "the strip covers the page")
            self.assertEqual(page.get(POOR_CONTRAST.replace("document.body", OVERLAY)), [])
            page.screenshot(f"strip-{look}")
        page.fill("#name", "the page takes input")
        self.assertEqual(page.loads, 1)

    def test_a_page_that_is_opened_later_has_the_strip(self):
        self.fail_a_build(self.open())
        page = self.open()
        self.shows(page, "old")
        self.wait_overlay(page, "The build failed")
        self.assert_no_reload(page, 1)

    def test_it_shows_the_details(self):
        page = self.open(viewport=ALL_SIZES[0])
        self.fail_a_build(page)
        page.click("text=Show details")
        page.wait(f"!{self.STRIP}")
        look_at(page, "error-failed-build", ("h1", ".here i"), OVERLAY)

    def test_it_can_be_dismissed(self):
        page = self.open()
        self.fail_a_build(page)
        page.press("Escape")
        page.wait(f"!{OVERLAY}")
        self.save("app.py", "def g(:\n    pass\n")
        page.wait(f"{self.STRIP}?.textContent.includes('def g(')")

    def test_a_good_build_reloads_the_page(self):
        page = self.open()
        self.fail_a_build(page)
        self.save_site("fixed")
        self.shows(page, "fixed")
        self.assertFalse(page.get(f"!!{OVERLAY}"))
        self.assert_no_reload(page, 2)


# Prints a line, prints another one when the first file exists, and answers when the second one does.
SLOW = """\
import http.server, os, sys, time
print("\\x1b[32mmigrating\\x1b[0m <b>step 1</b>", flush=True)
while not os.path.exists(sys.argv[2]):
    time.sleep(0.01)
print("step 2", flush=True)
while not os.path.exists(sys.argv[3]):
    time.sleep(0.01)
http.server.HTTPServer(("127.0.0.1", int(sys.argv[1])), http.server.SimpleHTTPRequestHandler).serve_forever()
"""


class Retries(BrowserTest):
    """Crashes with --retry, and what pages say is next."""

    OPTIONS = ("--retry", "1")

    def crash(self):
        os.kill(self.hpp.wait_state("Running")["pid"], signal.SIGKILL)

    def test_a_page_and_an_overlay_say_what_is_next(self):
        opened = self.open("main")
        self.crash()
        self.wait_overlay(opened, "hpp starts it by itself: trying again in 1 s (1 of 1).")
        self.hpp.wait_state("Running", 2)
        wait_for(lambda: opened.loads == 2, "the reload")
        self.crash()
        gave_up = "hpp gave up after 1 try (--retry). Save a file and hpp starts your server again."
        self.wait_overlay(opened, gave_up)
        page = self.open()
        page.wait(f"document.querySelector('.hint').textContent.startsWith({json.dumps(gave_up)})")
        look_at(page, "retry", ("h1", ".lead", ".hint"))
        self.save_site("new")
        self.shows(page, "new")
        self.shows(opened, "new")


class Starting(IntegrationTest):
    """The page for a navigation whose server takes long to start."""

    @classmethod
    def setUpClass(cls):
        cls.browser = Browser()
        cls.addClassCleanup(cls.browser.close)

    def test_it_shows_the_output_until_it_turns_into_the_site(self):
        self.addCleanup(self.browser.close_pages)
        self.save("app.py", SLOW)
        self.save("index.html", "<title>the site</title>")
        more, go = self.directory / "more", self.directory / "go"
        hpp = self.start_hpp("--exec", sys.executable, "app.py", "{backend}", more, go)
        wait_for(lambda: hpp.snapshot("proxyd").get("listening"), "proxyd")
        page = self.browser.page(viewport=ALL_SIZES[0])
        page.goto(hpp.url)
        output = "document.querySelector('.output')"
        page.wait(f"{output}?.textContent === 'migrating <b>step 1</b>\\n'")
        self.assertEqual(page.get(f"{output}.querySelectorAll('b').length"), 0)
        os.kill(hpp.helper_pid("proxyd"), signal.SIGKILL)
        more.touch()
        page.wait(f"{output}.textContent === 'migrating <b>step 1</b>\\nstep 2\\n'")
        look_at(page, "starting", ("h1", ".lead", ".output span:last-child"))
        self.assertEqual(page.loads, 1)
        go.touch()
        page.wait("document.title === 'the site'")
        self.assertEqual([line for line in page.ask("log") if "Content Security" in line], [])


class OwnPages(BrowserTest):
    """Pages that hpp itself answers."""

    def test_the_error_is_visible_at_once(self):
        self.save("app.py", BROKEN)
        page = self.open("bare", viewport=ALL_SIZES[0])
        page.wait("document.querySelector('h1')?.textContent === \"KeyError: 'database'\"")
        look_at(page, "error-page", ("h1", ".here i", "button"))
        link = page.get("document.querySelector('a.button').href")
        self.assertEqual(link, f"vscode://file{self.project}/app.py:5")

    def test_the_end_of_other_output_is_visible_at_once(self):
        self.save("app.py", "import sys\nsys.exit('line\\n' * 300 + 'the reason')\n")
        page = self.open("bare", viewport=ALL_SIZES[0])
        page.wait("document.body.textContent.includes('the reason')")
        for size in ALL_SIZES:
            page.ask("size", size=size)
            page.wait("(({ scrollTop, scrollHeight, clientHeight }) => scrollTop + clientHeight >= scrollHeight - 2)"
                      "(document.querySelector('.output'))")
            page.wait("document.querySelector('.output').getBoundingClientRect().bottom <= innerHeight")
            page.screenshot(f"error-without-place-{size['width']}")

    def test_an_error_can_be_copied(self):
        self.save("app.py", BROKEN)
        page = self.open("bare", permissions=["clipboard-read", "clipboard-write"])
        page.wait("document.querySelectorAll('[data-copy]').length === 2")
        for number, words in enumerate(("app.py:5: KeyError: 'database'", "Command: ")):
            page.get(f"document.querySelectorAll('button')[{number}].click()")
            page.wait(f"document.querySelectorAll('button')[{number}].textContent === 'Copied'")
            text = page.get("navigator.clipboard.readText()")
            self.assertIn(words, text)
            self.assertIn('>     5 |     return {"debug": True}["database"]', text)
            self.assertNotIn("\x1b", text)

    def test_the_server_can_be_restarted(self):
        get(self.hpp.url + "crash")
        page = self.open("bare")
        page.wait("document.body.textContent.includes('Asked to crash')")
        page.click("text=Restart the server")
        self.shows(page, "old")
        self.hpp.wait_state("Running", 2)

    def test_the_error_page_heals_itself(self):
        self.save("app.py", BROKEN)
        page = self.open("bare", viewport={"width": 1200, "height": 800})
        page.wait("document.body.textContent.includes(\"KeyError: 'database'\")")
        page.screenshot("error-light")
        page.ask("media", media={"colorScheme": "dark"})
        page.screenshot("error-dark")
        page.ask("size", size={"width": 390, "height": 844})
        page.screenshot("error-phone")
        self.assertIn("Loading <b>settings</b>…", page.get("document.body.textContent"))
        self.save("app.py", BROKEN.replace('{"debug": True}["database"]', "undefined_name"))
        page.wait("document.body.textContent.includes('NameError')")
        self.assertFalse(page.get(f"!!{OVERLAY}"))
        self.save_site("fixed")
        self.shows(page, "fixed")

    def test_the_home_page_is_updated(self):
        page = self.open("__hpp/", viewport={"width": 1200, "height": 800})
        page.wait("document.body.textContent.includes('generation 1')")
        self.save_site("new")
        page.wait("document.body.textContent.includes('generation 2')")
        page.wait("document.body.textContent.includes('app.py changed')")
        self.save("app.py", BROKEN)
        page.wait("document.body.textContent.includes('exit code 1')")
        page.screenshot("home")
        self.assertEqual(page.loads, 1)


# The controls without a name for a screen reader.
NAMELESS = """[...document.querySelectorAll("button, a, input, [tabindex], table, section")]
  .filter((e) => e.checkVisibility() && !(e.getAttribute("aria-label") || e.textContent.trim()
    || e.labels?.length || document.getElementById(e.getAttribute("aria-labelledby"))))
  .map((e) => e.outerHTML.slice(0, 80))"""


class HomePage(BrowserTest):
    """The page /__hpp/."""

    def home(self, **options):
        page = self.open("__hpp/", **options)
        page.wait("document.querySelector('#title').textContent !== 'hpp'")
        return page

    def check_at_all_sizes(self, page, name):
        for look in looks(page):
            page.wait("document.documentElement.scrollWidth <= innerWidth")
            self.assertEqual(page.get(POOR_CONTRAST), [], look)
            page.screenshot(f"home-{name}-{look}")
        self.assertEqual(page.get(NAMELESS), [])

    def row_with(self, page, text):
        page.wait(f"document.querySelector('#requests tbody')?.textContent.includes({json.dumps(text)})")

    def test_it_shows_requests_output_and_starts(self):
        page = self.home()
        for path in ("bare", "static/main.css?v=1", "static/nosuch"):
            get(self.hpp.url + path)
        self.save_site("new")
        get(self.hpp.url + "fragment")
        self.row_with(page, "/fragment")
        self.assertEqual(page.get("document.querySelectorAll('#requests tbody tr').length"), 4)
        page.wait("document.querySelector('#starts').children.length === 2")
        page.wait("document.querySelector('#output').textContent.includes('generation 2')")
        self.check_at_all_sizes(page, "running")

    def test_it_shows_the_error_first(self):
        self.save("app.py", BROKEN)
        page = self.home(viewport=ALL_SIZES[2])
        page.wait("document.querySelector('#crash-message').textContent === \"KeyError: 'database'\"")
        page.wait("document.querySelector('.source code').textContent === 'app.py:5'")
        for size in ALL_SIZES:
            page.ask("size", size=size)
            page.wait(f"{IS_VISIBLE}(document.querySelector('#crash-message'), document)")
        self.check_at_all_sizes(page, "failed")
        self.save_site("fixed")
        page.wait("document.querySelector('#crash').hidden")

    def test_the_output_can_be_searched(self):
        page = self.home()
        page.wait("document.querySelector('#output').children.length > 1")
        page.fill("#search", "ANSWERS AFTER")
        visible = "[...document.querySelector('#output').children].filter((e) => !e.hidden).length"
        page.wait(f"{visible} === 1")
        page.wait("document.querySelector('#found').textContent.startsWith('1 of ')")
        self.save_site("new")
        page.wait(f"{visible} === 2")
        page.fill("#search", "")
        page.wait(f"{visible} > 2")

    def test_a_request_is_sent_again_with_the_keyboard(self):
        page = self.home()
        get(self.hpp.url + "bare")
        self.row_with(page, "/bare")
        page.get("document.querySelector('#requests td button').focus()")
        page.press("Enter")
        page.wait("document.querySelectorAll('#requests tbody tr').length === 2")
        page.wait("document.activeElement.getAttribute('aria-label') === 'Send again: GET /bare'")
        page.wait("document.querySelector('#said').textContent === 'hpp sends it again'")

    def test_a_request_is_repeated_after_each_restart(self):
        page = self.home()
        get(self.hpp.url + "bare")
        self.row_with(page, "/bare")
        page.click("button[aria-label^=Repeat]")
        page.wait("document.querySelector('[aria-pressed=true]')")
        self.save_site("new")
        page.wait("document.querySelectorAll('#requests tbody tr').length === 2")
        page.click("[aria-pressed=true]")
        page.wait("!document.querySelector('[aria-pressed=true]')")

    def test_the_command_line_is_copied(self):
        page = self.home(permissions=["clipboard-read", "clipboard-write"])
        get(self.hpp.url + "bare")
        self.row_with(page, "/bare")
        page.click("text=Copy as curl")
        page.wait("navigator.clipboard.readText().then((text) => text.startsWith('curl '))")

    def test_hpp_is_paused(self):
        page = self.home()
        page.click("#pause")
        page.wait("document.querySelector('#pause[aria-pressed=true]')")
        page.click("#pause")
        page.wait("document.querySelector('#pause[aria-pressed=false]')")

    def test_the_server_is_restarted(self):
        page = self.home()
        page.click("#restart")
        self.hpp.wait_state("Running", 2)
        page.wait("document.body.textContent.includes('restart requested (browser)')")


class Injected(BrowserTest):
    """Pages without hpp's script in their source (--inject)."""

    OPTIONS = ("--inject",)

    def test_an_edit_and_a_crash(self):
        for number, path in enumerate(("bare", "nonce")):
            page = self.open(path)
            self.assertEqual(page.get("document.querySelectorAll('script').length"), 1)
            self.save_site(f"new {number}")
            self.shows(page, f"new {number}")
            self.save("app.py", BROKEN)
            self.wait_overlay(page, "KeyError")
            self.save_site(f"fixed {number}")
            self.shows(page, f"fixed {number}")
            wait_for(lambda: page.loads == 3, lambda: f"the third load, not {page.loads}")
            self.assertEqual([line for line in page.ask("log") if "Content Security" in line], [])

    def test_a_fragment_that_a_script_requests_is_unchanged(self):
        page = self.open("bare")
        self.assertEqual(page.get("fetch('/fragment').then((answer) => answer.text())"),
                         "<li>old</li>")

    def test_a_page_that_a_script_has_fetched_before(self):
        """The browser has a copy without the script. It may use it without asking (`cached`), or ask whether
        it is still valid."""
        self.save("static/page.html", "<!doctype html><title>page</title>")
        self.hpp.wait_line("static/page.html changed: notified 0 browsers")
        for caching in (True, False):
            if caching:
                self.save("cached", "")
            page = self.open("bare")
            self.assertEqual(page.get("fetch('/static/page.html').then((answer) => answer.text())"),
                             "<!doctype html><title>page</title>")
            self.open("static/page.html", page=page)
            self.assertEqual(page.get("document.querySelectorAll('script').length"), 1)
            if caching:
                (self.project / "cached").unlink()

    def test_a_page_from_a_service_worker(self):
        self.save("static/worker.js",
                  "addEventListener('fetch', (event) => event.respondWith(fetch(event.request)));"
                  "addEventListener('activate', (event) => event.waitUntil(clients.claim()));")
        self.save("static/page.html", "<!doctype html><title>passed on</title>")
        self.hpp.wait_line("static/page.html changed: notified 0 browsers")
        page = self.open("worker")
        page.get("navigator.serviceWorker.register('/static/worker.js', { scope: '/static/' })"
                 ".then(() => null)")
        page.wait("navigator.serviceWorker.getRegistration('/static/').then((r) => !!r?.active)")
        page = self.open("static/page.html", page=page)
        page.wait("!!navigator.serviceWorker.controller")
        self.assertEqual(page.get("document.querySelectorAll('script').length"), 1)
        loads = page.loads
        self.save("static/page.html", "<!doctype html><title>new</title>")
        self.shows(page, "new")
        wait_for(lambda: page.loads == loads + 1, "the reload")

    def test_a_page_with_a_base_element(self):
        page = self.open("base")
        self.save_site("new")
        self.shows(page, "new")

    def test_a_sandboxed_page(self):
        """A sandboxed page has no origin that hpp accepts. It must not try to connect again and again."""
        for path, scripts, said in (("sandbox", 0, "sandbox gives the page an opaque origin"), ("sandbox-main", 1, "")):
            page = self.open(path)
            self.assertEqual(page.get("document.querySelectorAll('script').length"), scripts)
            page.get(f"new Promise((done) => setTimeout(done, {1000 * QUIET_S}))")
            self.assertEqual([line for line in page.ask("log") if "WebSocket" in line], [])
            if said:
                self.hpp.wait_line(said)

    def test_a_policy_of_a_meta_element_that_forbids_the_connection(self):
        page = self.open("meta")
        self.hpp.wait_line(f"Content-Security-Policy of '{self.hpp.url}meta' does not allow its connection")
        page.get(f"new Promise((done) => setTimeout(done, {1000 * QUIET_S}))")
        said = page.ask("log")
        self.assertEqual(len([line for line in said if line.startswith("hpp: the Content-Security-Policy")]), 1, said)
        self.assertEqual(len([line for line in said if "connect-src https://a.example" in line]), 1, said)
        self.assertEqual(page.get("document.querySelectorAll('script').length"), 1)


class Relay:
    """Passes connections on to hpp, like a tunnel: browsers see the relay's origin."""

    def __init__(self, port, to, replaces_host):
        relay = self

        class Handler(socketserver.BaseRequestHandler):
            def handle(self):
                with socket.create_connection(("localhost", relay.to)) as hpp:
                    back = threading.Thread(target=relay.copy, args=(hpp, self.request, False))
                    back.start()
                    relay.copy(self.request, hpp, replaces_host)
                    back.join()

        class Server(socketserver.ThreadingTCPServer):
            allow_reuse_address = True
            daemon_threads = True

        self.port, self.to = port, to
        self._server = Server(("localhost", port), Handler)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def copy(self, source, target, replaces_host):
        old, new = (f"Host: localhost:{port}\r\n".encode() for port in (self.port, self.to))
        try:
            while data := source.recv(65536):
                target.sendall(data.replace(old, new) if replaces_host else data)
            target.shutdown(socket.SHUT_WR)
        except OSError:
            pass

    def close(self):
        self._server.shutdown()
        self._server.server_close()


class OtherOrigin(BrowserTest):
    """A page that reaches hpp under another origin (--trust-host)."""

    def setUp(self):
        self.origin = free_port()
        self.OPTIONS = ("--inject", "--trust-host", f"localhost:{self.origin}")
        super().setUp()

    def check(self, replaces_host):
        relay = Relay(self.origin, self.hpp.bind, replaces_host)
        self.addCleanup(relay.close)
        page = self.browser.page()
        page.goto(f"http://localhost:{self.origin}/bare")
        self.save_site("new")
        self.shows(page, "new")
        self.save("app.py", BROKEN)
        self.wait_overlay(page, "KeyError")
        page.goto(f"http://localhost:{self.origin}/bare")
        page.wait("document.querySelector('h1')?.textContent === \"KeyError: 'database'\"")
        self.save_site("fixed")
        self.shows(page, "fixed")
        get(self.hpp.url + "crash")
        self.wait_overlay(page, "Asked to crash")
        page.click("text=Restart the server")
        page.wait(f"document.title === 'fixed' && !{OVERLAY}")

    def test_a_tunnel_that_keeps_host(self):
        self.check(replaces_host=False)

    def test_a_tunnel_that_replaces_host(self):
        self.check(replaces_host=True)


class PublicClient(BrowserTest):
    """livereload-js as its authors publish it."""

    @staticmethod
    def wait_connected(page):
        """Waits until the client is connected, because it does not catch up on earlier changes."""
        page.wait("window.LiveReload?.connector?.protocol === 7")

    def open_plain(self):
        page = self.open("plain")
        self.wait_connected(page)
        return page

    def test_it_reloads(self):
        page = self.open_plain()
        self.save_site("new")
        self.shows(page, "new")
        self.wait_connected(page)
        self.save("static/a.html", "")
        wait_for(lambda: page.loads == 3, "the reload")
        self.assertEqual([line for line in page.ask("log") if "error" in line], [])

    def test_it_swaps_style_sheets(self):
        page = self.open_plain()
        page.fill("#name", "half a sentence")
        self.save("static/main.css", "h1 { color: rgb(11, 0, 0) }")
        self.wait_color(page, "h1", 11)
        self.save("static/other.css", "input { color: rgb(13, 0, 0) }")
        self.wait_color(page, "input", 13)
        self.assertEqual(page.get("document.querySelector('#name').value"), "half a sentence")
        self.assertEqual(page.loads, 1)


if __name__ == "__main__":
    if MISSING := what_is_missing():
        print(f"skipped: {MISSING}")
        sys.exit(77)  # Meson counts this exit status as skipped
    unittest.main(verbosity=2)
