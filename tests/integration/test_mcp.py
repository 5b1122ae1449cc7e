"""hpp-ctl mcp: the tools of coding agents. Most tests hold a conversation with the official client."""

import json
import os
import pathlib
import shutil
import signal
import subprocess
import time
import unittest

from harness import DEADLINE_S, PYTHON, QUIET_S, IntegrationTest, children_of, get, is_alive, wait_for
from test_check import VIEWS, WSGI

HERE = pathlib.Path(__file__).resolve().parent
SDK = HERE.parent / "browser" / "node_modules" / "@modelcontextprotocol" / "sdk"


def what_is_missing():
    """Why the official client cannot run, in one line; empty if it can."""
    if not shutil.which("node"):
        return "node is not installed (tools/install-deps --tests)"
    if not SDK.is_dir():
        return "npm's @modelcontextprotocol/sdk is not installed (tools/install-deps --tests)"
    return ""


class Client:
    """The official client, in Node, and the `hpp-ctl mcp` that it has started."""

    def __init__(self, test, *arguments, cwd=None):
        self._node = subprocess.Popen(
            ["node", HERE / "mcp_client.cjs", test.program("ctl"), *arguments, "mcp"],
            cwd=cwd or test.project, env=test.environment, text=True, stdin=subprocess.PIPE,
            stdout=subprocess.PIPE)
        self.about = self.ask("about")
        self.pid = self.about["pid"]
        test.addCleanup(self.end)

    def ask(self, command, **more):
        self._node.stdin.write(json.dumps({"command": command, **more}) + "\n")
        self._node.stdin.flush()
        line = self._node.stdout.readline()
        if not line:
            raise AssertionError(f"{command}: the client has ended")
        return json.loads(line)

    def call(self, name, **arguments):
        """The result of a call that the server has not refused."""
        answer = self.ask("call", name=name, args=arguments)
        if "result" not in answer:
            raise AssertionError(f"{name}: {answer}")
        return answer["result"]

    def kill(self):
        self._node.kill()
        self._node.wait()

    def end(self):
        server = [self.pid, *children_of(self.pid)]
        self._node.stdin.close()
        self.kill()
        self._node.stdout.close()
        wait_for(lambda: not any(map(is_alive, server)), "hpp-ctl mcp and its commands to end")


def text_of(result):
    return "".join(part["text"] for part in result["content"])


