"""The demo of tools/run in a real browser: each of its steps does what the page says."""

import json
import pathlib
import shutil
import sys
import unittest

from browser import Browser, what_is_missing
from harness import IntegrationTest, free_port

DEMO = pathlib.Path(__file__).resolve().parents[2] / "examples" / "demo"
STEPS = "Array.from(document.querySelectorAll('li.done'), (step) => step.id)"


class Demo(IntegrationTest):
    def setUp(self):
        super().setUp()
        shutil.copytree(DEMO, self.project, dirs_exist_ok=True)
        self.hpp = self.start_hpp("--livereload-port", free_port(), "--inject", "--css", "*.css", "--exec",
                                  sys.executable, "server.py", "{backend}")
        self.hpp.wait_ready()
        browser = Browser()
        self.addCleanup(browser.close)
        self.addCleanup(browser.close_pages)
        self.page = browser.page()
        self.page.goto(self.hpp.url)

    def edit(self, name, old, new):
        text = (self.project / name).read_text()
        self.assertIn(old, text)
        self.save(name, text.replace(old, new))

    def wait_done(self, *steps):
        self.page.wait(f"JSON.stringify({STEPS}) === JSON.stringify({json.dumps(steps)})")

    def test_each_step_is_marked_when_it_is_done(self):
        self.page.wait("/^Start number 1 .* took \\d+ ms/.test(document.getElementById('start').textContent)")
        self.wait_done()
        self.edit("page.py", '"Hello from hpp"', '"My title"')
        self.page.wait("document.title === 'My title'")
        self.wait_done("save")
        self.edit("page.py", '"My title"', '"My title')
        self.page.wait("document.querySelector('hpp-overlay')?.shadowRoot.textContent.includes('page.py')")
        self.edit("page.py", '"My title', '"My title"')
        self.page.wait("!document.querySelector('hpp-overlay')")
        self.wait_done("save", "break")
        loads = self.page.loads
        self.edit("style.css", "#0b7285", "#e8590c")
        self.wait_done("save", "break", "style")
        self.assertEqual(self.page.loads, loads)
        for scheme in ("light", "dark"):
            self.page.ask("media", media={"colorScheme": scheme})
            for width, height in ((1280, 800), (768, 1024), (390, 844)):
                self.page.ask("size", size={"width": width, "height": height})
                self.assertLessEqual(self.page.get("document.documentElement.scrollWidth"), width)
                self.page.screenshot(f"demo-{scheme}-{width}")


if __name__ == "__main__":
    if MISSING := what_is_missing():
        print(f"skipped: {MISSING}")
        sys.exit(77)  # Meson counts this exit status as skipped
    unittest.main(verbosity=2)
