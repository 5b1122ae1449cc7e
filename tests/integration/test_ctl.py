"""hpp-ctl: a window on a running hpp, for people and for scripts."""

import json
import os
import re
import signal
import socket
import subprocess

from harness import (PYTHON, Hpp, IntegrationTest, Program, free_port, freeze, get, is_alive,
                     needs_watchman, wait_for)


class CtlTest(IntegrationTest):
    def ctl(self, *arguments, cwd=None, status=None):
        """Runs hpp-ctl to its end in the project or in `cwd`. Checks its exit status, if one is given."""
        program = self.run_program("ctl", *arguments, cwd=cwd)
        if status is not None:
            self.assertEqual(program.process.returncode, status, program.transcript())
        return program

    def start_ctl(self, *arguments):
        return self._keep(Program([self.program("ctl"), *arguments], self.project,
                                  self.environment))

    def start_elsewhere(self, folder):
        """Starts an instance in another folder."""
        folder.mkdir(parents=True)
        bind, backend = free_port(), free_port()
        command = [self.program("launch"), bind, backend, "--livereload-port", 0,
                   "--exec", PYTHON, "-m", "http.server", backend]
        hpp = Hpp.__new__(Hpp)
        hpp.bind, hpp.backend, hpp.url = bind, backend, f"http://localhost:{bind}/"
        hpp.run_directory = self.run_directory(bind)
        Program.__init__(hpp, command, folder, self.environment)
        self._keep(hpp)
        hpp.wait_ready()
        return hpp


