'use strict';
// Node's own http client and server: keep-alive, interim answers, trailers, upgrades, aborts.

const http = require('http');
const net = require('net');
const {Duplex} = require('stream');
const {assert, backendPort, bytesOf, cut, deferred, digest, isProxied, listen, once, randomBytes,
       run, sizes, targetPort} = require('./judge');

const agent = new http.Agent({keepAlive: true, maxSockets: 1});

// The current check sets what the server does.
let serve = {};
const server = http.createServer((request, response) => serve.request(request, response));
server.on('checkContinue', (request, response) =>
  (serve.checkContinue || serve.request)(request, response));
server.on('upgrade', (request, socket, head) => {
  socket.on('error', () => {});
  serve.upgrade(request, socket, head);
});
server.keepAliveTimeout = 60000;

function start(options) {
  return http.request({host: '127.0.0.1', port: targetPort, agent, ...options});
}

async function answerTo(request) {
  const response = await once(request, 'response');
  const port = response.socket.localPort;
  return {response, port, body: await bytesOf(response)};
}

async function ask(options, body) {
  const request = start(options);
  const answer = answerTo(request);
  request.end(body);
  return answer;
}

async function echo(request, response) {
  const body = await bytesOf(request);
  response.setHeader('X-Digest', digest(body));
  response.end(body);
}

// Removes the headers that a proxy may add or remove.
function headersOf(raw) {
  const others = /^(connection|keep-alive|forwarded|x-forwarded-.*)$/i;
  const pairs = [];
  for (let i = 0; i < raw.length; i += 2) {
    if (!others.test(raw[i])) pairs.push([raw[i], raw[i + 1]]);
  }
  return pairs;
}

