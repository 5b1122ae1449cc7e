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
    this.hasGate = ('\0' + fs.readFileSync(`/proc/${pid}/environ`, 'latin1')).includes('\0HPP_GATE=');
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
      if (process.hasWaited && !isShim(process.words)) return `${text} runs another program before it`;
      if (process.children().some((pid) => pid !== this.processes[at - 1].pid)) {
        return `${text} runs several programs at once`;
      }
    }
    if (this.processes[0].hasWaited && !isShim(this.command)) {
      return `\`${this.command.join(' ')}\` runs another program before it`;
    }
    return '';
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

// Whether the command is a package manager or a version manager, which run programs of their own.
const isShim = (words) => {
  if (words.length === 0) return false;
  const [word] = words[0].split(' ');
  if (WRAPPERS.has(path.basename(word).split('.')[0])) return true;
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
