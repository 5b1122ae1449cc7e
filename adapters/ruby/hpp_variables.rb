# frozen_string_literal: true

module HppGate
  # The variables of the environment that files have read while a spare has loaded them.
  class EarlyReads
    attr_accessor :is_all_read
    attr_writer :before # the environment when all was loaded

    def initialize
      @names = {}
      @is_all_read = false # a file has listed the variables
      @before = {}
    end

    def note(name)
      @names[name] = true
    end

    def empty?
      @names.empty? && !@is_all_read
    end

    # Whether a file would read another value now.
    def differs?(name, value)
      (@is_all_read || @names.key?(name)) && @before[name] != value
    end
  end

  # Notices each change of ENV, also in forks: its methods are replaced.
  class VariableWatch
    METHODS = %i[[]= clear delete delete_if filter! keep_if merge! reject! replace select! shift store update].freeze

    # Calls the block with the name and the new value of each variable that changes.
    def initialize(&on_change)
      @on_change = on_change
      @environment = ENV.to_h
      METHODS.each { |name| watch(name) }
    end

    def compare
      before = @environment
      @environment = ENV.to_h
      (before.keys | @environment.keys).each do |name|
        @on_change.call(name, @environment[name]) if before[name] != @environment[name]
      end
    end

    private

    def watch(name)
      original = ENV.method(name).unbind
      watch = self
      verbose, $VERBOSE = $VERBOSE, nil
      ENV.singleton_class.send(:define_method, name) do |*values, &block|
        original.bind_call(self, *values, &block)
      rescue TypeError, ArgumentError, SystemCallError => e
        e.set_backtrace(caller.reject { |line| line.start_with?(__FILE__) }) unless block
        raise
      ensure
        watch.compare
      end
      $VERBOSE = verbose
    end
  end
end
