#include "watchd/watchman/core/pdu.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <optional>
#include <sstream>

#include "common/json_text.h"
#include "watchd/watchman/core/bser.h"
#include "watchd/watchman/core/clock.h"
#include "watchd/watchman/core/expression.h"

namespace hpp::watchd::watchman {
namespace {

using Json = nlohmann::json;

// Name of the only subscription on the only connection.
constexpr const char* kSubscription = "hpp";

// How long Watchman may take for a query, including the first crawl of a large directory. This is
// Watchman's own default.
constexpr int kSyncTimeoutMs = 60'000;

// How long Watchman may take for a flush. A request waits for it, but not longer than this. 0 would
// mean not to wait at all.
constexpr int kFlushTimeoutMs = 2'000;

// An error message longer than this is cut: it goes into one line of the log.
constexpr std::size_t kErrorTextMax = 1000;

int sync_timeout_ms(Cookie cookie) {
  switch (cookie) {
    case Cookie::Wanted:
      return kSyncTimeoutMs;
    case Cookie::None:
      return 0;
  }
  return 0;
}

// Watchman's name for the clock of a file's last change (`oclock`: observed clock).
constexpr const char* kSeenAt = "oclock";

Json query(const Place& place, const Filter& filter) {
  Json result{{"fields", {"name", kSeenAt, "exists", "new"}},
              {"expression", expression_for(filter)}};
  if (!place.relative_path.empty()) result["relative_root"] = place.relative_path;
  return result;
}

Json query_since(const Place& place, const std::string& clock, const Filter& filter) {
  Json result = query(place, filter);
  result["since"] = clock;
  return result;
}

std::optional<std::string> text_of(const Json& json, const char* name) {
  if (!json.is_object()) return std::nullopt;
  const auto found = json.find(name);
  if (found == json.end() || !found->is_string()) return std::nullopt;
  return found->get<std::string>();
}

bool is_true(const Json& json, const char* name) {
  const auto found = json.find(name);
  return found != json.end() && found->is_boolean() && found->get<bool>();
}

// Watchman's messages have several lines; hpp's have one.
std::string one_line(std::string text) {
  for (char& c : text) {
    if (static_cast<unsigned char>(c) < ' ' || c == '\x7f') c = ' ';
  }
  while (text.ends_with(' ')) text.pop_back();
  if (text.size() > kErrorTextMax) text = text.substr(0, kErrorTextMax) + "…";
  return text;
}

// The text that Watchman's client prints to stderr before it gives up, in the form of Watchman's
// log. Time stamps (`2026-11-26T05:00:47,281: [thread] `) and the stack trace are left out, because
// they differ each time, and hpp recognises a repeated problem by its text.
std::string words_of_log(const std::string& log) {
  constexpr std::string_view kTime = "2026-11-26T05:00:47,281";
  std::istringstream lines(log);
  std::string words;
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with("Fatal error detected at:")) break;
    const std::size_t thread_end = line.find("] ", kTime.size());
    const bool has_stamp =
        thread_end != std::string::npos && line.compare(kTime.size(), 3, ": [") == 0;
    words.append(line, has_stamp ? thread_end + 2 : 0).push_back('\n');
  }
  return one_line(std::move(words));
}

Pdu read_project(const Json& json) {
  const auto root = text_of(json, "watch");
  if (!root || root->empty()) return Unknown{"the answer to watch-project names no root"};
  if (json.contains("relative_path") && !text_of(json, "relative_path")) {
    return Unknown{"the answer to watch-project has an odd relative_path"};
  }
  return ProjectWatched{
      {.root = *root, .relative_path = text_of(json, "relative_path").value_or("")}};
}

std::variant<Changes, Unknown> read_changes(const Json& json) {
  const auto clock = text_of(json, "clock");
  if (!clock) return Unknown{"changes without a clock"};
  Changes changes{.clock = *clock, .is_fresh_instance = is_true(json, "is_fresh_instance")};
  const Json& files = json["files"];
  if (!files.is_array()) return Unknown{"changes whose files are no list"};
  for (const Json& file : files) {
    const auto name = text_of(file, "name");
    if (!name) return Unknown{"changes with a file that has no name"};
    const std::string seen_at = text_of(file, kSeenAt).value_or("");
    if (is_known(changes.clock, seen_at)) changes.clock = seen_at;
    changes.files.push_back({{.name = *name,
                              .exists = !file.contains("exists") || is_true(file, "exists"),
                              .is_new = is_true(file, "new"),
                              .digest = {}},
                             seen_at});
  }
  return changes;
}

template <class Wanted>
Pdu read_changes_as(const Json& json) {
  auto changes = read_changes(json);
  if (auto* odd = std::get_if<Unknown>(&changes)) return std::move(*odd);
  return Wanted{std::get<Changes>(std::move(changes))};
}

