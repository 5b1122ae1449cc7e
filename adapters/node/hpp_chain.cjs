// The programs between hpp and this process: what they have run and read before. The rules are those of
// adapters/python/hpp_chain.py.
'use strict';

const fs = require('fs');
const path = require('path');

const SHELLS = new Set(['ash', 'bash', 'busybox', 'dash', 'fish', 'ksh', 'sh', 'zsh']);
// Programs that only start another one: they run nothing of the project before it.
const WRAPPERS = new Set([
  'bun', 'bundle', 'bundler', 'conda', 'corepack', 'cross-env', 'direnv', 'doas', 'dotenv', 'dotenv-cli',
  'dotenvx', 'env', 'env-cmd', 'hatch', 'ionice', 'mise', 'nice', 'nohup', 'npm', 'npm-cli', 'npx',
  'npx-cli', 'pdm', 'pipenv', 'pipx', 'pnpm', 'pnpx', 'poetry', 'rye', 'setsid', 'stdbuf', 'sudo', 'time',
  'timeout', 'tsx', 'unbuffer', 'uv', 'uvx', 'yarn', 'yarnpkg']);
// Those of them that run other programs themselves, to find an interpreter, packages or variables.
const ASKING = new Set([
  'bundle', 'bundler', 'conda', 'direnv', 'hatch', 'mise', 'pdm', 'pipenv', 'pipx', 'poetry', 'rye', 'uv',
  'uvx']);
// Words that may be before such a program, and do nothing else: a shell's -c, and programs that become it.
const PREFIX = new RegExp(
  `^(.*/)?(${[...SHELLS].join('|')}|doas|env|exec|ionice|nice|nohup|setsid|stdbuf|sudo|time|timeout)$` +
  '|^-|=|^\\d+[smh]?$');
// Those that run tasks by name, and the files with the tasks.
const TASK_RUNNERS = new Set(['hatch', 'mise', 'pdm', 'pipenv', 'rye']);
const TASK_FILES = new Set(['.mise.toml', 'Pipfile', 'hatch.toml', 'mise.toml', 'pyproject.toml']);
// With one of these, a shell's command line may run more than one program. JSON's escapes count, too.
const OPERATORS = /[;&|(`\n\\]/;
// A program that is a script is known by the script's name.
const INTERPRETERS = /^(node|perl|python|ruby)/;
// Folders of version managers, whose scripts run other programs to find the interpreter.
const SHIMS = /\/shims\/|\/\.rbenv\/bin\/|\/\.pyenv\/bin\//;
// Files that these programs, version managers and package managers read.
const READ_BY_WRAPPERS = new Set([
  '.env', '.envrc', '.flaskenv', '.mise.toml', '.node-version', '.npmrc', '.nvmrc', '.pnp.cjs',
  '.pnp.loader.mjs', '.python-version', '.ruby-version', '.tool-versions', '.yarnrc', '.yarnrc.yml',
  'Gemfile', 'Gemfile.lock', 'Pipfile', 'Pipfile.lock', 'Procfile', 'bun.lock', 'bun.lockb', 'bunfig.toml',
  'hatch.toml', 'mise.toml', 'package-lock.json', 'package.json', 'pdm.lock', 'pnpm-lock.yaml',
  'pnpm-workspace.yaml', 'poetry.lock', 'poetry.toml', 'pyproject.toml', 'tsconfig.json', 'uv.lock',
  'uv.toml', 'yarn.lock']);
const ANCESTORS_MAX = 32;
const SCRIPT_BYTES_MAX = 1 << 16;
const WORDS_MAX = 5000;
// USER_HZ, by which the kernel counts in /proc on all architectures.
const TICKS = 100;

// What /proc says of a process; see proc_pid_stat(5).
class Process {
  constructor(pid) {
    const stat = fs.readFileSync(`/proc/${pid}/stat`, 'latin1');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    this.pid = pid;
    this.parent = Number(fields[1]);
    this.hasWaited = Number(fields[8]) > 0;  // page faults of children that it has waited for
    this.start = Number(fields[19]) / TICKS;  // seconds since boot
    this.environment = '\0' + fs.readFileSync(`/proc/${pid}/environ`, 'utf8');
    this.hasGate = this.variable('HPP_GATE') !== undefined;
    this.words = fs.readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0').filter(Boolean);
    this.program = fs.readlinkSync(`/proc/${pid}/exe`);
    this.folder = fs.readlinkSync(`/proc/${pid}/cwd`);
  }

  // The names by which this program may be known. npm replaces its command line by a title.
  names() {
    const names = [path.basename(this.program)];
    const words = [(this.words[0] ?? '').split(' ')[0]];
    if (SHELLS.has(names[0]) || INTERPRETERS.test(names[0])) {
      words.push(...this.words.slice(1).filter((word) => !word.startsWith('-')).slice(0, 1));
    }
    for (const word of words) {
      names.push(path.basename(word));
      names.push(...word.split('/node_modules/').slice(1).map((part) => part.split('/')[0]));
    }
    return names.map((name) => name.split('.')[0]);
  }

  variable(name) {
    return this.environment.split(`\0${name}=`, 2)[1]?.split('\0', 1)[0];
  }

  // Whether this is the program, or the script that an interpreter runs, that one of these words names.
  isNamed(words) {
    const script = this.words.slice(1).filter((word) => !word.startsWith('-')).slice(0, 1);
    const own = [...this.words.slice(0, 1), ...script].map((word) => path.basename(word.split(' ')[0]));
    return words.some((word) => !word.startsWith('-') && own.includes(path.basename(word)));
  }

  // Whether the script of package.json that this process belongs to runs one program, and none before it.
  isOneScript() {
    const event = this.variable('npm_lifecycle_event');
    const file = this.variable('npm_package_json') ?? path.join(this.folder, 'package.json');
    let text;
    try {
      text = fs.readFileSync(file, 'utf8').replace(/\s/g, '');
    } catch {
      return false;
    }
    const script = text.split(`"${event}":"`, 2)[1]?.split('"', 1)[0] ?? '';
    return Boolean(event) && !text.includes(`"pre${event}":`) && !OPERATORS.test(script);
  }

  children() {
    return fs.readdirSync(`/proc/${this.pid}/task`).flatMap((task) => {
      try {
        const text = fs.readFileSync(`/proc/${this.pid}/task/${task}/children`, 'latin1');
        return text.split(' ').filter(Boolean).map(Number);
      } catch {
        return [];  // the thread has ended, or the kernel has no such file
      }
    });
  }
}

