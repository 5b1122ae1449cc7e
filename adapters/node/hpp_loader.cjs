// Loads modules early. A module is *unfit* if loading it early would differ from loading it in time: it
// fails, it loads a file of the project, it opens a connection, writes a file, starts a process or a
// thread, or reads a variable of the environment that the program sets itself at any time, or that was
// set before it was loaded. The modules that load it are unfit, too, even if they catch the error.
'use strict';

const fs = require('fs');
const Module = require('module');
const path = require('path');
const url = require('url');

const { EarlyReads } = require('./hpp_variables.cjs');

const READING = ['accessSync', 'existsSync', 'lstatSync', 'openSync', 'readFileSync', 'realpathSync', 'statSync'];
const FORBIDDEN = {
  child_process: ['exec', 'execFile', 'execFileSync', 'execSync', 'fork', 'spawn', 'spawnSync'],
  cluster: ['fork'],
  dgram: ['createSocket'],
  dns: ['lookup', 'resolve', 'resolve4', 'resolve6', 'reverse'],
  fs: ['appendFile', 'appendFileSync', 'chmodSync', 'chownSync', 'copyFile', 'copyFileSync', 'cpSync',
       'createWriteStream', 'linkSync', 'mkdir', 'mkdirSync', 'mkdtemp', 'mkdtempSync', 'open', 'rename',
       'renameSync', 'rm', 'rmSync', 'rmdirSync', 'symlinkSync', 'truncateSync', 'unlink', 'unlinkSync',
       'utimesSync', 'watch', 'watchFile', 'writeFile', 'writeFileSync'],
  process: ['chdir'],
};

// Returns {modules, imports, skipped, variables, isChecked}: `modules` maps each file to the variables
// that were set before it was loaded, `variables` are those that the program sets.
const readRecording = (file) => {
  const found = {
    modules: new Map(), imports: new Set(), skipped: new Set(), setBefore: new Set(), variables: new Set(),
    isChecked: true,
  };
  for (const line of fs.readFileSync(file, 'utf8').split('\n')) {
    const [, word, value] = line.match(/^js (\w+) ?(.*)$/) ?? [];
    if (word === 'module' && !found.modules.has(value)) found.modules.set(value, new Set(found.setBefore));
    else if (word === 'failed') found.modules.delete(value);
    else if (word === 'import') found.imports.add(value);
    else if (word === 'skip') found.skipped.add(value);
    if (word === 'checked') found.isChecked = true;
    else if (word === 'module' || word === 'import') found.isChecked = false;
    const variables = { env: found.setBefore, set: found.variables }[word];
    if (variables && !variables.has(value)) {
      variables.add(value);
      found.isChecked = false;
    }
  }
  return found;
};

class Loader {
  constructor(recording, isProject, script, guard) {
    Object.assign(this, recording);
    this.isProject = isProject;
    this.script = script;
    this.guard = guard;  // undefined in a trial
    this.unfit = new Set();
    this.tried = [];     // [file, the files that load it]
    this.current = '';   // of `modules` or `imports`
    this.isActive = false;
    this.undo = [];
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
    for (const name of this.imports) {
      if (this.skipped.has(name)) continue;
      this.current = name;
      try {
        this.checkFile(url.fileURLToPath(name));
        await import(name);
        count++;
      } catch {
        this.unfit.add(name);
      }
    }
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
    const loader = this;
    this.replace(Module, '_resolveFilename', (resolve) => function (request, parent, ...rest) {
      if (!loader.isActive) return resolve.call(this, request, parent, ...rest);
      if (loader.guard) loader.noteLookUp(request, parent);
      const file = resolve.call(this, request, parent, ...rest);
      if (path.isAbsolute(file)) loader.checkFile(file);
      return file;
    });
    for (const name of READING) {
      this.replace(fs, name, (read) => Object.assign(function (file, ...rest) {
        if (loader.isActive) loader.noteRead(name, file, rest);
        return read.call(this, file, ...rest);
      }, read));
    }
    this.replace(fs, 'readdirSync', (read) => function (folder, ...rest) {
      if (loader.isActive) loader.noteListing(folder);
      return read.call(this, folder, ...rest);
    });
    for (const [library, names] of Object.entries(FORBIDDEN)) {
      const object = library === 'process' ? process : require(library);
      for (const name of names) this.forbid(object, name);
    }
    const net = require('net');
    this.forbid(net.Socket.prototype, 'connect');
    this.forbid(net.Server.prototype, 'listen');
    this.watchEnvironment();
  }

  forbid(object, name) {
    const loader = this;
    this.replace(object, name, (original) => function (...values) {
      if (loader.isActive) throw loader.refuse(name, 'is not possible before the gate');
      return new.target ? Reflect.construct(original, values, new.target) : original.apply(this, values);
    });
  }

  // A module may keep the replacement, so it works after the gate, too.
  replace(object, name, make) {
    const original = object[name];
    const replacement = make(original);
    Object.defineProperty(replacement, 'name', { value: original.name });
    object[name] = replacement;
    this.undo.push(() => {
      if (object[name] === replacement) object[name] = original;
    });
  }

  end() {
    this.isActive = false;
    this.reads.finish(Object.keys(Module._cache));
    while (this.undo.length > 0) this.undo.pop()();
  }

  checkFile(file) {
    if (this.isProject(file)) throw this.refuse(file, 'belongs to the project');
    if (this.skipped.has(file)) throw this.refuse(file, 'is not loaded early');
    if (this.modules.has(file) && !Module._cache[file]) this.tried.push([file, this.loading()]);
    if (this.guard) this.noteLoad(file);
  }

  noteLoad(file) {
    this.guard.noteFile(file);
    this.guard.noteFolder(path.dirname(file));
    for (let folder = path.dirname(file); folder !== '/' && path.basename(folder) !== 'node_modules';
         folder = path.dirname(folder)) {
      this.guard.noteFile(path.join(folder, 'package.json'));  // Node does not read it by way of `fs`
    }
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

  noteRead(name, file, [flags]) {
    if (name === 'openSync' && flags !== undefined && flags !== 'r' && flags !== fs.constants.O_RDONLY) {
      throw this.refuse(name, 'for writing is not possible before the gate');
    }
    if (file instanceof URL) file = url.fileURLToPath(file);
    if (typeof file === 'string') this.guard?.noteFile(path.resolve(file));
  }

  noteListing(folder) {
    if (typeof folder !== 'string') return;
    folder = path.resolve(folder);
    if (this.isProject(folder + '/')) throw this.refuse(folder, 'is a folder of the project');
    this.guard?.noteFolder(folder);
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

  watchEnvironment() {
    const original = process.env;
    process.env = this.reads.watch(original, () => this.isActive);
    this.undo.push(() => {
      process.env = original;
    });
  }
}

module.exports = { Loader, readRecording };