class Finding(CtlTest):
    def test_no_instance_is_an_error(self):
        for command in ("status", "wait", "restart", "pause", "resume", "stop", "log", "trace"):
            program = self.ctl(command, status=4)
            self.assertEqual(program.output(), "hpp-ctl: error: no hpp is running")
        self.assertEqual(self.ctl("status", "--all", status=0).output(), "no hpp is running")
        self.assertEqual(self.ctl("status", "--all", "--json", status=0).output(), "")

    def test_wrong_usage_is_another_error(self):
        for arguments in ((), ("bogus",), ("status", "--bogus")):
            program = self.ctl(*arguments, status=2)
            self.assertEqual(len(program.output().splitlines()), 1, program.output())

    def test_finds_the_instance_of_this_folder_or_above(self):
        hpp = self.start_ready()
        below = self.project / "deep" / "down"
        below.mkdir(parents=True)
        for folder in (self.project, below):
            program = self.ctl("status", cwd=folder, status=0)
            self.assertIn(f"pid {hpp.pid}, in {self.project}", program.output())
        program = self.ctl("status", cwd=self.directory, status=4)
        self.assertRegex(program.output(),
                         rf"^hpp-ctl: error: no hpp is running in {self.directory}, .*"
                         rf"running: localhost-{hpp.bind} \(http://localhost:{hpp.bind}, in .*$")
        self.ctl("status", "--name", f"localhost-{hpp.bind}", cwd=self.directory, status=0)

    def test_two_instances(self):
        outer = self.start_ready()
        inner = self.start_elsewhere(self.project / "inner")
        for folder, hpp in ((self.project, outer), (self.project / "inner", inner)):
            self.assertIn(f"pid {hpp.pid}, in {folder}\n", self.ctl("status", cwd=folder).output())
        second = self.start_ready()
        program = self.ctl("stop", status=2)
        self.assertRegex(program.output(), r"^hpp-ctl: error: several are running, .*--name: "
                         r"localhost-\d+ \(.*\); localhost-\d+ \(.*\)$")
        self.assertTrue(is_alive(outer.pid) and is_alive(second.pid))
        listed = self.ctl("status", "--all", cwd=self.directory, status=0).output()
        for hpp, folder in ((outer, self.project), (inner, self.project / "inner"), (second, self.project)):
            # The folder `inner` is a change for the outer instances, which may be restarting.
            self.assertRegex(listed, rf"(?m)^localhost-{hpp.bind} +(Running|Loading|Killing) +"
                                     rf"http://localhost:{hpp.bind} +{folder}$")
        objects = self.ctl("status", "--all", "--json", status=0).output().splitlines()
        self.assertCountEqual([json.loads(line)["instance"]["pid"] for line in objects],
                              [outer.pid, inner.pid, second.pid])
        self.ctl("--name", f"localhost-{second.bind}", "stop", status=0)
        self.assertFalse(is_alive(second.pid))
        self.assertTrue(is_alive(outer.pid))

    def test_finds_an_instance_by_its_run_directory(self):
        hpp = self.start_ready()
        for path in (hpp.run_directory, f"{hpp.run_directory}/"):
            program = self.ctl("--run-dir", path, "status", cwd="/", status=0)
            self.assertIn(f"pid {hpp.pid}, in {self.project}", program.output())
        program = self.ctl("--run-dir", self.directory, "stop", status=4)
        self.assertEqual(program.output(), "hpp-ctl: error: no hpp is running in the run directory "
                                           f"{self.directory}")

    def test_a_leftover_directory_is_no_instance(self):
        hpp = self.start_ready()
        hpp.signal(signal.SIGTERM)
        hpp.wait_exit()
        self.assertTrue((hpp.run_directory / "lock").exists())
        self.assertEqual(self.ctl("status").output(), "hpp-ctl: error: no hpp is running")

    def test_helpers_that_were_started_one_by_one(self):
        bind, backend = free_port(), free_port()
        command = [str(word).replace("{backend}", str(backend)) for word in self.save_backend()]
        where = {"bind": bind, "backend": backend}
        helpers = [self.start_helper("supervisord", "--exec", *command, **where),
                   self.start_helper("watchd", **where),
                   self.start_helper("proxyd", "--livereload-port", 0, **where)]
        helpers[0].wait_ready()
        wait_for(lambda: helpers[0].snapshot("proxyd").get("listening"), "proxyd to listen")
        self.assertRegex(self.ctl("status").output(),
                         rf"instance +localhost-{bind}, not managed, in {self.project}")
        self.save_backend("changed")
        self.ctl("wait", status=0)
        self.assertEqual(get(helpers[0].url).text, "changed")
        self.ctl("restart", status=0)
        trace = self.start_ctl("trace")
        trace.wait_line("^.* proxy ")
        self.ctl("stop", status=0)
        self.assertEqual([helper.wait_exit() for helper in helpers], [0, 0, 0])
        self.assertEqual(trace.wait_exit(), 0)
        self.assert_nothing_left()


class Status(CtlTest):
    def test_for_people(self):
        hpp = self.start_ready()
        output = self.ctl("status").output()
        for line in (rf"^instance +localhost-{hpp.bind}, pid {hpp.pid}, in {self.project}$",
                     rf"^url +http://localhost:{hpp.bind}$",
                     rf"^backend +Running: generation 1, pid {hpp.snapshot()['pid']}, for ",
                     r"^command +\S+ app.py \d+$",
                     r"^files +watched, revision 0",
                     rf"^proxy +listening on .*127.0.0.1:{hpp.bind}"):
            self.assertRegex(output, f"(?m){line}")
        self.assertNotIn("problem", output)

    def test_for_programs(self):
        hpp = self.start_ready()
        get(hpp.url)
        status = self.status_of_all()
        self.assertEqual(status["instance"]["pid"], hpp.pid)
        self.assertEqual(status["instance"]["directory"], str(self.project))
        self.assertTrue(status["tree"]["watching"])
        self.assertEqual(status["backend"]["state"], "Running")
        self.assertEqual(status["backend"]["generation"], 1)
        self.assertTrue(status["proxy"]["listening"])

    def status_of_all(self):
        """The status once all helpers have answered. hpp-ctl waits one second for them, which may be too
        short on a busy machine."""

        def answered():
            status = json.loads(self.ctl("status", "--json").output("out"))
            return status if status["silent"] == [] else None

        return wait_for(answered, "the answers of all helpers")

    def test_a_crash_shows_the_last_output(self):
        hpp = self.start_ready()
        get(hpp.url + "crash")
        hpp.wait_state("Error")
        output = self.ctl("status").output()
        self.assertRegex(output, r"backend +Error: generation 1, ended with exit code 3")
        self.assertIn("output\ncrash requested", output)

    def test_the_file_is_shown_if_an_author_does_not_answer(self):
        hpp = self.start_ready()
        pid = hpp.helper_pid("watchd")
        freeze(pid)  # stops nng's threads, too, so the status comes from the file
        status = json.loads(self.ctl("status", "--json").output("out"))
        os.kill(pid, signal.SIGCONT)
        self.assertEqual(status["silent"], ["watchd"])
        self.assertTrue(status["tree"]["watching"])


