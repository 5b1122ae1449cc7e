// Pure. Messages to and from their text: `<author> <JSON object>`, where the author is written as
// `backend` or `backend.api` (AuthorId).
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "common/bus/messages.h"

namespace hpp::bus {

// The reason why a text is not a message. Readers log it once and drop the text.
struct Malformed {
  std::string why;

  bool operator==(const Malformed&) const = default;
};

using Message = std::variant<TreeState, BackendState, ProxyState>;
using Decoded = std::variant<Malformed, Message>;

Topic topic_of(const Message& message);
AuthorId author_of(const Message& message);
const Stamp& stamp_of(const Message& message);
void set_stamp(Message& message, const Stamp& stamp);

// Returns the message as it is kept in the author's file, except for the stamp: fields that are not
// in the file (messages.h) have their default values.
Message durable(Message message);

// Cuts every text and list in the message to its limit (messages.h): texts at the end, output_tail
// at the beginning, lists after the last word that fits. The counts of lists stay as they are, so
// that readers see that a list is incomplete.
Message limited(Message message);

// Cuts a command to the limit of lists. If the command does not fit or is not UTF-8, appends a word
// with its length and its hash, so that two commands stay different even if they differ only in
// what is cut.
std::vector<std::string> limited_command(std::vector<std::string> command);

// The kinds of differences between two snapshots of an author.
enum class News {
  Durable,   // a field that is in the file: for every reader
  Fleeting,  // a field that is not in the file, but for every reader, such as a liveness check
  Ticket,    // only tickets or answers: for readers of Audience::TicketHandlers (endpoints.h)
};

// Compares a message with the author's message before it, which must be different.
News news_of(const Message& message, const Message& before);

// Returns the message's fields. Texts may contain bytes that are not UTF-8 (a backend's output, a
// path), so dump() needs the error handler `replace`.
nlohmann::json json_of(const Message& message);

// Returns the fields of an error like those of a message.
nlohmann::json json_of(const BackendError& error);

// Returns `<author> <JSON object>`. Bytes that are not UTF-8 become U+FFFD.
std::string encode(const Message& message);

// Reads what encode() has written. Ignores unknown fields. Returns Malformed if a field is missing,
// has a wrong type, or contradicts another (messages.h). Fields that earlier versions did not write
// may be missing, because snapshot files outlive an update. Never throws.
Decoded decode(std::string_view text);

}  // namespace hpp::bus
