"""A module that a spare of Python has loaded early must be the same, and do the same, as in a cold start.
Each test fails if one of them is loaded early that would differ, or if a trace of the spare is left."""

import ast
import subprocess
import time
import unittest

from test_python import ADAPTER, PYTHON, Project

# The program measures what an audit hook would slow down.
MEASURING = """
import time, package
def measure():
    begin = time.process_time()
    for _ in range(20000): id(begin)
    return time.process_time() - begin
print(min(measure() for _ in range(7)))
"""


class Early(Project):
    """In all tests, `package` is imported by the program, and also `colorsys`, after it."""

    def setUp(self):
        super().setUp()
        self.main("import package, colorsys\n")

    def package(self, text):
        self.write("site-packages/package/__init__.py", text)

    def main(self, text):
        self.write("project/main.py", text)

    def compare(self, early, command=None, late=(), **variables):
        """A warm start must print the same as a cold one. A spare loads the modules `early`, and not `late`.
        Returns the output."""
        out = self.cold(command, **variables)
        self.assertNotEqual(out, "")
        spare = self.spare(command, **variables)
        self.assertEqual(spare.open(), "go", spare.lines)
        self.assertEqual(spare.finish(), (0, out, ""))
        probe = f"import sys; print(*sorted({{*{[*early, *late]!r}}} & {{*sys.modules}}), flush=True)\n"
        loaded = self.loaded_by_a_spare(probe, command, **variables)
        self.assertEqual(loaded, [*early])
        return out

    def loaded_by_a_spare(self, probe, command, **variables):
        """The program is not read before the gate, so it can say what is in sys.modules at its begin."""
        main = self.folder / "main.py"
        text = main.read_text()
        spare = self.spare(command, **variables)
        before = spare.output()
        main.write_text(probe + "sys.exit()\n")
        self.assertEqual(spare.open(), "go", spare.lines)
        status, out, err = spare.finish()
        main.write_text(text)
        self.assertEqual((status, err), (0, ""))
        return out[len(before):].split()


class Functions(Early):
    """The spare replaces functions of Python's while it loads modules."""

    def test_a_class_that_keeps_one(self):
        self.package("import os\nclass Files:\n  stat, access, open, list = os.stat, os.access, open, os.listdir\n"
                     "SIZE = Files().stat('/').st_mode\n")
        self.main("import package\nfiles = package.Files()\n"
                  "print(files.stat('main.py').st_size, files.access('main.py', 4), files.list('.'), "
                  "files.open('main.py').read(6), files.stat('/').st_mode == package.SIZE)\n")
        self.compare(["package"])

    def test_pathlib(self):
        self.main("import pathlib, package\npath = pathlib.Path('main.py')\n"
                  "print(path.exists(), path.stat().st_size, path.read_text()[:6], [*path.parent.iterdir()])\n")
        self.compare(["package", "pathlib"])

    def test_they_are_put_back_wherever_a_module_has_kept_them(self):
        self.package("""
import builtins, functools, io, os
from os import stat, scandir
def default(stat=os.stat, *, access=os.access): pass
def closure():
    stat, kept = os.stat, open
    return lambda: (stat, kept)
class Files:
    stat = os.stat
    def __init__(self): self.open = io.open
files, inner, listed, table = Files(), closure(), [os.stat, os.listdir], {'open': open}
""")
        self.main("""
import _io, posix, package as p
print([p.stat is posix.stat, p.scandir is posix.scandir, p.default.__defaults__[0] is posix.stat,
       p.default.__kwdefaults__['access'] is posix.access, p.inner()[0] is posix.stat, p.inner()[1] is _io.open,
       p.Files.stat is posix.stat, p.files.open is _io.open, p.listed[0] is posix.stat, p.table['open'] is _io.open])
""")
        self.assertNotIn("False", self.compare(["package"]))

    def test_they_look_like_the_originals(self):
        self.package("""
import copy, functools, inspect, os, pickle, types
print(os.stat, os.stat.__name__, os.stat.__doc__[:20], os.stat.__module__, isinstance(os.stat, types.BuiltinFunctionType),
      inspect.signature(os.stat), inspect.isbuiltin(os.stat), pickle.loads(pickle.dumps(os.stat)), copy.deepcopy(os.stat),
      vars(functools.wraps(os.stat)(lambda: 0)).keys(), os.stat in os.supports_fd, os.stat in {os.stat: 1}, open is __import__('io').open, hasattr(os.stat, '__get__'))
""")
        self.compare(["package"])

    def test_a_file_that_is_read_in_an_unusual_way(self):
        """The spare would not notice a change of it."""
        self.write("project/data", "text")
        for text in ("import io\nprint(io.FileIO('data').read())\n", "import posix\nprint(posix.listdir('.'))\n"):
            with self.subTest(text):
                self.list.unlink(missing_ok=True)
                self.package(text)
                self.compare(["colorsys"], late=["package"])

    def test_data_of_a_package(self):
        self.write("site-packages/package/data", "old")
        self.package("import pkgutil\nprint(pkgutil.get_data('package', 'data'))\n")
        self.compare(["package"])
        spare = self.spare()
        path = self.write("site-packages/package/data", "new")
        self.assertEqual(spare.open(), f"cold {path}")

    def test_no_audit_hook_slows_the_server_down(self):
        self.main(MEASURING)
        plain = float(subprocess.run([PYTHON, "main.py"], cwd=self.folder, capture_output=True, check=True,
                                     env={**self.environment(), "PYTHONPATH": str(self.packages)}).stdout.split()[-1])
        self.assertLess(float(self.cold().split()[-1]), 5 * plain)
        spare = self.spare()
        self.assertEqual(spare.open(), "go")
        self.assertLess(float(spare.finish()[1].split()[-1]), 5 * plain)


