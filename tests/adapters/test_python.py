"""adapters/python, with hpp's side of the gate played by tests/support/gate.py."""

import os
import subprocess
import sys
import unittest

from gate import ADAPTERS, TOP, AdapterTest, GateTests, Gated

ADAPTER = str(ADAPTERS / "python")
# Another one may be tried by hand.
PYTHON = os.environ.get("HPP_TEST_PYTHON", sys.executable)


class Project(AdapterTest):
    """A project folder, and beside it a folder of packages."""

    MAIN = ("main.py",)
    INTERPRETER = (PYTHON,)

    def setUp(self):
        super().setUp()
        self.packages = self.top / "site-packages"
        self.write("site-packages/package/__init__.py", "print('package')\n")
        self.write("project/shop.py", "print('shop')\n")
        self.write("project/main.py", "import package, shop\nprint('main')\n")

    def environment(self, **variables):
        return {"PATH": "/usr/bin:/bin", "PYTHONUNBUFFERED": "1", **variables,
                "PYTHONPATH": ":".join([ADAPTER, variables.get("PYTHONPATH", str(self.packages))])}

    def recorded(self, word):
        """A line of a module has other words after the name."""
        return [value.split(" ")[0] if word == "module" else value for value in super().recorded(word)]


class Loading(Project):
    def test_loads_modules_from_outside_the_project_before_the_gate(self):
        self.assertEqual(self.cold(), "package\nshop\nmain\n")
        spare = self.spare()
        self.assertEqual(spare.output(), "package\n")
        self.assertEqual(spare.open(), "go")
        self.assertEqual(spare.finish(), (0, "package\nshop\nmain\n", ""))

    def test_records_nothing_of_the_project(self):
        self.cold()
        self.assertIn("package", self.recorded("module"))
        self.assertFalse({"shop", "main", "__main__", "sitecustomize"} & {*self.recorded("module")})

    def test_a_warm_start_records_what_is_new(self):
        self.cold()
        self.write("site-packages/other.py", "")
        self.write("project/shop.py", "import other, colorsys\n")
        spare = self.spare()
        spare.open()
        self.assertEqual(spare.finish()[0], 0)
        self.assertIn("other", self.recorded("module"))

    def test_leaves_no_trace(self):
        self.write("project/main.py", """
import atexit, os, sys, json, package
print(sys.argv, sys.path, sys.meta_path, sorted(sys.modules), os.stat, sorted(map(repr, os.supports_fd)), sys.flags)
print(sorted(os.environ.items()), [name for name in sys.path_importer_cache if "adapters" in name])
print([name for name in os.listdir("/proc/self/fd") if int(name) < 64])
""".replace("sys.meta_path", "[getattr(f, '__name__', type(f)) for f in sys.meta_path]"))
        plain = subprocess.run([PYTHON, "main.py", "a b"], cwd=self.folder, capture_output=True, text=True,
                               env={**self.environment(), "PYTHONPATH": str(self.packages)}, check=True).stdout
        command = ("main.py", "a b")
        self.assertEqual(self.cold(command), plain)
        spare = self.spare(command)
        self.assertEqual(spare.open(), "go")
        status, out, err = spare.finish()
        self.assertEqual((out, err), (plain, ""))

    def test_children_do_not_see_the_gate(self):
        self.write("project/main.py", """
import os, subprocess, sys
subprocess.run([sys.executable, "-c", "import os; print(os.environ.get('HPP_GATE'), os.environ['PYTHONPATH'])"])
os.system("ls -l /proc/self/fd | grep -c socket:")
""")
        self.assertEqual(self.cold(), f"None {self.packages}\n0\n")

    def test_the_program_has_the_variables_of_the_user(self):
        """Also those by which other languages load hpp's adapters."""
        self.write("project/main.py", "import os\n"
                   "print([os.environ.get(name) for name in ('HPP_GATE', 'PYTHONPATH', 'NODE_OPTIONS', 'RUBYOPT')])\n")
        node = f"{ADAPTERS}/node/hpp_gate"
        for users in ("", ""), ("--no-warnings  --title='a b'", "-W0  -w"):
            for added in f"--require={node}.cjs", f'"--require={node}.cjs"', f"--import=file://{node}.mjs":
                with self.subTest(users=users, added=added):
                    self.list.unlink(missing_ok=True)
                    options, ruby = (f"{word} {own}" if own else word for word, own in zip(
                        (added, f"-r{ADAPTERS}/ruby/hpp_gate.rb"), users))
                    out = self.cold(NODE_OPTIONS=options, RUBYOPT=ruby)
                    self.assertEqual(out, f"{[None, str(self.packages), *(own or None for own in users)]}\n")
                    spare = self.spare(NODE_OPTIONS=options, RUBYOPT=ruby)
                    self.assertEqual(spare.open(), "go")
                    self.assertEqual(spare.finish(), (0, out, ""))

    def test_a_module_that_the_program_runs_by_name(self):
        self.write("site-packages/served/__init__.py", "print('served')\n")
        self.write("site-packages/served/__main__.py", "import package, shop\nprint(__name__)\n")
        command = ("-m", "served")
        self.assertEqual(self.cold(command), "served\npackage\nshop\n__main__\n")
        spare = self.spare(command)
        self.assertEqual(spare.output(), "served\npackage\n")
        self.assertEqual(spare.open(), "go")
        self.assertEqual(spare.finish(), (0, "served\npackage\nshop\n__main__\n", ""))

    def test_a_module_that_is_the_program_is_not_loaded_before(self):
        self.write("site-packages/tool.py", "import sys\nprint(__name__)\nif __name__ == '__main__': import user\n")
        self.write("site-packages/user.py", "import tool\n")
        self.cold(("-m", "tool"))
        spare = self.spare(("-m", "tool"))
        self.assertEqual(spare.open(), "go")
        self.assertEqual(spare.finish(), (0, "__main__\ntool\n", ""))

    def test_forks_record_too(self):
        self.write("project/main.py", "import os\nif os.fork() == 0:\n import package, shop\nelse: os.wait()\n")
        self.cold()
        self.assertIn("package", self.recorded("module"))
        self.assertTrue("py fork\n" in self.list.read_text())
        self.assertEqual(self.spare().output(), "package\n")

    def test_the_sitecustomize_of_the_user_runs_once_and_first(self):
        self.write("site-packages/sitecustomize.py", "print('custom')\n")
        self.assertEqual(self.cold(), "custom\npackage\nshop\nmain\n")
        spare = self.spare()
        self.assertEqual(spare.output(), "custom\npackage\n")
        spare.open()
        self.assertEqual(spare.finish(), (0, "custom\npackage\nshop\nmain\n", ""))

    def test_a_sitecustomize_of_the_project_runs_after_the_gate(self):
        self.write("project/sitecustomize.py", "print('custom')\n")
        path = f"{self.folder}:{self.packages}"
        self.assertEqual(self.cold(PYTHONPATH=path), "custom\npackage\nshop\nmain\n")
        spare = self.spare(PYTHONPATH=path)
        self.assertEqual(spare.output(), "")
        self.assertEqual(spare.open(), "go")
        self.assertEqual(spare.finish(), (0, "custom\npackage\nshop\nmain\n", ""))

    def test_isolated_mode_has_no_adapter(self):
        self.write("project/main.py", "print('main')\n")
        for option in "-I", "-E":
            with self.subTest(option):
                process = self.run_gated("record", [option, "main.py"])
                self.assertIsNone(process.wait_for("hello"))
                self.assertEqual(process.finish(), (0, "main\n", ""))

    def test_a_console_script_of_a_virtual_environment_in_the_project(self):
        """Such as .venv/bin/flask, as pip writes it."""
        venv = self.folder / ".venv"
        subprocess.run([PYTHON, "-m", "venv", "--without-pip", str(venv)], check=True)
        packages, = venv.glob("lib/python3*/site-packages")
        (packages / "served.py").write_text("print('served', flush=True)\ndef main():\n"
                                            "  import sys, package, shop\n  print(sys.prefix, sys.argv[1:])\n")
        script = venv / "bin/served"
        script.write_text(f"#!{venv}/bin/python\nimport sys\nfrom served import main\nsys.exit(main())\n")
        script.chmod(0o755)
        path = f"{self.packages}:{self.folder}"
        command = f"exec {script} run"
        out = f"served\npackage\nshop\n{venv} ['run']\n"
        self.assertEqual(self.cold(command, PYTHONPATH=path), out)
        spare = self.spare(command, PYTHONPATH=path)
        self.assertEqual(spare.output(), "served\npackage\n")
        self.write("project/shop.py", "print('new shop')\n")
        self.assertEqual(spare.open(), "go")
        self.assertEqual(spare.finish(), (0, out.replace("shop", "new shop"), ""))



