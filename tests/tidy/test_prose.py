"""Checks that comments, documents, messages and names of tests are plain English (CONTRIBUTING.rst).

    python3 tests/tidy/test_prose.py       # from anywhere; takes less than a second

It finds words and constructions at which readers stop, and says what to write instead. Text in which it
finds nothing can still be unclear. If a rule refuses a good sentence, change the rule, and add the sentence
to the rule's `fine` examples."""

import collections
import pathlib
import re
import unittest

TOP = pathlib.Path(__file__).resolve().parents[2]

# The corpus is no prose, and debian/ has the words of Debian's tools.
FOLDERS_NOT_CHECKED = re.compile(r"\.git|build.*|__pycache__|node_modules|corpus|debian")
# CHANGELOG.rst describes names and messages as they were, and this file contains the examples.
FILES_NOT_CHECKED = {"CHANGELOG.rst", "LICENSE", "test_prose.py"}
FILES = re.compile(r"[^.]+|meson_options\.txt|.*\.(?:cc|h|[cm]?js|py|rst|build|sh|bash|in|target)")

# `pattern` is searched without regard to letter case, unless it contains a capital letter. It must find
# each text in `refused`, and none in `fine`.
Rule = collections.namedtuple("Rule", "pattern instead refused fine")

# The end of a sentence that is no question.
NO_QUESTION = r"(?=[^?.]*(?:[.;:]|\Z))"

CLAUSES = [
    Rule(r"[Ww]ho(?:m|se)?\s(?!else)" + NO_QUESTION,
         '"A client that …", "A process whose …"',
         ["Who asks for one gets it.", "It waits; who comes later is refused."],
         ["Who reads this?", "The process that asks gets it.", "Lists who reads a topic."]),
    Rule(r"[Ww]hat (?!is|was|does|has|happens|this|its)\w+(?:s|ed)\s" + NO_QUESTION,
         'a noun: "The output that …"',
         ["What comes later is dropped.", "the end; what follows the body"],
         ["What is a ticket?", "What happens at a crash", "What a client sends.", "What hides behind it?"]),
    Rule(r"(?:Of (?:no|what|which|each|all|these|those|them|two|it)|By (?:them|it)|Nor (?:is|does|are|do))\b",
         'subject and verb first: "publish() sends nothing if …"',
         ["Of no news nothing is sent.", "It stops. Nor does it start."],
         ["Nothing is sent without news.", "Of course it stops."]),
    Rule(r"(?:Did|Had|Were|Should)\s(?:the|a|an|it|they|hpp|no|any|there)\s[^?.]*,", '"If …", "When …"',
         ["Had it ended, nothing was left.", "Should the file vanish, it stops."],
         ["If it had ended, nothing was left.", "Had the request been sent?"]),
]

WORDS = [
    Rule(r"(?:whoever|whosoever|whomever|(?:whatever|whichever)\s(?:is|was|has|does|did|comes|came|asks|leaves))\b",
         '"each process that …", "everything that …"',
         ["whoever asks gets an answer", "whatever was missed"],
         ["every process that asks gets an answer", "whatever the parent has done"]),
    Rule(r"(?:nobody|somebody|anybody)\b", 'who it is: "no reader", "another process", "every user"',
         ["nobody reads it", "somebody else has it"], ["no process reads it"]),
    Rule(r"(?:(?:he|she|one|those)\swho|(?:of|for|with)\swhom)\b", '"a client that …", "programs that …"',
         ["those who wait", "one who asks", "for whom it is"], ["programs that wait"]),
    Rule(r"(?:that which|such as are|all that (?:is|are|was|were|has|have|had|they|it|we))\b",
         '"everything that …" or, better, the noun',
         ["all that was saved", "that which is left"], ["all files that were saved", "all that data"]),
    Rule(r"(?:lest|for want of|as long as somebody|in so far)\b", '"so that … not", "without", "if"',
         ["lest it block", "for want of a parent"], ["so that it does not block"]),
    Rule(r"anew\b", '"again"', ["reads it anew"], ["reads it again"]),
    Rule(r"likewise\b", 'the thing itself, or "too"', ["and likewise for bytes"], ["and bytes, too"]),
    Rule(r"(?:hitherto|henceforth|thereof|therein|wherefore|whither|naught|aught)\b",
         '"until now", "from now on", "of it", "nothing"', ["henceforth it waits"], ["from now on it waits"]),
    Rule(r"(?:of its own accord|to and fro|in its stead)\b", '"by itself", "back and forth", "instead"',
         ["ends of its own accord"], ["ends by itself"]),
    Rule(r"(?:is to be (?:had|seen|said|known|heard)|may be had|there is no telling)\b",
         '"is available", "can be read"', ["none is to be had"], ["none is available"]),
    Rule(r"(?:is|are|was|were|be|been|being) told\b", '"receives", "is notified"',
         ["proxyd is told at once"], ["it has told the user"]),
    Rule(r"(?:is|are|was|were) to be\b", '"must be", "will be"',
         ["the directory is to be repaired"], ["nothing will be repaired"]),
    Rule(r"a hpp\b", '"an hpp"', ["a hpp-launch that was killed"], ["an hpp-launch that was killed"]),
    Rule(r"(?:hears? of|heard of|tells? of|told of|knows? nothing (?:of|about)|has? word of)\b",
         'what happens: "receives", "reports", "publishes", "reads", "does not know"',
         ["watchd hears of it", "it tells of a change"], ["watchd receives it", "it reports a change"]),
    Rule(r"(?:pleas?|households?|strays?)\b", '"query", "services", "orphan" (docs/glossary.rst)',
         ["the plea is answered", "a stray is killed"], ["please answer the query"]),
    Rule(r"verdicts?\b", '"decision"', ["the gate's verdict"], ["the gate's decision"]),
    Rule(r"(?:let|lets|letting) go\b", '"release", "forward"', ["it is let go"], ["it is released"]),
    Rule(r"doubt(?:s|ed)?\b", '"liveness check", "problem"', ["it answers a doubt"], ["a doubtful date"]),
    Rule(r"(?:go|goes|going|went) on with (?:it|that)\b", '"continues"', ["went on with it"], ["continues it"]),
    Rule(r"in good order\b", '"with a FIN", "without an error"', ["closes in good order"], ["ends with a FIN"]),
]

