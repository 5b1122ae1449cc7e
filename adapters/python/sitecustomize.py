"""hpp's adapter for Python: docs/gate.rst says what the gate is.

hpp puts this folder into PYTHONPATH. Python imports `sitecustomize` when sys.path is complete and
before it looks for the program, so this is where a spare waits. With -I, -E or -S Python does not
come here, and hpp starts the program cold.

Only what each start needs is in this file, because the folder may be read-only, and then Python
compiles it each time. Each Python comes here, so the syntax of this file is that of Python 2.7; those older
than OLDEST start without the gate, and so cold."""

import os
import sys
import time

HERE = os.path.dirname(__file__)
ADAPTERS = os.path.dirname(HERE)
NODE = ADAPTERS + "/node/hpp_gate"
# hpp has put these words into variables, for each of its adapters; and the separators.
ADDED = {
    "PYTHONPATH": ([HERE], ":"),
    "NODE_OPTIONS": (["--require={}.cjs".format(NODE), "--import=file://{}.mjs".format(NODE),
                      '"--require={}.cjs"'.format(NODE.replace("\\", "\\\\").replace('"', '\\"'))], " "),
    "RUBYOPT": (["-r{}/ruby/hpp_gate.rb".format(ADAPTERS)], " "),
}
LINES_MAX = 1 << 16  # bytes of hpp's lines up to `record` or `preload`
TRIALS_MAX = 8  # forks of a spare that look for unfit modules
TRIAL_S_MAX = 60
# Programs in Python that start the server and are not the server: they leave the gate alone.
WRAPPERS = {"conda", "dotenv", "hatch", "honcho", "nox", "pdm", "pipenv", "pipx", "poetry", "rye", "tox"}
OLDEST = (3, 9)


def command_line():
    """This process's command with the options of Python. sys.orig_argv is new in Python 3.10."""
    if hasattr(sys, "orig_argv"):
        return list(sys.orig_argv)
    with open("/proc/self/cmdline", "rb") as file:
        words = file.read().split(b"\0")[:-1]
    return [os.fsdecode(word) for word in words] if hasattr(os, "fsdecode") else words


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
    return (module or os.path.basename(script or "")).partition(".")[0] in WRAPPERS


def pass_gate_on(gate):
    """subprocess closes all descriptors; a wrapper must keep the gate open for the processes it starts."""
    import subprocess
    original = subprocess.Popen.__init__

    def init(self, *args, **options):
        if len(args) <= 7 and options.get("close_fds", True):
            options["pass_fds"] = tuple(options.get("pass_fds", ())) + (gate,)
        original(self, *args, **options)

    subprocess.Popen.__init__ = init


def hide():
    """Undoes what hpp has added for this process."""
    if HERE in sys.path:
        sys.path.remove(HERE)
    sys.path_importer_cache.pop(HERE, None)


def hide_from_children():
    """Undoes what hpp has added for the processes that this one starts, in each language."""
    del os.environ["HPP_GATE"]
    for name, (words, separator) in ADDED.items():
        before = os.environ.get(name)
        if before is None:
            continue
        left = separator + before + separator
        for word in words:
            left = left.replace(separator + word + separator, separator)
        left = left[1:-1]
        if not left and before:
            del os.environ[name]
        elif left != before:
            os.environ[name] = left


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
    os.write(gate, os.fsencode(line + "\n"))


def use_gate():
    number = os.environ.get("HPP_GATE", "")
    interpreter = os.path.basename(os.path.realpath("/proc/self/exe"))
    if not number.isdigit() or not interpreter.startswith(("python", "pypy")):
        return
    gate = int(number)
    try:
        if not os.readlink("/proc/self/fd/{}".format(gate)).startswith("socket:"):
            return
    except OSError:
        return  # a program in between has closed it
    command = command_line()
    is_old = sys.version_info < OLDEST
    if is_wrapper(command):
        if not is_old:
            pass_gate_on(gate)
        return
    hide_from_children()
    if is_old:
        return
    os.set_inheritable(gate, False)
    hide()
    lines = read_lines(gate)
    if not lines:
        os.close(gate)
        return
    is_spare = lines[-1][0] == "preload"  # it must not run the program
    try:
        chain = load("hpp_chain").Chain(" ".join(text for word, text in lines if word == "command"))
        refuse(gate, chain)
        order, path = lines[-1]
        record = load("hpp_record")
        project = record.Project([os.path.realpath(path) for word, path in lines if word == "root"])
        script, module = program(command)
        recorder = record.Recorder(path, project, record.State(project, script))
        if order == "preload":
            early = spend_as_spare(gate, chain, recorder, script, module)
            is_spare = False
            recorder.start(gate, early)
        else:
            recorder.start(gate)
    except Exception as error:
        # A file of hpp's is missing, or the disk is full: the program can run without.
        sys.stderr.write("hpp's adapter for Python has failed: {}\n".format(error))
        sys.stderr.flush()
        if is_spare:
            os._exit(1)


def refuse(gate, chain):
    objection = chain.objection()
    if objection:
        say(gate, "refuse " + objection)


def spend_as_spare(gate, chain, recorder, script, module):
    """Returns when the gate is open, and which variables were read early. A spare that is not needed ends
    here."""
    begin = time.monotonic()
    Spare = load("hpp_spare").Spare
    words = recorder.file, recorder.project, recorder.state, chain, script, module
    spare = Spare(*words)
    for _ in range(TRIALS_MAX):
        if spare.is_checked:
            break
        child = os.fork()
        if child:
            if os.waitpid(child, 0)[1] != 0:
                break  # a module has crashed it, or does not come to an end
        else:
            try:
                __import__("_signal").alarm(TRIAL_S_MAX)
                recorder.append(spare.try_modules())
                recorder.flush()
                os._exit(0)
            finally:
                os._exit(1)
        spare = Spare(*words)
    modules = spare.preload() if spare.is_checked else 0
    if spare.unfit:  # a module does not do the same each time
        recorder.append("".join("py skip {}\n".format(name) for name in spare.unfit))
        recorder.flush()
        os._exit(1)
    refuse(gate, chain)
    say(gate, "ready {} {}".format(modules, round((time.monotonic() - begin) * 1000)))
    spare.wait(gate)
    return spare.early


itself = sys.modules.pop(__name__)  # Python 2 would clear the variables of a module that nothing refers to
try:
    use_gate()
finally:
    hide()
if __name__ not in sys.modules:
    __import__(__name__)  # the user's own, or the ImportError that site expects
