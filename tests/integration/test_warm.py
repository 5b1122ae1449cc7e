"""With --warm, the next process of the command waits at a gate, and a change is served by it: fresh, never
beside the old one, and a cold start takes its place if anything is wrong with it. The server is one file
outside the project with the reference implementation of the gate (docs/gate.rst)."""

import os
import pathlib
import shlex
import signal
import subprocess
import time
import unittest

from harness import PYTHON, IntegrationTest, environment_of, get, is_alive, wait_for

SUPPORT = pathlib.Path(__file__).resolve().parents[1] / "support"

# It imports a slow package, and the project's module `app`. It appends `event pid` to a log, and answers
# with app.TEXT, the version of the package, and the pid. `misdeed` says what a spare does wrong.
SERVER = '''\
import os, sys
sys.path[:0] = [{support!r}, {packages!r}, os.getcwd()]
is_spare = "/spare-" in os.environ.get("HPP_BACKEND", "")
with open({log!r}, "a") as log:
    log.write("start spare\\n" if is_spare else "start cold\\n")
{first}
import gate_reference
gate_reference.gate()
{second}
import slow, app
import http.server, socketserver

class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def do_GET(self):
        body = f"{{app.TEXT}} {{slow.VERSION}} {{os.getpid()}}".encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)
    do_HEAD = do_GET
    def log_message(self, *_):
        pass

class Server(http.server.ThreadingHTTPServer):
    request_queue_size = 128
    def server_bind(self):
        if "LISTEN_FDS" in os.environ:
            self.socket.close()
            import socket
            self.socket = socket.socket(fileno=3)
            self.server_name, self.server_port = "localhost", 0
        else:
            super().server_bind()

Server(("localhost", int(sys.argv[1])), Handler).serve_forever()
'''

PACKAGE = "import time\ntime.sleep({sleep})\nVERSION = {version!r}\n"


class WarmTest(IntegrationTest):
    def setUp(self):
        super().setUp()
        self.log_file = self.directory / "log"
        self.packages = self.directory / "packages"
        self.packages.mkdir()
        self.save_package("1")
        self.save_text("first")
        self.save_server()

    def save_text(self, text):
        self.save("app.py", f"TEXT = {text!r}\n")

    def save_package(self, version, sleep=0.4):
        (self.packages / "slow.py").write_text(PACKAGE.format(sleep=sleep, version=version))

    def save_server(self, first="", second=""):
        (self.directory / "server.py").write_text(SERVER.format(
            support=str(SUPPORT), packages=str(self.packages), log=str(self.log_file), first=first,
            second=second))

    def start(self, *options, command=None):
        # With -E, Python does not load hpp's adapter, which would use the gate before the server does, and
        # ignores the variable that says what -B says.
        command = command or (PYTHON, "-EB", "../server.py", "{backend}")
        self.hpp = self.start_ready("--warm", "--debug", *options, "--exec", *command)
        return self.hpp

    def use_adapter_for_python(self, *folders):
        """These folders are in sys.path from the start. If the server added one from outside the project, the
        adapter would load nothing early that the server imports afterwards."""
        self.environment["PYTHONPATH"] = ":".join(map(str, [SUPPORT, self.packages, *folders]))

    def starts(self):
        return self.log_file.read_text().splitlines() if self.log_file.exists() else []

    def spares(self):
        """The processes that were started as spares and are alive; one of them may be the backend."""
        return [pid for pid in self.left() if "/spare-" in environment_of(pid).get("HPP_BACKEND", "")]

    def wait_spare(self, after=0):
        """Waits until a spare is ready, which hpp logs after the first `after` lines. Returns the number of
        lines then."""
        self.hpp.wait_line(r"spare \d+ is ready", after)
        return len(self.hpp.lines)

    def wait_generation(self, generation):
        """Returns how that generation was started, as soon as it runs."""
        return self.hpp.wait_state("Running", generation)["start"]

    def ask(self):
        text, version, pid = get(self.hpp.url).text.split()
        return text, version, int(pid)

    def assert_serves(self, text, version="1"):
        """Returns the pid of the server that has answered with the newest code."""
        answer = self.ask()
        self.assertEqual(answer[:2], (text, version), self.hpp.transcript())
        return answer[2]

    def assert_cold(self, generation, because):
        facts = self.wait_generation(generation)
        self.assertFalse(facts["warm"], self.hpp.transcript())
        self.assertRegex(facts["cold_because"], because)

    def assert_warm(self, generation):
        facts = self.wait_generation(generation)
        self.assertTrue(facts["warm"], f"{facts}:\n{self.hpp.transcript()}")


