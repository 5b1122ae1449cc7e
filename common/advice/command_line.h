// Pure. Explains mistakes in the command line of hpp-launch: what is wrong, why, and what to write
// instead.
#pragma once

#include <optional>
#include <string>
#include <vector>

namespace hpp::advice {

// An option that the program has.
struct KnownOption {
  enum class Takes {
    Nothing,
    Value,  // one word
    List,   // all words up to the next option
  };

  std::vector<std::string> names;  // `-p` and `--pattern`; the last name is used in messages
  Takes takes = Takes::Nothing;
};

// A word of the command line, and what it names for the system.
struct Word {
  std::string text;
  bool is_program = false;    // execvp(3) would run it
  bool is_file = false;       // a path of a regular file
  bool is_directory = false;  // a path of a directory
};

struct CommandLine {
  std::string program = "hpp-launch";
  std::vector<KnownOption> options;
  std::vector<Word> words;  // without the command
  // The words after --exec or --; nothing if neither was given.
  std::optional<std::vector<Word>> command;
};

// Returns the explanation of a mistake that makes the command line mean something else than its
// author thinks, although it may be valid: a typographic dash, `-pattern`, `--exec=…`, addresses
// after `--pattern`. To be called before the command line is parsed.
std::optional<std::string> find_mistake(const CommandLine& line);

// Returns the explanation for a command line that could not be parsed, if it is a known mistake: a
// forgotten --exec, an unknown option, or a value of several words without quotes.
std::optional<std::string> explain_failure(const CommandLine& line);

// Returns an explanation if the first word of the command cannot be a program: several words in
// quotes, or a variable.
std::optional<std::string> find_mistake_in_command(const std::vector<Word>& command);

// Returns hints on a valid command line that probably does not do what its author wants: a glob
// that the shell has expanded, and options of hpp after --exec.
std::vector<std::string> hints_on(const CommandLine& line);

}  // namespace hpp::advice
