"""Records which modules a process loads from outside the project (docs/gate.rst).

The file has a line for each fact, and begins each with `py`, because a wrapper in another language may
write to the same file:

    py main PATH        from here on, the variable __file__ of __main__ is this
    py module NAME STATE LOADER ORIGIN
                        loaded, in this order: see State, and the class that has loaded it from which file
    py file NAME PATH   what is in sys.modules under this name is another module, from this file
    py folder PATH      a folder of the project from which modules are imported
    py failed NAME      loading has failed, in the usual way: the program goes on without it
    py set NAME         the program has set this variable, or a module that is not loaded early
    py env NAME         a module has set this variable while it was loaded, before what follows
    py start WORD       a start of the program, `warm` if modules were loaded early, or `cold`
    py serves           the program listens
    py added DIGEST     the program, or a module, has changed something to a value that has this digest: see
                        State.items
    py again            the program has done so for the first time: what is recorded of modules is old
    py fork             the process has forked: a thread of the parent would be missing in the child
    py skip NAME        must not be loaded early: hpp_spare.py has found that out, or the program has put
                        another module into sys.modules under this name
    py checked DIGEST   everything before has been loaded early once, and what must not is known; see
                        Spare.digest
"""

import _frozen_importlib
import _imp
import _warnings
import builtins
import os
import sys
import time

from hpp_watch import Watch

# Each restarted worker of a server that forks appends its modules. More than this is not recorded.
FILE_BYTES_MAX = 1 << 23
# A write for each module would take 1 % of a start.
WRITE_INTERVAL_S = 0.01
# The search for new modules in sys.modules ends after so many known ones.
KNOWN_IN_A_ROW = 8
# Folders below a root whose files do not belong to the project.
OUTSIDE = {"node_modules", "site-packages", "dist-packages", "gems", "bundle"}


# Python imports these by itself.
BY_SITE = {"sitecustomize", "usercustomize"}
# Other names of the program.
OF_MAIN = {"__main__", "__mp_main__"}


class Project:
    """Which files belong to the project."""

    def __init__(self, roots):
        self.roots = tuple(root.rstrip("/") + "/" for root in roots)
        # A conda environment in the project folder contains the standard library.
        self.library = os.path.dirname(os.__file__) + "/"

    def has(self, path):
        for root in self.roots:
            if path.startswith(root):
                return not path.startswith(self.library) and OUTSIDE.isdisjoint(path[len(root):].split("/"))
        return False

    def has_folder(self, path):
        return self.has(path.rstrip("/") + "/")


def attribute(name, variable):
    """A variable of this module, or None. A lazy module would be loaded if it were asked for it."""
    try:
        return object.__getattribute__(sys.modules[name], "__dict__").get(variable)
    except (AttributeError, KeyError):
        return None


def is_of_package(name):
    """Whether its package has put the module into sys.modules, as `collections` does with collections.abc. The
    package does so in a spare, too."""
    package, _, variable = name.rpartition(".")
    return package in sys.modules and attribute(package, variable) is sys.modules.get(name)


def is_initializing(name):
    return getattr(attribute(name, "__spec__"), "_initializing", False)


def digest(text):
    return _imp.source_hash(0, text.encode("utf-8", "surrogateescape")).hex()


def kind_of(value):
    """The name of its class, or of the class that it is: a word."""
    kind = value if isinstance(value, type) else type(value)
    return f"{kind.__module__}.{kind.__qualname__}"


def current_folder():
    try:
        return os.getcwd()
    except OSError:
        return None  # it has been removed


def source_of(spec):
    """How a module is loaded, in two words, if it comes from a file."""
    return f"{kind_of(spec.loader)} {spec.origin}" if spec.has_location else ""


class State:
    """What a program can change before an import so that the module does something else while it is loaded:
    the current folder, sys.path, the arguments, builtin names, and the filters of warnings. Folders of the
    project in sys.path and import hooks are no matter, because a spare compares how it finds each module.
    The handlers of logging are none of this: most programs set them up early, and few modules log while
    they are loaded."""

    def __init__(self, project, script):
        self.project = project
        # Python puts one of these first, after the adapter has been loaded.
        self.first = {"", current_folder()}
        if script is not None:
            self.first |= {os.path.dirname(path)
                           for path in (script, os.path.abspath(script), os.path.realpath(script))}
        self.values, self.known, self.parts = None, "", {}

    def digest(self):
        """Equal values mean equal states, also in different processes."""
        folder = current_folder()
        warnings = sys.modules.get("warnings", _warnings)
        values = (folder, *sys.path, None, *sys.argv[1:], None, *getattr(warnings, "filters", ()), None,
                  len(builtins.__dict__))
        if values != self.values:
            self.parts = self.parts_of(folder, warnings)
            self.values, self.known = values, digest(repr(self.parts))
        return self.known

    def items(self):
        """{digest of a value: the part to which it belongs}"""
        self.digest()
        return {digest(f"{part} {value!r}"): part for part, values in self.parts.items() for value in values}

    def parts_of(self, folder, warnings):
        """For a person, and the values."""
        return {
            "the current folder": [folder], "sys.argv": [sys.argv[1:]],
            "sys.path": [path for path in dict.fromkeys(sys.path) if not self.is_expected(path)],
            "builtins": sorted(builtins.__dict__), "warnings.filters": list(getattr(warnings, "filters", ()))}

    def is_expected(self, path):
        return isinstance(path, str) and (path in self.first or self.project.has_folder(os.path.abspath(path)))


