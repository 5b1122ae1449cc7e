// The user's terminal while single keys are read from it, and how it was before.
#pragma once

#include <termios.h>

namespace hpp::launch {

// Each key comes as it is pressed, unseen: editing and echo are the business of the backend's
// terminal. Two keys keep their meaning, Ctrl+C and Ctrl+Z (or what the user has in their place);
// so does the output, which is hpp's, too.
//
// A plain value, so that it can be sent to who restores the terminal when we cannot.
class KeyMode {
 public:
  // Sets the mode of the terminal `fd`, and keeps the one that it had. Returns false if it was set
  // before, or cannot be.
  bool set(int fd);

  // Sets that one, unless somebody else has changed the mode meanwhile: a shell that we have left
  // behind has one of its own. Must not be stopped by SIGTTOU.
  void restore(int fd);

 private:
  bool is_set_ = false;
  termios before_{};
  termios during_{};
};

}  // namespace hpp::launch
