'use strict';
// undici's fetch() and pipelining client, with Node's http server.

const http = require('http');
const {Readable, Writable} = require('stream');
const {pipeline} = require('stream/promises');
const {Client, Pool, fetch, setGlobalDispatcher, Agent} = require('undici');
const {assert, bytesOf, cut, deferred, digest, listen, once, randomBytes, run, sizes,
       targetPort} = require('./judge');

const origin = `http://127.0.0.1:${targetPort}`;
setGlobalDispatcher(new Agent({connections: 10}));

// The current check sets what the server does.
let serve;
const server = http.createServer((request, response) => serve(request, response));
server.on('upgrade', (request, socket, head) => {
  socket.on('error', () => {});
  serve(request, socket, head);
});
server.on('connect', (request, socket) => socket.destroy());

async function echo(request, response) {
  const body = await bytesOf(request);
  response.setHeader('X-Digest', digest(body));
  response.setHeader('X-Method', request.method);
  response.end(body);
}

const code = async (promise) => {
  try {
    await promise;
  } catch (error) {
    return error.code || error.name;
  }
  return 'no error';
};

run({
  'the server listens': () => listen(server),

  'fetch: bodies of many sizes, with a length and streamed': async () => {
    serve = echo;
    for (const size of sizes()) {
      const data = randomBytes(size);
      for (const body of [data, Readable.from(cut(data))]) {
        const response = await fetch(origin, {method: 'POST', body, duplex: 'half'});
        assert.strictEqual(response.headers.get('x-digest'), digest(data), `up, ${size}`);
        assert.strictEqual(digest(Buffer.from(await response.arrayBuffer())), digest(data),
                           `down, ${size}`);
      }
    }
  },

  'fetch: methods, statuses and headers': async () => {
    serve = (request, response) => {
      response.writeHead(Number(request.url.slice(1)), {'X-Method': request.method,
                                                        'X-Seen': request.headers['x-sent'],
                                                        'Set-Cookie': ['a=b', 'c=d']});
      response.end();
    };
    for (const method of ['GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'OPTIONS', 'PATCH']) {
      for (const status of [200, 201, 204, 304, 404, 500, 503]) {
        const response = await fetch(`${origin}/${status}`, {method, headers: {'X-Sent': 'é'}});
        assert.strictEqual(response.status, status);
        assert.strictEqual(response.headers.get('x-method'), method);
        assert.strictEqual(response.headers.get('x-seen'), 'é');
        assert.strictEqual(response.headers.get('set-cookie'), 'a=b, c=d');
        assert.strictEqual(await response.text(), '');
      }
    }
  },

  'fetch: compressed bodies are unchanged': async () => {
    const zipped = require('zlib').gzipSync(Buffer.alloc(1000000, 'x'));
    serve = (request, response) => {
      response.setHeader('Content-Encoding', 'gzip');
      response.end(zipped);
    };
    const response = await fetch(origin);
    assert.strictEqual((await response.text()).length, 1000000);
    const client = new Client(origin);
    const raw = await client.request({path: '/', method: 'GET'});
    assert.strictEqual(digest(await bytesOf(raw.body)), digest(zipped));
    await client.close();
  },

  'fetch: an event stream arrives event by event, until it is left': async () => {
    const left = deferred();
    let send;
    serve = (request, response) => {
      response.writeHead(200, {'Content-Type': 'text/event-stream'});
      send = (text) => response.write(text);
      send('data: 0\n\n');
      response.on('close', left.resolve);
    };
    const response = await fetch(origin);
    const reader = response.body.getReader();
    for (let i = 0; i < 10; ++i) {
      assert.strictEqual(Buffer.from((await reader.read()).value).toString(), `data: ${i}\n\n`);
      send(`data: ${i + 1}\n\n`);
    }
    // Not an AbortSignal, because undici 5 loses it in a garbage collection.
    await reader.cancel();
    await left.promise;
  },

  'a pipelining client gets its answers in order': async () => {
    let most = 0;
    let under_way = 0;
    serve = async (request, response) => {
      most = Math.max(most, ++under_way);
      await new Promise(setImmediate);
      --under_way;
      await echo(request, response);
    };
    const client = new Client(origin, {pipelining: 10});
    await Promise.all(Array.from({length: 200}, async (_, i) => {
      const post = i % 3 === 0;
      const data = randomBytes(post ? i * 50 : 0);
      const answer = await client.request({path: `/${i}`, method: post ? 'PUT' : 'GET',
                                           body: post ? data : null, idempotent: true});
      assert.strictEqual(answer.statusCode, 200);
      assert.strictEqual(digest(await bytesOf(answer.body)), digest(data));
    }));
    console.log(`requests under way at once: ${most}`);
    await client.close();
  },

  'a pipelining client behind HEAD, 204 and 304': async () => {
    serve = (request, response) => {
      const [, status, length] = request.url.split('/').map(Number);
      response.writeHead(status, length ? {'Content-Length': length} : {});
      response.end(request.method === 'HEAD' || status !== 200 ? '' : 'x'.repeat(length || 3));
    };
    const client = new Client(origin, {pipelining: 10});
    await Promise.all(Array.from({length: 60}, async (_, i) => {
      const [method, path, length] = [['HEAD', '/200/77', 0], ['GET', '/204', 0],
                                      ['GET', '/304', 0], ['GET', '/200/5', 5],
                                      ['GET', '/200', 3]][i % 5];
      const answer = await client.request({path, method});
      assert.strictEqual((await bytesOf(answer.body)).length, length);
    }));
    await client.close();
  },

  'stream: a large body reaches its destination': async () => {
    const data = randomBytes(10 << 20);
    serve = (request, response) => Readable.from(cut(data)).pipe(response);
    const client = new Client(origin);
    const got = [];
    await client.stream({path: '/', method: 'GET'}, () => new Writable({
      write(piece, _, done) { got.push(piece); setImmediate(done); },
    }));
    assert.strictEqual(digest(Buffer.concat(got)), digest(data));
    await client.close();
  },

  'pipeline: both directions at once': async () => {
    serve = (request, response) => { response.flushHeaders(); request.pipe(response); };
    const client = new Client(origin);
    const data = randomBytes(5 << 20);
    const got = [];
    await pipeline(
      Readable.from(cut(data)),
      client.pipeline({path: '/', method: 'PUT'}, ({body}) => body),
      new Writable({write(piece, _, done) { got.push(piece); done(); }}));
    assert.strictEqual(digest(Buffer.concat(got)), digest(data));
    await client.close();
  },

  'trailers': async () => {
    serve = (request, response) => {
      response.writeHead(200, {Trailer: 'X-After'});
      response.write('body');
      response.addTrailers({'X-After': 'all'});
      response.end();
    };
    const client = new Client(origin);
    const {body, trailers} = await client.request({path: '/', method: 'GET'});
    assert.strictEqual(await body.text(), 'body');
    assert.strictEqual(trailers['x-after'], 'all');
    await client.close();
  },

  'interim answers': async () => {
    serve = (request, response) => {
      response.writeProcessing();
      response.writeEarlyHints({link: '</a>; rel=preload'});
      response.end('done');
    };
    const client = new Client(origin);
    const infos = [];
    const {body} = await client.request({path: '/', method: 'GET',
                                         onInfo: (info) => infos.push(info)});
    assert.strictEqual(await body.text(), 'done');
    assert.deepStrictEqual(infos.map((info) => info.statusCode), [102, 103]);
    assert.strictEqual(infos[1].headers.link, '</a>; rel=preload');
    await client.close();
  },

  'upgrade': async () => {
    serve = (request, socket, head) => {
      socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\n' +
                   `Upgrade: ${request.headers.upgrade}\r\n\r\nearly`);
      socket.unshift(head);
      socket.pipe(socket);
    };
    const client = new Client(origin);
    const {headers, socket} = await client.upgrade({path: '/', protocol: 'echo/2'});
    assert.strictEqual(headers.upgrade, 'echo/2');
    const data = randomBytes(1 << 20);
    const all = bytesOf(socket);
    socket.end(data);
    const got = await all;
    assert.strictEqual(got.subarray(0, 5).toString(), 'early');
    assert.strictEqual(digest(got.subarray(5)), digest(data));
    await client.destroy();
  },

  'an abort in the middle of a body ends it at the server': async () => {
    for (const [method, body] of [['GET', null], ['PUT', new Readable({
      read() { setImmediate(() => this.push(Buffer.alloc(1000))); },
    })]]) {
      const left = deferred();
      serve = (request, response) => {
        request.on('error', () => {});
        request.resume();
        response.on('close', left.resolve);
        response.on('error', () => {});
        response.write(Buffer.alloc(100000));
      };
      const client = new Client(origin);
      const controller = new AbortController();
      const answer = await client.request({path: '/', method, body, signal: controller.signal});
      await once(answer.body, 'data');
      answer.body.on('error', () => {});
      controller.abort();
      await left.promise;
      await client.destroy();
    }
  },

  'a body that the server cuts is an error': async () => {
    for (const headers of [{'Content-Length': 1000000}, {}]) {
      serve = (request, response) => {
        response.writeHead(200, headers);
        response.write(Buffer.alloc(1000), () => response.destroy());
      };
      const client = new Client(origin);
      const {body} = await client.request({path: '/', method: 'GET'});
      assert.match(await code(bytesOf(body)), /UND_ERR_SOCKET|ECONNRESET/);
      await client.destroy();
      assert.notStrictEqual(await code(fetch(origin).then((it) => it.text())), 'no error');
    }
  },

  'after a broken body the next request is answered': async () => {
    const client = new Client(origin, {pipelining: 5});
    for (let i = 0; i < 10; ++i) {
      serve = (request, response) => {
        response.writeHead(200, {'Content-Length': 10});
        response.write('12345', () => response.destroy());
      };
      assert.notStrictEqual(
        await code(client.request({path: '/', method: 'GET'}).then((it) => bytesOf(it.body))),
        'no error');
      serve = echo;
      const {body} = await client.request({path: '/', method: 'POST', body: 'x'});
      assert.strictEqual(await body.text(), 'x');
    }
    await client.close();
  },

  'the server refuses headers that are too large': async () => {
    serve = echo;
    const client = new Client(origin);
    const {statusCode, body} = await client.request({path: '/', method: 'GET',
                                                     headers: {'x-large': 'x'.repeat(30000)}});
    assert.strictEqual(statusCode, 431);  // Node's own limit is 16 KiB
    await body.dump();
    await client.destroy();
  },

  'headers of 60 KiB reach a client that accepts them': async () => {
    serve = (request, response) => response.writeHead(200, {'x-large': 'x'.repeat(60000)}).end('ok');
    const client = new Client(origin, {maxHeaderSize: 65536});
    const {headers, body} = await client.request({path: '/', method: 'GET'});
    assert.strictEqual(headers['x-large'].length, 60000);
    assert.strictEqual(await body.text(), 'ok');
    await client.close();
  },

  'a pool under load': async () => {
    serve = echo;
    const pool = new Pool(origin, {connections: 20, pipelining: 4});
    await Promise.all(Array.from({length: 1000}, async (_, i) => {
      const data = randomBytes(i * 7 % 5000);
      const answer = await pool.request({path: `/${i}`, method: 'PUT', body: data});
      assert.strictEqual(digest(await bytesOf(answer.body)), digest(data));
    }));
    await pool.close();
  },
});
