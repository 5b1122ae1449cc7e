"""The rules of CONTRIBUTING.rst that a program can check, on the text of the sources.

    python3 tests/tidy/test_tidy.py        # from anywhere; takes a fraction of a second

Each exception is listed beside its rule with its reason. An exception that is no longer needed fails,
too, so that the lists only get shorter."""

import pathlib
import re
import unittest

TOP = pathlib.Path(__file__).resolve().parents[2]
PROGRAMS = ("ctl", "launch", "proxyd", "supervisord", "watchd")

# ---- what a file may include --------------------------------------------------------------------

# The headers of common that cores may use: pure ones, and those of hpp_pure, hpp_json and hpp_bus_core
# (common/meson.build).
PURE = {f"common/{name}.h" for name in (
    "address", "advice/command_line", "advice/nearest", "advice/refused_kill", "advice/server", "base64", "bus/codec", "bus/messages", "bus/output_record", "bus/idle", "config_file", "default_excludes", "emits", "errors/core/output_lines",
    "escape_sequence", "exit_status", "git_lock", "glob", "json_text", "line_regex", "line_wrap", "manager_variables", "mounts", "notification", "output_queue", "path", "private_address",
    "port_placeholder", "program", "read_number", "ready_when", "shell_words", "signal_names", "take_until", "text", "time_point", "tree_clock", "wildmatch")}
# Built from files of the core.
GENERATED = {"proxyd/embedded.h"}
# Libraries that only compute.
PURE_LIBRARIES = ("boost/beast/http/", "boost/locale/utf.hpp", "boost/version.hpp", "fmt/", "nlohmann/")
# Headers of the standard library that read a clock, a file or a random device, or start a thread.
IMPURE_STANDARD = {"atomic", "condition_variable", "filesystem", "fstream", "future", "iostream",
                   "mutex", "random", "thread"}
# The only folder that may include a library. The rest of hpp uses that folder's own interface.
LIBRARIES = {"event2/": "common/event/", "nng/": "common/bus/", "CLI/": ("common/", "ctl/options.cc"),
             "wslay/": "proxyd/"}
# The layers of common, above its pure files and below all its other files. A layer may include itself and
# the layers before it.
LAYERS = ("common/os/", "common/log.", "common/event/", "common/bus/")

# ---- sizes --------------------------------------------------------------------------------------

FILE_LINES_MAX = 550
FUNCTION_LINES_MAX = 70

# ---- tests --------------------------------------------------------------------------------------

# Cores without a test beside them, and where they are tested.
TESTED_ELSEWHERE = {
    "proxyd/core/crash.cc": "tests/proxyd/core/pages/error_page_test.cc",
    "proxyd/core/crash_json.cc": "tests/proxyd/core/reload/broadcast_test.cc",
    "proxyd/core/request.cc": "tests/proxyd/core/connection_test.cc",
    "common/errors/core/error_readers.cc": "tests/common/errors/core/error_search_test.cc",
    "common/errors/core/native_error_readers.cc": "tests/common/errors/core/error_search_test.cc",
    "supervisord/core/wording.cc": "tests/supervisord/core/backend_test.cc",
    "watchd/core/contents.cc": "tests/watchd/core/change_counter_test.cc",
}

# States that have the names of a standard, which explains them.
NAMED_BY_A_STANDARD = {"proxyd/core/reload/html_prefix.h"}  # HTML's tokenizer

# ---- documents ----------------------------------------------------------------------------------

COLUMNS_MAX = 100


def files(*patterns):
    """Paths below the top, as text."""
    found = []
    for pattern in patterns:
        found += [str(path.relative_to(TOP)) for path in TOP.glob(pattern)]
    return sorted(found)


def sources(*suffixes):
    """The files of the programs and of common: no tests."""
    return files(*(f"{folder}/**/*{suffix}" for folder in ("common", *PROGRAMS) for suffix in suffixes))


def cores(*suffixes):
    return [path for path in sources(*suffixes) if "/core/" in path]


def read(path):
    return (TOP / path).read_text(encoding="utf-8")


def includes(path):
    """(headers of ours, headers of libraries)."""
    found = re.findall(r'^#include ([<"])([^>"]+)', read(path), re.MULTILINE)
    return ([name for mark, name in found if mark == '"'], [name for mark, name in found if mark == "<"])


def code_of(text):
    """Without comments and string literals."""
    return re.sub(r'//[^\n]*|"(?:\\.|[^"\\\n])*"', "", text)


def functions(text):
    """(number of the first line, lines) of each function of a formatted file. There, the line of a function's
    end is a brace alone. The nearest line above it with no deeper indentation begins the function. Blocks in
    functions are found, too, but they are shorter. Classes end with `};`, namespaces with a comment."""
    lines = text.split("\n")
    for end, line in enumerate(lines):
        if line.strip() != "}":
            continue
        begins = re.compile(line[:-1] + r"[^\s#}/]")
        begin = next(number for number in range(end - 1, -1, -1) if begins.match(lines[number]))
        yield begin + 1, end - begin + 1


