"""adapters/node, with hpp's side of the gate played by tests/support/gate.py."""

import os
import shutil
import subprocess
import unittest

from gate import ADAPTERS, AdapterTest, GateTests

ADAPTER = ADAPTERS / "node" / "hpp_gate.cjs"
NODE = os.environ.get("HPP_TEST_NODE", shutil.which("node"))
# Prints at once: process.stdout is asynchronous for pipes.
PRINT = "require('fs').writeSync(1, '{}\\n');\n"


@unittest.skipUnless(NODE, "needs Node")
class Project(AdapterTest):
    """A project folder with packages, as npm installs them."""

    MAIN = ("node", "main.js")

    def setUp(self):
        super().setUp()
        self.package = self.write("node_modules/package/index.js", PRINT.format("package"))
        self.write("node_modules/package/package.json", '{"name": "package"}')
        self.write("package.json", '{"scripts": {"start": "node main.js"}}')
        self.write("shop.js", PRINT.format("shop"))
        self.write("main.js", "require('package'); require('./shop');\n" + PRINT.format("main"))

    def write(self, name, text):
        """All files are in the project folder."""
        return super().write(f"project/{name}", text)

    def environment(self, **variables):
        return {"PATH": os.path.dirname(NODE) + ":/usr/bin:/bin", "HOME": str(self.top),
                "NODE_OPTIONS": f"--require={ADAPTER}", **variables}


