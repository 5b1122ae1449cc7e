"""LiveReload. A WebSocket client plays a browser with the LiveReload script or extension."""

import asyncio
import contextlib
import json
import os
import signal
import socket
import unittest

import websockets

from harness import (
    DEADLINE_S, QUIET_S, Connection, IntegrationTest, free_port, get, memory_of, wait_for)
from restarts import is_sanitized

OFFICIAL = "http://livereload.com/protocols/official-7"
OWN = "hpp-1"
TEXT, PING = 1, 9  # opcodes
HANDSHAKE = [("Connection", "Upgrade"), ("Upgrade", "websocket"), ("Sec-WebSocket-Version", "13"),
             ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==")]


def frame(opcode, payload):
    """A client's frame. Its mask of zeros leaves the payload unchanged (RFC 6455 section 5.3)."""
    return bytes([0x80 | opcode, 0x80 | len(payload)]) + bytes(4) + payload


class LiveReload(unittest.IsolatedAsyncioTestCase, IntegrationTest):
    def setUp(self):
        super().setUp()
        self.port = free_port()
        self.hpp = self.start_ready("--livereload-port", self.port, "--css", "**/*.css", "--reload",
                                    "*.html", text="old")

    async def browser(self, *protocols, origin=None):
        """Opens a connection that has exchanged hello with hpp."""
        connection = await websockets.connect(f"ws://localhost:{self.port}/livereload",
                                              open_timeout=DEADLINE_S, ping_interval=None,
                                              origin=origin)
        await connection.send(json.dumps({"command": "hello",
                                          "protocols": [OFFICIAL, *protocols]}))
        hello = await self.receive(connection)
        self.assertEqual((hello["command"], hello["protocols"]), ("hello", [OFFICIAL, *protocols]))
        return connection

    async def state(self, connection, condition):
        """Receives states until the condition holds for one, and returns that state."""
        while True:
            message = await self.receive(connection)
            self.assertEqual(message["command"], "state")
            if condition(message):
                return message

    @staticmethod
    async def receive(connection):
        return json.loads(await asyncio.wait_for(connection.recv(), DEADLINE_S))

    async def test_every_browser_reloads_and_finds_the_new_page(self):
        browsers = [await self.browser() for _ in range(5)]
        for generation in (2, 3):
            self.save_backend(f"new {generation}")
            for browser in browsers:
                self.assertEqual((await self.receive(browser))["command"], "reload")
            page = await asyncio.to_thread(get, self.hpp.url)
            self.assertEqual(page.text, f"new {generation}")
            self.hpp.wait_state("Running", generation)
        for browser in browsers:
            await browser.close()

    async def test_a_crash_and_its_end_are_sent(self):
        browser = await self.browser()
        await asyncio.to_thread(get, self.hpp.url + "crash")
        self.assertEqual((await self.receive(browser))["command"], "reload")
        self.assertEqual((await asyncio.to_thread(get, self.hpp.url)).status, 503)
        self.save_backend("cured")
        self.assertEqual((await self.receive(browser))["command"], "reload")
        self.assertEqual((await asyncio.to_thread(get, self.hpp.url)).text, "cured")
        await browser.close()

    async def test_style_sheets_and_pages_restart_nothing(self):
        plain, own = await self.browser(), await self.browser(OWN)
        before = await self.state(own, lambda s: s["state"] == "Running")
        self.assertEqual(before["generation"], 1)
        self.save("s/a.css", "")
        self.assertEqual(await self.receive(plain),
                         {"command": "reload", "path": "s/a.css", "liveCSS": True})
        after = await self.receive(own)
        self.assertEqual(after["refresh"], {**before["refresh"], "css": ["s/a.css"],
                                            "count": before["refresh"]["count"] + 1})
        self.save("a.html", "")
        self.assertEqual(await self.receive(plain), {"command": "reload", "path": "a.html",
                                                     "liveCSS": False, "liveImg": False})
        after = await self.receive(own)
        self.assertEqual((after["refresh"]["css"], after["refresh"]["page"]), ([], True))
        # No other message came, and the backend was not restarted.
        self.save_backend("new")
        self.assertEqual((await self.receive(plain))["path"], "/")
        await self.state(own, lambda s: s["state"] == "Running" and s["generation"] == 2)
        self.assertEqual(self.spawns, 2)
        await plain.close()
        await own.close()

    async def test_missed_changes_are_sent_at_once(self):
        """To a browser that was disconnected, or that has waited for hpp-proxyd."""
        self.save("a.css", "")
        self.hpp.wait_line("a.css changed: notified 0 browsers")
        before = await self.receive(await self.browser(OWN))
        self.assertEqual((before["generation"], before["refresh"]["count"]), (1, 1))
        os.kill(self.hpp.helper_pid("proxyd"), signal.SIGKILL)
        self.save("b.css", "")
        wait_for(lambda: self.hpp.snapshot("watchd")["refresh"]["count"] == 2, "the refresh")
        own = await self.browser(OWN)
        after = await self.state(own, lambda s: s["refresh"]["count"] == 2)
        self.assertEqual((after["epoch"], after["generation"]), (before["epoch"], 1))

    async def test_only_pages_of_hpps_origin_get_the_reason_of_a_crash(self):
        here = await self.browser(OWN, origin=self.hpp.url.rstrip("/"))
        stranger = await self.browser(OWN, origin="http://example.org")
        await asyncio.to_thread(get, self.hpp.url + "crash")
        crash = (await self.state(here, lambda s: s["state"] == "Error"))["crash"]
        self.assertEqual(crash["how"], "it ended with exit code 3")
        self.assertIn("app.py", crash["command"])
        self.assertEqual(crash["output"], "crash requested")
        crash = (await self.state(stranger, lambda s: s["state"] == "Error"))["crash"]
        self.assertEqual(crash, {"how": "it has failed", "next": "Save a file and hpp starts your server again.",
                                 "command": "", "output": ""})
        self.save_backend("cured")
        await self.state(here, lambda s: s["state"] == "Running" and s["generation"] == 2)
        await here.close()
        await stranger.close()

    def test_the_script_is_served(self):
        answer = get(f"http://localhost:{self.port}/livereload.js?snipver=1")
        self.assertEqual(answer.status, 200)
        self.assertIn("javascript", answer.header("content-type"))
        self.assertIn("/livereload", answer.text)
        self.assertEqual(get(f"http://localhost:{self.port}/other").status, 404)

    async def test_malformed_clients_do_not_affect_others(self):
        browser = await self.browser()
        for odd in (b"\x00", b"GET / HTTP/1.1\n\n", b"GET /livereload HTTP/1.1\r\nHost: a\r\n\r\n",
                    b"GET /livereload HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\n"
                    b"Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: a\r\n\r\n"
                    b"\xff\xff\xff\xff"):
            with socket.create_connection(("localhost", self.port)) as client:
                client.sendall(odd)
        stuck = await self.browser()
        stuck.transport.pause_reading()
        self.save_backend("new")
        self.assertEqual((await self.receive(browser))["command"], "reload")
        stuck.transport.abort()
        await browser.close()

    def flood(self, client, piece):
        """Sends `piece` until proxyd reads no more or 64 MiB are sent. Returns the number of bytes."""
        client.settimeout(QUIET_S)
        sent = 0
        with contextlib.suppress(TimeoutError):
            while sent < 64 << 20:
                sent += client.send(piece)
        client.settimeout(DEADLINE_S)
        return sent

    def test_messages_of_a_client_are_not_buffered(self):
        proxyd = self.hpp.helper_pid("proxyd")
        before = memory_of(proxyd)
        with Connection(self.port, "localhost") as blank, Connection(self.port, "localhost") as pings:
            self.flood(blank.socket, b"\r\n" * 32_768)
            blank.ask(path="/livereload.js")
            self.assertEqual(blank.read_response().status, 200)
            pings.ask(path="/livereload", headers=HANDSHAKE)
            self.assertEqual(pings.read_head()[0], 101)
            pings.send(frame(TEXT, json.dumps({"command": "hello", "protocols": [OFFICIAL, OWN]}).encode()))
            ping = frame(PING, b"12345678")
            sent = self.flood(pings.socket, ping * 4096)
            self.assertLess(sent, 64 << 20, "proxyd did not stop reading")
            if not is_sanitized():
                self.assertLess(memory_of(proxyd) - before, 8 << 20)
            # When the client reads, all its messages are answered.
            pong, count = b"\x8a\x0812345678", 0
            while count < sent // len(ping):
                data = pings.read_until(pong)
                count += data.endswith(pong)

    def test_a_websocket_without_hello_is_closed(self):
        with Connection(self.port, "localhost") as there, Connection(self.hpp.bind) as on_main_port:
            there.ask(path="/livereload", headers=HANDSHAKE)
            fields = "".join(f"{name}: {value}\r\n" for name, value in HANDSHAKE)
            on_main_port.send(f"GET /__hpp/livereload HTTP/1.1\r\nHost: localhost:{self.hpp.bind}\r\n{fields}\r\n")
            for client in (there, on_main_port):
                self.assertEqual(client.read_head()[0], 101)
                client.send(frame(TEXT, b"{}"))
            for client in (there, on_main_port):
                client.read_to_end()

    def test_a_port_in_use_causes_one_warning(self):
        second = self.start_hpp("--livereload-port", self.port, "--exec",
                                *self.save_backend("second", "second.py"))
        second.wait_line(rf"warning: LiveReload is off: cannot listen on localhost:{self.port}: the port is in use by pid \d+")
        second.wait_ready()
        self.assertEqual(get(second.url).text, "second")


if __name__ == "__main__":
    unittest.main()