class Unfit(Project):
    """Modules that would not behave the same if they were loaded early."""

    def check_skipped(self, *names):
        out = self.cold()
        spare = self.spare()
        self.assertEqual({*names} - {*self.recorded("skip")}, set())
        self.assertEqual(spare.open(), "go", spare.lines)
        self.assertEqual(spare.finish()[1], out)
        self.assertEqual(spare.lines.count("hello 1 python"), 1)

    def test_imports_the_project_and_catches_the_error(self):
        self.write("site-packages/package/__init__.py",
                   "try:\n  import shop\nexcept ImportError:\n  shop = None\nprint(shop is None)\n")
        self.write("project/main.py", "import package\n")
        self.check_skipped("package")

    def test_imports_a_module_that_the_project_replaces(self):
        self.write("site-packages/colour.py", "print('wrong')\n")
        self.write("project/colour.py", "print('right')\n")
        self.write("site-packages/package/__init__.py", "import colour\n")
        self.check_skipped("package")

    def test_fails_before_the_program_has_prepared_it(self):
        self.write("site-packages/settings.py", "ready = False\n")
        self.write("site-packages/models.py", "import settings\nassert settings.ready\nprint('models')\n")
        self.write("site-packages/package/__init__.py",
                   "try:\n  import models\nexcept AssertionError:\n  models = None\nprint(models is None)\n")
        self.write("project/main.py", "import settings\nsettings.ready = True\nimport package, shop\n")
        self.check_skipped("models", "package")

    def test_connects(self):
        self.write("site-packages/package/__init__.py",
                   "import socket\ns = socket.socket()\ntry:\n  s.connect(('127.0.0.1', 1))\n"
                   "except OSError as error:\n  print(type(error).__name__)\n")
        self.check_skipped("package")

    def test_starts_a_process_writes_a_file_or_starts_a_thread(self):
        for at, text in enumerate([
                "import os\nos.system('true')\n",
                "import subprocess\nsubprocess.run(['true'])\n",
                "open('written', 'w')\n",
                "import os\nos.makedirs('made', exist_ok=True)\n",
                "import os\nos.listdir('.')\n",
                "import threading, time\nthreading.Thread(target=time.sleep, args=(.2,)).start()\n",
                "import sys\nsys.path.insert(0, '/nonexistent')\n"]):
            with self.subTest(text):
                self.write("site-packages/package/__init__.py", text)
                self.list.unlink(missing_ok=True)
                self.check_skipped("package")

    def test_reads_a_variable_that_the_program_sets(self):
        self.write("site-packages/settings.py", "import os\nos.environ['COLOUR'] = 'red'\n")
        self.write("site-packages/package/__init__.py", "import os\nprint(os.environ.get('COLOUR'))\n")
        self.write("project/main.py", "import os\nos.environ['COLOUR'] = 'green'\nimport package, shop\n")
        self.check_skipped("package")

    def test_a_module_that_is_absent_is_not_missed(self):
        self.write("site-packages/package/__init__.py",
                   "try:\n  import absent\nexcept ImportError:\n  print('without')\n")
        self.cold()
        spare = self.spare()
        self.assertEqual((spare.output(), self.recorded("skip")), ("without\n", []))
        self.assertEqual(spare.open(), "go")

    def test_a_module_that_ends_the_process(self):
        self.write("site-packages/package/__init__.py",
                   "import os, sys\nif 'shop' not in sys.modules: os._exit(3)\n")
        self.write("project/main.py", "import shop, package, colorsys\n")
        self.assertEqual(self.cold(), "shop\n")
        spare = self.spare()
        self.assertEqual((spare.open(), spare.finish()), ("go", (0, "shop\n", "")))

    def test_gevent_changes_what_is_loaded_after_it(self):
        self.write("site-packages/gevent/__init__.py", "")
        self.write("site-packages/gevent/monkey.py", "")
        self.write("project/main.py", "import gevent.monkey, package\n")
        self.cold()
        self.assertEqual(self.spare().output(), "")


