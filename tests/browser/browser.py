"""Chromium, as the tests drive it: driver.js does what they ask.

    browser = Browser()
    page = browser.page()
    page.goto(hpp.url)
    page.wait("document.title === 'new'")
"""

import json
import os
import pathlib
import shutil
import subprocess

from harness import BUILD_DIR, DEADLINE_S

HERE = pathlib.Path(__file__).parent
SCREENSHOTS = BUILD_DIR / "tests" / "browser" / "screenshots"


def what_is_missing():
    """Why there can be no browser, in one line; empty if there can."""
    for program in ("chromium", "node"):
        if not shutil.which(program):
            return f"{program} is not installed (tools/install-deps --tests)"
    for package in ("playwright-core", "livereload-js"):
        if not (HERE / "node_modules" / package).is_dir():
            return f"npm's {package} is not installed (tools/install-deps --tests)"
    return ""


class Browser:
    """One Chromium without a window. Each page has storage and cookies of its own, unless it is
    opened beside another."""

    def __init__(self):
        SCREENSHOTS.mkdir(parents=True, exist_ok=True)
        self._driver = subprocess.Popen(
            ["node", HERE / "driver.js", shutil.which("chromium")], cwd=HERE, text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=dict(os.environ))
        self._answer("start")
        self._contexts = []

    def page(self, **options):
        """A page in a new context, with Playwright's options for that."""
        context = self.ask("context", **options)
        self._contexts.append(context)
        return self.page_beside(context)

    def page_beside(self, context):
        return Page(self, context, self.ask("page", context=context))

    def close_pages(self):
        while self._contexts:
            self.ask("closeContext", context=self._contexts.pop())

    def close(self):
        self._driver.stdin.close()
        self._driver.wait(DEADLINE_S)
        self._driver.stdout.close()

    def ask(self, command, **arguments):
        self._driver.stdin.write(json.dumps({"command": command, **arguments}) + "\n")
        self._driver.stdin.flush()
        return self._answer(command)

    def _answer(self, command):
        answer = json.loads(self._driver.stdout.readline() or '{"error": "the driver has ended"}')
        if "error" in answer:
            raise AssertionError(f"{command}: {answer['error']}")
        return answer["result"]


class Page:
    def __init__(self, browser, context, number):
        self.context = context
        self._browser = browser
        self._number = number

    def ask(self, command, **arguments):
        return self._browser.ask(command, page=self._number, **arguments)

    def goto(self, url):
        self.ask("goto", url=url)

    def get(self, expression):
        """What the JavaScript expression is in the page."""
        return self.ask("evaluate", code=expression)

    def wait(self, expression):
        """Waits until it is true, across whatever navigation comes."""
        try:
            self.ask("wait", code=expression, timeout=1000 * DEADLINE_S)
        except AssertionError as error:
            raise AssertionError(f"waited for {expression}: {error}\nthe page said "
                                 f"{self.ask('log')}") from error

    def fill(self, selector, text):
        self.ask("fill", selector=selector, text=text)

    def press(self, key):
        self.ask("press", key=key)

    def click(self, selector):
        self.ask("click", selector=selector)

    @property
    def loads(self):
        """How often a document was loaded."""
        return self.ask("loads")

    def screenshot(self, name):
        """Keeps a picture of what is to be seen, beside those of other tests."""
        self.ask("screenshot", path=str(SCREENSHOTS / f"{name}.png"))
