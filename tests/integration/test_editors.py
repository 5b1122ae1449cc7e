"""docs/editors.rst: the settings for VS Code and Vim, as they are there, find the errors in hpp's real output.
docs/agents.rst: the settings for agents start `hpp-ctl mcp`."""

import json
import pathlib
import re
import shutil
import subprocess
import tomllib
import unittest

import docutils.core
import docutils.nodes

from harness import DEADLINE_S, IntegrationTest
from terminal import TerminalHpp

SOURCE = pathlib.Path(__file__).resolve().parents[2]
VIM = shutil.which("vim")  # vim.tiny knows no :make

# In each: a mistake, and the error that an editor must show.
MISTAKES = (
    ("\n\nreturn_nothing()\n", (3, "NameError: name 'return_nothing' is not defined")),
    ("raise ValueError('a (b); c: 5')\n", (1, "ValueError: a (b); c: 5")),
    ("x = 1\ny = = 2\n", (2, "SyntaxError: invalid syntax")),
)


def blocks(name):
    """The literal blocks of a document."""
    document = docutils.core.publish_doctree((SOURCE / "docs" / name).read_text(),
                                             settings_overrides={"report_level": 5})
    return [block.astext() for block in document.findall(docutils.nodes.literal_block)]


class ProblemMatcher:
    """Reads lines as VS Code does."""

    def __init__(self, matcher):
        self._pattern = matcher["pattern"]
        self._background = matcher["background"]
        self.problems = []  # the newest start's: (file, line, message)
        self.is_active = self._background["activeOnStart"]

    def take(self, line):
        begins, ends = self._background["beginsPattern"], self._background["endsPattern"]
        if re.search(begins, line):
            self.is_active = True
            self.problems = []
        if match := re.search(self._pattern["regexp"], line):
            self.problems.append((match[self._pattern["file"]], int(match[self._pattern["line"]]),
                                  match[self._pattern["message"]]))
        if re.search(ends, line):
            self.is_active = False


class VisualStudioCode(IntegrationTest):
    def matcher(self):
        tasks = json.loads(next(text for text in blocks("editors.rst") if text.startswith("{")))["tasks"]
        self.assertTrue(tasks[0]["isBackground"])
        self.assertRegex(tasks[0]["command"], "^hpp-launch .* --verbose --exec ")
        return ProblemMatcher(tasks[0]["problemMatcher"])

    def check(self, lines_of, hpp):
        """Breaks and mends the server. `lines_of(hpp)` returns hpp's lines without colours."""
        matcher = self.matcher()
        self.assertTrue(matcher.is_active)
        read = 0

        def wait_outcome(generation, state):
            nonlocal read
            hpp.wait_state(state, generation)
            hpp.wait_line(rf"(?<![A-Za-z]){state}: ", after=read)
            lines = lines_of(hpp)
            for line in lines[read:]:
                matcher.take(line)
            read = len(lines)
            self.assertFalse(matcher.is_active, lines)

        wait_outcome(1, "Running")
        self.assertEqual(matcher.problems, [])
        generation = 1
        for text, (line, message) in MISTAKES:
            self.save("app.py", text)
            generation += 1
            wait_outcome(generation, "Error")
            self.assertEqual(matcher.problems, [("app.py", line, message)])
            self.save_backend("mended")
            generation += 1
            wait_outcome(generation, "Running")
            self.assertEqual(matcher.problems, [], "they are gone when the server runs")

    def test_finds_errors_in_the_output(self):
        self.check(lambda hpp: hpp.output().splitlines(), self.start_ready("--verbose"))

    def test_finds_errors_in_a_terminal(self):
        """VS Code removes colours and joins wrapped lines before it looks for problems."""
        self.check(lambda hpp: re.sub(r"\x1b\[[\d;?]*[A-Za-z]", "", hpp.output()).splitlines(),
                   self.start_ready("--verbose", kind=TerminalHpp))


@unittest.skipUnless(VIM, "Vim is not installed (tools/install-deps --tests)")
class Vim(IntegrationTest):
    def make(self):
        """The entries of Vim's quickfix list after :make, in which a file or a line is named."""
        settings = next(text for text in blocks("editors.rst") if text.startswith("set makeprg"))
        script = self.directory / "script.vim"
        out = self.directory / "errors"
        path = self.program("ctl").parent
        script.write_text(f"let $PATH = '{path}:' . $PATH\n{settings}\nmake!\nlet lines = []\n"
                          "for entry in getqflist()\n"
                          "  call add(lines, bufname(entry.bufnr) . '|' . entry.lnum . '|' . entry.text)\n"
                          f"endfor\ncall writefile(lines, '{out}')\nqall!\n")
        subprocess.run([VIM, "-N", "-u", "NONE", "-es", "-S", script], cwd=self.project,
                       env={**self.environment, "SHELL": "/bin/sh"}, stdin=subprocess.DEVNULL, check=True,
                       stdout=subprocess.DEVNULL, timeout=DEADLINE_S)
        return out.read_text().splitlines()

    def test_finds_the_error_of_the_last_save(self):
        self.start_ready()
        self.assertEqual(self.make(), [])
        for text, (line, message) in MISTAKES:
            self.save("app.py", text)
            self.assertEqual(self.make(), [f"app.py|{line}|{message}"])
        self.save_backend("mended")
        self.assertEqual(self.make(), [])


class Agents(unittest.TestCase):
    def test_registrations_start_the_server(self):
        texts = blocks("agents.rst")
        found = [json.loads(text) for text in texts if text.startswith("{")]
        servers = [servers["hpp"] for one in found for servers in one.values()]
        servers += [tomllib.loads(text)["mcp_servers"]["hpp"] for text in texts if text.startswith("[")]
        self.assertEqual(len(servers), 3)
        for server in servers:
            self.assertEqual((server["command"], server["args"]), ("hpp-ctl", ["mcp"]))
