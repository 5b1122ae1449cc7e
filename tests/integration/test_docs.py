"""The documentation of the programs: man pages and completion contain every option."""

import io
import os
import pathlib
import re
import shlex
import shutil
import subprocess
import tempfile
import unittest

import docutils.core

from harness import BUILD_DIR, DEADLINE_S

SOURCE = pathlib.Path(__file__).resolve().parents[2]
DOCUMENTS = (*SOURCE.glob("*.rst"), *SOURCE.glob("docs/*.rst"))
PAGES = {"ctl": 1, "launch": 1, "proxyd": 8, "supervisord": 8, "watchd": 8}


def program(name):
    return BUILD_DIR / name / f"hpp-{name}"


def help_of(name, *command):
    return subprocess.run([program(name), *command, "--help"], check=True, capture_output=True,
                          text=True).stdout


def ctl_commands():
    """The commands of hpp-ctl, as its --help lists them."""
    section = help_of("ctl").partition("\nSubcommands:\n")[2].partition("\n\n")[0]
    return re.findall(r"^  ([a-z]+)(?: |$)", section, re.MULTILINE)


def options_in(text):
    """All long option names in the text."""
    return set(re.findall(r"--[a-z][a-z-]*[a-z]", text))


def declared(text):
    """The long option names that have a row in --help."""
    return options_in("\n".join(re.findall(r"^  (?:-\w, )?--\S+", text, re.MULTILINE)))


class ManPages(unittest.TestCase):
    def page(self, name):
        path = BUILD_DIR / "docs" / f"hpp-{name}.{PAGES[name]}"
        if not path.exists():
            self.skipTest("no man pages were built: docutils is missing")
        return path.read_text()

    def test_contain_every_option(self):
        for name in PAGES:
            expected = declared(help_of(name))
            self.assertIn("--version", expected)
            text = self.page(name).replace("\\-", "-").replace("\\", "")
            self.assertLessEqual(expected, options_in(text), name)

    def test_help_fits_into_eighty_columns(self):
        texts = [help_of(name) for name in PAGES]
        texts += [help_of("ctl", command) for command in ctl_commands()]
        for text in texts:
            self.assertEqual([line for line in text.splitlines() if len(line) > 80], [])

    def test_the_page_of_hpp_ctl_contains_its_commands_options(self):
        text = self.page("ctl").replace("\\-", "-")
        for command in ctl_commands():
            self.assertLessEqual(declared(help_of("ctl", command)), options_in(text))

    def test_contain_each_command_of_hpp_ctl(self):
        """In the synopsis, and in a paragraph of its own."""
        text = (SOURCE / "docs" / "hpp-ctl.1.rst").read_text()
        synopsis, _, description = text.partition("DESCRIPTION")
        for command in ctl_commands():
            self.assertRegex(synopsis, rf"(?m)^\| \*\*hpp-ctl\*\*.*\*\*{command}\*\*")
            self.assertRegex(description, rf"(?m)^\*\*{command}\*\*[ ,]")

    def test_describe_each_option(self):
        text = self.page("launch").replace("\\-", "-").replace("\\", "")
        row = re.search(r"--queue-limit +N\n(.*)", text)
        self.assertEqual(row[1], "hold at most N requests for your server (default: 10000)")

    def test_have_the_same_sections(self):
        for name in PAGES:
            # docutils before 0.22 writes them in capitals.
            headings = {heading.upper() for heading in re.findall(r"^\.SH (.*)$", self.page(name), re.MULTILINE)}
            self.assertLessEqual({"NAME", "SYNOPSIS", "DESCRIPTION", "OPTIONS", "EXIT STATUS",
                                  "EXAMPLES", "SEE ALSO"}, headings, name)


class Help(unittest.TestCase):
    def test_each_command_of_hpp_ctl_has_an_example(self):
        for command in ctl_commands():
            example = help_of("ctl", command).partition("\nExample:\n  ")[2]
            words = re.search(r"hpp-ctl [^|&\n]*", example)
            self.assertIsNotNone(words, f"{command} has no example of a command line of hpp-ctl")
            self.assertIn(command, words[0].split())
            self.assertLessEqual(options_in(words[0]), declared(help_of("ctl")) | declared(help_of("ctl", command)))

    def test_each_program_has_an_example(self):
        for name in PAGES:
            examples = help_of(name).partition("\nExample")[2].partition(":\n")[2]
            self.assertRegex(examples, rf"(?m)^  .*\bhpp-{name}\b", name)


