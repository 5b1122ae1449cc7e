// Pure. Decides what an author sends, to which readers, and when it sends it again.
//
// Each snapshot has a stamp with the author's epoch and a sequence that grows by one. A restarted
// author continues from the snapshot in its file, with the same epoch. The file does not contain
// the newest snapshot if only tickets were new in it. So the sequence continues far above all
// numbers that may have been sent; otherwise, readers would take the next snapshot for an old one.
//
// Messages can get lost, so the newest snapshot is sent again: to each new subscriber, one second
// after it was first sent, and then at intervals that double up to 16 s. Each repetition wakes
// nng's threads in every reader, so an idle instance should have few.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>

#include "common/bus/codec.h"
#include "common/bus/endpoints.h"

namespace hpp::bus {

constexpr std::chrono::milliseconds kRepeatMin{1000};
constexpr std::chrono::milliseconds kRepeatMax{16'000};

// More than the number of snapshots that can be sent while the file stays the same. After two
// million restarts, the sequence is still exact in JSON.
constexpr std::uint64_t kSequencesSkipped = std::uint64_t{1} << 32;

// Whether subscribers of that audience get such news at once. All subscribers get repetitions.
constexpr bool reaches(News news, Audience audience) {
  return news != News::Ticket || audience == Audience::TicketHandlers;
}

class Author {
 public:
  // An author that has published nothing yet. No other author may have used that epoch.
  explicit Author(std::uint64_t epoch, std::string name = kMainAuthor)
      : stamp_{.author = std::move(name), .epoch = epoch, .sequence = 0} {}

  // Continues from the snapshot in the file, which must have this author's name. Must be called
  // before publish().
  void resume(Message last);

  // How to send a new snapshot: write the file if the news is Durable, then send last().
  struct Sending {
    News news = News::Durable;
    bool restarts_timer = false;  // the next repetition is due in kRepeatMin

    bool operator==(const Sending&) const = default;
  };

  // Cuts the snapshot to the limits of messages.h and stamps it. Returns nothing if it equals the
  // last published snapshot; then there is nothing to send.
  [[nodiscard]] std::optional<Sending> publish(Message message);

  // The newest snapshot: published, or resumed from the file.
  const std::optional<Message>& last() const { return last_; }

  // Whether last() may be sent again. A snapshot that was only resumed may not, because the
  // author's state may have changed since it was written.
  bool has_published() const { return has_published_; }

  // The snapshot for the file, from which the next process resumes. Requires has_published().
  Message kept() const;

  std::uint64_t epoch() const { return stamp_.epoch; }

  // The next repetition is due at most this long after the newest sending or repetition.
  std::chrono::milliseconds repeat_delay() const { return repeat_delay_; }

  // Call after last() was sent again. If the file could not be written, the next repetition, which
  // tries to write it again, comes soon.
  void repeated(bool is_file_written);

 private:
  Stamp stamp_;
  std::optional<Message> last_;
  bool has_published_ = false;
  std::chrono::milliseconds repeat_delay_ = kRepeatMin;
};

}  // namespace hpp::bus