class Origins(Early):
    """A name alone does not say which module the program loads."""

    def test_another_module_of_the_same_name(self):
        self.write("site-packages/library.py", "print('installed')\n")
        self.write("sibling/library.py", "print('sibling')\n")
        self.main(f"import package, sys\nsys.path.insert(0, {str(self.top / 'sibling')!r})\nimport library\n")
        self.assertIn("sibling", self.compare(["package"], late=["library"]))

    def test_another_module_under_a_name(self):
        self.write("site-packages/bundled.py", "VERSION = 'bundled'\n")
        self.write("site-packages/library.py", "VERSION = 'library'\n")
        self.write("site-packages/user.py", "import library\nprint(library.VERSION)\n")
        for text in ("sys.modules['library'] = __import__('bundled')", "sys.modules['library'] = sys.modules['bundled']",
                     "import library; sys.modules['library'] = sys.modules['bundled']"):
            with self.subTest(text):
                self.list.unlink(missing_ok=True)
                self.main(f"import sys, bundled, package\n{text}\nimport user\n")
                self.assertIn("bundled", self.compare(["bundled", "package"], late=["user"]))

    def test_a_stub_under_a_name(self):
        self.write("site-packages/library.py", "VERSION = 'library'\n")
        self.write("site-packages/user.py", "import library\nprint(getattr(library, 'VERSION', 'stub'))\n")
        self.main("import package, sys, types\nsys.modules['library'] = types.ModuleType('library')\nimport user\n")
        self.assertIn("stub", self.compare(["package"], late=["library", "user"]))

    def test_a_package_that_replaces_its_own_modules(self):
        self.write("site-packages/package/real.py", "NAME = 'real'\n")
        self.write("site-packages/package/itself.py", "import sys\nclass It: NAME = 'it'\nsys.modules[__name__] = It()\n")
        self.package("import sys, package.real, package.itself\nsys.modules['package.alias'] = package.real\n")
        self.write("site-packages/user.py", "import package.alias, package.itself\nfrom package.alias import NAME\n"
                   "print(NAME, sys.modules['package.itself'].NAME)\n".replace("print", "import sys\nprint"))
        self.main("import package, user\n")
        self.compare(["package", "user"])

    def test_an_import_hook_of_the_program(self):
        self.main("""
import sys, importlib.machinery
class Loader(importlib.machinery.SourceFileLoader):
    def exec_module(self, module): super().exec_module(module); print('hooked', module.__name__)
class Finder:
    def find_spec(name, path, target=None):
        if name != 'package': return None
        spec = importlib.machinery.PathFinder.find_spec(name, path)
        spec.loader = Loader(name, spec.origin)
        return spec
sys.meta_path.insert(0, Finder)
import package, colorsys
""")
        self.assertIn("hooked package", self.compare(["colorsys"], late=["package"]))


