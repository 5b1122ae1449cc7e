// Pure. The commands that the user can type in hpp-launch's terminal, without --interactive.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace hpp::launch {

struct Typed {
  enum class Meaning {
    Restart,
    Open,
    Urls,
    Clear,
    Pause,  // or its end
    Quit,
    Help,
    Blank,  // Enter alone, which the terminal has not echoed
    Unknown,
  };
  Meaning meaning;
  std::string text;  // the key, or the line without leading and trailing blanks

  bool operator==(const Typed&) const = default;
};

constexpr std::string_view kKeysHelp[] = {
    "r + Enter  restarts your server, as a saved file does",
    "o + Enter  opens the site in a browser",
    "u + Enter  shows the URLs",
    "c + Enter  clears the terminal",
    "p + Enter  pauses (saves do not restart your server), or ends the pause",
    "q + Enter  stops hpp and your server, as Ctrl+C does",
    "h + Enter  shows this help; Enter alone prints a blank line",
};
// Follows kKeysHelp if the terminal delivers single keys.
constexpr std::string_view kSingleKeysHelp = "Enter is not needed.";
constexpr std::string_view kCommandsHelp =
    "In another terminal here: hpp-ctl status, wait, restart, log, stop";

// Turns terminal input into commands.
class Keys {
 public:
  enum class Mode {
    Lines,   // the terminal echoes, and delivers lines: a command ends with Enter
    Single,  // the terminal delivers each key at once: a command is a key, with or without Enter
  };

  explicit Keys(Mode mode) : mode_(mode) {}

  Mode mode() const { return mode_; }

  // Returns the commands in `bytes`.
  //
  // In Mode::Lines these are the lines that end in `bytes`. Empty lines are skipped: users press
  // Enter to separate old output from new output.
  //
  // In Mode::Single, `bytes` must be what one read(2) has returned. A key that comes alone is a
  // command at once, and an Enter that follows it is skipped. If several characters come together,
  // they are a paste: they count as lines, and a last line without Enter is ignored, so that a `q`
  // in a pasted text does not stop hpp. Escape sequences (arrow keys) and control characters are
  // ignored. Of several unknown keys in a row, only the first is returned, because they are a word.
  std::vector<Typed> take(std::string_view bytes);

 private:
  std::vector<Typed> take_lines(std::string_view bytes);
  std::vector<Typed> take_key(char key);

  Mode mode_;
  std::string line_;              // Lines: the incomplete last line
  bool follows_command_ = false;  // Single: the last key was a command
  bool follows_unknown_ = false;  // Single: the last key was unknown
};

}  // namespace hpp::launch
