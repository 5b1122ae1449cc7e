// Pure. Decides what the source `poll` (watchd/core/source.h) reports, from scans of all files.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "common/emits.h"
#include "common/time_point.h"
#include "watchd/core/effects.h"
#include "watchd/core/source.h"
#include "watchd/poll/core/listing.h"
#include "watchd/poll/core/pace.h"

namespace hpp::watchd::poll {

// ---- limits -------------------------------------------------------------------------------------

// A change is reported after this time, even if files still change at each scan.
constexpr std::chrono::milliseconds kReportDelayMax{1000};

// The steps in which file systems keep time. FAT's are the longest, 2 s, and are recognised because
// both times of a file are whole seconds. Other file systems take the kernel's clock, whose ticks
// are at most 10 ms long.
constexpr std::chrono::milliseconds kCoarseTick{2000};
constexpr std::chrono::milliseconds kFineTick{20};

// ---- events: these, and the orders of Tree ------------------------------------------------------

struct Scanned {  // the answer to StartScan
  std::shared_ptr<const Listing> files;
  std::chrono::milliseconds took{0};
  std::int64_t began_ns = 0;  // wall clock, since the Unix epoch
};

struct ScanFailed {  // the other answer to StartScan
  std::string why;
};

struct ContentsRead {  // the answer to ReadContents, in the order of its names
  std::vector<std::optional<std::uint64_t>> digests;
};

using Event = std::variant<Watch, Unwatch, Sync, Scanned, ScanFailed, ContentsRead, TimerExpired>;

// ---- effects: these, and the reports to Tree ----------------------------------------------------

struct StartScan {  // drops a scan, or a reading of contents, that has not ended
  bool operator==(const StartScan&) const = default;
};

struct ReadContents {
  std::vector<std::string> names;

  bool operator==(const ReadContents&) const = default;
};

struct Abandon {  // ends a scan or a reading of contents without an answer
  bool operator==(const Abandon&) const = default;
};

using Effect = std::variant<StartScan, ReadContents, Abandon, StartTimer, StopTimer, LinksListed,
                            Began, Changed, Lags, Watching, Synced, Lost>;
using Effects = std::vector<Effect>;

// ---- the poller ---------------------------------------------------------------------------------
//
//             Watch               scan ended           contents read
//   Waiting ◄──────────────────────────────────────────────┐
//      │                                                   │
//      └─timer, Sync─► Scanning ──some contents needed──► Reading
//                         ▲   └──none needed──► Waiting     │
//   Off ──Watch───────────┘◄──────────────Sync──────────────┘
//    ▲
//    └── Unwatch in any state; the scan has failed
//
// A scan compares the metadata of all files with that of the last report. The differences are
// reported if the next scan, `settle` later, finds nothing else, at a Sync, or when scans are slow.
//
// A Sync begins a scan at once, and drops one that has begun earlier, because that may have passed
// the saved file already. If scans are slow (pace.h), a Sync is answered without a scan; Lags has
// told Tree how old a save can be that such an answer leaves out.
//
// ---- two saves in one tick ----
//
// If a file is saved, scanned, and saved again with the same size before the file system's clock
// has moved on, its metadata does not show the second save (git calls such an entry racy). So a
// file whose metadata is new is *young* until a scan that begins a tick later. A scan reads the
// contents of young files, and compares their digests. In the first scan, the files are young that
// were modified during the last kCoarseTick by this machine's clock. A file that is too large for a
// digest (watchd/digest.h), or a server whose clock is behind, escapes this rule.
//
// ---- the clock ----
//
// The clock is a fingerprint of the metadata of all files. So the next watchd sees whether any file
// has changed meanwhile, but not which.

class Poller : private Emits<Effect> {
 public:
  enum class State { Off, Scanning, Reading, Waiting };

  struct Settings {
    bool wants_digests = false;  // Filter::ignore_unchanged
    std::chrono::milliseconds interval{500};
    std::chrono::milliseconds settle{20};
  };

  explicit Poller(const Settings& settings) : settings_(settings), pace_(settings.interval) {}

  // Reacts to one event. Returns the effects to perform now, in order.
  [[nodiscard]] Effects on(const Event& event, TimePoint now);

  State state() const { return state_; }

 private:
  using Digest = std::optional<std::uint64_t>;

  struct Young {
    Digest digest;
    TimePoint until;  // a scan that begins later shows each save in the metadata
  };

  void handle(const Watch& order, TimePoint now);
  void handle(const Unwatch&, TimePoint now);
  void handle(const Sync&, TimePoint now);
  void handle(const Scanned& event, TimePoint now);
  void handle(const ScanFailed& event, TimePoint now);
  void handle(const ContentsRead& event, TimePoint now);
  void handle(const TimerExpired&, TimePoint now);

  void scan(TimePoint now);
  void list_links(const Listing& files);
  void note_pace(const Scanned& event);
  bool must_settle(TimePoint now);
  void read_contents(std::int64_t began_ns);
  void report(const std::vector<Digest>& digests, TimePoint now);
  void report_first(std::vector<ChangedFile> files, bool is_history_known);
  void note_young(const std::vector<Digest>& digests, TimePoint now);
  void wait(std::chrono::milliseconds pause);

  Settings settings_;
  Pace pace_;
  State state_ = State::Off;
  std::string since_;       // clock that Watch has passed
  bool has_begun_ = false;  // this watch has reported Began or Changed
  bool is_syncing_ = false;
  TimePoint scan_began_{};

  std::shared_ptr<const Listing> known_;  // the files as last reported; null: never
  std::string clock_;                     // of known_
  std::map<std::string, Young> young_;    // files in known_

  std::shared_ptr<const Listing> latest_;   // the latest scan's files; null: reported
  std::optional<TimePoint> changed_since_;  // when the oldest change was found that is not reported
  std::vector<ChangedFile> changes_;        // from known_ to latest_
  std::vector<std::string> reading_;        // names of ReadContents
};

std::string_view to_string(Poller::State state);

}  // namespace hpp::watchd::poll
