// Pure. Writes requests to Watchman, and reads its answers.
//
// There is one connection with one question at a time; each answer is one PDU. Between the answers,
// Watchman sends PDUs of its own, most of them for the subscription; they are marked `unilateral`.
// Written for Watchman 4.9.0 (Debian, Ubuntu) and later versions. Unneeded fields are ignored.
// Source: https://facebook.github.io/watchman/docs/cmd/subscribe and the pages of other commands.
#pragma once

#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "watchd/core/filter.h"
#include "watchd/core/source.h"

namespace hpp::watchd::watchman {

// ---- requests: each function returns one PDU ----------------------------------------------------

// Makes Watchman find the root that holds `directory`, and watch it. Answer: ProjectWatched.
std::string watch_project_request(const std::string& directory);

// Makes Watchman forget a root. That ends all clients' subscriptions to it. Answer: RootForgotten,
// or Refused if Watchman does not know the root.
std::string watch_del_request(const std::string& root);

// Where the project folder is, for queries and the subscription.
struct Place {
  std::string root;           // directory that Watchman watches
  std::string relative_path;  // from the root to the project folder; empty: they are the same

  bool operator==(const Place&) const = default;
};

// With a cookie, Watchman answers only after it has seen all saves before the question. A cookie is
// a file that Watchman writes into the root; Watchman waits until the kernel reports it.
enum class Cookie { Wanted, None };

// Asks for the current clock. Answer: ClockTold.
std::string clock_request(const Place& place, Cookie cookie);

// Asks for all symbolic links that are not excluded. Answer: ChangesTold.
std::string links_request(const Place& place, const Filter& filter, Cookie cookie);

// Asks for all files. Answer: ChangesTold.
std::string files_request(const Place& place, const Filter& filter, Cookie cookie);

// Asks for the changes since `clock`. Answer: ChangesTold; a fresh instance comes without files.
std::string changes_request(const Place& place, const std::string& clock, const Filter& filter,
                            Cookie cookie);

// Subscribes to changes after `clock`. Answer: Subscribed.
std::string subscribe_request(const Place& place, const std::string& clock, const Filter& filter);

// Makes Watchman report all saves until now to the subscription at once, instead of after 20 ms
// without a change. Answer: Flushed, preceded by FilesChanged if there are changes. Since Watchman
// 4.8.
std::string flush_request(const Place& place);

// ---- PDUs that Watchman sends -------------------------------------------------------------------

struct ProjectWatched {
  Place place;

  bool operator==(const ProjectWatched&) const = default;
};

struct RootForgotten {
  bool operator==(const RootForgotten&) const = default;
};

struct ClockTold {
  std::string clock;

  bool operator==(const ClockTold&) const = default;
};

struct File {
  ChangedFile changed;
  std::string clock{};  // when Watchman last saw the file change; empty: not in the answer

  bool operator==(const File&) const = default;
};

// Files that changed up to `clock`. `is_fresh_instance`: Watchman does not know the clock in the
// question (it was restarted, or lost track), so it does not know which files have changed.
//
// Watchman reads its clock before it searches for files. If a file changes in between, the answer
// contains the file but an older clock, and the next answer contains the file again (4.9:
// query/eval.cpp). Therefore `clock` is the newest of the answer's clock and the files' clocks, by
// which the repetition is recognised. No change is lost by that, because a tick is complete before
// a query can see it (root/iothread.cpp).
struct Changes {
  std::string clock;
  bool is_fresh_instance = false;
  std::vector<File> files;

  bool operator==(const Changes&) const = default;
};

// The answer to links_request, files_request and changes_request.
struct ChangesTold {
  Changes changes;

  bool operator==(const ChangesTold&) const = default;
};

struct Subscribed {
  std::string clock;

  bool operator==(const Subscribed&) const = default;
};

// A report of the subscription.
struct FilesChanged {
  Changes changes;

  bool operator==(const FilesChanged&) const = default;
};

// The answer to flush_request. `is_dropped`: Watchman has dropped changes instead of reporting them
// to the subscription. It does so only if the subscription has a `drop`; ours has none.
struct Flushed {
  bool is_dropped = false;

  bool operator==(const Flushed&) const = default;
};

// The subscription has ended: the root was deleted, or a user or program ran watch-del.
struct Canceled {
  bool operator==(const Canceled&) const = default;
};

// A PDU without meaning for hpp: state-enter, state-leave, or a line of Watchman's log.
struct Chatter {
  bool operator==(const Chatter&) const = default;
};

// Watchman refuses a question, with this error message.
struct Refused {
  std::string error;

  bool operator==(const Refused&) const = default;
};

// A PDU that cannot be understood, and why.
struct Unknown {
  std::string why;

  bool operator==(const Unknown&) const = default;
};

using Pdu = std::variant<ProjectWatched, RootForgotten, ClockTold, ChangesTold, Subscribed,
                         FilesChanged, Flushed, Canceled, Chatter, Refused, Unknown>;

struct Received {
  Pdu pdu;
  std::string warning;  // Watchman's warning for its user, possible in any PDU; mostly empty

  bool operator==(const Received&) const = default;
};

// Reads one whole PDU. Never throws.
Received read_pdu(std::string_view bytes);

// The output of `watchman get-sockname`: where Watchman listens, or why it does not.
struct SocketName {
  std::string path;     // empty: see `problem`
  std::string problem;  // one line

  bool operator==(const SocketName&) const = default;
};

// Reads the output of `watchman get-sockname`, stdout and stderr together. Never throws.
SocketName read_socket_name(std::string_view output);

}  // namespace hpp::watchd::watchman