# For comments alone: beginnings that lean on the line above.
BEGINNINGS = [
    Rule(r"(?:(?:likewise|ditto|as above)\b|(?:the same|also)(?:[.,]|\Z)|(?:the same for|also of)\b)",
         "the thing itself", ["likewise", "the same, for bytes"], ["the request's ticket", "the same ticket"]),
    Rule(r"(?:of (?:the|that|this|those|a|an|it|its|which|what)|in (?:that|those)|for (?:that|those|it)"
         r"|by (?:that|it)|with (?:that|it)|at which)\b", 'a noun in front: "the file\'s name", "size of the …"',
         ["of the request", "for that, a ticket"], ["the request's ticket", "for the request"]),
]


class Rules:
    """Rules for texts with the same place: where their patterns may begin."""

    def __init__(self, place, rules):
        def pattern(rule):
            has_capitals = re.search(r"[A-Z]", re.sub(r"\\.", "", rule.pattern))
            return rule.pattern if has_capitals else f"(?i:{rule.pattern})"

        self.rules = [(rule, re.compile(place + pattern(rule))) for rule in rules]
        self.any = re.compile(f"{place}(?:{'|'.join(map(pattern, rules))})")  # one search for most texts

    def search(self, text):
        """Yields (where it begins, what to write instead) for each problem."""
        if not self.any.search(text):
            return
        for rule, pattern in self.rules:
            for found in pattern.finditer(text):
                yield found.end() - len(found[0].lstrip()), rule.instead


FOR_TEXTS = [Rules(r"(?:\A|(?<=[.:;!?(])\s+)", CLAUSES), Rules(r"\b", WORDS)]
FOR_COMMENTS = [*FOR_TEXTS, Rules(r"\A", BEGINNINGS)]

# ---- the prose of a file -------------------------------------------------------------------------

CODE = re.compile(r"``[^`]*``|`[^`\n]*`")
SLASHES = re.compile(r"(?:(?<=\s)|^)//+ ?(.*)$")
HASH = re.compile(r"(?:(?<=\s)|^)#+(?!!) ?(.*)$")
LITERAL = re.compile(r'"([^"\\\n]*(?:\\.[^"\\\n]*)*)"')
DOCSTRING = re.compile(r'"""(.*?)"""', re.DOTALL)
TEST_NAME = re.compile(r"\bTEST(?:_F|_P)?\((\w+),\s+(\w+)\)|\bdef (test)_(\w+)")
PRIVATE_WORDS = ("letgo", "let_go", "doubt", "plea", "verdict", "household", "stray")
IDENTIFIER = re.compile(r"\w+")
NO_CODE = re.compile(r'//[^\n]*|"(?:\\.|[^"\\\n])*"')
WORD_BOUNDARY = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])|_")


def comments(text, mark):
    """(number of the first line, text) of each comment. Comments on lines of their own that follow each other
    are one, up to an empty one."""
    block = []
    for number, line in enumerate(text.split("\n"), 1):
        found = mark.search(line)
        is_own_line = found and found[1] and not line[:found.start()].strip()
        if block and not is_own_line:
            yield number - len(block), "\n".join(block)
            block = []
        if is_own_line:
            block.append(found[1])
        elif found and found[1]:
            yield number, found[1]
    if block:
        yield number - len(block) + 1, "\n".join(block)


def words_of(name):
    """The words of a name in CamelCase or snake_case, as a text."""
    words = WORD_BOUNDARY.sub(" ", name)
    return words[:1].upper() + words[1:].lower()


def is_private(text):
    lower = text.lower()
    return any(word in lower for word in PRIVATE_WORDS)


def line_at(text, position):
    return text.count("\n", 0, position) + 1


def without_docstrings(text):
    return DOCSTRING.sub(lambda found: "\n" * found[0].count("\n"), text)


