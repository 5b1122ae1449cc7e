"""A spare: loads modules, waits at the gate, and checks that nothing has changed (docs/gate.rst).

A module is *unfit* if loading it early would differ from loading it in time: it fails, it imports a
module of the project, it opens a connection, writes a file, or starts a process or a thread, or it
changes sys.path, or it reads a variable of the environment that the program sets itself, at any time, or
that another module has set before it, or it is found in another place than at the last start, or it looks
at the program's file, or gives a warning to the program that imports it. The modules that import it are
unfit, too, even if they catch the error. A fork of the spare finds out which ones are unfit, so that no
module is ever left half loaded in the spare itself.

The fork has an audit hook, which sees everything. It cannot be removed, and would slow the server down, so
the spare itself only replaces some functions of Python's while it loads modules (hpp_watch.py). What a
module reads in another way makes it unfit, too."""

import _frozen_importlib
import _frozen_importlib_external
import _io
import builtins
import os
import sys
import time

from hpp_guard import Guard, identity
from hpp_record import EarlyReads, attribute, digest, disguise, is_initializing, source_of
from hpp_watch import Watch, without_trace

# The class BaseHandler of this module copies the environment: Django's servers import it.
COPYING = "wsgiref.handlers"
# These change modules that are loaded already, so all that follows is loaded in time.
PATCHING = {"gevent.monkey", "eventlet.patcher", "eventlet.green"}
# Audit events by which a module does more than to read files.
FORBIDDEN = {
    "os.chdir", "os.chflags", "os.chmod", "os.chown", "os.exec", "os.fork", "os.forkpty", "os.kill",
    "os.killpg", "os.link", "os.lockf", "os.posix_spawn", "os.spawn", "os.symlink", "os.system",
    "os.truncate", "os.utime", "pty.spawn", "socket.bind", "socket.connect", "socket.getaddrinfo",
    "socket.gethostbyaddr", "socket.gethostbyname", "socket.getnameinfo", "socket.sendmsg",
    "socket.sendto", "sqlite3.connect", "subprocess.Popen", "_thread.start_new_thread", "_thread.start_joinable_thread"}
# What is read without one of the functions that the spare replaces would not be noticed.
READING = {"open", "os.listdir", "os.scandir"}
# The import system does these in __pycache__.
CACHING = {"os.mkdir", "os.remove", "os.rename", "os.rmdir"}
ASKING = ("stat", "lstat", "access")
LISTING = ("listdir", "scandir")
# Where `warnings` keeps what the caller of a module was warned of.
WARNED = "__warningregistry__"
# The files of frames that read for the import system: modules, and lists of their folders.
IMPORTING = ("<frozen importlib", "<frozen zipimport")


class Refused(ImportError):
    pass


def collect_garbage():
    """Does it while the spare waits. Otherwise Python would do it soon after the gate is opened, when so many
    objects are new."""
    without_trace("gc").collect()


def lines_from(gate):
    """Yields hpp's lines. The process ends if hpp does not need it any more."""
    rest = b""
    while more := os.read(gate, 64):
        *lines, rest = (rest + more).split(b"\n")
        yield from lines
    os._exit(0)


def has_warned_caller():
    """Whether there was a warning for the code that has imported a module: it would name the program's line,
    or not appear at all. Python keeps it with one of the callers, or with `sys` if there are not enough."""
    callers, frame = [sys.__dict__], sys._getframe(1)
    while frame is not None:
        callers.append(frame.f_globals)
        frame = frame.f_back
    return any([caller.pop(WARNED, None) is not None for caller in callers])


class Recorded:
    """What is recorded of a module."""

    def __init__(self, state, source, main, set_before):
        self.state = state
        self.source = source  # see source_of
        self.main = main  # the variable __file__ of __main__
        self.set_before = set_before  # variables that other modules have set
        self.file = None  # the file of another module that has taken its place


class Changes:
    """What the last start of the program has changed, from the recording."""

    def __init__(self):
        self.added = set()  # since the last start that came to listen
        self.of_start = set()
        self.has_listened = False  # the last start

    def note(self, word, value):
        if word == "start":
            self.of_start, self.has_listened = set(), False
        elif word == "serves":
            self.added, self.has_listened = self.of_start, True
        elif word == "added":
            self.of_start.add(value)
            self.added.add(value)