class Variables(Project):
    """A change makes the program set a variable that it has never set, and a module has read it early."""

    def setUp(self):
        super().setUp()
        self.write("site-packages/package/__init__.py",
                   "import os\nCOLOUR = os.environ.get('COLOUR')\nprint('package')\n")

    def change(self, text, **variables):
        """Returns what a spare says after `go` whose program is this now."""
        self.list.unlink(missing_ok=True)
        self.cold(**variables)
        spare = self.spare(**variables)
        self.assertEqual((spare.output(), self.recorded("skip")), ("package\n", []))
        self.write("project/main.py", text)
        lines = spare.go_on()
        self.assertEqual(spare.finish()[0], 0, spare.text(spare.err))
        return lines

    def test_every_way_to_set_it(self):
        for text in ("os.environ['COLOUR'] = 'red'", "os.environ.update(COLOUR='red')", "os.environ |= {'COLOUR': 'red'}",
                     "os.environ.setdefault('COLOUR', 'red')", "os.environb[b'COLOUR'] = b'red'",
                     "os.putenv('COLOUR', 'red')", "os.environ.update(COLOUR='red'); del os.environ['COLOUR']",
                     "if os.fork() == 0: os.environ['COLOUR'] = 'red'; import package; os._exit(0)\nos.wait()"):
            with self.subTest(text):
                main = (self.folder / "main.py").read_text()
                self.assertEqual(self.change(f"import os\n{text}\nimport package\n"), ["variable COLOUR"])
                self.assertEqual(self.recorded("set"), ["COLOUR"])
                self.write("project/main.py", main)

    def test_every_way_to_remove_it(self):
        for text in "del os.environ['COLOUR']", "os.environ.pop('COLOUR')", "os.environ.clear()":
            with self.subTest(text):
                main = (self.folder / "main.py").read_text()
                self.assertEqual(self.change(f"import os\n{text}\nimport package\n", COLOUR="red"), ["variable COLOUR"])
                self.write("project/main.py", main)

    def test_the_same_value_and_other_variables_do_not_matter(self):
        text = "import os\nos.environ['COLOUR'] = 'red'\nos.environ['TASTE'] = 'sweet'\nimport package\n"
        self.assertEqual(self.change(text, COLOUR="red"), [])

    def test_a_process_of_the_program_may_set_it(self):
        text = "import subprocess\nsubprocess.run(['true'], env={'COLOUR': 'red'})\n"
        self.assertEqual(self.change(text), [])

    def test_a_module_that_copies_the_environment_has_read_each_variable(self):
        self.write("site-packages/package/__init__.py", "import os\nCOPY = os.environ.copy()\nprint('package')\n")
        self.assertEqual(self.change("import os\nos.environ['ANY'] = ''\nimport package\n"), ["variable ANY"])
        self.assertEqual(self.spare().output(), "")

    def test_the_copy_of_wsgiref_is_kept_up_to_date(self):
        self.write("project/main.py", "import os\nos.environ['TASTE'] = 'sour'\ndel os.environ['SMELL']\n"
                   "from wsgiref.handlers import BaseHandler\nprint(sorted(BaseHandler.os_environ.items()))\n")
        out = self.cold(SMELL="mint")
        self.assertIn("('TASTE', 'sour')", out)
        spare = self.spare(SMELL="mint")
        self.assertEqual(self.recorded("skip"), [])
        self.assertIn("wsgiref.handlers", self.recorded("module"))
        self.assertEqual(spare.go_on(), [])
        self.assertEqual(spare.finish(), (0, out, ""))

    def test_the_module_is_unfit_at_the_next_start(self):
        """Also if the server ran already when it set the variable, so that hpp has not started it again."""
        self.assertEqual(self.change("import package, os\nos.environ['COLOUR'] = 'red'\n"), ["variable COLOUR"])
        self.assertEqual((self.spare().output(), self.recorded("skip")), ("", ["package"]))

    def test_after_a_cold_start_the_variable_is_no_reason_again(self):
        """It does not matter where the program sets the variable."""
        for text in ("import package, os\nos.environ['COLOUR'] = 'red'\n",
                     "import os\nos.environ['COLOUR'] = 'red'\nimport package\n"):
            with self.subTest(text):
                self.list.unlink(missing_ok=True)
                self.write("project/main.py", text)
                self.cold()
                self.assertEqual(self.spare().go_on(), [])

    def test_a_module_that_sets_what_it_has_read(self):
        """numpy does this while it is loaded. It is the same each time."""
        self.write("site-packages/package/__init__.py", "import os\nif 'COLOUR' not in os.environ:\n"
                   "  os.environ['COLOUR'] = 'red'\n  import colorsys\n  del os.environ['COLOUR']\nprint('package')\n")
        self.cold()
        self.assertEqual((self.recorded("env"), self.recorded("set")), (["COLOUR"], []))
        spare = self.spare()
        self.assertEqual(spare.output(), "package\n")
        self.assertEqual(spare.go_on(), [])

    def test_a_module_that_sets_what_another_one_has_read(self):
        """If it cannot be loaded early, it sets the variable after the gate, so the other one cannot, either."""
        for text, early in ("", "package\n"), ("import shop\n", ""):
            with self.subTest(text):
                self.list.unlink(missing_ok=True)
                self.write("site-packages/setter.py", "import os\nos.environ['COLOUR'] = 'red'\n" + text)
                self.write("project/main.py", "import package, setter\n")
                self.cold()
                spare = self.spare()
                self.assertEqual(spare.output(), early)
                self.assertEqual(spare.go_on(), [])

    def test_a_new_module_that_sets_what_another_one_has_read(self):
        self.write("site-packages/setter.py", "import os\nos.environ['COLOUR'] = 'red'\n")
        self.assertEqual(self.change("import setter, package\n"), ["variable COLOUR"])

    def test_the_program_sees_the_usual_objects(self):
        self.write("project/main.py", "import os, package\nprint(type(os.environ), type(os.environb), "
                   "type(os.environ).__mro__, dict(os.environ) == os.environ, os.environ.copy() == os.environ)\n")
        out = self.cold()
        spare = self.spare()
        self.assertEqual(spare.go_on(), [])
        self.assertEqual(spare.finish()[1], out)


