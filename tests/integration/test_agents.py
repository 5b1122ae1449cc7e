"""What an agent or a script relies on: after each of many edits, `hpp-ctl wait --json` says whether the edit
is live, and if not, names the error, its file and its line."""

import json
import os
import random
import sys

from harness import PYTHON, IntegrationTest, get

EDITS = 100
# hpp suspects a restart loop if the same file, or files of the same folder below the project's, change four
# times in a row right after a start. Then starts wait. So that the test is quick, another view follows after
# three edits of one at most.
VIEWS = [f"view_{name}.py" for name in ("cart", "home", "login", "orders", "prices", "search")]
MISTAKES_IN_A_ROW = 2

# http.server would need five times as long to start.
SERVER = '''\
import importlib, os, socketserver, sys

views = [importlib.import_module(name[:-3]) for name in os.listdir() if name.startswith("view_")]


class Handler(socketserver.StreamRequestHandler):
    def handle(self):
        method = self.rfile.readline().split()[0]
        while self.rfile.readline().strip():
            pass
        body = "\\n".join(view.page() for view in views).encode()
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
    def edit(self, view, n, chance, is_broken=False):
        """Saves a view with the number of the edit, and perhaps a mistake. Returns the expected error, or
        None."""
        lines = ["# a comment"] * chance.randrange(1, 40)
        error = None
        if is_broken:
            mistake, message = chance.choice(MISTAKES)
            lines.append(mistake.format(n=n))
            error = {"message": message.format(n=n), "file": view, "line": len(lines)}
        lines += ["def page():", f"    return 'edit {n}'"]
        self.save(view, "\n".join(lines) + "\n")
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
        for view in VIEWS:
            self.edit(view, 0, chance)
        # -S: without site-packages, Python starts in half the time. -B: no folder __pycache__ among the views.
        hpp = self.start_ready("--exec", PYTHON, "-S", "-B", "app.py", "{backend}")
        failed = in_a_row = 0
        view = VIEWS[0]
        for n in range(1, EDITS + 1):
            error = self.edit(view, n, chance, is_broken=in_a_row < MISTAKES_IN_A_ROW and chance.random() < 0.6)
            in_a_row = in_a_row + 1 if error else 0
            told, status = self.outcome()
            with self.subTest(seed=seed, edit=n, told=told):
                self.assertEqual(told["live"], error is None)
                self.assertEqual(status, 0 if error is None else 1)
                if error is None:
                    # Bypasses the proxy, which would wait for the edit by itself.
                    self.assertIn(f"edit {n}", get(f"http://localhost:{hpp.backend}/").text.splitlines())
                    # A broken view is edited until it is mended.
                    view = chance.choice([other for other in VIEWS if other != view])
                    continue
                failed += 1
                self.assertEqual((told["reason"], told["exit_code"]), ("crashed", 1))
                self.assertEqual({key: told["error"][key] for key in error}, error)
                self.assertEqual(told["changed"], [view])
        self.assertIn(failed, range(1, EDITS), "both kinds of edits were tried")