class Wait(CtlTest):
    def test_after_it_a_script_sees_its_save(self):
        hpp = self.start_ready()
        for number in range(10):
            self.save_backend(f"version {number}")
            self.ctl("wait", status=0)
            backend_url = f"http://localhost:{hpp.backend}/"  # bypasses the proxy and its barrier
            self.assertEqual(get(backend_url).text, f"version {number}")
        self.assertGreater(hpp.generation, 1)

    def test_without_a_save_it_returns_at_once(self):
        hpp = self.start_ready()
        program = self.ctl("wait", status=0)
        self.assertEqual(program.output(), "")
        self.assertEqual(hpp.generation, 1)

    def test_a_failure_shows_the_tail(self):
        self.start_ready()
        self.save("app.py", "import sys\nprint('on stdout')\nsys.exit('boom: it is broken')\n")
        program = self.ctl("wait", status=1)
        self.assertRegex(program.output("err"), "exit code 1")
        self.assertRegex(program.output("err"), "(?m)^boom: it is broken$")
        self.assertEqual(program.output("out"), "")
        self.save_backend("mended")
        self.ctl("wait", status=0)

    @needs_watchman
    def test_it_fails_while_the_files_are_not_watched(self):
        """hpp may not know of a save. The message contains the watcher's own error."""
        hpp = self.start_ready("--watcher", "watchman")
        self.watchman.write_config({"root_restrict_files": [".git"]})
        self.watchman.kill()
        wait_for(lambda: "root_files" in hpp.snapshot("watchd")["problem"], "the problem")
        program = self.ctl("wait", status=1)
        self.assertRegex(program.output("err"), "does not watch them: Watchman says: .*root_files")
        self.assertEqual(program.output("out"), "")
        told = json.loads(self.ctl("wait", "--json", status=1).output())
        self.assertEqual((told["live"], told["reason"]), (False, "not_watching"))
        (self.project / ".git").mkdir()
        wait_for(lambda: hpp.snapshot("watchd")["watching"], "the watch")
        self.ctl("wait", status=0)

    @needs_watchman
    def test_it_fails_if_the_watcher_does_not_answer(self):
        self.start_ready("--watcher", "watchman", "--barrier-timeout", "100")
        pid = self.watchman.pid
        freeze(pid)
        self.addCleanup(os.kill, pid, signal.SIGCONT)
        program = self.ctl("wait", status=1)
        self.assertRegex(program.output("err"), "hpp-watchd does not answer")

    def test_it_waits_for_a_limited_time(self):
        self.start_ready()
        self.save("app.py", "import time\ntime.sleep(1000)\n")
        program = self.ctl("wait", "--timeout", "300", status=3)
        self.assertRegex(program.output(), "^hpp-ctl: error: timed out")

    def test_as_json(self):
        told = json.loads(self.ctl("wait", "--json", status=4).output())
        self.assertEqual(told, {"live": False, "reason": "not_running", "message": "no hpp is running"})
        hpp = self.start_ready()
        told = json.loads(self.ctl("wait", "--json", status=0).output())
        self.assertEqual((told["live"], told["generation"], told["url"]),
                         (True, 1, f"http://localhost:{hpp.bind}"))
        self.save("app.py", "print('\\x1b[31mred\\x1b[0m')\nreturn_nothing()\n")
        program = self.ctl("wait", "--json", status=1)
        self.assertEqual(len(program.output().splitlines()), 1, "it is one line")
        told = json.loads(program.output())
        self.assertEqual((told["live"], told["reason"], told["exit_code"]), (False, "crashed", 1))
        self.assertEqual(told["changed"], ["app.py"])
        self.assertEqual((told["error"]["message"], told["error"]["file"], told["error"]["line"]),
                         ("NameError: name 'return_nothing' is not defined", "app.py", 2))
        self.save("app.py", "import time\ntime.sleep(1000)\n")
        told = json.loads(self.ctl("wait", "--json", "--timeout", "300", status=3).output())
        self.assertEqual((told["live"], told["reason"]), (False, "timed_out"))

    def test_it_outlives_proxyd(self):
        hpp = self.start_ready()
        self.save("app.py", "import time\ntime.sleep(1000)\n")
        waiting = self.start_ctl("wait")
        wait_for(lambda: hpp.snapshot("proxyd").get("clients") == 1, "hpp-ctl to be a client")
        subprocess.run(["kill", "-KILL", str(hpp.helper_pid("proxyd"))], check=True)
        self.save_backend("after all")
        self.assertEqual(waiting.wait_exit(), 0, waiting.transcript())
        self.assertEqual(get(f"http://localhost:{hpp.backend}/").text, "after all")

    def test_it_ends_with_hpp(self):
        hpp = self.start_ready()
        self.save("app.py", "import time\ntime.sleep(1000)\n")
        waiting = self.start_ctl("wait")
        wait_for(lambda: hpp.snapshot("proxyd").get("clients") == 1, "hpp-ctl to be a client")
        hpp.signal(signal.SIGTERM)
        self.assertEqual(waiting.wait_exit(), 4)
        self.assertIn("hpp has ended", waiting.output())