class Restarts(WarmTest):
    def test_a_spare_does_not_announce_that_the_server_is_ready(self):
        """With --ready line, a line counts that is printed after the gate was opened."""
        wait = ("import time\nprint('waits', flush=True)\n"
                "while not os.path.exists('../go'): time.sleep(0.005)\nprint('ready', flush=True)")
        self.save_server(first="if is_spare: print('ready', flush=True)", second=wait)
        go = self.directory / "go"
        go.touch()
        self.start("--ready", "line:^ready$")
        self.wait_spare()
        go.unlink()
        begun = len(self.hpp.lines)
        self.save_text("second")
        self.hpp.wait_line("^waits$", begun)
        now = self.hpp.snapshot()
        self.assertEqual((now["generation"], now["state"], now["start"]["warm"], now["announced"]),
                         (2, "Loading", True, False))
        go.touch()
        self.wait_generation(2)
        self.assertEqual(self.ask()[0], "second")

    def test_a_spare_serves_the_newest_code(self):
        self.start()
        after = self.wait_spare()
        spare, = self.spares()
        self.save_text("second")
        self.assertEqual(self.assert_serves("second"), spare)
        self.assert_warm(2)
        self.assertGreaterEqual(self.hpp.snapshot()["start"]["cold_ms"], 400)
        self.hpp.wait_line(r"generation 2 answers after [0-9.]+ ms \(warm; \d+ ms cold\), ")
        self.wait_spare(after)
        self.hpp.stop()
        self.assert_nothing_left()
        self.assertEqual(self.starts(), ["start cold", "start spare", "start spare"])
        self.assertEqual(list(self.hpp.run_directory.glob("warm-*")), [])

    def test_a_changed_package_makes_the_start_cold(self):
        self.start()
        after = self.wait_spare()
        self.save_package("2")
        self.save_text("second")
        self.assert_serves("second", "2")
        self.assert_cold(3, "slow.py has changed since the spare loaded it")
        self.wait_spare(after)
        self.save_text("third")
        self.assert_serves("third", "2")
        self.assert_warm(4)

    def test_a_file_that_a_wrapper_reads_makes_the_start_cold(self):
        self.save(".env", "A=1")
        self.start("--pattern", "**/*.py")
        self.wait_spare()
        self.save(".env", "A=2")
        self.save_text("second")
        self.assert_serves("second")
        self.assert_cold(2, r"\.env has changed since the spare was started")

    def test_a_file_that_a_script_reads_in_a_folder_makes_the_start_cold(self):
        self.save("conf/dev.env", "A=1\n")
        self.save("run.sh", '. "$PWD/conf/dev.env"; exec "$@"\n')
        self.start(command=("sh", "run.sh", PYTHON, "-EB", "../server.py", "{backend}"))
        self.wait_spare()
        self.save("conf/dev.env", "A=2\n")
        self.assert_cold(2, "conf/dev.env has changed since the spare was started")

    def test_a_requested_restart_is_cold(self):
        self.start()
        self.wait_spare()
        self.assertEqual(self.run_program("ctl", "restart").process.returncode, 0)
        self.assert_cold(2, "you have requested the restart")

    def test_twenty_saves_in_two_seconds(self):
        self.start()
        after = self.wait_spare()
        for number in range(20):
            self.save_text(f"save{number}")
            self.assert_serves(f"save{number}")
            time.sleep(0.05)  # a person or a tool that saves all the time
        self.wait_spare(after)
        generation = self.hpp.generation
        self.save_text("last")
        self.assert_serves("last")
        self.assert_warm(generation + 1)

    def test_the_gate_opens_after_the_build(self):
        self.start("--build", f"cp app.py {self.packages}/built.py", "--pattern", "app.py")
        self.wait_spare()
        self.save_text("second")
        self.assert_serves("second")
        self.assert_warm(2)
        lines = self.hpp.output()
        self.assertLess(lines.rindex("Building:"), lines.rindex("opened the gate"))

    def test_a_spare_gets_the_socket(self):
        self.start("--socket")
        self.wait_spare()
        self.save_text("second")
        self.assert_serves("second")
        self.assert_warm(2)

    def test_output_of_a_spare_is_shown_when_it_is_the_backend(self):
        self.save_server(first="print('loaded by', os.getpid(), flush=True)")
        self.start()
        self.wait_spare()
        spare, = self.spares()
        self.assertNotIn(f"loaded by {spare}", self.hpp.output("out"))
        self.save_text("second")
        self.assert_serves("second")
        self.hpp.wait_line(f"loaded by {spare}")

    def test_two_instances_in_one_project(self):
        one = self.start()
        self.wait_spare()
        two = self.start()
        self.wait_spare()
        self.save_text("second")
        for self.hpp in (one, two):
            self.assert_serves("second")
            self.assert_warm(2)

    def test_a_command_without_a_gate_starts_as_ever(self):
        hpp = self.start_ready("--warm", "--exec", PYTHON, "-EB", *self.save_backend()[1:])
        hpp.wait_line("--warm has no effect: your server has not used its gate")
        self.assertEqual(get(hpp.url).text, "hello")

    def test_without_warm_hpp_suggests_it(self):
        self.start_ready("--exec", PYTHON, "../server.py", "{backend}").wait_line(
            r"Your server takes \d+ ms to start. With --warm, hpp loads its Python packages before the next change")

    def test_a_server_without_a_gate_of_its_own_starts_warm(self):
        """hpp's adapter for Python uses the gate. It loads the package before the change."""
        self.use_adapter_for_python()
        self.start(command=(PYTHON, "../server.py", "{backend}"))
        self.wait_spare()
        self.save_text("second")
        self.assert_serves("second")
        self.assert_warm(2)
        self.assertEqual(self.starts(), ["start cold", "start spare"])


