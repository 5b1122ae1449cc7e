'use strict';
// The ws package as client and server: all sizes and kinds of frames, compression, closes, and many
// connections at once.

const {WebSocket, WebSocketServer} = require('ws');
const {assert, backendPort, bytesOf, cut, deferred, digest, once, randomBytes, run,
       sizes, targetPort} = require('./judge');

const server = new WebSocketServer({
  port: backendPort,
  host: '127.0.0.1',
  perMessageDeflate: {threshold: 0},
  maxPayload: 64 << 20,
  verifyClient: ({req}, decide) =>
    decide(req.url !== '/refused', 401, 'not you', {'X-Why': 'because'}),
  handleProtocols: (protocols) => (protocols.has('second') ? 'second' : false),
});

function echo(socket) {
  socket.on('message', (data, isBinary) => socket.send(data, {binary: isBinary}));
}

// The current check sets what the server does with a connection.
let serve = echo;
server.on('connection', (socket, request) => {
  socket.on('error', () => {});
  serve(socket, request);
});

async function connect(options = {}, protocols = []) {
  const socket = new WebSocket(`ws://127.0.0.1:${targetPort}/path?query`, protocols, options);
  await new Promise((resolve, reject) => {
    socket.once('open', resolve);
    socket.once('error', reject);
  });
  socket.on('error', () => {});
  return socket;
}

const message = (socket) => new Promise((resolve) =>
  socket.once('message', (data, isBinary) => resolve({data, isBinary})));

const closed = (socket) => new Promise((resolve) =>
  socket.once('close', (code, reason) => resolve([code, reason.toString()])));

async function checkEchoes(options) {
  const socket = await connect(options);
  for (const size of sizes()) {
    const data = randomBytes(size);
    let answer = message(socket);
    socket.send(data);
    const binary = await answer;
    assert.strictEqual(binary.isBinary, true);
    assert.strictEqual(digest(binary.data), digest(data), `binary, ${size}`);
    answer = message(socket);
    const text = 'ä'.repeat(size / 2);
    socket.send(text);
    const got = await answer;
    assert.strictEqual(got.isBinary, false);
    assert.strictEqual(got.data.toString(), text, `text, ${size}`);
  }
  const end = closed(socket);
  socket.close();
  await end;
}

