"""The start of the backend: the build before it, the socket that it is handed, and when it counts as
ready. Also: a backend that causes its own restarts."""

import os
import signal
import subprocess
import time

from harness import (PYTHON, Background, Connection, IntegrationTest, Program, environment_of, get,
                     is_alive, only_with, wait_for)

# The build turns `source` into the backend's answer. The source `bad` does not compile.
BUILD = """\
echo "building $(cat source)" >> ../builds
if grep -q bad source; then echo "source:1: error: bad" >&2; exit 2; fi
if grep -q slow source; then echo $$ > ../builder; while [ ! -e ../go ]; do sleep 0.01; done; fi
cp source ../built
"""

# Answers each GET with `text`.
SERVER = """\
import fcntl, http.server, os, socket, sys
class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text.encode())
    do_HEAD = do_GET
    def log_message(self, *_): pass
class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
"""

BUILT = SERVER + """\
text = open("../built").read()
Server(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
"""

# Serves on the socket that it is handed. Answers with its name, its pid, and whether the socket was
# non-blocking.
HANDED = SERVER + """\
assert os.environ["LISTEN_FDS"] == "1" and os.environ["LISTEN_PID"] == str(os.getpid())
was_nonblocking = bool(fcntl.fcntl(3, fcntl.F_GETFL) & os.O_NONBLOCK)
text = f"{NAME} {os.getpid()} {was_nonblocking}"
server = Server(("127.0.0.1", 0), Handler, bind_and_activate=False)
server.socket = socket.socket(fileno=3)
server.socket.setblocking(False)
server.serve_forever()
"""


def handed(name):
    return f"NAME = {name!r}\n{HANDED}"


