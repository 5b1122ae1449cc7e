# frozen_string_literal: true

# hpp's adapter for Ruby: docs/gate.rst says what the gate is.
#
# hpp puts this file into RUBYOPT, so Ruby loads it before the program, and before Bundler sets up
# $LOAD_PATH. Files are loaded early by their absolute names, which `require` recognises later.
#
# The recording has a line for each fact, and begins each with `rb`, because a wrapper in another
# language may write to the same file:
#
#     rb path FOLDER     has been in $LOAD_PATH
#     rb file FILE       has been loaded, in this order
#     rb fork            a fork has loaded what follows: a thread of its parent would be missing
#     rb env NAME        this variable was set before what follows was loaded
#     rb set NAME        the program sets this variable, or a file that is not loaded early
#     rb sees STATE NAME FILE    the file asks whether this constant is defined: yes, no, later
#     rb skip FILE       must not be loaded early, or has been loaded in another working directory
#     rb checked         everything before has been loaded early once, and what must not is known
module HppGate
  LINES_MAX = 1 << 16 # bytes of hpp's lines up to `record` or `preload`
  FILE_BYTES_MAX = 1 << 20 # more than this is not recorded
  ADAPTER = "-r#{__FILE__}".freeze # the word in RUBYOPT
  ADAPTERS = File.dirname(File.dirname(__FILE__))
  NODE = "#{ADAPTERS}/node/hpp_gate"
  # What hpp has added to variables, for each of its adapters, and the separators.
  ADDED = {
    'NODE_OPTIONS' => [["--require=#{NODE}.cjs", "\"--require=#{NODE}.cjs\"", "--import=file://#{NODE}.mjs"], ' '],
    'PYTHONPATH' => [["#{ADAPTERS}/python"], ':'],
    'RUBYOPT' => [[ADAPTER], ' ']
  }.freeze
  # Folders below a root whose files do not belong to the project.
  OUTSIDE = %w[node_modules site-packages dist-packages gems bundle].freeze
  # Programs that start the server and are not the server: they leave the gate alone.
  WRAPPERS = %w[foreman guard rerun].freeze
  # The word by which Bundler makes a Ruby program read the Gemfile.
  SETUP = %r{\A-r((?:.*/)?bundler/setup)\z}.freeze

  # Which files belong to the project.
  class Project
    def initialize(roots)
      @roots = roots.map { |root| "#{root.chomp('/')}/" }
    end

    def include?(path)
      @roots.any? { |root| path.start_with?(root) && (path.delete_prefix(root).split('/') & OUTSIDE).empty? }
    end

    def below?(folder)
      @roots.any? { |root| root.start_with?("#{folder.chomp('/')}/") }
    end
  end

  # Appends to the file each time that Ruby has read a file of source code, and before it runs that.
  class Recorder
    def initialize(name, project)
      @project = project
      @known = {}
      @paths = []
      @pid = ::Process.pid
      @folder = Dir.pwd
      @variables = {}
      @output = File.open(name, 'a', 0o600)
      @output.sync = true
      @inode = @output.stat.ino
    end

    # `gate` is that of a spare in which files have read variables, `early`.
    def start(early = nil, gate = nil)
      @early = early
      @gate = gate
      @gate_inode = gate&.stat&.ino
      VariableWatch.new { |name, value| note_variable(name, value) }
      trace = TracePoint.new(:script_compiled) do |point|
        file = point.instruction_sequence.absolute_path
        # Ruby adds the adapter to the list of loaded files when it has loaded it. RUBYOPT makes Ruby load it
        # again if that was for BUNDLER_SETUP.
        @is_hidden = file != __FILE__ && (@is_hidden || $LOADED_FEATURES.delete(__FILE__))
        note(file, point.instruction_sequence) unless point.eval_script || file == __FILE__
      rescue StandardError
        # The program must not notice a full disk, that it has closed all descriptors, or a fault of ours.
      end
      trace.enable
    end

    private

    def note(file, code)
      return if file.nil? || @known[file] || @project.include?(file)

      @known[file] = true
      append((new_fork + new_paths + ["rb file #{file}\n"] + circumstances(file, code)).join)
    end

    # That on which it may depend what the file does when it is loaded.
    def circumstances(file, code)
      seen = Constants.asked_by(file, code).map { |name, state| "rb sees #{state} #{name} #{file}\n" }
      Dir.pwd == @folder ? seen : seen + ["rb skip #{file}\n"]
    end

    def new_fork
      before = @pid
      @pid = ::Process.pid
      before == @pid ? [] : ["rb fork\n"]
    end

    def append(text)
      status = @output.stat
      @output.write(text) if status.ino == @inode && status.size < FILE_BYTES_MAX
    end

    # hpp starts the program again, cold, if a file has read another value, unless the server runs already.
    def note_variable(name, value)
      return if name.include?("\n")

      append("rb env #{name}\n") unless @variables.key?(name)
      is_said = @variables[name] ||= false
      return if is_said || !@early&.differs?(name, value)

      @variables[name] = true
      @gate.write("variable #{name}\n") if @gate.stat.ino == @gate_inode
    rescue SystemCallError, IOError
      # hpp has ended, the disk is full, or the program has closed all descriptors.
    end

    def new_paths
      return [] if @paths == $LOAD_PATH

      new = $LOAD_PATH.map(&:to_s) - @paths
      @paths = $LOAD_PATH.map(&:to_s)
      new.map { |path| "rb path #{path}\n" }
    end
  end

  module_function

  # Returns hpp's lines up to `record` or `preload`: none if another process has read them.
  def read_lines(gate)
    text = +''
    until text.match?(/^(record|preload) .*\n\z/)
      text << gate.readpartial(4096)
      return [] if text.bytesize > LINES_MAX
    end
    text.lines(chomp: true).map { |line| line.split(' ', 2) }
  rescue EOFError
    []
  end

  # Undoes what hpp has added, so that children of this process do not find the adapters.
  def hide
    ENV.delete('HPP_GATE')
    ADDED.each_key { |name| remove_adapter(name, name, nil) }
    # What Bundler restores for programs that are not in the bundle.
    remove_adapter('BUNDLER_ORIG_RUBYOPT', 'RUBYOPT', 'BUNDLER_ENVIRONMENT_PRESERVER_INTENTIONALLY_NIL')
    $LOADED_FEATURES.reject! { |file| File.dirname(file) == __dir__ }
  end

  # `nothing` is the value if nothing is left.
  def remove_adapter(variable, name, nothing)
    value = ENV.fetch(variable, '')
    added, separator = ADDED[name]
    added = added.map(&:b)
    words = value.b.split(/#{separator}/n, -1) # a path may have bytes that no text has
    return if (words & added).empty?

    left = words.reject { |word| added.include?(word) }.join(separator)
    ENV[variable] = left.empty? ? nothing : left.force_encoding(value.encoding)
  end

  # Whether this is a `bundle exec` that executes a program. Bundler loads a script into its own process if
  # the first line is one of these.
  def bundler_executes?
    return false unless %w[bundle bundler].include?(File.basename(program)) && ARGV.first == 'exec'

    command = ARGV[1].to_s
    return false if command.empty? || command.start_with?('-')

    places = command.include?('/') ? [''] : ENV.fetch('PATH', '').split(':').map { |folder| "#{folder}/" }
    file = places.map { |place| place + command }.find { |path| File.file?(path) && File.executable?(path) }
    first = file ? File.open(file, 'rb', &:gets).to_s : ''
    !first.match?(%r{\A#!/usr/bin/env (j|truffle)?ruby\n}) && first != "#!#{Gem.ruby}\n"
  end

  # The program that Bundler executes uses the gate, before its own bundler/setup reads the Gemfile. Bundler
  # puts that in front of RUBYOPT. Since 2.4 it also sets BUNDLER_SETUP, which RubyGems loads before RUBYOPT
  # counts (3.4 to 4.0, so that the Gemfile can choose the version of error_highlight).
  def come_before_bundler
    gate = self
    Kernel.singleton_class.prepend(Module.new do
      define_method(:exec) do |*words|
        gate.put_adapter_first
        super(*words)
      end
    end)
  end

  def put_adapter_first
    words = ENV.fetch('RUBYOPT', '').split
    return unless words.include?(ADAPTER) && words.grep(SETUP).any?

    ENV['RUBYOPT'] = [ADAPTER, *(words - [ADAPTER])].join(' ')
    ENV['BUNDLER_SETUP'] = __FILE__ if ENV.key?('BUNDLER_SETUP')
  end

  # Returns the file that RubyGems would have loaded instead of the adapter, or nil.
  def replaced_setup
    return unless ENV['BUNDLER_SETUP'] == __FILE__

    ENV.fetch('RUBYOPT', '').split.filter_map { |word| word[SETUP, 1] }.first || 'bundler/setup'
  end

  # The name of the program. While RubyGems is loaded, $PROGRAM_NAME is that of Ruby itself.
  def program
    return $PROGRAM_NAME unless @is_early

    words = File.binread('/proc/self/cmdline').force_encoding(Encoding.default_external).split("\0", -1)
    words[-2 - ARGV.size] || $PROGRAM_NAME
  end

  # Calls the block, and loads then what RubyGems would have loaded instead of the adapter.
  def before_setup
    setup = replaced_setup
    @is_early = !setup.nil?
    ENV['BUNDLER_SETUP'] = setup if setup
    yield
    return unless setup

    require setup
    # The gate is still there for a process of this wrapper.
    put_adapter_first if ENV.key?('HPP_GATE')
  end

  def use
    number = ENV.fetch('HPP_GATE', '')
    return if !number.match?(/\A\d+\z/) || WRAPPERS.include?(File.basename(program))
    return come_before_bundler if bundler_executes?
    return unless File.exist?("/proc/self/fd/#{number}") && File.stat("/proc/self/fd/#{number}").socket?

    gate = IO.for_fd(number.to_i, 'r+', autoclose: false)
    gate.sync = true
    gate.close_on_exec = true
    gate.write("hello 1 ruby\n")
    lines = read_lines(gate)
    hide
    return gate.close if lines.empty?

    project = Project.new(lines.filter_map { |word, text| File.realpath(text) if word == 'root' })
    command = lines.find { |word, _| word == 'command' }&.last.to_s
    follow(gate, *lines.last, project, command)
  end

  # An option -r of the user's comes before the adapter. Returns an objection if it has run a file of the
  # project, or nil.
  def required_file(project)
    file = $LOADED_FEATURES.find { |name| project.include?(name) }
    words = File.binread('/proc/self/cmdline').split("\0") + ENV.fetch('RUBYOPT', '').split
    is_bundlers = defined?(Bundler::SharedHelpers) && words.grep(/\A-r/).all? { |word| word.match?(SETUP) }
    "#{file} runs before it, because of the option -r" unless file.nil? || is_bundlers
  end

  def follow(gate, order, file, project, command)
    is_spare = order == 'preload'
    require_relative 'hpp_chain'
    require_relative 'hpp_constants'
    require_relative 'hpp_variables'
    chain = Chain.new(command)
    objection = chain.objection || required_file(project)
    gate.write("refuse #{objection}\n") if objection
    if is_spare
      require_relative 'hpp_program'
      require_relative 'hpp_spare'
      early = Spare.wait(gate, file, project, chain)
      is_spare = false
    end
    early = nil if early&.empty?
    gate.close unless early
    $LOADED_FEATURES.reject! { |name| File.dirname(name) == __dir__ }
    Recorder.new(file, project).start(early, early && gate)
  rescue StandardError => e
    # A file of hpp's is missing, or the disk is full: the program can run without.
    warn "hpp's adapter for Ruby has failed: #{e.message}"
    ::Process.exit!(1) if is_spare # it must not run the program
  end
end

HppGate.before_setup do
  HppGate.use
  Object.send(:remove_const, :HppGate)
end
