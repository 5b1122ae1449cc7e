"""What an agent or a script relies on: after each of many edits, `hpp-ctl wait --json` says whether the edit
is live, and if not, names the error, its file and its line."""

import json
import os
import random
import sys

from harness import PYTHON, IntegrationTest, get

EDITS = 100
# All edits are of one file, as fast as wait returns. That looks like a server that restarts itself.
VIEW = "view.py"

# http.server would need five times as long to start.
SERVER = '''\
import socketserver, sys

import view


class Handler(socketserver.StreamRequestHandler):
    def handle(self):
        method = self.rfile.readline().split()[0]
        while self.rfile.readline().strip():
            pass
        body = view.page().encode()
        self.wfile.write(b"HTTP/1.0 200 OK\\r\\nContent-Length: %d\\r\\n\\r\\n" % len(body))
        if method == b"GET":
            self.wfile.write(body)


socketserver.TCPServer.allow_reuse_address = True
socketserver.TCPServer(("localhost", int(sys.argv[1])), Handler).serve_forever()
'''

# Lines that break a view, and the message of their error. `{n}` is the number of the edit.
MISTAKES = (
    ("= {n}", "SyntaxError: invalid syntax"),
    ("  n = {n}", "IndentationError: unexpected indent"),
    ("undefined_{n}", "NameError: name 'undefined_{n}' is not defined"),
    ("import missing_{n}", "ModuleNotFoundError: No module named 'missing_{n}'"),
    ("{n} / 0", "ZeroDivisionError: division by zero"),
    ("{{}}['edit {n}']", "KeyError: 'edit {n}'"),
    ("raise ValueError('edit {n}')", "ValueError: edit {n}"),
    ("assert {n} < 0, 'edit {n}'", "AssertionError: edit {n}"),
)


class ManyEdits(IntegrationTest):
    def edit(self, n, chance, is_broken=False):
        """Saves the view with the number of the edit, and perhaps a mistake. Returns the expected error, or
        None."""
        lines = ["# a comment"] * chance.randrange(1, 40)
        error = None
        if is_broken:
            mistake, message = chance.choice(MISTAKES)
            lines.append(mistake.format(n=n))
            error = {"message": message.format(n=n), "file": VIEW, "line": len(lines)}
        lines += ["def page():", f"    return 'edit {n}'"]
        self.save(VIEW, "\n".join(lines) + "\n")
        return error

    def outcome(self):
        """What hpp-ctl says of the last save, and its exit status."""
        program = self.run_program("ctl", "wait", "--json")
        return json.loads(program.output("out")), program.process.returncode

    def test_each_outcome_is_reported(self):
        seed = int(os.environ.get("HPP_TEST_SEED", random.randrange(1 << 32)))
        print(f"HPP_TEST_SEED={seed}", file=sys.stderr)
        chance = random.Random(seed)
        self.save("app.py", SERVER)
        self.edit(0, chance)
        # -S: without site-packages, Python starts in half the time. -B: no folder __pycache__ beside the view.
        hpp = self.start_ready("--exec", PYTHON, "-S", "-B", "app.py", "{backend}")
        failed = 0
        for n in range(1, EDITS + 1):
            error = self.edit(n, chance, is_broken=chance.random() < 0.6)
            told, status = self.outcome()
            with self.subTest(seed=seed, edit=n, told=told):
                self.assertEqual(told["live"], error is None)
                self.assertEqual(status, 0 if error is None else 1)
                if error is None:
                    # Bypasses the proxy, which would wait for the edit by itself.
                    self.assertEqual(f"edit {n}", get(f"http://localhost:{hpp.backend}/").text)
                    continue
                failed += 1
                self.assertEqual((told["reason"], told["exit_code"]), ("crashed", 1))
                self.assertEqual({key: told["error"][key] for key in error}, error)
                self.assertEqual(told["changed"], [VIEW])
        self.assertIn(failed, range(1, EDITS), "both kinds of edits were tried")
        self.assert_never_said(hpp, "restarts itself")

    def test_edits_that_all_fail_are_no_restart_loop(self):
        chance = random.Random(1)
        self.save("app.py", SERVER)
        self.edit(0, chance)
        hpp = self.start_ready("--exec", PYTHON, "-S", "-B", "app.py", "{backend}")
        for n in range(1, 31):
            error = self.edit(n, chance, is_broken=True)
            self.assertEqual(self.outcome()[0]["error"]["message"], error["message"])
        self.assert_never_said(hpp, "restarts itself")
        self.assertRegex(hpp.output(), r"view\.py changed \d+ times in a row", "the edits were quick enough")
