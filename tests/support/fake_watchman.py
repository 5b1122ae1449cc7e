"""A Watchman of a current release, as far as hpp can tell, which a test may let hang, fail or upgrade.

It runs in threads of the test. A command `watchman` in its directory `bin` tells where it listens.

    with FakeWatchman(directory) as watchman:
        subprocess.Popen([...], env={**os.environ, **watchman.environment})
        watchman.hang("flush-subscriptions")

Written from Watchman's documentation and source of 2026 (facebook/watchman: Client.cpp, Clock.cpp, PDU.cpp,
bser.cpp, cmds/*.cpp). It differs from 4.9, the release of Debian, in its version, in BSER 2, and in the fields
`debug`, `asserted-states`, `since` and `watcher`. Unlike Watchman, it finds changes by looking at all
files, and needs no cookies.
"""

import contextlib
import itertools
import json
import os
import pathlib
import re
import socket
import stat
import struct
import threading
import time

SETTLE_S = 0.02

# ---- BSER (https://facebook.github.io/watchman/docs/bser) ------------------------------------------------

V1, V2 = b"\0\1", b"\0\2"
INTEGERS = {3: "=b", 4: "=h", 5: "=i", 6: "=q"}


def bser(value):
    """Encodes a value. An object whose key is `files` becomes a template, as in Watchman."""
    if isinstance(value, bool):
        return b"\x08" if value else b"\x09"
    if isinstance(value, int):
        tag = next(tag for tag, form in INTEGERS.items() if value.bit_length() < 8 * struct.calcsize(form))
        return bytes([tag]) + struct.pack(INTEGERS[tag], value)
    if isinstance(value, str):
        text = os.fsencode(value)
        return b"\x02" + bser(len(text)) + text
    if isinstance(value, list):
        return b"\0" + bser(len(value)) + b"".join(map(bser, value))
    fields = (bser(key) + (template(item) if key == "files" else bser(item)) for key, item in value.items())
    return b"\x01" + bser(len(value)) + b"".join(fields)


def template(files):
    if not files:
        return bser(files)
    names = list(files[0])
    return (b"\x0b" + bser(names) + bser(len(files)) +
            b"".join(bser(file[name]) for file in files for name in names))


class Pdus:
    """Reads and writes whole PDUs. An answer has the version of the newest question."""

    def __init__(self, connection):
        self._file = connection.makefile("rwb")
        self._version = V1

    def read(self):
        """Returns the next question. Raises EOFError at the end of the connection."""
        self._version = self._bytes(2)
        if self._version == V2:
            self._bytes(4)  # capabilities
        self._value()  # size
        return self._value()

    def write(self, value):
        body = bser(value)
        capabilities = bytes(4) if self._version == V2 else b""
        self._file.write(self._version + capabilities + bser(len(body)) + body)
        self._file.flush()

    def close(self):
        with contextlib.suppress(OSError):  # output that could not be sent
            self._file.close()

    def _bytes(self, size):
        got = self._file.read(size)
        if len(got) < size:
            raise EOFError
        return got

    def _value(self):
        tag = self._bytes(1)[0]
        if tag in INTEGERS:
            return struct.unpack(INTEGERS[tag], self._bytes(struct.calcsize(INTEGERS[tag])))[0]
        if tag in (2, 0x0d):
            return os.fsdecode(self._bytes(self._value()))
        if tag == 0:
            return [self._value() for _ in range(self._value())]
        if tag == 1:
            return {self._value(): self._value() for _ in range(self._value())}
        return {8: True, 9: False, 0x0a: None}[tag]


# ---- files -----------------------------------------------------------------------------------------------


def matcher(glob):
    """Returns a function that matches a name with one of Watchman's globs."""
    parts = re.split(r"(\*\*/|\*\*|\*|\?|\[!?[^]]+\])", glob)
    words = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}
    regex = "".join(words.get(part) or (part.replace("[!", "[^") if part[:1] == "[" else re.escape(part))
                    for part in parts)
    return re.compile(regex, re.DOTALL).fullmatch


def matches(term, name, file):
    """Whether a file passes an expression."""
    kind, *rest = term
    if kind in ("allof", "anyof"):
        return (all if kind == "allof" else any)(matches(one, name, file) for one in rest)
    if kind == "not":
        return not matches(rest[0], name, file)
    if kind == "type":
        return file["type"] == rest[0]
    if kind == "match":
        return matcher(rest[0])(name)
    raise ValueError(f"failed to parse query: unknown expression term '{kind}'")


