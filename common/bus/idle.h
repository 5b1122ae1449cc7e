// Pure. How proxyd learns without a ticket that no file has changed (proxyd/core/barrier.h).
//
// A ticket costs a message to watchd and one back. If inotify watches everything, the kernel
// already knows the answer: every change since watchd last read its queue is in that queue. So
// watchd hands duplicates of its queues to proxyd, together with a page of shared memory, the *idle
// page*. watchd is *idle* when it has published everything that it has read. The page then names
// the newest snapshot. Before watchd reads a queue, it writes 0 into the page.
//
//   watchd                                       proxyd, for each request
//   page = 0                                     is each queue empty?
//   read the queues                              is each directory still at its path?
//   publish snapshot 7                           is watchd alive?
//   nothing is left to do: page = 7              is the page 7, and is 7 the newest snapshot here?
//
// If all answers are yes, every save before the request is in snapshot 7, or in an earlier one:
//
// - Its event was in a queue before the request came. The queue is empty now, so watchd has read
//   the event, and had written 0 before. proxyd reads the page after it has looked at the queues,
//   so it sees the 0, or a number that watchd has written after it had published the change.
// - If watchd dies, the page keeps its number, and the queues collect events, because proxyd has
//   them open. The next watchd may get the same queues from the service manager, and read them
//   without writing into this page. But by then, the kernel has closed the connection through which
//   the queues came. proxyd looks at that after it has looked at the queues.
// - If watchd opens another queue or closes one, it writes 0 into the page for good, and hands over
//   a new page with the new queues. So a page never vouches for a queue that proxyd does not have.
// - If git holds its lock and has written no file yet, no file has changed. Its first write is an
//   event, and watchd is not idle until git has finished.
//
// In every other case the request takes a ticket, for example if files are polled, if Watchman
// watches, or if a folder is missing.
//
// watchd listens on kQueueSocket in the run directory, and sends one message (SOCK_SEQPACKET) for
// each set of queues: a text, the page, and one queue per directory.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace hpp::bus {

constexpr const char* kQueueSocket = "queue.sock";

// If there are more queues, watchd does not hand them over.
constexpr std::size_t kQueuesMax = 32;

// Bytes of the text. A path has at most 4096.
constexpr std::size_t kOfferSizeMax = kQueuesMax * 4200;

// Names a snapshot of watchd; see Stamp.
struct IdlePoint {
  std::uint64_t epoch = 0;
  std::uint64_t sequence = 0;

  bool operator==(const IdlePoint&) const = default;
};

struct QueueOffer {
  struct Directory {
    std::string path;  // absolute
    std::string id;    // the directory that the queue watches (directory_id.h)

    bool operator==(const Directory&) const = default;
  };

  std::uint64_t epoch = 0;             // of watchd's snapshots
  std::vector<Directory> directories;  // in the order of the queues

  bool operator==(const QueueOffer&) const = default;
};

std::string encode(const QueueOffer& offer);

// Returns nothing if the text is not an offer.
std::optional<QueueOffer> decode_offer(std::string_view text);

}  // namespace hpp::bus