class Texts(unittest.TestCase):
    def test_are_valid_restructured_text(self):
        for path in DOCUMENTS:
            said = io.StringIO()
            docutils.core.publish_string(path.read_text().replace("|version|", "0"), writer_name="null", settings_overrides={
                "warning_stream": said, "report_level": 2, "file_insertion_enabled": False})
            self.assertEqual(said.getvalue(), "", path)

    def test_readme_names_only_options_that_exist(self):
        table = re.findall(r"^``(?:-\w, )?(--[a-z-]+)[^`]*``  +\S",
                           (SOURCE / "README.rst").read_text(), re.MULTILINE)
        self.assertIn("--pattern", table)
        self.assertLessEqual(set(table), declared(help_of("launch")))


class Examples(unittest.TestCase):
    """The commands in the documents. A document that was wrapped to its width breaks them."""

    PROGRAMS = re.compile(r"(hpp-\w+|tools/[\w-]+|meson|gdb|journalctl|systemctl|curl|jq|sed|mkdir|ln|cd|"
                          r"ulimit|cat|ninja|build/\S+)$")

    def commands(self, path):
        """The words of each command in the literal blocks of the document."""
        document = docutils.core.publish_doctree(
            path.read_text(), settings_overrides={"report_level": 5})
        for block in document.findall(docutils.nodes.literal_block):
            text = block.astext().replace("\\\n", " ")
            if re.match(r"(hpp|tools|build)[-/]\w+ *", text):
                for line in text.splitlines():
                    for command in re.split(r" && | \| ", line):
                        if words := shlex.split(command, comments=True):
                            yield words

    def test_are_one_command_a_line(self):
        found = 0
        for path in DOCUMENTS:
            for words in self.commands(path):
                found += 1
                with self.subTest(path.name, command=words):
                    self.assertRegex(words[0], self.PROGRAMS)
                    self.assertEqual([word for word in words[1:]
                                      if re.match(r"hpp-(launch|ctl)$", word)], [])
        self.assertGreater(found, 40)

    def test_have_options_that_the_program_accepts(self):
        """A command ends before its --exec, so that only hpp's own part is parsed."""
        for path in DOCUMENTS:
            for words in self.commands(path):
                if words[0] == "hpp-launch" and "BIND" not in words:
                    with self.subTest(path.name, command=words):
                        own = words[1:words.index("--exec")] if "--exec" in words else words[1:]
                        self.assertLessEqual({word for word in own if word.startswith("--")},
                                             declared(help_of("launch")))


# The command by which each shell prints the words that it would offer. Its arguments are the folder of
# the completions and a command line, whose last word the shell must complete. zsh's own functions are
# replaced by functions that print their arguments.
SHELLS = {
    "bash": ["bash", "-c", """source "$1/hpp.bash"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1))
        function=_hpp_${1##*/hpp-}; "$function" "$1"; printf '%s\\n' "${COMPREPLY[@]}" """, "bash"],
    "fish": ["fish", "--no-config", "-c", """source $argv[1]/hpp.fish
        complete -C (string join -- ' ' (basename $argv[2]) $argv[3..]) | cut -f1"""],
    "zsh": ["zsh", "-f", "-c", """compadd() { [[ $1 == -- ]] && shift; print -rl -- "$@" }
        _describe() { local -a lines; lines=("${(@P)@[-1]}"); print -rl -- "${(@)lines%%:*}" }
        _files() { }
        _normal() { print -rl -- ${(k)commands} }
        completions=$1; shift; words=("$@"); CURRENT=$#; PREFIX=${@[-1]}; service=${1:t}
        source $completions/_hpp""", "zsh"],
}


