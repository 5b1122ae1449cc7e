"""A Node http server: keep-alive, bodies of both framings in both directions, event streams."""

import shutil
import unittest

from harness import Connection, IntegrationTest, wait_for

SERVER = '''\
const http = require('http');
const server = http.createServer((request, response) => {
  const path = request.url.split('?')[0];
  if (path === '/echo') {
    response.setHeader('X-Method', request.method);
    if (request.headers['content-length']) {
      response.setHeader('Content-Length', request.headers['content-length']);
    }
    request.pipe(response);
  } else if (path === '/chunks') {
    response.write('one');
    setImmediate(() => { response.write('two'); response.end('three'); });
  } else if (path === '/events') {
    response.writeHead(200, {'Content-Type': 'text/event-stream'});
    response.write('data: first\\n\\n');
    server.next = () => response.write('data: next\\n\\n');
    request.on('close', () => { server.left = true; });
  } else if (path === '/next') {
    server.next();
    response.end('sent');
  } else if (path === '/left') {
    response.end(String(!!server.left));
  } else if (path === '/close') {
    response.writeHead(200, {'Connection': 'close'});
    response.end('until the end');
  } else if (path === '/headers') {
    response.end(JSON.stringify(request.rawHeaders));
  } else if (path === '/none') {
    response.writeHead(204);
    response.end();
  } else {
    response.end('hello');
  }
});
server.listen(Number(process.argv[2]), 'localhost');
'''


@unittest.skipUnless(shutil.which("node"), "node is not installed")
class Node(IntegrationTest):
    def setUp(self):
        super().setUp()
        self.save("server.js", SERVER)
        self.hpp = self.start_ready("--exec", "node", "server.js", "{backend}")
        self.client = Connection(self.hpp.bind)
        self.addCleanup(self.client.socket.close)

    def ask(self, method, path, headers=(), body=b""):
        self.client.ask(method, path, headers, body)
        return self.client.read_response(method)

    def test_keeps_the_connection_after_every_framing(self):
        for method, path, expected in (
            ("GET", "/", "hello"),
            ("GET", "/chunks", "onetwothree"),
            ("HEAD", "/", ""),
            ("GET", "/none", ""),
            ("GET", "/close", "until the end"),
            ("HEAD", "/chunks", ""),
            ("GET", "/", "hello"),
        ):
            with self.subTest(f"{method} {path}"):
                self.assertEqual(self.ask(method, path).text, expected)
                self.assertEqual(self.ask("GET", "/?again").text, "hello")

    def test_echoes_a_body_with_a_length(self):
        for body in (b"", b"x", b"hello" * 1000, bytes(range(256)) * 4096):
            answer = self.ask("POST", "/echo", [("Content-Length", len(body))], body)
            self.assertEqual(answer.status, 200)
            self.assertEqual(answer.header("X-Method"), "POST")
            self.assertEqual(answer.body, body)

    def test_echoes_a_chunked_body(self):
        pieces = [b"a", b"bc" * 500, b"d" * 70_000]
        body = b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces) + b"0\r\n\r\n"
        for _ in range(2):
            answer = self.ask("PUT", "/echo", [("Transfer-Encoding", "chunked")], body)
            self.assertEqual(answer.body, b"".join(pieces))

    def test_answers_expect_100_continue(self):
        self.client.ask("POST", "/echo", [("Content-Length", 5), ("Expect", "100-continue")])
        self.assertEqual(self.client.read_head()[0], 100)
        self.client.send(b"12345")
        self.assertEqual(self.client.read_response("POST").text, "12345")
        self.assertEqual(self.ask("GET", "/").text, "hello")

    def test_passes_events_on_at_once(self):
        with Connection(self.hpp.bind) as events:
            events.ask("GET", "/events")
            status, _ = events.read_head()
            self.assertEqual(status, 200)
            self.assertEqual(events.read_chunk(), b"data: first\n\n")
            for _ in range(3):
                self.assertEqual(self.ask("GET", "/next").text, "sent")
                self.assertEqual(events.read_chunk(), b"data: next\n\n")
        wait_for(lambda: self.ask("GET", "/left").text == "true", "the backend to see the hang-up")

    def test_cuts_an_event_stream_at_a_change(self):
        with Connection(self.hpp.bind) as events:
            events.ask("GET", "/events")
            events.read_head()
            self.assertEqual(events.read_chunk(), b"data: first\n\n")
            self.save("server.js", SERVER + "// changed\n")
            rest = events.read_to_end()
            self.assertNotIn(b"0\r\n\r\n", rest, "the stream must not look complete")
        self.hpp.wait_state("Running", 2)

    def test_refuses_malformed_requests(self):
        for nonsense in ("nonsense\r\n\r\n", "GET / HTTP/1.1\r\n\r\n",
                         "GET / HTTP/1.1\r\nHost: a\r\nContent-Length: x\r\n\r\n"):
            with self.subTest(nonsense), Connection(self.hpp.bind) as client:
                client.send(nonsense)
                self.assertEqual(client.read_response().status, 400)
                client.wait_closed()

    def test_adds_the_forwarded_fields(self):
        answer = self.ask("GET", "/headers")
        self.assertIn("Forwarded", answer.text)
        self.assertIn("for=127.0.0.1", answer.text)
        self.assertIn("host=localhost", answer.text)
        self.assertIn("proto=http", answer.text)

    def test_answers_pipelined_requests_in_order(self):
        self.client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\nGET /chunks HTTP/1.1\r\nHost: a\r\n\r\n"
                         "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhi")
        texts = [self.client.read_response().text for _ in range(3)]
        self.assertEqual(texts, ["hello", "onetwothree", "hi"])


if __name__ == "__main__":
    unittest.main()