class Spare:
    def __init__(self, file, project, state, chain, script, module):
        self.file, self.project, self.state = file, project, state
        self.modules = {}  # name: Recorded
        self.variables = set()  # that the program sets, or a module that is not loaded early
        self.set_by_modules = set()  # all in set_before
        self.set_early = set()
        self.early = EarlyReads()
        self.skipped, self.forks, self.is_checked = set(), False, True
        self.watch, self.main, self.changes = Watch(), "", Changes()
        folders = self.read()
        self.own = {f"{module}.__main__"} if module else set()
        self.module = module
        first = os.getcwd() if script is None else os.path.dirname(os.path.realpath(script))
        self.guard = Guard(project, [path for path in dict.fromkeys((first, os.getcwd(), *folders))
                                     if project.has_folder(path)], chain)
        # A file of the project may have taken the name of a module since.
        if self.guard.first_shadow(dict.fromkeys(self.modules.keys() - self.skipped, True)):
            self.is_checked = False
        self.unfit = []      # names, in the order in which they were found
        self.importing = []  # names of modules whose import has begun, outermost first
        self.tried = []      # (recorded name, the modules that import it)
        self.active = False
        self.set_before = frozenset()  # the variables of the recorded module that is being loaded

    def read(self):
        """Reads the recording. Returns the folders of the project from which modules are imported."""
        folders, set_before, main, checked = {}, frozenset(), "", ""
        with open(self.file, encoding="utf-8", errors="surrogateescape") as recording:
            for line in recording:
                language, _, rest = line.rstrip("\n").partition(" ")
                word, _, value = rest.partition(" ")
                if language != "py":
                    continue
                if word == "module":
                    name, _, rest = value.partition(" ")
                    self.add(name, Recorded(*rest.partition(" ")[::2], main, set_before))
                elif word == "file" and (name := value.partition(" ")[0]) in self.modules:
                    self.modules[name].file = value.partition(" ")[2]
                elif word in ("start", "serves", "added", "again"):
                    self.changes.note(word, value)
                    # Afterwards, hpp lets the server run, and the recording is still right.
                    if word == "again" and not self.changes.has_listened:
                        self.modules.clear()
                elif word == "main":
                    main = value
                elif word == "failed":
                    self.modules.pop(value, None)
                elif word == "env":
                    set_before |= {os.fsencode(value)}
                    self.set_by_modules |= set_before
                elif word == "set" and (name := os.fsencode(value)) not in self.variables:
                    self.variables.add(name)
                    self.is_checked = False
                elif word == "folder":
                    folders[value] = True
                elif word == "skip" and value not in self.skipped:
                    self.skipped.add(value)
                    self.is_checked = False
                elif word == "checked":
                    self.is_checked, checked = True, value
                self.forks = self.forks or word == "fork"
        if self.modules and checked != self.digest():
            self.is_checked = False
        return folders

    def add(self, name, module):
        """The newest recording counts, because the program may have changed."""
        if (old := self.modules.get(name)) is not None:
            module.set_before = old.set_before
            if (old.state, old.source, old.main) == (module.state, module.source, module.main):
                return
        self.modules[name] = module
        self.is_checked = False

    def digest(self):
        """Differs if a module has changed, so that it may do something else while it is loaded."""
        paths = {name: module.source.partition(" ")[2] for name, module in self.modules.items()}
        return digest(repr([(name, identity(path)) for name, path in paths.items()]))

    # ---- loading --------------------------------------------------------------------------------

    def preload(self):
        """Returns how many modules it has loaded."""
        before = len(sys.modules)
        self.watch_functions()
        environment = type(os.environ)
        os.environ.__class__ = os.environb.__class__ = self.watch_environment(environment)
        self.active = True
        self.load_all()
        self.active = False
        os.environ.__class__ = os.environb.__class__ = environment
        if COPYING in sys.modules:
            self.early.copies.append(sys.modules[COPYING].BaseHandler.os_environ)
        self.watch.put_back()
        self.guard.note_read_before()
        self.forget_folders()
        if self.modules.keys() & sys.modules.keys():
            self.early.expected = self.changes.added
        return len(sys.modules) - before

    def watch_functions(self):
        watch, loader = self.watch, _frozen_importlib_external.FileLoader
        for name in ASKING:
            watch.replace(os, name, self.note_asked)
        for name in LISTING:
            watch.replace(os, name, self.check_listing)
        # Python 3.14 does not load `io` at the start. It will take its functions from _io.
        for module in builtins, sys.modules.get("io", _io):
            watch.replace(module, "open", self.check_open)
        if "io" in sys.modules:
            watch.replace(sys.modules["io"], "open_code", self.check_open_code)
        watch.replace(os, "open", self.check_os_open)
        find_spec, get_data = _frozen_importlib._find_spec, loader.get_data

        def _find_spec(name, path, target=None):
            self.check_sought(name, path)
            spec = find_spec(name, path, target)
            self.check_found(name, path, spec)
            return spec

        def get_data_(loader, path):
            self.check_open_code(path)
            return get_data(loader, path)
        get_data_.__name__, get_data_.__qualname__ = get_data.__name__, get_data.__qualname__
        disguise(get_data_)
        disguise(_find_spec)
        watch.exchange(_frozen_importlib, "_find_spec", _find_spec)
        watch.exchange(loader, "get_data", get_data_)

    def try_modules(self):
        """Called in a fork, whose output is lost. Returns lines for the recording."""
        null = os.open(os.devnull, os.O_RDWR)
        for number in range(3):
            os.dup2(null, number)
        sys.addaudithook(self.hook)
        self.preload()
        late = self.set_by_modules - self.set_early - self.variables
        lines = [f"py skip {name}\n" for name in self.unfit] + [f"py set {os.fsdecode(name)}\n" for name in late]
        return "".join(lines) or f"py checked {self.digest()}\n"

    def load_all(self):
        # Python would import these after the adapter, and before the program.
        first = ["sitecustomize"] + ["usercustomize"] * bool(sys.modules["site"].ENABLE_USER_SITE)
        for name in first:
            if name not in self.skipped:
                self.load(name)
            if name in self.skipped or self.unfit:
                return
        has_warned_caller()  # there may have been warnings before
        main = sys.modules["__main__"]
        try:
            for name, module in self.modules.items():
                if name in PATCHING:
                    return
                if name in self.skipped or name in sys.modules:
                    continue
                if module.state != self.state.digest():
                    self.skipped.add(name)  # the program has changed something before it imports this
                    continue
                if module.main:
                    main.__file__, self.main = module.main, os.path.abspath(module.main)
                self.load(name)
        finally:
            main.__dict__.pop("__file__", None)
            self.declare_unfit(*(name for name, module in self.modules.items() if module.file
                                 and name in sys.modules and attribute(name, "__file__") != module.file))

    def load(self, name):
        self.set_before = self.modules[name].set_before if name in self.modules else frozenset()
        before, known = self.process_state(), set(sys.modules)
        try:
            __import__(name)
        except ImportError as error:
            if name in self.modules or error.name != name:
                self.declare_unfit(name)
        except BaseException:
            self.declare_unfit(name)
        for tried, importing in self.tried:
            if tried not in sys.modules:
                self.declare_unfit(tried, *importing)
        self.tried.clear()
        self.importing.clear()
        if self.process_state() != before:
            self.declare_unfit(name, *(set(sys.modules) - known))
        if has_warned_caller():
            self.declare_unfit(name)

    def process_state(self):
        threading, root = sys.modules.get("threading"), getattr(sys.modules.get("logging"), "root", None)
        threads = len(os.listdir("/proc/self/task")) if self.forks else 0
        return (list(sys.path), list(sys.argv), os.getcwd(), threads,
                threading.active_count() if threading else 1,
                list(getattr(root, "handlers", ())), getattr(root, "level", 30))

    def declare_unfit(self, *names):
        self.unfit += [name for name in names if name not in self.unfit and name != "__main__"]

    def refuse(self, name, why):
        self.forget_imported()
        self.declare_unfit(*self.importing)
        return Refused(f"{name} {why}", name=name)

    def forget_imported(self):
        while self.importing and not is_initializing(self.importing[-1]):
            self.importing.pop()

    # ---- what modules do ------------------------------------------------------------------------

    def check_sought(self, name, path):
        """Called before an import. Raises if the module must not be loaded early."""
        if not self.active:
            return
        self.forget_imported()
        if name in self.skipped or name in self.own:
            raise self.refuse(name, "is not loaded early")
        for folder in sys.path if path is None else path:
            if isinstance(folder, str):
                self.guard.note_folder(folder)

    def check_found(self, name, path, spec):
        """Called before a module is loaded. Raises if it must not be loaded early."""
        if not self.active:
            return
        if spec is not None:
            if spec.has_location:
                is_project = self.project.has(os.path.realpath(spec.origin))
            else:
                is_project = any(map(self.guard.is_import_folder, spec.submodule_search_locations or ()))
            if is_project:
                self.declare_unfit(name)
                raise self.refuse(name, "belongs to the project")
            if spec.has_location:
                self.guard.note_file(spec.origin)
            if name == self.module and spec.submodule_search_locations is None:
                raise self.refuse(name, "is the program")
        if path is None:
            top = {name: spec is not None and spec.origin is not None}
            if name not in sys.builtin_module_names and self.guard.first_shadow(top):
                self.declare_unfit(name)
                raise self.refuse(name, "is also a module of the project")
            self.guard.top.update(top)
        if name in self.modules:
            if spec is not None and source_of(spec) != self.modules[name].source:
                self.declare_unfit(name)
                raise self.refuse(name, "is loaded from elsewhere by the program")
            self.tried.append((name, list(self.importing)))
        if spec is not None:
            self.importing.append(name)

    def hook(self, event, args):
        """The audit hook of a fork. An exception prevents what the module wants to do."""
        if not self.active:
            return
        if event in READING:
            frame = sys._getframe(1)
            caller = frame.f_code.co_filename if frame is not None else ""
            is_known = caller.startswith(IMPORTING) or caller == Guard.__init__.__code__.co_filename
            if not is_known and not self.watch.depth and not isinstance(args[0], int):
                raise self.refuse(args[0], "is read in a way that the spare would not notice")
        elif event == "os.putenv" or event == "os.unsetenv":
            self.set_early.add(args[0])
        elif event in CACHING:
            if "__pycache__" not in os.fsdecode(args[0]):
                raise self.refuse(event, "is not possible before the gate")
        elif event in FORBIDDEN:
            is_probe = event == "socket.bind" and isinstance(args[1], tuple) and args[1][1] == 0
            if not is_probe:
                raise self.refuse(event, "is not possible before the gate")

    def note_asked(self, path, *words, **options):
        """os.stat, or a function like it, is called."""
        if not isinstance(path, int):
            self.note_file(os.path.abspath(os.fsdecode(path)))

    def note_file(self, path):
        """The program itself may change at each start, so a module that looks at it is unfit."""
        if path == self.main:
            self.refuse(path, "is the program")
        else:
            self.guard.note_file(path)

    def check_listing(self, path="."):
        if not isinstance(path, int):
            path = os.path.abspath(os.fsdecode(path or "."))
            if self.project.has_folder(os.path.realpath(path)):
                raise self.refuse(path, "is a folder of the project")
            self.guard.note_folder(path)

    def check_open(self, file, mode="r", *words, **options):
        self.check_opened(file, not {"w", "a", "x", "+"}.isdisjoint(mode))

    def check_open_code(self, path):
        self.check_opened(path, False)

    def check_os_open(self, path, flags, *words, **options):
        self.check_opened(path, flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT))

    def check_opened(self, path, is_written):
        if isinstance(path, int):
            return
        path = os.path.abspath(os.fsdecode(path))
        if is_written:
            if "__pycache__" not in path and path != os.devnull:
                raise self.refuse(path, "cannot be written before the gate")
        elif "/__pycache__/" not in path:
            self.note_file(path)

    def watch_environment(self, environment):
        class Watched(environment):
            def __getitem__(variables, name):
                self.note_variable(variables.encodekey(name))
                return environment.__getitem__(variables, name)

            def __iter__(variables):
                self.note_all_variables()
                return environment.__iter__(variables)
        return Watched

    def is_copying(self):
        self.forget_imported()
        return COPYING in self.importing[-1:]

    def note_variable(self, name):
        if self.is_copying():
            return
        self.early.note(name)
        if name in self.variables or name in self.set_before:
            self.refuse(os.fsdecode(name), "is set later")

    def note_all_variables(self):
        if self.is_copying():
            return
        self.early.are_all_read = True
        if self.variables or self.set_before:
            self.refuse("the environment", "is changed later")

    # ---- the gate -------------------------------------------------------------------------------

    def forget_folders(self):
        """The import system's lists of folders of the project may be old when the gate opens."""
        for path in list(sys.path_importer_cache):
            if self.project.has_folder(os.path.realpath(path)):
                del sys.path_importer_cache[path]

    def wait(self, gate):
        """Returns when the gate is open and no file has changed. Otherwise the process ends."""
        collect_garbage()
        path = None
        for line in lines_from(gate):
            if line == b"compare" or line == b"open" and path is None:
                path = self.guard.first_change()
            if line == b"open":
                break
        if path:
            os.write(gate, b"cold " + os.fsencode(path) + b"\n")
            os._exit(0)
        os.write(gate, b"go\n")
        logging = sys.modules.get("logging")
        if logging is not None:  # the start of the program, for relativeCreated
            is_ns = isinstance(logging._startTime, int)
            logging._startTime = time.time_ns() if is_ns else time.time()
