"""What a spare has read while it loaded modules, and whether it would read the same now."""

import _imp
import os
import sys
import time
from posix import listdir, stat  # those of os are watched

# A file that has changed so shortly before it was read may change again without a new time.
RACY_NS = 50_000_000
# Files whose times say nothing.
UNSTABLE = ("/proc/", "/sys/", "/dev/")
SUFFIXES = {".py", ".pyc", *_imp.extension_suffixes()}


def identity(path):
    """Equal values mean equal contents; None: there is no such file. Of a folder only the existence counts."""
    try:
        status = stat(path)
    except (OSError, ValueError):
        return None
    if status.st_mode & 0o170000 == 0o040000:
        return status.st_dev, status.st_ino
    return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns


def names_in(folder):
    try:
        return {name for name in listdir(folder) if name != "__pycache__"}
    except OSError:
        return set()


class Guard:
    def __init__(self, project, command_folders, chain):
        self.project, self.chain = project, chain
        # Folders of the project from which the program imports after the gate.
        self.import_folders = command_folders
        self.files = {}     # path: identity
        self.folders = {}   # path: (status, names)
        self.top = {}       # name of a top-level module that was looked for: whether it was found
        self.names = {folder: names_in(folder) for folder in self.import_folders}
        self.changed = ""   # a file that has changed in a moment that the times cannot tell
        now = time.time()
        self.chain_start = now - (time.clock_gettime(time.CLOCK_BOOTTIME) - chain.start)
        self.read_by_wrappers = {path: identity(path) for path in chain.files()}

    # ---- what is read ---------------------------------------------------------------------------

    def note_file(self, path, read_since_ns=0):
        """Call it before the file is read, or with the time since which it may have been read."""
        if path in self.files or path.startswith(UNSTABLE):
            return
        self.files[path] = now = identity(path)
        if now is not None and len(now) == 5 and now[4] > (read_since_ns or time.time_ns() - RACY_NS):
            self.changed = self.changed or path

    def note_folder(self, path):
        """The import system looks for modules in this folder, or a module has listed it."""
        path = os.path.abspath(path)
        if path not in self.folders and not path.startswith(UNSTABLE) and not self.is_import_folder(path):
            try:
                status = stat(path)
            except OSError:
                self.files[path] = None
                return
            if status.st_mode & 0o170000 == 0o040000:
                self.folders[path] = status.st_ino, status.st_mtime_ns, names_in(path)
            else:
                self.note_file(path)  # a zip file

    def is_import_folder(self, path):
        if self.project.has_folder(os.path.realpath(path)):
            if path not in self.import_folders:
                self.import_folders.append(path)
                self.names[path] = names_in(path)
            return True
        return False

    def note_read_before(self):
        """The files that this process has read before it came here: the interpreter and its libraries, path
        configuration files, and modules of the interpreter itself."""
        start = int((self.chain_start - 0.02) * 1e9)
        for path in self.read_by_wrappers:
            now = identity(path)
            if now is not None and len(now) == 5 and now[4] > start:
                self.changed = self.changed or path
        paths = {sys.executable, os.path.join(sys.prefix, "pyvenv.cfg")}
        with open("/proc/self/maps") as maps:
            paths.update(line[line.index("/"):-1] for line in maps if "/" in line)
        for folder in sys.path:
            paths.update(f"{folder}/{name}" for name in names_in(folder or ".") if name.endswith(".pth"))
        for module in list(sys.modules.values()):
            spec = getattr(module, "__spec__", None)
            if spec is not None and spec.has_location:
                paths.add(spec.origin)
        for path in paths:
            self.note_file(path, start)

    # ---- whether it would be read again ---------------------------------------------------------

    def first_change(self):
        """A file that has changed, or an empty string."""
        if self.changed:
            return self.changed
        for path, before in self.files.items():
            if identity(path) != before:
                return path
        for path, (inode, mtime, names) in self.folders.items():
            try:
                now = stat(path)
            except OSError:
                return path
            if (now.st_ino, now.st_mtime_ns) != (inode, mtime):
                if different := names_in(path) ^ names:
                    return os.path.join(path, min(different))
        if (now := {path: identity(path) for path in self.chain.files()}) != self.read_by_wrappers:
            return next(path for path in {*now, *self.read_by_wrappers}
                        if now.get(path) != self.read_by_wrappers.get(path))
        self.names = {folder: names_in(folder) for folder in self.import_folders}
        return self.first_shadow(self.top)

    def first_shadow(self, top):
        """A file of the project that would have been imported under one of these names: `top` maps a name to
        whether another module of that name was found."""
        for folder, names in self.names.items():
            for name in names:
                stem, dot, _ = name.partition(".")
                if stem in top:
                    path = os.path.join(folder, name)
                    if dot and name[len(stem):] in SUFFIXES:
                        return path
                    if not dot and os.path.isdir(path) and (
                            not top[stem] or any(f"__init__{suffix}" in names_in(path) for suffix in SUFFIXES)):
                        return path
        return ""
