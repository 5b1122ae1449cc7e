// Tries which modules of a recording can be loaded early, and appends those that cannot. It runs in a
// process of its own, whose output is lost.
import fs from 'node:fs';
import { createRequire } from 'node:module';

const require = createRequire(import.meta.url);
const { projectOf } = require('./hpp_project.cjs');
const { Loader, readRecording } = require('./hpp_loader.cjs');

// What a module was refused may reach a promise without a handler.
process.on('unhandledRejection', () => {});
process.on('uncaughtException', () => {});

const [, , file, script, isEsModule, ...roots] = process.argv;
const append = fs.appendFileSync;
const loader = new Loader(readRecording(file), projectOf(roots), script);
const skips = () => [...loader.unfit].map((name) => `js skip ${name}\n`);
loader.endTrial = () => {
  loader.isActive = false;
  append(file, skips().join(''));
  process.reallyExit(0);
};
loader.loadModules(isEsModule === 'true');
await loader.loadImports();
const lines = [
  ...skips(),
  ...loader.setByProgram().map((name) => `js set ${name}\n`),
  ...loader.changedByProgram().map((name) => `js own ${name}\n`),
];
append(file, lines.length > 0 ? lines.join('') : 'js checked\n');
process.reallyExit(0);
