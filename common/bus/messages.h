// The bus: every message that the helpers exchange, with its author, its readers and its meaning.
//
// Each author publishes one topic. Authors of the same topic have different names, see AuthorId;
// today each topic has one author. A message is a *snapshot* of its author's state and never an
// event: pub/sub drops messages under load and does not deliver earlier ones to a new subscriber,
// so the loss of any message but the newest must be harmless. author.h says when the newest
// snapshot is sent again. A file in the run directory (endpoints.h) keeps the fields that must
// survive the author; a restarted author resumes from it. Fields marked "not in the file" have
// their default values there.
//
// The names in the JSON are the names of the members. Readers ignore fields that they do not know.
//
// Fields of one message never contradict each other: decode() (codec.h) drops a message in which a
// list is longer than its count says, or a number is out of range.
//
// A message has at most kMessageSizeMax bytes, because readers drop longer ones, and requests would
// then wait for news that never arrives. So an author cuts every text and every list (limited() in
// codec.h).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace hpp::bus {

// Bytes of a whole message. It follows from the limits below, although JSON may need six bytes for
// one: tests/common/bus/codec_test.cc fills every field.
constexpr std::size_t kMessageSizeMax = 1024 * 1024;

constexpr std::size_t kTextMax = 16 * 1024;  // bytes of each text, and of each word in a list
constexpr std::size_t kListMax =
    32 * 1024;                        // bytes of all words in a list, plus kWordCost for each
constexpr std::size_t kWordCost = 4;  // two quotes, a comma and one byte to spare

// The name of an author that is the only one of its topic.
constexpr const char* kMainAuthor = "main";

// Says which author has published a snapshot, and orders the snapshots of that author. The
// publisher sets it.
struct Stamp {
  std::string author =
      kMainAuthor;             // name of the author; not in the JSON, but in the word before it
  std::uint64_t epoch = 0;     // random number; a restarted author that resumes keeps it
  std::uint64_t sequence = 0;  // grows with each new snapshot of the epoch

  bool operator==(const Stamp&) const = default;
};

// A moment in the history of the watched files. Only revisions of the same epoch can be compared.
// Epoch 0: nothing is known.
struct TreePoint {
  std::uint64_t epoch = 0;
  std::uint64_t revision = 0;

  bool operator==(const TreePoint&) const = default;
};

// A moment in the history of the files that only concern browsers, see Refresh.
struct RefreshPoint {
  std::uint64_t epoch = 0;
  std::uint64_t count = 0;

  bool operator==(const RefreshPoint&) const = default;
};

// A question from proxyd about the present state. The answer is a snapshot with the same ticket.
// An answer counts for all tickets of that epoch with lower numbers, too. Epoch 0: there is no
// ticket.
struct Ticket {
  std::uint64_t epoch = 0;  // random number of the proxyd that asks; a restarted proxyd has another
  std::uint64_t number = 0;

  // Whether this answers `asked`.
  bool covers(const Ticket& asked) const { return epoch == asked.epoch && number >= asked.number; }

  bool operator==(const Ticket&) const = default;
};

// ---- topic `tree` -------------------------------------------------------------------------------
// Author: watchd. Readers: supervisord (restarts the backend when `revision` grows), proxyd (holds
// requests that arrive after a change, passes `refresh` on to browsers), ctl.

// Changes that only concern browsers (--css, --reload); they do not change `revision`. The lists
// are those of the newest batch. A reader that saw count - 1 applies them. A reader that missed a
// batch refreshes everything.
struct Refresh {
  std::uint64_t count = 0;       // batches seen in this epoch
  std::vector<std::string> css;  // style sheets, at most kChangedPathsMax
  std::uint64_t css_count = 0;   // number of all in the batch; 0 if and only if css is empty
  std::vector<std::string>
      reload;                      // files that need a reload of the page, at most kChangedPathsMax
  std::uint64_t reload_count = 0;  // number of all; 0 if and only if reload is empty

  bool operator==(const Refresh&) const = default;
};

struct TreeState {
  Stamp stamp;
  std::uint64_t revision = 0;        // relevant changes seen in this epoch
  std::string clock;                 // the source's clock at that revision (watchd/core/source.h)
  bool watching = false;             // false: changes may be missed, see `problem`
  std::string problem;               // why not watching, for the user
  std::vector<std::string> changed;  // paths of the newest batch, at most kChangedPathsMax; without
                                     // files that were created and removed within the batch
  std::uint64_t changed_count = 0;   // number of all paths in the batch; 0: unknown
  Refresh refresh;
  std::string directory;                 // path of the project folder
  std::string directory_id;              // which directory was at that path when the last watch
                                         // began; empty: there has been none
  std::vector<std::string> other_roots;  // paths of the directories that are watched besides it
  Ticket answers;                        // newest ticket that `revision` answers; not in the file
  bool settling = false;  // git is writing files, so watchd does not answer tickets, up to a
                          // limit (watchd/core/git_lock.h); not in the file

  std::uint64_t lag_ms = 0;  // an answer to a ticket may leave out saves of the last lag_ms
                             // milliseconds; 0: it leaves out none; not in the file