run({
  'the server listens': () => (server.address() ? undefined : once(server, 'listening')),

  'the handshake passes unchanged': async () => {
    let seen;
    serve = (socket, request) => { seen = request; };
    const socket = new WebSocket(`ws://127.0.0.1:${targetPort}/a?b`, ['first', 'second'],
                                 {headers: {'X-A': 'b'}, origin: 'http://o'});
    const [response] = await Promise.all([once(socket, 'upgrade'), once(socket, 'open')]);
    assert.strictEqual(seen.url, '/a?b');
    assert.strictEqual(seen.headers['x-a'], 'b');
    assert.strictEqual(seen.headers.origin, 'http://o');
    assert.strictEqual(seen.headers.host, `127.0.0.1:${targetPort}`);
    assert.strictEqual(seen.headers['sec-websocket-protocol'], 'first,second');
    assert.strictEqual(response.headers.upgrade, 'websocket');
    assert.match(socket.extensions, /permessage-deflate/);
    assert.strictEqual(socket.protocol, 'second');
    socket.terminate();
  },

  'echoes of many sizes, compressed': async () => {
    serve = echo;
    await checkEchoes({perMessageDeflate: {threshold: 0}});
  },

  'echoes of many sizes, not compressed': async () => {
    serve = echo;
    await checkEchoes({perMessageDeflate: false});
  },

  'fragments become one message': async () => {
    serve = echo;
    for (const perMessageDeflate of [false, true]) {
      const socket = await connect({perMessageDeflate});
      const data = randomBytes(1 << 20);
      const pieces = cut(data);
      const answer = message(socket);
      pieces.forEach((piece, i) => {
        socket.send(piece, {binary: true, fin: i === pieces.length - 1});
        if (i % 3 === 0) socket.ping(`between ${i}`);  // RFC 6455 section 5.4
      });
      assert.strictEqual(digest((await answer).data), digest(data));
      socket.terminate();
    }
  },

  'pings and pongs pass both ways': async () => {
    const byServer = deferred();
    serve = (socket) => {
      socket.on('ping', (data) => byServer.resolve(data.toString()));
      socket.on('pong', (data) => socket.send(`pong ${data}`));
      socket.ping('from the server');
    };
    const socket = await connect();
    const answer = message(socket);
    socket.ping('x'.repeat(125));
    const pong = await once(socket, 'pong');
    assert.strictEqual(pong.toString(), 'x'.repeat(125));
    assert.strictEqual(await byServer.promise, 'x'.repeat(125));
    assert.strictEqual((await answer).data.toString(), 'pong from the server');
    socket.terminate();
  },

  'messages that the server sends with its handshake arrive': async () => {
    serve = (socket) => { for (let i = 0; i < 100; ++i) socket.send(`early ${i}`); };
    const socket = new WebSocket(`ws://127.0.0.1:${targetPort}/`);
    const got = [];
    const all = deferred();
    socket.on('message', (data) => {
      got.push(data.toString());
      if (got.length === 100) all.resolve();
    });
    await all.promise;
    assert.deepStrictEqual(got, Array.from({length: 100}, (_, i) => `early ${i}`));
    socket.terminate();
  },

  'codes and reasons of a close by the client': async () => {
    for (const [code, reason] of [[1000, ''], [1001, 'going'], [3000, 'ü'], [4999, 'r'.repeat(123)]]) {
      const end = deferred();
      serve = (socket) => closed(socket).then(end.resolve);
      const socket = await connect();
      const own = closed(socket);
      socket.close(code, reason);
      assert.deepStrictEqual(await end.promise, [code, reason]);
      assert.deepStrictEqual(await own, [code, reason]);
    }
  },

  'codes and reasons of a close by the server': async () => {
    for (const [code, reason] of [[1000, ''], [1001, 'going'], [1011, 'ü'], [4000, 'r'.repeat(123)]]) {
      serve = (socket) => socket.close(code, reason);
      const socket = await connect();
      assert.deepStrictEqual(await closed(socket), [code, reason]);
    }
  },

  'a close without a code': async () => {
    const end = deferred();
    serve = (socket) => closed(socket).then(end.resolve);
    const socket = await connect();
    socket.close();
    assert.deepStrictEqual(await end.promise, [1005, '']);
  },

  'a terminated client is a close with 1006 at the server': async () => {
    const end = deferred();
    serve = (socket) => closed(socket).then(end.resolve);
    const socket = await connect();
    socket.terminate();
    assert.deepStrictEqual(await end.promise, [1006, '']);
  },

  'a terminated server is a close with 1006 at the client': async () => {
    serve = (socket) => socket.terminate();
    const socket = await connect();
    assert.deepStrictEqual(await closed(socket), [1006, '']);
  },

  'a message before the close arrives completely': async () => {
    const data = randomBytes(4 << 20);
    serve = (socket) => { socket.send(data); socket.close(1000, 'after it'); };
    const socket = await connect();
    const [got, end] = await Promise.all([message(socket), closed(socket)]);
    assert.strictEqual(digest(got.data), digest(data));
    assert.deepStrictEqual(end, [1000, 'after it']);
  },

  'the server refuses an unmasked frame': async () => {
    const refused = deferred();
    serve = (socket) => socket.on('error', (error) => refused.resolve(error.code));
    const socket = await connect();
    const end = closed(socket);
    socket._socket.write(Buffer.from([0x81, 1, 0x61]));
    assert.strictEqual(await refused.promise, 'WS_ERR_EXPECTED_MASK');
    assert.strictEqual((await end)[0], 1002);
  },

  'the client gets the server\'s answer to a refused handshake': async () => {
    const socket = new WebSocket(`ws://127.0.0.1:${targetPort}/refused`);
    const response = await new Promise((resolve, reject) => {
      socket.on('unexpected-response', (_, it) => resolve(it));
      socket.on('open', () => reject(new Error('it was accepted')));
    });
    assert.strictEqual(response.statusCode, 401);
    assert.strictEqual(response.headers['x-why'], 'because');
    assert.strictEqual((await bytesOf(response)).toString(), 'not you');
  },

  'both sides send at once': async () => {
    const count = 2000;
    const flood = (socket) => {
      for (let i = 0; i < count; ++i) socket.send(`${i} ${'x'.repeat(i)}`);
    };
    const all = (socket) => new Promise((resolve, reject) => {
      let next = 0;
      socket.on('message', (data) => {
        if (data.toString() !== `${next} ${'x'.repeat(next)}`) reject(new Error(`at ${next}`));
        if (++next === count) resolve();
      });
    });
    const atServer = deferred();
    serve = (socket) => {
      all(socket).then(atServer.resolve, atServer.reject);
      flood(socket);
    };
    const socket = new WebSocket(`ws://127.0.0.1:${targetPort}/`);
    const atClient = all(socket);
    await once(socket, 'open');
    flood(socket);
    await Promise.all([atClient, atServer.promise]);
    socket.terminate();
  },

  'two hundred at once': async () => {
    serve = echo;
    await Promise.all(Array.from({length: 200}, async (_, i) => {
      const socket = await connect();
      for (let j = 0; j < 5; ++j) {
        const data = randomBytes(i * 10 + j);
        const answer = message(socket);
        socket.send(data);
        assert.strictEqual(digest((await answer).data), digest(data));
      }
      const end = closed(socket);
      socket.close(4000, `${i}`);
      assert.deepStrictEqual(await end, [4000, `${i}`]);
    }));
  },
});
