"""adapters/node: what a program changes before it loads a package."""

import unittest

from test_node import PRINT, Project


class State(Project):
    def check(self, *early):
        """The next spare loads only these packages early, and prints what a cold start prints."""
        out = self.cold()
        spare = self.spare()
        self.assertEqual(spare.output(), "".join(f"{name}\n" for name in early))
        self.assertEqual(spare.go_on(), [])
        status, printed, err = spare.finish()
        self.assertEqual((status, sorted(printed.splitlines()), err), (0, sorted(out.splitlines()), ""))
        return out

    def write_package(self, name, text):
        return self.write(f"node_modules/{name}/index.js", text + PRINT.format(name))

    def test_the_working_folder(self):
        self.write("sub/colour", "green")
        self.package.write_text("const { readFileSync } = require('fs');\n"
                                "try { console.log(readFileSync('colour', 'utf8')); } catch { console.log('none'); }\n"
                                + PRINT.format("package"))
        self.write_package("first", "")
        self.write("main.js", "require('first'); process.chdir('sub'); require('package');\n")
        self.assertIn("green", self.check("first"))

    def test_hooks_of_the_loader(self):
        for hook in ("Module.prototype.require", "Module._load", "Module._extensions['.js']", "Module._resolveFilename"):
            with self.subTest(hook):
                self.list.unlink(missing_ok=True)
                self.write_package("outer", "require('package');\n")
                self.write("main.js", f"const Module = require('module'), original = {hook};\n"
                           f"{hook} = function (...values) {{ return original.apply(this, values); }};\n"
                           "require('outer');\n")
                self.check()

    def test_a_global_variable_that_the_package_names(self):
        self.package.write_text("console.log(globalThis.colour);\n" + PRINT.format("package"))
        self.write_package("other", "")
        self.write("main.js", "globalThis.colour = 'green'; require('package'); require('other');\n")
        self.assertIn("green", self.check("other"))

    def test_what_a_package_changes_itself(self):
        self.write_package("first", "globalThis.colour = 'green'; require.extensions['.own'] = () => {};\n"
                           "const Module = require('module'), load = Module._load;\n"
                           "Module._load = function (...values) { return load.apply(this, values); };\n")
        self.package.write_text("console.log(globalThis.colour);\n" + PRINT.format("package"))
        self.write("main.js", "require('first'); require('package');\n")
        out = self.cold()
        spare = self.spare()
        self.assertEqual((self.recorded("skip"), spare.output()), ([], out))

    def test_a_package_that_changes_others(self):
        """The packages of OpenTelemetry do this by way of these."""
        for name in "require-in-the-middle", "@opentelemetry/instrumentation-http", "dd-trace":
            with self.subTest(name):
                self.list.unlink(missing_ok=True)
                self.write_package("first", "")
                self.write_package(name, "")
                self.write("main.js", f"require('first'); require('{name}'); require('package');\n")
                self.check("first")

    def test_es_modules_beside_a_package_that_changes_others(self):
        self.write("node_modules/modern/package.json", '{"type": "module", "exports": "./index.js"}')
        self.write_package("modern", "const require = () => fs;\nimport fs from 'node:fs';\n")
        self.write_package("newrelic", "")
        self.write("main.mjs", "import 'newrelic';\nimport 'modern';\n")
        self.MAIN = ("node", "main.mjs")
        self.check()

    def test_a_change_after_the_package_was_recorded(self):
        """The package is too early once. The adapter says so, and the next start is right."""
        self.package.write_text("exports.folder = process.cwd();\n" + PRINT.format("package"))
        self.write("main.js", "require('package');\n")
        self.cold()
        spare = self.spare()
        self.assertEqual(spare.output(), "package\n")
        self.write("main.js", "process.chdir('/');\nrequire('package');\n")
        self.assertEqual(spare.go_on(), ["variable process.cwd()"])
        self.assertEqual(spare.finish()[0], 0)
        self.assertEqual(self.spare().output(), "")


if __name__ == "__main__":
    unittest.main()