class Completion(unittest.TestCase):
    def complete_in(self, shell, line, **environment):
        """The words that the shell would offer for the last word of the line."""
        words = line.split(" ")
        tool = program(words[0].removeprefix("hpp-"))
        path = f"{tool.parent}:{os.environ['PATH']}"
        done = subprocess.run([*SHELLS[shell], SOURCE / "completions", tool, *words[1:]], check=True,
                              capture_output=True, text=True,
                              env={**os.environ, "PATH": path, **environment})
        self.assertEqual(done.stderr, "")
        return {word for word in done.stdout.split() if word.startswith(words[-1])}

    def complete(self, line, **environment):
        """What all installed shells offer. They must agree."""
        offers = {shell: self.complete_in(shell, line, **environment)
                  for shell in SHELLS if shutil.which(shell)}
        for shell, offer in offers.items():
            self.assertEqual(offer, offers["bash"], shell)
        return offers["bash"]

    def test_knows_every_option(self):
        self.assertEqual(self.complete("hpp-launch -"), declared(help_of("launch")) | {"--exec"})
        self.assertEqual(self.complete("hpp-launch 1 2 --barrier-"), {"--barrier-timeout"})
        for command in ctl_commands():
            self.assertEqual(self.complete(f"hpp-ctl {command} --"),
                             declared(help_of("ctl")) | declared(help_of("ctl", command)))

    def test_knows_commands_and_values(self):
        self.assertEqual(self.complete("hpp-ctl "), set(ctl_commands()))
        self.assertEqual(self.complete("hpp-ctl --name x st"), {"status", "stop"})
        self.assertEqual(self.complete("hpp-ctl status "), set())
        self.assertEqual(self.complete("hpp-launch --barrier o"), {"on", "off"})
        self.assertEqual(self.complete("hpp-launch --ready "), {"http", "tcp", "notify", "line:"})
        self.assertIn("TERM", self.complete("hpp-launch --stop-signal T"))

    def test_completes_names_without_executing_them(self):
        with tempfile.TemporaryDirectory() as directory:
            root = pathlib.Path(directory) / "hpp"
            planted = "x$(echo>planted)", "x`echo>planted`", "x y", "x;z"
            for name in ("good-1.a_B", "no-lock", *planted, "of-another"):
                (root / name).mkdir(parents=True)
                if name != "no-lock":
                    (root / name / "lock").touch()
            names = {"good-1.a_B", "of-another"}
            if os.geteuid() == 0:
                os.chown(root / "of-another", 12345, 12345)
                names.remove("of-another")
            shared = self.complete("hpp-ctl --name ", XDG_RUNTIME_DIR="/nowhere")
            found = self.complete("hpp-ctl --name ", XDG_RUNTIME_DIR=directory)
            self.assertEqual(found - shared, names)
            self.assertEqual(self.complete("hpp-ctl --name good", XDG_RUNTIME_DIR=directory),
                             {"good-1.a_B"})
            if os.geteuid() == 0:
                os.chown(root, 12345, 12345)
                self.assertEqual(self.complete("hpp-ctl --name good", XDG_RUNTIME_DIR=directory),
                                 set())
        self.assertFalse(pathlib.Path("planted").exists())

    def test_does_not_depend_on_the_locale(self):
        """Few systems have the locales in which `[a-z]` lacks letters, so the text is checked."""
        for name in ("hpp.bash", "_hpp"):
            text = re.sub("(?m)^ *#.*", "", (SOURCE / "completions" / name).read_text())
            filters = re.findall(r"(\S+) (?:grep|sed) ", text)
            self.assertEqual(set(filters), {"LC_ALL=C"}, name)

    def test_quotes_the_names_of_files(self):
        with tempfile.TemporaryDirectory() as directory:
            planted = pathlib.Path(directory) / "x$(touch planted)"
            planted.mkdir()
            script = (f"source '{SOURCE}/completions/hpp.bash'\n"
                      "hpp-ctl() { printf 'got <%s>\\n' \"$2\"; }\n"
                      "hpp-launch() { hpp-ctl \"$@\"; }\n"
                      f"hpp-ctl --run-dir {directory}/x\t\n"
                      f"hpp-launch --config {directory}/x\t\n")
            done = subprocess.run(["bash", "--norc", "--noprofile", "-i"], input=script, cwd=directory,
                                  capture_output=True, text=True, timeout=DEADLINE_S,
                                  env={**os.environ, "INPUTRC": "/dev/null", "HISTFILE": "/dev/null"})
            self.assertEqual(re.findall("got <(.*?)/?>", done.stdout), [str(planted)] * 2, done)
            self.assertEqual(os.listdir(directory), [planted.name])

    def test_leaves_the_command_to_its_own_completion(self):
        self.assertIn("python3", self.complete("hpp-launch 1 2 --exec python"))
        self.assertIn("python3", self.complete("hpp-launch 1 2 -- python"))
        self.assertNotIn("--exec", self.complete("hpp-launch 1 2 -- python3 -"))
