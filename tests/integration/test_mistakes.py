"""Common mistakes on the command line and in hpp.toml: what hpp says about each of them.

Each message says what is wrong, why, and what to write instead. In the tables, `{bind}` and `{backend}`
stand for free ports, and `{project}` for the project's folder."""

import os
import re
import socket

from harness import PYTHON, Hpp, IntegrationTest, free_port

# hpp-launch refuses these command lines: (what is wrong, words, message after `error: `).
REFUSED = (
    ("a forgotten --exec", ["8000", "8001", "python3", "manage.py", "runserver"],
     "--exec is missing before the command python3. Write: hpp-launch 8000 8001 --exec python3 manage.py "
     "runserver"),
    ("no addresses and no --exec", ["python3", "app.py"],
     "python3 is not an address. The first word is the address for your browser, and the command comes "
     "after --exec. Write: hpp-launch 8000 --exec python3 app.py"),
    ("a greedy --pattern before the addresses",
     ["--pattern", "src/**", "8000", "8001", "--exec", "python3", "app.py"],
     "--pattern takes all words up to the next option, so it took the addresses 8000 and 8001, too. Write "
     "the addresses first: hpp-launch 8000 8001 --pattern 'src/**' --exec python3 app.py"),
    ("a greedy --exclude before the command", ["8000", "8001", "-x", "**/test_*", "python3", "app.py"],
     "--exclude takes all words up to the next option, so it took the command python3, too. Write --exec "
     "before the command: hpp-launch 8000 8001 -x '**/test_*' --exec python3 app.py"),
    ("a quoted command", ["8000", "8001", "--exec", "python3 app.py"],
     'there is no program with the name "python3 app.py", because the quotes make one word of it. Write '
     "the command without them: --exec python3 app.py"),
    ("a command for a shell", ["8000", "8001", "--exec", "cd src && python3 app.py"],
     'there is no program with the name "cd src && python3 app.py", and no shell reads the command. Run a '
     "shell: --exec sh -c 'cd src && python3 app.py'"),
    ("a variable before the command", ["8000", "8001", "--exec", "DEBUG=1", "python3", "app.py"],
     "DEBUG=1 is a variable, not a program, and no shell reads the command. Write: --exec env DEBUG=1 "
     "python3 app.py"),
    ("--exec=COMMAND", ["8000", "8001", "--exec=python3 app.py"],
     "--exec takes the command as separate words after it, not after an equals sign. Write: hpp-launch "
     "8000 8001 --exec python3 app.py"),
    ("--exec without a command", ["8000", "8001", "--exec"],
     "--exec needs a command after it, such as --exec python3 app.py (see hpp-launch --help)"),
    ("a dash from a word processor", ["8000", "8001", "—exec", "python3", "app.py"],
     "—exec begins with a typographic dash, which is no part of an option. Write --exec"),
    ("one dash", ["8000", "8001", "-pattern", "src/**", "--exec", "python3"],
     "-pattern has only one dash, so it does not mean --pattern. Write --pattern"),
    ("a misspelled option", ["8000", "8001", "--patern", "src/**", "--exec", "python3"],
     "there is no option --patern. Did you mean --pattern?"),
    ("another tool's option", ["8000", "8001", "--watch", "src", "--exec", "python3"],
     "there is no option --watch. hpp's name for it is --pattern"),
    ("the address as an option", ["--port", "8000", "--exec", "python3"],
     "there is no option --port. Write the address for your browser first, without an option: hpp-launch "
     "8000 …"),
    ("the server's option before --exec", ["8000", "8001", "--noreload", "--exec", "python3"],
     "there is no option --noreload. If it is your server's, write it after --exec and your server's "
     "command. hpp's options are in hpp-launch --help"),
    ("a misspelled value", ["8000", "8001", "--watcher", "inotfy", "--exec", "python3"],
     "--watcher: expected auto or watchman or inotify or poll, got 'inotfy'. Did you mean inotify? (see "
     "hpp-launch --help)"),
    ("a misspelled word of --ready", ["8000", "8001", "--ready", "notfy", "--exec", "python3"],
     "--ready: expected http, tcp, notify or line:REGEX, got 'notfy'. Did you mean notify? (see hpp-launch "
     "--help)"),
    ("a line without line:", ["8000", "8001", "--ready", "Listening on", "--exec", "python3"],
     "--ready: expected http, tcp, notify or line:REGEX, got 'Listening on'. If your server prints that when "
     "it is ready, write line: before it (see hpp-launch --help)"),
    ("a parenthesis in a regular expression",
     ["8000", "8001", "--ready", "line:up (in", "--exec", "python3"],
     "--ready: the regular expression is not valid at character 4 of up (in: the parenthesis is not closed "
     "(see hpp-launch --help)"),
    ("a regular expression without quotes",
     ["8000", "8001", "--ready", "line:Listening", "on", "port", "--exec", "python3"],
     "--ready takes one word, so it did not take on. Quote its value: --ready 'line:Listening on port'"),
    ("a URL", ["http://localhost:8000/", "8001", "--exec", "python3"],
     "BIND: 'http://localhost:8000/' is a URL, and hpp needs an address. Write localhost:8000 (see "
     "hpp-launch --help)"),
    ("no port", ["localhost", "8001", "--exec", "python3"],
     "BIND: 'localhost' has no port. Write HOST:PORT, such as localhost:8000 (see hpp-launch --help)"),
    ("a colon alone", [":8000", "8001", "--exec", "python3"],
     "BIND: ':8000' has no host. Write 8000 for this machine alone, or 0.0.0.0:8000 to listen on all of "
     "its addresses (see hpp-launch --help)"),
    ("no address", ["--inject", "--exec", "python3"],
     "BIND is missing: the address for your browser. Write it first: hpp-launch 8000 … (see hpp-launch "
     "--help)"),
    ("a port that is too large", ["8000", "80010", "--exec", "python3"],
     "BACKEND: '80010' is no port: a port is a number from 1 to 65535 (see hpp-launch --help)"),
    ("an IPv6 address without brackets", ["8000", "::1:8001", "--exec", "python3"],
     "BACKEND: '::1:8001' is an IPv6 address without brackets. Write [::1]:8001 (see hpp-launch --help)"),
    ("one port for both", ["8000", "8000", "--exec", "python3"],
     "BIND and BACKEND are the same address, localhost:8000. hpp listens on BIND, so your server needs "
     "another port, such as 8001 (see hpp-launch --help)"),
    ("one port for both, under two names", ["0.0.0.0:8000", "8000", "--exec", "python3"],
     "BIND and BACKEND are the same address, localhost:8000. hpp listens on BIND, so your server needs "
     "another port, such as 8001 (see hpp-launch --help)"),
)

