# frozen_string_literal: true

module HppGate
  # The programs between hpp and this process: what they have run and read before. The rules are those of
  # adapters/python/hpp_chain.py.
  class Chain
    SHELLS = %w[ash bash busybox dash fish ksh sh zsh].freeze
    # Programs that only start another one: they run nothing of the project before it.
    WRAPPERS = %w[bun bundle bundler conda corepack cross-env direnv doas dotenv dotenvx env env-cmd hatch
                  ionice mise nice nohup npm npm-cli npx npx-cli pdm pipenv pipx pnpm pnpx poetry rye setsid
                  stdbuf sudo time timeout unbuffer uv uvx yarn yarnpkg].freeze
    # Those of them that run other programs themselves, to find an interpreter, packages or variables.
    ASKING = %w[bundle bundler conda direnv hatch mise pdm pipenv pipx poetry rye uv uvx].freeze
    # Words that may be before such a program, and do nothing else: a shell's -c, and programs that become it.
    PREFIX = %r{
      \A(.*/)?(#{SHELLS.join('|')}|doas|env|exec|ionice|nice|nohup|setsid|stdbuf|sudo|time|timeout)\z
      |\A-|=|\A\d+[smh]?\z
    }x.freeze
    # Those that run tasks by name, and the files with the tasks.
    TASK_RUNNERS = %w[hatch mise pdm pipenv rye].freeze
    TASK_FILES = %w[.mise.toml Pipfile hatch.toml mise.toml pyproject.toml].freeze
    # With one of these, a shell's command line may run more than one program. JSON's escapes count, too.
    OPERATORS = /[;&|(`\n\\]/.freeze
    # A program that is a script is known by the script's name.
    INTERPRETERS = /\A(node|perl|python|ruby)/.freeze
    # Folders of version managers, whose scripts run other programs to find the interpreter.
    SHIMS = %r{/shims/|/\.rbenv/bin/|/\.pyenv/bin/}.freeze
    READ_BY_WRAPPERS = %w[.bundle .env .envrc .mise.toml .node-version .npmrc .nvmrc .python-version
                          .ruby-version .tool-versions Gemfile Gemfile.lock Pipfile Pipfile.lock Procfile
                          mise.toml package-lock.json package.json pnpm-lock.yaml pyproject.toml uv.lock
                          yarn.lock].freeze
    ANCESTORS_MAX = 32
    SCRIPT_BYTES_MAX = 1 << 16
    WORDS_MAX = 5000
    TICKS = 100.0 # USER_HZ, by which the kernel counts in /proc on all architectures

    # What /proc says of a process; see proc_pid_stat(5).
    class Process
      attr_reader :pid, :parent, :has_waited, :start, :has_gate, :words, :program, :folder

      def initialize(pid)
        @pid = pid
        fields = File.binread("/proc/#{pid}/stat").rpartition(')').last.split
        @parent = fields[1].to_i
        @has_waited = fields[8].to_i.positive? # page faults of children that it has waited for
        @start = fields[19].to_i / TICKS # seconds since boot
        pairs = File.binread("/proc/#{pid}/environ").split("\0").map { |pair| pair.split('=', 2) }
        @variables = pairs.reject(&:empty?).to_h { |name, value| [name, value] }
        @has_gate = @variables.key?('HPP_GATE')
        @words = File.binread("/proc/#{pid}/cmdline").split("\0").reject(&:empty?)
        @program = File.readlink("/proc/#{pid}/exe")
        @folder = File.readlink("/proc/#{pid}/cwd")
      end

      # The names by which this program may be known. npm replaces its command line by a title.
      def names
        names = [File.basename(program)]
        candidates = [words.first.to_s.split.first.to_s]
        if SHELLS.include?(names.first) || names.first.match?(INTERPRETERS)
          candidates += words.drop(1).reject { |word| word.start_with?('-') }.take(1)
        end
        candidates.each do |word|
          names << File.basename(word)
          names.concat(word.split('/node_modules/').drop(1).map { |part| part.split('/').first })
        end
        names.map { |name| name.split('.').first }
      end

      # Whether this is the program, or the script that an interpreter runs, that one of these words names.
      def named?(words)
        own = @words.take(1) + @words.drop(1).reject { |word| word.start_with?('-') }.take(1)
        own = own.map { |word| File.basename(word.split.first.to_s) }
        words.any? { |word| !word.start_with?('-') && own.include?(File.basename(word).b) }
      end

      # Whether the script of package.json that this process belongs to runs one program, and none before it.
      def one_script?
        event = @variables['npm_lifecycle_event']
        text = File.binread(@variables.fetch('npm_package_json', "#{folder}/package.json")).delete(" \t\r\n")
        script = text.split("\"#{event}\":\"", 2)[1].to_s.split('"').first.to_s
        !event.nil? && !text.include?("\"pre#{event}\":") && !script.match?(OPERATORS)
      rescue SystemCallError
        false
      end

      def children
        Dir.glob("/proc/#{pid}/task/*/children").flat_map do |file|
          File.read(file).split.map(&:to_i)
        rescue SystemCallError
          [] # the thread has ended
        end
      end
    end

    attr_reader :start

    def initialize(command)
      @command = command.split
      @processes = []
      pid = ::Process.pid
      while pid > 1 && @processes.size < ANCESTORS_MAX
        begin
          process = Process.new(pid)
        rescue SystemCallError
          break # hpp runs as another user
        end
        break unless @processes.empty? || process.has_gate

        @processes << process
        pid = process.parent
      end
      uptime = File.read('/proc/uptime').to_f
      @start = Time.now - (uptime - @processes.last.start)
    end

    # Why this command must not be started as a spare, or nil. A part of it that runs before the gate would
    # run too early, and would see old files.
    def objection
      @processes.each_cons(2).with_index(1) do |(child, process), at|
        text = "`#{process.words.join(' ')}`"
        unless (process.names & (SHELLS + WRAPPERS)).any?
          return "#{File.basename(process.program)} starts it, and may run something else before"
        end
        return "#{text} runs another program before it" if process.has_waited && !only_asked?(at)
        return "#{text} runs several programs at once" if process.children.any? { |pid| pid != child.pid }
      end
      "`#{@command.join(' ')}` runs another program before it" if @processes.first.has_waited && !only_asked?(0)
    end

    # The files that wrappers have read before this process. A file that appears later counts, too, so this
    # is called again to compare.
    def files
      folders = @processes.flat_map { |process| ancestors_of(process.folder) }.uniq
      found = folders.flat_map do |folder|
        Dir.children(folder).select { |name| READ_BY_WRAPPERS.include?(name) || name.start_with?('.env.') }
           .map { |name| File.join(folder, name) }
      rescue SystemCallError
        []
      end
      own = @processes.first
      # The program itself is read after the gate.
      after = own.words.map { |word| File.expand_path(word.delete_prefix('~'), own.folder) }
      @processes.drop(1).each do |process|
        found << process.program
        add_scripts(found, process.words, process.folder, after)
      end
      add_scripts(found, @command, @processes.last.folder, after)
      found.uniq
    end

    private

    def ancestors_of(folder)
      folders = []
      until folder == '/'
        folders << folder
        folder = File.dirname(folder)
      end
      folders
    end

    # Whether all that process number `at` has waited for are programs by which a version manager or a package
    # manager has found the interpreter or the packages. Anything else may be a part of the command.
    def only_asked?(at)
      process = @processes[at]
      child = @processes[[at - 1, 0].max]
      words = started_by(at)
      return false if words.join(' ').match?(OPERATORS)

      words = words.drop_while { |word| word.match?(PREFIX) }
      return false if words.empty?

      name = File.basename(words.first).split('.').first
      unless at.zero? || ASKING.include?(name) # npm, found by a version manager
        return shim?(words.first) && process.names.include?(name) && child.one_script?
      end

      words = with_task(words) if TASK_RUNNERS.include?(name)
      (ASKING.include?(name) || shim?(words.first)) && child.named?(words)
    end

    # The words of the command line by which process number `at` was started, if hpp's command or a shell's -c
    # tells them.
    def started_by(at)
      return @command if at + 1 == @processes.size

      words = @processes[at + 1].words
      is_told = words.size > 2 && SHELLS.include?(File.basename(words.first)) && words[1] == '-c'
      is_told ? words[2].split : []
    end

    # These words of a task runner's command line, and those of the task that it names; none if others may run
    # before that.
    def with_task(words)
      names = words.drop(1).grep_v(/\A-|\A(exec|run|x)\z/)
      hooks = ['pre_run', *names.map { |name| "pre_#{name}" }]
      found = words.dup
      files.select { |file| TASK_FILES.include?(File.basename(file)) }.each do |file|
        File.binread(file).lines.map(&:strip).each do |line|
          key, value = line.split('=', 2).map(&:strip)
          key = key.to_s.gsub(/\A["']|["']\z/, '')
          table = line.start_with?('[') && line.gsub(/\A\[+|\]+\z/, '').split('.').last
          is_plain = value.to_s.match?(/\A(["']).*\1\z/) && !value.match?(OPERATORS)
          return [] if names.include?(table) || hooks.include?(key) || (names.include?(key) && !is_plain)

          found.concat(value[1...-1].split) if names.include?(key)
        end
      end
      found
    end

    # Whether this program is one of a version manager, which runs others to find the right one.
    def shim?(word)
      places = word.include?('/') ? [''] : ENV.fetch('PATH', '').split(':').map { |folder| "#{folder}/" }
      SHIMS.match?(places.map { |place| place + word }.find { |file| File.exist?(file) }.to_s)
    end

    # Adds the files that these words name, and the files that these name if they are scripts, but those in
    # `after`.
    def add_scripts(found, words, folder, after)
      words.flat_map(&:split).take(WORDS_MAX).each do |word|
        word = word.delete(%q("'();&|))
        file = File.expand_path("./#{word}", folder)
        file = word if word.start_with?('/')
        next if word.empty? || found.include?(file) || after.include?(file) || !File.file?(file)

        found << file
        text = File.binread(file, SCRIPT_BYTES_MAX).to_s
        is_script = text.lines.first.to_s.match?(/\A#!.*sh\b/) || file.end_with?('.sh', '.env', '.bash')
        add_scripts(found, [text.scrub], folder, after) if is_script
      rescue SystemCallError
        next # not readable, or too long to be a name
      end
    end
  end
end
