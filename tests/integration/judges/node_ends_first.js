'use strict';
// A server that ends a connection after an upgrade request, and has no error handler for it. While its
// clients close their connections with a FIN, there is no error. Any error would end the program.

const http = require('http');
const {assert, bytesOf, deferred, listen, once, run, targetPort} = require('./judge');

const server = http.createServer();
let ended;
let answer;
server.on('upgrade', (request, socket) => {
  socket.on('close', (hadError) => ended.resolve(hadError));
  socket.resume();
  socket.end(answer);
});

run({
  'the server listens': () => listen(server),

  'a declined upgrade ends without an error at the server': async () => {
    for (answer of ['HTTP/1.1 401 No\r\nConnection: close\r\nContent-Length: 2\r\n\r\nno',
                    'HTTP/1.1 401 No\r\nContent-Length: 2\r\n\r\nno',
                    'HTTP/1.1 401 No\r\nConnection: close\r\n\r\nno',
                    'HTTP/1.1 401 No\r\n\r\nno']) {
      ended = deferred();
      const request = http.get({host: '127.0.0.1', port: targetPort, agent: false,
                                headers: {Connection: 'Upgrade', Upgrade: 'echo'}});
      const response = await once(request, 'response');
      assert.strictEqual(response.statusCode, 401);
      assert.strictEqual((await bytesOf(response)).toString(), 'no');
      assert.strictEqual(await ended.promise, false, answer);
    }
  },
});
