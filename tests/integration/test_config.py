"""hpp.toml: hpp-launch in a folder that has one."""

import signal

from harness import Hpp, IntegrationTest, free_port, get


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
