// What a spare has read while it loaded modules, and whether it would read the same now.
'use strict';

const fs = require('fs');
const path = require('path');

// Not the functions that hpp_patches.cjs watches.
const { readdirSync, statSync } = fs;
// A file that has changed so shortly before it was read may change again without a new time.
const RACY_MS = 50;
// Files whose times say nothing.
const UNSTABLE = /^\/(proc|sys|dev)\//;

const NO_ENTRY = { throwIfNoEntry: false };

// undefined: there is no such file.
const statusOf = (file) => {
  try {
    return statSync(file, NO_ENTRY);
  } catch {
    return undefined;  // ENOTDIR, EACCES
  }
};

// Whether the contents are the same. Of a folder only the existence counts, or also the names in it if
// `withNames`. This is on the way from a save to the answer, for thousands of files.
const isSame = (one, other, withNames = false) => {
  if (!one || !other) return one === other;
  if (one.ino !== other.ino || one.dev !== other.dev || one.mode !== other.mode) return false;
  if (one.mtimeMs === other.mtimeMs && one.ctimeMs === other.ctimeMs) return one.size === other.size;
  return one.isDirectory() && !withNames;
};

// The names of the packages in this folder. Other names may come and go: Watchman makes files in a folder that
// it watches, and build tools have caches there.
const packagesIn = (folder) => {
  try {
    return readdirSync(folder).filter((name) => !name.startsWith('.')).sort();
  } catch {
    return [];
  }
};

class Guard {
  constructor(isProject, chain) {
    this.isProject = isProject;
    this.chain = chain;
    this.files = new Map();
    this.folders = new Map();
    this.packages = new Map();  // [status, names of the packages] of node_modules and of the scopes in it
    this.changed = '';  // a file that counts as changed, whatever its times are
    this.readByWrappers = this.wrappersFiles();
    for (const file of this.readByWrappers.keys()) this.checkTime(file, chain.startMs - 20);
    for (const file of [process.execPath, ...librariesOf()]) this.noteFile(file, chain.startMs - 20);
  }

  wrappersFiles() {
    return new Map([...this.chain.files()].map((file) => [file, statusOf(file)]));
  }

  checkTime(file, sinceMs) {
    const status = statusOf(file);
    if (status && !status.isDirectory() && status.ctimeMs > sinceMs) this.changed ||= file;
  }

  // Call it before the file is read, or with the time since which it may have been read.
  noteFile(file, sinceMs = Date.now() - RACY_MS) {
    if (this.files.has(file) || UNSTABLE.test(file)) return;
    this.files.set(file, statusOf(file));
    this.checkTime(file, sinceMs);
  }

  // A module: Node does not read package.json by way of `fs`.
  noteModule(file, sinceMs) {
    this.noteFile(file, sinceMs);
    this.noteFolder(path.dirname(file));
    for (let folder = path.dirname(file); folder !== '/' && path.basename(folder) !== 'node_modules';
         folder = path.dirname(folder)) {
      this.noteFile(path.join(folder, 'package.json'), sinceMs);
    }
  }

  // An ES module: nothing tells in which folders Node looks for what it imports.
  noteEsModule(file, sinceMs) {
    this.noteModule(file, sinceMs);
    for (let folder = path.dirname(file); folder !== '/'; folder = path.dirname(folder)) {
      const place = path.basename(folder) === 'node_modules' ? folder : path.join(folder, 'node_modules');
      this.notePackages(place);
    }
  }

  notePackages(folder) {
    if (this.packages.has(folder)) return;
    const status = statusOf(folder);
    const names = packagesIn(folder);
    this.packages.set(folder, [status, names.join()]);
    for (const scope of names.filter((name) => name.startsWith('@'))) this.notePackages(path.join(folder, scope));
  }

  // The spare must not be used, because it has loaded this file in another way than the program would.
  spoil(file) {
    this.changed ||= file;
  }

  // A new name in this folder may change what is found.
  noteFolder(folder) {
    if (!this.folders.has(folder) && !this.isProject(folder + '/')) {
      this.folders.set(folder, statusOf(folder));
    }
  }

  // A file that has changed, or an empty string.
  firstChange() {
    if (this.changed) return this.changed;
    for (const [file, before] of this.files) if (!isSame(statusOf(file), before)) return file;
    for (const [folder, before] of this.folders) if (!isSame(statusOf(folder), before, true)) return folder;
    for (const [folder, [before, names]] of this.packages) {
      if (!isSame(statusOf(folder), before, true) && packagesIn(folder).join() !== names) return folder;
    }
    const now = this.wrappersFiles();
    for (const file of [...now.keys(), ...this.readByWrappers.keys()]) {
      if (!isSame(now.get(file), this.readByWrappers.get(file))) return file;
    }
    return '';
  }
}

// The shared libraries of this process.
const librariesOf = () => {
  const maps = fs.readFileSync('/proc/self/maps', 'utf8');
  return new Set(maps.split('\n').map((line) => line.slice(line.indexOf('/'))).filter((file) => path.isAbsolute(file)));
};

module.exports = { Guard };
