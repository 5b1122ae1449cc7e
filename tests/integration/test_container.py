"""hpp in a container: as process 1 of a PID namespace, and without what other systems have."""

import os
import shutil
import signal
import subprocess
import unittest

from harness import (BUILD_DIR, PYTHON, STOP_S, IntegrationTest, Program, children_of, free_port,
                     get, is_alive, is_program, wait_for)
from harness import Hpp as PlainHpp
from terminal import TerminalHpp

# Mounts the namespace's own /proc. An ordinary user needs a user namespace for that.
UNSHARE = ["unshare", *([] if os.geteuid() == 0 else ["--map-root-user"]),
           "--pid", "--fork", "--mount-proc", "--kill-child"]

# Starts a process that has another parent, session and environment.
ESCAPING = """\
import subprocess
subprocess.run(["env", "-i", "setsid", "-f", "sleep", "1003"])
"""


def can_unshare():
    try:
        return subprocess.run([*UNSHARE, "true"], capture_output=True, check=False).returncode == 0
    except FileNotFoundError:
        return False


def below(pid):
    """The process's living descendants: {pid: command line}."""
    found = children_of(pid)
    for child in list(found):
        found.update(below(child))
    return found


class Hpp(PlainHpp):
    """hpp in a PID namespace. `pid` is the process id of unshare(1), outside of the namespace."""

    def __init__(self, command, *rest):
        super().__init__([*UNSHARE, *command], *rest)

    @property
    def init(self):
        """The process id of process 1 outside of the namespace."""
        return wait_for(lambda: next(iter(children_of(self.pid)), None), "process 1")

    def helper_pid(self, name):
        return wait_for(
            lambda: next((pid for pid, command in below(self.pid).items()
                          if is_program(command, f"hpp-{name}") and os.getpgid(pid) == pid),
                         None),
            lambda: f"hpp-{name}:\n{self.transcript()}")

    def end(self):
        """Stops process 1, and returns when the namespace is empty. unshare(1) ignores SIGTERM, and its
        end does not reach a process 1 that has changed its user."""
        inside = below(self.pid)
        for pid in children_of(self.pid):
            os.kill(pid, signal.SIGTERM)
        wait_for(lambda: not any(map(is_alive, inside)), "the end of the namespace")
        super().end()

    def sleepers(self, seconds):
        return [pid for pid, command in below(self.pid).items() if command == f"sleep {seconds} "]

    def run_inside(self, *command):
        """Runs a command in the namespace, like `docker exec`. Returns when it has ended."""
        user = ["--user", "--preserve-credentials"] if os.geteuid() else []
        subprocess.run(["nsenter", "--target", str(self.init), "--pid", "--mount", *user, *command],
                       check=True)


class TerminalInContainer(TerminalHpp):
    shell = UNSHARE


@unittest.skipUnless(can_unshare(), "unshare(1) cannot make a PID namespace here")
class Process1(IntegrationTest):
    def start(self, more="", kind=Hpp):
        return self.start_ready(text="first", first=more, kind=kind)

    def restart_after_crash(self, hpp):
        os.kill(hpp.helper_pid("supervisord"), signal.SIGKILL)
        hpp.wait_line("took over generation 1")
        self.save_backend("second")
        hpp.wait_state("Running", 2)
        self.assertEqual(get(hpp.url).text, "second")

    def test_an_escaped_process_is_killed_after_a_crash(self):
        hpp = self.start(ESCAPING)
        wait_for(lambda: len(hpp.sleepers(1003)) == 1, "the process that escapes")
        self.restart_after_crash(hpp)
        self.assertEqual(hpp.sleepers(1003), [])

    def test_a_process_started_beside_hpp_is_not_killed(self):
        hpp = self.start()
        hpp.run_inside("sh", "-c", "sleep 1004 >/dev/null 2>&1 &")
        [sleeper] = wait_for(lambda: hpp.sleepers(1004), "the orphan")
        self.assertIn(sleeper, children_of(hpp.init))
        self.restart_after_crash(hpp)
        self.save_backend("third")
        hpp.wait_state("Running", 3)
        self.assertEqual(hpp.sleepers(1004), [sleeper])
        os.kill(sleeper, signal.SIGKILL)  # hpp must reap it
        wait_for(lambda: not os.path.exists(f"/proc/{sleeper}"), "the end of the orphan")

    def test_signals_end_hpp(self):
        for number, status in ((signal.SIGTERM, 143), (signal.SIGINT, 130), (signal.SIGHUP, 129)):
            hpp = self.start()
            os.kill(hpp.init, number)
            self.assertEqual(hpp.wait_exit(STOP_S), status, hpp.transcript())
            self.assert_nothing_left()

    def test_a_signal_right_after_the_start_ends_hpp(self):
        hpp = self.start_hpp("--exec", *self.save_backend(), kind=Hpp)
        init = hpp.init
        wait_for(lambda: children_of(init), "hpp-launch")
        os.kill(init, signal.SIGTERM)
        self.assertEqual(hpp.wait_exit(STOP_S), 143)
        self.assert_nothing_left()

    def test_ctrl_c_arrives_once(self):
        hpp = self.start(kind=TerminalInContainer)
        hpp.wait_screen("Running: ")
        hpp.type("\x03")
        self.assertEqual(hpp.wait_exit(STOP_S), 130)
        self.assert_nothing_left()

    def test_a_failed_start_is_reported(self):
        program = self._keep(Program([*UNSHARE, self.program("launch"), "8000", "8000",
                                      "--exec", "true"], self.project, self.environment))
        self.assertEqual(program.wait_exit(), 2)
        program.wait_line("the same address")

    def test_a_helper_alone(self):
        bind, backend = free_port(), free_port()
        proxy = self._keep(Program([*UNSHARE, self.program("proxyd"), bind, backend,
                                    "--assume-running", "--verbose"], self.project, self.environment))
        proxy.wait_line("forwards to")
        [init] = children_of(proxy.pid)
        os.kill(init, signal.SIGTERM)
        self.assertEqual(proxy.wait_exit(STOP_S), 0)


