"""adapters/node, with programs that consist of ES modules."""

import subprocess
import time
import unittest

from gate import ADAPTERS, RACY_S
from test_node import NODE, PRINT, Project

MAJOR = int(subprocess.check_output([NODE, "-p", "process.versions.node"], text=True).split(".")[0]) if NODE else 0
# Prints at once.
PRINT_ES = "import fs from 'node:fs';\nfs.writeSync(1, '{}\\n');\n"


class EsProject(Project):
    """`modern` is a package of ES modules."""

    MAIN = ("node", "main.mjs")

    def setUp(self):
        super().setUp()
        self.write("node_modules/modern/package.json", '{"type": "module", "exports": "./index.js"}')
        self.modern = self.write("node_modules/modern/index.js", PRINT_ES.format("package"))
        self.write("main.mjs", "import 'modern';\n" + PRINT_ES.format("main"))

    def write_deep(self, text):
        self.write("node_modules/deep/package.json", '{"type": "module", "exports": "./index.js"}')
        return self.write("node_modules/deep/index.js", text)

    def check_unfit(self, *names, change=None):
        """After `change`, a spare prints what a cold start prints."""
        self.cold()
        spare = self.spare()
        self.assertEqual(spare.output(), "")
        self.assertEqual({(self.folder / "node_modules" / name / "index.js").as_uri() for name in names},
                         {*self.recorded("skip")})
        if change:
            change()
        self.assertEqual(spare.open(), "go")
        self.assertEqual(spare.finish(), (0, self.cold(), ""))


class Guard(EsProject):
    def test_a_module_below_the_package_that_the_program_imports(self):
        lib = self.write("node_modules/modern/lib.js", "export const a = 1;\n")
        deep = self.write_deep("export const b = 1;\n")
        common = self.write("node_modules/modern/common.cjs", "")
        self.modern.write_text("export * from './lib.js';\nexport * from 'deep';\nimport './common.cjs';\n"
                               + PRINT_ES.format("package"))
        for file in lib, deep, common, deep.parent / "package.json":
            with self.subTest(file.name):
                self.check_cold(file, lambda: file.write_text(file.read_text() + "\n"))

    def test_a_nearer_package(self):
        self.write_deep("")
        self.write("node_modules/modern/package.json", '{"type": "module", "exports": "./lib/index.js"}')
        self.write("node_modules/modern/lib/index.js", "import 'deep';\n" + PRINT_ES.format("package"))
        self.check_cold(self.folder / "node_modules/modern/node_modules",
                        lambda: self.write("node_modules/modern/node_modules/deep/index.js", ""))

    def test_a_file_that_comes_and_goes_in_the_folder_of_packages(self):
        """Watchman makes such files if hpp watches this folder."""
        self.cold()
        spare = self.spare()
        self.write("node_modules/.watchman-cookie", "").unlink()
        self.write("node_modules/.cache/file", "")
        self.assertEqual(spare.open(), "go")

    def test_a_package_with_a_scope_that_appears_nearer(self):
        self.write("node_modules/@scope/deep/package.json", '{"type": "module", "exports": "./index.js"}')
        self.write("node_modules/@scope/deep/index.js", "")
        self.write("node_modules/modern/node_modules/@scope/other/index.js", "")
        self.modern.write_text("import '@scope/deep';\n" + PRINT_ES.format("package"))
        self.check_cold(self.folder / "node_modules/modern/node_modules/@scope",
                        lambda: self.write("node_modules/modern/node_modules/@scope/deep/index.js", ""))

    def test_a_module_that_is_imported_while_a_package_is_loaded(self):
        lib = self.write("node_modules/modern/lib.js", "")
        self.modern.write_text("await import('./lib.js');\n" + PRINT_ES.format("package"))
        self.check_cold(lib, lambda: lib.write_text("\n"))

    def test_an_es_module_that_a_common_js_module_requires(self):
        lib = self.write("node_modules/deep/lib.mjs", "export const a = 1;\n")
        self.write_deep("export * from './lib.mjs';\n")
        self.write("node_modules/modern/package.json", "{}")
        self.modern.write_text("try { require('deep'); } catch { process.exit(); }\n" + PRINT.format("package"))
        self.write("main.mjs", "import 'modern';\n")
        if self.cold() == "":
            self.skipTest("this Node cannot do that")
        self.check_cold(lib, lambda: lib.write_text("export const a = 2;\n"))

    def test_files_that_are_read_with_await(self):
        settings = self.write("settings.json", "1")
        for number, text in enumerate((
                "import { readFile } from 'node:fs/promises';\nawait readFile('settings.json');\n",
                "import { promises } from 'node:fs';\nawait promises.stat('settings.json');\n",
                "import { open } from 'node:fs/promises';\nawait (await open('settings.json')).close();\n",
                "import { readFile } from 'node:fs';\nawait new Promise((done) => readFile('settings.json', done));\n",
                "import { realpathSync } from 'node:fs';\nrealpathSync.native('settings.json');\n")):
            with self.subTest(text):
                self.list.unlink(missing_ok=True)
                self.modern.write_text(text + PRINT_ES.format("package"))
                self.check_cold(settings, lambda: settings.write_text(f"{number} "))

    def test_a_file_of_the_project_that_a_trial_has_not_seen(self):
        """A package may import another file in each process. It is loaded once, and the program would not notice
        the next change."""
        settings = self.write("settings.mjs", "")
        name = self.top / "name"
        name.write_text(self.write("node_modules/modern/lib.js", "").as_uri())
        self.modern.write_text("import fs from 'node:fs';\n"
                               f"await import(fs.readFileSync('{name}', 'utf8'));\n"
                               "fs.writeSync(1, 'package\\n');\n")
        self.cold()
        self.assertEqual(self.spare().open(), "go")
        name.write_text(settings.as_uri())
        time.sleep(RACY_S)
        spare = self.spare()
        self.assertEqual(spare.open(), f"cold {settings}")
        self.assertEqual(self.spare().output(), "")