class Build(IntegrationTest):
    def start_built(self, source, *options):
        self.save("build.sh", BUILD)
        self.save("app.py", BUILT)
        self.save("source", source)
        self.hpp = self.start_hpp("--build", "sh build.sh", *options, "--exec", PYTHON, "app.py",
                                  "{backend}")
        return self.hpp

    @property
    def builds(self):
        return (self.directory / "builds").read_text().splitlines()

    def test_comes_before_each_start(self):
        self.start_built("one").wait_ready()
        self.assertEqual(get(self.hpp.url).text, "one")
        self.save("source", "two")
        self.assertEqual(get(self.hpp.url).text, "two")
        self.assertEqual(self.builds, ["building one", "building two"])
        self.hpp.wait_line(r"Building: running sh build\.sh, killed the old one in ")
        self.hpp.wait_line(r"Loading: started .* \(generation 2, .*built in ")

    def test_a_failure_is_an_error_page_with_the_output(self):
        self.start_built("one").wait_ready()
        self.save("source", "bad")
        answer = get(self.hpp.url)
        self.assertEqual(answer.status, 503)
        self.assertIn("sh build.sh failed: exit code 2", answer.text)
        self.assertIn("source:1: error: bad", answer.text)
        self.hpp.wait_line("^source:1: error: bad$")
        self.save("source", "good")
        self.assertEqual(get(self.hpp.url).text, "good")

    def test_a_failure_at_the_first_start(self):
        hpp = self.start_built("bad")
        hpp.wait_watching()
        hpp.wait_state("Error")
        self.assertEqual(get(self.hpp.url).status, 503)
        self.save("source", "good")
        self.assertEqual(get(self.hpp.url).text, "good")

    def test_a_save_cancels_it(self):
        self.start_built("slow").wait_watching()
        builder = wait_for(lambda: self.builder(), "the build")
        self.save("source", "two")
        self.assertEqual(get(self.hpp.url).text, "two")
        self.assertFalse(is_alive(builder))

    def test_waits_for_the_settling_time(self):
        self.start_built("one", "--settle", 1500).wait_ready()
        self.save("source", "two")
        self.hpp.wait_line("Killing: source changed")
        self.save("source", "three")
        self.assertEqual(get(self.hpp.url).text, "three")
        self.assertEqual(self.builds, ["building one", "building three"])

    def test_dies_with_hpp(self):
        self.start_built("slow").wait_state("Loading")
        wait_for(lambda: self.builder(), "the build")
        self.hpp.stop()
        self.assert_nothing_left()

    def test_its_remaining_processes_are_killed_with_the_backend(self):
        self.start_built("one").wait_ready()
        self.save("build.sh", BUILD + "sleep 600 & echo $! > ../builder\n")
        left = wait_for(lambda: self.builder(), "what the build leaves running")
        self.hpp.wait_state("Running", 2)
        self.assertTrue(is_alive(left))
        self.save("source", "two")
        self.assertEqual(get(self.hpp.url).text, "two")
        self.assertFalse(is_alive(left))

    def test_its_daemon_is_not_killed(self):
        # The daemon starts once, like Gradle's, and each further build uses it.
        self.save("daemon.py", "import time; time.sleep(600)")
        start = "[ -e ../daemon ] || setsid sh -c " \
                f"'echo $$ > ../daemon; exec {PYTHON} daemon.py' </dev/null >/dev/null 2>&1 &\n" \
                "while [ ! -s ../daemon ]; do sleep 0.01; done\n"
        self.save("build.sh", start + BUILD)
        self.save("app.py", BUILT)
        self.save("source", "one")
        hpp = self.start_ready("--build", "sh build.sh", "--build-daemon", "daemon.py", "--exec",
                               PYTHON, "app.py", "{backend}")
        daemon = int((self.directory / "daemon").read_text())
        self.save("source", "two")
        self.assertEqual(get(hpp.url).text, "two")
        os.kill(hpp.helper_pid("supervisord"), signal.SIGKILL)
        self.save("source", "three")
        self.assertEqual(get(hpp.url).text, "three")
        hpp.stop()
        self.assertEqual(list(self.left()), [daemon])
        os.kill(daemon, signal.SIGKILL)
        wait_for(lambda: not is_alive(daemon), "the daemon's end")

    def test_it_is_started_again_after_a_crash_of_supervisord(self):
        self.start_built("slow").wait_state("Loading")
        builder = wait_for(lambda: self.builder(), "the build")
        os.kill(self.hpp.helper_pid("supervisord"), signal.SIGKILL)
        wait_for(lambda: not is_alive(builder), "the end of the orphaned build")
        (self.directory / "go").touch()
        self.assertEqual(get(self.hpp.url).text, "slow")

    def test_the_last_good_backend_is_kept(self):
        self.start_built("one", "--keep-last-good").wait_ready()
        pid = self.hpp.snapshot()["pid"]
        self.save("source", "bad")
        self.assertEqual(get(self.hpp.url).text, "one", "the request is released when the build has failed")
        self.hpp.wait_line(r"Running: source:1: bad \(sh build.sh failed: exit code 2 after .*\); generation 1 keeps running")
        wait = self.run_program("ctl", "wait")
        self.assertEqual(wait.process.returncode, 1, wait.transcript())
        self.assertIn("sh build.sh failed", wait.output())
        self.assertIn("source:1: error: bad", wait.output())
        self.assertEqual(self.hpp.snapshot()["pid"], pid)
        self.save("source", "good")
        self.assertEqual(get(self.hpp.url).text, "good")
        self.assertEqual(self.run_program("ctl", "wait").process.returncode, 0)

    def test_requests_wait_for_the_new_backend_while_the_last_good_one_runs(self):
        self.start_built("one", "--keep-last-good").wait_ready()
        pid = self.hpp.snapshot()["pid"]
        self.save("source", "slow")
        request = Background(get, self.hpp.url)
        wait_for(lambda: self.builder(), "the build")
        wait_for(lambda: self.hpp.snapshot("proxyd")["held"] == 1, "a held request")
        self.assertTrue(is_alive(pid))
        (self.directory / "go").touch()
        self.assertEqual(request.result().text, "slow")

    def test_keeping_needs_a_build(self):
        program = self.run_program("launch", "1", "2", "--keep-last-good", "--exec", "x")
        self.assertEqual(program.process.returncode, 2)
        self.assertIn("--keep-last-good needs --build COMMAND", program.output())

    def builder(self):
        path = self.directory / "builder"
        return path.exists() and int(path.read_text() or 0)


