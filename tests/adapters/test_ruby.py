"""adapters/ruby, with hpp's side of the gate played by tests/support/gate.py."""

import json
import os
import shutil
import subprocess
import unittest

from gate import ADAPTERS, AdapterTest, GateTests, Gated
from harness import free_port

ADAPTER = ADAPTERS / "ruby" / "hpp_gate.rb"


@unittest.skipUnless(shutil.which("ruby"), "needs Ruby")
class Project(AdapterTest):
    """A project folder, and a gem outside of it."""

    MAIN = ("ruby", "main.rb")
    EARLY = "colour\n"
    OUT = "colour\nshop\nmain\n"

    def setUp(self):
        super().setUp()
        self.gem = self.write("gems/colour/lib/colour.rb", "$stdout.syswrite(\"colour\\n\")\n")
        self.write("project/shop.rb", "$stdout.syswrite(\"shop\\n\")\n")
        self.write("project/main.rb", "require 'colour'\nrequire_relative 'shop'\n$stdout.syswrite(\"main\\n\")\n")

    def environment(self, **variables):
        return {"PATH": "/usr/bin:/bin", "HOME": str(self.top), "LANG": "C.UTF-8",
                "RUBYOPT": f"-r{ADAPTER} -I{self.gem.parent}", **variables}


class Variables(Project):
    """A change makes the program set a variable that it has never set, and a gem has read it early."""

    def setUp(self):
        super().setUp()
        self.gem.write_text("COLOUR = ENV['COLOUR']\n$stdout.syswrite(\"colour\\n\")\n")
        # Ruby reads the script itself before the gate.
        self.write("project/main.rb", "require_relative 'shop'\nrequire 'colour'\n")

    def change(self, text, **variables):
        """Returns what a spare says after `go` whose program is this now."""
        self.list.unlink(missing_ok=True)
        self.cold(**variables)
        spare = self.spare(**variables)
        self.assertEqual((spare.output(), self.recorded("skip")), ("colour\n", []))
        before = (self.folder / "shop.rb").read_text()
        self.write("project/shop.rb", text + "\nrequire 'colour'\n")
        lines = spare.go_on()
        self.assertEqual(spare.finish()[0], 0, spare.text(spare.err))
        self.write("project/shop.rb", before)
        return lines

    def test_every_way_to_change_it(self):
        for text in ("ENV['COLOUR'] = 'red'", "ENV.store('COLOUR', 'red')", "ENV.update('COLOUR' => 'red')",
                     "ENV.merge!({'COLOUR' => 'red'})", "ENV.replace(ENV.to_h.merge('COLOUR' => 'red'))",
                     "ENV['COLOUR'] = nil", "ENV.delete('COLOUR')", "ENV.delete_if { |name, _| name == 'COLOUR' }",
                     "ENV.reject! { |name, _| name == 'COLOUR' }", "ENV.select! { |name, _| name != 'COLOUR' }",
                     "ENV.delete_if.each { |name, _| name == 'COLOUR' }", "ENV.clear", "ENV.shift until ENV.empty?",
                     "Process.wait(fork { ENV['COLOUR'] = 'red'; require 'colour' })",
                     "ENV['COLOUR'] = 'red'; require 'colour'; ENV['COLOUR'] = 'blue'"):
            with self.subTest(text):
                self.assertEqual(self.change(text, COLOUR="blue"), ["variable COLOUR"])
                self.assertIn("COLOUR", self.recorded("env"))

    def test_the_same_value_and_other_variables_do_not_matter(self):
        self.assertEqual(self.change("ENV['COLOUR'] = 'red'; ENV['TASTE'] = 'sweet'", COLOUR="red"), [])

    def test_a_process_of_the_program_may_set_it(self):
        self.assertEqual(self.change("system({'COLOUR' => 'red'}, 'true')"), [])

    def test_a_gem_that_copies_the_environment_has_read_each_variable(self):
        for text in "ENV.to_h", "ENV.map { |pair| pair }", "ENV.select { true }", "ENV.keys":
            with self.subTest(text):
                self.gem.write_text(f"COPY = {text}\n$stdout.syswrite(\"colour\\n\")\n")
                self.assertEqual(self.change("ENV['ANY'] = ''"), ["variable ANY"])
                self.assertEqual(self.spare().output(), "")

    def test_the_gem_is_unfit_at_the_next_start(self):
        """Also if the server ran already when it set the variable, so that hpp has not started it again."""
        self.assertEqual(self.change("ENV['COLOUR'] = 'red'"), ["variable COLOUR"])
        self.assertEqual((self.spare().output(), self.recorded("skip")), ("", [str(self.gem)]))

    def test_after_a_cold_start_the_variable_is_no_reason_again(self):
        for text in "require 'colour'\nENV['COLOUR'] = 'red'\n", "ENV['COLOUR'] = 'red'\nrequire 'colour'\n":
            with self.subTest(text):
                self.list.unlink(missing_ok=True)
                self.write("project/main.rb", text)
                self.cold()
                self.assertEqual(self.spare().go_on(), [])

    def test_a_gem_that_sets_what_it_has_read(self):
        self.gem.write_text("ENV['COLOUR'] ||= 'red'\n$stdout.syswrite(\"colour\\n\")\n")
        self.cold()
        spare = self.spare()
        self.assertEqual(spare.output(), "colour\n")
        self.assertEqual(spare.go_on(), [])

    def test_the_program_sees_the_usual_object(self):
        self.write("project/main.rb", """
require 'colour'
p ENV.class, ENV.inspect == ENV.to_h.inspect, ENV.to_h == ENV.map { |pair| pair }.to_h, ENV.singleton_class.ancestors.size
p ENV.method(:[]=).owner == ENV.singleton_class, ENV.update('A' => 'b').equal?(ENV), ENV.delete('A'), ENV.delete('A') { |name| name * 2 }
begin
  ENV['A'] = 1
rescue TypeError => e
  puts e.message, e.backtrace.last
  p e.backtrace.grep(/adapters/)
end
""")
        out = self.cold()
        self.assertIn("no implicit conversion of Integer into String", out)
        self.assertTrue(out.endswith("[]\n"), out)
        spare = self.spare()
        self.assertEqual(spare.go_on(), [])
        self.assertEqual(spare.finish(), (0, out, ""))


