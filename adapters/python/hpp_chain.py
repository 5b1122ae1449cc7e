"""The programs between hpp and this process: what they have run and read before."""

import os

SHELLS = {"sh", "ash", "bash", "busybox", "dash", "fish", "ksh", "zsh"}
# Programs that only start another one: they run nothing of the project before it.
WRAPPERS = {
    "bun", "bundle", "bundler", "conda", "corepack", "cross-env", "direnv", "doas", "dotenv", "dotenvx",
    "env", "env-cmd", "hatch", "ionice", "mise", "nice", "nohup", "npm", "npm-cli", "npx", "npx-cli",
    "pdm", "pipenv", "pipx", "pnpm", "pnpx", "poetry", "rye", "setsid", "stdbuf", "sudo", "time",
    "timeout", "unbuffer", "uv", "uvx", "yarn", "yarnpkg"}
# A program that is a script is known by the script's name.
INTERPRETERS = ("node", "perl", "python", "ruby")
# Folders of version managers, whose scripts run other programs to find the interpreter.
SHIMS = ("/shims/", "/.rbenv/bin/", "/.pyenv/bin/")
# Files that these programs, version managers and package managers read.
READ_BY_WRAPPERS = {
    ".envrc", ".flaskenv", ".node-version", ".npmrc", ".nvmrc", ".pnp.cjs", ".pnp.loader.mjs",
    ".python-version", ".ruby-version", ".tool-versions", ".yarnrc", ".yarnrc.yml", "Gemfile",
    "Gemfile.lock", "Pipfile", "Pipfile.lock", "Procfile", "bun.lock", "bun.lockb", "bunfig.toml",
    "hatch.toml", "mise.toml", ".mise.toml", "package-lock.json", "package.json", "pdm.lock",
    "pnpm-lock.yaml", "pnpm-workspace.yaml", "poetry.lock", "poetry.toml", "pyproject.toml", "uv.lock",
    "uv.toml", "yarn.lock"}
ANCESTORS_MAX = 32
SCRIPT_BYTES_MAX = 1 << 16
WORDS_MAX = 5000
TICKS = os.sysconf("SC_CLK_TCK")


class Process:
    """What /proc says of a process; see proc_pid_stat(5)."""

    def __init__(self, pid):
        self.pid = pid
        with open(f"/proc/{pid}/stat", "rb") as file:
            fields = file.read().rpartition(b")")[2].split()
        self.parent = int(fields[1])
        self.has_waited = int(fields[8]) > 0  # page faults of children that it has waited for
        self.start = int(fields[19]) / TICKS  # seconds since boot
        with open(f"/proc/{pid}/environ", "rb") as file:
            self.has_gate = b"\0HPP_GATE=" in b"\0" + file.read()
        with open(f"/proc/{pid}/cmdline", "rb") as file:
            self.words = [os.fsdecode(word) for word in file.read().split(b"\0") if word]
        self.program = os.readlink(f"/proc/{pid}/exe")
        self.folder = os.readlink(f"/proc/{pid}/cwd")

    def names(self):
        """The names by which this program may be known. npm replaces its command line by a title."""
        names = {os.path.basename(self.program)}
        words = [" ".join(self.words[:1]).split(" ")[0]]
        if names & SHELLS or self.program.rpartition("/")[2].startswith(INTERPRETERS):
            words += [word for word in self.words[1:] if not word.startswith("-")][:1]
        for word in words:
            names.add(os.path.basename(word))
            names.update(part.partition("/")[0] for part in word.split("/node_modules/")[1:])
        return {name.partition(".")[0] for name in names}

    def children(self):
        found = []
        for task in os.listdir(f"/proc/{self.pid}/task"):
            try:
                with open(f"/proc/{self.pid}/task/{task}/children") as file:
                    found += map(int, file.read().split())
            except OSError:
                pass  # the thread has ended, or the kernel has no such file
        return found


class Chain:
    """This process and its ancestors, up to hpp, which has no gate in its environment."""

    def __init__(self, command):
        self.command = command.split()
        self.processes = []
        pid = os.getpid()
        while len(self.processes) < ANCESTORS_MAX and pid > 1:
            try:
                process = Process(pid)
            except OSError:
                break  # hpp runs as another user
            if self.processes and not process.has_gate:
                break
            self.processes.append(process)
            pid = process.parent
        self.start = self.processes[-1].start

    def objection(self):
        """Why this command must not be started as a spare: text, or an empty string. A part of it that runs
        before the gate would run too early, and would see old files."""
        own, *ancestors = self.processes
        for child, process in zip(self.processes, ancestors):
            names = process.names()
            if names.isdisjoint(SHELLS | WRAPPERS):
                return f"{os.path.basename(process.program)} starts it, and may run something else before"
            if process.has_waited and not self.is_shim(process.words):
                return f"`{' '.join(process.words)}` runs another program before it"
            if any(pid != child.pid for pid in process.children()):
                return f"`{' '.join(process.words)}` runs several programs at once"
        if own.has_waited and not self.is_shim(self.command):
            return f"`{' '.join(self.command)}` runs another program before it"
        return ""

    @staticmethod
    def is_shim(words):
        """Whether the command is a package manager or a version manager, which run programs of their own."""
        if not words:
            return False
        name = os.path.basename(words[0]).partition(".")[0]
        paths = [os.path.join(folder, words[0]) for folder in os.environ.get("PATH", "").split(":")]
        path = words[0] if "/" in words[0] else next(filter(os.path.exists, paths), "")
        return name in WRAPPERS or any(part in path + "/" for part in SHIMS)

    def files(self):
        """The files that wrappers have read before this process. A file that appears later counts, too, so
        this is called again to compare."""
        found = set()
        folders = {process.folder for process in self.processes}
        for folder in list(folders):
            while folder not in ("", "/"):
                folders.add(folder)
                folder = os.path.dirname(folder)
        for folder in folders:
            try:
                names = os.listdir(folder)
            except OSError:
                continue
            found.update(f"{folder}/{name}" for name in names
                         if name in READ_BY_WRAPPERS or name == ".env" or name.startswith(".env."))
        own = self.processes[0]
        # The program itself is read after the gate.
        after = {os.path.normpath(os.path.join(own.folder, word)) for word in own.words}
        for process in self.processes[1:]:
            found.add(process.program)
            add_scripts(found, process.words, process.folder, after)
        add_scripts(found, self.command, self.processes[-1].folder, after)
        return found


def add_scripts(found, words, folder, after):
    """Adds the files that these words name, and the files that these name if they are scripts, but those
    in `after`."""
    words = [part for word in words for part in word.split()]
    for word in words[:WORDS_MAX]:
        path = os.path.normpath(os.path.join(folder, word.strip("\"';()&|")))
        if path in found or path in after or not os.path.isfile(path):
            continue
        try:
            with open(path, "rb") as file:
                text = file.read(SCRIPT_BYTES_MAX)
        except OSError:
            continue
        found.add(path)
        first = text.partition(b"\n")[0]
        if first.startswith(b"#!") and first.endswith(b"sh") or path.endswith((".sh", ".env", ".bash")):
            add_scripts(found, text.decode(errors="replace").split(), folder, after)
