# frozen_string_literal: true

module HppGate
  # The program's own file. Before Ruby comes to the gate, it opens the file, reads up to 8 KiB of it, and
  # looks at the first line, which may have options (`#!/usr/bin/env ruby -w`). It reads the rest, and
  # compiles all, after the gate.
  #
  # hpp kills a spare with an open file of the project, so here the descriptor becomes one of a copy without
  # a name. After the gate it becomes one of a copy of the newest file, and Ruby's buffer is emptied.
  class Program
    # Ruby's parser since then reads the whole file before the gate, and closes it.
    READS_ALL = '3.4'
    # Ruby puts this back into its buffer for a first line with options.
    INSTEAD = "#!\n"

    # If Ruby cannot read the file again after the gate, `guard` has to compare it.
    def initialize(guard)
      @name = File.absolute_path(HppGate.program)
      sources = sources_of(File.realpath(@name))
      @number, @stream = sources.first
      # With the option -x, Ruby has read more than one line.
      @start = first_line if sources.size == 1 && @stream && @stream.lineno < 2
      guard.note_file(@name, guard.start) if @start.nil? && (sources.any? || RUBY_VERSION >= READS_ALL)
      sources.each { |number, _| put(number, File.binread(@name)) }
    rescue SystemCallError
      # There is no such file (-e), or no file without a name can be made there.
    end

    # Lets Ruby read the newest file. Returns its name if Ruby would have begun in another way, or nil.
    def renew
      return unless @start

      text = File.binread(@name)
      return @name if !text.start_with?(@start) || (@start.empty? && text.start_with?('#!'))

      put(@number, text)
      @stream.seek(@start.bytesize)
      @stream.ungetbyte(INSTEAD) unless @start.empty?
      nil
    rescue SystemCallError
      @name
    end

    private

    # The line, if Ruby has read it for the options. IO#pos would tell, but empties Ruby's buffer.
    def first_line
      @stream.lineno.zero? ? '' : File.open("/proc/self/fd/#{@number}", 'rb', &:gets).to_s
    end

    # Returns the descriptors of this file, each with the object by which Ruby reads the file.
    def sources_of(file)
      numbers = Dir.children('/proc/self/fd').map(&:to_i).select { |number| file_of(number) == file }
      numbers.map { |number| [number, ObjectSpace.each_object(File).find { |stream| number_of(stream) == number }] }
    end

    # The offset stays, because Ruby goes back from there when it empties its buffer.
    def put(number, text)
      descriptor = IO.for_fd(number, 'rb', autoclose: false)
      File.open('/tmp', File::RDWR | File::TMPFILE, 0o600) do |copy|
        copy.write(text)
        copy.flush
        copy.sysseek(descriptor.sysseek(0, IO::SEEK_CUR))
        descriptor.reopen(copy)
      end
    end

    def file_of(number)
      File.readlink("/proc/self/fd/#{number}")
    rescue SystemCallError
      nil
    end

    def number_of(stream)
      stream.fileno
    rescue IOError
      nil # it is closed
    end
  end
end