class BadSpares(WarmTest):
    """A spare that does something wrong leads to a cold start, and after three to none."""

    def test_it_listens(self):
        self.save_server(second="", first="if is_spare:\n    import socket\n"
                         "    early = socket.create_server(('localhost', 0))")
        self.start()
        self.hpp.wait_line("--warm is off until hpp is started again, because 3 spares in a row have "
                           r"failed: the last one listens on port \d+ before its gate was opened")
        self.save_text("second")
        self.assert_serves("second")
        self.assert_cold(2, "--warm is off")

    def test_a_shell_has_its_script_open(self):
        self.save("run.sh", f"{PYTHON} ../server.py $PORT\ntrue\n")
        self.start(command=("sh", "run.sh"))
        self.hpp.wait_line("the last one has run.sh open before its gate was opened")
        self.save_text("second")
        self.assert_serves("second")

    def test_it_ends_when_its_gate_is_opened(self):
        self.save_server(first="""
import gate_reference
if is_spare:
    seen, identity = set(), gate_reference.identity
    def check(path):
        if path in seen:
            os._exit(3)
        seen.add(path)
        return identity(path)
    gate_reference.identity = check
""")
        self.start()
        self.wait_spare()
        self.save_text("second")
        self.assert_serves("second")
        self.assert_cold(3, "the spare has (ended with exit code 3|closed its gate) when it was opened"
                            "|ended with exit code 3 when its gate was opened")
        self.hpp.wait_line("starting your server without the spare")

    def test_it_ends_while_it_waits(self):
        self.start()
        after = self.wait_spare()
        spare, = self.spares()
        os.kill(spare, signal.SIGKILL)
        self.wait_spare(after)
        self.save_text("second")
        self.assert_serves("second")
        self.assert_warm(2)

    def test_an_error_behind_the_gate_is_the_servers(self):
        self.start()
        self.wait_spare()
        self.save("app.py", "this is no Python\n")
        self.hpp.wait_state("Error", 2)
        self.assertIn("SyntaxError", self.hpp.snapshot()["output_tail"])
        self.save_text("second")
        self.assert_serves("second")

    def test_a_corrected_error_starts_warm(self):
        self.start()
        after = self.wait_spare()
        self.save("app.py", "this is no Python\n")
        self.hpp.wait_state("Error", 2)
        self.wait_spare(after)
        self.save_text("second")
        self.assert_serves("second")
        self.assert_warm(3)


