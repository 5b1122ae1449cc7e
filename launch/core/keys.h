// Pure. The commands that the user can type in hpp-launch's terminal, without --interactive.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace hpp::launch {

struct Typed {
  enum class Meaning { Restart, Help, Quit, Unknown };
  Meaning meaning;
  std::string text;  // the line, without leading and trailing blanks

  bool operator==(const Typed&) const = default;
};

constexpr std::string_view kKeysHint =
    "r Enter restarts your server, h Enter shows help, Ctrl+C stops hpp";
constexpr std::string_view kKeysHelp[] = {
    "r Enter   restarts your server, as a saved file does",
    "q Enter   stops hpp and your server, as Ctrl+C does",
    "h Enter   shows this help; Enter alone prints a blank line",
    "From another terminal in this folder: hpp-ctl status, wait, restart, trace, stop",
};

// Splits terminal input into lines and parses each one as a command.
class Keys {
 public:
  // Returns the lines that end in `bytes`. Empty lines are skipped: users press Enter to separate
  // old output from new output.
  std::vector<Typed> take(std::string_view bytes);

 private:
  std::string line_;  // the incomplete last line
};

}  // namespace hpp::launch
