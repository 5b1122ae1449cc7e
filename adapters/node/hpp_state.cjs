// What a program can change, apart from variables of the environment, so that a module which is loaded
// afterwards differs from the same module loaded early.
'use strict';

const fs = require('fs');
const Module = require('module');

// Not the function that hpp_patches.cjs watches.
const { readFileSync } = fs;
const GLOBAL = 'globalThis.';
// Packages that change other packages, or Node's own, which are loaded after them.
const PATCHING = new RegExp([
  '^(@appsignal/nodejs|@dynatrace/oneagent|@instana/(collector|core)|@mswjs/interceptors|@sentry/(node|opentelemetry)',
  '@opentelemetry/(auto-instrumentations-|instrumentation|sdk-node).*|@splunk/otel|applicationinsights|dd-trace',
  'diagnostic-channel.*|elastic-apm-node|import-in-the-middle|mock-require|mockery|newrelic|nock|proxyquire',
  'require-in-the-middle|shimmer)$'].join('|'));

const folder = () => {
  try {
    return process.cwd();
  } catch {
    return undefined;  // it is gone
  }
};

// A map from names to values. Of a global variable only the name counts, because a getter may do anything.
const stateOf = () => new Map([
  ['process.cwd()', folder()],
  ['Module._load', Module._load],
  ['Module._resolveFilename', Module._resolveFilename],
  ['Module.prototype.require', Module.prototype.require],
  ['Module.prototype._compile', Module.prototype._compile],
  ...Object.entries(Module._extensions).map(([name, load]) => [`Module._extensions.${name}`, load]),
  ...Object.getOwnPropertyNames(globalThis).map((name) => [GLOBAL + name, true]),
]);

// The names of what has changed.
const changesSince = (before) => {
  const now = stateOf();
  const names = new Set([...before.keys(), ...now.keys()]);
  return [...names].filter((name) => before.get(name) !== now.get(name) && !name.includes('\n'));
};

const isGlobal = (name) => name.startsWith(GLOBAL);

// Whether the module may differ if this has changed. A package can only use a global variable that its text names.
const mattersTo = (file) => {
  let text;
  return (name) => {
    if (!isGlobal(name)) return true;
    try {
      text ??= readFileSync(file, 'utf8');
    } catch {
      return true;
    }
    return text.includes(name.slice(GLOBAL.length));
  };
};

module.exports = { PATCHING, changesSince, isGlobal, mattersTo, stateOf };
