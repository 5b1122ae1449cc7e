"""Packages, the interpreter and the build change while a spare waits (--warm). The next answer is fresh,
and the start is cold if the spare has read what has changed. Also: many saves, each followed by a request."""

import os
import shutil
import signal
import unittest

from harness import PYTHON, get, processes_with, wait_for
from restarts import is_sanitized
from test_warm import WarmTest

# A pair is a save and a request.
PAIRS = int(os.environ.get("HPP_TEST_WARM_PAIRS", 20 if is_sanitized() else 60))
# Which of the pairs wait until a spare is ready. The others meet it at any moment.
WAITS = int(os.environ.get("HPP_TEST_WARM_PAIRS_WAIT", 2))

NODE_SERVER = """\
const slow = require('slow');
const { TEXT } = require('./app');
require('http').createServer((request, response) => response.end(`${TEXT} ${slow.VERSION} ${process.pid}`))
  .listen(Number(process.argv[2]), 'localhost');
"""


RUBY_SERVER = """\
require 'socket'
require_relative 'app'
require 'slow'
server = TCPServer.new('localhost', ARGV[0].to_i)
loop do
  Thread.new(server.accept) do |client|
    next client.close unless client.gets
    nil until client.gets.to_s.chomp.empty?
    body = "#{TEXT} #{SLOW} #{Process.pid}"
    client.write("HTTP/1.1 200 OK\\r\\nContent-Length: #{body.bytesize}\\r\\nConnection: close\\r\\n\\r\\n#{body}")
    client.close
  end
end
"""


class AdapterTest(WarmTest):
    def save_ruby_app(self, text):
        self.save("app.rb", f"TEXT = '{text}'\n")

    def save_ruby_project(self, package="SLOW = 1\n"):
        """A server with a package outside of the project."""
        self.save_ruby_app("first")
        (self.packages / "slow.rb").write_text(package)
        self.save("server.rb", RUBY_SERVER)
        self.environment["RUBYLIB"] = str(self.packages)

    def save_app(self, text):
        self.save("app.js", f"exports.TEXT = '{text}';\n")

    def save_node_project(self):
        """A server with a package in node_modules."""
        self.save_app("first")
        self.save("node_modules/slow/index.js", "exports.VERSION = '1';\n")
        self.save("server.js", NODE_SERVER)

    def start_node(self):
        self.start("--pattern", "*.js", command=("node", "server.js", "{backend}"))


class Packages(AdapterTest):
    def replace(self, folder, write):
        """Replaces a folder as package managers do: the new one is complete when it gets its name."""
        fresh, old = folder.with_name("fresh"), self.directory / "old"
        fresh.mkdir()
        write(fresh)
        if folder.exists():
            folder.rename(old)
        fresh.rename(folder)
        shutil.rmtree(old, ignore_errors=True)

    def check_update(self, update, save, because):
        """`update(version)` installs another version of a package that the spare has loaded."""
        after = self.wait_spare()
        update("2")
        save("second")
        self.assert_serves("second", "2")
        self.assert_cold(3, because)
        self.wait_spare(after)
        save("third")
        self.assert_serves("third", "2")
        self.assert_warm(4)

    def test_pip_install(self):
        packages = self.directory / "site-packages"
        packages.mkdir()

        def install(version):
            self.replace(packages / "slow", lambda folder: (folder / "__init__.py").write_text(
                f"VERSION = {version!r}\n"))
            for info in packages.glob("*.dist-info"):
                shutil.rmtree(info)
            self.replace(packages / f"slow-{version}.dist-info", lambda folder: (folder / "METADATA").write_text(
                f"Name: slow\nVersion: {version}\n"))

        install("1")
        (self.packages / "slow.py").unlink()
        self.use_adapter_for_python(packages)
        self.start(command=(PYTHON, "../server.py", "{backend}"))
        self.check_update(install, self.save_text, r"site-packages/slow\S* has changed since the spare loaded it")

    @unittest.skipUnless(shutil.which("node"), "node is not installed")
    def test_npm_install(self):
        def install(version):
            def write(folder):
                (folder / "package.json").write_text(f'{{"name": "slow", "version": "{version}.0.0"}}\n')
                (folder / "index.js").write_text(f"exports.VERSION = '{version}';\n")

            self.replace(self.project / "node_modules" / "slow", write)

        self.save_node_project()
        install("1")
        self.start_node()
        self.check_update(install, self.save_app, r"node_modules/slow\S* has changed since the spare loaded it")

    @unittest.skipUnless(shutil.which("node"), "node is not installed")
    def test_a_lock_file(self):
        self.save_node_project()
        self.save("package-lock.json", "{}")
        self.start_node()
        self.wait_spare()
        self.save("package-lock.json", '{"lockfileVersion": 3}')
        self.save_app("second")
        self.assert_serves("second")
        self.assert_cold(2, "package-lock.json has changed since the spare was started")

    def test_a_package_in_a_root_belongs_to_the_project(self):
        """A spare does not load it, so each change of it is served by a warm start."""
        self.start("--root", "../packages")
        after = self.wait_spare()
        for generation, version in (2, "2"), (3, "3"):
            self.save_package(version)
            wait_for(lambda: self.hpp.generation == generation, "a restart")
            self.assert_serves("first", version)
            self.assert_warm(generation)
            after = self.wait_spare(after)


