"""Chromium for the tests. driver.js runs it, and executes their commands.

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
    """Why no browser can run, in one line; empty if one can."""
    for program in ("chromium", "node"):
        if not shutil.which(program):
            return f"{program} is not installed (tools/install-deps --tests)"
    for package in ("playwright-core", "livereload-js"):
        if not (HERE / "node_modules" / package).is_dir():
            return f"npm's {package} is not installed (tools/install-deps --tests)"
    return ""


class Browser:
    """A Chromium without a window. Each page has its own storage and cookies, except those that
    page_beside() opens."""

    def __init__(self):
        SCREENSHOTS.mkdir(parents=True, exist_ok=True)
        self._driver = subprocess.Popen(
            ["node", HERE / "driver.js", shutil.which("chromium")], cwd=HERE, text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=dict(os.environ))
        self._answer("start")
        self._contexts = []

    def page(self, **options):
        """Opens a page in a new context, with these options of Playwright."""
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
        """Returns the value of a JavaScript expression in the page."""
        return self.ask("evaluate", code=expression)

    def wait(self, expression):
        """Waits until the expression is true. The page may navigate meanwhile."""
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

    @property
    def states(self):
        """How many states the page's clients have received from hpp. A client is connected, and hpp
        counts it as a page, once it has received the first."""
        return self.ask("states")

    def screenshot(self, name):
        """Saves a screenshot of the page in the directory of all screenshots."""
        self.ask("screenshot", path=str(SCREENSHOTS / f"{name}.png"))
