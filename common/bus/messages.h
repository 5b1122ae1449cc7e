// The bus: every message that the helpers exchange, with its author, its readers and its meaning.
//
// Each author publishes one topic. Authors of the same topic have different names, see AuthorId;
// today each topic has one author. A message is a *snapshot* of its author's state and
// never an event: pub/sub drops under load and forgets late joiners, so losing any message but the
// last must be harmless. author.h says when the newest snapshot is sent again. The fields that
// have to outlive their author are in `<run directory>/<author>.json`, from which a restarted
// author resumes.
//
// Names in JSON are the names of the members. Readers ignore fields that they do not know.
//
// Readers may rely on what the fields say of each other: `decode` (codec.h) drops a message in
// which a count is smaller than the list beside it, or a number is none of its kind.
//
// A message has at most kMessageSizeMax bytes: readers drop a longer one, and then requests hang.
// So its author cuts every text and every list (`limited` in codec.h).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace hpp::bus {

// Bytes of a whole message. The limits below keep it, though JSON may need six bytes for
// one: tests/common/bus/codec_test.cc fills every field.
constexpr std::size_t kMessageSizeMax = 1024 * 1024;

constexpr std::size_t kTextMax = 16 * 1024;  // bytes of each text, and of each word in a list
constexpr std::size_t kListMax = 32 * 1024;  // bytes of all words in a list, with kWordCost each
constexpr std::size_t kWordCost = 4;         // for quotes and comma

// The name of an author that is the only one of its topic.
constexpr const char* kMainAuthor = "main";

// Says which author has published a snapshot, and orders the snapshots of that author. The
// publisher sets it.
struct Stamp {
  std::string author =
      kMainAuthor;             // name of the author; not in the JSON, but in the word before it
  std::uint64_t epoch = 0;     // random id of the author's incarnation; kept when it resumes
  std::uint64_t sequence = 0;  // grows with every new snapshot of an epoch

  bool operator==(const Stamp&) const = default;
};

// A moment in the history of the watched files. Revisions compare within one epoch only; epoch 0
// is the moment of which nothing is known.
struct TreePoint {
  std::uint64_t epoch = 0;
  std::uint64_t revision = 0;

  bool operator==(const TreePoint&) const = default;
};

// Likewise for what concerns browsers alone, see Refresh.
struct RefreshPoint {
  std::uint64_t epoch = 0;
  std::uint64_t count = 0;

  bool operator==(const RefreshPoint&) const = default;
};

// A question of proxyd's, how things stand as of now. Whoever answers one has answered all of
// its epoch with lower numbers. Epoch 0: none.
struct Ticket {
  std::uint64_t epoch = 0;  // random id of the proxyd that asks; a restarted one has another
  std::uint64_t number = 0;

  // Whether this is an answer to `asked`.
  bool covers(const Ticket& asked) const { return epoch == asked.epoch && number >= asked.number; }

  bool operator==(const Ticket&) const = default;
};

// ---- topic `tree` -------------------------------------------------------------------------------
// Author: watchd. Readers: supervisord (restarts the backend when `revision` grows), proxyd (holds
// requests that arrive after a change, passes `refresh` on to browsers), ctl.

// Changes for browsers alone (--css, --reload): no `revision` has them. The lists are those of the
// newest batch: who knew the count before it does what they say; who has missed a batch refreshes
// everything.
struct Refresh {
  std::uint64_t count = 0;          // such batches seen in this epoch
  std::vector<std::string> css;     // style sheets, at most kChangedPathsMax
  std::uint64_t css_count = 0;      // how many that batch had in all; 0 if and only if css is empty
  std::vector<std::string> reload;  // files that want the page anew, likewise
  std::uint64_t reload_count = 0;   // 0 if and only if reload is empty; both are 0 if count is

  bool operator==(const Refresh&) const = default;
};

struct TreeState {
  Stamp stamp;
  std::uint64_t revision = 0;        // relevant changes seen in this epoch
  std::string clock;                 // the source's clock at that revision (watchd/core/source.h)
  bool watching = false;             // false: changes may be missed, see `problem`
  std::string problem;               // why not watching, in words for the user
  std::vector<std::string> changed;  // paths of the newest batch, at most kChangedPathsMax; without
                                     // files that were made and are gone again
  std::uint64_t changed_count = 0;   // how many paths that batch had in all; 0: unknown
  Refresh refresh;
  std::string directory;     // path of the project folder
  std::string directory_id;  // which directory was at that path when the watch began
  Ticket answers;            // newest ticket that `revision` is true for; not in the file
  bool settling = false;     // git writes the tree: tickets wait, for as long as that is
                             // bearable; not in the file

  TreePoint point() const { return {.epoch = stamp.epoch, .revision = revision}; }

  RefreshPoint refresh_point() const { return {.epoch = stamp.epoch, .count = refresh.count}; }

  bool operator==(const TreeState&) const = default;
};

constexpr std::size_t kChangedPathsMax = 20;

// Every number that ends in `_ms` is a time between 1970 and 9999.
constexpr std::int64_t kTimeMaxMs = 253'402'300'799'999;

// ---- topic `backend` ----------------------------------------------------------------------------
// Author: supervisord. Readers: proxyd (holds, forwards or answers 503), ctl.
// What is about to be killed is published as Killing before the signal is sent.

