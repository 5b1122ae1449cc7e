"""Records which modules a process loads from outside the project (docs/gate.rst).

The file has a line for each fact, and begins each with `py`, because a wrapper in another language may
write to the same file:

    py module NAME      loaded, in this order
    py folder PATH      a folder of the project from which modules are imported
    py failed NAME      loading has failed, in the usual way: the program goes on without it
    py set NAME         the program has set this variable, or a module that is not loaded early
    py env NAME         a module has set this variable while it was loaded, before what follows
    py fork             the process has forked: a thread of the parent would be missing in the child
    py skip NAME        must not be loaded early (written by hpp_spare.py)
    py checked          everything before has been loaded early once, and what must not is known
"""

import os
import sys
import time

# Each restarted worker of a server that forks appends its modules. More than this is not recorded.
FILE_BYTES_MAX = 1 << 20
# A write for each module would take 1 % of a start.
WRITE_INTERVAL_S = 0.01
# The search for new modules in sys.modules ends after so many known ones.
KNOWN_IN_A_ROW = 8
# Folders below a root whose files do not belong to the project.
OUTSIDE = {"node_modules", "site-packages", "dist-packages", "gems", "bundle"}


# Python imports these by itself.
BY_SITE = {"sitecustomize", "usercustomize"}


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


def is_initializing(name):
    return getattr(getattr(sys.modules.get(name), "__spec__", None), "_initializing", False)


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


class EarlyReads:
    """The variables of the environment that modules have read while a spare has loaded them."""

    def __init__(self):
        self.values = {}  # name: what the first module has read, None if there was no such variable
        self.are_all_read = False  # a module has listed the variables
        self.copies = []  # dictionaries with all variables, which are kept up to date

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
    """Appends to `file` at each import. An audit hook is cheaper than an import hook, works in forks, and
    changes nothing that a program can see. It cannot be removed."""

    def __init__(self, file, project):
        self.file, self.project = file, project
        self.descriptor, self.identity = -1, ()
        self.known, self.count = set(), 0
        self.importing = []  # recorded names whose import has begun, outermost first
        self.folders = set()
        self.path = ()
        self.early, self.gate, self.gate_identity = None, -1, None
        self.variables = {}  # name: the words under which it was recorded, or `variable` if hpp knows it
        self.pending, self.next_write = "", 0.0
        self.has_forked = False

    def start(self, number, early=None):
        """Closes the gate, whose number is out of the way of the program's own descriptors, and uses that
        number for the file. A spare that has read variables early keeps the gate."""
        opened = self.open()
        if early is not None:
            self.early, self.gate, self.gate_identity = early, number, identity(number)
            number = free_descriptor(number)
        self.descriptor = os.dup2(opened, number, inheritable=False)
        os.close(opened)
        self.identity = identity(self.descriptor)
        self.known, self.count = set(sys.modules), len(sys.modules)
        is_loaded = "atexit" in sys.modules
        __import__("atexit").register(self.finish)
        if not is_loaded:
            del sys.modules["atexit"]
        sys.addaudithook(self.hook)

    def finish(self):
        self.note_modules()
        self.flush()

    def hook(self, event, args):
        try:
            if event == "import":
                if args[2] is not None and self.path != (path := tuple(args[2])):
                    self.note_folders(path)
                self.note_modules()
            elif event == "os.putenv" or event == "os.unsetenv":
                self.note_variable(*args)
            elif event == "socket.bind" or event == "socket.listen":
                self.finish()
            elif event == "os.fork":
                self.note_modules()
                if not self.has_forked:
                    self.has_forked = True
                    self.append("py fork\n")
                self.flush()
        except Exception:  # the program must not notice a full disk, or another thread's import
            pass

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
            spec = getattr(sys.modules.get(name), "__spec__", None)
            if spec is not None and spec.has_location and name not in BY_SITE and not self.project.has(spec.origin):
                lines.append(f"py module {name}\n")
                self.importing.append(name)
        if lines:
            self.append("".join(lines))

    def note_folders(self, path):
        self.path = path
        for folder in path:
            if isinstance(folder, str) and folder not in self.folders:
                self.folders.add(folder)
                folder = os.path.abspath(folder)
                if self.project.has_folder(folder):
                    self.append(f"py folder {folder}\n")

    def note_variable(self, name, value=None):
        """Called before os.environ changes. hpp starts the program again, cold, if a module has read another
        value, unless the server runs already. Forks do the same, because a server may load the program there."""
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
        if identity(self.gate) == self.gate_identity:
            os.write(self.gate, b"variable " + name + b"\n")

    def is_set_by_module(self):
        """Whether a module from outside the project sets a variable while it is loaded."""
        frame = sys._getframe(3)
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
