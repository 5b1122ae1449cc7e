"""LiveReload: what a browser with the LiveReload script or extension sees, played by a WebSocket client."""

import asyncio
import json
import socket
import unittest

import websockets

from harness import DEADLINE_S, IntegrationTest, free_port, get

HELLO = json.dumps({"command": "hello",
                    "protocols": ["http://livereload.com/protocols/official-7"]})


class LiveReload(IntegrationTest):
    def setUp(self):
        super().setUp()
        self.port = free_port()
        self.hpp = self.start_hpp("--livereload-port", self.port, "--exec",
                                  *self.save_backend("old"))
        self.hpp.wait_ready()

    async def browser(self, path="/livereload"):
        """A connection that has said hello and was answered."""
        connection = await websockets.connect(f"ws://localhost:{self.port}{path}",
                                              open_timeout=DEADLINE_S, ping_interval=None)
        await connection.send(HELLO)
        self.assertEqual((await self.receive(connection))["command"], "hello")
        return connection

    @staticmethod
    async def receive(connection):
        return json.loads(await asyncio.wait_for(connection.recv(), DEADLINE_S))

    def test_every_browser_reloads_and_finds_the_new_page(self):
        async def run():
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

        asyncio.run(run())

    def test_a_crash_and_its_cure_are_seen(self):
        async def run():
            browser = await self.browser()
            await asyncio.to_thread(get, self.hpp.url + "crash")
            self.assertEqual((await self.receive(browser))["command"], "reload")
            self.assertEqual((await asyncio.to_thread(get, self.hpp.url)).status, 503)
            self.save_backend("cured")
            self.assertEqual((await self.receive(browser))["command"], "reload")
            self.assertEqual((await asyncio.to_thread(get, self.hpp.url)).text, "cured")
            await browser.close()

        asyncio.run(run())

    def test_the_script_is_served(self):
        answer = get(f"http://localhost:{self.port}/livereload.js?snipver=1")
        self.assertEqual(answer.status, 200)
        self.assertIn("javascript", answer.header("content-type"))
        self.assertIn("/livereload", answer.text)
        self.assertEqual(get(f"http://localhost:{self.port}/other").status, 404)

    def test_odd_clients_harm_nobody(self):
        async def run():
            browser = await self.browser()
            for odd in (b"\x00", b"GET / HTTP/1.1\n\n", b"GET /livereload HTTP/1.1\r\nHost: a\r\n\r\n",
                        b"GET /livereload HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\n"
                        b"Connection: Upgrade\r\nSec-WebSocket-Key: a\r\n\r\n\xff\xff\xff\xff"):
                with socket.create_connection(("localhost", self.port)) as client:
                    client.sendall(odd)
            stuck = await self.browser()
            stuck.transport.pause_reading()
            self.save_backend("new")
            self.assertEqual((await self.receive(browser))["command"], "reload")
            stuck.transport.abort()
            await browser.close()

        asyncio.run(run())

    def test_a_port_that_is_taken_is_one_warning(self):
        second = self.start_hpp("--livereload-port", self.port, "--exec",
                                *self.save_backend("second", "second.py"))
        second.wait_line(rf"warning: no LiveReload: cannot listen on localhost:{self.port}: the port is held by pid \d+")
        second.wait_ready()
        self.assertEqual(get(second.url).text, "second")


if __name__ == "__main__":
    unittest.main()
