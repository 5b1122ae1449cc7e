// A spare: loads modules, waits at the gate, and checks that nothing has changed (docs/gate.rst).
//
// Node cannot execute itself again without the modules that are unfit, as hpp's adapter for Python
// does. So another process tries what has not been tried yet, and appends the unfit ones to the recording.
'use strict';

const fs = require('fs');
const Module = require('module');
const path = require('path');

const { Guard } = require('./hpp_guard.cjs');
const { importsOf } = require('./hpp_imports.cjs');
const { Loader, readRecording } = require('./hpp_loader.cjs');
const { Patches, watchEsModules, watchFiles } = require('./hpp_patches.cjs');

const TRIALS_MAX = 8;
const TRIAL_MS_MAX = 60_000;
// Options of Node that change which files are found, and nothing else.
const HARMLESS = /^(--preserve-symlinks|--conditions=|-C=|--(no-)?experimental-[a-z-]+$)/;

class Spare {
  constructor(gate, file, roots, isProject, chain, script, isEsModule) {
    this.begin = Date.now();
    Object.assign(this, { gate, file, isProject, chain, script, isEsModule });
    this.early = '';  // a file of the project that an option of Node has run before the gate
    this.noteImports();
    this.recording = readRecording(file);
    for (let trial = 0; !this.recording.isChecked && trial < TRIALS_MAX; trial++) {
      this.tryModules(roots);
      this.recording = readRecording(file);
    }
    this.guard = new Guard(isProject, chain);
    this.loader = new Loader(this.recording, isProject, script, this.guard);
  }

  // The program itself does not note what it imports, because it cannot wait for that.
  noteImports() {
    if (!this.isEsModule) return;
    const { imports } = readRecording(this.file);
    const found = [...importsOf(this.script, this.isProject)].filter((name) => !imports.has(name));
    fs.appendFileSync(this.file, found.map((name) => `js import ${name}\n`).join(''));
  }

  tryModules(roots) {
    const { spawnSync } = require('child_process');
    const words = [...process.execArgv, ...(process.env.NODE_OPTIONS ?? '').split(/\s+/)];
    const { NODE_OPTIONS, ...environment } = process.env;
    const trial = path.join(__dirname, 'hpp_trial.mjs');
    spawnSync(process.execPath,
      [...words.filter((word) => HARMLESS.test(word)), trial, this.file, this.script, String(this.isEsModule), ...roots],
      { env: environment, stdio: 'ignore', timeout: TRIAL_MS_MAX, killSignal: 'SIGKILL' });
  }

  // Node runs what its options name (-r, --import) before it waits for hpp_gate.mjs.
  watchOptions() {
    const before = new Set(Object.keys(Module._cache));
    const modules = new Set();
    const patches = new Patches();
    watchFiles(patches, {
      onRead: (file) => {
        // Node looks for the program, and reads it after the gate.
        if (![path.resolve(process.argv[1]), this.script].includes(path.resolve(file))) {
          this.guard.noteFile(path.resolve(file));
        }
      },
      onList: (folder) => this.guard.noteFolder(path.resolve(folder)),
      onOther: () => {},
    });
    patches.begin();
    const endWatch = watchEsModules((file) => modules.add(file));
    const check = (file) => {
      if (path.dirname(file) === __dirname) return;
      if (this.isProject(file)) this.early ||= file;
      this.guard.noteEsModule(file, this.begin);
    };
    this.checkOptions = () => {
      patches.end();
      Object.keys(Module._cache).filter((file) => !before.has(file)).forEach(check);
    };
    // Node 18 runs several imports at once.
    this.endOptions = () => {
      endWatch();
      modules.forEach(check);
    };
  }

  preload() {
    this.count = this.recording.isChecked ? this.loader.loadModules(this.isEsModule) : 0;
  }

  async preloadImports() {
    this.checkOptions();
    this.preload();
    if (this.recording.isChecked) this.count += await this.loader.loadImports();
    this.endOptions();
  }

  // Returns when the gate is open and no file has changed. Otherwise the process ends.
  wait() {
    const objection = this.early ? `${this.early} would run before the gate` : this.chain.objection();
    if (objection) this.say(`refuse ${objection}`);
    const late = [...this.loader.unfit].filter((name) => this.loader.imports.has(name));
    fs.appendFileSync(this.file, late.map((name) => `js skip ${name}\n`).join(''));
    this.guard.firstChange();  // so that Node has compiled it, and the kernel knows the files
    this.say(`ready ${this.count} ${Date.now() - this.begin}`);
    let changed;
    for (const line of this.lines()) {
      if (line === 'compare' || (line === 'open' && changed === undefined)) changed = this.guard.firstChange();
      if (line === 'open') break;
    }
    if (changed) {
      this.say(`cold ${changed}`);
      process.reallyExit(0);
    }
    this.say('go');
  }

  // hpp's lines. The process ends if hpp does not need it any more.
  * lines() {
    const buffer = Buffer.alloc(64);
    for (let rest = '';;) {
      const size = fs.readSync(this.gate, buffer);
      if (size === 0) process.reallyExit(0);
      const lines = (rest + buffer.toString('latin1', 0, size)).split('\n');
      rest = lines.pop();
      yield* lines;
    }
  }

  say(line) {
    fs.writeSync(this.gate, line + '\n');
  }
}

module.exports = { Spare };
