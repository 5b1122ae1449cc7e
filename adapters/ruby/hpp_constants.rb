# frozen_string_literal: true

module HppGate
  # The constants that a file asks for without loading them, as in `defined?(Sinatra::Base)`, but not in a
  # method. It may do something else if they are not defined, so they must be as defined in a spare as in a
  # cold start.
  module Constants
    ASKED = /\bdefined\?\s*\(?\s*(?:::)?([A-Z]\w*(?:::[A-Z]\w*)*)
            |\bconst_defined\?\s*\(?\s*[:'"]+([A-Z]\w*(?:::[A-Z]\w*)*)/x.freeze

    module_function

    # Returns the names in the file whose compiled code this is, and the state of each.
    def asked_by(file, code)
      text = File.binread(file)
      return {} unless text.include?('defined?')

      asked = []
      text.scan(ASKED) { |names| asked << [names.compact.first, $~.pre_match.count("\n") + 1] }
      in_methods = asked.empty? ? [] : methods_of(code)
      asked.reject! { |_, number| in_methods.any? { |lines| lines.cover?(number) } }
      asked.to_h { |name, _| [name, state(name)] }
    end

    # Returns the lines of each method.
    def methods_of(code)
      found = []
      code.each_child do |child|
        lines = child.trace_points.select { |_, event| %i[call return].include?(event) }.map(&:first)
        found.concat(lines.empty? ? methods_of(child) : [lines.min..lines.max])
      end
      found
    end

    # Loads nothing: `later` is a constant, or a part of its name, that Ruby would load.
    def state(name)
      *outer, last = name.split('::')
      scope = outer.inject(Object) do |module_, part|
        return state_of(module_, part) unless state_of(module_, part) == 'yes'

        Module.instance_method(:const_get).bind_call(module_, part, false)
      end
      state_of(scope, last)
    end

    def state_of(scope, name)
      return 'no' unless Module === scope # rubocop:disable Style/CaseEquality
      return 'later' if Module.instance_method(:autoload?).bind_call(scope, name, false)

      Module.instance_method(:const_defined?).bind_call(scope, name, false) ? 'yes' : 'no'
    end
  end
end
