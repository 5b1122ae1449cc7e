'use strict';
// The server that curl's requests reach: `node backend.js PORT`. Its answers describe the requests.

const crypto = require('crypto');
const http = require('http');
const zlib = require('zlib');

const digits = '0123456789'.repeat(1000);
let left = 0;

const routes = {
  // Answers with the digest and the framing of the request's body.
  '/digest': (request, response) => {
    const hash = crypto.createHash('sha256');
    let size = 0;
    request.on('data', (piece) => { hash.update(piece); size += piece.length; });
    request.on('end', () => {
      const framing = request.headers['transfer-encoding'] || request.headers['content-length'];
      response.end(`${request.method} ${framing} ${size} ${hash.digest('hex')}\n`);
    });
  },

  '/echo': (request, response) => request.pipe(response),

  // 100 MB, the same bytes each time.
  '/large': (request, response) => {
    const block = Buffer.alloc(1000000, digits);
    response.setHeader('Content-Length', 100 * block.length);
    let count = 0;
    const more = () => {
      while (count < 100) {
        ++count;
        if (!response.write(block)) return response.once('drain', more);
      }
      response.end();
    };
    more();
  },

  '/headers': (request, response) => {
    const lines = [`${request.method} ${request.url} HTTP/${request.httpVersion}`];
    for (let i = 0; i < request.rawHeaders.length; i += 2) {
      lines.push(`${request.rawHeaders[i]}: ${request.rawHeaders[i + 1]}`);
    }
    response.end(lines.join('\n') + '\n');
  },

  '/chunks': (request, response) => {
    response.write('one ');
    setImmediate(() => { response.write('two '); response.end('three'); });
  },

  '/trailers': (request, response) => {
    response.writeHead(200, {Trailer: 'X-After'});
    response.write('body');
    response.addTrailers({'X-After': 'all'});
    response.end();
  },

  '/hints': (request, response) => {
    response.writeEarlyHints({link: '</a.css>; rel=preload'});
    response.end('hinted');
  },

  '/range': (request, response) => {
    const match = /^bytes=(\d*)-(\d*)$/.exec(request.headers.range || '');
    if (!match) return response.end(digits);
    const from = match[1] ? Number(match[1]) : digits.length - Number(match[2]);
    const to = match[1] && match[2] ? Number(match[2]) : digits.length - 1;
    response.writeHead(206, {
      'Content-Range': `bytes ${from}-${to}/${digits.length}`,
      'Content-Length': to + 1 - from,
    });
    response.end(digits.slice(from, to + 1));
  },

  '/gzip': (request, response) => {
    response.writeHead(200, {'Content-Encoding': 'gzip'});
    response.end(zlib.gzipSync(digits));
  },

  // Sends one event for each request of /next.
  '/events': (request, response) => {
    response.writeHead(200, {'Content-Type': 'text/event-stream'});
    response.write('data: first\n\n');
    routes.next = () => response.write('data: next\n\n');
    response.on('close', () => ++left);
  },
  '/next': (request, response) => { routes.next(); response.end(); },
  '/left': (request, response) => response.end(String(left)),

  '/413': (request, response) => {
    response.writeHead(413, {'Content-Length': 7, Connection: 'close'});
    response.end('too big');
  },

  '/broken': (request, response) => {
    response.writeHead(200, {'Content-Length': 1000});
    response.write('half', () => response.destroy());
  },

  '/close': (request, response) => {
    response.writeHead(200, {Connection: 'close'});
    response.end('closed');
  },

  '/redirect': (request, response) => {
    response.writeHead(302, {Location: '/close'});
    response.end();
  },
};

http.createServer((request, response) => {
  const path = request.url.replace(/^http:\/\/[^/]*/, '').split('?')[0];
  (routes[path] || routes['/headers'])(request, response);
}).listen(Number(process.argv[2]), '127.0.0.1', () => console.log('listening'));