class Loading(Project):
    def test_loads_modules_from_outside_the_project_before_the_gate(self):
        self.assertEqual(self.cold(), self.OUT)
        self.assertEqual(self.recorded("module"), [str(self.package)])
        spare = self.spare()
        self.assertEqual(spare.output(), "package\n")
        self.assertEqual(spare.open(), "go")
        self.assertEqual(spare.finish(), (0, self.OUT, ""))

    def test_leaves_no_trace(self):
        self.write("main.js", """
const fs = require('fs');
require('package');
const names = Object.keys(require.cache).map((name) => require('path').relative(__dirname, name));
console.log(process.argv.slice(1), process.execArgv, Object.entries(process.env).sort(), names.sort());
console.log(require.main === module, process.mainModule === module, module.children.length, fs.readFileSync.name);
console.log(require('child_process').execFileSync(process.execPath, ['-p', 'process.env.HPP_GATE'], {encoding: 'utf8'}));
console.log(fs.readdirSync('/proc/self/fd').filter((name) => name > 64));
console.log(new Error('trace').stack, globalThis[Symbol.for('hpp.gate')]);
""")
        plain = subprocess.run([NODE, "main.js"], cwd=self.folder, capture_output=True, text=True, check=True,
                               env={"PATH": os.path.dirname(NODE) + ":/usr/bin:/bin", "HOME": str(self.top)}).stdout
        self.assertEqual(self.cold(), plain)
        spare = self.spare()
        self.assertEqual(spare.open(), "go")
        self.assertEqual(spare.finish(), (0, plain, ""))

    def test_es_modules(self):
        self.write("node_modules/modern/package.json",
                   '{"type": "module", "exports": {".": {"import": "./in.js"}, "./*": "./lib/*.js"}}')
        self.write("node_modules/modern/in.js",
                   "import fs from 'node:fs';\nfs.writeSync(1, 'modern\\n');\nexport const colour = 1;\n")
        self.write("node_modules/modern/lib/part.js", "export default 2;\n")
        self.write("part.mjs", "import part from 'modern/part';\nimport 'package';\n")
        self.write("main.mjs", """
import { colour } from 'modern';
import './part.mjs';
console.log('main', colour);
""")
        command = ("node", "main.mjs")
        self.assertEqual(self.cold(command), "modern\npackage\nmain 1\n")
        self.assertEqual(list(self.wanted), ["NODE_OPTIONS"])
        spare = self.spare(command)
        self.assertEqual(len(self.recorded("import")), 3)
        self.assertEqual(spare.output(), "package\nmodern\n")
        self.assertEqual(spare.open(), "go")
        self.assertEqual(spare.finish(), (0, "package\nmodern\nmain 1\n", ""))

    def test_functions_that_a_package_keeps_are_those_of_node(self):
        self.package.write_text("""
const { exec, execFile } = require('child_process'), { lookup } = require('dns'), fs = require('fs');
const { promisify } = require('util');
const { readFileSync, realpathSync } = fs;
const kept = [exec, execFile, lookup, readFileSync, realpathSync.native, require('worker_threads').Worker];
exports.run = async () => {
  let stack;
  try { readFileSync('/absent'); } catch (error) { ({ stack } = error); }
  const { stdout } = await promisify(exec)('echo exec');
  const { address } = await promisify(lookup)('127.0.0.1');
  return [stdout, address, stack, ...kept.map((each) => [each.name, each.length, typeof each.prototype])];
};
""")
        self.write("main.js", "require('package').run().then(console.log);\n")
        out = self.cold()
        self.assertIn("exec", out)
        spare = self.spare()
        self.assertEqual(self.recorded("skip"), [])
        self.assertEqual(spare.open(), "go")
        self.assertEqual(spare.finish(), (0, out, ""))

    def test_the_program_has_the_users_variables(self):
        """hpp adds its adapters for other languages, too."""
        names = ("NODE_OPTIONS", "PYTHONPATH", "RUBYOPT")
        self.write("main.js", f"require('package');\nfor (const name of {list(names)}) console.log(process.env[name]);\n")
        python, ruby = str(ADAPTERS / "python"), f"-r{ADAPTERS / 'ruby' / 'hpp_gate.rb'}"
        for variables, expected in (({"PYTHONPATH": python, "RUBYOPT": ruby}, "undefined\n" * 3),
                                    ({"PYTHONPATH": f"{python}:/own:{python}-own", "RUBYOPT": f"{ruby} -W0",
                                      "NODE_OPTIONS": f"--require={ADAPTER} --no-warnings"},
                                     f"--no-warnings\n/own:{python}-own\n-W0\n")):
            self.list.unlink(missing_ok=True)
            self.assertEqual(self.cold(**variables), "package\n" + expected)
            spare = self.spare(**variables)
            self.assertEqual(spare.go_on(), [])
            self.assertEqual(spare.finish(), (0, "package\n" + expected, ""))

    def test_workers_and_forks_do_not_see_the_gate(self):
        self.write("main.js", """
const { Worker, isMainThread } = require('worker_threads');
if (process.argv[2]) process.exit(0);
if (isMainThread) {
  new Worker(__filename);
  require('child_process').fork(__filename, ['child']);
  require('package');
} else {
  console.log('worker', process.env.HPP_GATE, process.env.NODE_OPTIONS);
}
""")
        self.assertEqual(self.cold(), "package\nworker undefined undefined\n")

    @unittest.skipUnless(shutil.which("npm"), "needs npm")
    def test_npm_passes_the_gate_on(self):
        command = ("npm", "start", "--silent")
        self.assertEqual(self.cold(command), self.OUT)
        spare = self.spare(command)
        self.assertEqual(spare.output(), "package\n")
        self.assertEqual(spare.open(), "go")
        self.assertEqual(spare.finish(), (0, self.OUT, ""))

    def test_a_wrapper_that_starts_another_node_passes_the_gate_on(self):
        """tsx does this: it starts Node with a hook that translates TypeScript."""
        self.write("node_modules/tsx/hook.cjs", "require.extensions['.ts'] = (module, file) => module._compile(\n"
                   "  require('fs').readFileSync(file, 'utf8').replace(/: string/g, ''), file);\n")
        cli = self.write("node_modules/tsx/cli.js", """
const { spawn } = require('child_process');
const hook = require.resolve('./hook.cjs');
spawn(process.execPath, ['--require', hook, ...process.argv.slice(2)], { stdio: ['inherit', 'inherit', 'inherit', 'ipc'] })
  .on('exit', (code) => process.exit(code));
""")
        self.write("main.ts", "const text: string = 'main\\n';\nrequire('package'); require('./shop');\n"
                   "require('fs').writeSync(1, text);\n")
        command = ("node", str(cli), "main.ts")
        self.assertEqual(self.cold(command), self.OUT)
        self.assertIn(str(self.package), self.recorded("module"))
        spare = self.spare(command)
        self.assertEqual(spare.output(), "package\n")
        self.write("shop.js", PRINT.format("new shop"))
        self.assertEqual(spare.open(), "go")
        self.assertEqual(spare.finish(), (0, "package\nnew shop\nmain\n", ""))

    def test_a_package_of_pnpm(self):
        store = self.write("node_modules/.pnpm/linked@1/node_modules/linked/index.js", PRINT.format("linked"))
        (self.folder / "node_modules/linked").symlink_to(store.parent)
        self.write("main.js", "require('linked');\n")
        self.cold()
        self.assertEqual(self.recorded("module"), [str(store)])
        self.assertEqual(self.spare().output(), "linked\n")

    def test_a_link_to_the_program_that_is_switched(self):
        for name in ("one", "two"):
            self.write(f"{name}/main.js", "require('package');\n" + PRINT.format(name))
        link = self.folder / "current"
        link.symlink_to("one")
        for self.MAIN in ("node", "current/main.js"), ("node", "current/main"):
            with self.subTest(self.MAIN):
                link.unlink()
                link.symlink_to("one")
                self.assertEqual(self.cold(), "package\none\n")
                spare = self.spare()
                link.unlink()
                link.symlink_to("two")
                self.assertEqual(spare.open(), "go")
                self.assertEqual(spare.finish(), (0, "package\ntwo\n", ""))

    def test_a_linked_folder_of_packages(self):
        """As in a working tree of git. hpp watches where the link leads."""
        outside = self.top / "other" / "node_modules"
        outside.parent.mkdir()
        (self.folder / "node_modules").rename(outside)
        (self.folder / "node_modules").symlink_to(outside)
        roots = [str(self.folder), str(outside)]
        self.assertEqual(self.cold(roots=roots), self.OUT)
        self.assertEqual(self.spare(roots=roots).output(), "package\n")

    def test_a_workspace_belongs_to_the_project(self):
        self.write("packages/own/index.js", PRINT.format("own"))
        (self.folder / "node_modules/own").symlink_to(self.folder / "packages/own")
        self.write("main.js", "require('own'); require('package');\n")
        self.cold()
        self.assertEqual(self.spare().output(), "package\n")