class Variables(AdapterTest):
    """A save makes the program set a variable that a package has read early."""

    def check(self, command, save, save_with_colour):
        self.start("--pattern", "app.*", command=command)
        after = self.wait_spare()
        save_with_colour("second")
        self.assert_serves("second", "red")
        self.assert_cold(3, "your server has set COLOUR after the spare had read it")
        self.hpp.wait_line("Killing: your server has set COLOUR after the spare had read it; starting your "
                           "server without the spare")
        after = self.wait_spare(after)
        save_with_colour("third")
        self.assert_serves("third", "red")
        self.assert_warm(4)
        self.wait_spare(after)
        save("fourth")
        self.assert_serves("fourth", "none")
        self.assert_warm(5)

    def test_the_adapter_for_python(self):
        (self.packages / "slow.py").write_text("import os\nVERSION = os.environ.get('COLOUR', 'none')\n")
        self.save_server(second="import app")
        self.use_adapter_for_python()
        self.check((PYTHON, "../server.py", "{backend}"), self.save_text, lambda text: self.save(
            "app.py", f"import os\nos.environ['COLOUR'] = 'red'\nimport slow\nTEXT = {text!r}\n"))


    @unittest.skipUnless(shutil.which("node"), "node is not installed")
    def test_the_adapter_for_node(self):
        self.save_node_project()
        self.save("node_modules/slow/index.js", "exports.VERSION = process.env.COLOUR ?? 'none';\n")
        self.save("server.js", "require('./app');\n" + NODE_SERVER)
        self.check(("node", "server.js", "{backend}"), self.save_app, lambda text: self.save(
            "app.js", f"process.env.COLOUR = 'red';\nexports.TEXT = '{text}';\n"))


    @unittest.skipUnless(shutil.which("ruby"), "ruby is not installed")
    def test_the_adapter_for_ruby(self):
        self.save_ruby_project("SLOW = ENV['COLOUR'] || 'none'\n")
        self.check(("ruby", "server.rb", "{backend}"), self.save_ruby_app, lambda text: self.save(
            "app.rb", f"ENV['COLOUR'] = 'red'\nTEXT = '{text}'\n"))


class Command(WarmTest):
    def test_a_new_interpreter(self):
        link = self.directory / "python"
        link.symlink_to(PYTHON)
        self.start(command=(link, "-EB", "../server.py", "{backend}"))
        after = self.wait_spare()
        other = self.directory / "other"
        shutil.copy(PYTHON, other)
        fresh = self.directory / "fresh-link"
        fresh.symlink_to(other)
        fresh.replace(link)
        self.save_text("second")
        pid = self.assert_serves("second")
        self.assertEqual(os.readlink(f"/proc/{pid}/exe"), str(other))
        self.assert_cold(2, "python has changed since the spare was started")
        self.wait_spare(after)
        self.save_text("third")
        self.assert_serves("third")
        self.assert_warm(3)

    def block_build(self):
        """A save while a spare waits. The build does not end, except if there is no file `block`. Returns the
        spare."""
        build = f"test ! -e ../block || exec env BUILDS={self.mark} sleep 1000"
        self.start("--build", build, "--pattern", "app.py")
        self.wait_spare()
        spare, = self.spares()
        (self.directory / "block").touch()
        self.save_text("second")
        return spare

    def builds(self):
        return processes_with("BUILDS", self.mark)

    def test_a_build_that_is_killed(self):
        """The spare outlives it, and its gate opens after the next build."""
        spare = self.block_build()
        build, = wait_for(self.builds, "the build")
        os.kill(build, signal.SIGKILL)
        self.hpp.wait_state("Error")
        self.assertIn(spare, self.left())
        (self.directory / "block").unlink()
        self.save_text("third")
        self.assertEqual(self.assert_serves("third"), spare)

    def test_a_save_during_a_build(self):
        """It ends the build with the old tree, but not the spare."""
        spare = self.block_build()
        wait_for(self.builds, "the build")
        (self.directory / "block").unlink()
        self.save_text("third")
        self.assertEqual(self.assert_serves("third"), spare)
        self.assertEqual(self.builds(), {})


class Pairs(AdapterTest):
    """Saves, asks, and checks the answer, while spares come and go."""

    def check(self, save):
        after = 0
        warm = 0
        for i in range(PAIRS):
            if i % WAITS == 0:
                after = self.wait_spare(after)
            save(str(i))
            self.assertEqual(get(self.hpp.url).text.split()[0], str(i), f"{i}:\n{self.hpp.transcript()}")
            warm += self.hpp.snapshot()["start"]["warm"]
        self.assertGreater(warm, PAIRS // WAITS // 2, "hardly any start was warm")

    def test_the_reference_implementation(self):
        self.save_package("1", sleep=0.01)
        self.start()
        self.check(self.save_text)

    def test_the_adapter_for_python(self):
        self.save_package("1", sleep=0.01)
        self.use_adapter_for_python()
        self.start(command=(PYTHON, "../server.py", "{backend}"))
        self.check(self.save_text)

    @unittest.skipUnless(shutil.which("node"), "node is not installed")
    def test_the_adapter_for_node(self):
        self.save_node_project()
        self.start_node()
        self.check(self.save_app)


    @unittest.skipUnless(shutil.which("ruby"), "ruby is not installed")
    def test_the_adapter_for_ruby(self):
        self.save_ruby_project()
        self.start("--pattern", "*.rb", command=("ruby", "server.rb", "{backend}"))
        self.check(self.save_ruby_app)


if __name__ == "__main__":
    unittest.main()