def prose(path, text):
    """(rules, number of the first line, text) of everything in the file that a person reads."""
    suffix = path.rpartition(".")[2]
    if suffix in ("rst", "md"):
        number = 1
        for paragraph in re.split(r"(\n\s*\n)", text):
            yield FOR_TEXTS, number, paragraph
            number += paragraph.count("\n")
        return
    is_c = suffix in ("cc", "h", "js", "cjs", "mjs")
    if suffix == "py":
        for found in DOCSTRING.finditer(text):
            yield FOR_TEXTS, line_at(text, found.start()), found[1].strip(" ")
        text = without_docstrings(text)
    for number, comment in comments(text, SLASHES if is_c else HASH):
        yield FOR_COMMENTS, number, comment
    if is_c or suffix == "py":
        for found in LITERAL.finditer(text):
            if found[1].count(" ") >= 2:
                yield FOR_TEXTS, line_at(text, found.start()), found[1]
        for found in TEST_NAME.finditer(text):
            name = f"{found[1] or found[3]}: {words_of(found[2] or found[4])}"
            yield FOR_TEXTS, line_at(text, found.start()), name
    if is_c and is_private(text):
        for number, line in enumerate(NO_CODE.sub("", text).split("\n"), 1):
            for name in filter(is_private, IDENTIFIER.findall(line)):
                yield FOR_TEXTS, number, words_of(name)


def problems(path, text):
    found = []
    for all_rules, number, said in prose(path, text):
        plain = CODE.sub("_", said)
        for rules in all_rules:
            for begin, instead in rules.search(plain):
                words = " ".join(plain[begin:begin + 60].split())
                found.append(f"{path}:{line_at(plain, begin) + number - 1}: '{words}': write {instead}")
    return found


def checked_files(folder=TOP):
    for entry in sorted(folder.iterdir()):
        if entry.is_dir():
            if not FOLDERS_NOT_CHECKED.fullmatch(entry.name):
                yield from checked_files(entry)
        elif FILES.fullmatch(entry.name) and entry.name not in FILES_NOT_CHECKED:
            yield str(entry.relative_to(TOP))


class EachRule(unittest.TestCase):
    def test_refuses_and_accepts_its_examples(self):
        for rules in FOR_COMMENTS:
            for rule, pattern in rules.rules:
                for text in rule.refused:
                    self.assertRegex(text, pattern)
                    self.assertRegex(text, rules.any)
                for text in rule.fine:
                    self.assertNotRegex(text, pattern)


class Prose(unittest.TestCase):
    """Which text of a file is checked."""

    def found(self, path, text):
        return [(number, said) for _, number, said in prose(path, text)]

    def test_comments_of_cpp(self):
        text = "// One,\n// two.\n//\n// Three.\nint a;  // four\nint b = 1 / 2;\n"
        self.assertEqual(self.found("a.cc", text), [(1, "One,\ntwo."), (4, "Three."), (5, "four")])

    def test_comments_of_scripts(self):
        self.assertEqual(self.found("tools/x", "#!/bin/sh\n# One\n# two\necho a#b  # three\n"),
                         [(2, "One\ntwo"), (4, "three")])

    def test_a_comment_at_the_end_of_a_file(self):
        self.assertEqual(self.found("meson.build", "a\n# One\n# two"), [(2, "One\ntwo")])

    def test_docstrings(self):
        self.assertEqual(self.found("a.py", 'x = 1\n"""One\ntwo."""\n# three\n'), [(2, "One\ntwo."), (4, "three")])

    def test_messages_of_three_words(self):
        self.assertEqual(self.found("a.cc", 'say("a \\"quoted\\" text", "two words");'),
                         [(1, 'a \\"quoted\\" text')])

    def test_names_of_tests(self):
        self.assertEqual(self.found("a.cc", "\nTEST_F(Gate, ANewTicketIsSent) {"), [(2, "Gate: A new ticket is sent")])
        self.assertEqual(self.found("a.py", "def test_it_ends(self):"), [(1, "test: It ends")])

    def test_identifiers_with_private_words(self):
        self.assertEqual(self.found("a.cc", "int a;\nint newestVerdict_ = kDoubt;"),
                         [(2, "Newest verdict "), (2, "K doubt")])

    def test_documents(self):
        self.assertEqual(problems("a.rst", "Title\n=====\n\nOne line,\nread anew.\n"),
                         ["a.rst:5: 'anew.': write \"again\""])

    def test_code_is_not_checked(self):
        self.assertEqual(problems("a.rst", "The option ``--anew`` and the user `nobody`."), [])
        self.assertEqual(problems("a.cc", "int anew = nobody;"), [])


class Sources(unittest.TestCase):
    def test_are_plain_english(self):
        found = []
        count = 0
        for path in checked_files():
            count += 1
            found += problems(path, (TOP / path).read_text(encoding="utf-8"))
        if found:
            self.fail("\n" + "\n".join(found))
        self.assertGreater(count, 500)


if __name__ == "__main__":
    unittest.main()
