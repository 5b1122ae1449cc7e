// The mode of the user's terminal while single keys are read, and its mode before.
#pragma once

#include <termios.h>

namespace hpp::launch {

// Each key is delivered as it is pressed and is not echoed. Ctrl+C and Ctrl+Z (or the keys that the
// user has configured instead) keep their meaning. Output settings are unchanged, because hpp
// prints to the same terminal.
//
// Trivially copyable, so that it can be sent to the guard, which restores the terminal if
// hpp-launch is killed.
class KeyMode {
 public:
  enum class Reader {
    Backend,  // every other key is for the backend, whose pseudoterminal does line editing and echo
    Hpp,      // hpp reads keys; Ctrl+S and Ctrl+Q stop and continue the output as usual
  };

  // Sets the mode of the terminal `fd` and remembers its previous mode. Returns false if the mode
  // is set already or cannot be set.
  bool set(int fd, Reader reader = Reader::Backend);

  // Sets the previous mode again, unless another program has changed the mode meanwhile: a shell
  // that has taken the terminal back has set its own. The caller must ignore SIGTTOU, or be in the
  // foreground, so that it is not stopped.
  void restore(int fd);

 private:
  bool is_set_ = false;
  termios before_{};
  termios during_{};
};

}  // namespace hpp::launch