class Unfit(Project):
    def check_skipped(self, *packages):
        out = self.cold()
        spare = self.spare()
        self.assertEqual({str(self.folder / "node_modules" / name / "index.js") for name in packages}
                         - {*self.recorded("skip")}, set())
        self.assertEqual(spare.output(), "")
        self.assertEqual(spare.open(), "go")
        self.assertEqual(spare.finish(), (0, out, ""))

    def test_loads_the_project_and_catches_the_error(self):
        self.package.write_text("try { require('../../shop'); } catch { require('fs').writeSync(1, 'caught\\n'); }\n")
        self.check_skipped("package")

    def test_reads_a_variable_that_the_program_sets(self):
        self.package.write_text("require('fs').writeSync(1, process.env.COLOUR + '\\n');\n")
        self.write("node_modules/outer/index.js", "require('package');\n")
        self.write("main.js", "process.env.COLOUR = 'green';\nrequire('outer');\n")
        self.check_skipped("package", "outer")

    def test_does_more_than_to_read(self):
        for text in ("require('child_process').execSync('true');\n", "require('fs').writeFileSync('written', '');\n",
                     "require('net').connect(1, '127.0.0.1').on('error', () => {});\n",
                     "require('http').createServer().listen(0).unref();\n", "require('fs').readdirSync('.');\n",
                     "process.chdir('/');\n", "new (require('worker_threads').Worker)('', { eval: true });\n",
                     "require('util').promisify(require('child_process').exec)('true');\n",
                     "require('fs').promises.writeFile('written', '');\n", "require('fs').readFile('main.js', () => {});\n",
                     "require('fs').promises.readFile('main.js');\n"):
            with self.subTest(text):
                self.list.unlink(missing_ok=True)
                self.package.write_text(text)
                self.check_skipped("package")

    def test_connects_in_a_promise_without_a_handler(self):
        """A part of tsx does this. It must not end the trial, which then tells nothing."""
        self.package.write_text("new Promise((_, no) => require('net').connect(1, '127.0.0.1').on('error', no))"
                                ".catch(() => {});\nnew Promise(() => require('net').connect(1, '127.0.0.1')"
                                ".on('error', () => {}));\n")
        self.write("node_modules/modern/package.json", '{"type": "module", "exports": "./in.js"}')
        self.write("node_modules/modern/in.js", "await new Promise((done) => setTimeout(done, 10));\n")
        self.write("main.mjs", "import 'modern';\nimport 'package';\n")
        command = ("node", "main.mjs")
        self.cold(command)
        spare = self.spare(command)
        self.assertIn("checked", self.list.read_text())
        self.assertIn(str(self.package), self.recorded("skip"))
        self.assertEqual(spare.open(), "go")

    def test_needs_the_main_module(self):
        self.package.write_text("exports.name = () => require.main.filename;\n")
        self.write("main.js", "require('fs').writeSync(1, require('package').name() + '\\n');\n")
        out = self.cold()
        spare = self.spare()
        spare.open()
        self.assertEqual((spare.finish(), self.recorded("skip")), ((0, out, ""), []))


