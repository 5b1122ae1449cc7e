// Records which ES modules from outside the project its files import. Node has no cheap hook for that
// before 22.15, so the files are read once the program has started.
'use strict';

const fs = require('fs');
const path = require('path');
const { pathToFileURL } = require('url');

const DELAY_MS = 1000;
const FILES_MAX = 2000;
// import and export declarations at the begin of a line, but those of types.
const DECLARATION = /^\s*(?:import|export)\s+(?!type\b)(?:[\w$*{][^'"();]*?\bfrom\s*)?(['"])([^'"\n]+)\1/gm;
const EXTENSIONS = ['', '.ts', '.mts', '.js', '.mjs', '/index.js', '/index.ts'];

// The conditions of package.json under which Node imports a module.
const CONDITIONS = ['node', 'import', 'module-sync', 'node-addons', 'default'];

const pick = (entry) => {
  if (typeof entry === 'string') return entry;
  if (Array.isArray(entry)) return entry.map(pick).find(Boolean);
  for (const [condition, value] of Object.entries(entry ?? {})) {
    const found = CONDITIONS.includes(condition) && pick(value);
    if (found) return found;
  }
  return undefined;
};

const pickExport = (exported, name) => {
  const isSugar = typeof exported === 'string' || !Object.keys(exported).some((key) => key.startsWith('.'));
  const entries = isSugar ? { '.': exported } : exported;
  if (name in entries) return pick(entries[name]);
  for (const [key, value] of Object.entries(entries)) {
    const [begin, end] = key.split('*');
    if (end !== undefined && name.startsWith(begin) && name.endsWith(end)) {
      return pick(value)?.replaceAll('*', name.slice(begin.length, name.length - end.length));
    }
  }
  return undefined;
};

// The file that `name` means in an import of the file `from`, or undefined.
const resolve = (name, from) => {
  const parts = name.split('/');
  const names = parts.splice(0, name.startsWith('@') ? 2 : 1);
  for (let folder = path.dirname(from); ; folder = path.dirname(folder)) {
    const place = path.join(folder, 'node_modules', ...names);
    try {
      const { exports, main } = JSON.parse(fs.readFileSync(path.join(place, 'package.json'), 'utf8'));
      const wanted = ['.', ...parts].join('/');
      const target = exports ? pickExport(exports, wanted) : wanted === '.' ? main ?? 'index.js' : wanted;
      const file = target && fs.realpathSync(path.join(place, target));
      return file && fs.statSync(file).isFile() ? file : undefined;
    } catch {
      if (folder === path.dirname(folder)) return undefined;
    }
  }
};

const recordLater = (script, isProject, append) => {
  setTimeout(() => {
    const seen = new Set();
    const files = [script];
    for (const file of files.slice(0, FILES_MAX)) visit(file);
    function visit(file) {
      if (seen.has(file) || seen.size >= FILES_MAX) return;
      seen.add(file);
      let text;
      try {
        text = fs.readFileSync(file, 'utf8');
      } catch {
        return;
      }
      for (const [, , name] of text.matchAll(DECLARATION)) {
        if (/^\.{0,2}\//.test(name)) {
          const place = path.resolve(path.dirname(file), name);
          const found = [place.replace(/\.js$/, '.ts'), ...EXTENSIONS.map((end) => place + end)]
            .find((each) => fs.statSync(each, { throwIfNoEntry: false })?.isFile());
          if (found && isProject(found)) visit(found);
        } else if (!name.startsWith('node:')) {
          const target = resolve(name, file);
          if (target && !isProject(target) && !seen.has(target)) {
            seen.add(target);
            append(`js import ${pathToFileURL(target).href}\n`);
          }
        }
      }
    }
  }, DELAY_MS).unref();
};

module.exports = { recordLater };