class Includes(unittest.TestCase):
    def test_a_core_includes_cores_and_what_is_pure(self):
        for path in cores(".h", ".cc"):
            own, libraries = includes(path)
            program = path.partition("/")[0]
            for name in own:
                self.assertTrue(name in PURE | GENERATED or
                                (name.startswith(f"{program}/") and "/core/" in name), f"{path}: {name}")
            for name in libraries:
                is_standard = "/" not in name and not name.endswith(".h") and name not in IMPURE_STANDARD
                self.assertTrue(is_standard or name.startswith(PURE_LIBRARIES), f"{path}: {name}")

    def test_a_core_reads_no_clock(self):
        for path in cores(".h", ".cc"):
            found = re.search(r"::now\(|\btime\(|clock_gettime|getenv", code_of(read(path)))
            self.assertIsNone(found, f"{path}: {found and found[0]}")

    def test_programs_do_not_include_each_other(self):
        for path in sources(".h", ".cc"):
            program = path.partition("/")[0]
            for name in includes(path)[0]:
                folder = name.partition("/")[0]
                self.assertTrue(folder in (program, "common") or "/" not in name, f"{path}: {name}")

    def test_a_library_has_its_place(self):
        for path in sources(".h", ".cc"):
            for name in includes(path)[1]:
                for library, place in LIBRARIES.items():
                    if name.startswith(library):
                        self.assertTrue(path.startswith(place), f"{path}: {name}")

    def test_layers_of_common_have_a_direction(self):
        def rank(path):
            for number, layer in enumerate(LAYERS, 1):
                if path.startswith(layer):
                    return number
            return 0 if re.sub(r"\.cc$", ".h", path) in PURE else len(LAYERS) + 1

        needed = {}
        for path in files("common/**/*.h", "common/**/*.cc"):
            for name in includes(path)[0]:
                if name.startswith("common/") and rank(name) > rank(path):
                    needed.setdefault(path, set()).add(name)
        self.assertEqual(needed, {})


class FirstLines(unittest.TestCase):
    """They say what a file is for, or whose declarations it implements."""

    def test_of_headers(self):
        for path in files(*(f"{folder}/**/*.h" for folder in ("common", "tests", *PROGRAMS))):
            self.assertTrue(re.match(r"// \S", read(path)), path)

    def test_of_cores(self):
        for path in cores(".h"):
            self.assertTrue(read(path).startswith("// Pure. "), path)

    def test_of_implementations(self):
        for path in sources(".cc"):
            first = read(path).partition("\n")[0]
            folder = path.rpartition("/")[0]
            self.assertRegex(first, rf'^// \S|^#include "{folder}/\w+\.h"$', path)

    def test_of_scripts(self):
        for path in files("tests/**/*.py", "docs/*.py"):
            if "node_modules" not in path:
                self.assertTrue(re.match(r'"""\S', read(path)), path)
        for path in files("tools/*", ".ci/*"):
            begins_well = re.match(r'#!/bin/(ba)?sh\n# \S|#!/usr/bin/env python3\n"""\S', read(path))
            self.assertTrue(begins_well, path)


class Sizes(unittest.TestCase):
    def test_of_files(self):
        for path in sources(".h", ".cc"):
            self.assertLessEqual(read(path).count("\n"), FILE_LINES_MAX, path)

    def test_of_functions(self):
        count = 0
        for path in sources(".h", ".cc"):
            for begin, lines in functions(read(path)):
                count += 1
                self.assertLessEqual(lines, FUNCTION_LINES_MAX, f"{path}:{begin}")
        self.assertGreater(count, 1000)

    def test_a_function_is_found_whole(self):
        text = "class A {\n  A(int b,\n    int c)\n      : d_(b) {\n    if (c) {\n    }\n  }\n};\n"
        self.assertEqual(list(functions(text)), [(5, 2), (2, 6)])


class Tests(unittest.TestCase):
    def test_each_core_has_one_beside_it(self):
        without = {path for path in cores(".cc") if not (TOP / f"tests/{path[:-3]}_test.cc").exists()}
        self.assertEqual(without, set(TESTED_ELSEWHERE))
        for path in TESTED_ELSEWHERE.values():
            self.assertTrue((TOP / path).exists(), path)


class States(unittest.TestCase):
    def test_each_is_explained_where_it_is_declared(self):
        """In a diagram or a longer comment of the header, or by a comment behind it."""
        count = 0
        for path in set(cores(".h")) - NAMED_BY_A_STANDARD:
            text = read(path)
            told = set(re.findall(r"\w+", " ".join(re.findall(r"//(.*)", text))))
            for body in re.findall(r"enum class (?:State|Phase|\w*State)\b[^{;]*\{([^}]*)\}", text):
                for line in body.split("\n"):
                    code, _, comment = line.partition("//")
                    for name in re.findall(r"\b[A-Z]\w+", code):
                        count += 1
                        self.assertTrue(comment or name in told, f"{path}: {name} is not explained")
        self.assertGreater(count, 30)


class Documents(unittest.TestCase):
    def test_have_a_hundred_columns(self):
        documents = [path.relative_to(TOP) for path in (*TOP.glob("*.rst"), *TOP.glob("docs/*.rst"))]
        self.assertGreater(len(documents), 5)
        for path in documents:
            for number, line in enumerate(read(path).split("\n"), 1):
                self.assertLessEqual(len(line), COLUMNS_MAX, f"{path}:{number}")

    def test_name_files_that_exist(self):
        count = 0
        for document in (*TOP.glob("*.rst"), *TOP.glob("docs/*.rst")):
            if document.name == "CHANGELOG.rst":  # names files as they were
                continue
            for name in re.findall(r"``(\w+/[\w./-]+\.(?:cc|h|js|py))``", document.read_text()):
                count += 1
                self.assertTrue((TOP / name).exists(), f"{document.name} names {name}")
        self.assertGreater(count, 50)


if __name__ == "__main__":
    unittest.main()