class Variables(Project):
    """A change makes the program set a variable that it has never set, and a package has read it early."""

    def setUp(self):
        super().setUp()
        self.package.write_text("exports.COLOUR = process.env.COLOUR;\n" + PRINT.format("package"))

    def change(self, text, command=None, **variables):
        """Returns what a spare says after `go` whose program is this now."""
        self.list.unlink(missing_ok=True)
        self.cold(command, **variables)
        spare = self.spare(command, **variables)
        self.assertEqual((spare.output(), self.recorded("skip")), ("package\n", []))
        main = self.folder / (command or self.MAIN)[1]
        before = main.read_text()
        main.write_text(text)
        lines = spare.go_on()
        self.assertEqual(spare.finish()[0], 0, spare.text(spare.err))
        main.write_text(before)
        return lines

    def test_every_way_to_change_it(self):
        for text in ("process.env.COLOUR = 'red';", "Object.assign(process.env, { COLOUR: 'red' });",
                     "delete process.env.COLOUR;", "Reflect.deleteProperty(process.env, 'COLOUR');",
                     "Object.defineProperty(process.env, 'COLOUR',\n"
                     "  { value: 'red', configurable: true, writable: true, enumerable: true });"):
            with self.subTest(text):
                self.assertEqual(self.change(f"{text}\nrequire('package');\n", COLOUR="blue"), ["variable COLOUR"])
                self.assertIn("COLOUR", self.recorded("env"))

    def test_it_is_restored_after_the_package_was_loaded(self):
        text = "process.env.COLOUR = 'red';\nrequire('package');\ndelete process.env.COLOUR;\n"
        self.assertEqual(self.change(text), ["variable COLOUR"])

    def test_the_same_value_and_other_variables_do_not_matter(self):
        text = "process.env.COLOUR = 'red'; process.env.TASTE = 'sweet';\nrequire('package');\n"
        self.assertEqual(self.change(text, COLOUR="red"), [])

    def test_a_process_of_the_program_may_set_it(self):
        text = "require('child_process').spawnSync('true', { env: { ...process.env, COLOUR: 'red' } });\n"
        self.assertEqual(self.change(text + "require('package');\n"), [])

    def test_an_es_module(self):
        """Nothing tells in which order the program loads such a package and sets the variable, so the variables
        are compared when the server listens."""
        self.write("node_modules/modern/package.json", '{"type": "module", "exports": "./in.js"}')
        self.write("node_modules/modern/in.js", "import fs from 'node:fs';\nfs.writeSync(1, 'package\\n');\n"
                   "export const colour = process.env.COLOUR;\n")
        serve = "import http from 'node:http';\nconst server = http.createServer();\n" \
                "server.listen(0, 'localhost', () => server.close());\n"
        self.write("colour.mjs", "process.env.COLOUR = 'red';\n")
        self.write("main.mjs", "import 'modern';\n" + serve)
        command = ("node", "main.mjs")
        self.assertEqual(self.change("import './colour.mjs';\nimport 'modern';\n" + serve, command), ["variable COLOUR"])
        self.assertEqual(self.spare(command).output(), "")

    def test_a_package_that_copies_the_environment_has_read_each_variable(self):
        for text in "({ ...process.env })", "Object.assign({}, process.env)", "Object.entries(process.env)":
            with self.subTest(text):
                self.package.write_text(f"exports.copy = {text};\n" + PRINT.format("package"))
                self.assertEqual(self.change("process.env.ANY = '';\nrequire('package');\n"), ["variable ANY"])
                self.assertEqual(self.spare().output(), "")

    def test_a_package_that_picks_variables_by_their_names(self):
        """`debug` does this."""
        self.package.write_text("exports.names = Object.keys(process.env).filter((name) => /^debug_/i.test(name));\n"
                                + PRINT.format("package"))
        self.assertEqual(self.change("process.env.DATABASE_URL = 'x';\nrequire('package');\n"), [])
        self.assertEqual(self.change("process.env.DEBUG_COLORS = 'no';\nrequire('package');\n"), ["variable DEBUG_COLORS"])

    def test_the_package_is_unfit_at_the_next_start(self):
        """Also if the server ran already when it set the variable, so that hpp has not started it again."""
        self.assertEqual(self.change("process.env.COLOUR = 'red';\nrequire('package');\n"), ["variable COLOUR"])
        self.assertEqual((self.spare().output(), self.recorded("skip")), ("", [str(self.package)]))

    def test_after_a_cold_start_the_variable_is_no_reason_again(self):
        listen = "const server = require('http').createServer().listen(0, 'localhost', () => server.close());\n"
        for text in ("require('package');\nprocess.env.COLOUR = 'red';\n" + listen,
                     "process.env.COLOUR = 'red';\nrequire('package');\n" + listen):
            with self.subTest(text):
                self.list.unlink(missing_ok=True)
                self.write("main.js", text)
                self.cold()
                self.assertEqual(self.spare().go_on(), [])

    def test_a_package_that_sets_what_it_has_read(self):
        self.package.write_text("process.env.COLOUR ??= 'red';\n" + PRINT.format("package"))
        self.cold()
        spare = self.spare()
        self.assertEqual(spare.output(), "package\n")
        self.assertEqual(spare.go_on(), [])

    def test_a_package_that_keeps_the_environment_can_change_it(self):
        self.package.write_text("const { env } = process;\nexports.set = (name) => { env[name] = 'new'; };\n"
                                "exports.remove = (name) => delete env[name];\n")
        self.write("main.js", "const { set, remove } = require('package');\nset('HOME'); set('NEW'); remove('PATH');\n"
                   "require('fs').writeSync(1, JSON.stringify(Object.entries(process.env).sort()));\n")
        out = self.cold()
        spare = self.spare()
        self.assertEqual(spare.open(), "go")
        self.assertEqual(spare.finish(), (0, out, ""))

    def test_the_program_sees_the_usual_objects(self):
        self.write("main.js", "require('package');\nconst listen = require('net').Server.prototype.listen;\n"
                   "const server = require('http').createServer().listen(0, 'localhost', () => server.close());\n"
                   "const after = require('net').Server.prototype.listen;\n"
                   "require('fs').writeSync(1, require('util').inspect([process.env, { ...process.env },\n"
                   "  structuredClone(process.env), require('util').types.isProxy(process.env), listen.name, after, String(after)]));\n")
        out = self.cold()
        spare = self.spare()
        self.assertEqual(spare.go_on(), [])
        self.assertEqual(spare.finish(), (0, out, ""))