class Socket(IntegrationTest):
    def start_handed(self):
        self.save("app.py", handed("one"))
        self.hpp = self.start_ready("--socket", "--exec", PYTHON, "app.py")
        return self.hpp

    def test_each_backend_gets_it_like_a_new_one(self):
        self.start_handed()
        for text in ("two", "three"):
            self.save("app.py", handed(text))
            self.assertEqual(get(self.hpp.url).text,
                             f"{text} {self.hpp.snapshot()['pid']} False")

    def test_accepts_connections_while_no_backend_runs(self):
        self.start_handed()
        self.save("app.py", "raise SystemExit(1)")
        self.hpp.wait_state("Error")
        with Connection(self.hpp.backend) as client:
            client.ask()
            self.save("app.py", handed("back"))
            self.assertIn("back", client.read_response().text)

    def test_outlives_supervisord(self):
        self.start_handed()
        first = get(self.hpp.url).text
        seen = len(self.hpp.lines)
        os.kill(self.hpp.helper_pid("supervisord"), signal.SIGKILL)
        self.hpp.wait_line("took over", seen)
        self.assertEqual(get(self.hpp.url).text, first)
        self.save("app.py", handed("two"))
        self.assertIn("two", get(self.hpp.url).text)

    def test_a_port_in_use_names_the_process(self):
        self.save("app.py", handed("one"))
        self.save("thief.py", "import socket, time\ns = socket.create_server(('127.0.0.1', 0))\n"
                              "print(s.getsockname()[1], flush=True)\ntime.sleep(600)\n")
        thief = self._keep(Program([PYTHON, "thief.py"], self.project, self.environment))
        port = int(thief.wait_line(r"^(\d+)$")[1])
        hpp = self.start_hpp("--socket", "--exec", PYTHON, "app.py", backend=port)
        hpp.wait_line(rf"port {port} is in use by pid {thief.pid} .*kill {thief.pid};")
        thief.end()
        hpp.wait_state("Running")  # without a save
        self.assertIn("one", get(hpp.url).text)


class Ready(IntegrationTest):
    def test_tcp_sends_no_request(self):
        self.save("app.py", "import socket, sys\n"
                            "server = socket.create_server(('127.0.0.1', int(sys.argv[1])))\n"
                            "while True:\n"
                            "  connection = server.accept()[0]\n"
                            "  print('got', connection.recv(100), flush=True)\n")
        hpp = self.start_ready("--ready", "tcp", "--exec", PYTHON, "app.py", "{backend}")
        hpp.wait_line("got b''")  # not a reset, which could end the server

    def test_a_server_that_ends_its_connections_first_gets_no_reset(self):
        """A Node server without an error handler would end."""
        self.save("app.py", "import socket, sys\n"
                            "server = socket.create_server(('127.0.0.1', int(sys.argv[1])))\n"
                            "while True:\n"
                            "  connection = server.accept()[0]\n"
                            "  if connection.recv(65536):\n"
                            "    connection.sendall(b'HTTP/1.1 200 OK\\r\\nContent-Length: 5\\r\\n'\n"
                            "                       b'Connection: close\\r\\n\\r\\nhello')\n"
                            "    connection.shutdown(socket.SHUT_WR)\n"
                            "    connection.recv(1)\n")  # fails after a reset
        for options in ((), ("--ready", "tcp")):
            with self.subTest(options):
                hpp = self.start_ready(*options, "--exec", PYTHON, "app.py", "{backend}")
                for _ in range(5):
                    self.assertEqual(get(hpp.url).text, "hello")
                self.assertEqual(hpp.generation, 1)
                hpp.end()

    def test_a_path_is_requested(self):
        self.save("app.py", "import http.server, sys\n"
                            "http.server.test(port=int(sys.argv[1]), bind='127.0.0.1')\n")
        hpp = self.start_ready("--ready-path", "/healthz", "--exec", PYTHON, "app.py", "{backend}")
        hpp.wait_line('"HEAD /healthz HTTP/1.1"')

    def test_a_malformed_value_is_refused(self):
        for options, said in ((("--ready", "udp"), "got 'udp'"),
                              (("--ready", "tcp", "--socket"), "cannot be used with --socket"),
                              (("--ready-path", "healthz"), "must begin with /"),
                              (("--ready-path", "/a b"), "no blanks")):
            program = self.run_program("launch", "1", "2", *options, "--exec", "x")
            self.assertEqual(program.process.returncode, 2)
            self.assertIn(said, program.output())


