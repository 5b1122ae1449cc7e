"""hpp's adapter for Python: docs/gate.rst says what the gate is.

hpp puts this folder into PYTHONPATH. Python imports `sitecustomize` when sys.path is complete and
before it looks for the program, so this is where a spare waits. With -I, -E or -S Python does not
come here, and hpp starts the program cold.

Only what each start needs is in this file, because the folder may be read-only, and then Python
compiles it each time."""

import os
import sys
import time

HERE = os.path.dirname(__file__)
LINES_MAX = 1 << 16  # bytes of hpp's lines up to `record` or `preload`
TRIALS_MAX = 8  # forks of a spare that look for unfit modules
TRIAL_S_MAX = 60
# Programs in Python that start the server and are not the server: they leave the gate alone.
WRAPPERS = {"conda", "dotenv", "hatch", "honcho", "nox", "pdm", "pipenv", "pipx", "poetry", "rye", "tox"}


def command_line():
    """This process's command with the options of Python. sys.orig_argv is new in Python 3.10."""
    if hasattr(sys, "orig_argv"):
        return list(sys.orig_argv)
    with open("/proc/self/cmdline", "rb") as file:
        return [os.fsdecode(word) for word in file.read().split(b"\0")[:-1]]


def program(command):
    """(script, module): which file or module of this command Python runs, each None if it is not known."""
    words = iter(command[1:])
    for word in words:
        if word in ("-W", "-X", "--check-hash-based-pycs"):
            next(words, None)
        elif word == "-" or not word.startswith("-"):
            return word, None
        elif not word.startswith("--"):
            for at, letter in enumerate(word[1:], 2):
                if letter == "m":
                    return None, word[at:] or next(words, None)
                if letter == "c":
                    return None, None
                if letter in "WX":
                    break  # the rest of the word is a value
    return None, None


def is_wrapper(command):
    script, module = program(command)
    return (module or os.path.basename(script or "").removesuffix(".py")).partition(".")[0] in WRAPPERS


def pass_gate_on(gate):
    """subprocess closes all descriptors; a wrapper must keep the gate open for the processes it starts."""
    import subprocess

    def init(self, *args, _init=subprocess.Popen.__init__, **options):
        if len(args) <= 7 and options.get("close_fds", True):
            options["pass_fds"] = (*options.get("pass_fds", ()), gate)
        _init(self, *args, **options)

    subprocess.Popen.__init__ = init


def hide():
    """Undoes what hpp has added for this process."""
    if HERE in sys.path:
        sys.path.remove(HERE)
    sys.path_importer_cache.pop(HERE, None)


def hide_from_children():
    entries = os.environ.get("PYTHONPATH", "").split(":")
    if HERE in entries:
        entries.remove(HERE)
        if entries:
            os.environ["PYTHONPATH"] = ":".join(entries)
        else:
            del os.environ["PYTHONPATH"]


def load(name):
    """Loads another file of the adapter, so that it leaves no trace in sys.modules."""
    sys.path.insert(0, HERE)
    try:
        return __import__(name)
    finally:
        hide()
        for name in [name for name in sys.modules if name.startswith("hpp_")]:
            del sys.modules[name]


def read_lines(gate):
    """Returns hpp's lines up to `record` or `preload`: nothing if another process has read them."""
    os.write(gate, b"hello 1 python\n")
    data = b""
    while not data.endswith(b"\n") or data.split(b"\n")[-2].partition(b" ")[0] not in (b"record", b"preload"):
        more = os.read(gate, 4096)
        data += more
        if not more or len(data) > LINES_MAX:
            return []
    return [line.partition(" ")[::2] for line in os.fsdecode(data).splitlines()]


def say(gate, line):
    os.write(gate, os.fsencode(line) + b"\n")


def use_gate():
    number = os.environ.get("HPP_GATE", "")
    interpreter = os.path.basename(os.path.realpath("/proc/self/exe"))
    if not number.isdigit() or not interpreter.startswith(("python", "pypy")):
        return
    gate = int(number)
    try:
        if not os.readlink(f"/proc/self/fd/{gate}").startswith("socket:"):
            return
    except OSError:
        return  # a program in between has closed it
    command = command_line()
    if is_wrapper(command):
        pass_gate_on(gate)
        return
    os.set_inheritable(gate, False)
    del os.environ["HPP_GATE"]
    hide_from_children()
    hide()
    lines = read_lines(gate)
    if not lines:
        os.close(gate)
        return
    try:
        chain = load("hpp_chain").Chain(" ".join(text for word, text in lines if word == "command"))
        if objection := chain.objection():
            say(gate, f"refuse {objection}")
        order, file = lines[-1]
        record = load("hpp_record")
        project = record.Project([os.path.realpath(path) for word, path in lines if word == "root"])
        recorder = record.Recorder(file, project)
        if order == "preload":
            early = spend_as_spare(gate, project, chain, recorder, command)
            recorder.start(gate, early)
        else:
            recorder.start(gate)
    except OSError as error:
        # A file of hpp's is missing, or the disk is full: the program can run without.
        print(f"hpp's adapter for Python has failed: {error}", file=sys.stderr)


def spend_as_spare(gate, project, chain, recorder, command):
    """Returns when the gate is open, and which variables were read early. A spare that is not needed ends
    here."""
    begin = time.monotonic()
    Spare = load("hpp_spare").Spare
    words = recorder.file, project, chain, *program(command)
    spare = Spare(*words)
    for _ in range(TRIALS_MAX):
        if spare.is_checked:
            break
        if child := os.fork():
            if os.waitpid(child, 0)[1] != 0:
                break  # a module has crashed it, or does not come to an end
        else:
            __import__("_signal").alarm(TRIAL_S_MAX)
            recorder.append(spare.try_modules())
            recorder.flush()
            os._exit(0)
        spare = Spare(*words)
    modules = spare.preload() if spare.is_checked else 0
    if spare.unfit:  # a module does not do the same each time
        recorder.append("".join(f"py skip {name}\n" for name in spare.unfit))
        recorder.flush()
        os._exit(1)
    if objection := chain.objection():
        say(gate, f"refuse {objection}")
    say(gate, f"ready {modules} {round((time.monotonic() - begin) * 1000)}")
    spare.wait(gate)
    return spare.early


sys.modules.pop(__name__)
try:
    use_gate()
finally:
    hide()
if __name__ not in sys.modules:
    __import__(__name__)  # the user's own, or the ImportError that site expects