# Runs a program that finds this file's text in /proc/meminfo.
UNSHARE = ["unshare", *([] if os.geteuid() == 0 else ["--user", "--map-root-user"]), "--mount", "sh", "-c",
           'mount --bind "$0" /proc/meminfo && exec "$@"']


def can_replace_meminfo():
    done = subprocess.run([*UNSHARE, "/dev/null", "cat", "/proc/meminfo"], capture_output=True)
    return done.returncode == 0 and done.stdout == b""


@unittest.skipUnless(can_replace_meminfo(), "unshare(1) cannot replace /proc/meminfo here")
class Memory(WarmTest):
    def setUp(self):
        super().setUp()
        self.meminfo = self.directory / "meminfo"
        wrapper = self.directory / "hpp"
        wrapper.write_text(f"#!/bin/sh\nexec {shlex.join(UNSHARE)} {self.meminfo} {self.program('launch')} \"$@\"\n")
        wrapper.chmod(0o755)
        program = self.program
        self.program = lambda name: wrapper if name == "launch" else program(name)

    def set_available(self, megabytes):
        # The same file, which is mounted there.
        self.meminfo.write_text(f"MemTotal: 8388608 kB\nMemAvailable: {megabytes * 1024} kB\n")

    def test_no_spare_is_started_while_little_is_available(self):
        self.set_available(200)
        self.start()
        for number in range(5):
            time.sleep(0.5 * 2 ** number)  # no event tells that no spare is started
            self.save_text(str(number))
            self.assert_serves(str(number))
            if self.hpp.snapshot()["start"]["cold_because"] == "little memory was available":
                break
        else:
            self.fail(self.hpp.transcript())
        self.assertNotIn("start spare", self.starts())
        self.set_available(300)
        self.wait_spare()

    def test_a_spare_is_thrown_away_when_little_is_available(self):
        self.set_available(300)
        self.start()
        after = self.wait_spare()
        self.set_available(200)
        wait_for(lambda: not self.spares(), "the end of the spare")
        self.save_text("second")
        self.assert_serves("second")
        self.assert_cold(2, "little memory was available")
        self.set_available(300)
        self.wait_spare(after)
        self.save_text("third")
        self.assert_serves("third")
        self.assert_warm(3)


class Crashes(WarmTest):
    def test_each_helper_while_a_spare_waits(self):
        self.start()
        after = 0
        for name in ("proxyd", "watchd", "supervisord"):
            with self.subTest(name):
                after = self.wait_spare(after)
                spare, = set(self.spares()) - {self.hpp.snapshot()["pid"]}
                killed = self.hpp.helper_pid(name)
                os.kill(killed, signal.SIGKILL)
                wait_for(lambda: self.hpp.helper_pid(name) != killed, f"another {name}")
                if name == "supervisord":
                    wait_for(lambda: not is_alive(spare), "the end of the spare")
                    after = self.wait_spare(after)
                self.hpp.wait_watching()
                generation = self.hpp.generation
                self.save_text(name)
                wait_for(lambda: self.hpp.generation > generation, "a restart")
                self.assert_serves(name)
                self.assert_warm(generation + 1)
        self.hpp.stop()
        self.assert_nothing_left()

    def test_a_stop_in_error_ends_the_spare(self):
        self.start()
        self.wait_spare()
        os.kill(self.hpp.snapshot()["pid"], signal.SIGKILL)
        self.hpp.wait_state("Error")
        self.assertEqual(len(self.spares()), 1)
        self.hpp.stop()
        self.assert_nothing_left()


if __name__ == "__main__":
    unittest.main()