class Environment(IntegrationTest):
    """hpp's own environment variables must not reach other programs."""

    PRIVATE = ("HPP_HELPER", "HPP_LAUNCH_PID", "HPP_DIRECTORY", "NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID",
               "LISTEN_FDS", "LISTEN_PID", "LISTEN_FDNAMES")

    def assert_clean(self, environment):
        self.assertIn("PATH", environment)
        self.assertEqual([name for name in self.PRIVATE if name in environment], [])

    def test_of_the_backend_and_its_build(self):
        # These are set in a service that runs hpp-launch.
        self.environment.update(WATCHDOG_PID="1", LISTEN_PID="1", LISTEN_FDS="1")
        self.save("app.py", BUILT)
        build = "env -0 > ../environment; echo built > ../built"
        hpp = self.start_hpp("--build", build, "--exec", PYTHON, "app.py", "{backend}")
        backend = environment_of(hpp.wait_ready()["pid"])
        self.assert_clean(backend)
        self.assertEqual(backend["PORT"], str(hpp.backend))
        instance = (hpp.run_directory / "instance").read_text()
        self.assertEqual(backend["HPP_BACKEND"], f"{hpp.run_directory}/{instance}/1")
        text = (self.directory / "environment").read_text()
        self.assert_clean(dict(entry.split("=", 1) for entry in text.split("\0") if entry))

    @only_with("watchman")
    def test_of_watchman(self):
        self.watchman.stop()
        hpp = self.start_ready()
        self.assert_clean(environment_of(self.watchman.pid))
        # Watchman must not count as a process that a crashed supervisord has left behind.
        pid = self.watchman.pid
        os.kill(hpp.helper_pid("supervisord"), signal.SIGKILL)
        hpp.wait_line("took over")
        self.save_backend("second")
        hpp.wait_state("Running", 2)
        hpp.ctrl_c()
        hpp.wait_exit()
        self.assertEqual(self.watchman.pid, pid)


class Loop(IntegrationTest):
    def loop(self, script, *options):
        self.save("app.py", BUILT.replace('open("../built").read()', "'x'"))
        self.save("run.sh", script)
        return self.start_hpp(*options, "--exec", "sh", "run.sh", PYTHON, "app.py", "{backend}")

    def test_is_reported_with_advice_and_paused(self):
        script = 'date +%N > "the visits.txt"\nexec "$@"\n'
        hpp = self.loop(script)
        match = hpp.wait_line(
            r"your server restarts itself\. It writes the visits\.txt .*: (--exclude .*)$")
        self.assertEqual(match[1], "--exclude 'the visits.txt'")
        # The proof takes seven starts if they take about the same time. On a busy machine it takes more.
        self.assertLess(hpp.snapshot()["generation"], 25, "it was slowed down before")
        started = time.monotonic()
        hpp.wait_line("5000 ms before the next start")
        self.assertGreater(time.monotonic() - started, 2)
        hpp.ctrl_c()
        hpp.wait_exit()
        cured = self.loop(script, "--exclude", "the visits.txt")
        cured.wait_ready()
        self.assertEqual(get(cured.url).text, "x")
        self.assertEqual(cured.snapshot()["generation"], 1)

    def test_of_a_crashing_server_is_reported(self):
        hpp = self.loop("date +%N > log.txt\nexit 3\n")
        hpp.wait_line(r"your server restarts itself\. It writes log\.txt .*--exclude log\.txt$")
        self.assertLess(hpp.snapshot()["generation"], 25, "it was slowed down before")
        hpp.wait_line("5000 ms before the next start")

    def test_of_a_failing_build_is_reported(self):
        hpp = self.start_hpp("--build", "date +%N > log.txt; exit 3", "--exec", PYTHON, "app.py", "{backend}")
        hpp.wait_line(r"your server restarts itself\. It writes log\.txt .*--exclude log\.txt$")

    def test_is_not_reported_for_quick_saves(self):
        hpp = self.start_ready(text="0")
        for number in range(1, 13):
            self.save_backend(str(number))
            self.assertEqual(get(hpp.url).text, str(number))
        self.assert_never_said(hpp, "restarts itself")