class Restart(CtlTest):
    def test_restarts_the_backend(self):
        hpp = self.start_ready()
        program = self.ctl("restart", status=0)
        self.assertRegex(program.output(), r"^Loading: generation 2, pid \d+$")
        hpp.wait_state("Running", generation=2)
        self.assertEqual(self.spawns, 2)

    def test_with_wait_it_waits_for_the_new_backend(self):
        hpp = self.start_ready()
        for generation in range(2, 6):
            self.ctl("restart", "--wait", status=0)
            self.assertEqual(get(hpp.url).header("X-Hpp-Generation"), str(generation))

    def test_with_wait_it_fails_with_the_backend(self):
        self.start_ready()
        self.save("app.py", "import sys\nsys.exit('boom: it is broken')\n")
        self.ctl("wait", status=1)
        program = self.ctl("restart", "--wait", status=1)
        self.assertRegex(program.output("err"), "(?m)^boom: it is broken$")
        told = json.loads(self.ctl("restart", "--wait", "--json", status=1).output())
        self.assertEqual((told["live"], told["reason"], told["generation"]), (False, "crashed", 4))
        self.save_backend("mended")
        told = json.loads(self.ctl("restart", "--wait", "--json", status=0).output())
        self.assertEqual(told["live"], True)

    def test_as_json_without_an_hpp(self):
        told = json.loads(self.ctl("restart", "--wait", "--json", status=4).output())
        self.assertEqual(told["reason"], "not_running")

    def test_starts_a_crashed_backend(self):
        hpp = self.start_ready()
        get(hpp.url + "crash")
        hpp.wait_state("Error")
        self.ctl("restart", status=0)
        hpp.wait_state("Running", generation=2)

    def test_a_backend_that_cannot_be_started_is_a_failure(self):
        hpp = self.start_hpp("--exec", "./missing")
        hpp.wait_state("Error")
        program = self.ctl("restart", status=1)
        self.assertRegex(program.output(), r"^Error: generation 2, cannot be started: .*missing")

    def test_reports_a_failed_build(self):
        for options in ((), ("--keep-last-good",)):
            with self.subTest(options):
                self.save("source", "good")
                hpp = self.start_ready("--build", "grep -q good source", *options)
                self.save("source", "bad")
                # The save restarts the backend, too; the request must come after that has failed.
                hpp.wait_line("failed: exit code 1")
                program = self.ctl("restart", status=1)
                self.assertIn("grep -q good source failed: exit code 1", program.output())
                before = len(hpp.lines)
                self.save("source", "good")
                hpp.wait_line("Running: generation .* answers", after=before)
                self.ctl("restart", status=0)
                hpp.ctrl_c()
                hpp.wait_exit()