def free_descriptor(number):
    """The first number from this one on that is not in use."""
    while True:
        try:
            os.fstat(number)
        except OSError:
            return number
        number += 1


def identity(descriptor):
    try:
        status = os.fstat(descriptor)
    except OSError:
        return None
    return status.st_dev, status.st_ino


def disguise(function):
    """Lets Python leave the function out of a traceback, as it does with the import system's own."""
    function.__code__ = function.__code__.replace(co_filename="<frozen importlib._bootstrap>")


def without_errors(function):
    """The program must not notice a full disk, or another thread's import."""
    def careful(*words):
        try:
            return function(*words)
        except Exception:
            return None
    return careful


class EarlyReads:
    """The variables of the environment that modules have read while a spare has loaded them."""

    def __init__(self):
        self.values = {}  # name: what the first module has read, None if there was no such variable
        self.are_all_read = False  # a module has listed the variables
        self.copies = []  # dictionaries with all variables, which are kept up to date
        self.expected = None  # the values of the last start, if modules were loaded early

    def note(self, name):
        self.values.setdefault(name, os.environ._data.get(name))

    def update_copies(self, name, value):
        for copy in self.copies:
            if value is None:
                copy.pop(os.fsdecode(name), None)
            else:
                copy[os.fsdecode(name)] = os.fsdecode(value)

    def would_differ(self, name, value):
        """Whether a module may have read another value than this one."""
        return self.values[name] != value if name in self.values else self.are_all_read


