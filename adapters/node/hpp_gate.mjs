// The part of hpp's adapter that ES modules need: Node waits for it before it loads the program.
const key = Symbol.for('hpp.gate');
const gate = globalThis[key];
if (gate) {
  delete globalThis[key];
  await gate.spare.preloadImports();
  gate.spare.wait();
  gate.goOn(gate.spare.loader.reads);
}
