# frozen_string_literal: true

module HppGate
  # What a spare has read while it loaded files, and whether it would read the same now.
  class Guard
    RACY_S = 0.05 # a file that has changed so shortly before it was read may change again in that time
    UNSTABLE = %r{\A/(proc|sys|dev)/}.freeze # files whose times say nothing

    def initialize(project, chain)
      @project = project
      @chain = chain
      @files = {}
      @folders = {}
      @changed = nil
      @start = chain.start - 0.02
      @read_by_wrappers = wrappers_files
      libraries = File.read('/proc/self/maps').lines(chomp: true).filter_map { |line| line[%r{/.*}] }
      [*@read_by_wrappers.keys, *libraries, *bundlers_files, *$LOADED_FEATURES.grep(%r{\A/})].uniq.each do |file|
        note_file(file, start)
      end
    end

    attr_reader :start # the time since which files may have been read

    # Call it before the file is read, or with the time since which it may have been read.
    def note_file(file, since = Time.now - RACY_S)
      return if @files.key?(file) || UNSTABLE.match?(file)

      @files[file] = identity(file)
      @changed ||= file if @files[file].size > 2 && File.stat(file).ctime > since
    end

    # A new name in this folder may change what is found.
    def note_folder(folder)
      @folders[folder] ||= File.stat(folder).mtime if File.directory?(folder) && !@project.include?("#{folder}/")
    end

    def first_change
      @changed ||
        @files.find { |file, before| identity(file) != before }&.first ||
        @folders.find { |folder, before| !File.directory?(folder) || File.stat(folder).mtime != before }&.first ||
        first_difference(wrappers_files)
    end

    private

    # Equal values mean equal contents. Of a folder only the existence counts.
    def identity(file)
      status = File.stat(file)
      return [status.dev, status.ino] if status.directory?

      [status.dev, status.ino, status.size, status.mtime, status.ctime]
    rescue SystemCallError
      []
    end

    # What Bundler has read if it was set up before the gate (`ruby -rbundler/setup`): the Gemfile, the files
    # that this evaluates, the lock file and the gemspecs.
    def bundlers_files
      is_set_up = $LOADED_FEATURES.any? { |file| file.end_with?('/bundler/setup.rb') }
      return [] unless is_set_up && ::Bundler::SharedHelpers.in_bundle?

      files = [*::Bundler.definition.gemfiles, ::Bundler.default_lockfile, *::Bundler.load.specs.map(&:loaded_from)]
      files.compact.map(&:to_s)
    end

    def wrappers_files
      @chain.files.to_h { |file| [file, identity(file)] }
    end

    def first_difference(now)
      (now.keys | @read_by_wrappers.keys).find { |file| now[file] != @read_by_wrappers[file] }
    end
  end

  # A spare: loads files, waits at the gate, and checks that nothing has changed (docs/gate.rst).
  #
  # A file is *unfit* if loading it early would differ from loading it in time: it fails, it loads or
  # evaluates a file of the project, it opens a connection, writes a file, starts a process, or a thread
  # that does more than to wait for an element of a queue, reads a variable of the environment that the
  # program sets itself at any time, or that was set before, or asks for a constant that was defined then
  # and is not now, or the other way round. The files that load it are unfit, too, even if they rescue the
  # error. So are the files of the same library that were loaded after it: they may rely on what it does,
  # and can be loaded early without it, but then it cannot be loaded any more. A fork of the spare finds out
  # which ones are unfit.
  class Spare
    TRIALS_MAX = 8
    # Methods by which a file does more than to read files, and the classes that define them.
    FORBIDDEN = {
      '`': %w[Kernel], bind: %w[Socket UDPSocket], chdir: %w[Dir], chmod: %w[File], chown: %w[File],
      connect: %w[Socket UDPSocket], copy_stream: %w[IO], delete: %w[File Dir], exec: %w[Kernel Process],
      fork: %w[Kernel Process], kill: %w[Process], link: %w[File], mkdir: %w[Dir], mkfifo: %w[File],
      open: %w[Kernel], popen: %w[IO], rename: %w[File], rmdir: %w[Dir], spawn: %w[Kernel Process],
      symlink: %w[File], system: %w[Kernel], test: %w[Kernel], truncate: %w[File], unlink: %w[File Dir],
      utime: %w[File]
    }.freeze
    THREADS = %i[fork new start].freeze
    # Methods of Queue in which a thread does nothing until the program wakes it up.
    WAITING = /[`#'](pop|deq|shift)'\z/.freeze
    THREAD_S_MAX = 0.2 # until a thread waits
    SOCKETS = %w[TCPServer TCPSocket UNIXServer UNIXSocket].freeze
    CONTENTS = %i[binread foreach read readlines sysopen].freeze
    TESTS = FileTest.singleton_methods(false).freeze
    READING = {
      File => %i[atime birthtime ctime ftype lstat mtime new open readlink realdirpath realpath stat] + CONTENTS +
        TESTS,
      IO => CONTENTS, FileTest => TESTS, Dir => Dir.singleton_methods(false) & %i[exist? exists?]
    }.freeze
    WRITING = %i[binwrite write].freeze
    LISTING = %i[[] children each_child empty? entries foreach glob new open].freeze

    READING_VARIABLES = %i[[] assoc fetch has_key? include? key? member?].freeze
    READING_SEVERAL = %i[slice values_at].freeze
    LISTING_VARIABLES = %i[each each_key each_pair each_value except filter has_value? inspect invert key keys rassoc
                           reject select to_a to_h to_hash value? values].freeze

    # Bundler and RubyGems load their parts when they need them, in any order. They set variables for other
    # processes and read them again.
    UNORDERED = %r{/(bundler|rubygems)/}.freeze

    # Files that run the program when they are loaded, and define nothing.
    RUNNING = %r{/rails/commands\.rb\z}.freeze

    class Refused < LoadError; end

    def self.wait(gate, file, project, chain)
      begin_s = ::Process.clock_gettime(::Process::CLOCK_MONOTONIC)
      spare = new(file, project)
      TRIALS_MAX.times do
        break if spare.is_checked

        ::Process.wait(::Process.fork { spare.try(file) })
        break unless $?.success? # a file has crashed it

        spare = new(file, project)
      end
      guard = Guard.new(project, chain)
      program = Program.new(guard)
      count = spare.is_checked ? spare.preload(guard) : 0
      spare.unfit.empty? || ::Process.exit!(1)
      objection = chain.objection
      gate.write("refuse #{objection}\n") if objection
      elapsed = ((::Process.clock_gettime(::Process::CLOCK_MONOTONIC) - begin_s) * 1000).round
      gate.write("ready #{count} #{elapsed}\n")
      changed = nil
      is_compared = false
      loop do
        line = gate.gets || ::Process.exit!(0)
        if line == "compare\n" || (line == "open\n" && !is_compared)
          changed = guard.first_change
          is_compared = true
        end
        break if line == "open\n"
      end
      if (changed ||= program.renew)
        gate.write("cold #{changed}\n")
        ::Process.exit!(0)
      end
      gate.write("go\n")
      spare.reads
    end

    attr_reader :unfit, :is_checked, :reads

    def initialize(recording, project)
      @project = project
      @files = {} # name: the variables that were set before
      @seen = Hash.new { |seen, file| seen[file] = {} } # for each file: constants that it asks for, their states
      @set_by_program = {}
      @forks = false
      @threads = [] # for each that was started: the files that were being loaded
      @set_early = []
      @reads = EarlyReads.new
      @paths = []
      @skipped = {}
      @incomplete = {} # libraries of which a file is not loaded early
      @unfit = []
      @is_checked = true
      variables = []
      File.foreach(recording, chomp: true) do |line|
        language, word, value = line.split(' ', 3)
        next unless language == 'rb'

        case word
        when 'path' then @paths << value
        when 'env'
          @is_checked = false unless variables.include?(value)
          variables |= [value]
        when 'set'
          @is_checked = false unless @set_by_program.key?(value)
          @set_by_program[value] = true
        when 'sees'
          state, name, file = value.split(' ', 3)
          @is_checked = false unless @seen[file][name] == state
          @seen[file][name] = state
        when 'skip' then @skipped[value] = true
        when 'checked' then @is_checked = true
        when 'fork' then @forks = true
        when 'file'
          @is_checked = false unless @files.key?(value)
          @files[value] ||= variables
        end
      end
      @recorded_variables = variables
    end

    # Called in a fork, whose output is lost.
    def try(recording)
      [$stdin, $stdout, $stderr].each { |stream| stream.reopen(File::NULL, 'r+') }
      preload(nil)
      late = @recorded_variables - @set_early - @set_by_program.keys
      lines = @unfit.uniq.map { |file| "rb skip #{file}\n" } + late.map { |name| "rb set #{name}\n" }
      File.write(recording, lines.empty? ? "rb checked\n" : lines.join, mode: 'a')
      ::Process.exit!(0)
    end

    # Calls the block, unless what is watched is the spare's own.
    def quietly
      return if @is_quiet

      @is_quiet = true
      begin
        yield
      ensure
        @is_quiet = false
      end
    end

    # Returns how many files it has loaded.
    def preload(guard)
      @guard = guard
      before = $LOADED_FEATURES.size
      environment = ENV.to_h
      path = $LOAD_PATH.dup
      outside = @paths.reject { |folder| @project.include?("#{folder}/") }
      $LOAD_PATH.concat(outside - path)
      extended = $LOAD_PATH.dup
      watch_folders(guard, outside) if guard
      with_watched_methods { @files.each_key { |file| load_early(file, extended) } }
      libraries = $LOADED_FEATURES.drop(before).grep(%r{\A/.*\.so\z})
      libraries.each { |file| guard.note_file(file, guard.start) } if guard
      $LOAD_PATH.replace(path)
      @reads.before = ENV.to_h
      @set_early = (ENV.to_a - environment.to_a | environment.to_a - ENV.to_a).map(&:first)
      $LOADED_FEATURES.size - before
    end

    private

    # A gem that is installed now may be the one that a cold start takes.
    def watch_folders(guard, folders)
      (folders + Gem::Specification.dirs).uniq.each { |folder| guard.note_folder(folder) }
    end

    # `gems/rack-2.2/` or `ruby/3.1.0/net`
    def library_of(file)
      file[%r{\A.*/gems/[^/]+/}] || file[%r{\A.*/ruby/[^/]+/[^/.]+}] || File.dirname(file)
    end

    def unfit?(file)
      @skipped[file] || (@incomplete[library_of(file)] && !UNORDERED.match?(file))
    end

    def declare_unfit(*files)
      @unfit.concat(files)
      files.each { |file| lack(file) }
    end

    # The library has to do without this file.
    def lack(file)
      @incomplete[library_of(file)] = true unless RUNNING.match?(file)
    end

    def load_early(file, extended)
      lack(file) if @skipped[file]
      return if unfit?(file) || $LOADED_FEATURES.include?(file) || !file.end_with?('.rb')

      @current = file
      @variables = @files[file]
      @guard&.note_file(file)
      threads = Thread.list
      @threads.clear # of a file that has failed; what it had loaded is tried again without it
      require file
      raise Refused, "#{file} changes $LOAD_PATH" if $LOAD_PATH != extended

      check_threads(Thread.list - threads)
    rescue Exception # rubocop:disable Lint/RescueException
      declare_unfit(file)
    end

    def check_threads(new)
      deadline = Time.now + THREAD_S_MAX
      sleep 0.001 until new.all? { |thread| waits?(thread) } || Time.now > deadline
      # A thread that has ended is not in the list.
      declare_unfit(*@threads.flatten) unless new.size == @threads.size && new.all? { |thread| waits?(thread) }
    end

    def waits?(thread)
      thread.stop? && thread.backtrace.to_a.first.to_s.match?(WAITING)
    end

    def refuse(why)
      declare_unfit(*loading)
      raise Refused, why
    end

    # The files that are being loaded.
    def loading
      [@current, *caller_locations.filter_map do |place|
        place.absolute_path if place.label == '<top (required)>' && @files.key?(place.absolute_path)
      end]
    end

    def with_watched_methods
      restore = []
      # RubyGems would choose and activate gems, which Bundler may have to choose itself.
      replace(restore, Kernel, :require, Kernel.instance_method(:gem_original_require))
      READING.each do |object, names|
        names.each { |name| watch(restore, object, name) { |file, *rest| note_read(name, file, rest) } }
      end
      WRITING.each { |name| watch(restore, IO, name) { |file, *| refuse_to_write(file) } }
      LISTING.each do |name|
        watch(restore, Dir, name) { |*patterns, base: nil, **| note_listing(patterns.flatten, base) }
      end
      READING_VARIABLES.each { |name| watch(restore, ENV, name) { |variable, *| note_variables([variable]) } }
      READING_SEVERAL.each { |name| watch(restore, ENV, name) { |*variables| note_variables(variables) } }
      LISTING_VARIABLES.each { |name| watch(restore, ENV, name) { note_all_variables } }
      files = TracePoint.new(:script_compiled) { |point| quietly { check_file(point) } }
      calls = TracePoint.new(:c_call, :call) { |point| quietly { check_call(point) } }
      files.enable
      calls.enable { yield }
    ensure
      files&.disable
      restore.reverse_each(&:call)
    end

    def replace(restore, owner, name, method)
      original = owner.instance_method(name)
      is_private = owner.private_method_defined?(name)
      define = lambda do |body|
        verbose, $VERBOSE = $VERBOSE, nil
        owner.send(:define_method, name, body)
        owner.send(:private, name) if is_private
        $VERBOSE = verbose
      end
      define.call(method)
      restore << -> { define.call(original) }
    end

    def watch(restore, object, name, &note)
      owner = object.singleton_class
      is_own = owner.instance_methods(false).include?(name)
      original = object.method(name).unbind
      spare = self
      verbose, $VERBOSE = $VERBOSE, nil
      owner.send(:define_method, name) do |*values, **options, &block|
        spare.quietly { note.call(*values, **options) }
        original.bind_call(self, *values, **options, &block)
      end
      $VERBOSE = verbose
      restore << lambda do
        verbose, $VERBOSE = $VERBOSE, nil
        is_own ? owner.send(:define_method, name, original) : owner.send(:remove_method, name)
        $VERBOSE = verbose
      end
    end

    def check_file(point)
      # Bundler evaluates the Gemfile, with its name.
      file = point.eval_script ? point.instruction_sequence.path : point.instruction_sequence.absolute_path
      refuse("#{file} belongs to the project") if file && @project.include?(file)
      return if point.eval_script || file.nil?

      refuse("#{file} is not loaded early") if unfit?(file)
      different = @seen[file].find { |name, state| Constants.state(name) != state }
      refuse("#{different.first} would be different before the gate") if different
      @guard&.note_file(file)
    end

    def check_call(point)
      owners = FORBIDDEN[point.method_id]
      name = point.defined_class.inspect[/\A(?:#<Class:)?([\w:]+)/, 1]
      if name == 'Thread' && THREADS.include?(point.method_id)
        refuse('a thread would be missing in a fork') if @forks
        @threads << loading
      end
      is_forbidden = owners&.include?(name) || (point.method_id == :initialize && SOCKETS.include?(name))
      refuse("#{name}.#{point.method_id} is not possible before the gate") if is_forbidden
    end

    def note_read(name, file, rest)
      return unless path?(file)

      options = rest.last.is_a?(Hash) ? rest.pop : {}
      mode = rest.first || options[:mode] || options[:flags] || 'r'
      refuse_to_write(file) if %i[new open sysopen].include?(name) && !mode.to_s.start_with?('r') && mode != 0
      refuse("#{file} starts a process") if file.to_s.start_with?('|')
      @guard&.note_file(File.absolute_path(file))
    end

    def path?(file)
      file.respond_to?(:to_path) || file.is_a?(String)
    end

    def refuse_to_write(file)
      refuse("#{file} cannot be written before the gate") if path?(file) && file.to_s != File::NULL
    end

    def note_listing(patterns, base)
      # It looks for similar names if a message of a LoadError is asked for.
      return if caller_locations.any? { |place| place.path.include?('/did_you_mean/') }

      patterns.select { |pattern| path?(pattern) }.each do |pattern|
        before, wildcards = pattern.to_s.match(/\A((?:[^*?\[{]*\/)?)([^\/]*[*?\[{].*)\z/m)&.captures
        folder = File.absolute_path(before || pattern, base || Dir.pwd)
        is_deep = wildcards.to_s.match?(%r{/|\*\*})
        refuse("#{folder} is a folder of the project") if @project.include?("#{folder}/")
        refuse("the project is below #{folder}") if is_deep && @project.below?(folder)
        next unless @guard

        @guard.note_file(folder)
        [folder, *(Dir.glob("#{folder}/**/") if is_deep)].each { |each| @guard.note_folder(each) }
      end
    end

    def note_variables(names)
      is_unordered = reader_is_unordered?
      names.grep(String).each do |name|
        @reads.note(name) unless is_unordered
        is_late = @variables&.include?(name) || (!is_unordered && @set_by_program.key?(name))
        refuse("#{name} is set later") if is_late
      end
    end

    def note_all_variables
      return if reader_is_unordered?

      @reads.is_all_read = true
      refuse('ENV is changed later') unless @set_by_program.empty? && @variables.to_a.empty?
    end

    def reader_is_unordered?
      reader = caller_locations(2).find { |place| File.dirname(place.path) != __dir__ }
      reader && UNORDERED.match?(reader.path)
    end
  end
end