class SteadyWrites(IntegrationTest):
    def test_start_the_server_a_few_times_and_the_newest_is_served(self):
        program = BUILT.replace("../built", "data.txt")
        self.save("app.py", "import time; time.sleep(0.5)\n" + program)
        self.save("data.txt", "0")
        hpp = self.start_ready("--exec", PYTHON, "app.py", "{backend}")
        for number in range(1, 101):
            self.save("data.txt", str(number))
            time.sleep(0.03)  # the rate of writes is what the test needs
        self.assertEqual(get(hpp.url).text, "100")
        hpp.wait_line("hpp starts it when no file has changed for 100 ms")
        # On a busy machine the writer may pause for more than 100 ms, and then the server starts.
        self.assertLess(hpp.snapshot()["generation"], 50)


class Delay(IntegrationTest):
    def test_is_reported_while_the_server_does_not_answer(self):
        hpp = self.start_hpp("--exec", "sleep", "600")
        hpp.wait_state("Loading")

        def shows(text, *options):
            return wait_for(lambda: text in self.run_program("ctl", "status", *options).output(), text)

        shows("delay      nothing listens on")
        shows('"delay":"nothing listens on', "--json")
        hpp.ctrl_c()


class EnvironmentFile(IntegrationTest):
    """--env-file."""

    def start_with(self, *options):
        self.save("app.py", SERVER + """\
text = os.environ.get("GREETING", "nothing")
Server(("127.0.0.1", int(os.environ["PORT"])), Handler).serve_forever()
""")
        return self.start_hpp("--env-file", ".env", *options, "--exec", PYTHON, "app.py")

    def test_its_variables_reach_the_server_and_a_change_restarts_it(self):
        self.save(".env", "GREETING=one\nPORT=1\n")
        hpp = self.start_with("--pattern", "src/**")
        hpp.wait_ready()
        self.assertEqual(get(hpp.url).text, "one")
        self.save(".env", "GREETING='two words'\n")
        self.assertEqual(get(hpp.url).text, "two words")

    def test_it_may_be_ignored_by_git(self):
        subprocess.run(["git", "init", "-q", "."], cwd=self.project, check=True)
        self.save(".gitignore", ".env\nignored\n")
        self.save(".env", "GREETING=one\n")
        hpp = self.start_with("--gitignore")
        hpp.wait_ready()
        self.save("ignored", "")
        self.assertEqual(get(hpp.url).text, "one")
        self.assertEqual(hpp.generation, 1)
        self.save(".env", "GREETING=two\n")
        self.assertEqual(get(hpp.url).text, "two")

    def test_it_reaches_the_build(self):
        self.save(".env", "GREETING=one\n")
        hpp = self.start_with("--build", "echo $GREETING > ../built")
        hpp.wait_ready()
        self.assertEqual((self.directory / "built").read_text(), "one\n")

    def test_a_mistake_in_it_is_an_error_until_it_is_corrected(self):
        hpp = self.start_with()
        hpp.wait_line(r"cannot read \.env \(--env-file\): No such file or directory")
        self.save(".env", "GREETING\n")
        hpp.wait_line(r"\.env \(--env-file\), line 1: expected NAME=VALUE")
        self.assertEqual(get(hpp.url).status, 503)
        self.save(".env", "GREETING=two\n")
        self.assertEqual(get(hpp.url).text, "two")
