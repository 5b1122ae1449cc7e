'use strict';
// Functions that the judges share. A judge is run as `node NAME.js BACKEND TARGET`. It listens on
// BACKEND as a server, and sends requests to TARGET as a client. TARGET is the proxy, or BACKEND
// itself. Each check must pass in both cases, so the proxy must be indistinguishable from Node.

const assert = require('assert');
const crypto = require('crypto');

const DEADLINE_MS = 20000;
const [backendPort, targetPort] = process.argv.slice(2).map(Number);

exports.backendPort = backendPort;
exports.targetPort = targetPort;
exports.isProxied = backendPort !== targetPort;

exports.listen = (server) =>
  new Promise((resolve) => server.listen(backendPort, '127.0.0.1', resolve));

// Runs one check after another. If a check fails, the program ends with status 1.
exports.run = async (checks) => {
  for (const [name, check] of Object.entries(checks)) {
    const timer = setTimeout(() => fail(name, `nothing after ${DEADLINE_MS} ms`), DEADLINE_MS);
    try {
      await check();
    } catch (error) {
      fail(name, error.stack);
    }
    clearTimeout(timer);
    console.log(`ok: ${name}`);
  }
  process.exit(0);
};

function fail(name, why) {
  console.log(`BROKEN: ${name}\n${why}`);
  process.exit(1);
}

// Returns a promise with its resolve and reject functions.
exports.deferred = () => {
  const it = {};
  it.promise = new Promise((resolve, reject) => Object.assign(it, {resolve, reject}));
  return it;
};

exports.once = (emitter, event) => new Promise((resolve) => emitter.once(event, resolve));

exports.bytesOf = async (stream) => {
  const pieces = [];
  for await (const piece of stream) pieces.push(piece);
  return Buffer.concat(pieces);
};

exports.digest = (data) => crypto.createHash('sha256').update(data).digest('hex');

// Sizes near the limits of buffers and frames, and random sizes.
exports.sizes = () => {
  const fixed = [0, 1, 125, 126, 127, 1023, 4096, 16383, 16384, 16385, 65535, 65536, 65537, 1 << 20];
  const others = Array.from({length: 6}, () => crypto.randomInt(3 << 20));
  console.log(`random sizes: ${others}`);
  return [...fixed, ...others];
};

exports.randomBytes = crypto.randomBytes;

// Cuts the data into pieces of random sizes.
exports.cut = (data) => {
  const pieces = [];
  for (let at = 0; at < data.length;) {
    const size = crypto.randomInt(1, 100000);
    pieces.push(data.subarray(at, at + size));
    at += size;
  }
  return pieces;
};

exports.assert = assert;
