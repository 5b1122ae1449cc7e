"""What the adapters find out about the programs between hpp and them: the same rules in three languages
(adapters/*/hpp_chain.*). Without them, a part of a command would run before the gate, and see old files."""

import json
import os
import shlex
import shutil
import sys
import unittest

from gate import ADAPTERS, AdapterTest

# Stands for a version manager's program, and for a package manager that becomes the program.
BECOMES = "#!/bin/sh\n/bin/true\n{shift}exec {program}\"$@\"\n"
# Stands for a package manager that waits for the program.
WAITS = "#!/bin/sh\n/bin/true\nshift\n\"$@\"\nexit $?\n"
NPM = shutil.which("npm")
BESIDE_NPM = {program: os.path.realpath(shutil.which(program) or "") for program in ("node", "npm")}


class Chain(AdapterTest):
    """`objection(command)` is what the adapter in MAIN says, and None if it accepts the command."""

    def setUp(self):
        super().setUp()
        self.write("project/main.py", "")
        self.write("project/main.js", "")
        self.write("project/main.rb", "")
        self.write("project/source", "")
        self.write_program("exec.sh", f"#!/bin/sh\ncp source built\nexec {shlex.join(self.MAIN)}\n")
        for name in "bundle", "pdm", "pipenv", "poetry":
            self.write_program(f"../bin/{name}", BECOMES.format(shift="shift\n", program=""))
        self.write_program("../bin/uv", WAITS)

    def write_program(self, name, text):
        self.write(f"project/{name}", text).chmod(0o755)

    def environment(self, **variables):
        """All three adapters, as hpp sets it."""
        path = [str(self.top / "shims"), str(self.top / "bin"), *map(os.path.dirname, BESIDE_NPM.values()),
                "/usr/bin", "/bin"]
        return {"PATH": ":".join(path), "HOME": str(self.top), "NO_UPDATE_NOTIFIER": "1",
                "PYTHONPATH": str(ADAPTERS / "python"), "RUBYOPT": f"-r{ADAPTERS / 'ruby' / 'hpp_gate.rb'}",
                "NODE_OPTIONS": f"--require={ADAPTERS / 'node' / 'hpp_gate.cjs'}", **variables}

    def objection(self, command):
        process = self.run_gated("record", command)
        self.assertIsNotNone(process.wait_for("hello"), process.text(process.err))
        return process.wait_for("refuse")

    def check(self, *commands, accepted):
        for command in commands:
            with self.subTest(command):
                objection = self.objection(command)
                if accepted:
                    self.assertIsNone(objection)
                else:
                    self.assertRegex(objection or "nothing", "runs another program before it")

    def write_scripts(self, **scripts):
        self.write("project/package.json", json.dumps({"scripts": scripts}, indent=1))


class Rules:
    def test_a_package_manager_that_asks_for_the_interpreter(self):
        self.check(("poetry", "run", *self.MAIN), ("uv", "run", *self.MAIN), ("bundle", "exec", *self.MAIN),
                   ("nice", "-n", "5", "env", "COLOUR=red", "poetry", "run", *self.MAIN),
                   f"poetry run {' '.join(self.MAIN)}", accepted=True)

    def test_a_script_that_it_becomes(self):
        self.check(("poetry", "run", "./exec.sh"), ("nice", "./exec.sh"), ("env", "A=b", "./exec.sh"),
                   ("uv", "run", "./exec.sh"),
                   ("poetry", "run", "sh", "-c", f"cp source built; exec {' '.join(self.MAIN)}"), accepted=False)

    def test_a_script_that_becomes_it(self):
        self.write_program("entry.sh", "#!/bin/sh\ncp source built\nexec \"$@\"\n")
        self.check(("./entry.sh", "poetry", "run", *self.MAIN), ("./entry.sh", *self.MAIN),
                   f"poetry run true && exec {' '.join(self.MAIN)}", accepted=False)

    def test_a_task(self):
        """pdm and others read tasks from these files."""
        program = shlex.join(self.MAIN)
        self.write_program("../bin/pdm", BECOMES.format(shift="shift 2\n", program=program))
        self.write_program("../bin/pipenv", BECOMES.format(shift="shift 2\n", program=program))
        table, command = "[tool.pdm.scripts]\n", ("pdm", "run", "start")
        for text in (f"{table}start = '{program}'\n",
                     f"[tool.coverage.run]\na = 1\n{table}\"start\" = \"{program}\"\n"):
            self.write("project/pyproject.toml", text)
            self.check(command, accepted=True)
        for text in ("", f"{table}start = '{program}'\npre_start = 'true'\n",
                     f"{table}start = ['true', '{program}']\n", f"{table}start = 'true && {program}'\n",
                     f"{table}pre_run = 'true'\nstart = '{program}'\n",
                     f"[tool.pdm.scripts.start]\ncomposite = ['true', '{program}']\n"):
            with self.subTest(text):
                self.write("project/pyproject.toml", text)
                self.check(command, accepted=False)
        self.write("project/Pipfile", f"[scripts]\nserve = \"{program}\"\n")
        self.check(("pipenv", "run", "serve"), accepted=True)

    def test_a_version_manager(self):
        name, *rest = self.MAIN
        self.write_program(f"../shims/{name}", BECOMES.format(shift="", program=f"{self.INTERPRETER_FILE} "))
        self.check((name, *rest), ("env", "A=b", name, *rest), f"{name} {' '.join(rest)}", accepted=True)
        self.check(f"cp source built; exec {name} {' '.join(rest)}", accepted=False)

    @unittest.skipUnless(NPM, "needs npm")
    def test_npm(self):
        program = shlex.join(self.MAIN)
        self.write_scripts(start=program, dev=program, predev="true", copy=f"cp source built && exec {program}",
                           build=f"cp source built && {program}", nested="npm run dev", twice="npm start")
        self.check(("npm", "start"), ("npm", "run", "start"), ("npm", "run", "twice"), accepted=True)
        self.check(("npm", "run", "dev"), ("npm", "run", "copy"), ("npm", "run", "build"),
                   ("npm", "run", "nested"), f"npm run absent; exec {program}", accepted=False)

    @unittest.skipUnless(NPM, "needs npm")
    def test_npm_of_a_version_manager(self):
        """It has already run other programs, so only package.json tells."""
        program = shlex.join(self.MAIN)
        npm = f"{BESIDE_NPM['node']} {BESIDE_NPM['npm']} "
        self.write_program("../shims/npm", BECOMES.format(shift="", program=npm))
        self.write_scripts(start=program, dev=program, predev="true", build=f"true && {program}")
        self.check(("npm", "start"), accepted=True)
        self.check(("npm", "run", "dev"), ("npm", "run", "build"), accepted=False)


class Python(Rules, Chain):
    MAIN = (os.path.basename(sys.executable), "main.py")
    INTERPRETER_FILE = sys.executable


@unittest.skipUnless(shutil.which("node"), "needs Node")
class Node(Rules, Chain):
    MAIN = ("node", "main.js")
    INTERPRETER_FILE = BESIDE_NPM["node"]


@unittest.skipUnless(shutil.which("ruby"), "needs Ruby")
class Ruby(Rules, Chain):
    MAIN = ("ruby", "main.rb")
    INTERPRETER_FILE = shutil.which("ruby")


if __name__ == "__main__":
    unittest.main()