class Program(EsProject):
    def test_functions_that_it_imports_are_those_of_node(self):
        self.modern.write_text("import { spawn } from 'node:child_process';\nimport { readFile } from 'node:fs/promises';\n"
                               + PRINT_ES.format("package"))
        self.write("main.mjs", "import 'modern';\nimport { exec, spawn } from 'node:child_process';\n"
                   "import { readFile } from 'node:fs/promises';\nimport { promisify, types } from 'node:util';\n"
                   "const { stdout } = await promisify(exec)('echo exec');\n"
                   "console.log(stdout, ...[exec, spawn, readFile].map((each) => [String(each), types.isProxy(each)]));\n")
        out = self.cold()
        self.assertIn("exec", out)
        spare = self.spare()
        self.assertEqual((spare.output(), self.recorded("skip")), ("package\n", []))
        self.assertEqual(spare.open(), "go")
        self.assertEqual(spare.finish(), (0, out, ""))


class Unfit(EsProject):
    def test_a_package_that_imports_a_file_of_the_project(self):
        settings = self.write("settings.mjs", PRINT_ES.format("one"))
        self.modern.write_text("import path from 'node:path';\nimport { pathToFileURL } from 'node:url';\n"
                               "await import(pathToFileURL(path.resolve('settings.mjs')));\n")
        self.write_deep("import 'modern';\n")
        self.write("main.mjs", "import 'deep';\nimport 'modern';\n")
        # A trial that runs it ends, and has noted nothing.
        trap = "if (process.argv[1].includes('trial')) process.reallyExit();\n"
        settings.write_text(PRINT_ES.format("one") + trap)
        self.check_unfit("modern", "deep", change=lambda: settings.write_text(PRINT_ES.format("two") + trap))

    def test_a_package_that_imports_a_workspace(self):
        own = self.write("packages/own/index.mjs", PRINT_ES.format("one"))
        self.write("packages/own/package.json", '{"exports": "./index.mjs"}')
        (self.folder / "node_modules/own").symlink_to(own.parent)
        self.modern.write_text("export * from 'own';\n")
        self.check_unfit("modern", change=lambda: own.write_text(PRINT_ES.format("two")))

    def test_a_package_that_imports_what_is_not_parsed(self):
        self.write("settings.json", "1")
        self.modern.write_text("await import(new URL('../../settings.json', import.meta.url), "
                               "{ with: { type: 'json' } }).catch(() => {});\n")
        command = ("node", "--no-warnings", "main.mjs")
        self.run_gated("record", command).finish()
        spare = self.spare(command)
        self.assertEqual(self.recorded("skip"), [self.modern.as_uri()])
        self.assertEqual(spare.open(), "go")


