"""The programs between hpp and this process: what they have run and read before."""

import os

SHELLS = {"sh", "ash", "bash", "busybox", "dash", "fish", "ksh", "zsh"}
# Programs that only start another one: they run nothing of the project before it.
WRAPPERS = {
    "bun", "bundle", "bundler", "conda", "corepack", "cross-env", "direnv", "doas", "dotenv", "dotenvx",
    "env", "env-cmd", "hatch", "ionice", "mise", "nice", "nohup", "npm", "npm-cli", "npx", "npx-cli",
    "pdm", "pipenv", "pipx", "pnpm", "pnpx", "poetry", "rye", "setsid", "stdbuf", "sudo", "time",
    "timeout", "unbuffer", "uv", "uvx", "yarn", "yarnpkg"}
# Those of them that run other programs themselves, to find an interpreter, packages or variables.
ASKING = {"bundle", "bundler", "conda", "direnv", "hatch", "mise", "pdm", "pipenv", "pipx", "poetry", "rye",
          "uv", "uvx"}
# Words that may be before such a program, and do nothing else: a shell's -c, and programs that become it.
PREFIXES = SHELLS | {"doas", "env", "exec", "ionice", "nice", "nohup", "setsid", "stdbuf", "sudo", "time",
                      "timeout"}
# Those that run tasks by name, and the files with the tasks.
TASK_RUNNERS = {"hatch", "mise", "pdm", "pipenv", "rye"}
TASK_FILES = {".mise.toml", "Pipfile", "hatch.toml", "mise.toml", "pyproject.toml"}
# With one of these, a shell's command line may run more than one program. JSON's escapes count, too.
OPERATORS = set(";&|(`\n\\")
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
            pairs = (os.fsdecode(pair).partition("=") for pair in file.read().split(b"\0"))
            self.variables = {name: value for name, _, value in pairs}
        self.has_gate = "HPP_GATE" in self.variables
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

    def is_named(self, words):
        """Whether this is the program, or the script that an interpreter runs, that one of these words
        names."""
        own = self.words[:1] + [word for word in self.words[1:] if not word.startswith("-")][:1]
        own = {os.path.basename(word.split(" ")[0]) for word in own}
        return not own.isdisjoint(os.path.basename(word) for word in words if not word.startswith("-"))

    def is_one_script(self):
        """Whether the script of package.json that this process belongs to runs one program, and none before
        it."""
        event = self.variables.get("npm_lifecycle_event")
        path = self.variables.get("npm_package_json", f"{self.folder}/package.json")
        try:
            with open(path, encoding="utf-8") as file:
                text = "".join(file.read().split())
        except (OSError, ValueError):
            return False
        script = text.partition(f'"{event}":"')[2].partition('"')[0]
        return bool(event) and f'"pre{event}":' not in text and OPERATORS.isdisjoint(script)

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
        for at, (child, process) in enumerate(zip(self.processes, ancestors), 1):
            names = process.names()
            if names.isdisjoint(SHELLS | WRAPPERS):
                return f"{os.path.basename(process.program)} starts it, and may run something else before"
            if process.has_waited and not self.has_only_asked(at):
                return f"`{' '.join(process.words)}` runs another program before it"
            if any(pid != child.pid for pid in process.children()):
                return f"`{' '.join(process.words)}` runs several programs at once"
        if own.has_waited and not self.has_only_asked(0):
            return f"`{' '.join(self.command)}` runs another program before it"
        return ""

    def has_only_asked(self, at):
        """Whether all that process number `at` has waited for are programs by which a version manager or a
        package manager has found the interpreter or the packages. Anything else may be a part of the
        command."""
        process, child = self.processes[at], self.processes[max(at - 1, 0)]
        words = self.started_by(at)
        while words and is_prefix(words[0]):
            words = words[1:]
        if not words or not OPERATORS.isdisjoint(" ".join(words)):
            return False
        name = os.path.basename(words[0]).partition(".")[0]
        if at > 0 and name not in ASKING:  # npm, found by a version manager
            return is_shim(words[0]) and name in process.names() and child.is_one_script()
        if name in TASK_RUNNERS:
            words = self.with_task(words)
        return (name in ASKING or is_shim(words[0])) and child.is_named(words)

    def started_by(self, at):
        """The words of the command line by which process number `at` was started, if hpp's command or a
        shell's -c tells them."""
        if at + 1 == len(self.processes):
            return self.command
        words = self.processes[at + 1].words
        is_told = len(words) > 2 and os.path.basename(words[0]) in SHELLS and words[1] == "-c"
        return words[2].split() if is_told else []

    def with_task(self, words):
        """These words of a task runner's command line, and those of the task that it names; none if others
        may run before that."""
        names = {word for word in words[1:] if not word.startswith("-")} - {"exec", "run", "x"}
        hooks = {"pre_run", *(f"pre_{name}" for name in names)}
        found = list(words)
        for path in self.files():
            if os.path.basename(path) not in TASK_FILES:
                continue
            with open(path, encoding="utf-8", errors="replace") as file:
                lines = file.read().splitlines()
            for line in map(str.strip, lines):
                key, _, value = (part.strip() for part in line.partition("="))
                key = key.strip("\"'")
                is_plain = len(value) > 1 and value[0] in "\"'" and value[0] == value[-1]
                is_table = line.startswith("[") and line.strip("[]").rpartition(".")[2] in names
                is_plain = is_plain and OPERATORS.isdisjoint(value)
                if is_table or key in hooks or key in names and not is_plain:
                    return []
                if key in names:
                    found += value.strip("\"'").split()
        return found

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


def is_prefix(word):
    return (os.path.basename(word) in PREFIXES or word.startswith("-") or "=" in word
            or word.rstrip("smh").isdigit())


def is_shim(word):
    """Whether this program is one of a version manager, which runs others to find the right one."""
    folders = [""] if "/" in word else os.environ.get("PATH", "").split(":")
    paths = (os.path.join(folder, word) for folder in folders)
    return any(part in next(filter(os.path.exists, paths), "") for part in SHIMS)


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