class Guard(Project):
    """A spare must notice each change of what it has read."""

    def check_cold(self, path, change):
        super().check_cold(path, change)
        spare = self.spare()
        spare.open()

    def test_edited_package(self):
        path = self.packages / "package/__init__.py"
        self.check_cold(path, lambda: path.write_text("print('changed')\n"))

    def test_edited_package_of_the_same_size_and_time(self):
        path = self.packages / "package/__init__.py"
        status = path.stat()

        def change():
            path.write_text("print('PACKAGE')\n")
            os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
        self.check_cold(path, change)

    def test_replaced_and_removed_package(self):
        path = self.packages / "package/__init__.py"

        def change():
            (self.packages / "new").write_text(path.read_text())
            os.replace(self.packages / "new", path)
        self.check_cold(path, change)
        self.check_cold(path, path.unlink)

    def test_installed_package(self):
        self.check_cold(self.packages / "new.py", lambda: self.write("site-packages/new.py", ""))

    def test_file_of_the_project_that_replaces_a_package(self):
        self.check_cold(self.folder / "package.py", lambda: self.write("project/package.py", ""))

    def test_file_of_the_project_that_a_package_reads(self):
        self.write("project/package.ini", "old")
        self.write("site-packages/package/__init__.py", "open('package.ini').read()\nprint('package')\n")
        self.check_cold(self.folder / "package.ini", lambda: self.write("project/package.ini", "new"))

    def test_file_of_the_project_that_a_package_looks_for(self):
        self.write("site-packages/package/__init__.py",
                   "import os.path\nos.path.exists('package.ini')\nprint('package')\n")
        self.check_cold(self.folder / "package.ini", lambda: self.write("project/package.ini", "new"))

    def test_files_that_wrappers_read(self):
        for name in ".env", ".env.local", "package.json", "pyproject.toml", ".python-version":
            with self.subTest(name):
                self.check_cold(self.folder / name, lambda: self.write(f"project/{name}", "new"))

    def test_files_of_the_project_that_change_with_each_save(self):
        self.cold()
        spare = self.spare()
        self.write("project/shop.py", "print('new shop')\n")
        self.write("project/new.py", "")
        self.assertEqual(spare.open(), "go")
        self.assertEqual(spare.finish(), (0, "package\nnew shop\nmain\n", ""))

    def test_a_change_while_the_spare_loads(self):
        self.write("site-packages/package/__init__.py", f"""
print('package')
open({str(self.top / "site-packages" / "data")!r}).read()
import time; time.sleep(.2)
""")
        self.write("site-packages/data", "old")
        self.cold()
        process = self.run_gated("preload", ["main.py"])
        process.wait_for_output("package\n")
        self.write("site-packages/data", "new")
        self.assertIsNotNone(process.wait_for("ready"))
        self.assertEqual(process.open(), f"cold {self.packages / 'data'}")