class Stop(CtlTest):
    def test_returns_after_the_end_of_all_processes(self):
        hpp = self.start_ready()
        self.ctl("stop", status=0)
        self.assertFalse(is_alive(hpp.pid))
        self.assertEqual(hpp.wait_exit(), 143)
        self.assert_nothing_left()

    def test_ends_a_suspended_instance(self):
        hpp = self.start_ready()
        freeze(hpp.pid)
        program = self.ctl("stop", status=0)
        self.assertEqual(program.output(), "")
        hpp.wait_exit()


LOUD = """
import http.server, sys
http.server.SimpleHTTPRequestHandler.log_message = lambda *_: None
print("text to stdout", flush=True)
print("text to stderr", file=sys.stderr, flush=True)
http.server.HTTPServer(("localhost", int(sys.argv[1])),
                       http.server.SimpleHTTPRequestHandler).serve_forever()
"""


class Log(CtlTest):
    """What the server, its build and hpp have printed."""

    def start_loud(self, *options):
        self.save("app.py", LOUD)
        hpp = self.start_hpp(*options, "--exec", PYTHON, "app.py", "{backend}")
        hpp.wait_ready()
        return hpp

    def records(self, *options):
        return [json.loads(line) for line in self.ctl("log", "--json", *options, status=0).output().splitlines()]

    def texts(self, *options):
        """(generation, stream, text) of the records that are not hpp's."""
        return [(r["generation"], r["stream"], r["text"]) for r in self.records(*options) if r["stream"] != "hpp"]

    def test_has_the_output_of_all_generations(self):
        hpp = self.start_loud("--build", "echo built")
        self.save("app.py", LOUD.replace("text to", "more to"))
        hpp.wait_state("Running", 2)
        first = [(0, "build", "built"), (1, "stdout", "text to stdout"), (1, "stderr", "text to stderr")]
        second = [(1, "build", "built"), (2, "stdout", "more to stdout"), (2, "stderr", "more to stderr")]
        self.assertCountEqual(self.texts(), first + second)
        self.assertCountEqual(self.texts("--generation", "2"), second[1:])
        self.assertCountEqual(self.texts("--since-save"), second)
        said = [r["text"] for r in self.records("--since-save") if r["stream"] == "hpp"]
        self.assertIn("Killing: app.py changed", said)
        self.assertRegex(self.ctl("log", status=0).output(),
                         r"(?m)^\d\d:\d\d:\d\d\.\d{3} #2 stderr more to stderr$")

    def test_has_only_the_last_lines(self):
        self.start_loud()
        def has_last_lines(*options):
            lines = self.ctl("log", *options, status=0).output().splitlines()
            self.assertGreater(len(lines), 2)
            return self.ctl("log", "-n", "2", *options, status=0).output().splitlines() == lines[-2:]

        for options in (), ("--json",):  # hpp may say something between the two calls, but only once
            self.assertTrue(has_last_lines(*options) or has_last_lines(*options))
        log = self.start_ctl("log", "--lines", "1", "--follow")
        log.wait_line(".")
        self.save("app.py", LOUD.replace("text to", "more to"))
        log.wait_line("#2 stdout more to stdout")
        self.assertNotIn("text to stdout", log.output(), "--lines leaves out what was there before")

    def test_survives_every_helper(self):
        hpp = self.start_loud()
        before = self.texts()
        for name in ("proxyd", "watchd", "supervisord"):
            pid = hpp.helper_pid(name)
            os.kill(pid, signal.SIGKILL)
            wait_for(lambda pid=pid, name=name: hpp.helper_pid(name) not in (None, pid), f"another {name}")
        self.ctl("wait", status=0)
        self.assertEqual(self.texts()[:len(before)], before)

    def test_follows(self):
        hpp = self.start_loud()
        log = self.start_ctl("log", "--follow")
        log.wait_line("#1 stderr text to stderr")
        self.save("app.py", LOUD.replace("text to", "more to"))
        log.wait_line("#2 stdout more to stdout")
        hpp.signal(signal.SIGTERM)
        hpp.wait_exit()
        self.assertEqual(log.wait_exit(), 0, "it ends with hpp")
        log.wait_line("#2 hpp +Stopped")

    def test_follows_into_a_new_file(self):
        """The log is bounded: its file is replaced when it is full."""
        self.save("app.py", LOUD.replace(
            "http.server.HTTPServer",
            "[print(number, 'x' * 8000, flush=True) for number in range(380)]\nhttp.server.HTTPServer"))
        hpp = self.start_hpp("--exec", PYTHON, "app.py", "{backend}")
        hpp.wait_state("Loading")
        log = self.start_ctl("log", "--follow", "--json")
        hpp.wait_ready()
        log.wait_line('"text":"379 x')
        numbers = [int(text.split()[0]) for line in log.output("out").splitlines()
                   if (text := json.loads(line)["text"]).endswith("x")]
        self.assertEqual(numbers, list(range(numbers[0], 380)))