class Adapter(GateTests, Project):
    def check_skipped(self):
        out = self.cold()
        spare = self.spare()
        self.assertIn(str(self.gem), self.recorded("skip"))
        self.assertEqual((spare.output(), spare.open()), ("", "go"))
        self.assertEqual(spare.finish(), (0, out, ""))

    def test_loads_files_from_outside_the_project_before_the_gate(self):
        self.assertEqual(self.cold(), self.OUT)
        self.assertEqual(self.recorded("file"), [str(self.gem)])
        spare = self.spare()
        self.assertEqual(spare.output(), "colour\n")
        self.assertEqual(spare.open(), "go")
        self.assertEqual(spare.finish(), (0, self.OUT, ""))

    def test_leaves_no_trace(self):
        self.write("project/main.rb", """
require 'colour'
puts $LOAD_PATH, $LOADED_FEATURES.sort, ENV.to_a.sort.inspect, defined?(HppGate).inspect, File.method(:read).inspect
puts method(:require).owner, `ruby -e 'p ENV["HPP_GATE"], ENV["RUBYOPT"]'`
""")
        plain = Gated(["ruby", "main.rb"], self.folder, "record", self.list,
                      {"PATH": "/usr/bin:/bin", "HOME": str(self.top), "LANG": "C.UTF-8",
                       "RUBYOPT": f"-I{self.gem.parent}"})
        out = plain.finish()[1]
        out = out.replace('["HPP_GATE", "%s"], ' % out.partition('["HPP_GATE", "')[2].partition('"')[0], "")
        self.assertEqual(self.cold(), out.replace('"64"\n', "nil\n"))
        spare = self.spare()
        spare.open()
        self.assertEqual(spare.finish()[1], out.replace('"64"\n', "nil\n"))

    def test_the_program_and_its_children_have_the_variables_of_the_user(self):
        """Also those by which other languages load hpp's adapters."""
        self.write("project/main.rb", """
names = %w[HPP_GATE NODE_OPTIONS PYTHONPATH RUBYOPT]
p ENV.values_at(*names), ENV.key?('PYTHONPATH'), IO.popen(['ruby', '-e', "p ENV.values_at(*#{names})"], &:read)
""")
        added = {"NODE_OPTIONS": f"--require={ADAPTERS}/node/hpp_gate.cjs", "PYTHONPATH": f"{ADAPTERS}/python",
                 "RUBYOPT": f"-r{ADAPTER}"}
        for users in ({}, {"NODE_OPTIONS": "--no-warnings  --title='a b'", "PYTHONPATH": ":/a::/b/python",
                           "RUBYOPT": "-W0  -w"}):
            separators = {"PYTHONPATH": ":"}
            given = {name: value + (separators.get(name, " ") + users[name] if users else "")
                     for name, value in added.items()}
            with self.subTest(given):
                self.list.unlink(missing_ok=True)
                expected = f"[nil, {', '.join(json.dumps(users[name]) if users else 'nil' for name in added)}]"
                out = self.cold(**given)
                self.assertEqual(out, f"{expected}\n{'true' if users else 'false'}\n{json.dumps(expected + chr(10))}\n")
                spare = self.spare(**given)
                spare.open()
                self.assertEqual(spare.finish()[:2], (0, out))

    def test_loads_the_project_and_rescues_the_error(self):
        self.gem.write_text(f"begin; require '{self.folder}/shop'; rescue LoadError; end\n$stdout.syswrite(\"colour\\n\")\n")
        self.check_skipped()

    def test_reads_a_variable_that_the_program_sets(self):
        self.gem.write_text("$stdout.syswrite(ENV['COLOUR'].inspect)\n")
        self.write("project/main.rb", "ENV['COLOUR'] = 'green'\nrequire 'colour'\n")
        self.check_skipped()

    def test_does_more_than_to_read(self):
        for text in ("system('true')", "Thread.new {}", "Thread.new { sleep 9 }", "open('main.rb') {}",
                     "Thread.new { Queue.new.pop; }; Thread.new {}", "Dir.children('.')", "Dir.glob('*.rb')",
                     "File.open('written', 'w') {}", "File.open('written', mode: 'w') {}",
                     "File.write('written', '')", "IO.read('|true') if RUBY_VERSION < '4'",
                     "Dir.mkdir('made') rescue nil"):
            with self.subTest(text):
                self.list.unlink(missing_ok=True)
                self.gem.write_text(text + "\n")
                self.check_skipped()

    def test_the_program_itself_is_not_open(self):
        """Ruby opens it before the gate. hpp would kill such a spare."""
        rest = "\n".join(f"x{number} = '{number}'" for number in range(20_000))
        for text in "", f"{rest}\n$stdout.syswrite(x19999 + DATA.read + __FILE__)\n__END__\nthe end":
            with self.subTest(text[-8:]):
                self.write("project/main.rb", "require 'colour'\n" + text)
                self.list.unlink(missing_ok=True)
                out = self.cold()
                spare = self.spare()
                folder = f"/proc/{spare.process.pid}/fd"
                files = [os.readlink(f"{folder}/{number}") for number in os.listdir(folder)]
                self.assertEqual([file for file in files if file.startswith(str(self.folder))], [])
                self.assertEqual((spare.open(), spare.finish()), ("go", (0, out, "")))

    def test_the_program_itself_is_edited(self):
        """Ruby has read its begin before the gate."""
        rest = "".join(f"x{number} = '{number}'\n" for number in range(20_000))
        small = "require 'colour'\n$stdout.syswrite(\"#{__LINE__} #{DATA.read}\")\n__END__\n"
        for first in "", "#!/usr/bin/env ruby -W1\n", "# frozen_string_literal: true\n", "# encoding: utf-8\n", "\ufeff":
            for before, after in (small, rest + small), (rest + small, small), (small, "# né\n\n\n" + small):
                with self.subTest(f"{first} {len(before)} {len(after)}"):
                    main = self.write("project/main.rb", f"{first}{before}old\n")
                    self.list.unlink(missing_ok=True)
                    self.cold()
                    spare, other = self.spare(), self.spare()
                    self.write("project/new", f"{first}{after}new\n").rename(main)  # as some editors save
                    out = self.run_gated("record", self.MAIN).finish()
                    self.assertEqual((spare.open(), spare.finish()), ("go", out))
                    main.write_text(f"{first}{before}newest\n")
                    self.assertEqual((other.open(), other.finish()[1][-7:]), ("go", "newest\n"))

    def test_the_program_itself_begins_in_another_way(self):
        """The first line may have options of Ruby's."""
        line = "#!/usr/bin/env ruby\n"
        for before, after in ("", line), (line, ""), (line, "#!/usr/bin/env ruby -W0\n"), ("", None):
            with self.subTest(f"{before}{after}"):
                text = (self.folder / "main.rb").read_text().replace(line, "")
                main = self.write("project/main.rb", before + text)
                self.list.unlink(missing_ok=True)
                self.check_cold(main, lambda: main.unlink() if after is None else main.write_text(after + text))

    def test_the_program_itself_has_an_error_now(self):
        self.cold()
        spare = self.spare()
        self.write("project/main.rb", "require 'colour'\n)\n")
        self.assertEqual(spare.open(), "go")
        status, _, err = spare.finish()
        self.assertEqual(status, 1)
        self.assertIn("main.rb:2: syntax error", err)

    def test_a_thread_that_waits_for_an_element_of_a_queue(self):
        """concurrent-ruby starts one, and all of Rails loads that."""
        self.gem.write_text("IN, OUT = Queue.new, Queue.new\nThread.new { loop { OUT << IN.pop } }\n"
                            "$stdout.syswrite(\"colour\\n\")\n")
        self.write("project/shop.rb", "IN << 'red'\n$stdout.syswrite(OUT.pop)\n")
        self.assertEqual(self.cold(), "colour\nredmain\n")
        spare = self.spare()
        self.assertEqual((spare.output(), self.recorded("skip")), ("colour\n", []))
        self.assertEqual((spare.open(), spare.finish()), ("go", (0, "colour\nredmain\n", "")))

    def test_a_file_that_fails_after_another_one_has_started_such_a_thread(self):
        self.gem.write_text("Thread.new { Queue.new.pop }\n$stdout.syswrite(\"colour\\n\")\n")
        self.write("gems/colour/lib/run.rb", f"require 'colour'\nrequire '{self.folder}/shop'\n")
        self.write("gems/other-1/lib/other.rb", "")
        self.write("project/main.rb", f"require 'run'\nrequire '{self.top}/gems/other-1/lib/other'\n")
        # A library of its own, so that it does not share the fate of `run`.
        self.gem.rename(self.write("gems/thread-1/lib/colour.rb", ""))
        rubyopt = f"-r{ADAPTER} -I{self.gem.parent} -I{self.top}/gems/thread-1/lib"
        self.cold(RUBYOPT=rubyopt)
        self.assertEqual(self.spare(RUBYOPT=rubyopt).output(), "colour\n")
        self.assertEqual(self.recorded("skip"), [f"{self.top}/gems/colour/lib/run.rb"])

    def test_a_thread_would_be_missing_in_a_fork_that_loads_the_program(self):
        self.gem.write_text("IN, OUT = Queue.new, Queue.new\nThread.new { loop { OUT << IN.pop } }\n"
                            "$stdout.syswrite(\"colour\\n\")\n")
        self.write("project/shop.rb", "IN << 'red'\n$stdout.syswrite(OUT.pop)\n")
        self.write("project/main.rb", "Process.wait(fork { require 'colour'; require_relative 'shop' })\n")
        out = self.cold()
        spare = self.spare()
        self.assertEqual((spare.output(), self.recorded("skip")), ("", [str(self.gem)]))
        self.assertEqual((spare.open(), spare.finish()), ("go", (0, out, "")))

    def test_the_message_of_a_missing_file(self):
        """did_you_mean lists the folders of $LOAD_PATH for it."""
        self.gem.write_text("begin; require 'colou'; rescue LoadError => e; e.message; end\n" + self.gem.read_text())
        rubyopt = f"-r{ADAPTER} -I{self.gem.parent} -I{self.folder}"
        self.cold(RUBYOPT=rubyopt)
        spare = self.spare(RUBYOPT=rubyopt)
        self.assertEqual((spare.output(), self.recorded("skip")), ("colour\n", []))
        self.assertEqual(spare.open(), "go")

    def test_a_part_of_a_library_that_is_skipped(self):
        """It can be loaded alone, but then the library cannot be loaded any more."""
        part = self.write("gems/colour/lib/colour/part.rb", "class Colour; end\n$stdout.syswrite(\"part\\n\")\n")
        other = self.write("gems/shape-1.0/lib/shape.rb", "$stdout.syswrite(\"shape\\n\")\n")
        self.gem.write_text(f"class Colour < Struct.new(:name); end\nrequire_relative 'colour/part'\n"
                            f"require '{other}'\nThread.new {{}}\n")
        self.assertEqual(self.cold(), "part\nshape\nshop\nmain\n")
        spare = self.spare()
        self.assertEqual(self.recorded("file"), [str(self.gem), str(part), str(other)])
        self.assertEqual((spare.output(), spare.open()), ("shape\n", "go"))
        self.assertEqual(spare.finish(), (0, "shape\npart\nshop\nmain\n", ""))

    def test_an_edited_file(self):
        self.check_cold(self.gem, lambda: self.gem.write_text("$stdout.syswrite(\"COLOUR\\n\")\n"))

    def test_files_that_are_read_before_or_looked_for(self):
        self.gem.write_text("File.exist?('colour.yml')\n" + self.gem.read_text())
        for name in "Gemfile.lock", ".env", "colour.yml":
            self.check_cold(self.folder / name, lambda: self.write(f"project/{name}", ""))

    def test_every_way_to_read_a_file(self):
        gem, path = self.gem.read_text(), self.folder / "colour.yml"
        for text in ("IO.read('colour.yml')", "IO.readlines('colour.yml')", "IO.foreach('colour.yml') {}",
                     "File.size?('colour.yml')", "FileTest.exist?('colour.yml')", "Dir.exist?('colour.yml')",
                     "IO.binread('colour.yml')", "File.open('colour.yml', mode: 'r') {}", "File.ftype('colour.yml')"):
            with self.subTest(text):
                self.list.unlink(missing_ok=True)
                path.write_text("red\n")
                self.gem.write_text(f"{text}\n{gem}")
                self.check_cold(path, path.unlink)

    def test_a_new_file_in_a_folder_that_was_listed(self):
        gem, folder = self.gem.read_text(), self.gem.parent / "colours"
        for text, changed in ((f"Dir.glob('{folder}/r*.rb')", folder), (f"Dir['{self.top}', '{folder}/*']", folder),
                              (f"Dir.glob('*.rb', base: '{folder}')", folder),
                              (f"Dir.glob('{folder}/**/*.rb')", f"{folder}/dark/"),
                              (f"Dir.new('{folder}').to_a", folder),
                              (f"require 'pathname'; Dir.children(Pathname('{folder}'))", folder)):
            with self.subTest(text):
                self.list.unlink(missing_ok=True)
                shutil.rmtree(folder, ignore_errors=True)
                self.write("gems/colour/lib/colours/dark/grey.rb", "")
                self.gem.write_text(f"{text}\n{gem}")
                new = f"{os.path.relpath(changed, self.top)}/red.rb"
                self.check_cold(changed, lambda: self.write(new, ""))

    def test_a_library_of_native_code(self):
        native = subprocess.run(["ruby", "-rfcntl", "-e", "puts $LOADED_FEATURES.grep(/fcntl.so/)"], check=True,
                                capture_output=True, text=True).stdout.strip()
        copy = self.gem.parent / "fcntl.so"
        shutil.copy(native, copy)
        self.gem.write_text(f"require '{copy}'\n{self.gem.read_text()}")
        self.check_cold(copy, lambda: os.utime(copy))

    def test_a_folder_above_the_project(self):
        self.gem.write_text(f"Dir.glob('{self.top}/**/*.yml')\n{self.gem.read_text()}")
        self.check_skipped()

    def test_constants_that_the_program_has_defined_before(self):
        """The gem may do something else without them."""
        gem = self.gem.read_text()
        for text in ("defined?(Colour::Red)", "if defined? ::Colour then 1 end", "Object.const_defined?(:Colour)",
                     "Module.new { X = defined?(Colour) }"):
            with self.subTest(text):
                self.list.unlink(missing_ok=True)
                self.gem.write_text(f"{text}\n{gem}")
                self.write("project/main.rb", "module Colour; Red = 1; end\nrequire 'colour'\n")
                self.check_skipped()

    def test_constants_that_do_not_matter(self):
        """They are as defined as before, or a method asks for them when it is called."""
        gem = self.gem.read_text()
        for text in ("defined?(Absent) || defined?(File::Stat)", "def self.red\n  defined?(Colour)\nend",
                     "class Gem1\n  def red() = defined?(Colour)\nend"):
            with self.subTest(text):
                self.list.unlink(missing_ok=True)
                self.gem.write_text(f"{text}\n{gem}")
                self.write("project/main.rb", "module Colour; end\nrequire 'colour'\n")
                self.cold()
                self.assertEqual((self.spare().output(), self.recorded("skip")), ("colour\n", []))

    def test_another_working_directory(self):
        self.gem.write_text("$stdout.syswrite(File.expand_path('x'))\n")
        self.write("project/main.rb", "Dir.chdir('/')\nrequire 'colour'\n")
        self.check_skipped()

    def test_refuses_an_option_that_runs_a_file_of_the_project(self):
        self.write("project/boot.rb", "")
        for words, objection in ((("-r./boot",), f"{self.folder}/boot.rb runs before it, because of the option -r"),
                                 (("-rset",), None)):
            with self.subTest(words):
                process = self.run_gated("record", ("ruby", *words, "main.rb"))
                self.assertEqual(process.wait_for("refuse"), objection)

    def test_files_of_the_project_that_change_with_each_save(self):
        self.cold()
        spare = self.spare()
        self.write("project/shop.rb", "$stdout.syswrite(\"new shop\\n\")\n")
        self.assertEqual(spare.open(), "go")
        self.assertEqual(spare.finish(), (0, "colour\nnew shop\nmain\n", ""))

    def run_plain(self, command):
        """The output without the adapter. The first run with Bundler writes Gemfile.lock."""
        environment = {**self.environment(), "RUBYOPT": f"-I{self.gem.parent}"}
        return subprocess.run(command, cwd=self.folder, capture_output=True, text=True, check=True,
                              env=environment).stdout

    @unittest.skipUnless(shutil.which("bundle"), "needs Bundler")
    def test_bundler_passes_the_gate_on(self):
        """`bundle exec` executes what is no script with a common first line. The Gemfile is read after the
        gate."""
        self.write("project/Gemfile", "$stdout.syswrite(\"Gemfile\\n\")\n")
        self.write("project/main.rb", "p ENV['RUBYOPT'], ENV['BUNDLER_ORIG_RUBYOPT']\n"
                   "$stdout.syswrite(\"#{defined?(HppGate).inspect}\\n\")\nrequire 'colour'\n")
        command = ("bundle", "exec", "ruby", "main.rb")
        plain = self.run_plain(command)
        self.assertIn("Gemfile\n", plain)
        self.assertEqual(self.cold(command), plain)
        self.assertIn(str(self.gem), self.recorded("file"))
        spare = self.spare(command)
        self.assertEqual(spare.output(), "colour\n")
        self.assertEqual(spare.open(), "go")
        self.assertEqual(sorted(spare.finish()[1].splitlines()), sorted(plain.splitlines()))

    @unittest.skipUnless(shutil.which("bundle"), "needs Bundler")
    def test_bundler_sets_the_same_variables(self):
        """Also of what a wrapper starts, and of what the program starts."""
        self.write("project/Gemfile", "$stdout.syswrite(\"Gemfile\\n\")\n")
        self.write("project/main.rb", "$stdout.syswrite(\"#{ENV.sort}\\n\")\nrequire 'colour'\n"
                   "$stdout.syswrite(`ruby -e 'p ENV.sort, $LOADED_FEATURES.grep(/hpp_/)'`)\n")
        # Bundler executes it because of the option.
        self.write("project/foreman", "#!/usr/bin/ruby -W1\nexec('ruby', 'main.rb')\n").chmod(0o755)
        for *words, read_before in (("ruby", "main.rb", ""), ("./foreman", "Gemfile\n"),
                                    ("sh", "-c", "exec bundle exec sh -c 'exec ruby main.rb'", "Gemfile\n")):
            with self.subTest(words):
                command = ("bundle", "exec", *words)
                self.list.unlink(missing_ok=True)
                self.run_plain(command)
                plain = self.run_plain(command)
                self.assertEqual(self.cold(command), plain)
                spare = self.spare(command)
                self.assertEqual((spare.output(), spare.open()), (read_before + "colour\n", "go"))
                self.assertEqual(sorted(spare.finish()[1].splitlines()), sorted(plain.splitlines()))

    @unittest.skipUnless(shutil.which("bundle"), "needs Bundler")
    def test_bundler_comes_before_what_ruby_loads_itself(self):
        """Ruby 3.2 and later load error_highlight after Bundler, so the Gemfile can choose its version."""
        self.write("project/Gemfile", "")
        self.write("project/main.rb", "puts $LOADED_FEATURES.grep(%r{/(bundler/setup|error_highlight)\\.rb\\z})\n")
        command = ("bundle", "exec", "ruby", "main.rb")
        plain = self.run_plain(command)
        self.assertIn("bundler/setup.rb", plain)
        self.assertEqual(self.cold(command), plain)

    @unittest.skipUnless(shutil.which("bundle"), "needs Bundler")
    def test_a_file_that_bundler_has_read_before_the_gate(self):
        self.write("project/Gemfile", "eval_gemfile 'more.rb'\n")
        more = self.write("project/more.rb", "")
        command = ("ruby", "-rbundler/setup", "main.rb")
        self.assertEqual(self.run_plain(command), self.OUT)
        self.assertEqual(self.cold(command), self.OUT)
        spare = self.spare(command)
        self.assertEqual(spare.open(), "go")
        spare = self.spare(command)
        more.write_text("# changed\n")
        self.assertEqual(spare.open(), f"cold {more}")

    def test_evaluates_a_file_of_the_project(self):
        self.gem.write_text("eval(File.read('colours'), nil, File.expand_path('colours'))\n")
        self.write("project/colours", "$stdout.syswrite(\"colours\\n\")\n")
        self.check_skipped()

    @unittest.skipUnless(shutil.which("bundle"), "needs Bundler")
    def test_bundler_loads_a_script_of_ruby(self):
        self.write("project/Gemfile", "")
        script = self.write("project/serve", "#!/usr/bin/env ruby\n" + (self.folder / "main.rb").read_text())
        script.chmod(0o755)
        command = ("bundle", "exec", "./serve")
        self.assertEqual(self.run_plain(command), self.OUT)
        self.assertEqual(self.cold(command), self.OUT)
        spare = self.spare(command)
        self.assertEqual(spare.output(), "colour\n")
        self.assertEqual(spare.open(), "go")
        self.assertEqual(spare.finish()[:2], (0, self.OUT))

    @unittest.skipUnless(shutil.which("puma"), "needs Puma")
    def test_puma(self):
        port = free_port()
        self.write("project/config.ru", f"""
require 'colour'
require_relative 'shop'
run ->(_) {{ [200, {{}}, []] }}
Thread.new do
  client = TCPSocket.new('127.0.0.1', {port})
  client.write("GET / HTTP/1.0\\r\\n\\r\\n")
  client.read  # Puma ignores a signal that comes before it can answer
  Process.kill(:TERM, Process.pid)
rescue Errno::ECONNREFUSED
  sleep 0.01
  retry
end
""")
        self.write("project/puma.rb", f"bind 'tcp://127.0.0.1:{port}'\nraise_exception_on_sigterm false\n")
        command = ("puma", "--config", "puma.rb", "config.ru")
        self.assertIn("colour\nshop\n", self.cold(command))
        spare = self.spare(command)
        self.assertEqual(spare.output(), "colour\n")
        self.write("project/shop.rb", "$stdout.syswrite(\"new shop\\n\")\n")
        self.assertEqual(spare.open(), "go")
        status, out, err = spare.finish()
        self.assertEqual((status, err), (0, ""))
        self.assertTrue(out.startswith("colour\n") and "new shop\n" in out, out)

    def test_refuses_a_command_that_runs_something_before(self):
        process = self.run_gated("record", "cat main.rb >/dev/null; ruby main.rb; true")
        self.assertIsNotNone(process.wait_for("refuse"))


if __name__ == "__main__":
    unittest.main()
