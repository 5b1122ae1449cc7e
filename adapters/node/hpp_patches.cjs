// Replaces functions of Node while modules are loaded early.
'use strict';

const fs = require('fs');
const Module = require('module');
const url = require('url');

const READS = ['access', 'exists', 'lstat', 'open', 'readFile', 'readlink', 'realpath', 'stat'];
const LISTS = ['readdir', 'opendir'];
// Nothing that changes, and what is done to a descriptor that another function has opened.
const HARMLESS = new Set([
  'close', 'fdatasync', 'fstat', 'fsync', 'read', 'readv', 'statfs', 'unwatchFile', 'write', 'writev']);

// A module may keep a replacement. Each is a Proxy whose handler is emptied in the end: it then is in no
// stack trace, and always has the properties of the original, such as util.promisify.custom.
class Patches {
  constructor() {
    this.undo = [];
  }

  // `around(call, values)` is called instead of the function, and returns what call() returns.
  replace(object, name, around) {
    const original = object[name];
    const handler = {
      apply: (target, self, values) => around(() => Reflect.apply(target, self, values), values),
      construct: (target, values, newTarget) =>
        around(() => Reflect.construct(target, values, newTarget), values),
    };
    const replacement = new Proxy(original, handler);
    object[name] = replacement;
    this.undo.push(() => {
      delete handler.apply;
      delete handler.construct;
      if (object[name] === replacement) object[name] = original;
    });
  }

  // Call it after the last replace(), because ES modules import copies.
  begin() {
    Module.syncBuiltinESMExports();
  }

  end() {
    while (this.undo.length > 0) this.undo.pop()();
    Module.syncBuiltinESMExports();
  }
}

const nameOf = (file) => {
  try {
    if (file instanceof URL) return url.fileURLToPath(file);
  } catch {
    return undefined;  // the URL of no file
  }
  return Buffer.isBuffer(file) ? file.toString() : typeof file === 'string' ? file : undefined;
};

// Watches all functions of `fs`. `onRead(file, name, isAsync)` and `onList(folder, name, isAsync)` are called
// before a file or folder is read, and `onOther(name)` before anything else, such as a write.
const watchFiles = (patches, { onRead, onList, onOther }) => {
  const watch = (object, name, isAsync) => {
    const plain = name.replace(/Sync$/, '');
    if (HARMLESS.has(plain)) return;
    const [isRead, isList] = [READS.includes(plain), LISTS.includes(plain)];
    patches.replace(object, name, (call, [file, flags]) => {
      const isWrite = plain === 'open' && flags !== undefined && typeof flags !== 'function' && flags !== 'r' &&
        flags !== fs.constants.O_RDONLY;
      const found = nameOf(file);
      if (isWrite || !(isRead || isList)) onOther(name);
      else if (found !== undefined) (isRead ? onRead : onList)(found, name, isAsync);
      return call();
    });
  };
  const functionsOf = (object) => Object.keys(object).filter((name) => /^[a-z]/.test(name) &&
    Object.getOwnPropertyDescriptor(object, name).writable && typeof object[name] === 'function');
  for (const name of ['realpath', 'realpathSync']) {
    patches.replace(fs[name], 'native', (call, [file]) => {
      const found = nameOf(file);
      if (found !== undefined) onRead(found, name, name === 'realpath');
      return call();
    });
  }
  for (const name of functionsOf(fs)) watch(fs, name, !name.endsWith('Sync'));
  for (const name of functionsOf(fs.promises)) watch(fs.promises, name, true);
};

// Calls `onModule(file)` for each ES module when it is parsed: after it was read, and before it is run. Node has
// no hook for this that could be removed again before 22.15. Returns a function that ends it.
const watchEsModules = (onModule) => {
  const { Session } = require('inspector');
  const session = new Session();
  let isActive = false;
  session.connect();
  session.on('Debugger.scriptParsed', ({ params }) => {
    if (isActive && params.isModule && params.url.startsWith('file:')) onModule(url.fileURLToPath(params.url));
  });
  session.post('Debugger.enable');
  session.post('Debugger.setSkipAllPauses', { skip: true });  // at a `debugger` statement
  isActive = true;
  return () => {
    isActive = false;
    session.post('Debugger.disable');
    session.disconnect();
  };
};

module.exports = { Patches, watchEsModules, watchFiles };