class Options(EsProject):
    """Node runs what its options name before it waits for the adapter."""

    def test_refuses_a_file_of_the_project(self):
        boot = self.write("boot.cjs", "")
        self.MAIN = ("node", "-r", "./boot.cjs", "main.mjs")
        self.cold()
        spare = self.run_gated("preload", self.MAIN, **self.wanted)
        self.assertEqual(spare.wait_for("refuse"), f"{boot} would run before the gate")

    def test_compares_a_package_and_what_it_reads(self):
        """`dotenv` and `ts-node` are used in this way."""
        boot = self.write("node_modules/boot/index.js", "require('fs').readFileSync('boot.ini');\n")
        settings = self.write("boot.ini", "1")
        self.MAIN = ("node", "-r", "boot", "main.mjs")
        for file in boot, settings:
            self.check_cold(file, lambda: file.write_text(file.read_text() + " "))

    @unittest.skipIf(MAJOR == 18, "Node 18 runs all imports at once")
    def test_what_the_user_imports_runs_after_the_gate(self):
        boot = self.write("boot.mjs", PRINT_ES.format("one"))
        for variables, options in ({}, ["--import", "./boot.mjs"]), \
                ({"NODE_OPTIONS": f"--require={ADAPTERS / 'node/hpp_gate.cjs'} --import ./boot.mjs"}, []):
            with self.subTest(options):
                self.MAIN = ("node", *options, "main.mjs")
                self.cold(**variables)
                spare = self.run_gated("preload", self.MAIN, **{**variables, **self.wanted})
                spare.wait_for("ready")
                boot.write_text(PRINT_ES.format("two"))
                self.assertEqual(spare.open(), "go")
                self.assertEqual(spare.finish(), (0, "package\ntwo\nmain\n", ""))
                boot.write_text(PRINT_ES.format("one"))


class Finding(EsProject):
    def test_packages_behind_links_exist_once(self):
        """Node would not resolve the links if the newest file that `fs` has looked at were the gate."""
        for name in ("one", "two"):
            store = self.write(f"node_modules/.pnpm/{name}@1/node_modules/{name}/index.js",
                               "process.env.NEVER_SET;\nmodule.exports = class {};\n")
            (self.folder / "node_modules" / name).symlink_to(store.parent)
        self.write("main.mjs", "import { createRequire } from 'node:module';\nimport one from 'one';\n"
                   "import two from 'two';\nconst require = createRequire(import.meta.url);\n"
                   "console.log(one === require('one'), two === require('two'));\n")
        self.assertEqual(self.cold(), "true true\n")
        spare = self.spare()
        self.assertEqual(spare.open(), "go")
        self.assertEqual(spare.finish(), (0, "true true\n", ""))

    def test_the_text_of_a_file_says_what_it_imports(self):
        """Comments, strings, template literals and regular expressions may look like an import."""
        for name in "abcdefn":
            self.write(f"node_modules/{name}/index.mjs", PRINT_ES.format(name))
            self.write(f"node_modules/{name}/package.json", '{"exports": "./index.mjs"}')
        self.write("main.mjs", r"""#!/usr/bin/env node
/*
import 'n'
*/
import 'a'; // import 'n'
const text = 'a\
import "n"', template = `
import 'n'
${`
import 'n'
${{ a: { b: 1 } }.a}
` + { a: '}' }.a}
import 'n'
`;
import 'b'
const pattern = /[/`'"]\/`/.test(text), ratio = pattern / 2;
import * as c,
  from "c"
export * from 'd'
import
  'e'
const last = (1) / 2; // only a parser knows whether this divides
import 'f'
""".replace("as c,", "as c"))
        self.assertEqual(self.cold(), "a\nb\nc\nd\ne\nf\n")
        self.assertEqual(self.spare().output(), "a\nb\nc\nd\ne\n")

    def test_programs_that_node_takes_for_es_modules(self):
        text = "import 'modern';\n" + PRINT_ES.format("main")
        for settings, file, word in (('{"type": "module", "main": "app.js"}', "app.js", "."),
                                     ('{"type": "module"}', "index.js", "."), ('{"type": "module"}', "app.js", "app"),
                                     ("{}", "app.js", "app.js")):
            with self.subTest(settings=settings, word=word):
                self.list.unlink(missing_ok=True)
                self.write("package.json", settings)
                main = self.write(file, text)
                process = self.run_gated("record", ("node", word))
                process.wait_for("env")
                if process.finish()[0] != 0:
                    continue  # this Node does not look into the text, or wants the extension
                self.assertEqual(len(process.lines), 2, process.lines)
                self.wanted = dict([process.lines[1][4:].split("=", 1)])
                spare = self.spare(("node", word))
                self.assertEqual(spare.output(), "package\n")
                main.write_text(text.replace("main", "new"))
                self.assertEqual(spare.open(), "go")
                self.assertEqual(spare.finish()[:2], (0, "package\nnew\n"))
                main.unlink()


if __name__ == "__main__":
    unittest.main()
