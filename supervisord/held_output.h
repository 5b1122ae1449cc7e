// Shell. Keeps the output of a spare until it becomes the backend.
#pragma once

#include <list>
#include <memory>
#include <string>
#include <vector>

#include "common/event/fd_watch.h"
#include "common/event/loop.h"
#include "common/os/unique_fd.h"

namespace hpp::supervisord {

// Bytes of each stream. A spare that prints more blocks until it becomes the backend. It is not
// ready in time then, so its output must be read: a pseudoterminal holds only 4 KiB.
constexpr std::size_t kHeldMax = 64 * 1024;

class HeldOutput {
 public:
  // `readers` are the ends to read from (Output::make). `loop` must outlive this.
  HeldOutput(Loop& loop, std::vector<UniqueFd> readers);

  // Stops reading, and returns the ends, and the bytes that were read from each. To be called at
  // most once.
  std::vector<UniqueFd> take_readers();
  std::vector<std::string> take_texts();

  // The last line that is not empty, for a message about a spare that has ended.
  std::string last_line();

 private:
  struct Stream {
    UniqueFd reader;
    std::string text;
    std::unique_ptr<FdWatch> readable;
  };

  static void read(Stream& stream);

  std::list<Stream> streams_;
};

}  // namespace hpp::supervisord