@unittest.skipIf(what_is_missing(), what_is_missing())
class Conversation(IntegrationTest):
    def test_begins_with_the_revision_of_2025_06_18(self):
        client = Client(self)
        self.assertEqual(client.about["revision"], "2025-06-18")
        self.assertEqual(client.about["server"]["name"], "hpp")
        self.assertEqual(client.about["capabilities"], {"tools": {}})
        self.assertIn("wait_for_save", client.about["instructions"])
        self.assertEqual({tool["name"] for tool in client.ask("list")["tools"]},
                         {"status", "wait_for_save", "log", "check", "restart", "pause", "resume"})

    def test_an_agent_breaks_a_view_and_mends_it(self):
        hpp = self.start_ready()
        client = Client(self)
        client.ask("list")  # from now on, the client checks the results by the schemas
        self.assertEqual(client.call("wait_for_save")["structuredContent"]["live"], True)
        self.save("app.py", "print('on its way', flush=True)\nreturn_nothing()\n")
        result = client.call("wait_for_save")
        told = result["structuredContent"]
        self.assertEqual((result["isError"], told["live"], told["reason"], told["changed"]),
                         (False, False, "crashed", ["app.py"]))
        error = told["error"]
        self.assertEqual((error["message"], error["file"], error["line"]),
                         ("NameError: name 'return_nothing' is not defined", "app.py", 2))
        self.assertEqual(json.loads(text_of(result)), told)
        self.assertRegex(text_of(client.call("log", since_save=True)), r"(?m)^\S+ #2 stdout on its way$")
        self.assertEqual(client.call("status")["structuredContent"]["backend"]["state"], "Error")
        self.save_backend("mended")
        self.assertEqual(client.call("wait_for_save")["structuredContent"]["live"], True)
        self.assertEqual(get(f"http://localhost:{hpp.backend}/").text, "mended")
        self.assertEqual(client.ask("errors"), [])

    def test_a_restart_waits_for_the_new_server(self):
        hpp = self.start_ready()
        client = Client(self)
        told = client.call("restart")["structuredContent"]
        self.assertEqual((told["live"], told["generation"]), (True, 2))
        self.save("app.py", "import sys\nsys.exit('boom')\n")
        self.assertEqual(client.call("restart")["structuredContent"]["reason"], "crashed")
        hpp.signal(signal.SIGTERM)
        hpp.wait_exit()
        result = client.call("restart")
        self.assertEqual((result["isError"], result["structuredContent"]["reason"]), (True, "not_running"))

    def test_a_restart_reports_a_command_that_cannot_be_started(self):
        hpp = self.start_hpp("--exec", "./missing")
        hpp.wait_state("Error")
        told = Client(self).call("restart")["structuredContent"]
        self.assertEqual((told["live"], told["reason"]), (False, "command_not_found"))

    def test_a_check_shows_the_page_and_the_output(self):
        self.start_ready(text="the page")
        client = Client(self)
        result = client.call("check", path="/")
        told = result["structuredContent"]
        self.assertEqual((result["isError"], told["live"], told["status"], told["body"]),
                         (False, True, 200, "the page"))
        self.assertTrue(client.call("check", path="http://localhost:1/")["isError"])
        self.assertEqual(client.ask("call", name="check", args={})["code"], -32602)
        self.save("app.py", "return_nothing()\n")
        told = client.call("check", path="/")["structuredContent"]
        self.assertEqual((told["live"], told["error"]["line"]), (False, 1))

    def test_a_check_names_the_error_of_a_view(self):
        self.save("views.py", VIEWS)
        self.save("app.py", WSGI)
        self.start_ready("--exec", PYTHON, "app.py", "{backend}")
        result = Client(self).call("check", path="/cart")
        told = result["structuredContent"]
        self.assertEqual((result["isError"], told["live"], told["status"]), (False, True, 500))
        self.assertEqual({key: told["error"][key] for key in ("message", "file", "line")},
                         {"message": "KeyError: '/cart'", "file": "views.py", "line": 3})

    def test_in_a_pause_edits_are_only_noted(self):
        hpp = self.start_ready()
        client = Client(self)
        self.assertIn("paused", text_of(client.call("pause")))
        self.save_backend("edited")
        told = client.call("wait_for_save")["structuredContent"]
        self.assertEqual((told["live"], told["reason"]), (False, "paused"))
        self.assertEqual(hpp.generation, 1)
        self.assertFalse(client.call("resume")["isError"])
        self.assertEqual(client.call("wait_for_save")["structuredContent"]["live"], True)
        self.assertEqual(get(f"http://localhost:{hpp.backend}/").text, "edited")

    def test_a_wait_is_limited(self):
        self.start_ready()
        self.save("app.py", "import time\ntime.sleep(1000)\n")
        result = Client(self).call("wait_for_save", timeout_ms=300)
        self.assertEqual((result["isError"], result["structuredContent"]["reason"]), (False, "timed_out"))

    def test_the_log_has_as_many_lines_as_requested(self):
        hpp = self.start_ready(first="for n in range(300): print('line', n, flush=True)\n")
        client = Client(self)
        self.assertEqual(len(text_of(client.call("log")).splitlines()), 200)
        last = text_of(client.call("log", lines=3)).splitlines()
        self.assertEqual(len(last), 3)
        self.assertEqual(text_of(client.call("log", generation=7)), "nothing was printed\n")
        refused = client.call("log", generation=1, since_save=True)
        self.assertTrue(refused["isError"])
        self.assertIn("--generation", text_of(refused))
        hpp.stop()

    def test_without_an_hpp_each_tool_fails_and_later_finds_it(self):
        client = Client(self)
        for tool in ("status", "wait_for_save", "log", "restart", "pause", "resume"):
            result = client.call(tool)
            self.assertTrue(result["isError"], tool)
            self.assertIn("no hpp is running", text_of(result))
        self.start_ready()
        self.assertEqual(client.call("wait_for_save")["structuredContent"]["live"], True)

    def test_serves_the_instance_that_is_named(self):
        hpp = self.start_ready()
        for arguments in (["--name", f"localhost-{hpp.bind}"], ["--run-dir", hpp.run_directory]):
            told = Client(self, *arguments, cwd="/").call("status")["structuredContent"]
            self.assertEqual(told["instance"]["pid"], hpp.pid)
        self.assertTrue(Client(self, cwd="/").call("status")["isError"])

    def test_refuses_what_it_does_not_know(self):
        client = Client(self)
        self.assertEqual(client.ask("call", name="stop", args={})["code"], -32602)
        self.assertEqual(client.ask("call", name="log", args={"lines": 0})["code"], -32602)
        self.assertEqual(client.ask("request", method="resources/list", params={})["code"], -32601)
        self.assertEqual(client.ask("request", method="ping", params={}), {"result": {}})

    def begin_a_wait(self, client):
        """Begins a call that lasts. Returns its number and the process of its command."""
        call = client.ask("begin", name="wait_for_save", args={})
        wait_for(lambda: children_of(client.pid), "the command to start")
        return call, next(iter(children_of(client.pid)))

    def test_a_cancelled_call_ends_its_command(self):
        self.start_ready()
        self.save("app.py", "import time\ntime.sleep(1000)\n")
        client = Client(self)
        call, command = self.begin_a_wait(client)
        self.assertEqual(client.call("status")["structuredContent"]["backend"]["state"], "Loading",
                         "calls do not wait for each other")
        self.assertIn("has cancelled it", client.ask("cancel", call=call)["message"])
        wait_for(lambda: not is_alive(command), "the command to end")
        self.save_backend("mended")
        self.assertEqual(client.call("wait_for_save")["structuredContent"]["live"], True)
        self.assertEqual(client.ask("errors"), [], "the cancelled call was not answered")

    def test_it_ends_with_its_client(self):
        self.start_ready()
        self.save("app.py", "import time\ntime.sleep(1000)\n")
        for leave in (lambda client: client.ask("close"), Client.kill):
            client = Client(self)
            _, command = self.begin_a_wait(client)
            leave(client)
            wait_for(lambda client=client: not is_alive(client.pid), "hpp-ctl mcp to end")
            wait_for(lambda command=command: not is_alive(command), "its command to end")