class Callers(Early):
    def test_the_program_has_a_file(self):
        self.package("import __main__\nprint(getattr(__main__, '__file__', 'interactive'))\n")
        self.assertIn("main.py", self.compare(["package"]))
        self.write("site-packages/served/__init__.py", "import package\n")
        self.write("site-packages/served/__main__.py", "import colorsys, shop\n")
        self.list.unlink()
        self.assertIn("interactive", self.cold(("-m", "served")))
        spare = self.spare(("-m", "served"))
        self.assertEqual(spare.output(), "interactive\n")

    def test_a_module_that_looks_at_the_program(self):
        """Otherwise each save of it would make the start a cold one."""
        self.package("import __main__, os\nprint(os.path.realpath(__main__.__file__))\n")
        self.compare(["colorsys"], late=["package"])

    def test_a_warning_for_the_program(self):
        for kind in "UserWarning", "DeprecationWarning":
            for level in 2, 3, 9:
                with self.subTest(kind=kind, level=level):
                    self.list.unlink(missing_ok=True)
                    self.package(f"import warnings\nwarnings.warn('old', {kind}, stacklevel={level})\nprint('package')\n")
                    process = self.run_gated("record", ["main.py"])
                    self.assertEqual(list(iter(process.read_line, None)), ["hello 1 python"])
                    expected = process.finish()
                    spare = self.spare()
                    self.assertEqual(spare.output(), "")
                    self.assertEqual(spare.open(), "go")
                    self.assertEqual(spare.finish(), expected)
                    self.assertEqual(self.recorded("skip"), ["package"])

    def test_a_warning_for_a_package(self):
        self.package("import warnings\nwarnings.warn('old', DeprecationWarning)\nprint('package')\n")
        self.compare(["colorsys", "package"])


class States(Early):
    """What the program has changed before an import."""

    def check_late(self, change, text, out):
        self.list.unlink(missing_ok=True)
        self.package(text)
        self.main(f"import colorsys\n{change}\nimport package\n")
        self.assertIn(out, self.compare(["colorsys"], late=["package"]))

    def setUp(self):
        super().setUp()
        self.write("project/data", "top")
        self.write("project/api/data", "api")

    CHANGES = (
        ("import os; os.chdir('api')", "print(open('data').read())\n", "api"),
        ("import builtins; builtins._ = str.upper",
         "try: print(_('text'))\nexcept NameError: print('text')\n", "TEXT"),
        ("import sys; sys.argv.append('more')", "import sys\nprint(sys.argv)\n", "more"),
        ("import sys; sys.path.append('/nonexistent')", "import sys\nprint(sys.path[-1])\n", "nonexistent"),
        ("import warnings; warnings.filterwarnings('error')",
         "import warnings\nprint(warnings.filters[0][0])\n", "error"))

    def test_everything_that_a_module_may_see(self):
        for change, text, out in self.CHANGES:
            with self.subTest(change):
                self.check_late(change, text, out)

    def test_a_save_makes_the_program_change_it(self):
        """Then the module was loaded too early, so hpp must start the program again, and the recording is old."""
        parts = "the current folder", "builtins", "sys.argv", "sys.path", "warnings.filters"
        for (change, text, out), part in zip(self.CHANGES, parts):
            with self.subTest(change):
                self.list.unlink(missing_ok=True)
                self.package(text)
                self.main("import colorsys, package\n")
                self.cold()
                self.assertIn("package", self.recorded("module"))
                spare = self.spare()
                self.assertEqual(self.recorded("skip").count("package"), 0)
                self.main(f"import colorsys\n{change}\nimport shop, package\n")
                line, = spare.go_on()
                self.assertTrue(line.startswith(f"variable {part}"), line)
                self.assertIn(out, self.compare(["colorsys"], late=["package"]))

    def test_a_save_makes_the_program_change_it_once_more(self):
        """Only the last start that came to listen counts."""
        self.package("print(open('data').read())\n")
        listen = "import socket\nsocket.socket().listen()\n"
        usual, changed = (f"import colorsys\n{text}import shop, package\n{listen}" for text in (
            "", "import os; os.chdir('api')\n"))
        for text, answer in (usual, []), (changed, ["variable the current folder"]), (usual, []), (
                usual, []), (changed, ["variable the current folder"]), (changed, []), (changed, []):
            self.main(text)
            if self.list.exists():
                spare = self.spare()
                self.assertEqual(spare.go_on(), answer)
                self.assertIn(spare.finish()[0], (0, 1))
            if answer or not self.list.exists():
                self.assertIn("api" if text == changed else "top", self.cold())

    def test_a_program_that_differs_at_each_start(self):
        self.main("import os, sys, colorsys; sys.argv.append(str(os.getpid()))\nimport package\nprint('main')\n")
        for _ in range(2):  # hpp starts no spares after the third
            self.cold()
            self.assertEqual(self.spare().go_on(), ["variable sys.argv"])

    def test_a_folder_of_the_project_in_the_path(self):
        """Many programs put one there. It does not matter, because the spare compares where it finds modules."""
        self.write("project/apps/basket.py", "print('basket')\n")
        self.main("import sys; sys.path.insert(0, 'apps')\nimport package, basket\n")
        self.compare(["package"])

    def test_a_folder_that_is_in_the_path_already(self):
        self.main(f"import sys; sys.path.insert(0, {str(self.packages)!r})\nimport package\n")
        self.compare(["package"])

    def test_a_package_that_configures_logging(self):
        """The program could not do so afterwards."""
        self.package("import logging, sys\nlogging.basicConfig(stream=sys.stdout)\nprint('package')\n")
        self.main("import colorsys, package\n")
        self.compare(["colorsys"], late=["package"])

    def test_a_package_that_names_a_module(self):
        """It is no module that the program has put into sys.modules."""
        self.package("import sys, types\nsys.modules['package.part'] = part = types.ModuleType('part')\nprint('package')\n")
        self.main("import package\nimport package.part, colorsys\n")
        self.compare(["colorsys", "package"])
        self.assertEqual(self.recorded("skip"), [])

    def test_a_program_that_configures_logging(self):
        """As Django does with LOGGING, before it loads the applications."""
        self.main("import logging; logging.basicConfig(level=20)\nimport package\n")
        self.compare(["package"])

    def test_a_package_may_change_them(self):
        self.write("site-packages/library.py", "import warnings\nwarnings.simplefilter('ignore')\n")
        self.main("import library, package\n")
        self.compare(["library", "package"])

    def test_a_package_that_has_changed_is_tried_again(self):
        self.compare(["colorsys", "package"])
        self.package("import socket\ntry: socket.create_connection(('127.0.0.1', 1))\nexcept OSError: pass\nprint('new')\n")
        self.recorded_at = time.monotonic()
        spare = self.spare()
        self.assertEqual((spare.output(), self.recorded("skip")), ("", ["package"]))