run({
  'the server listens': () => listen(server),

  'a kept connection serves one request after another': async () => {
    serve = {request: echo};
    const ports = new Set();
    for (let i = 0; i < 20; ++i) {
      const {port, body} = await ask({method: 'POST', path: `/${i}`}, `body ${i}`);
      assert.strictEqual(body.toString(), `body ${i}`);
      ports.add(port);
    }
    assert.strictEqual(ports.size, 1);
  },

  'bodies of many sizes, with a length and in chunks': async () => {
    serve = {
      request: async (request, response) => {
        const body = await bytesOf(request);
        response.setHeader('X-Digest', digest(body));
        if (request.headers['transfer-encoding']) {
          for (const piece of cut(body)) response.write(piece);
          response.end();
        } else {
          response.setHeader('Content-Length', body.length);
          response.end(body);
        }
      },
    };
    for (const size of sizes()) {
      const data = randomBytes(size);
      for (const chunked of [false, true]) {
        const request = start({method: 'PUT', path: '/'});
        const answer = answerTo(request);
        if (chunked) {
          request.setHeader('Transfer-Encoding', 'chunked');
          for (const piece of cut(data)) request.write(piece);
          request.end();
        } else {
          request.setHeader('Content-Length', size);
          request.end(data);
        }
        const {response, body} = await answer;
        assert.strictEqual(response.headers['x-digest'], digest(data), `up, ${size}`);
        assert.strictEqual(digest(body), digest(data), `down, ${size}`);
      }
    }
  },

  'headers keep their order, case and duplicates': async () => {
    const sent = ['Host', 'a', 'X-B', '1', 'x-a', '2', 'X-b', '3', 'COOKIE', 'a=b', 'Accept', '*/*'];
    const answered = ['Set-Cookie', 'a=b', 'x-Strange', '1', 'set-cookie', 'c=d', 'X-STRANGE', '2',
                      'Date', 'never', 'Content-Length', '0'];
    let seen;
    serve = {
      request: (request, response) => {
        seen = request.rawHeaders;
        response.writeHead(299, 'Strange Reason', answered);
        response.end();
      },
    };
    const {response} = await ask({headers: sent, setHost: false});
    assert.deepStrictEqual(headersOf(seen), headersOf(sent));
    assert.deepStrictEqual(headersOf(response.rawHeaders), headersOf(answered));
    assert.strictEqual(response.statusCode, 299);
    assert.strictEqual(response.statusMessage, 'Strange Reason');
  },

  'Expect: 100-continue waits for the server': async () => {
    let asked = 0;
    serve = {
      checkContinue: (request, response) => {
        ++asked;
        response.writeContinue();
        echo(request, response);
      },
    };
    for (let i = 0; i < 5; ++i) {
      const request = start({method: 'POST', headers: {Expect: '100-continue', 'X-I': i}});
      const answer = answerTo(request);
      request.flushHeaders();
      await once(request, 'continue');
      assert.strictEqual(asked, i + 1);
      request.end(`body ${i}`);
      assert.strictEqual((await answer).body.toString(), `body ${i}`);
    }
  },

  'Expect: 100-continue may be declined': async () => {
    serve = {
      checkContinue: (request, response) => {
        response.writeHead(417, {'Content-Length': 3});
        response.end('no!');
      },
    };
    const request = start({method: 'POST', agent: false,
                           headers: {Expect: '100-continue', 'Content-Length': 1000000}});
    let continued = false;
    request.on('continue', () => { continued = true; });
    request.on('error', () => {});
    request.flushHeaders();
    const {response, body} = await answerTo(request);
    assert.strictEqual(response.statusCode, 417);
    assert.strictEqual(body.toString(), 'no!');
    assert.strictEqual(continued, false);
    request.destroy();
  },

  'pipelined requests that expect 100-continue are answered in their order': async () => {
    serve = {
      checkContinue: (request, response) => {
        response.writeContinue();
        echo(request, response);
      },
    };
    const socket = net.connect(targetPort, '127.0.0.1');
    socket.end([1, 2, 3].map((i) =>
      `POST /${i} HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 1\r\n` +
      `${i === 3 ? 'Connection: close\r\n' : ''}\r\n${i}`).join(''));
    const text = (await bytesOf(socket)).toString();
    const status = text.match(/HTTP\/1\.1 \d+/g).map((line) => line.slice(9));
    assert.deepStrictEqual(status, ['100', '200', '100', '200', '100', '200']);
    assert.match(text, /\r\n\r\n1HTTP[^]*\r\n\r\n2HTTP[^]*\r\n\r\n3$/);
  },

  'interim answers come at once and in order': async () => {
    const steps = [deferred(), deferred(), deferred()];
    serve = {
      request: async (request, response) => {
        response.writeProcessing();
        await steps[0].promise;
        response.writeEarlyHints({link: '</a.css>; rel=preload', 'x-a': 'b'});
        await steps[1].promise;
        response.writeEarlyHints({link: ['</b.css>; rel=preload', '</c.js>; rel=preload']});
        await steps[2].promise;
        response.end('done');
      },
    };
    const request = start({});
    const answer = answerTo(request);
    const infos = [];
    request.on('information', (info) => {
      infos.push(info);
      steps[infos.length - 1].resolve();
    });
    request.end();
    assert.strictEqual((await answer).body.toString(), 'done');
    assert.deepStrictEqual(infos.map((info) => info.statusCode), [102, 103, 103]);
    assert.strictEqual(infos[1].headers['x-a'], 'b');
    assert.strictEqual(infos[2].headers.link, '</b.css>; rel=preload, </c.js>; rel=preload');
  },

  'trailers pass both ways': async () => {
    let up;
    serve = {
      request: async (request, response) => {
        response.writeHead(200, {Trailer: 'X-Down'});
        response.write(await bytesOf(request));
        up = request.rawTrailers;
        response.addTrailers([['X-Down', 'a'], ['x-down', 'b']]);
        response.end();
      },
    };
    const request = start({method: 'POST', headers: {Trailer: 'X-Up', TE: 'trailers'}});
    const answer = answerTo(request);
    request.write('body');
    request.addTrailers({'X-Up': 'c'});
    request.end();
    const {response, body} = await answer;
    assert.strictEqual(body.toString(), 'body');
    assert.deepStrictEqual(up, ['X-Up', 'c']);
    assert.deepStrictEqual(response.rawTrailers, ['X-Down', 'a', 'x-down', 'b']);
  },

  'HEAD, 204 and 304 leave the connection usable': async () => {
    serve = {
      request: (request, response) => {
        const status = Number(request.url.slice(1));
        response.writeHead(status, request.method === 'HEAD' ? {'Content-Length': 1234} : {});
        response.end();
      },
    };
    for (const [method, status] of [['HEAD', 200], ['GET', 204], ['GET', 304], ['HEAD', 404],
                                    ['POST', 204], ['GET', 200]]) {
      const {response, body} = await ask({method, path: `/${status}`});
      assert.strictEqual(response.statusCode, status);
      assert.strictEqual(body.length, 0);
      if (method === 'HEAD') assert.strictEqual(response.headers['content-length'], '1234');
    }
  },

  'the target is unchanged': async () => {
    let seen;
    serve = {request: (request, response) => { seen = request.url; response.end(); }};
    for (const path of ['//a//b/../c', '/%2e%2E/%00?a=%20+&&b', '/?http://b/', '/~!$&()*+,;=:@\'']) {
      await ask({path});
      assert.strictEqual(seen, path);
    }
    await ask({method: 'OPTIONS', path: '*'});
    assert.strictEqual(seen, '*');
  },

  'an answer and its request are streamed at the same time': async () => {
    serve = {
      request: (request, response) => {
        response.flushHeaders();
        request.pipe(response);
      },
    };
    const request = start({method: 'POST'});
    request.flushHeaders();
    const response = await once(request, 'response');
    for (let i = 0; i < 20; ++i) {
      request.write(`ping ${i}`);
      assert.strictEqual((await once(response, 'data')).toString(), `ping ${i}`);
    }
    request.end();
    await once(response, 'end');
  },

  'an early answer arrives completely during the upload': async () => {
    serve = {
      request: (request, response) => {
        request.resume();
        response.writeHead(413, {'Content-Length': 30000});
        response.end(Buffer.alloc(30000, 'x'));
      },
    };
    for (let i = 0; i < 5; ++i) {
      // The connection is kept alive, because Node would close it with a reset while the client still
      // sends. The reset could destroy the answer.
      const request = start({method: 'POST', headers: {'Content-Length': 1e9}});
      request.on('error', () => {});
      // Sends one piece per turn of Node's loop. With a stream whose data is accepted at once, or with
      // a timer that is due again when it returns, Node would not read.
      const piece = Buffer.alloc(100000);
      let uploads = true;
      (function upload() {
        request.write(piece);
        if (uploads) setImmediate(upload);
      })();
      const {response, body} = await answerTo(request);
      uploads = false;
      assert.strictEqual(response.statusCode, 413);
      assert.strictEqual(body.length, 30000);
      request.destroy();
    }
  },

  'a client that leaves an event stream ends it at the server': async () => {
    const left = deferred();
    serve = {
      request: (request, response) => {
        response.writeHead(200, {'Content-Type': 'text/event-stream'});
        response.write('data: 1\n\n');
        response.on('close', () => left.resolve(response.writableEnded));
      },
    };
    const request = start({agent: false});
    request.on('error', () => {});
    request.end();
    const response = await once(request, 'response');
    response.on('error', () => {});
    assert.strictEqual((await once(response, 'data')).toString(), 'data: 1\n\n');
    request.destroy();
    assert.strictEqual(await left.promise, false);
  },

  'a client that leaves before the answer ends the request at the server': async () => {
    const arrived = deferred();
    const left = deferred();
    serve = {
      request: (request, response) => {
        arrived.resolve();
        response.on('close', () => left.resolve());
      },
    };
    const request = start({agent: false});
    request.on('error', () => {});
    request.end();
    await arrived.promise;
    request.destroy();
    await left.promise;
  },

  'a client that leaves during an upload aborts it at the server': async () => {
    for (const headers of [{'Content-Length': 1000000}, {'Transfer-Encoding': 'chunked'}]) {
      const begun = deferred();
      const aborted = deferred();
      serve = {
        request: (request) => {
          request.on('error', (error) => aborted.resolve(error.code));
          request.on('data', begun.resolve);
        },
      };
      const request = start({method: 'POST', agent: false, headers});
      request.on('error', () => {});
      request.write(Buffer.alloc(1000));
      await begun.promise;
      request.destroy();
      assert.strictEqual(await aborted.promise, 'ECONNRESET');
    }
  },

  'an answer that the server aborts is aborted for the client': async () => {
    for (const headers of [{'Content-Length': 1000000}, {}]) {
      serve = {
        request: (request, response) => {
          response.writeHead(200, headers);
          response.write(Buffer.alloc(1000), () => response.destroy());
        },
      };
      const request = start({agent: false});
      request.end();
      const response = await once(request, 'response');
      const ended = deferred();
      response.on('error', (error) => ended.resolve(error.code));
      response.on('end', () => ended.resolve('complete'));
      response.resume();
      assert.strictEqual(await ended.promise, 'ECONNRESET');
      assert.strictEqual(response.complete, false);
    }
  },

  'the client does not notice a server that closes idle connections': async () => {
    serve = {request: echo};
    for (let i = 0; i < 10; ++i) {
      const {body} = await ask({method: i % 2 ? 'POST' : 'GET', agent: isProxied ? agent : false},
                               i % 2 ? 'x' : '');
      assert.strictEqual(body.toString(), i % 2 ? 'x' : '');
      if (isProxied) server.closeIdleConnections();
    }
  },

  'an upgrade carries early data both ways, and half-closes': async () => {
    serve = {
      upgrade: (request, socket, head) => {
        assert.strictEqual(request.headers.upgrade, 'echo/1');
        assert.match(request.headers.connection, /upgrade/i);
        socket.write('HTTP/1.1 101 Switching Protocols\r\nUpgrade: echo/1\r\n' +
                     'Connection: Upgrade\r\n\r\nearly ');
        socket.write(head);
        socket.pipe(socket);  // ends the socket when the client ends it
      },
    };
    for (const early of [0, 10, 100000]) {
      const socket = net.connect({port: targetPort, host: '127.0.0.1', allowHalfOpen: true});
      const data = randomBytes(1 << 20);
      socket.write('GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: echo/1\r\n\r\n');
      socket.write(data.subarray(0, early));
      const all = bytesOf(socket);
      setImmediate(() => socket.end(data.subarray(early)));
      const got = await all;
      const head = got.indexOf('\r\n\r\n') + 4;
      assert.match(got.subarray(0, head).toString(), /^HTTP\/1\.1 101 [^]*\r\nUpgrade: echo\/1\r\n/);
      assert.strictEqual(got.subarray(head, head + 6).toString(), 'early ');
      assert.strictEqual(digest(got.subarray(head + 6)), digest(data));
    }
  },

  'Node\'s client receives the upgrade': async () => {
    const request = start({agent: false, headers: {Connection: 'Upgrade', Upgrade: 'echo/1'}});
    request.end();
    const [response, socket, head] = await new Promise((resolve) =>
      request.once('upgrade', (...all) => resolve(all)));
    assert.strictEqual(response.statusCode, 101);
    assert.ok(socket instanceof Duplex);
    socket.unshift(head);
    assert.strictEqual((await once(socket, 'data')).toString(), 'early ');
    socket.write('hello');
    assert.strictEqual((await once(socket, 'data')).toString(), 'hello');
    const closed = once(socket, 'close');
    socket.end();
    await closed;
  },

  'the client gets the answer to an upgrade that the server declines': async () => {
    serve = {
      upgrade: (request, socket) => {
        socket.end('HTTP/1.1 426 Upgrade Required\r\nUpgrade: other\r\nConnection: Upgrade\r\n' +
                   'Content-Length: 2\r\n\r\nno');
      },
    };
    const request = start({agent: false, headers: {Connection: 'Upgrade', Upgrade: 'echo/1'}});
    const answer = answerTo(request);
    request.end();
    const {response, body} = await answer;
    assert.strictEqual(response.statusCode, 426);
    assert.strictEqual(response.headers.upgrade, 'other');
    assert.strictEqual(body.toString(), 'no');
  },

  'a hundred at once': async () => {
    serve = {request: echo};
    const many = new http.Agent({keepAlive: true, maxSockets: 100});
    await Promise.all(Array.from({length: 300}, async (_, i) => {
      const data = randomBytes(1000 + i);
      const {body} = await ask({method: 'POST', agent: many}, data);
      assert.strictEqual(digest(body), digest(data));
    }));
    many.destroy();
  },
});
