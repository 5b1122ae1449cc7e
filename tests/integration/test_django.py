"""A Django project, created as in every tutorial, whose view is edited several times."""

import json
import subprocess
import unittest

from harness import DEADLINE_S, PYTHON, IntegrationTest, get

URLS = '''\
from django.http import HttpResponse
from django.urls import path


def index(request):
    return HttpResponse("{text}")


urlpatterns = [path("", index)]
'''


class Django(IntegrationTest):
    def setUp(self):
        super().setUp()
        subprocess.run([PYTHON, "-m", "django", "startproject", "mysite", str(self.project)],
                       check=True, timeout=DEADLINE_S, env=self.environment)
        self.edit("version 0")
        self.hpp = self.start_ready("--pattern", "**/*.py", "--exec", PYTHON, "./manage.py",
                                    "runserver", "--noreload", "{backend}")

    def edit(self, text):
        self.save("mysite/urls.py", URLS.format(text=text))

    def test_shows_each_edit(self):
        self.assertEqual(get(self.hpp.url).text, "version 0")
        for version in range(1, 5):
            generation = self.hpp.generation
            self.edit(f"version {version}")
            self.hpp.wait_state("Running", generation + 1)
            answer = get(self.hpp.url)
            self.assertEqual((answer.status, answer.text), (200, f"version {version}"))
        self.assertEqual(self.hpp.generation, 5)

    def test_shows_a_syntax_error_and_heals(self):
        self.save("mysite/settings.py", "this is no Python\n" +
                  (self.project / "mysite" / "settings.py").read_text())
        self.hpp.wait_state("Error", 2)
        answer = get(self.hpp.url)
        self.assertEqual(answer.status, 503)
        self.assertIn("SyntaxError", answer.text)
        self.assertIn("settings.py", answer.text)
        settings = (self.project / "mysite" / "settings.py").read_text()
        self.save("mysite/settings.py", settings.partition("\n")[2])
        self.hpp.wait_state("Running", 3)
        self.assertEqual(get(self.hpp.url).text, "version 0")

    def test_shows_a_syntax_error_in_the_view(self):
        # Django checks its URLs before it serves, so the backend ends.
        self.save("mysite/urls.py", URLS.format(text="broken") + "def half(:\n")
        self.hpp.wait_state("Error", 2)
        answer = get(self.hpp.url)
        self.assertEqual(answer.status, 503)
        self.assertIn("SyntaxError", answer.text)
        self.assertIn("def half(:", answer.text)
        self.edit("fixed")
        self.hpp.wait_state("Running", 3)
        answer = get(self.hpp.url)
        self.assertEqual((answer.status, answer.text), (200, "fixed"))

    def test_hpp_ctl_names_the_error_of_a_view(self):
        self.save("mysite/urls.py", URLS.format(text="x").replace("return", "raise ValueError('no')\n    return"))
        checked = self.run_program("ctl", "check", "/")
        lines = checked.output("out").splitlines()
        self.assertEqual(lines[:3], ["mysite/urls.py:6: ValueError: no", "",
                                     "HTTP/1.1 500 Internal Server Error"])
        self.assertIn("<h1>ValueError", checked.output("out"), "Django's own page follows")
        told = json.loads(self.run_program("ctl", "check", "--json", "/").output("out"))
        self.assertEqual((told["live"], told["status"], told["error"]["message"], told["error"]["line"]),
                         (True, 500, "ValueError: no", 6))

    def test_ignores_what_no_pattern_matches(self):
        self.save("notes.txt", "not a Python file")
        self.save("mysite/urls.py", URLS.format(text="after"))
        self.hpp.wait_state("Running", 2)
        self.assertEqual(get(self.hpp.url).text, "after")
        self.assertEqual(self.hpp.generation, 2)


if __name__ == "__main__":
    unittest.main()
