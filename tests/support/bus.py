"""The bus as a helper sees it, for tests that take the place of a helper.

The wire is nng's pub/sub over a Unix socket: each end sends a header of 8 bytes that names its
protocol, then every message is a type byte, a length and the text. A subscriber receives every
message, and filters for itself.
Source: https://nanomsg.org/rfcs (SP protocol, mappings for IPC); nng's src/sp/transport/ipc.

    proxyd = TicketAuthor(run_directory)  # publishes tickets, as proxyd does
    watchd = TopicReader(run_directory / "watchd.tickets.sock")  # reads watchd's messages
    number = proxyd.ask()
    watchd.wait(lambda tree: tree["answers"]["number"] >= number, "the answer")
"""

import contextlib
import json
import random
import socket
import struct
import threading
import time

from harness import DEADLINE_S, make_run_directory, wait_for

PUB = 0x20
SUB = 0x21


def header(protocol):
    return b"\0SP\0" + struct.pack(">HH", protocol, 0)


class TicketAuthor:
    """The author of the topic `proxy`, instead of hpp-proxyd."""

    def __init__(self, run_directory):
        make_run_directory(run_directory)
        self.epoch = random.randrange(1, 1 << 50)  # epoch of its tickets and its messages
        self.number = 0
        self._lock = threading.Lock()
        self._readers = []
        self._path = run_directory / "proxyd.tickets.sock"
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(self._path))
        self._listener.listen()
        threading.Thread(target=self._accept, daemon=True).start()

    def ask(self):
        """Publishes the next ticket; returns its number."""
        with self._lock:
            self.number += 1
            for reader in self._readers:
                reader.sendall(self._message())
            return self.number

    def close(self):
        """Closes all connections, as its death would. May be called again."""
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._path.unlink(missing_ok=True)
        with self._lock:
            for reader in self._readers:
                reader.close()
            self._readers.clear()

    def _accept(self):
        while True:
            try:
                reader = self._listener.accept()[0]
            except OSError:
                return
            reader.sendall(header(PUB))
            with contextlib.suppress(OSError), self._lock:
                reader.sendall(self._message())  # a new reader gets the newest message at once
                self._readers.append(reader)

    def _message(self):
        state = {
            "epoch": self.epoch, "sequence": self.number, "listening": [], "clients": 0, "held": 0,
            "forwarded": 0, "replayed": 0, "problem": "",
            "asks": {"epoch": self.epoch, "number": self.number},
            "liveness_check": {"epoch": 0, "number": 0},
        }
        text = b"proxy " + json.dumps(state).encode()
        return b"\1" + struct.pack(">Q", len(text)) + text


class TopicReader:
    """Keeps every message of one author, without repetitions: (seconds, message). `note` is called
    with each message when it arrives."""

    def __init__(self, path, note=lambda message: None):
        self.messages = []
        self._note = note
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.connect(str(path))
        self._socket.sendall(header(SUB))
        threading.Thread(target=self._read, daemon=True).start()

    @property
    def last(self):
        """The newest message; {} if there is none yet."""
        return self.messages[-1][1] if self.messages else {}

    def wait(self, condition, what, after=0, deadline_s=DEADLINE_S):
        """Waits for a message for which the condition holds, and returns the first one. Skips the
        first `after` messages (len(reader.messages) at an earlier moment)."""

        def found():
            return next((m for _, m in self.messages[after:] if condition(m)), None)

        return wait_for(found, lambda: f"{what}; the last message is {self.last}",
                        deadline_s=deadline_s, pause_s=0.0005)

    def close(self):
        self._socket.shutdown(socket.SHUT_RDWR)

    def _read(self):
        with contextlib.suppress(OSError), self._socket, self._socket.makefile("rb") as stream:
            if stream.read(8) != header(PUB):
                raise AssertionError("not a publisher of nng's")
            while kind := stream.read(1):
                text = stream.read(*struct.unpack(">Q", stream.read(8)))
                if kind != b"\1":
                    raise AssertionError(f"a message of type {kind}")
                message = json.loads(text.partition(b" ")[2])
                if message["sequence"] == self.last.get("sequence"):
                    continue
                self._note(message)
                self.messages.append((time.monotonic(), message))
