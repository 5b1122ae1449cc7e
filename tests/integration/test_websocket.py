"""The second test of hpp's predecessor: a WebSocket echo server behind hpp, whose connections close at
a change."""

import asyncio
import json
import unittest

import websockets

from harness import DEADLINE_S, PYTHON, IntegrationTest, get, wait_for

SERVER = '''\
import asyncio, sys
import websockets


async def echo(connection, *_):
    async for message in connection:
        await connection.send(message)


async def main():
    async with websockets.serve(echo, "localhost", int(sys.argv[1]), max_size=None):
        await asyncio.Future()


asyncio.run(main())
'''


class WebSocket(unittest.IsolatedAsyncioTestCase, IntegrationTest):
    def setUp(self):
        super().setUp()
        self.save("echo.py", SERVER)
        self.hpp = self.start_ready("--exec", PYTHON, "echo.py", "{backend}")

    def connect(self):
        return websockets.connect(f"ws://localhost:{self.hpp.bind}/", max_size=None,
                                  open_timeout=DEADLINE_S, ping_interval=None)

    async def echoed(self, connection, message):
        await connection.send(message)
        return await asyncio.wait_for(connection.recv(), DEADLINE_S)

    async def test_echoes(self):
        async with self.connect() as connection:
            for message in ("hello", "", "ä" * 1000, b"\x00\xff", b"x" * 1_000_000):
                self.assertEqual(await self.echoed(connection, message), message)

    async def test_closes_on_a_change_and_a_new_one_works(self):
        for generation in (1, 2, 3):
            self.hpp.wait_state("Running", generation)
            async with self.connect() as connection:
                self.assertEqual(await self.echoed(connection, "before"), "before")
                self.save("echo.py", SERVER + f"# {generation}\n")
                with self.assertRaises(websockets.ConnectionClosed):
                    await asyncio.wait_for(connection.recv(), DEADLINE_S)
            async with self.connect() as connection:  # held until the new backend answers
                self.assertEqual(await self.echoed(connection, "after"), "after")

    async def test_the_list_of_requests_tells_a_normal_end_from_a_cut(self):
        def newest():
            return json.loads(get(f"{self.hpp.url}__hpp/requests").text)["requests"][0]["end"]

        async def check(expected, act):
            async with self.connect() as connection:
                await self.echoed(connection, "x")
                self.assertEqual(newest(), "open")
                await act(connection)
            wait_for(lambda: newest() == expected, f"the connection to be {expected}")

        async def restart(connection):
            self.save("echo.py", SERVER + "# changed\n")
            await connection.wait_closed()

        await check("completed", lambda connection: connection.close())
        await check("cut", restart)

    async def test_stops_with_connections_open(self):
        async with self.connect() as connection:
            self.assertEqual(await self.echoed(connection, "x"), "x")
            self.hpp.ctrl_c()
            with self.assertRaises(websockets.ConnectionClosed):
                await asyncio.wait_for(connection.recv(), DEADLINE_S)
        self.assertEqual(self.hpp.wait_exit(), 130)
        self.assert_nothing_left()


if __name__ == "__main__":
    unittest.main()
