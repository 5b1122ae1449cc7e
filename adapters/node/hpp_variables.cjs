// The variables of the environment that modules have read while they were loaded early, and those that
// the program has changed.
'use strict';

const fs = require('fs');
const net = require('net');

const { descriptorStatus } = require('./hpp_project.cjs');

// Not the function that hpp_patches.cjs watches.
const { readFileSync } = fs;

const copyOf = (environment) => Object.assign(Object.create(null), environment);

const differences = (one, other) => {
  const names = new Set([...Object.keys(one), ...Object.keys(other)]);
  return [...names].filter((name) => one[name] !== other[name]);
};

// Returns a function that returns the variables that have changed since it was called before.
const changesOf = (environment) => {
  let before = copyOf(environment);
  return () => {
    const now = copyOf(environment);
    const changed = differences(before, now);
    before = now;
    return changed;
  };
};

// Calls `check` when the program is about to answer its first client.
const beforeListening = (check) => {
  const original = net.Server.prototype.listen;
  const listen = function listen(...values) {
    if (net.Server.prototype.listen === listen) net.Server.prototype.listen = original;
    check();
    return original.apply(this, values);
  };
  net.Server.prototype.listen = listen;
};

const escape = (text) => text.replace(/[^\w]/g, '\\$&');

// A module that only lists the names of all variables may use this one if its text contains the name, or the
// begin of it up to an underscore. `debug` lists them to find those that begin with DEBUG_, and is part of most
// programs.
const mayPick = (file, name) => {
  const patterns = [`\\b${escape(name)}\\b`];
  if (name.includes('_')) patterns.push(`\\b${escape(name.split('_')[0])}_`);
  try {
    return new RegExp(patterns.join('|'), 'i').test(readFileSync(file, 'utf8'));
  } catch {
    return true;
  }
};

class EarlyReads {
  // `onRead(name)` and `onReadAll()` are called while a module reads one or all variables,
  // `onList(mayUse)` while one lists the names. `mayUse(name)` says whether it may pick this one.
  constructor({ onRead, onReadAll, onList, file }) {
    Object.assign(this, { onRead, onReadAll, onList, file });
    this.names = new Set();
    this.areAllRead = false;    // a module has copied the environment
    this.listers = new Set();   // files of modules that have listed the names
    this.setEarly = new Set();  // variables that modules have set
    this.modules = new Set();   // the files that were loaded early, and that the program has not asked for yet
    this.before = undefined;    // the environment after that
    this.picks = new Map();
  }

  // Returns what process.env has to be meanwhile. A module may keep it, so it works after the gate, too.
  watch(environment, isActive) {
    let listed = new Set();   // names of the last list, whose descriptors belong to it
    let missing = new Set();  // those whose values were not read
    const note = (name) => {
      if (typeof name !== 'string' || !isActive() || name in Object.prototype) return;
      this.names.add(name);
      this.onRead(name);
      if (!missing.delete(name) || missing.size > 0) return;
      this.areAllRead = true;
      this.onReadAll();
    };
    const noteSetting = (name) => {
      if (typeof name === 'string' && isActive()) this.setEarly.add(name);
    };
    return new Proxy(environment, {
      get(target, name) {
        note(name);
        return target[name];
      },
      has(target, name) {
        note(name);
        return name in target;
      },
      getOwnPropertyDescriptor(target, name) {
        if (!listed.delete(name)) note(name);
        return Reflect.getOwnPropertyDescriptor(target, name);
      },
      ownKeys: (target) => {
        const names = Reflect.ownKeys(target);
        if (isActive()) this.noteList();
        listed = new Set(names);
        missing = new Set(names);
        return names;
      },
      // Without this trap, process.env would be asked to define the property, and it refuses that.
      set(target, name, value) {
        noteSetting(name);
        target[name] = value;
        return true;
      },
      deleteProperty(target, name) {
        noteSetting(name);
        return Reflect.deleteProperty(target, name);
      },
    });
  }

  noteList() {
    const file = this.file();
    this.listers.add(file);
    this.onList((name) => mayPick(file, name));
  }

  // No more modules are loaded early.
  finish(modules) {
    this.modules = new Set(modules);
    this.before = copyOf(process.env);
  }

  // The variables that have changed since, and that a module would read differently now.
  changed() {
    const names = [...this.names].filter((name) => process.env[name] !== this.before[name]);
    if (this.areAllRead) names.push(...differences(this.before, copyOf(process.env)));
    else if (this.listers.size > 0) names.push(...this.changedNames().filter((name) => this.isPicked(name)));
    return new Set(names);
  }

  // Those that were there, or are there.
  changedNames() {
    const now = Object.keys(process.env);
    const added = now.filter((name) => !(name in this.before));
    const before = Object.keys(this.before);
    if (before.length + added.length === now.length) return added;
    return [...added, ...before.filter((name) => process.env[name] === undefined)];
  }

  isPicked(name) {
    if (!this.picks.has(name)) this.picks.set(name, [...this.listers].some((file) => mayPick(file, name)));
    return this.picks.get(name);
  }
}

// Returns {report, say}. report() says at the gate which variables have changed too late, and say(name) what
// else has, each once.
const reporterOf = (early, gate, append) => {
  const said = new Set();
  const { dev, ino } = descriptorStatus(gate);
  const isOpen = () => {
    try {
      const status = descriptorStatus(gate);
      return status.dev === dev && status.ino === ino;
    } catch {
      return false;
    }
  };
  const say = (name) => {
    if (said.has(name)) return;
    said.add(name);
    try {
      if (isOpen()) fs.writeSync(gate, `variable ${name}\n`);
    } catch {
      // hpp has ended.
    }
  };
  const report = () => {
    for (const name of early.changed()) {
      if (said.has(name) || name.includes('\n')) continue;
      append(`js env ${name}\n`);
      say(name);
    }
  };
  return { report, say };
};

module.exports = { EarlyReads, beforeListening, changesOf, reporterOf };
