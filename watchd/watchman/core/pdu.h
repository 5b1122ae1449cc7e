// Pure. What watchd says to Watchman, and what it understands of what comes back.
//
// One connection, one question at a time; each answer is one PDU. Between the answers come PDUs
// that nobody asked for: `unilateral`, of the subscription. Written for Watchman 4.9.0 (Debian,
// Ubuntu) and what came after it; fields that are not needed are not looked at.
// Source: https://facebook.github.io/watchman/docs/cmd/subscribe and its neighbours.
#pragma once

#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "watchd/core/filter.h"
#include "watchd/core/source.h"

namespace hpp::watchd::watchman {

// ---- what we send: each returns one PDU ---------------------------------------------------------

// Finds the project that holds `directory` and has it watched. Answer: ProjectWatched.
std::string watch_project_request(const std::string& directory);

// Makes Watchman forget a root, which ends everybody's subscriptions to it. Answer: RootForgotten,
// or Refused if it does not know that root.
std::string watch_del_request(const std::string& root);

// What both questions about files and the subscription need.
struct Place {
  std::string root;           // what Watchman watches
  std::string relative_path;  // of our directory below it; empty: the root itself

  bool operator==(const Place&) const = default;
};

// A cookie makes the answer wait until Watchman has seen whatever was saved before the question: it
// is a file that Watchman writes into the root and waits to be told of.
enum class Cookie { Wanted, None };

// Asks for the clock of now. Answer: ClockTold.
std::string clock_request(const Place& place, Cookie cookie);

// Asks for all symbolic links that are not excluded. Answer: ChangesTold.
std::string links_request(const Place& place, const Filter& filter, Cookie cookie);

// Asks for all files with their contents' digests, as of now. Answer: ChangesTold.
std::string contents_request(const Place& place, const Filter& filter, Cookie cookie);

// Asks what has changed since `clock`. Answer: ChangesTold, without files if it is fresh.
std::string changes_request(const Place& place, const std::string& clock, const Filter& filter,
                            Cookie cookie);

// Has changes after `clock` told as they happen. Answer: Subscribed.
std::string subscribe_request(const Place& place, const std::string& clock, const Filter& filter);

// Has all that was saved before now told of the subscription at once, instead of after a pause of
// 20 ms. Answer: Flushed, after FilesChanged if there is anything to tell. Since Watchman 4.8.
std::string flush_request(const Place& place);

// ---- what we understand -------------------------------------------------------------------------

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
  std::string clock{};  // of when Watchman saw it change last; empty: not told

  bool operator==(const File&) const = default;
};

// Files that changed up to `clock`. `is_fresh_instance`: Watchman does not know the clock that we
// counted from (it was restarted, or lost track), so it cannot tell what changed.
//
// Watchman reads its clock before it looks for files, and what comes in between is told with a
// clock of before it: its next answer has the same file once more (4.9: query/eval.cpp). So `clock`
// is the newest of its own and those of the files, which misses nothing: a tick is complete before
// anybody can see it (root/iothread.cpp). What comes once more is known by it.
struct Changes {
  std::string clock;
  bool is_fresh_instance = false;
  std::vector<File> files;

  bool operator==(const Changes&) const = default;
};

// The answer to links_request, contents_request and changes_request.
struct ChangesTold {
  Changes changes;

  bool operator==(const ChangesTold&) const = default;
};

struct Subscribed {
  std::string clock;

  bool operator==(const Subscribed&) const = default;
};

// The subscription speaks.
struct FilesChanged {
  Changes changes;

  bool operator==(const FilesChanged&) const = default;
};

// The answer to flush_request. `is_dropped`: changes are kept from the subscription, and will not
// be told later. That takes a `drop` in the subscription, of which ours has none.
struct Flushed {
  bool is_dropped = false;

  bool operator==(const Flushed&) const = default;
};

// The subscription has ended: the root was deleted, or somebody unwatched it.
struct Canceled {
  bool operator==(const Canceled&) const = default;
};

// Of no interest: somebody's state-enter and state-leave, lines of Watchman's log.
struct Chatter {
  bool operator==(const Chatter&) const = default;
};

// Watchman's answer to a question that it does not grant, in its own words.
struct Refused {
  std::string error;

  bool operator==(const Refused&) const = default;
};

// Not understood, and why.
struct Unknown {
  std::string why;

  bool operator==(const Unknown&) const = default;
};

using Pdu = std::variant<ProjectWatched, RootForgotten, ClockTold, ChangesTold, Subscribed,
                         FilesChanged, Flushed, Canceled, Chatter, Refused, Unknown>;

struct Received {
  Pdu pdu;
  std::string warning;  // Watchman's words to its user, which come with any PDU; mostly empty

  bool operator==(const Received&) const = default;
};

// Reads one whole PDU. Never throws.
Received read_pdu(std::string_view bytes);

// What `watchman get-sockname` prints: where Watchman listens, or why it does not.
struct SocketName {
  std::string path;     // empty: see `problem`
  std::string problem;  // one line

  bool operator==(const SocketName&) const = default;
};

// Reads that output, stdout and stderr together. Never throws.
SocketName read_socket_name(std::string_view output);

}  // namespace hpp::watchd::watchman