# hpp-launch refuses these lines of hpp.toml: (what is wrong, text, message after `error: hpp.toml:`).
REFUSED_FILES = (
    ("a misspelled key", "bind = 8000\npatern = 'src/**'\n",
     "2: there is no option 'patern'. Did you mean pattern? (see hpp-launch --help)"),
    ("an underscore", "ready_path = '/health'\n",
     "1: there is no option 'ready_path'. Did you mean ready-path? (see hpp-launch --help)"),
    ("no quotes", "bind = localhost:8000\n",
     "1: expected a value: \"text\" (in quotes), a whole number, true, false or [\"text\", …], got "
     "localhost:8000 (see hpp-launch --help)"),
    ("a quoted flag", "inject = 'yes'\n",
     "1: inject: expected true or false, got a string (see hpp-launch --help)"),
    ("a pipe", "exec = 'python3 app.py | tee log'\n",
     "1: exec: | needs a shell: quote it, or write [\"sh\", \"-c\", \"the whole command\"] (see hpp-launch "
     "--help)"),
)

# hpp-ctl refuses these: (what is wrong, words, message after `error: `).
REFUSED_BY_CTL = (
    ("a misspelled command", ["statsu"], "there is no command statsu. Did you mean status? (see hpp-ctl --help)"),
    ("a misspelled option", ["status", "--jsno"],
     "there is no option --jsno. Did you mean --json? (see hpp-ctl --help)"),
)