class OldPython(Project):
    def test_the_syntax_of_the_first_file(self):
        """Each Python reads it, also Python 2."""
        with open(f"{ADAPTER}/sitecustomize.py", encoding="ascii") as file:
            tree = ast.parse(file.read())
        new = (ast.JoinedStr, ast.NamedExpr, ast.AnnAssign, ast.Nonlocal, ast.AsyncFunctionDef, ast.YieldFrom)
        for node in ast.walk(tree):
            self.assertNotIsInstance(node, new, getattr(node, "lineno", ""))
            if isinstance(node, (ast.Tuple, ast.List, ast.Set)):
                self.assertFalse([part for part in node.elts if isinstance(part, ast.Starred)], node.lineno)
            if isinstance(node, ast.FunctionDef):
                self.assertFalse(node.args.kwonlyargs or node.returns, node.lineno)
            if isinstance(node, ast.Raise):
                self.assertIsNone(node.cause, node.lineno)
            if isinstance(node, ast.Name):
                self.assertNotEqual(node.id, "print", node.lineno)

    def test_starts_cold_and_says_nothing(self):
        venv = self.folder / ".venv"
        subprocess.run([PYTHON, "-m", "venv", "--without-pip", str(venv)], check=True)
        packages, = venv.glob("lib/python3*/site-packages")
        (packages / "old.pth").write_text("import sys; sys.version_info = (3, 8, 18)\n")
        self.write("project/main.py", "import os, sys, package\n"
                   "print(os.environ.get('HPP_GATE'), os.environ['PYTHONPATH'], [p for p in sys.path if 'adapters' in p])\n")
        process = self.run_gated("record", f"exec {venv}/bin/python main.py")
        self.assertIsNone(process.wait_for("hello"))
        self.assertEqual(process.finish(), (0, f"package\nNone {self.packages} []\n", ""))


if __name__ == "__main__":
    unittest.main()