class View:
    """The files of a root, and when Watchman has seen them change."""

    def __init__(self, root):
        self._root = pathlib.Path(root)
        self.files = {}
        self.tick = 1
        self.look()

    def look(self):
        """Finds the changes. Returns whether there are any."""
        found = {}
        for folder, folders, names in os.walk(self._root):
            for name in folders + names:
                path = os.path.join(folder, name)
                with contextlib.suppress(FileNotFoundError):
                    status = os.lstat(path)
                    found[os.path.relpath(path, self._root)] = (
                        status.st_ino, status.st_mode, status.st_size, status.st_mtime_ns, status.st_ctime_ns)
        known = {name: file["status"] for name, file in self.files.items() if file["exists"]}
        changed = [name for name in found.keys() | known.keys() if found.get(name) != known.get(name)]
        self.tick += bool(changed)
        for name in changed:
            file = self.files.setdefault(name, {"created": self.tick})
            if name in found:
                kind = {stat.S_IFREG: "f", stat.S_IFLNK: "l", stat.S_IFDIR: "d"}
                file["type"] = kind.get(stat.S_IFMT(found[name][1]), "?")
                if not file.get("exists"):
                    file["created"] = self.tick
            file.update(exists=name in found, status=found.get(name), tick=self.tick)
        return bool(changed)


# ---- Watchman --------------------------------------------------------------------------------------------


class Refusal(Exception):
    """An answer with an `error`."""


class Session:
    """A connection of a client."""

    def __init__(self, watchman, connection):
        self._watchman = watchman
        self._connection = connection
        self._pdus = Pdus(connection)
        self._subscription = None  # root, name, query, tick of the newest report
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self):
        self._answer_questions()
        with self._watchman.lock:
            self._watchman.sessions.discard(self)
            self._pdus.close()
            self._connection.close()

    def _answer_questions(self):
        with contextlib.suppress(EOFError, OSError):
            while True:
                question = self._pdus.read()
                self._watchman.may_answer(question[0])
                with self._watchman.lock:
                    self._dispatch(question)

    def _dispatch(self, question):
        self._watchman.questions.append(question[0])
        handler = getattr(self, "_" + question[0].replace("-", "_"), None)
        try:
            if not handler:
                raise Refusal(f"unknown command {question[0]}")
            self.say(handler(*question[1:]))
        except Refusal as refusal:
            self.say({"error": str(refusal)})
        if question[0] == "subscribe":
            self.report()

    def end(self):
        with contextlib.suppress(OSError):
            self._connection.shutdown(socket.SHUT_RDWR)

    def say(self, fields):
        warning = {"warning": self._watchman.warning} if self._watchman.warning else {}
        self._pdus.write({"version": self._watchman.version, **fields, **warning})

    def say_of_subscription(self, fields):
        """Sends a message that is not an answer, to a session with a subscription."""
        if self._subscription:
            self.say({"unilateral": True, "subscription": self._subscription["name"],
                      "root": self._subscription["root"], **fields})

    def cancel(self, root):
        if self._subscription and self._subscription["root"] == root:
            self.say_of_subscription({"canceled": True})
            self._subscription = None

    def report(self):
        """Reports the changes of the subscription. Returns whether there are any."""
        if not self._subscription:
            return False
        query = self._subscription["query"]
        result = self._run(self._subscription["root"], query)
        since, query["since"] = query["since"], result["clock"]
        if result["files"] or result["is_fresh_instance"]:
            self.say_of_subscription({**result, "since": since})
            return True
        return False

    # ---- commands --------------------------------------------------------------------------------

    def _watch_project(self, directory):
        root = os.path.realpath(directory)
        self._watchman.views.setdefault(root, View(root))
        return {"watch": root, "watcher": "inotify"}

    def _watch_del(self, root):
        self._view(root)
        self._watchman.cancel(root)
        return {"watch-del": True, "root": root}

    def _clock(self, root, _options=None):
        self._view(root).look()
        return {"clock": self._clock_of(root)}

    def _query(self, root, query):
        self._view(root).look()
        return {**self._run(root, query), "debug": {"cookie_files": []}}

    def _subscribe(self, root, name, query):
        self._view(root)
        self._subscription = {"root": root, "name": name, "query": query}
        return {"subscribe": name, "clock": self._clock_of(root), "asserted-states": []}

    def _flush_subscriptions(self, root, options):
        if not self._subscription or self._subscription["name"] not in options["subscriptions"]:
            raise Refusal("this client does not have a subscription of that name")
        self._view(root).look()
        name = [self._subscription["name"]]
        is_synced = self.report()
        return {"synced": name if is_synced else [], "no_sync_needed": [] if is_synced else name,
                "dropped": []}

    def _view(self, root):
        if root not in self._watchman.views:
            raise Refusal(f"unable to resolve root {root}: directory {root} is not watched")
        return self._watchman.views[root]

    def _clock_of(self, root, tick=None):
        return f"{self._watchman.instance}:1:{self._view(root).tick if tick is None else tick}"

    def _run(self, root, query):
        view = self._view(root)
        instance, _, tick = query.get("since", "").rpartition(":1:")
        if "since" in query and not re.fullmatch(r"c:\d+:\d+:\d+:\d+", query["since"]):
            raise Refusal("invalid clockspec")
        is_fresh = instance != self._watchman.instance
        since = 0 if is_fresh else int(tick)
        files = [] if is_fresh and query.get("empty_on_fresh_instance") else [
            (name, file) for name, file in view.files.items()
            if file["tick"] > since and (file["exists"] or not is_fresh)
            and matches(query["expression"], name, file)]
        fields = {
            "name": lambda name, file: name,
            "exists": lambda name, file: file["exists"],
            "new": lambda name, file: file["created"] > since,
            "oclock": lambda name, file: self._clock_of(root, file["tick"]),
        }
        return {"is_fresh_instance": is_fresh, "clock": self._clock_of(root),
                "files": [{field: fields[field](*file) for field in query["fields"]} for file in files]}


