// Publishes the snapshots of one author: nng PUB sockets and snapshot file. Who deletes those is
// outlived: they are made anew with the next repetition.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "common/bus/codec.h"
#include "common/event/loop.h"
#include "common/event/timer.h"
#include "common/os/file.h"

namespace hpp::bus {

// An id that no other incarnation of any author has had: exact in JSON, never 0.
std::uint64_t random_epoch();

class Publisher {
 public:
  // Listens on the author's sockets in the run directory. If its snapshot file is there and sound,
  // the publisher resumes its epoch and sequence, and last() is what the file held.
  // Throws std::runtime_error: the directory cannot be used, or another author is at work there.
  Publisher(Loop& loop, std::string run_directory, Topic topic);
  ~Publisher();

  // Stamps the snapshot, writes the file if something durable is new (codec.h), then sends it: file
  // = memory, bus = news. A snapshot that equals the last one but for the stamp is not sent again.
  void publish(Message message);

  // The newest snapshot: published, or resumed from the file. Empty: a new epoch, nothing yet.
  const std::optional<Message>& last() const { return last_; }

  // The epoch that publish stamps.
  std::uint64_t epoch() const { return stamp_.epoch; }

 private:
  struct Sockets;

  void resume();
  void write_file();
  void mend();
  void send_last();

  std::string directory_;
  Topic topic_;
  FileLock lock_;
  Stamp stamp_;
  std::optional<Message> last_;
  std::string last_text_;
  bool file_trouble_told_ = false;
  bool mend_trouble_told_ = false;
  std::unique_ptr<Sockets> sockets_;
  Timer tick_;
  Milliseconds tick_delay_;  // before the next one
};

}  // namespace hpp::bus
