"""A `systemd --user` with a journal for one test, separate from the user's.

    manager = UserManager(directory, environment)
    manager.start()                     # raises SkipTest, with the reason, if that is impossible
    manager.systemctl("start", "some.service")
    manager.journal("hpp")              # entries with that identifier
    manager.stop()
    manager.forget()

It needs root, or sudo without a password, for a control group and a /run of its own. The manager and
its services run as the user who runs the test.
"""

import json
import os
import pathlib
import shutil
import subprocess
import unittest

from harness import wait_for

SCRIPT = pathlib.Path(__file__).with_suffix(".sh")
SYSTEMD = pathlib.Path("/lib/systemd/systemd")
# The manager's own units (basic.target, exit.target).
SYSTEM_UNITS = "/usr/lib/systemd/user"
# Environment variables that services inherit from the test.
PASSED = ("ASAN_OPTIONS", "HOME", "LANG", "LOGNAME", "PATH", "TSAN_OPTIONS", "UBSAN_OPTIONS", "USER")
DEADLINE_S = 30


def as_root(*command):
    """The command, with sudo if necessary."""
    return list(command) if os.getuid() == 0 else ["sudo", "-n", *command]


def own_cgroup():
    """The directory of this process's control group in cgroup2; None if there is none."""
    mounts = [line.split() for line in pathlib.Path("/proc/self/mounts").read_text().splitlines()]
    places = [fields[1] for fields in mounts if fields[2] == "cgroup2"]
    lines = pathlib.Path("/proc/self/cgroup").read_text().splitlines()
    paths = [line.removeprefix("0::") for line in lines if line.startswith("0::")]
    return pathlib.Path(places[0] + paths[0]) if places and paths else None


class UserManager:
    """Owns the manager, its control group and its journal."""

    def __init__(self, directory, environment):
        """`directory` must exist and have a short path. `environment` is the environment of the test's
        programs, with XDG_RUNTIME_DIR. Services get the variables that it adds to the test's own
        environment, and PASSED."""
        self.units = directory / "units"
        self.config = directory / "config"
        self._journal = directory / "journal"
        self._log = directory / "manager.log"
        for path in (self.units, self.config, self._journal):
            path.mkdir()
        # systemctl needs no bus. Where dbus-user-session is installed, it could start one, which a
        # test would find when it looks for processes that are left.
        for unit in ("dbus.service", "dbus.socket"):
            (self.units / unit).symlink_to(os.devnull)
        own = own_cgroup()
        self._cgroup = own and own / f"{directory.name}-manager"
        self.environment = {
            **{name: value for name, value in environment.items()
               if os.environ.get(name) != value or name in PASSED},
            "XDG_CONFIG_HOME": str(self.config),
            "SYSTEMD_UNIT_PATH": f"{self.units}:{SYSTEM_UNITS}",
        }
        self._process = None

    def start(self):
        """Starts the manager. Returns when it accepts commands."""
        self._skip_unless(SYSTEMD.exists() and shutil.which("systemctl"), "systemd is not installed")
        self._skip_unless(self._cgroup, "there is no cgroup2")
        self._skip_unless(self._runs("true"), "it takes root, or sudo that does not ask")
        with open(self._log, "wb") as log:
            self._process = subprocess.Popen(
                as_root("sh", SCRIPT, self._cgroup, str(os.getuid()), str(os.getgid()),
                        self._journal, *self._env(), SYSTEMD, "--user",
                        "--unit=basic.target", "--log-target=console"),
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, process_group=0)

        def runs():
            self._skip_unless(self._process.poll() is None,
                              f"no systemd --user runs here: {self.log}")
            return self.run("systemctl", "--user", "is-active", "basic.target").returncode == 0

        wait_for(runs, lambda: f"systemd --user: {self.log}", pause_s=0.02)

    @staticmethod
    def _skip_unless(condition, reason):
        if not condition:
            raise unittest.SkipTest(reason)

    @staticmethod
    def _runs(*command):
        return subprocess.run(as_root(*command), check=False, capture_output=True).returncode == 0

    def _env(self, *options):
        return ["env", "-i", *options, *(f"{name}={value}" for name, value in self.environment.items())]

    def beside(self, directory, *command):
        """Returns a command that runs `command` in the manager's namespace, as a service would run,
        because paths may differ outside of it."""
        pid = next(pid for pid in self.pids
                   if pathlib.Path(f"/proc/{pid}/comm").read_text() == "systemd\n")
        return as_root("nsenter", f"--target={pid}", "--mount", "--root",
                       "setpriv", f"--reuid={os.getuid()}", f"--regid={os.getgid()}",
                       "--init-groups", *self._env(f"--chdir={directory}"), *command)

    def run(self, *command):
        """Runs a command in the manager's environment; returns the CompletedProcess."""
        return subprocess.run(command, env=self.environment, check=False, capture_output=True,
                              text=True, timeout=DEADLINE_S)

    def systemctl(self, *words):
        """Runs `systemctl --user WORD…`; returns its output. Raises AssertionError if it fails."""
        done = self.run("systemctl", "--user", *words)
        if done.returncode != 0:
            raise AssertionError(f"systemctl {' '.join(words)}: {done.stderr}\n{self.log}")
        return done.stdout.strip()

    def show(self, unit, name):
        return self.systemctl("show", "--value", f"--property={name}", unit)

    @property
    def log(self):
        """The manager's own log."""
        return self._log.read_text(errors="replace")

    def journal(self, identifier=None):
        """The journal's entries so far, in journalctl's JSON: all, or those with one identifier."""
        if self._process is None:
            return []
        folders = subprocess.run(as_root("find", self._journal, "-name", "*.journal"), check=True,
                                 capture_output=True, text=True).stdout.split()
        words = [f"--file={name}" for name in folders]
        words += [] if identifier is None else [f"--identifier={identifier}"]
        done = subprocess.run(as_root("journalctl", "--output=json", "--all", "--quiet", *words),
                              check=True, capture_output=True, text=True)
        return [json.loads(line) for line in done.stdout.splitlines()]

    @property
    def messages(self):
        """The texts of all entries."""
        return [str(entry.get("MESSAGE")) for entry in self.journal()]

    @property
    def pids(self):
        """The manager's processes, without its services."""
        with_it = [self._cgroup / "cgroup.procs", self._cgroup / "init.scope" / "cgroup.procs"]
        return {int(pid) for path in with_it if path.exists() for pid in path.read_text().split()}

    def stop(self):
        """Ends the manager and its services."""
        if self._process is None:
            return
        self.run("systemctl", "--user", "exit")
        try:
            self._process.wait(DEADLINE_S)
        finally:
            subprocess.run(as_root("sh", "-c", 'echo 1 >"$1/cgroup.kill"; '
                                   'while ! find "$1" -depth -type d -exec rmdir {} + 2>/dev/null; '
                                   'do sleep 0.01; done', "sh", self._cgroup), check=False,
                           timeout=DEADLINE_S, capture_output=True)

    def forget(self):
        """Removes the files that only root can remove."""
        subprocess.run(as_root("rm", "-rf", self._journal), check=False)
