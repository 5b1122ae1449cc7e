"""hpp.toml: hpp-launch in a folder that has one."""

import contextlib
import signal
import socket

from harness import PYTHON, Hpp, IntegrationTest, free_port, get


class ConfigFile(IntegrationTest):
    def setUp(self):
        super().setUp()
        self.bind, self.backend = free_port(), free_port()

    def save_config(self, *lines, command=None, name="hpp.toml"):
        """Saves a complete hpp.toml with these further lines."""
        command = command or self.save_backend("configured")
        words = [str(word).replace("{backend}", str(self.backend)) for word in command]
        return self.save(name, "\n".join([
            f'bind = "localhost:{self.bind}"  # for browsers',
            f"backend = {self.backend}",
            "livereload-port = 0",
            f"exec = {words}",
            *lines,
        ]))

    def start(self, *arguments, bind=None):
        return self._keep(Hpp([self.program("launch"), *arguments], self, bind or self.bind,
                              self.backend))

    def test_needs_no_command_line(self):
        self.save_config("pattern = ['src/*.py']")
        hpp = self.start()
        hpp.wait_ready()
        self.assertEqual(get(hpp.url).text, "configured")
        self.save("other.py", "")
        self.save("src/a.py", "")
        hpp.wait_state("Running", generation=2)
        hpp.wait_line("src/a.py changed")
        self.assertEqual(hpp.generation, 2)
        self.assertNotIn("other.py", hpp.output())

    def test_the_command_line_takes_precedence(self):
        self.save_config("queue-limit = 5", "pattern = 'none'")
        mine = free_port()
        hpp = self.start(f"localhost:{mine}", "--pattern", "app.py", bind=mine)
        hpp.wait_ready()
        self.save_backend("changed")
        hpp.wait_state("Running", generation=2)
        self.assertEqual(get(hpp.url).text, "changed")

    def test_any_file_can_be_named(self):
        self.save("hpp.toml", "bogus = 1")
        path = self.save_config(name="conf/mine.toml")
        hpp = self.start("--config", path)
        hpp.wait_ready()
        self.assertEqual(get(hpp.url).text, "configured")

    def test_a_mistake_is_reported_with_its_position(self):
        self.save_config("", "patern = 'x'")
        program = self.run_program("launch")
        self.assertEqual(program.process.returncode, 2)
        self.assertRegex(program.output(),
                         r"^hpp-launch: error: hpp\.toml:6: there is no option 'patern'\. Did you mean pattern\?")

    def test_a_file_that_cannot_be_read_is_an_error(self):
        (self.project / "hpp.toml").mkdir()
        program = self.run_program("launch", str(self.bind), str(self.backend), "--exec", "true")
        self.assertEqual(program.process.returncode, 2)
        self.assertRegex(program.output(), r"^hpp-launch: error: hpp\.toml .*$")

    def test_the_name_selects_the_run_directory(self):
        self.save_config("name = 'mine'")
        hpp = self.start()
        hpp.run_directory = self.directory / "run" / "hpp" / "mine"
        hpp.wait_ready()
        self.assertIn(f"pid {hpp.pid}", (hpp.run_directory / "lock").read_text())
        second = self.run_program("launch", str(free_port()))
        self.assertEqual(second.process.returncode, 1)
        self.assertRegex(second.output(), rf"already running: pid {hpp.pid}, ")
        hpp.process.send_signal(signal.SIGTERM)
        hpp.wait_exit()
        self.assert_nothing_left()


class WithoutBackend(IntegrationTest):
    """hpp-launch with one address only."""

    def test_without_a_backend_hpp_chooses_a_free_port(self):
        bind = free_port()
        for words, first in (([PYTHON, "app.py"], "import os, sys; sys.argv[1:] = [os.environ['PORT']]\n"),
                             ([PYTHON, "app.py", "{PORT}"], "")):
            self.save_backend("found", first=first)
            hpp = self._keep(Hpp([self.program("launch"), bind, "--livereload-port", 0, "--", *words], self,
                                 bind, 0))
            hpp.wait_ready()
            port = int(hpp.wait_line(r"your server gets port (\d+)")[1])
            self.assertGreater(port, bind)
            self.assertEqual(get(hpp.url).text, "found")
            self.assertEqual(get(f"http://localhost:{port}/").text, "found")
            hpp.stop()

    def test_a_port_that_is_taken_is_not_chosen(self):
        bind = free_port()
        with contextlib.suppress(OSError), socket.create_server(("127.0.0.1", bind + 1)):
            hpp = self._keep(Hpp([self.program("launch"), bind, "--livereload-port", 0, "--exec",
                                  *self.save_backend()[:2], "{PORT}"], self, bind, 0))
            hpp.wait_ready()
            self.assertGreater(int(hpp.wait_line(r"your server gets port (\d+)")[1]), bind + 1)


class NoConfigFile(IntegrationTest):
    """hpp-launch alone, and hpp-launch --init."""

    def test_proposes_a_command(self):
        self.save("manage.py", "")
        program = self.run_program("launch")
        self.assertEqual(program.process.returncode, 2)
        self.assertEqual(program.output(), """\
hpp-launch: error: there is no hpp.toml here, and no command was given

This looks like a Django project (manage.py). To start it:

    hpp-launch 8000 --exec python3 manage.py runserver --noreload {PORT}

To save that in hpp.toml, so that hpp-launch alone is enough:

    hpp-launch --init""")

    def test_proposes_nothing_for_an_unknown_project(self):
        program = self.run_program("launch")
        self.assertEqual(program.process.returncode, 2)
        self.assertEqual(
            program.output(),
            "hpp-launch: error: there is no hpp.toml here, and no command was given. Write: hpp-launch 8000 "
            "--exec COMMAND, with the command that starts your server, or see hpp-launch --help")

    def test_init_writes_a_file_that_starts_the_project(self):
        self.save("index.html", "a page")
        program = self.run_program("launch", "--init")
        self.assertEqual(program.process.returncode, 0)
        self.assertEqual(program.output(),
                         "Wrote hpp.toml for a folder of web pages (index.html). Start it with hpp-launch")
        bind = free_port()
        hpp = self._keep(Hpp([self.program("launch"), bind, "--livereload-port", 0], self, bind, 0))
        hpp.wait_ready()
        self.assertEqual(get(hpp.url).text, "a page")

    def test_init_does_not_overwrite(self):
        file = self.save("hpp.toml", "mine")
        program = self.run_program("launch", "--init")
        self.assertEqual(program.process.returncode, 2)
        self.assertEqual(program.output(), "hpp-launch: error: hpp.toml exists already, and --init does not "
                                           "overwrite it. Edit it, or remove it")
        self.assertEqual(file.read_text(), "mine")

    def test_init_of_an_unknown_project_leaves_the_command_to_the_user(self):
        self.assertEqual(self.run_program("launch", "--init").process.returncode, 0)
        program = self.run_program("launch")
        self.assertEqual(program.process.returncode, 2)
        self.assertIn("--exec COMMAND… is missing", program.output())
