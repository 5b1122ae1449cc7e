"""A private Watchman for one test.

It is separate from the user's Watchman, so a test may kill it. It leaves no files behind.

Watchman derives its state directory (socket, log, pid file, list of watches) from $TMPDIR and the
user's name, so every process that gets `environment` talks to this Watchman and to no other. As
always with Watchman, the first client that asks for its socket starts it: `start()` is only for
tests that want it to run beforehand.

    with PrivateWatchman(directory) as watchman:
        subprocess.Popen([...], env={**os.environ, **watchman.environment})
        ...
        watchman.kill()  # like a crash; the next client starts a new Watchman
"""

import getpass
import json
import os
import pathlib
import select
import signal
import subprocess

DEADLINE_S = 30


class PrivateWatchman:
    """Owns one Watchman daemon and the directory of its state."""

    def __init__(self, directory):
        """`directory` must exist, outlive this object, and have a short path, because it will contain
        a socket (108 bytes, unix(7)). It must not lie in a watched directory."""
        self.directory = pathlib.Path(directory).resolve()
        self.config = self.directory / "watchman.json"
        self.write_config({})

    @property
    def environment(self):
        """Variables to add to the environment of every process that is to use this Watchman."""
        return {
            "TMPDIR": str(self.directory),
            "XDG_STATE_HOME": str(self.directory),
            "WATCHMAN_CONFIG_FILE": str(self.config),
        }

    def write_config(self, config):
        """Writes a configuration, like /etc/watchman.json. It takes effect at the next start."""
        self.config.write_text(json.dumps(config))

    def start(self):
        """Starts the daemon if it does not run. Returns when it answers."""
        self.command("get-sockname")

    def command(self, *words):
        """Runs `watchman WORD…` against this Watchman and returns its answer. Starts the daemon if
        necessary. Raises RuntimeError if the answer is an error."""
        return self._run(words, b"")

    def query(self, root, query):
        """Returns the answer to `query` about the files below `root`."""
        return self._run(["--json-command"], json.dumps(["query", str(root), query]).encode())

    def _run(self, words, said):
        done = subprocess.run(
            ["watchman", "--no-pretty", *words],
            env={**os.environ, **self.environment},
            input=said,
            capture_output=True,
            timeout=DEADLINE_S,
            check=False,
        )
        answer = json.loads(done.stdout or b"{}")
        if done.returncode != 0 or "error" in answer:
            raise RuntimeError(f"watchman {' '.join(words)}: {answer or done.stderr}")
        return answer

    @property
    def pid(self):
        """The daemon's process id; None if it does not run."""
        try:
            pid = int((self._state_directory() / "pid").read_text())
            environment = pathlib.Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
        except (OSError, ValueError):
            return None
        # The file stays when the daemon is killed, and another process may have the same pid by then.
        return pid if f"TMPDIR={self.directory}".encode() in environment else None

    @property
    def log(self):
        """The daemon's log so far."""
        try:
            return (self._state_directory() / "log").read_text(errors="replace")
        except OSError:
            return ""

    def kill(self):
        """Kills the daemon (SIGKILL) as a crash would, and returns when it is gone."""
        self._end(signal.SIGKILL)

    def stop(self):
        """Ends the daemon. Its clients must have ended before, because they would start another one."""
        self._end(signal.SIGKILL)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    def _state_directory(self):
        user = os.environ.get("USER") or os.environ.get("LOGNAME") or getpass.getuser()
        for name in (f"{user}-state", f"watchman/{user}-state"):
            if (self.directory / name).is_dir():
                return self.directory / name
        return self.directory / f"{user}-state"

    def _end(self, number):
        pid = self.pid
        if pid is None:
            return
        try:
            handle = os.pidfd_open(pid)
        except ProcessLookupError:
            return
        try:
            signal.pidfd_send_signal(handle, number)
            if not select.select([handle], [], [], DEADLINE_S)[0]:
                raise RuntimeError(f"Watchman (pid {pid}) does not end")
        except ProcessLookupError:
            pass
        finally:
            os.close(handle)