class Trace(CtlTest):
    def test_shows_a_restart(self):
        hpp = self.start_ready()
        trace = self.start_ctl("trace")
        for topic in ("tree", "backend", "proxy"):
            trace.wait_line(rf"^\d\d:\d\d:\d\d\.\d\d\d {topic} ")
        self.ctl("restart", status=0)
        hpp.wait_state("Running", generation=2)
        trace.wait_line(r"backend +Killing: generation 1")
        trace.wait_line(r"backend +Loading: generation 2, pid \d+$")
        trace.wait_line(r"backend +Running: generation 2, pid \d+$")
        trace.signal(signal.SIGINT)
        self.assertEqual(trace.wait_exit(), 0)

    def test_as_json_lines(self):
        hpp = self.start_ready()
        trace = self.start_ctl("trace", "--json")
        trace.wait_line('"topic":"backend"')
        self.save_backend("changed")
        hpp.wait_state("Running", generation=2)
        trace.wait_line('"state":"Running".*"generation":2|"generation":2.*"state":"Running"')
        hpp.signal(signal.SIGTERM)
        hpp.wait_exit()
        self.assertEqual(trace.wait_exit(), 0, "it ends with hpp")
        messages = [json.loads(line) for line in trace.output("out").splitlines()]
        self.assertEqual({message["topic"] for message in messages}, {"tree", "backend", "proxy"})
        changed = [m["message"]["changed"] for m in messages if m["topic"] == "tree"]
        self.assertIn(["app.py"], changed)

    def test_shows_all_tickets_only_with_the_option(self):
        hpp = self.start_ready("--watcher", "poll")  # with inotify, no request needs a ticket
        quiet = self.start_ctl("trace", "--json")
        loud = self.start_ctl("trace", "--json", "--tickets")
        for trace in (quiet, loud):
            trace.wait_line('"topic":"proxy"')

        def tickets(trace):
            messages = [json.loads(line)["message"] for line in trace.output("out").splitlines()]
            return {m["asks"]["number"] for m in messages if "asks" in m}

        wait_for(lambda: get(hpp.url) and max(tickets(loud), default=0) > 20, "many tickets")
        # Without --tickets, the trace shows only the tickets in repeated snapshots.
        self.assertLess(len(tickets(quiet)), len(tickets(loud)))

    def test_ends_when_its_output_is_closed(self):
        hpp = self.start_ready()
        with subprocess.Popen([self.program("ctl"), "trace"], cwd=self.project,
                              env=self.environment, stdout=subprocess.PIPE) as trace:
            trace.stdout.readline()
            trace.stdout.close()
            self.save_backend("changed")
            hpp.wait_state("Running", generation=2)
            self.assertEqual(trace.wait(30), 0)


