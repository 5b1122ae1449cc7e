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

// Text that is no message of ours, and why. Readers log it once and drop it.
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

// What of it goes into the author's file, without the stamp: questions and answers of the moment
// come many times a second and mean nothing to the next incarnation.
Message durable(Message message);

// Cuts every text and list in the message to its limit (messages.h): texts at the end, output_tail
// at the beginning, lists behind the last word that fits. The counts beside lists stay as they are,
// so that readers see that a list is not complete.
Message limited(Message message);

// The same for a command. A command that does not fit, or is not UTF-8, gets a last word with its
// length and its hash, so that two commands that differ only in what is lost stay different.
std::vector<std::string> limited_command(std::vector<std::string> command);

// What a message tells after the one before it. Durable goes into the file; a Ticket, or its
// answer, is for those who handle them (endpoints.h); what is Fleeting is everybody's: supervisord
// answers doubts, and does not want the tickets that come with each request.
enum class News { Durable, Fleeting, Ticket };

// Of two messages of the same topic.
News news_of(const Message& message, const Message& before);

// The message's fields. Its texts may hold bytes that are not UTF-8 (a backend's output, a path):
// dump() it with the error handler `replace`.
nlohmann::json json_of(const Message& message);

// Bytes that are not UTF-8 become U+FFFD.
std::string encode(const Message& message);

// Reads what encode wrote. Unknown fields are ignored; a missing one, one of a wrong type, and one
// that contradicts another (messages.h) makes the message Malformed, but what an earlier version
// did not write may be missing: snapshot files outlive an update. Never throws.
Decoded decode(std::string_view text);

}  // namespace hpp::bus