class Gate(GateTests, Project):
    def test_refuses_a_command_that_runs_something_before(self):
        self.write("project/dev.sh", f"#!/bin/sh\ncat main.py >/dev/null\n{PYTHON} main.py\n").chmod(0o755)
        self.write("project/exec.sh", f"#!/bin/sh\ncat main.py >/dev/null\nexec {PYTHON} main.py\n").chmod(0o755)
        for command in (f"cat main.py >/dev/null; {PYTHON} main.py; true", "./dev.sh", "exec ./dev.sh",
                        f"sleep 9 & {PYTHON} main.py; kill $!", "exec ./exec.sh"):
            with self.subTest(command):
                process = self.run_gated("preload" if "sleep" in command else "record", command)
                self.assertIsNotNone(process.wait_for("refuse"), process.lines)

    def test_accepts_a_script_that_only_starts_the_server(self):
        self.write("project/dev.sh", f"#!/bin/sh\nset -e\n. ./settings.sh\nexec {PYTHON} main.py\n").chmod(0o755)
        self.write("project/settings.sh", "export COLOUR=red\n")
        process = self.run_gated("record", "exec ./dev.sh")
        self.assertIsNone(process.wait_for("refuse"))
        self.assertEqual(process.finish()[0], 0)
        spare = self.spare("exec ./dev.sh")
        self.write("project/settings.sh", "export COLOUR=blue\n")
        self.assertEqual(spare.open(), f"cold {self.folder / 'settings.sh'}")

    def test_a_wrapper_in_python_passes_the_gate_on(self):
        self.write("site-packages/honcho.py",
                   "import subprocess, sys\nprint('honcho', flush=True)\nsys.exit(subprocess.call(sys.argv[1:]))\n")
        command = f"{PYTHON} -m honcho {PYTHON} main.py"
        self.assertEqual(self.cold(command), "honcho\npackage\nshop\nmain\n")
        self.assertIn("package", self.recorded("module"))
        spare = self.spare(command)
        self.assertEqual(spare.open(), "go")
        self.assertEqual(spare.finish(), (0, "honcho\npackage\nshop\nmain\n", ""))