# hpp starts with these, and says at once what is probably not meant so: (what is wrong, words, message).
HINTS = (
    ("Django's reloader", ["{bind}", "{backend}", "--exec", PYTHON, "manage.py", "runserver", "{backend}"],
     "Django's runserver restarts your server when a file changes, and hpp does that, too. Turn it off: add "
     "--noreload after it"),
    ("Flask's reloader", ["{bind}", "{backend}", "--exec", "flask", "run", "--debug", "--port", "{backend}"],
     "the reloader of the development server restarts your server when a file changes, and hpp does that, "
     "too. Turn it off: add --no-reload after \"run\""),
    ("uvicorn's reloader",
     ["{bind}", "{backend}", "--exec", "uvicorn", "--reload", "--port", "{backend}", "app:app"],
     "its option --reload restarts your server when a file changes, and hpp does that, too. Turn it off: "
     "leave --reload out"),
    ("nodemon", ["{bind}", "{backend}", "--exec", "npx", "nodemon", "server.js", "{backend}"],
     "this program restarts your server when a file changes, and hpp does that, too. Turn it off: run the "
     "server with node itself, or with tsx or ts-node"),
    ("swapped addresses", ["{bind}", "{backend}", "--exec", PYTHON, "app.py", "{bind}"],
     "your server's command has the port {bind}, on which hpp listens for your browser, and not {backend}, "
     "where hpp expects your server. If the addresses are swapped, write: hpp-launch localhost:{backend} "
     "localhost:{bind} …"),
    ("a glob that the shell expanded",
     ["{bind}", "{backend}", "--pattern", "a.py", "b.py", "c.py", "--exec", PYTHON, "a.py", "{backend}"],
     "--pattern has got 3 files (a.py, b.py, …): the shell has probably expanded a glob, so new files will "
     "not count. Quote the glob: --pattern '*.py'"),
    ("a pattern in a folder that does not exist",
     ["{bind}", "{backend}", "--pattern", "scr/**", "--exec", PYTHON, "a.py", "{backend}"],
     "--pattern 'scr/**' matches no file, because there is no folder scr. Did you mean src?"),
    ("a folder as the pattern",
     ["{bind}", "{backend}", "--pattern", "src", "--exec", PYTHON, "a.py", "{backend}"],
     "--pattern 'src' matches no file, because that is a folder. Write --pattern 'src/**'"),
    ("a glob that reaches one folder only",
     ["{bind}", "{backend}", "--css", "*.css", "--exec", PYTHON, "a.py", "{backend}"],
     "--css '*.css' matches no file in this folder, and a glob without a slash does not reach others. Write "
     "--css '**/*.css'"),
    ("an option of hpp after --exec",
     ["{bind}", "{backend}", "--exec", PYTHON, "a.py", "{backend}", "--pattern", "src/**"],
     "--pattern stands after --exec, so your server gets it. If it is meant for hpp, write it before --exec"),
    ("a missing program", ["{bind}", "{backend}", "--exec", "pyhton3", "app.py", "{backend}"],
     "pyhton3: no program in PATH has this name. Did you mean python3?"),
    ("a missing file", ["{bind}", "{backend}", "--exec", "bin/server", "{backend}"],
     "bin/server: there is no such file. Correct the path, or let --build create the file"),
    ("a directory as the program", ["{bind}", "{backend}", "--exec", "./src", "{backend}"],
     "./src: this is a directory. Write the path of the program that starts your server"),
    ("a file that is not executable", ["{bind}", "{backend}", "--exec", "./a.py", "{backend}"],
     "./a.py: this file is not executable. Let its interpreter run it: --exec python3 ./a.py"),
)


class Mistakes(IntegrationTest):
    def setUp(self):
        super().setUp()
        for name in ("a.py", "b.py", "c.py"):
            self.save(name, "")
        self.save("src/style.css", "")

    def assert_refused(self, name, words, message):
        program = self.run_program(name, *words)
        self.assertEqual(program.output(), f"hpp-{name}: error: {message}")
        self.assertEqual(program.process.returncode, 2)

    def test_command_lines_are_refused_with_the_cure(self):
        for wrong, words, message in REFUSED:
            with self.subTest(wrong):
                self.assert_refused("launch", words, message)

    def test_files_are_refused_with_the_cure(self):
        for wrong, text, message in REFUSED_FILES:
            with self.subTest(wrong):
                self.save("hpp.toml", text)
                self.assert_refused("launch", (), f"hpp.toml:{message}")

    def test_command_lines_of_hpp_ctl_are_refused_with_the_cure(self):
        for wrong, words, message in REFUSED_BY_CTL:
            with self.subTest(wrong):
                self.assert_refused("ctl", words, message)

    def test_hints_name_what_is_probably_not_meant(self):
        for wrong, words, message in HINTS:
            with self.subTest(wrong):
                bind, backend = free_port(), free_port()

                def filled(text, bind=bind, backend=backend):
                    return text.replace("{bind}", str(bind)).replace("{backend}", str(backend))

                command = [self.program("launch"), *map(filled, words)]
                command[3:3] = ["--livereload-port", "0"]
                hpp = self._keep(Hpp(command, self, bind, backend))
                hpp.wait_line(re.escape(filled(message)))
                hpp.end()

    def test_a_port_in_use_is_named_with_its_owner(self):
        with socket.create_server(("127.0.0.1", 0)) as listener:
            port = listener.getsockname()[1]
            program = self.run_program("launch", f"127.0.0.1:{port}", str(free_port()),
                                       "--livereload-port", "0", "--exec", "true")
            self.assertEqual(program.process.returncode, 1)
            self.assertRegex(program.output(), rf"{port}.* in use by pid {os.getpid()} \(")