// Whether our subscription is in this list of an answer to flush-subscriptions.
bool lists_us(const Json& json, const char* list) {
  const auto found = json.find(list);
  if (found == json.end() || !found->is_array()) return false;
  return std::find(found->begin(), found->end(), kSubscription) != found->end();
}

Pdu read_flushed(const Json& json) {
  if (lists_us(json, "dropped")) return Flushed{.is_dropped = true};
  if (lists_us(json, "synced") || lists_us(json, "no_sync_needed")) return Flushed{};
  return Unknown{"the answer to flush-subscriptions leaves ours out"};
}

Pdu read_unilateral(const Json& json) {
  if (json.contains("log") || json.contains("state-enter") || json.contains("state-leave")) {
    return Chatter{};
  }
  if (text_of(json, "subscription") != kSubscription) {
    return Unknown{"files of a subscription that is not ours"};
  }
  if (is_true(json, "canceled")) return Canceled{};
  if (json.contains("files")) return read_changes_as<FilesChanged>(json);
  return Unknown{"a subscription's message without files"};
}

Pdu read_answer(const Json& json) {
  if (json.contains("error")) {
    return Refused{one_line(text_of(json, "error").value_or("an error without a message"))};
  }
  if (json.contains("watch")) return read_project(json);
  if (json.contains("watch-del")) return RootForgotten{};
  const auto clock = text_of(json, "clock");
  if (json.contains("subscribe")) {
    if (!clock) return Unknown{"the answer to subscribe has no clock"};
    return Subscribed{*clock};
  }
  if (json.contains("files")) return read_changes_as<ChangesTold>(json);
  if (json.contains("synced")) return read_flushed(json);
  if (clock) return ClockTold{*clock};
  return Unknown{"an answer to nothing that was asked"};
}

// Watchman marks PDUs that are not answers as `unilateral`, except log lines before 4.5.
Pdu read_object(const Json& json) {
  if (is_true(json, "unilateral") || json.contains("log")) return read_unilateral(json);
  return read_answer(json);
}

}  // namespace

std::string watch_project_request(const std::string& directory) {
  return bser::encode({"watch-project", directory});
}

std::string watch_del_request(const std::string& root) {
  return bser::encode({"watch-del", root});
}

std::string clock_request(const Place& place, Cookie cookie) {
  return bser::encode({"clock", place.root, {{"sync_timeout", sync_timeout_ms(cookie)}}});
}

// Asks for two fields, because with one, the answer's files would be names instead of objects.
std::string links_request(const Place& place, const Filter& filter, Cookie cookie) {
  Json wanted{{"fields", {"name", "exists"}},
              {"expression", links_expression_for(filter)},
              {"sync_timeout", sync_timeout_ms(cookie)}};
  if (!place.relative_path.empty()) wanted["relative_root"] = place.relative_path;
  return bser::encode({"query", place.root, std::move(wanted)});
}

std::string files_request(const Place& place, const Filter& filter, Cookie cookie) {
  Json wanted = query(place, filter);
  wanted["sync_timeout"] = sync_timeout_ms(cookie);
  return bser::encode({"query", place.root, std::move(wanted)});
}

std::string changes_request(const Place& place, const std::string& clock, const Filter& filter,
                            Cookie cookie) {
  Json wanted = query_since(place, clock, filter);
  wanted["empty_on_fresh_instance"] = true;  // otherwise the answer would list all files
  wanted["sync_timeout"] = sync_timeout_ms(cookie);
  return bser::encode({"query", place.root, std::move(wanted)});
}

std::string subscribe_request(const Place& place, const std::string& clock, const Filter& filter) {
  return bser::encode({"subscribe", place.root, kSubscription, query_since(place, clock, filter)});
}

std::string flush_request(const Place& place) {
  return bser::encode(
      {"flush-subscriptions",
       place.root,
       {{"sync_timeout", kFlushTimeoutMs}, {"subscriptions", Json::array({kSubscription})}}});
}

Received read_pdu(std::string_view bytes) {
  const auto json = bser::decode(bytes);
  if (!json) return {.pdu = Unknown{"malformed BSER"}};
  if (!json->is_object()) return {.pdu = Unknown{"not an object"}};
  return {.pdu = read_object(*json), .warning = one_line(text_of(*json, "warning").value_or(""))};
}

SocketName read_socket_name(std::string_view output) {
  const std::string_view json_part = output.substr(std::min(output.find('{'), output.size()));
  const Json json = parse_json(json_part);
  if (!json.is_object()) {
    const std::string words = words_of_log(std::string(output));
    return {.problem = words.empty() ? "watchman get-sockname prints nothing" : words};
  }
  const auto error = text_of(json, "error");
  if (error) return {.problem = one_line(*error)};
  for (const char* name : {"unix_domain", "sockname"}) {
    const auto path = text_of(json, name);
    if (path && !path->empty()) return {.path = *path};
  }
  return {.problem = "watchman get-sockname names no socket"};
}

}  // namespace hpp::watchd::watchman