class Server(IntegrationTest):
    """hpp-ctl mcp without a client that knows the protocol."""

    def start_server(self, **more):
        server = subprocess.Popen([self.program("ctl"), "mcp"], cwd=self.project, env=self.environment,
                                  **{"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, **more})
        self.addCleanup(server.stdout.close)
        self.addCleanup(server.wait)
        self.addCleanup(server.kill)
        return server

    def talk(self, text):
        """The answers to some bytes, and the exit status after the end of input."""
        server = self.start_server()
        out, _ = server.communicate(text, timeout=DEADLINE_S)
        return [json.loads(line) for line in out.splitlines()], server.returncode

    PING = b'{"jsonrpc": "2.0", "id": 1, "method": "ping"}\n'
    PONG = {"jsonrpc": "2.0", "id": 1, "result": {}}

    def test_survives_bad_input(self):
        for bad in (b"hello\n", b"\xff\0\n", b"[" * 900_000 + b"\n", b"x" * 5_000_000 + b"\n",
                    b'{"a":' * 100_000 + b"\n"):
            answers, status = self.talk(bad + self.PING)
            self.assertEqual((len(answers), answers[-1], status), (2, self.PONG, 0), bad[:10])
            self.assertIsNone(answers[0]["id"])

    def test_reads_a_file_or_nothing(self):
        path = self.directory / "requests"
        path.write_bytes(self.PING * 2)
        for source, expected in ((path, [self.PONG] * 2), ("/dev/null", [])):
            with open(source, "rb") as file:
                server = self.start_server(stdin=file)
            self.assertEqual([json.loads(line) for line in server.stdout], expected)
            self.assertEqual(server.wait(DEADLINE_S), 0)

    def test_a_client_that_does_not_read_is_not_read_either(self):
        """So the server's memory is bounded."""
        server = self.start_server()
        self.addCleanup(server.stdin.close)
        os.set_blocking(server.stdin.fileno(), False)
        written = 0
        last_progress = time.monotonic()

        def is_full():
            nonlocal written, last_progress
            try:
                written += os.write(server.stdin.fileno(), (self.PING * 1001)[written % len(self.PING):])
                last_progress = time.monotonic()
            except BlockingIOError:
                pass
            return time.monotonic() - last_progress > QUIET_S

        wait_for(is_full, "the pipes to be full")
        self.assertLess(written, 4 * 1024 * 1024)
        os.set_blocking(server.stdin.fileno(), True)
        answers = 0
        for line in server.stdout:
            answers += 1
            self.assertEqual(json.loads(line), self.PONG)
            if answers == written // len(self.PING):
                break

    def test_listens_on_nothing(self):
        server = self.start_server()
        self.addCleanup(server.stdin.close)
        server.stdin.write(self.PING)
        server.stdin.flush()
        self.assertEqual(json.loads(server.stdout.readline()), self.PONG)
        opened = [os.readlink(entry) for entry in pathlib.Path(f"/proc/{server.pid}/fd").iterdir()]
        self.assertEqual([name for name in opened if name.startswith("socket:")], [])

    def test_does_not_serve_the_instance_of_another_user(self):
        """hpp-ctl finds only instances whose run directory belongs to its user."""
        if os.geteuid() != 0:
            self.skipTest("only root can give a directory to another user")
        hpp = self.start_ready()
        os.chown(hpp.run_directory, 12345, 12345)
        try:
            call = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "status"}}
            server = self.start_server()
            server.stdin.write(json.dumps(call).encode() + b"\n")
            server.stdin.flush()
            result = json.loads(server.stdout.readline())["result"]
            server.stdin.close()
            self.assertTrue(result["isError"])
            self.assertIn("no hpp is running", text_of(result))
        finally:
            os.chown(hpp.run_directory, 0, 0)
