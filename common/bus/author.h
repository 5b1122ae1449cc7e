// Pure. Decides what an author sends, to whom, and when it sends it again.
//
// Each snapshot has a stamp: the author's epoch and a sequence that grows by one. A restarted
// author goes on from the snapshot in its file, with the same epoch. The file does not have the
// newest snapshot if that was only about tickets, so the sequence goes on far above all that may
// have been sent: otherwise readers would take the next snapshot for an old one.
//
// Messages can get lost, so the newest snapshot is sent again: to each new subscriber, one second
// after it was sent first, and then at intervals that double up to 16 s. Each repetition wakes
// nng's threads in every reader, so an instance that is idle should have few.
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

// More than can be sent while the file stays as it is, and exact in JSON for two million restarts.
constexpr std::uint64_t kSequencesSkipped = std::uint64_t{1} << 32;

// Whether subscribers of that audience get such news at once. A repetition is for everybody.
constexpr bool reaches(News news, Audience audience) {
  return news != News::Ticket || audience == Audience::TicketHandlers;
}

class Author {
 public:
  // A new author, which has published nothing. No other author may ever have had that epoch.
  explicit Author(std::uint64_t epoch, std::string name = kMainAuthor)
      : stamp_{.author = std::move(name), .epoch = epoch, .sequence = 0} {}

  // Goes on from the snapshot in the file, which has this author's name. Nothing may have been
  // published.
  void resume(Message last);

  // What to do with a snapshot that is new: write the file if the news is Durable, then send
  // last().
  struct Sending {
    News news = News::Durable;
    bool restarts_timer = false;  // the next repetition is due in kRepeatMin

    bool operator==(const Sending&) const = default;
  };

  // Cuts the snapshot to the limits of messages.h and stamps it. Returns nothing if it equals the
  // last one, which readers have: then there is nothing to send.
  [[nodiscard]] std::optional<Sending> publish(Message message);

  // The newest snapshot: published, or resumed from the file.
  const std::optional<Message>& last() const { return last_; }

  // Whether last() is to be sent again. A snapshot that was only resumed is not: the author's
  // state may have changed since.
  bool has_published() const { return has_published_; }

  // The snapshot for the file, from which the next process resumes. Requires has_published().
  Message kept() const;

  std::uint64_t epoch() const { return stamp_.epoch; }

  // The next repetition is due at most this long after the newest sending or repetition.
  std::chrono::milliseconds repeat_delay() const { return repeat_delay_; }

  // last() was sent again. If the file could not be written, the next repetition, which tries that
  // again, comes soon.
  void repeated(bool is_file_written);

 private:
  Stamp stamp_;
  std::optional<Message> last_;
  bool has_published_ = false;
  std::chrono::milliseconds repeat_delay_ = kRepeatMin;
};

}  // namespace hpp::bus
