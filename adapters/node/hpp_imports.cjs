// Which ES modules from outside the project its files import, as their text says. Node has no cheap hook for that
// before 22.15. A spare loads them early, and must not load what the program does not; so only a certain
// declaration counts.
'use strict';

const fs = require('fs');
const path = require('path');
const { pathToFileURL } = require('url');

const FILES_MAX = 2000;
// Declarations are at the begin of a file. Tokens of this length are no problem for regular expressions.
const CHARACTERS_MAX = 1 << 17;
// import and export declarations at the begin of a line, but those of types, and those that run later.
const DECLARATION =
  /^\s*(?:import|export)\s+(?!(?:type|typeof|defer|source)\b)(?:[\w$*{][^'"();]*?\bfrom\s*)?(['"])([^'"\n]+)\1/gm;
// What only an ES module contains.
const ES_SYNTAX = new RegExp(['^[ \\t]*(?:export\\s*(?:[{*]|(?:default|const|let|var|function|async|class)\\b)',
  'import\\s*(?:[\'"{*]|[\\w$]+\\s*(?:,|from\\b)))'].join('|'), 'm');
const EXTENSIONS = ['', '.ts', '.mts', '.js', '.mjs', '/index.js', '/index.ts'];

const TOKEN = /\s+|\/\/[^\n]*|\/\*[^]*?\*\/|(["'])(?:(?!\1)[^\\\n]|\\[^])*\1|[\w$\x80-\uffff]+|[^]/gy;
const TEMPLATE_PART = /(?:[^\\`$]|\\[^]|\$(?!\{))*(?:`|\$\{)/y;
const REGULAR_EXPRESSION = /\/(?:[^/\\[\n]|\\.|\[(?:[^\]\\\n]|\\.)*\])+\/\w*/y;
// A slash after these begins a regular expression, and after a word, a string or `]` it divides. Elsewhere only
// a parser knows.
const BEFORE_EXPRESSION = 
  /^([=(,;:[!&|?{]|await|case|delete|do|else|in|instanceof|new|of|return|throw|typeof|void|yield)$/;
const BEFORE_DIVISION = /^([\w$\x80-\uffff]+|\]|["'].*)$/s;

const blank = (text) => text.replace(/[^\n]/g, ' ');

// The text up to the first place that only a parser understands, with blanks for comments, template literals and
// regular expressions.
const codeOf = (whole) => {
  const text = whole.slice(0, CHARACTERS_MAX);
  let code = '';
  let last = '';        // the last token that is neither blank nor a comment
  const open = [];      // for each template literal around: how many braces are open in its `${`
  const take = (pattern, at) => {
    pattern.lastIndex = at;
    return pattern.exec(text)?.[0];
  };
  let at = text.startsWith('#!') ? text.indexOf('\n') + 1 || text.length : 0;
  while (at < text.length) {
    let token = take(TOKEN, at);
    let shown = token;
    if (/^\/[/*]./s.test(token)) {
      shown = blank(token);
    } else if (token === '`' || (token === '}' && open[open.length - 1] === 0)) {
      const part = take(TEMPLATE_PART, at + 1);
      if (part === undefined) return code;
      if (token === '}') open.pop();
      if (part.endsWith('{')) open.push(0);
      token += part;
      shown = blank(token);
      last = part.endsWith('{') ? '{' : "''";
    } else if (token === '/') {
      if (text[at + 1] === '*') return code;
      if (BEFORE_EXPRESSION.test(last)) {
        token = take(REGULAR_EXPRESSION, at);
        if (token === undefined) return code;
        shown = blank(token);
        last = "''";
      } else if (BEFORE_DIVISION.test(last)) {
        last = '=';
      } else {
        return code;
      }
    } else if (/^["']$/.test(token)) {
      return code;
    } else if (/\S/.test(token)) {
      if (token === '{' && open.length > 0) open[open.length - 1]++;
      if (token === '}' && open.length > 0) open[open.length - 1]--;
      if (/^["']/.test(token)) shown = token.replace(/\n/g, ' ');
      last = token;
    }
    code += shown;
    at += token.length;
  }
  return code;
};

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

const isFile = (file) => fs.statSync(file, { throwIfNoEntry: false })?.isFile();

// Returns the URLs of the modules that `script` and the files of the project that it imports import, in the order
// in which Node runs them.
const importsOf = (script, isProject) => {
  const seen = new Set();
  const found = new Set();
  const visit = (file) => {
    if (seen.has(file) || seen.size >= FILES_MAX) return;
    seen.add(file);
    let code;
    try {
      code = codeOf(fs.readFileSync(file, 'utf8'));
    } catch {
      return;
    }
    for (const [, , name] of code.matchAll(DECLARATION)) {
      if (/^\.{0,2}\//.test(name)) {
        const place = path.resolve(path.dirname(file), name);
        const target = [place.replace(/\.js$/, '.ts'), ...EXTENSIONS.map((end) => place + end)]
          .find(isFile);
        if (target && isProject(target)) visit(target);
      } else if (!name.startsWith('node:')) {
        const target = resolve(name, file);
        if (target && !isProject(target)) found.add(pathToFileURL(target).href);
      }
    }
  };
  visit(script);
  return found;
};

// Whether Node takes a file without a type for an ES module if its text looks so.
const detectsModules = () => {
  const options = `${process.execArgv.join(' ')} ${process.env.NODE_OPTIONS ?? ''}`;
  const option = options.match(/--(no-)?experimental-detect-module\b/);
  if (option) return !option[1];
  const [major, minor] = process.versions.node.split('.').map(Number);
  return major > 22 || (major === 22 && minor >= 7) || (major === 20 && minor >= 19);
};

// The file that Node runs for the first word of the command line, which may be a folder or lack its extension.
// Node's own search would remember what it finds, also links that change before the gate is opened.
const mainFile = (word) => {
  const place = path.resolve(word);
  let main = '.';
  try {
    main = JSON.parse(fs.readFileSync(path.join(place, 'package.json'), 'utf8')).main ?? main;
  } catch {
    // There is none.
  }
  const places = [place, path.resolve(place, main), path.join(place, 'index')];
  return places.flatMap((each) => ['', '.js', '.json', '.node', '/index.js'].map((end) => each + end)).find(isFile) ??
    word;
};

// Whether Node reads the program as an ES module: then the spare needs --import.
const isEsModule = (script) => {
  if (/\.m[jt]s$/.test(script)) return true;
  if (/\.c[jt]s$/.test(script)) return false;
  for (let folder = path.dirname(script); ; folder = path.dirname(folder)) {
    let type;
    try {
      ({ type } = JSON.parse(fs.readFileSync(path.join(folder, 'package.json'), 'utf8')));
    } catch {
      if (folder !== path.dirname(folder)) continue;
    }
    if (type === 'module' || type === 'commonjs' || !/(\.js|\/[^.]*)$/.test(script)) return type === 'module';
    return detectsModules() && ES_SYNTAX.test(codeOf(fs.readFileSync(script, 'utf8')));
  }
};

module.exports = { codeOf, importsOf, isEsModule, mainFile };
