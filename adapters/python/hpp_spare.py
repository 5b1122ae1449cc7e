"""A spare: loads modules, waits at the gate, and checks that nothing has changed (docs/gate.rst).

A module is *unfit* if loading it early would differ from loading it in time: it fails, it imports a
module of the project, it opens a connection, writes a file, or starts a process or a thread, or it
changes sys.path, or it reads a variable of the environment that the program sets itself, at any time, or
that another module has set before it. The modules
that import it are unfit, too, even if they catch the error. A fork of the spare finds out which ones
are unfit, so that no module is ever left half loaded in the spare itself."""

import os
import sys
import time

from hpp_guard import Guard
from hpp_record import EarlyReads, is_initializing

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
    "socket.sendto", "subprocess.Popen", "_thread.start_new_thread", "_thread.start_joinable_thread"}
# The import system does these in __pycache__.
CACHING = {"os.mkdir", "os.remove", "os.rename", "os.rmdir"}
ASKING = ("stat", "lstat", "access")


class Refused(ImportError):
    pass


def collect_garbage():
    """Does it while the spare waits. Otherwise Python would do it soon after the gate is opened, when so many
    objects are new."""
    is_known = "gc" in sys.modules
    __import__("gc").collect()
    if not is_known:
        del sys.modules["gc"]


def lines_from(gate):
    """Yields hpp's lines. The process ends if hpp does not need it any more."""
    rest = b""
    while more := os.read(gate, 64):
        *lines, rest = (rest + more).split(b"\n")
        yield from lines
    os._exit(0)


class Spare:
    def __init__(self, file, project, chain, script, module):
        self.file, self.project = file, project
        self.modules = {}  # name: the variables that other modules have set before
        self.variables = set()  # that the program sets, or a module that is not loaded early
        self.set_by_modules = set()  # all in set_before
        self.set_early = set()
        self.early = EarlyReads()
        self.skipped, self.forks, self.is_checked = set(), False, True
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
        folders, set_before = {}, frozenset()
        with open(self.file, encoding="utf-8", errors="surrogateescape") as recording:
            for line in recording:
                language, _, rest = line.rstrip("\n").partition(" ")
                word, _, value = rest.partition(" ")
                if language != "py":
                    continue
                if word == "module" and value not in self.modules:
                    self.modules[value] = set_before
                    self.is_checked = False
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
                elif word == "skip":
                    self.skipped.add(value)
                self.forks = self.forks or word == "fork"
                self.is_checked = self.is_checked or word == "checked"
        return folders

    # ---- loading --------------------------------------------------------------------------------

    def preload(self):
        """Returns how many modules it has loaded."""
        before = len(sys.modules)
        real = {name: getattr(os, name) for name in ASKING}
        sets = (os.supports_dir_fd, os.supports_effective_ids, os.supports_fd, os.supports_follow_symlinks)
        for name, function in real.items():
            setattr(os, name, wrapper := self.watch(function))
            for of_set in sets:
                if function in of_set:
                    of_set.add(wrapper)
        sys.meta_path.insert(0, self)
        sys.addaudithook(self.hook)
        environment = type(os.environ)
        os.environ.__class__ = os.environb.__class__ = self.watch_environment(environment)
        self.active = True
        self.load_all()
        self.active = False
        os.environ.__class__ = os.environb.__class__ = environment
        if COPYING in sys.modules:
            self.early.copies.append(sys.modules[COPYING].BaseHandler.os_environ)
        sys.meta_path.remove(self)
        for name, function in real.items():
            for of_set in sets:
                of_set.discard(getattr(os, name))
            setattr(os, name, function)
        self.guard.note_read_before()
        self.forget_folders()
        return len(sys.modules) - before

    def try_modules(self):
        """Called in a fork, whose output is lost. Returns lines for the recording."""
        null = os.open(os.devnull, os.O_RDWR)
        for number in range(3):
            os.dup2(null, number)
        self.preload()
        late = self.set_by_modules - self.set_early - self.variables
        lines = [f"py skip {name}\n" for name in self.unfit] + [f"py set {os.fsdecode(name)}\n" for name in late]
        return "".join(lines) or "py checked\n"

    def load_all(self):
        # Python would import these after the adapter, and before the program.
        first = ["sitecustomize"] + ["usercustomize"] * bool(sys.modules["site"].ENABLE_USER_SITE)
        for name in first:
            if name not in self.skipped:
                self.load(name)
            if name in self.skipped or self.unfit:
                return
        for name in self.modules:
            if name in PATCHING:
                return
            if name not in self.skipped and name not in sys.modules:
                self.load(name)

    def load(self, name):
        self.set_before = self.modules.get(name, frozenset())
        before, known = self.state(), set(sys.modules)
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
        if self.state() != before:
            self.declare_unfit(name, *(set(sys.modules) - known))

    def state(self):
        threading = sys.modules.get("threading")
        threads = len(os.listdir("/proc/self/task")) if self.forks else 0
        return (list(sys.path), list(sys.argv), os.getcwd(), threads,
                threading.active_count() if threading else 1)

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

    def find_spec(self, name, path=None, target=None):
        """The first finder: asks the others, and refuses modules of the project."""
        self.forget_imported()
        if name in self.skipped or name in self.own:
            raise self.refuse(name, "is not loaded early")
        for folder in sys.path if path is None else path:
            if isinstance(folder, str):
                self.guard.note_folder(folder)
        spec = None
        for finder in sys.meta_path:
            if finder is not self and hasattr(finder, "find_spec"):
                spec = finder.find_spec(name, path, target)
                if spec is not None:
                    break
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
            self.tried.append((name, list(self.importing)))
        if spec is not None:
            self.importing.append(name)
        return spec

    def hook(self, event, args):
        """The audit hook. An exception prevents what the module wants to do."""
        if not self.active:
            return
        if event == "open":
            self.check_open(*args)
        elif event == "os.listdir" or event == "os.scandir":
            caller = sys._getframe(1).f_code.co_filename
            if not caller.startswith("<frozen importlib") and caller != Guard.__init__.__code__.co_filename:
                self.check_listing(args[0] or ".")
        elif event == "os.putenv" or event == "os.unsetenv":
            self.set_early.add(args[0])
        elif event in CACHING:
            if "__pycache__" not in os.fsdecode(args[0]):
                raise self.refuse(event, "is not possible before the gate")
        elif event in FORBIDDEN:
            is_probe = event == "socket.bind" and isinstance(args[1], tuple) and args[1][1] == 0
            if not is_probe:
                raise self.refuse(event, "is not possible before the gate")

    def check_listing(self, path):
        if not isinstance(path, int):
            path = os.path.abspath(os.fsdecode(path))
            if self.project.has_folder(os.path.realpath(path)):
                raise self.refuse(path, "is a folder of the project")
            self.guard.note_folder(path)

    def check_open(self, path, mode, flags):
        if isinstance(path, int):
            return
        path = os.path.abspath(os.fsdecode(path))
        if flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT):
            if "__pycache__" not in path and path != os.devnull:
                raise self.refuse(path, "cannot be written before the gate")
        elif "/__pycache__/" not in path:
            self.guard.note_file(path)

    def watch(self, function):
        """Returns os.stat or a function like it that notes the file. A module may keep the function, so it
        works after the gate, too."""
        def watched(path, *args, **options):
            if self.active and not isinstance(path, int):
                self.guard.note_file(os.path.abspath(os.fsdecode(path)))
            return function(path, *args, **options)
        watched.__name__ = watched.__qualname__ = function.__name__
        watched.__doc__ = function.__doc__
        return watched

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