# Sequences that terminals obey: a title, the clipboard, U+009B (CSI).
HOSTILE = "\x1b]0;title\x07 \x1b]52;c;eA==\x07 \x9b31m \u202e"


def holds(port):
    """Whether a process listens on the port."""
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", port)) == 0


class Safety(CtlTest):
    """Text from other programs reaches the terminal without control sequences."""

    def assert_safe(self, text):
        found = re.search("[^\\x20-\\x7e\n\t…─◄►➜]", text)
        self.assertIsNone(found, repr(text))

    def test_the_command_line_of_another_user(self):
        backend = free_port()
        server = self.directory / "x.py"  # a short path, because long command lines are cut
        server.write_text("import socket, sys\n"
                          "listener = socket.create_server(('localhost', int(sys.argv[1])))\n"
                          "sys.stdin.read()\n")
        holder = subprocess.Popen([PYTHON, server, str(backend), HOSTILE],
                                  stdin=subprocess.PIPE, env=self.environment)
        self.addCleanup(holder.communicate)
        wait_for(lambda: holds(backend), "the holder of the port")
        hpp = self.start_hpp("--debug", "--exec", "true", backend=backend)
        hpp.wait_state("Error")
        hpp.wait_line(f"by pid {holder.pid}")
        self.assert_safe(hpp.output())
        answer = get(hpp.url)
        self.assertEqual(answer.status, 503)
        self.assertIn(f"pid {holder.pid}", answer.text)
        self.assert_safe(answer.text)
        self.assert_safe(get(hpp.url + "__hpp/status").text)
        for command in ("status", "wait", "restart"):
            program = self.ctl(command)
            self.assert_safe(program.output())
        self.assertRegex(self.ctl("status").output(), rf"pid {holder.pid} \(.*title.*31m")

    def test_what_the_server_printed(self):
        self.save("app.py", f"import sys; sys.exit({HOSTILE!r} + ' \\x1b[31mred\\nend')")
        hpp = self.start_hpp("--exec", PYTHON, "app.py")
        hpp.wait_state("Error")
        answer = get(hpp.url)
        self.assertIn("\x1b[31mred\nend\n\x1b[0m", answer.text)  # colours are harmless
        self.assert_safe(re.sub(r"\x1b\[\d+m", "", answer.text))
        status = self.ctl("status").output()
        self.assertIn("red\nend", status)
        self.assert_safe(status)  # not even colours, because hpp-ctl does not write to a terminal
        for program in (self.ctl("wait"), self.ctl("log"), self.ctl("log", "--json")):
            self.assert_safe(program.output())
        self.assert_safe(re.sub(r"\x1b\[\d+m", "", self.ctl("status", "--json").output()))
        told = json.loads(self.ctl("status", "--json").output())
        self.assertIn(HOSTILE, told["backend"]["output_tail"])

    def test_names_of_files(self):
        hpp = self.start_ready()
        trace = self.start_ctl("trace")
        trace.wait_line("backend +Running")
        self.save(f"{HOSTILE}.py", "")
        for program in (trace, hpp):
            program.wait_line(r"\.py changed")
        hpp.wait_state("Running", 2)
        for output in (trace.output(), hpp.output(), self.ctl("status").output()):
            self.assertIn("31m", output)
            self.assert_safe(output)
