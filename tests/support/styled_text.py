"""The colours of a terminal (ECMA-48, SGR), for pictures of it."""

import html
import re

SGR = re.compile(r"(\x1b\[[\d;]*m)")

# The colours that hpp uses, by their SGR number, for each colour scheme.
COLORS = {
    "light": {"text": "#1f2328", "back": "#ffffff", "31": "#cf222e", "32": "#116329", "33": "#7d4e00",
              "34": "#0550ae", "35": "#6639ba", "36": "#1b7c83", "2": "#59636e", "90": "#59636e"},
    "dark": {"text": "#e6edf3", "back": "#0d1117", "31": "#ff7b72", "32": "#7ee787", "33": "#e3b341",
             "34": "#79c0ff", "35": "#d2a8ff", "36": "#76e3ea", "2": "#8b949e", "90": "#8b949e"},
}


def pieces(text):
    """The parts of the text that have one style: (text, is it bold, number of the colour or None)."""
    is_bold, color = False, None
    for piece in SGR.split(text):
        if not SGR.fullmatch(piece):
            if piece:
                yield piece, is_bold, color
            continue
        for number in piece[2:-1].split(";"):
            if number in ("", "0"):
                is_bold, color = False, None
            elif number == "1":
                is_bold = True
            elif number == "22":
                is_bold, color = False, None if color == "2" else color
            elif number == "39":
                color = None
            elif number in COLORS["dark"]:
                color = number


def page(lines, columns):
    """A page that looks like a terminal of so many columns, in the colour scheme of the browser."""

    def variables(scheme):
        return "".join(f"--c{name}: {value}; " for name, value in COLORS[scheme].items())

    spans = "".join(
        f'<span style="color: var(--c{color or "text"}); font-weight: {"bold" if is_bold else "normal"}">'
        f"{html.escape(text)}</span>" for text, is_bold, color in pieces("\n".join(lines)))
    return f"""\
<!doctype html><meta charset="utf-8"><title>terminal</title>
<style>
:root {{ color-scheme: light dark; {variables("light")} }}
@media (prefers-color-scheme: dark) {{ :root {{ {variables("dark")} }} }}
body {{ margin: 0; background: var(--cback); }}
pre {{ margin: 16px; width: {columns}ch; font: 14px/19px ui-monospace, Menlo, Consolas, monospace; }}
</style>
<pre>{spans}</pre>
"""