// This process and its ancestors, up to hpp, which has no gate in its environment.
class Chain {
  constructor(command) {
    this.command = command.split(' ').filter(Boolean);
    this.processes = [];
    for (let pid = process.pid; pid > 1 && this.processes.length < ANCESTORS_MAX;) {
      let found;
      try {
        found = new Process(pid);
      } catch {
        break;  // hpp runs as another user
      }
      if (this.processes.length > 0 && !found.hasGate) break;
      this.processes.push(found);
      pid = found.parent;
    }
    const now = Number(fs.readFileSync('/proc/uptime', 'latin1').split(' ')[0]);
    this.startMs = Date.now() - (now - this.processes[this.processes.length - 1].start) * 1000;
  }

  // Why this command must not be started as a spare, or an empty string. A part of it that runs before
  // the gate would run too early, and would see old files.
  objection() {
    for (let at = 1; at < this.processes.length; at++) {
      const process = this.processes[at];
      const text = `\`${process.words.join(' ')}\``;
      if (!process.names().some((name) => SHELLS.has(name) || WRAPPERS.has(name))) {
        return `${path.basename(process.program)} starts it, and may run something else before`;
      }
      if (process.hasWaited && !this.hasOnlyAsked(at)) return `${text} runs another program before it`;
      if (process.children().some((pid) => pid !== this.processes[at - 1].pid)) {
        return `${text} runs several programs at once`;
      }
    }
    if (this.processes[0].hasWaited && !this.hasOnlyAsked(0)) {
      return `\`${this.command.join(' ')}\` runs another program before it`;
    }
    return '';
  }

  // Whether all that process number `at` has waited for are programs by which a version manager or a package
  // manager has found the interpreter or the packages. Anything else may be a part of the command.
  hasOnlyAsked(at) {
    const process = this.processes[at];
    const child = this.processes[Math.max(at - 1, 0)];
    let words = this.startedBy(at);
    const first = words.findIndex((word) => !PREFIX.test(word));
    if (first < 0 || OPERATORS.test(words.join(' '))) return false;
    words = words.slice(first);
    const name = path.basename(words[0]).split('.')[0];
    if (at > 0 && !ASKING.has(name)) {  // npm, found by a version manager
      return isShim(words[0]) && process.names().includes(name) && child.isOneScript();
    }
    if (TASK_RUNNERS.has(name)) words = this.withTask(words);
    return (ASKING.has(name) || isShim(words[0])) && child.isNamed(words);
  }