class Recorder:
    """Appends to `file` at each import. There is no audit hook: it could not be removed, and would slow the
    program down for all its life."""

    def __init__(self, file, project, state):
        self.file, self.project, self.state = file, project, state
        self.descriptor, self.identity = -1, ()
        self.known, self.count = set(), 0
        self.importing = []  # recorded names whose import has begun, outermost first
        self.found = {}  # name: ((the state, the file of __main__) when it was looked for, its loader and file)
        self.main, self.watch = None, Watch()
        self.last_state, self.items, self.expected = "", set(), None
        self.folders = set()
        self.path = ()
        self.early, self.gate, self.gate_identity = None, -1, None
        self.variables = {}  # name: the words under which it was recorded, or `variable` if hpp knows it
        self.pending, self.next_write = "", 0.0
        self.has_forked = self.sees_listening = False

    def start(self, number, early=None):
        """Closes the gate, whose number is out of the way of the program's own descriptors, and uses that
        number for the file. A spare that has read variables early keeps the gate."""
        opened = self.open()
        if early is not None:
            self.early, self.gate, self.gate_identity = early, number, identity(number)
            self.expected = early.expected
            number = free_descriptor(number)
        self.descriptor = os.dup2(opened, number, inheritable=False)
        os.close(opened)
        self.identity = identity(self.descriptor)
        is_loaded = "atexit" in sys.modules
        __import__("atexit").register(self.finish)
        if not is_loaded and sys.version_info >= (3, 10):  # before, it keeps the functions in itself
            del sys.modules["atexit"]
        self.known, self.count = set(sys.modules), len(sys.modules)
        self.last_state, self.items = self.state.digest(), {*self.state.items()}
        self.append(f"py start {'cold' if self.expected is None else 'warm'}\n")
        os.register_at_fork(before=without_errors(self.note_fork))
        for name in "putenv", "unsetenv":
            self.watch.replace(os, name, without_errors(self.note_variable))
        self.watch_imports()

    def watch_imports(self):
        """A finder of the project's or of a debugger may be before any other, so this is where Python asks
        them all."""
        original = _frozen_importlib._find_spec
        before, after = without_errors(self.begin), without_errors(self.note_found)

        def _find_spec(name, path, target=None):
            begin = before(name)
            spec = original(name, path, target)
            if spec is not None:
                after(name, begin, spec)
            return spec
        disguise(_find_spec)
        _frozen_importlib._find_spec = _find_spec

    def watch_listening(self):
        """hpp looks at the file when the server answers. uvloop listens by itself, but lets Python bind."""
        kind, note = attribute("socket", "socket"), without_errors(self.note_listening)

        def noting(original):
            def method(*words):
                note()
                return original(*words)
            method.__name__, method.__qualname__ = original.__name__, original.__qualname__
            method.__doc__ = original.__doc__
            return method
        for name in "bind", "listen":
            setattr(kind, name, noting(getattr(kind, name)))

    def note_found(self, name, begin, spec):
        self.found[name] = begin, source_of(spec)

    def begin(self, name):
        """An import begins. Returns the state, and the file of __main__."""
        if self.path != (path := tuple(sys.path)):
            self.note_folders(path)
        try:
            self.note_modules()
        except RuntimeError:  # another thread imports something: the next call notes it
            pass
        if not self.sees_listening and attribute("socket", "socket") is not None and not is_initializing("socket"):
            self.sees_listening = True
            self.watch_listening()
        self.note_state()
        return self.last_state, attribute("__main__", "__file__")

    def note_state(self):
        """If the program changes something to a value that it never had, a module that was loaded early may have
        seen the old one."""
        if self.last_state == (state := self.state.digest()):
            return
        self.last_state = state
        for item, part in self.state.items().items():
            if item not in self.items:
                self.items.add(item)
                self.append(f"py added {item}\n")
                if self.expected is not None and item not in self.expected:
                    self.expected = None
                    self.append("py again\n")
                    self.flush()
                    self.start_cold(part.encode())

    def start_cold(self, name):
        """Asks hpp to start the program again, because it has changed this after a module has read it."""
        if identity(self.gate) == self.gate_identity:
            os.write(self.gate, b"variable " + name + b"\n")

    def finish(self):
        self.note_state()
        self.note_modules()
        self.flush()

    def note_listening(self):
        self.note_state()
        self.append("py serves\n")
        self.finish()

    def note_fork(self):
        self.note_modules()
        if not self.has_forked:
            self.has_forked = True
            self.append("py fork\n")
        self.flush()

    def note_modules(self):
        """Records what is in sys.modules since the last call. Each import comes here before it begins."""
        # Python moves a module to the end when its import is complete.
        missing, in_a_row, new = len(sys.modules) - self.count, 0, []
        for name in reversed(sys.modules):
            if name not in self.known:
                new.append(name)
                in_a_row = 0
            elif len(new) >= missing and (in_a_row := in_a_row + 1) == KNOWN_IN_A_ROW:
                break
        self.count = len(sys.modules)
        lines = []
        while self.importing and not is_initializing(self.importing[-1]):
            name = self.importing.pop()
            if name not in sys.modules:
                lines.append(f"py failed {name}\n")
        for name in reversed(new):
            self.known.add(name)
            if name not in BY_SITE and name not in OF_MAIN:
                lines.append(self.line_for(name))
        if text := "".join(lines):
            self.append(text)

    def line_for(self, name):
        """What is recorded of this new module. A package may replace its own module by any object, and the
        program may do the same."""
        begin, source = self.found.get(name, (None, ""))
        if begin is None:
            return "" if is_of_package(name) else f"py skip {name}\n"
        origin = source.partition(" ")[2]
        if not origin or self.project.has(origin):
            return ""
        self.importing.append(name)
        state, main = begin
        line = f"py module {name} {state} {source}\n"
        if main != self.main:
            self.main = main
            line = f"py main {main or ''}\n" + line
        file = attribute(name, "__file__")
        return line if file in (None, origin) else f"{line}py file {name} {file}\n"

    def note_folders(self, path):
        self.path = path
        for folder in path:
            if isinstance(folder, str) and folder not in self.folders:
                self.folders.add(folder)
                folder = os.path.abspath(folder)
                if self.project.has_folder(folder):
                    self.append(f"py folder {folder}\n")

    def note_variable(self, name, value=None):
        """Called before os.environ changes, with text or bytes. hpp starts the program again, cold, if a module
        has read another value, unless the server runs already. Forks do the same, because a server may load the
        program there."""
        name, value = os.fsencode(name), value if value is None else os.fsencode(value)
        if os.environ._data.get(name) == value or b"\n" in name:
            return
        word = "env" if self.is_set_by_module() else "set"
        known = self.variables.setdefault(name, set())
        if word not in known:
            known.add(word)
            self.note_modules()
            self.append(f"py {word} {os.fsdecode(name)}\n")
            self.flush()
        if self.early is None:
            return
        self.early.update_copies(name, value)
        if "variable" in known or not self.early.would_differ(name, value):
            return
        known.add("variable")
        self.start_cold(name)

    def is_set_by_module(self):
        """Whether a module from outside the project sets a variable while it is loaded."""
        frame = sys._getframe(1)
        while frame is not None and frame.f_code.co_name != "<module>":
            frame = frame.f_back
        if frame is None or frame.f_globals.get("__name__") == "__main__":
            return False
        return not self.project.has(os.path.abspath(frame.f_code.co_filename))

    def open(self):
        return os.open(self.file, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)

    def append(self, text):
        self.pending += text
        if time.monotonic() > self.next_write:
            self.flush()

    def flush(self):
        """One write(2), so that the lines of several processes do not mix."""
        text, self.pending = self.pending, ""
        self.next_write = time.monotonic() + WRITE_INTERVAL_S
        descriptor = self.descriptor
        is_ours = identity(descriptor) == self.identity
        if not is_ours:  # the program has closed all descriptors, to become a daemon
            descriptor = self.open()
        if os.fstat(descriptor).st_size < FILE_BYTES_MAX and text:
            os.write(descriptor, text.encode("utf-8", "surrogateescape"))
        if not is_ours:
            os.close(descriptor)
