// Publishes one author's snapshots: on nng PUB sockets and in a snapshot file. If the sockets
// or the file are deleted, or the run directory was changed, the next repetition repairs that.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "common/bus/author.h"
#include "common/bus/snapshot_file.h"
#include "common/event/loop.h"
#include "common/event/timer.h"
#include "common/os/file.h"
#include "common/os/run_directory.h"

namespace hpp::bus {

// An id that no other incarnation of any author has had: exact in JSON, never 0.
std::uint64_t random_epoch();

class Publisher {
 public:
  // Listens on the author's sockets in the run directory. If its snapshot file is there and sound,
  // the publisher resumes its epoch and sequence, and last() is what the file held.
  // Throws std::runtime_error if another author is at work there; CannotStartNow, which is one, if
  // the directory cannot be used.
  Publisher(Loop& loop, std::string run_directory, AuthorId author);
  ~Publisher();

  // Writes the file if something durable is new (codec.h), then sends the snapshot: file = memory,
  // bus = news. Author (author.h) says what is sent, to whom, and when it is sent again.
  void publish(Message message);

  // The newest snapshot: published, or resumed from the file. Empty: a new epoch, nothing yet.
  const std::optional<Message>& last() const { return author_.last(); }

  // The epoch that publish stamps.
  std::uint64_t epoch() const { return author_.epoch(); }

 private:
  struct Sockets;

  void resume();
  void write_file();
  void tell_of(SnapshotFile::Outcome outcome);
  void mend();
  void mend_directory();
  void mend_lock();
  void mend_sockets();
  void send_last();
  void repeat();

  RunDirectory directory_;
  AuthorId id_;
  FileLock lock_;
  SnapshotFile file_;
  Author author_;
  std::string last_text_;  // author_.last(), if it is to be sent again
  SnapshotFile::Result written_ = SnapshotFile::Result::Replaced;  // the last write; told
  bool directory_trouble_told_ = false;
  bool lock_trouble_told_ = false;
  bool socket_trouble_told_ = false;
  std::unique_ptr<Sockets> sockets_;
  Timer repeat_timer_;
};

}  // namespace hpp::bus
