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
        @has_gate = "\0#{File.binread("/proc/#{pid}/environ")}".include?("\0HPP_GATE=")
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
      @processes.each_cons(2) do |child, process|
        text = "`#{process.words.join(' ')}`"
        unless (process.names & (SHELLS + WRAPPERS)).any?
          return "#{File.basename(process.program)} starts it, and may run something else before"
        end
        return "#{text} runs another program before it" if process.has_waited && !shim?(process.words)
        return "#{text} runs several programs at once" if process.children.any? { |pid| pid != child.pid }
      end
      "`#{@command.join(' ')}` runs another program before it" if @processes.first.has_waited && !shim?(@command)
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

    # Whether the command is a package manager or a version manager, which run programs of their own.
    def shim?(words)
      word = words.first.to_s.split.first.to_s
      return true if WRAPPERS.include?(File.basename(word).split('.').first)

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