# A backend that writes no file.
PURE = """\
import http.server, sys

class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"{text}")

http.server.HTTPServer(("localhost", int(sys.argv[1])), Handler).serve_forever()
"""


# A container with a read-only file system, except for the directories after `--`, and a user who is in
# no list of users, has no home directory, and no other variable than PATH.
# The programs are mounted elsewhere, because this user may not search the directories above them.
BARE = """\
uid=$1 programs=$2 mounted=$3
shift 3
temporary=/tmp
while [ "$1" != -- ]; do
  mount --bind "$1" "$1"
  [ "$1" != /tmp ] || temporary=
  shift
done
shift
mount -o bind,remount,ro /
# Debian 13 and others mount a file system of its own on /tmp.
if [ -n "$temporary" ] && mountpoint -q /tmp; then mount -o bind,remount,ro /tmp; fi
mount --bind "$programs" "$mounted"
cd .
exec setpriv --reuid "$uid" --regid "$uid" --clear-groups env -i PATH=/usr/bin:/bin "$@"
"""


def can_remount():
    return os.geteuid() == 0 and can_unshare() and subprocess.run(
        ["unshare", "--mount", "mount", "-o", "bind,remount,ro", "/"],
        capture_output=True, check=False).returncode == 0


class BareHpp(Hpp):
    """`writable`: the directories that are not read-only. `variables`: the whole environment."""

    def __init__(self, command, test, *rest):
        programs = test.directory / "programs"
        programs.mkdir()
        bare = ["--mount", "sh", "-c", BARE, "sh", str(BareSystem.UID), str(BUILD_DIR), str(programs),
                *test.writable, "--"]
        command = [str(word).replace(str(BUILD_DIR), str(programs), 1) for word in command]
        super().__init__([*bare, *test.variables, *command], test, *rest)


@unittest.skipUnless(can_remount(), "needs root, and mount namespaces")
class BareSystem(IntegrationTest):
    UID = 54321  # of no user

    def setUp(self):
        super().setUp()
        self.directory.chmod(0o755)
        self.variables = []
        self.writable = [str(self.project), "/tmp"]
        self.addCleanup(shutil.rmtree, f"/tmp/hpp-{self.UID}", ignore_errors=True)

    def start(self):
        self.save("app.py", PURE.format(text="first"))
        return self.start_hpp("--watcher", "inotify", "--exec", PYTHON, "app.py", "{backend}",
                              kind=BareHpp)

    def test_hpp_works_without_home_user_and_runtime_directory(self):
        hpp = self.start()
        hpp.wait_line("Running: ")
        self.assertEqual(get(hpp.url).text, "first")
        self.save("app.py", PURE.format(text="second"))
        self.assertEqual(get(hpp.url).text, "second")
        os.kill(hpp.init, signal.SIGTERM)
        self.assertEqual(hpp.wait_exit(STOP_S), 143, hpp.transcript())

    def test_without_a_writable_directory_hpp_says_what_to_do(self):
        self.writable = [str(self.project)]
        hpp = self.start()
        self.assertEqual(hpp.wait_exit(), 1)
        hpp.wait_line(r"cannot create the run directory /tmp/hpp-\S+: Read-only file system\. "
                      "Set XDG_RUNTIME_DIR to a directory of your own")

    def test_xdg_runtime_dir_may_be_the_only_writable_directory(self):
        runtime = self.directory / "run"
        os.chown(runtime, self.UID, self.UID)
        self.writable = [str(self.project), str(runtime)]
        self.variables = [f"XDG_RUNTIME_DIR={runtime}"]
        hpp = self.start()
        hpp.wait_line("Running: ")
        self.assertEqual(get(hpp.url).text, "first")


if __name__ == "__main__":
    unittest.main()