class Guard(Project):
    def test_edited_and_removed_package(self):
        self.check_cold(self.package, lambda: self.package.write_text(PRINT.format("PACKAGE")))
        self.package.write_text(PRINT.format("package"))
        self.check_cold(self.package, self.package.unlink)

    def test_package_json_of_a_package(self):
        path = self.folder / "node_modules/package/package.json"
        self.check_cold(path, lambda: path.write_text('{"name": "package", "main": "other.js"}'))

    def test_a_package_that_was_looked_for(self):
        self.package.write_text("try { require('optional'); } catch {}\n" + PRINT.format("package"))
        self.check_cold(self.folder / "node_modules/optional",
                        lambda: self.write("node_modules/optional/index.js", ""))

    def test_a_nearer_package(self):
        self.write("node_modules/inner/index.js", "")
        self.package.write_text("require('inner');\n" + PRINT.format("package"))
        path = self.folder / "node_modules/package/node_modules/inner"
        self.check_cold(path, lambda: self.write("node_modules/package/node_modules/inner/index.js", ""))

    def test_files_of_the_project(self):
        self.write("package.ini", "old")
        self.package.write_text("require('fs').readFileSync('package.ini'); require('fs').existsSync('absent');\n"
                                + PRINT.format("package"))
        for name in "package.ini", "absent", ".env", "package.json":
            self.check_cold(self.folder / name, lambda: self.write(name, "{} "))

    def test_files_of_the_project_that_change_with_each_save(self):
        self.cold()
        spare = self.spare()
        self.write("shop.js", PRINT.format("new shop"))
        self.write("new.js", "")
        self.assertEqual(spare.open(), "go")
        self.assertEqual(spare.finish(), (0, "package\nnew shop\nmain\n", ""))


class Gate(GateTests, Project):
    def test_refuses_a_command_that_runs_something_before(self):
        self.write("loader.mjs", "")
        for command in ("cat main.js >/dev/null; node main.js; true", "exec node --loader ./loader.mjs main.js"):
            process = self.run_gated("record", command)
            self.assertIsNotNone(process.wait_for("refuse"))

    def test_refuses_a_debugger(self):
        """Its port can be used by one process at a time."""
        for command, options in (("node", "--inspect=127.0.0.1:0", "main.js"), ""), (self.MAIN, " --inspect=0"):
            with self.subTest(command):
                variables = {"NODE_OPTIONS": f"--require={ADAPTER}{options}"} if options else {}
                process = self.run_gated("record", command, **variables)
                self.assertIn("debugger", process.wait_for("refuse"))
                process.kill()


if __name__ == "__main__":
    unittest.main()
