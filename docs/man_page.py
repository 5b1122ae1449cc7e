"""Makes a man page: fills the options of a program into its text, and has docutils do the rest.

    man_page.py PAGE.rst VERSION [PROGRAM] >PAGE

The line `.. options` in the text stands for what PROGRAM --help says of its options, and of those of
its commands: they are declared once, in C++.
"""

import re
import subprocess
import sys

import docutils.core

OPTIONS = ".. options\n"
# `  -x, --exclude GLOB…       ignore these files`, perhaps continued in the next lines.
ENTRY = re.compile(r"^  (?P<names>\S.*?)(?:  +(?P<help>.*))?$")
# The sections of --help that are no list of options.
OTHERS = ("Positionals", "Subcommands", "Example", "Examples")


def help_of(program, *command):
    return subprocess.run([program, *command, "--help"], check=True, capture_output=True,
                          encoding="utf-8").stdout


def entries(help_text, section):
    """(names, help) of each row of a section of --help."""
    found = []
    lines = help_text.partition(f"\n{section}:\n")[2].partition("\n\n")[0].splitlines()
    for line in lines:
        entry = ENTRY.match(line)
        if entry:
            found.append([entry["names"], entry["help"] or ""])
        else:
            found[-1][1] = f"{found[-1][1]} {line.strip()}".strip()
    return found


def plain(text):
    """The text, with a backslash before each character that is markup in reStructuredText."""
    return re.sub(r"([*`\\_|])", r"\\\1", text)


def options_of(program, *command):
    text = help_of(program, *command)
    sections = [name for name in re.findall(r"^(\w[\w ]*):$", text, re.MULTILINE)
                if name not in OTHERS]
    rows = [row for name in ("Positionals", *sections) for row in entries(text, name)]
    return [row for row in rows if not command or "--help" not in row[0]]


def definitions(rows, indent=""):
    return "".join(f"{indent}{plain(names)}\n{indent}    {plain(text)}\n\n"
                   for names, text in rows)


def options_text(program):
    text = definitions(options_of(program))
    for command, what in entries(help_of(program), "Subcommands"):
        text += f"{command}\n    {plain(what)}\n\n"
        text += definitions(options_of(program, command), indent="    ")
    return text


def main(page, version, program=None):
    with open(page, encoding="utf-8") as file:
        text = file.read().replace("|version|", version)
    if program:
        assert OPTIONS in text, f"{page} has no place for options"
        text = text.replace(OPTIONS, options_text(program))
    made = docutils.core.publish_string(text, writer_name="manpage", settings_overrides={
        "output_encoding": "utf-8", "report_level": 2, "halt_level": 2})
    sys.stdout.buffer.write(made)


main(*sys.argv[1:])