class Reference(Project):
    """tests/support/gate_reference.py, which docs/gate.rst shows."""

    def test_is_in_the_document(self):
        text = (TOP / "tests/support/gate_reference.py").read_text().split('"""\n\n', 1)[1]
        document = (TOP / "docs/gate.rst").read_text()
        self.assertIn("".join("    " + line if line.strip() else line for line in text.splitlines(True)), document)

    def test_goes_through_the_gate(self):
        main = (self.folder / "main.py").read_text()
        self.write("project/main.py", "import gate_reference\ngate_reference.gate()\n" + main)
        environment = {**self.environment(), "PYTHONPATH": f"{self.packages}:{TOP / 'tests' / 'support'}"}
        command = [PYTHON, "main.py"]
        recording = Gated(command, self.folder, "record", self.list, environment)
        self.assertEqual(recording.finish(), (0, "package\nshop\nmain\n", ""))
        for change, answer in (False, "go"), (True, f"cold {self.packages}/package/__init__.py"):
            spare = Gated(command, self.folder, "preload", self.list, environment)
            self.addCleanup(spare.kill)
            self.assertIsNotNone(spare.wait_for("ready"))
            self.assertEqual(spare.output(), "package\n")
            if change:
                self.write("site-packages/package/__init__.py", "")
            self.assertEqual(spare.open(), answer)


if __name__ == "__main__":
    unittest.main()