enum class BackendPhase {
  Loading,  // spawned (or about to be), does not answer yet
  Running,  // answers
  Error,    // ended of its own accord, or could not be spawned
  Killing,  // SIGKILL sent, not gone yet
};

// How the backend ended. One member is set at most; none: nobody saw how.
struct BackendExit {
  std::optional<int> code;    // exit status
  std::optional<int> signal;  // number of the signal that killed it
  std::string spawn_error;    // why it could not be started at all

  bool operator==(const BackendExit&) const = default;
};

// What led to a start of the backend.
struct Cause {
  std::string text;                  // `a.py and 2 more changed`; empty: nothing, it is the first
  std::vector<std::string> changed;  // paths, at most kChangedPathsMax
  std::int64_t at_ms = 0;            // since the Unix epoch: when supervisord heard of it

  bool operator==(const Cause&) const = default;
};

struct BackendState {
  Stamp stamp;
  BackendPhase state = BackendPhase::Loading;
  std::uint64_t generation = 0;      // spawns so far
  std::int64_t pid = 0;              // of the backend's first process; 0: none
  std::vector<std::string> command;  // see limited_command() in codec.h
  TreePoint serves;                  // newest tree known when this generation was spawned
  TreePoint seen;                    // newest tree that was acted on
  std::int64_t spawned_at_ms = 0;    // since the Unix epoch; 0: never
  std::int64_t ready_at_ms = 0;      // of this generation; 0: not yet
  std::optional<BackendExit> exit;   // in Error
  std::string output_tail;           // in Error: the last of its stderr, at most kOutputTailMax
  std::string problem;               // what the user should know beside the state
  std::string delay;                 // in Loading, or while a newer build waits: the reason for the
                                     // delay, in words for the user; empty: not known; not in the
                                     // file
  std::uint64_t restarts_asked = 0;  // requests for a restart (SIGHUP) that this supervisord has
                                     // heard; not in the file
  std::uint64_t restarts_done = 0;   // how many of them have an outcome, in this state or an
                                     // earlier one: a backend was spawned, or could not be; not in
                                     // the file
  Ticket answers;                    // newest liveness check that this answers; not in the file
  Cause cause;                       // of this generation's start; in Killing: of the next one's
  std::int64_t killed_at_ms = 0;     // the generation before was gone; 0: none had to be killed
  std::int64_t ended_at_ms = 0;      // in Error
  std::string address;               // where this generation answers, `127.0.0.1:8001`: requests go
                                     // there alone; empty: not known
  std::string stranger;              // the process that answers there if it is none of the
                                     // command's, `pid 1234 (node x.js)`; empty: it is one of them

  bool operator==(const BackendState&) const = default;
};

constexpr std::size_t kOutputTailMax = kTextMax;  // bytes

// ---- topic `proxy` ------------------------------------------------------------------------------
// Author: proxyd. Readers: watchd (answers tickets), supervisord (answers liveness checks, waits
// for `released`), ctl.

struct ProxyState {
  Stamp stamp;
  std::vector<std::string> listening;  // `127.0.0.1:8000`, `[::1]:8000`
  std::uint64_t clients = 0;           // open client connections
  std::uint64_t held = 0;              // requests that wait for the backend
  std::uint64_t forwarded = 0;         // requests given to a backend so far
  std::uint64_t replayed = 0;          // of those, given to a second one
  std::string problem;                 // what the user should know; empty: nothing
  Ticket asks;                         // newest ticket for watchd; not in the file
  Ticket liveness_check;               // newest one for supervisord; not in the file
  std::uint64_t released = 0;  // newest generation to which proxyd has no connection, nor to
                               // an earlier one; not in the file

  bool operator==(const ProxyState&) const = default;
};

// ---- authors ------------------------------------------------------------------------------------

enum class Topic { Tree, Backend, Proxy };

std::string_view to_string(Topic topic);         // `backend`
std::string_view helper_of(Topic topic);         // `supervisord`: the program that publishes it
std::string_view to_string(BackendPhase phase);  // `Loading`

// Bytes of an author's name. Paths of sockets are limited to 107 bytes (unix(7)).
constexpr std::size_t kAuthorNameMax = 32;

// Whether the name consists of 1 to kAuthorNameMax lower-case letters, digits, `-` and `_`. So it
// can be part of file names, of names in a service manager's store, and of a message's first word.
bool is_author_name(std::string_view name);

// Identifies an author in a run directory. A topic alone means its author `main`. The words and
// the file names of that author do not contain its name, so that helpers of earlier versions and
// systemd units find it.
struct AuthorId {
  // `called` must be an author name. Not explicit: a topic alone means its author `main`.
  AuthorId(Topic of, std::string called = kMainAuthor);

  Topic topic;
  std::string name;

  auto operator<=>(const AuthorId&) const = default;
};

std::string to_string(const AuthorId& author);  // `backend`, `backend.api`: first word of messages

// Completes a sentence about the backend: `ended with exit code 1`, `cannot be started: …`,
// `was killed by signal 11 (Segmentation fault)`.
std::string to_string(const BackendExit& exit);

}  // namespace hpp::bus