class FakeWatchman:
    """Listens in `directory`, which must have a short path (unix(7))."""

    def __init__(self, directory, version="20240101.010203.0"):
        self.directory = pathlib.Path(directory)
        self.version = version
        self.warning = ""    # in every message
        self.questions = []  # the commands so far
        self.lock = threading.RLock()
        self._number = itertools.count(1)
        self._hangs_at = None
        self._has_changed = threading.Condition()
        self._listener = None
        self._is_over = False
        (self.directory / "bin").mkdir()
        self.command = self.directory / "bin" / "watchman"
        self.environment = {"PATH": f"{self.directory}/bin:{os.environ['PATH']}"}

    def start(self, backlog=5):
        """Starts a new instance, which knows no clock of an earlier one."""
        self.views, self.sessions = {}, set()
        number = next(self._number)
        self.instance = f"c:{1_700_000_000 + number}:{1000 + number}"
        path = self.directory / f"sock{number}"
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(path))
        self._listener.listen(backlog)
        self.let_command("cat <<'END'\n" + json.dumps({
            "version": self.version, "sockname": str(path), "unix_domain": str(path)}) + "\nEND")
        threading.Thread(target=self._accept, args=(self._listener,), daemon=True).start()

    def stop(self):
        """Ends like `watchman shutdown-server`: the connections and the socket are gone."""
        with self.lock:
            os.unlink(self._listener.getsockname())
            self._listener.shutdown(socket.SHUT_RDWR)
            for session in self.sessions:
                session.end()

    def let_command(self, script):
        """Makes the command `watchman` do this."""
        new = self.command.with_suffix(".new")
        new.write_text(f"#!/bin/sh\n{script}\n")
        new.chmod(0o755)
        new.rename(self.command)

    def hang(self, command):
        """Hangs from now on at this command, at `accept`, or (None) not any more."""
        with self._has_changed:
            self._hangs_at = command
            self._has_changed.notify_all()

    def may_answer(self, command):
        """Waits until hang() allows the command."""
        with self._has_changed:
            self._has_changed.wait_for(lambda: self._hangs_at != command)

    def say_of_subscriptions(self, fields):
        with self.lock:
            for session in self.sessions:
                session.say_of_subscription(fields)

    def cancel(self, root):
        """Forgets a root, as if it was deleted."""
        with self.lock:
            del self.views[root]
            for session in self.sessions:
                session.cancel(root)

    def fill_queue(self):
        """Connects until the queue of the listener is full. Returns the sockets."""
        fillers = []
        with contextlib.suppress(BlockingIOError):
            while True:
                fillers.append(socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_NONBLOCK))
                fillers[-1].connect(self._listener.getsockname())
        return fillers

    def __enter__(self):
        if not self._listener:
            self.start()
        threading.Thread(target=self._watch, daemon=True).start()
        return self

    def __exit__(self, *_):
        self._is_over = True
        self.hang(None)
        self.stop()

    def _accept(self, listener):
        with listener, contextlib.suppress(OSError):
            while True:
                self.may_answer("accept")
                connection, _ = listener.accept()
                with self.lock:
                    self.sessions.add(Session(self, connection))

    def _watch(self):
        """Reports changes when there has been none for a while."""
        is_due = False
        while not self._is_over:
            time.sleep(SETTLE_S)
            with self.lock:
                has_changed = [view.look() for view in self.views.values()]
                if is_due and not any(has_changed):
                    for session in self.sessions:
                        with contextlib.suppress(OSError):
                            session.report()
                is_due = any(has_changed)
