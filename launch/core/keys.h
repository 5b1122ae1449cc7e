// Pure. What the user may type at hpp-launch, where the keyboard is not the backend's.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace hpp::launch {

struct Typed {
  enum class Meaning { Restart, Help, Quit, Unknown };
  Meaning meaning;
  std::string text;  // the line without the blanks around it

  bool operator==(const Typed&) const = default;
};

// One line each.
constexpr std::string_view kKeysHint =
    "r Enter restarts your server, h Enter helps, Ctrl+C ends all";
constexpr std::string_view kKeysHelp[] = {
    "r Enter   restarts your server, as a save does",
    "q Enter   ends all, as Ctrl+C does",
    "h Enter   shows this; Enter alone leaves a blank line",
    "From another terminal in this folder: hpp-ctl status, wait, restart, trace, stop",
};

// Makes lines of what the terminal gives, and sense of them.
class Keys {
 public:
  // The lines that end in `bytes`. Empty ones mean nothing: users leave blank lines between what
  // was printed before and what comes.
  std::vector<Typed> take(std::string_view bytes);

 private:
  std::string line_;  // what has come of it
};

}  // namespace hpp::launch