  // The words of the command line by which process number `at` was started, if hpp's command or a shell's -c
  // tells them.
  startedBy(at) {
    if (at + 1 === this.processes.length) return this.command;
    const { words } = this.processes[at + 1];
    const isTold = words.length > 2 && SHELLS.has(path.basename(words[0])) && words[1] === '-c';
    return isTold ? words[2].split(/\s+/).filter(Boolean) : [];
  }

  // These words of a task runner's command line, and those of the task that it names; none if others may run
  // before that.
  withTask(words) {
    const names = words.slice(1).filter((word) => !/^-|^(exec|run|x)$/.test(word));
    const hooks = ['pre_run', ...names.map((name) => `pre_${name}`)];
    const found = [...words];
    for (const file of this.files()) {
      if (!TASK_FILES.has(path.basename(file))) continue;
      for (const line of fs.readFileSync(file, 'utf8').split('\n').map((text) => text.trim())) {
        const key = line.split('=', 1)[0].trim().replace(/^["']|["']$/g, '');
        const value = line.slice(line.indexOf('=') + 1).trim();
        const table = line.startsWith('[') && line.replace(/^\[+|\]+$/g, '').split('.').pop();
        const isPlain = /^(["']).*\1$/.test(value) && !OPERATORS.test(value);
        if (names.includes(table) || hooks.includes(key) || (names.includes(key) && !isPlain)) return [];
        if (names.includes(key)) found.push(...value.slice(1, -1).split(/\s+/));
      }
    }
    return found;
  }

  // The files that wrappers have read before this process. A file that appears later counts, too, so
  // this is called again to compare.
  files() {
    const found = new Set();
    const folders = new Set();
    for (let { folder } of this.processes) {
      for (; !folders.has(folder) && folder !== '/'; folder = path.dirname(folder)) folders.add(folder);
    }
    for (const folder of folders) {
      let names = [];
      try {
        names = fs.readdirSync(folder);
      } catch {
        // The folder is gone, or not readable.
      }
      for (const name of names) {
        if (READ_BY_WRAPPERS.has(name) || name.startsWith('.env.')) found.add(path.join(folder, name));
      }
    }
    const own = this.processes[0];
    // The program itself is read after the gate.
    const after = new Set(own.words.map((word) => path.resolve(own.folder, word)));
    for (const process of this.processes.slice(1)) {
      found.add(process.program);
      addScripts(found, process.words, process.folder, after);
    }
    addScripts(found, this.command, this.processes[this.processes.length - 1].folder, after);
    // node --env-file
    for (const [at, word] of own.words.entries()) {
      const match = word.match(/^--env-file(?:-if-exists)?(?:=(.*))?$/);
      if (match) found.add(path.resolve(own.folder, match[1] ?? own.words[at + 1] ?? ''));
    }
    return found;
  }
}

// Whether this program is one of a version manager, which runs others to find the right one.
const isShim = (word) => {
  const places = word.includes('/') ? [''] : (process.env.PATH ?? '').split(':');
  const found = places.map((folder) => path.join(folder, word)).find((file) => fs.existsSync(file));
  return SHIMS.test(found ?? '');
};

// Adds the files that these words name, and the files that these name if they are scripts, but those in
// `after`.
const addScripts = (found, words, folder, after) => {
  for (const word of words.flatMap((text) => text.split(/\s+/)).slice(0, WORDS_MAX)) {
    const file = path.resolve(folder, word.replace(/^["'();&|]+|["'();&|]+$/g, ''));
    if (!word || found.has(file) || after.has(file)) continue;
    let text;
    try {
      if (!fs.statSync(file).isFile()) continue;
      text = fs.readFileSync(file).subarray(0, SCRIPT_BYTES_MAX).toString('latin1');
    } catch {
      continue;  // no such file, or too long to be a name
    }
    found.add(file);
    if (/^#!.*sh\b/.test(text) || /\.(sh|env|bash)$/.test(file)) addScripts(found, [text], folder, after);
  }
};

module.exports = { Chain };
