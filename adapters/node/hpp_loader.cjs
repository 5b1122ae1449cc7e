// Loads modules early. A module is *unfit* if loading it early would differ from loading it in time: it
// fails, it loads a file of the project, it opens a connection, writes a file, starts a process or a
// thread, or reads a variable of the environment that the program sets itself at any time, or that was
// set before it was loaded. The modules that load it are unfit, too, even if they catch the error.
'use strict';

const fs = require('fs');
const Module = require('module');
const path = require('path');
const url = require('url');

const { Patches, watchEsModules, watchFiles } = require('./hpp_patches.cjs');
const { packageOf } = require('./hpp_project.cjs');
const { PATCHING, changesSince, isGlobal, mattersTo, stateOf } = require('./hpp_state.cjs');
const { EarlyReads } = require('./hpp_variables.cjs');

const FORBIDDEN = {
  child_process: ['exec', 'execFile', 'execFileSync', 'execSync', 'fork', 'spawn', 'spawnSync'],
  cluster: ['fork'],
  dgram: ['createSocket'],
  dns: ['lookup', 'resolve', 'resolve4', 'resolve6', 'reverse'],
  'dns/promises': ['lookup', 'resolve', 'resolve4', 'resolve6', 'reverse'],
  process: ['chdir'],
  worker_threads: ['Worker'],
};
// What an ES module imports in these ways is not parsed as a module.
const IMPORTS_DATA = /\b(with|assert)\s*:?\s*\{\s*["']?type\b|\.wasm["']/;

// Not the function that hpp_patches.cjs watches.
const { readFileSync } = fs;
// A module may have been read so shortly before Node has parsed it.
const RACY_MS = 50;

// Returns {modules, imports, skipped, variables, isChecked}: `modules` maps each file to the variables
// that were set before it was loaded, `variables` are those that the program sets.
const readRecording = (file) => {
  const found = {
    modules: new Map(), imports: new Set(), skipped: new Set(), setBefore: new Set(), variables: new Set(),
    states: new Set(), ownStates: new Set(), isChecked: true,
  };
  const statesBefore = new Map();
  for (const line of readFileSync(file, 'utf8').split('\n')) {
    const [, word, value] = line.match(/^js (\w+) ?(.*)$/) ?? [];
    if (word === 'module' && !found.modules.has(value)) {
      found.modules.set(value, new Set(found.setBefore));
      statesBefore.set(value, [...found.states]);
    } else if (word === 'failed') found.modules.delete(value);
    else if (word === 'import') found.imports.add(value);
    else if (word === 'state') found.states.add(value);
    else if (word === 'own') found.ownStates.add(value);
    else if (word === 'skip' || word === 'late') found.skipped.add(value);
    if (word === 'checked') found.isChecked = true;
    else if (['module', 'import', 'late'].includes(word)) found.isChecked = false;
    const variables = { env: found.setBefore, set: found.variables }[word];
    if (variables && !variables.has(value)) {
      variables.add(value);
      found.isChecked = false;
    }
  }
  skipChanged(found, statesBefore);
  return found;
};

// Skips what the program loads after it, or a package, has changed how modules are loaded.
const skipChanged = ({ modules, imports, skipped, ownStates }, statesBefore) => {
  let isPatched = false;
  for (const file of modules.keys()) {
    isPatched ||= PATCHING.test(packageOf(file));
    const own = statesBefore.get(file).filter((name) => ownStates.has(name));
    if (isPatched || own.some(mattersTo(file))) skipped.add(file);
  }
  isPatched ||= [...imports].some((name) => PATCHING.test(packageOf(url.fileURLToPath(name))));
  // Nothing tells in which order Node runs ES modules and loads others.
  if (isPatched || ![...ownStates].every(isGlobal)) imports.forEach((name) => skipped.add(name));
};

class Loader {
  constructor(recording, isProject, script, guard) {
    Object.assign(this, recording);
    this.isProject = isProject;
    this.script = script;
    this.guard = guard;         // undefined in a trial
    this.endTrial = undefined;  // undefined in a spare; ends the process
    this.unfit = new Set();
    this.tried = [];     // [file, the files that load it]
    this.current = '';   // of `modules` or `imports`
    this.isActive = false;
    this.isImporting = false;  // or loads CommonJS modules, and waits for none of their promises
    this.beginMs = 0;          // when `current` has begun to load
    this.patches = new Patches();
    this.before = stateOf();
    this.reads = new EarlyReads({
      onRead: (name) => this.isSetLater(name) && this.refuse(name, 'is set later'),
      onReadAll: () => this.setLater().length > 0 && this.refuse('the environment', 'is changed later'),
      onList: (mayUse) => this.setLater().some(mayUse) && this.refuse('the environment', 'is changed later'),
      file: () => this.loading().pop().replace(/^file:.*/, url.fileURLToPath),
    });
  }

  // Returns how many modules it has loaded.
  loadModules(isEsModule) {
    const before = Object.keys(Module._cache).length;
    const parent = new Module(this.script);
    parent.filename = this.script;
    parent.paths = Module._nodeModulePaths(path.dirname(this.script));
    if (!isEsModule) this.setMain(parent);
    this.begin();
    for (const file of this.modules.keys()) {
      if (this.skipped.has(file) || Module._cache[file]) continue;
      this.current = file;
      this.beginMs = Date.now();
      try {
        Module._load(file, parent, false);
      } catch {
        this.unfit.add(file);
      }
      for (const [tried, loading] of this.tried) {
        if (!Module._cache[tried]) [tried, ...loading].forEach((name) => this.unfit.add(name));
      }
      this.tried = [];
    }
    this.end();
    if (!isEsModule) delete process.mainModule;
    return Object.keys(Module._cache).length - before;
  }

  async loadImports() {
    let count = 0;
    this.begin();
    this.isImporting = true;
    for (const name of this.imports) {
      if (this.skipped.has(name)) continue;
      this.current = name;
      this.beginMs = Date.now();
      try {
        this.checkFile(url.fileURLToPath(name));
        await import(name);
        count++;
      } catch {
        // Node keeps the error for the program.
        this.refuse(name, 'cannot be loaded');
        this.guard?.spoil(url.fileURLToPath(name));
      }
    }
    this.isImporting = false;
    this.end();
    return count;
  }

  // `require.main` of a module that is loaded early: what the program's main module will be.
  setMain(stub) {
    const real = () => (process.mainModule === proxy ? stub : process.mainModule ?? stub);
    const handler = {};
    for (const trap of ['get', 'has', 'set', 'ownKeys', 'getOwnPropertyDescriptor']) {
      handler[trap] = (_, ...rest) => Reflect[trap](real(), ...rest.slice(0, trap === 'set' ? 2 : 1));
    }
    const proxy = new Proxy(stub, handler);
    process.mainModule = proxy;
  }

  // ---- what modules do --------------------------------------------------------------------------

  loading() {
    const names = Object.values(Module._cache).filter((module) => !module.loaded).map((module) => module.filename);
    return [this.current, ...names.filter(Boolean)];
  }

  refuse(name, why) {
    for (const file of this.loading()) this.unfit.add(file);
    return Object.assign(new Error(`${name} ${why}`), { code: 'MODULE_NOT_FOUND' });
  }

  begin() {
    this.isActive = true;
    this.patches.replace(Module, '_resolveFilename', (resolve, [request, parent]) => {
      if (!this.isActive) return resolve();
      if (this.guard) this.noteLookUp(request, parent);
      const file = resolve();
      if (path.isAbsolute(file)) this.checkFile(file);
      return file;
    });
    watchFiles(this.patches, {
      onRead: (file, name, isAsync) => this.noteRead(path.resolve(file), name, isAsync),
      onList: (folder, name, isAsync) => this.noteListing(path.resolve(folder), name, isAsync),
      onOther: (name) => this.forbid(name),
    });
    for (const [library, names] of Object.entries(FORBIDDEN)) {
      const object = library === 'process' ? process : require(library);
      for (const name of names) this.forbidFunction(object, name);
    }
    const net = require('net');
    this.forbidFunction(net.Socket.prototype, 'connect');
    this.forbidFunction(net.Server.prototype, 'listen');
    this.forbidFunction(require('child_process').ChildProcess.prototype, 'spawn');
    this.patches.begin();
    this.watchEnvironment();
    this.endWatch = watchEsModules((file) => this.noteEsModule(file));
  }

  forbid(name) {
    if (this.isActive) throw this.refuse(name, 'is not possible before the gate');
  }

  forbidFunction(object, name) {
    this.patches.replace(object, name, (call) => {
      this.forbid(name);
      return call();
    });
  }

  end() {
    this.isActive = false;
    this.endWatch();
    this.reads.finish(Object.keys(Module._cache));
    this.patches.end();
    process.env = this.environment;
  }

  checkFile(file) {
    if (this.isProject(file)) throw this.refuse(file, 'belongs to the project');
    if (this.skipped.has(file)) throw this.refuse(file, 'is not loaded early');
    if (this.modules.has(file) && !Module._cache[file]) this.tried.push([file, this.loading()]);
    this.guard?.noteModule(file);
  }

  // Node has parsed an ES module. Only the end of the process prevents that it runs.
  noteEsModule(file) {
    if (!this.isActive) return;
    const isSkipped = this.skipped.has(file) || this.skipped.has(url.pathToFileURL(file).href);
    if (this.isProject(file) || isSkipped || IMPORTS_DATA.test(readFileSync(file, 'utf8'))) {
      this.refuse(file, 'is not loaded early');
      this.guard?.spoil(file);
      if (this.isProject(file)) this.endTrial?.();
    }
    this.guard?.noteEsModule(file, this.beginMs - RACY_MS);
  }

  // A package may appear in a folder in which it was looked for before it was found.
  noteLookUp(request, parent) {
    if (Module.builtinModules.includes(request) || /^(node:|\.{0,2}\/|\.\.?$|#)/.test(request)) return;
    const name = request.split('/').slice(0, request.startsWith('@') ? 2 : 1).join('/');
    for (const folder of Module._resolveLookupPaths(request, parent) ?? []) {
      const place = path.join(folder, name);
      this.guard.noteFile(place);
      if (this.guard.files.get(place)) break;
    }
  }

  noteRead(file, name, isAsync) {
    if (!this.isActive) return;
    this.checkAsync(name, isAsync);
    this.guard?.noteFile(file);
  }

  noteListing(folder, name, isAsync) {
    if (!this.isActive) return;
    this.checkAsync(name, isAsync);
    if (this.isProject(folder + '/')) throw this.refuse(folder, 'is a folder of the project');
    this.guard?.noteFolder(folder);
  }

  // The result would come before the gate, or after.
  checkAsync(name, isAsync) {
    if (isAsync && !this.isImporting) throw this.refuse(name, 'needs an event loop');
  }

  isSetLater(name) {
    return this.variables.has(name) || this.modules.get(this.current)?.has(name);
  }

  setLater() {
    return [...this.variables, ...this.modules.get(this.current) ?? []];
  }

  // The variables that are not set by what is loaded early.
  setByProgram() {
    return [...this.setBefore].filter((name) => !this.variables.has(name) && !this.reads.setEarly.has(name));
  }

  // The state that is not changed by what is loaded early.
  changedByProgram() {
    const early = new Set(changesSince(this.before));
    return [...this.states].filter((name) => !this.ownStates.has(name) && !early.has(name));
  }

  watchEnvironment() {
    this.environment = process.env;
    process.env = this.reads.watch(this.environment, () => this.isActive);
  }
}

module.exports = { Loader, readRecording };
