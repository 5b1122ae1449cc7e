// Publishes one author's snapshots on nng PUB sockets and in a snapshot file. If the sockets, the
// lock or the file are deleted, or the run directory is changed, the next repetition repairs that.
#pragma once

#include <cstdint>
#include <functional>
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

// Returns a random number for an epoch that no author has used before: exact in JSON, never 0.
std::uint64_t random_epoch();

class Publisher {
 public:
  // Listens on the author's sockets in the run directory. If the author's snapshot file can be
  // read, the publisher resumes its epoch and sequence, and last() is the snapshot in the file.
  // Throws std::runtime_error if this author already runs there, or if the path of a socket would
  // be too long; CannotStartNow, which is derived from it, if the directory cannot be used.
  // `on_mend` is called when the publisher repairs its files in the run directory, so that its
  // program can repair others.
  Publisher(Loop& loop, std::string run_directory, AuthorId author,
            std::function<void()> on_mend = {});
  ~Publisher();

  // Writes the file if a durable field has changed (codec.h), then sends the snapshot. Author
  // (author.h) decides what is sent, to which readers, and when it is sent again.
  void publish(Message message);

  // The newest snapshot: published, or resumed from the file. Empty: the epoch is new, and nothing
  // was published yet.
  const std::optional<Message>& last() const { return author_.last(); }

  // The epoch in the stamps of the published snapshots.
  std::uint64_t epoch() const { return author_.epoch(); }

 private:
  struct Sockets;

  void resume();
  void write_file();
  void report(SnapshotFile::Outcome outcome);
  void mend();
  void mend_directory();
  void mend_lock();
  void mend_sockets();
  void send_last();
  void repeat();

  std::function<void()> on_mend_;
  RunDirectory directory_;
  AuthorId id_;
  FileLock lock_;
  SnapshotFile file_;
  Author author_;
  std::string last_text_;  // author_.last() as text; empty before the first publish()
  SnapshotFile::Result written_ =
      SnapshotFile::Result::Replaced;  // result of the last write, as logged
  bool directory_trouble_told_ = false;
  bool lock_trouble_told_ = false;
  bool socket_trouble_told_ = false;
  std::unique_ptr<Sockets> sockets_;
  Timer repeat_timer_;
};

}  // namespace hpp::bus