  TreePoint point() const { return {.epoch = stamp.epoch, .revision = revision}; }

  RefreshPoint refresh_point() const { return {.epoch = stamp.epoch, .count = refresh.count}; }

  bool operator==(const TreeState&) const = default;
};

constexpr std::size_t kChangedPathsMax = 20;

// Every member whose name ends in `_ms` is a time in milliseconds since the Unix epoch, from 1970
// to 9999.
constexpr std::int64_t kTimeMaxMs = 253'402'300'799'999;

// ---- topic `backend` ----------------------------------------------------------------------------
// Author: supervisord. Readers: proxyd (holds, forwards or answers 503), ctl.
// supervisord publishes Killing before it sends the signal.

enum class BackendPhase {
  Loading,  // spawned (or about to be), does not answer yet
  Running,  // answers
  Error,    // ended without a kill by hpp, or could not be spawned
  Killing,  // is being killed, not gone yet
};

// How the backend ended. At most one member is set; none: the exit status is unknown.
struct BackendExit {
  std::optional<int> code;    // exit status
  std::optional<int> signal;  // number of the signal that killed it
  std::string spawn_error;    // why it could not be started

  bool operator==(const BackendExit&) const = default;
};

// The reason for a start of the backend.
struct Cause {
  std::string text;                  // `a.py and 2 more changed`; empty: it is the first start
  std::vector<std::string> changed;  // paths, at most kChangedPathsMax
  std::int64_t at_ms = 0;            // when supervisord received the cause

  bool operator==(const Cause&) const = default;
};

// How this generation was started.
struct Start {
  bool is_warm = false;      // by opening the gate of a spare (--warm)
  std::string cold_because;  // with --warm: why it was not, `the spare was not ready yet`
  std::int64_t cold_ms =
      0;  // how long the newest cold start took to its first answer; 0: not known

  bool operator==(const Start&) const = default;
};

// The starts after crashes that no save has caused (--retry).
struct Retry {
  std::uint64_t tries = 0;    // so far in a row, including one that is to come
  std::uint64_t most = 0;     // limit of `tries`
  std::int64_t pause_ms = 0;  // in Error: the pause before the next start; 0: there is none

  bool operator==(const Retry&) const = default;
};

// A call on the way to an error, as the output names it.
struct ErrorFrame {
  std::string file;                // like BackendError::file
  std::uint64_t line = 0;          // from 1; 0: not known
  std::uint64_t column = 0;        // from 1; 0: not known
  bool is_foreign = false;         // in a library or the runtime, not in the project
  std::uint64_t output_line = 0;   // its first line in BackendState::output_tail, from 0
  std::uint64_t output_lines = 1;  // how many lines it takes there

  bool operator==(const ErrorFrame&) const = default;
};

// What a program has reported before it failed: an exception, a compiler's error.
struct BackendError {
  std::string message;             // one line: `NameError: name 'x' is not defined`
  std::string file;                // relative to the project folder if it is in the project, else
                                   // as printed; empty: the output names no file
  std::uint64_t line = 0;          // from 1; 0: not known
  std::uint64_t column = 0;        // from 1; 0: not known
  bool is_foreign = false;         // the file is not the project's
  std::string source;              // lines of the file around the error, as they were when it
                                   // occurred; empty: not known
  std::uint64_t source_line = 0;   // number of the first line in `source`, from 1
  std::vector<ErrorFrame> frames;  // innermost first, at most kFramesMax

  bool operator==(const BackendError&) const = default;
};

constexpr std::size_t kFramesMax = 64;
constexpr std::size_t kErrorTextMax = 1024;       // bytes of each text in an error, except `source`
constexpr std::size_t kSourceTextMax = 6 * 1024;  // bytes of BackendError::source
constexpr std::size_t kFramesTextMax = 12 * 1024;  // bytes of the files in all frames

// Why there is no backend.
enum class Failure {
  None,             // there is one, or the reason is not known
  Crashed,          // it ended with an error, or a signal killed it
  Ended,            // it ended with exit code 0
  BuildFailed,      // --build
  CommandNotFound,  // the command, or a program that it executes, does not exist
  CannotStart,      // the command exists, but cannot be executed
  PortInUse,
  CannotKill,  // earlier processes belong to another user
};

