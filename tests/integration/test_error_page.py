"""The answers that hpp gives instead of the server, for each kind of client."""

import json
import os
import signal
import socket
import unittest

from harness import PYTHON, Connection, Hpp, IntegrationTest, free_port, get, wait_for

# Ends at once, and prints a coloured line and a line with a script element.
BROKEN = r'''
import sys
sys.exit("\x1b[1;31mNameError\x1b[0m: x\n<script>alert(1)</script>")
'''
BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"


class ErrorPage(IntegrationTest):
    def start_broken(self):
        self.save("app.py", BROKEN)
        hpp = self.start_hpp("--exec", PYTHON, "app.py", "{backend}")
        hpp.wait_state("Error")
        return hpp

    def check(self, answer, media_type):
        self.assertEqual(answer.status, 503)
        self.assertEqual(answer.header("content-type"), f"{media_type}; charset=utf-8")
        self.assertEqual(answer.header("retry-after"), "1")
        self.assertEqual(answer.header("cache-control"), "no-store")
        self.assertEqual(answer.header("x-hpp-generation"), "1")

    def test_the_editor_opens_at_the_error(self):
        opened = self.directory / "opened"
        script = self.directory / "my editor"
        script.write_text(f'#!/bin/sh\necho "$@" > {opened}.new && mv {opened}.new {opened}\nexec sleep 1000\n')
        script.chmod(0o755)
        self.environment["HPP_EDITOR"] = f"'{script}' -g"
        self.save("app.py", "\nprint(undefined)\n")
        hpp = self.start_hpp("--exec", PYTHON, "app.py", "{backend}")
        hpp.wait_state("Error")
        self.assertIn('data-post="/__hpp/open-editor"', get(hpp.url, Accept=BROWSER).text)
        answer = self.post(hpp, "/__hpp/open-editor", [("Origin", "http://evil.example")])
        self.assertEqual(answer.status, 403)
        answer = self.post(hpp, "/__hpp/open-editor")
        self.assertEqual(answer.status, 202, answer.text)
        wait_for(opened.exists, "the editor")
        self.assertEqual(opened.read_text(), f"-g {self.project}/app.py:2\n")
        hpp.stop()
        [editor] = self.left()
        os.kill(editor, signal.SIGKILL)  # it has outlived hpp
        wait_for(lambda: not self.left(), "the end of the editor")

    @staticmethod
    def post(hpp, path, headers=()):
        with Connection(hpp.bind) as client:
            lines = [f"POST {path} HTTP/1.1", f"Host: localhost:{hpp.bind}", "Content-Length: 0"]
            lines += [f"{name}: {value}" for name, value in headers]
            client.send("\r\n".join(lines) + "\r\n\r\n")
            return client.read_response("POST")

    def test_without_hpp_editor_there_is_a_link_for_vs_code(self):
        self.environment.pop("HPP_EDITOR", None)
        self.save("app.py", "\nprint(undefined)\n")
        hpp = self.start_hpp("--exec", PYTHON, "app.py", "{backend}")
        hpp.wait_state("Error")
        self.assertIn(f'<a class="button" href="vscode://file{self.project}/app.py:2">Open in VS Code</a>',
                      get(hpp.url, Accept=BROWSER).text)
        self.assertEqual(self.post(hpp, "/__hpp/open-editor").status, 404)

    def test_each_client_gets_its_preferred_format(self):
        hpp = self.start_broken()
        page = get(hpp.url, Accept=BROWSER)
        self.check(page, "text/html")
        self.assertIn('<span class="b f1">NameError</span>: x', page.text)
        self.assertIn("&lt;script&gt;alert(1)&lt;/script&gt;", page.text)
        self.assertNotIn("<script>alert", page.text)
        self.assertIn("exit code 1", page.text)
        self.assertIn("app.py", page.text)
        program = get(hpp.url, Accept="application/json")
        self.check(program, "application/json")
        facts = json.loads(program.text)
        self.assertEqual((facts["reason"], facts["exit_code"], facts["generation"]), ("crashed", 1, 1))
        self.assertIn("<script>alert(1)</script>", facts["output"])
        for accept in ("*/*", "text/plain", "image/png"):
            text = get(hpp.url, Accept=accept)
            self.check(text, "text/plain")
            self.assertIn("<script>alert(1)</script>", text.text)

    def test_it_names_the_change(self):
        hpp = self.start_ready(text="works")
        self.save("app.py", BROKEN)
        hpp.wait_state("Error", 2)
        self.assertIn("app.py changed", get(hpp.url, Accept=BROWSER).text)
        facts = json.loads(get(hpp.url, Accept="application/json").text)
        self.assertEqual((facts["cause"], facts["changed"]), ("app.py changed", ["app.py"]))
        self.assertGreaterEqual(facts["ended_at_ms"], facts["spawned_at_ms"])

    def test_the_error_comes_first(self):
        self.save("lib/shop.py", "def price(item):\n    return PRICES[item]\n")
        self.save("app.py", "from lib import shop\n\nshop.price('tea')\n")
        hpp = self.start_hpp("--exec", PYTHON, "app.py", "{backend}")
        hpp.wait_state("Error")
        hpp.wait_line(r"Error: lib/shop\.py:2: NameError: name 'PRICES' is not defined \(exit code 1 after ")
        headline = "lib/shop.py:2: NameError: name 'PRICES' is not defined\n"
        self.assertTrue(get(hpp.url).text.startswith(headline + "\n"), get(hpp.url).text)
        self.assertIn(">     2 |     return PRICES[item]\n", get(hpp.url).text)
        for path in ("", "__hpp/wait"):
            facts = json.loads(get(hpp.url + path, Accept="application/json").text)
            self.assertEqual((facts["reason"], facts["live"]), ("crashed", False))
            error = facts["error"]
            self.assertEqual((error["message"], error["file"], error["line"]),
                             ("NameError: name 'PRICES' is not defined", "lib/shop.py", 2))

    def test_the_error_of_a_failed_build(self):
        self.save("main.c", "int main(void) {\n  return undeclared;\n}\n")
        hpp = self.start_hpp("--build", "cc -o server main.c", "--exec", PYTHON, "app.py", "{backend}")
        hpp.wait_state("Error")
        hpp.wait_line(r"Error: main\.c:2:10: .undeclared. undeclared .* \(cc -o server main\.c failed: ")
        facts = json.loads(get(hpp.url, Accept="application/json").text)
        self.assertEqual((facts["reason"], facts["error"]["file"], facts["error"]["line"]),
                         ("build_failed", "main.c", 2))
        self.assertIn("return undeclared;", facts["error"]["source"])

    def test_a_head_request_gets_only_the_head(self):
        hpp = self.start_broken()
        with Connection(hpp.bind) as client:
            client.ask("HEAD", headers=[("Accept", BROWSER)])
            self.check(client.read_response("HEAD"), "text/html")
            client.wait_closed()

    def test_a_handshake_gets_a_short_text(self):
        hpp = self.start_broken()
        with Connection(hpp.bind) as client:
            client.ask(headers=[("Connection", "Upgrade"), ("Upgrade", "websocket"),
                                ("Sec-WebSocket-Version", "13"), ("Accept", BROWSER),
                                ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==")])
            self.check(client.read_response(), "text/plain")
            client.wait_closed()

    def test_other_answers_use_the_same_formats(self):
        hpp = self.start_broken()
        page = get(hpp.url + "__hpp/nosuch", Accept=BROWSER)
        self.assertEqual((page.status, page.header("content-type")),
                         (404, "text/html; charset=utf-8"))
        with Connection(hpp.bind) as client:
            client.send("GET / HTTP/1.1\r\n\r\n")
            self.assertEqual(client.read_response().status, 400)


def address_of_this_machine():
    """An address of this machine for others; None if there is none. Sends nothing."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))
        except OSError:
            return None
        address = probe.getsockname()[0]
    return None if address.startswith("127.") else address


class OtherNames(IntegrationTest):
    """A page of another site can read answers of this machine if its name was made to point here."""

    def test_they_see_no_output(self):
        self.save("app.py", BROKEN)
        hpp = self.start_hpp("--exec", PYTHON, "app.py", "{backend}")
        hpp.wait_state("Error")
        for accept in (BROWSER, "application/json", "*/*"):
            answer = get(hpp.url, Accept=accept, Host=f"evil.example:{hpp.bind}")
            self.assertEqual(answer.status, 503)
            for secret in ("NameError", "app.py", "exit code"):
                self.assertNotIn(secret, answer.text)
            self.assertIn("--expose-errors", answer.text)


class Strangers(IntegrationTest):
    def start_for_all(self, *arguments):
        """Starts hpp so that it listens on each address. The harness looks for this name."""
        self.save("app.py", BROKEN)
        bind, backend = free_port(), free_port()
        hpp = self._keep(Hpp([self.program("launch"), f"0.0.0.0:{bind}", backend, "--name",
                              f"localhost-{bind}", "--livereload-port", 0, *arguments, "--exec",
                              PYTHON, "app.py"], self, bind, backend))
        hpp.wait_state("Error")
        return hpp

    def setUp(self):
        super().setUp()
        self.address = address_of_this_machine()
        if self.address is None:
            self.skipTest("this machine has loopback addresses alone")

    def test_they_see_no_output(self):
        hpp = self.start_for_all()
        for accept in (BROWSER, "application/json", "*/*"):
            answer = get(f"http://{self.address}:{hpp.bind}/", Accept=accept)
            self.assertEqual(answer.status, 503)
            for secret in ("NameError", "app.py", "exit code"):
                self.assertNotIn(secret, answer.text)
            self.assertIn("NameError", get(f"http://127.0.0.1:{hpp.bind}/", Accept=accept).text)

    def test_they_see_the_output_with_the_option(self):
        hpp = self.start_for_all("--expose-errors")
        self.assertIn("NameError", get(f"http://{self.address}:{hpp.bind}/", Accept=BROWSER).text)

    def test_they_cannot_use_hpps_own_paths(self):
        hpp = self.start_for_all("--expose-errors")
        for path in ("", "status", "wait", "livereload.js"):
            answer = get(f"http://{self.address}:{hpp.bind}/__hpp/{path}",
                         Host=f"localhost:{hpp.bind}")
            self.assertEqual(answer.status, 403)
            self.assertIn("another address", answer.text)


if __name__ == "__main__":
    unittest.main()
