// hpp's adapter for Node: docs/gate.rst says what the gate is.
//
// hpp puts this file into NODE_OPTIONS as --require, so Node loads it before the program, in the main
// thread and in workers. A program that consists of ES modules needs hpp_gate.mjs, too (--import),
// because only that can wait for an import.
//
// The recording has a line for each fact, and begins each with `js`, because a wrapper in another
// language may write to the same file:
//
//     js module FILE    a CommonJS module, JSON file or addon, loaded in this order
//     js failed FILE    loading has failed, and the program goes on without it
//     js import URL     an ES module that a file of the project imports; a spare has found it
//     js env NAME       this variable was set before what follows was loaded
//     js set NAME       the program sets this variable, or a module that is not loaded early
//     js state NAME     the program or a package had changed this (hpp_state.cjs) before what follows was loaded
//     js own NAME       the program has changed this state, and no package
//     js late FILE      was loaded early, and the program had changed the state before it asked for it
//     js skip FILE      must not be loaded early
//     js checked        everything before has been loaded early once, and what must not is known
'use strict';

const fs = require('fs');
const Module = require('module');
const path = require('path');
const { pathToFileURL } = require('url');
const { isMainThread } = require('worker_threads');

// Bytes of hpp's lines up to `record` or `preload`.
const LINES_MAX = 1 << 16;
// More than this is not recorded.
const FILE_BYTES_MAX = 1 << 20;
// Packages whose programs start the server and are not the server: they leave the gate alone.
const WRAPPERS = new Set([
  '@dotenvx/dotenvx', '@yarnpkg/cli', '@yarnpkg/cli-dist', 'concurrently', 'corepack', 'cross-env',
  'dotenv-cli', 'env-cmd', 'lerna', 'node-dev', 'nodemon', 'npm', 'npm-run-all', 'npm-run-all2', 'nx',
  'pnpm', 'ts-node-dev', 'tsx', 'turbo', 'wireit', 'yarn',
]);

const { descriptorStatus, packageOf, projectOf } = require('./hpp_project.cjs');

const IMPORT = pathToFileURL(path.join(__dirname, 'hpp_gate.mjs')).href;

const realpath = (file) => {
  try {
    return fs.realpathSync(file);
  } catch {
    return file;
  }
};

const isWrapper = (script) => WRAPPERS.has(packageOf(realpath(script)));

// What hpp has added to variables, for each of its adapters.
const ADAPTERS = path.dirname(__dirname);
const ADDED = {
  NODE_OPTIONS: [[`--import=${IMPORT}`, `--require=${__filename}`, `"--require=${__filename}"`], ' '],
  PYTHONPATH: [[path.join(ADAPTERS, 'python')], ':'],
  RUBYOPT: [[`-r${path.join(ADAPTERS, 'ruby', 'hpp_gate.rb')}`], ' '],
};

// Neither the program nor its children may find the adapters.
const removeAdapters = (environment) => {
  for (const [name, [added, separator]] of Object.entries(ADDED)) {
    if (environment[name] === undefined) continue;
    let value = environment[name];
    for (const ours of added) {
      const word = new RegExp(`(^|${separator})${ours.replace(/[^\w]/g, '\\$&')}(${separator}|$)`);
      value = value.replace(word, (_, before, after) => (before && after ? separator : ''));
    }
    if (value === environment[name]) continue;
    if (value) environment[name] = value;
    else delete environment[name];
  }
};

const readLines = (gate) => {
  let text = '';
  const buffer = Buffer.alloc(4096);
  for (;;) {
    const size = fs.readSync(gate, buffer);
    text += buffer.toString('utf8', 0, size);
    if (size === 0 || text.length > LINES_MAX) return [];
    if (/(^|\n)(record|preload) [^\n]*\n$/.test(text)) break;
  }
  return text.trimEnd().split('\n').map((line) => {
    const at = line.indexOf(' ');
    return [line.slice(0, at), line.slice(at + 1)];
  });
};

const say = (gate, line) => fs.writeSync(gate, line + '\n');

const hasImportOption = () => {
  const [major, minor] = process.versions.node.split('.').map(Number);
  return major > 20 || (major === 20 && minor >= 6) || (major === 18 && minor >= 18);
};

