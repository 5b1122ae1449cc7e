"""What a person sees in the terminal, on a real screen (tmux). Pictures of it are test output: they are
in the build directory, tests/browser/screenshots, if Chromium is installed."""

import pathlib
import sys
import unittest

import tmux
from harness import PYTHON, IntegrationTest, get, wait_for
from styled_text import page, pieces
from tmux import Tmux40, Tmux120, TmuxHpp

sys.path.append(str(pathlib.Path(__file__).resolve().parents[1] / "browser"))
import browser  # noqa: E402

BROKEN = "print('Serving'\n"


@unittest.skipIf(tmux.what_is_missing(), tmux.what_is_missing())
class OnAScreen(IntegrationTest):
    @classmethod
    def setUpClass(cls):
        cls.page = None
        if browser.what_is_missing():
            return
        chromium = browser.Browser()
        cls.addClassCleanup(chromium.close)
        cls.addClassCleanup(chromium.close_pages)
        cls.page = chromium.page()

    def start(self, kind):
        self.environment["HOME"] = str(self.directory)
        self.save_backend("version 0")
        hpp = self.start_ready("--exec", PYTHON, "app.py", "{backend}", kind=kind)
        hpp.wait_screen("hpp  ready in")
        return hpp

    def picture(self, hpp, name):
        """Keeps what is on the screen as terminal-NAME-SCHEME-COLUMNS.png."""
        if not self.page:
            return
        source = self.directory / "terminal.html"
        source.write_text(page(hpp.screen("-e"), hpp.columns))
        self.page.goto(source.as_uri())
        self.page.ask("size", size={"width": 32 + 9 * hpp.columns, "height": 32 + 19 * tmux.ROWS})
        for scheme in ("light", "dark"):
            self.page.ask("media", media={"colorScheme": scheme})
            self.page.screenshot(f"terminal-{name}-{scheme}-{hpp.columns}")

    def quit(self, hpp):
        hpp.type("q")
        hpp.wait_prompt()
        self.assertIn("hpp  stopped", hpp.screen())
        self.assertEqual(hpp.modes, hpp.modes_before)
        self.assertEqual((hpp.ask("cursor_flag"), hpp.ask("alternate_on")), ("1", "0"))
        hpp.type("echo $((6 * 7))")
        hpp.press("Enter")
        hpp.wait_screen("(?m)^42$")

    def play(self, hpp):
        """Plays a session. Returns all its lines, with and without those that tmux has wrapped."""
        self.picture(hpp, "start")
        hpp.type("r")
        hpp.wait_screen(r"(?s)hpp  restarting\n.*hpp  ready in")
        self.save("app.py", BROKEN)
        hpp.wait_screen(r"(?s)hpp  crashed \(exit 1\): SyntaxError: .*save\s+a\s+fix,\s+or\s+press\s+r\s+\+\s+Enter")
        self.picture(hpp, "crash")
        self.save_backend("version 1")
        hpp.wait_screen("(?s)save\\s+a\\s+fix.*app.py changed, restarting\nhpp  ready in")
        hpp.type("p")
        hpp.wait_screen(r"hpp  paused: saves do not(?s:.*)press\s+p|hpp  paused: saves(?s:.*)Press\s+p")
        self.save_backend("version 2")
        hpp.wait_screen(r"hpp  paused: app\.py\s+changed(?s:.*)p\s+\+\s+Enter")
        self.assertEqual(get(hpp.url).text, "version 1")
        self.picture(hpp, "pause")
        hpp.type("p")
        hpp.wait_screen(r"(?s)during\s+the\s+pause,\s+restarting.*hpp  ready in")
        hpp.type("h")
        hpp.wait_screen(r"hpp-ctl\s+status")
        self.picture(hpp, "help")
        return hpp.screen("-S", "-"), hpp.screen("-S", "-", "-J")

    def test_a_session_at_80_columns(self):
        hpp = self.start(TmuxHpp)
        lines, whole = self.play(hpp)
        self.assertEqual(lines, whole, "a line is wider than the screen")
        port = hpp.bind
        at = lines.index("  ➜  Local:    http://localhost:%d/" % port)
        self.assertRegex(lines[at - 2], r"^  hpp \d+\.\d+\.\d+   ~/project$")
        self.assertEqual(lines[at + 1:at + 4], [
            "  ➜  Network:  off (bind 0.0.0.0:%d, or --lan)" % port,
            "  ➜  Status:   http://localhost:%d/__hpp/" % port,
            "  ➜  press h + Enter for help"])
        self.assertRegex("\n".join(lines), r"\nhpp  ready in \d+ ms  http://localhost:%d/\n" % port)
        self.assertIn("hpp  crashed (exit 1): SyntaxError: '(' was never closed  app.py:1", lines)
        self.assertIn("     save a fix, or press r + Enter", lines)
        self.assertIn("hpp  paused: saves do not restart your server. Press p + Enter to go on", lines)
        self.assertIn("hpp  p + Enter  pauses (saves do not restart your server), or ends the pause", lines)
        self.quit(hpp)

    def test_a_session_at_120_columns(self):
        hpp = self.start(Tmux120)
        lines, whole = self.play(hpp)
        self.assertEqual(lines, whole)
        self.assertLessEqual(max(map(len, (line for line in lines if line.startswith(("hpp  ", "     "))))), 80)
        self.quit(hpp)

    def test_a_session_at_40_columns(self):
        hpp = self.start(Tmux40)
        lines, whole = self.play(hpp)
        # The banner's URLs cannot be shorter, so tmux wraps them. hpp wraps its other lines between words.
        self.assertNotEqual(lines, whole)
        self.assertLessEqual(max(map(len, (line for line in whole if line.startswith(("hpp  ", "     "))))), 40)
        self.quit(hpp)

    def test_clear(self):
        hpp = self.start(TmuxHpp)
        for starts in range(2, 15):  # more than a screen
            hpp.type("r")
            wait_for(lambda starts=starts: "\n".join(hpp.screen("-S", "-")).count("hpp  ready in") == starts,
                     lambda starts=starts: f"start {starts}; {hpp.transcript()}")
        self.assertNotEqual(hpp.ask("history_size"), "0")
        hpp.type("c")
        hpp.wait_screen(r"\A\Z")
        self.assertEqual(hpp.ask("history_size"), "0")
        hpp.type("r")
        hpp.wait_screen(r"\Ahpp  restarting\nhpp  ready in")
        self.quit(hpp)

    def test_colours(self):
        hpp = self.start(TmuxHpp)
        self.save("app.py", BROKEN)
        hpp.wait_screen(r"press r \+ Enter")
        styled = [(text.strip("\n"), *style) for text, *style in pieces("\n".join(hpp.screen("-e")))]
        for text, is_bold, color in (("hpp", True, "36"), ("➜", False, "32"), ("Local:", True, None),
                                     ("ready", True, "32"), ("crashed", True, "31"),
                                     (f"http://localhost:{hpp.bind}/", False, "36"),
                                     ("save a fix, or press r + Enter", False, "2")):
            self.assertIn((text, is_bold, color), styled)
        self.quit(hpp)

    def test_ctrl_c_and_suspend(self):
        hpp = self.start(TmuxHpp)
        hpp.press("C-z")
        hpp.wait_screen(r"Stopped +\.\./start")
        self.assertEqual(hpp.modes, hpp.modes_before)
        hpp.type("fg")
        hpp.press("Enter")
        hpp.type("r")
        hpp.wait_state("Running", 2)
        hpp.press("C-c")
        hpp.wait_prompt()
        self.assertIn("hpp  stopped", hpp.screen())
        self.assertEqual(hpp.modes, hpp.modes_before)


if __name__ == "__main__":
    unittest.main()