struct BackendState {
  Stamp stamp;
  BackendPhase state = BackendPhase::Loading;
  std::uint64_t generation = 0;       // number of spawns so far
  std::int64_t pid = 0;               // pid of the backend's first process; 0: none
  std::vector<std::string> command;   // see limited_command() in codec.h
  TreePoint serves;                   // newest known tree when this generation was spawned
  TreePoint seen;                     // newest tree that supervisord has acted on
  std::int64_t spawned_at_ms = 0;     // 0: never
  std::int64_t ready_at_ms = 0;       // when this generation answered first; 0: not yet
  std::optional<BackendExit> exit;    // in Error
  Failure failure = Failure::None;    // in Error, or if a build beside the backend has failed
  std::optional<BackendError> error;  // what the output says about the failure
  std::string output_tail;            // in Error: the end of its stderr, at most kOutputTailMax
  std::string problem;                // what the user should know in addition to the state
  std::string delay;                 // in Loading, or while a newer build waits: the reason for the
                                     // delay, for the user; empty: not known; not in the file
  std::uint64_t restarts_asked = 0;  // requests for a restart that this supervisord has received,
                                     // as SIGHUP or from proxyd; not in the file
  std::uint64_t restarts_done = 0;  // how many of them have an outcome in this or an earlier state:
                                    // a spawn, or a failure; not in the file
  Ticket restart_accepted;          // newest ProxyState::restart that has caused a restart
  Ticket pause_accepted;            // newest ProxyState::pause that supervisord has followed
  Ticket answers;                   // newest liveness check that this answers; not in the file
  Cause cause;  // cause of this generation's start, or in Killing of the next one
  Start start;
  std::int64_t killed_at_ms = 0;  // when the earlier generation was gone; 0: none was killed
  std::int64_t ended_at_ms = 0;   // in Error
  std::string address;            // the only address to which requests may go, for example
                                  // `127.0.0.1:8001`; empty: not known
  std::string stranger;           // the process that answers there, if it is not a process of
                                  // the command: `pid 1234 (node x.js)`; else empty
  bool announced = false;  // this generation has said that it is ready (--ready line, notify)
  bool paused = false;     // changes do not restart the backend, they are only noted
  Retry retry;
  TreePoint noted;  // the newest change that was only noted, so that `serves` is older;
                    // epoch 0: there is none

  bool operator==(const BackendState&) const = default;
};

constexpr std::size_t kOutputTailMax = kTextMax;  // bytes

// ---- topic `proxy` ------------------------------------------------------------------------------
// Author: proxyd. Readers: watchd (answers tickets), supervisord (answers liveness checks, waits
// for `released`, follows a new `restart` or `pause`, shows `url`), ctl.

struct ProxyState {
  Stamp stamp;
  std::vector<std::string> listening;  // `127.0.0.1:8000`, `[::1]:8000`
  std::string url;              // address of the site on this machine: `http://localhost:8000/`
  std::uint64_t clients = 0;    // open client connections
  std::uint64_t held = 0;       // requests that wait for the backend
  std::uint64_t forwarded = 0;  // requests that a backend has received
  std::uint64_t replayed = 0;   // requests that were then repeated on another backend
  std::string problem;          // what the user should know; empty: nothing
  Ticket asks;                  // newest ticket for watchd; not in the file
  Ticket liveness_check;        // newest check, for supervisord; not in the file
  std::uint64_t released = 0;   // newest generation that proxyd has released: it has no
                                // connection to this or an earlier one; not in the file
  Ticket restart;  // newest request for a restart from a browser, for supervisord; not in the file
  Ticket pause;    // newest request from a browser to begin or end a pause; not in the file
  bool pauses = false;                 // whether it begins one; not in the file
  std::uint64_t crash_generation = 0;  // newest backend that crashed while it handled requests;
                                       // 0: none; not in the file
  std::string crash_requests;          // these requests: `GET /x`, or `GET /x and 2 more requests`

  bool operator==(const ProxyState&) const = default;
};

// ---- authors ------------------------------------------------------------------------------------

enum class Topic { Tree, Backend, Proxy };

std::string_view to_string(Topic topic);         // `backend`
std::string_view helper_of(Topic topic);         // `supervisord`: the helper that publishes it
std::string_view to_string(BackendPhase phase);  // `Loading`
std::string_view to_string(Failure failure);     // `build_failed`; None: empty

// Bytes of an author's name. Paths of sockets are limited to 107 bytes (unix(7)).
constexpr std::size_t kAuthorNameMax = 32;

// Whether the name consists of 1 to kAuthorNameMax lower-case letters, digits, `-` and `_`. So it
// can be part of file names, of names in a service manager's store, and of a message's first word.
bool is_author_name(std::string_view name);

// Identifies an author in a run directory. The messages and files of the author `main` do not have
// its name in them, so that helpers of earlier versions and systemd units find them.
struct AuthorId {
  // `called` must be an author name. Not explicit: a topic alone means its author `main`.
  AuthorId(Topic of, std::string called = kMainAuthor);

  Topic topic;
  std::string name;

  auto operator<=>(const AuthorId&) const = default;
};

std::string to_string(const AuthorId& author);  // `backend`, `backend.api`: first word of messages

// How the backend was started: `warm; 480 ms cold`, `cold: the spare was not ready yet`; empty
// without --warm.
std::string to_string(const Start& start);

// `trying again in 1 s (2 of 3)`, `gave up after 3 tries`; empty if another try would be made after
// another crash, or if there are none.
std::string to_string(const Retry& retry);

// What a pause means for the backend's answers: `stale` if changes were only noted, `current` if
// there were none, empty if hpp is not paused.
std::string_view pause_word(const BackendState& backend);

// `app.py:12: NameError: name 'x' is not defined`; without the place if it is not known.
std::string to_string(const BackendError& error);

// Completes a sentence about the backend: `ended with exit code 1`, `cannot be started: …`,
// `was killed by signal 11 (Segmentation fault)`.
std::string to_string(const BackendExit& exit);

}  // namespace hpp::bus