// Appends to `file` at each load. A trap in the cache of modules is cheaper than a wrapper around the
// loader, and is in no stack trace. In a spare, `early` is what modules have read before, and `gate` is open.
const record = (file, isProject, early, gate) => {
  const { beforeListening, changesOf, reporterOf } = require('./hpp_variables.cjs');
  const { changesSince, mattersTo, stateOf } = require('./hpp_state.cjs');
  const descriptor = fs.openSync(file, 'a', 0o600);
  const append = (text) => {
    try {
      if (fs.fstatSync(descriptor).size < FILE_BYTES_MAX) fs.writeSync(descriptor, text);
    } catch {
      // The program must not notice a full disk.
    }
  };
  const changedVariables = changesOf(process.env);
  const before = stateOf();
  const noted = new Set();
  const appendChanges = () => {
    const states = changesSince(before).filter((name) => !noted.has(name));
    states.forEach((name) => noted.add(name));
    append([...changedVariables().map((name) => `js env ${name}\n`),
            ...states.map((name) => `js state ${name}\n`)].join(''));
  };
  const reporter = early && reporterOf(early, gate, append);
  beforeListening(() => {
    appendChanges();
    reporter?.report();
  });
  const known = new Set(Object.keys(Module._cache));
  const traps = {
    set(cache, name, module) {
      if (typeof name === 'string' && !known.has(name) && path.isAbsolute(name)) {
        known.add(name);
        if (!isProject(name)) {
          // A package that loads the next one while it is loaded itself has hardly changed anything.
          const parent = module?.parent;
          if (!parent?.filename || parent.loaded || isProject(parent.filename)) appendChanges();
          append(`js module ${name}\n`);
        }
      }
      cache[name] = module;
      return true;
    },
    deleteProperty(cache, name) {
      if (typeof name === 'string' && cache[name]?.loaded === false && !isProject(name)) {
        known.delete(name);
        append(`js failed ${name}\n`);
      }
      return delete cache[name];
    },
  };
  if (early) {
    // The program loads a module that was loaded early.
    traps.get = (cache, name) => {
      if (early.modules.delete(name)) {
        reporter.report();
        const changed = changesSince(before).find(mattersTo(name));
        if (changed) {
          append(`js late ${name}\n`);
          reporter.say(changed);
        }
      }
      return cache[name];
    };
  }
  Module._cache = new Proxy(Module._cache, traps);
};

const useGate = (gate, script) => {
  say(gate, 'hello 1 node');
  const lines = readLines(gate);
  const options = process.env.NODE_OPTIONS ?? '';
  delete process.env.HPP_GATE;
  removeAdapters(process.env);
  if (lines.length === 0) {
    fs.closeSync(gate);
    return;
  }
  const texts = (word) => lines.filter((line) => line[0] === word).map((line) => line[1]);
  const [order, file] = lines[lines.length - 1];
  const roots = texts('root').map(realpath);
  try {
    follow(order, file, roots, texts('command').join(' '), gate, options, script);
  } catch (error) {
    // A file of hpp's is missing, or the disk is full: the program can run without.
    if (order === 'preload') process.reallyExit(1);
    process.emitWarning(`hpp's adapter for Node has failed: ${error.message}`);
  }
  // The program must not find the adapter among its modules.
  for (const name of Object.keys(Module._cache)) {
    if (path.dirname(name) === __dirname) delete Module._cache[name];
  }
};

// Why an option of Node makes it impossible that a spare runs beside the server, or an empty string.
const objectionToOptions = (options) => {
  const words = [...process.execArgv, ...options.split(/\s+/)];
  const debugging = words.find((word) => /^"?--inspect(-brk|-wait)?(=|"?$)/.test(word));
  if (debugging) return `with ${debugging.split('=')[0]}, the spare would take the debugger's port from the server`;
  const at = words.findIndex((word) => /^"?--(experimental-)?loader(=|$)/.test(word));
  const loader = words[at]?.split('=')[1] ?? words[at + 1];
  return at >= 0 && /^(\.|\/|file:)/.test(loader) ? `${loader} (--loader) would run before the gate` : '';
};

const follow = (order, file, roots, command, gate, options, word) => {
  const { isEsModule, mainFile } = require('./hpp_imports.cjs');
  const isProject = projectOf(roots);
  const script = realpath(mainFile(word));
  const isEs = isEsModule(script);
  const { Chain } = require('./hpp_chain.cjs');
  const chain = new Chain(command);
  const objection = objectionToOptions(options) || chain.objection();
  if (objection) say(gate, `refuse ${objection}`);
  const goOn = (early) => {
    if (!early) fs.closeSync(gate);
    record(file, isProject, early, gate);
  };
  if (order === 'record') {
    // Before what the user has given with --import.
    if (isEs && hasImportOption()) say(gate, `env NODE_OPTIONS=--import=${IMPORT} ${options}`);
    goOn();
  } else {
    const { Spare } = require('./hpp_spare.cjs');
    const spare = new Spare(gate, file, roots, isProject, chain, script, isEs);
    if (options.includes(`--import=${IMPORT}`)) {
      spare.watchOptions();
      globalThis[Symbol.for('hpp.gate')] = { spare, goOn };
    } else {
      spare.preload();
      spare.wait();
      goOn(spare.loader.reads);
    }
  }
};

const script = process.argv[1];
const number = process.env.HPP_GATE ?? '';
if (isMainThread && /^\d+$/.test(number) && script && !isWrapper(script)) {
  let isGate = false;
  try {
    isGate = descriptorStatus(Number(number)).isSocket();
  } catch {
    // A program in between has closed it.
  }
  if (isGate) useGate(Number(number), script);
}
