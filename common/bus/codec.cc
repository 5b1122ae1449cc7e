#include "common/bus/codec.h"

#include <algorithm>
#include <array>
#include <cassert>
#include <cstdint>
#include <initializer_list>
#include <limits>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <type_traits>
#include <utility>

#include "common/bus/fields.h"
#include "common/json_text.h"

namespace hpp::bus {
namespace {

using Json = nlohmann::json;

constexpr std::array kPhases{BackendPhase::Loading, BackendPhase::Running, BackendPhase::Error,
                             BackendPhase::Killing};
constexpr std::array kFailures{Failure::None,        Failure::Crashed,         Failure::Ended,
                               Failure::BuildFailed, Failure::CommandNotFound, Failure::CannotStart,
                               Failure::PortInUse,   Failure::CannotKill};
constexpr std::array kTopics{Topic::Tree, Topic::Backend, Topic::Proxy};

class Writer {
 public:
  template <class Value>
  void field(const char* name, const Value& value) {
    if constexpr (requires(Writer & io) { part_fields(io, value); }) {
      Writer inner;
      part_fields(inner, value);
      json_[name] = std::move(inner.json_);
    } else {
      json_[name] = value;
    }
  }

  void field(const char* name, const BackendPhase& phase) { json_[name] = to_string(phase); }

  void field(const char* name, const std::optional<BackendExit>& exit) {
    if (!exit) {
      json_[name] = nullptr;
    } else if (exit->code) {
      json_[name] = {{"code", *exit->code}};
    } else if (exit->signal) {
      json_[name] = {{"signal", *exit->signal}};
    } else if (!exit->spawn_error.empty()) {
      json_[name] = {{"spawn_error", exit->spawn_error}};
    } else {
      json_[name] = {{"unknown", true}};
    }
  }

  void field(const char* name, const Failure& failure) { json_[name] = to_string(failure); }

  void field(const char* name, const std::optional<BackendError>& error) {
    if (error) {
      field(name, *error);
    } else {
      json_[name] = nullptr;
    }
  }

  void field(const char* name, const std::vector<ErrorFrame>& frames) {
    Json& list = json_[name] = Json::array();
    for (const ErrorFrame& frame : frames) {
      Writer inner;
      part_fields(inner, frame);
      list.push_back(std::move(inner.json_));
    }
  }

  template <class Value>
  void later_field(const char* name, const Value& value) {
    field(name, value);
  }

  template <class Value>
  void renamed_field(const char* name, const char*, const Value& value) {
    field(name, value);
  }

  Json take() { return std::move(json_); }

 private:
  Json json_ = Json::object();
};

constexpr int kExitCodeMax = 255;
constexpr int kSignalMax = 64;
constexpr std::int64_t kPidMax = std::numeric_limits<std::int32_t>::max();

// Throws a std::exception if a field is missing or has a wrong type. Only decode() catches it.
class Reader {
 public:
  explicit Reader(const Json& json) : json_(json) {}

  template <class Value>
  void field(const char* name, Value& value) {
    if constexpr (requires(Reader & io) { part_fields(io, value); }) {
      Reader inner(json_.at(name));
      part_fields(inner, value);
    } else {
      json_.at(name).get_to(value);
    }
  }

  // nlohmann would convert -1 to 18446744073709551615 and 1.5 to 1. No author writes such values.
  void field(const char* name, std::uint64_t& value) {
    const Json& found = json_.at(name);
    if (!found.is_number_unsigned()) throw wrong_type(name);
    value = found.get<std::uint64_t>();
  }

  void field(const char* name, std::int64_t& value) { value = integer(json_.at(name), name); }

  void field(const char* name, BackendPhase& phase) {
    const auto text = json_.at(name).get<std::string>();
    for (const BackendPhase candidate : kPhases) {
      if (to_string(candidate) == text) {
        phase = candidate;
        return;
      }
    }
    throw wrong_type(name);
  }

  // A later version may know other reasons.
  void field(const char* name, Failure& failure) {
    const auto text = json_.at(name).get<std::string>();
    const auto found = std::find_if(kFailures.begin(), kFailures.end(), [&](Failure candidate) {
      return to_string(candidate) == text;
    });
    failure = found == kFailures.end() ? Failure::None : *found;
  }

  void field(const char* name, std::optional<BackendError>& error) {
    error.reset();
    if (!json_.at(name).is_null()) field(name, error.emplace());
  }

  void field(const char* name, std::vector<ErrorFrame>& frames) {
    const Json& list = json_.at(name);
    if (!list.is_array() || list.size() > kFramesMax) throw wrong_type(name);
    for (const Json& json : list) {
      Reader inner(json);
      part_fields(inner, frames.emplace_back());
    }
  }

  // A field that earlier versions did not write.
  template <class Value>
  void later_field(const char* name, Value& value) {
    if (json_.contains(name)) field(name, value);
  }

  // A field to which earlier versions gave another name.
  template <class Value>
  void renamed_field(const char* name, const char* old_name, Value& value) {
    later_field(json_.contains(name) ? name : old_name, value);
  }

  void field(const char* name, std::optional<BackendExit>& exit) {
    const Json& found = json_.at(name);
    exit.reset();
    if (found.is_null()) return;
    exit.emplace();
    if (found.contains("code")) {
      exit->code = small_integer(found["code"], 0, kExitCodeMax, name);
    } else if (found.contains("signal")) {
      exit->signal = small_integer(found["signal"], 1, kSignalMax, name);
    } else if (!found.contains("unknown")) {
      exit->spawn_error = found.at("spawn_error").get<std::string>();
    }
  }

 private:
  static std::int64_t integer(const Json& found, const char* name) {
    const bool is_too_large = found.is_number_unsigned() &&
                              found.get<std::uint64_t>() > std::numeric_limits<std::int64_t>::max();
    if (!found.is_number_integer() || is_too_large) throw wrong_type(name);
    return found.get<std::int64_t>();
  }

  static int small_integer(const Json& found, int min, int max, const char* name) {
    const std::int64_t value = integer(found, name);
    if (value < min || value > max) throw wrong_type(name);
    return static_cast<int>(value);
  }

  static std::invalid_argument wrong_type(const char* name) {
    return std::invalid_argument(std::string("wrong type or value of '") + name + "'");
  }

  const Json& json_;
};

// ---- fields that contradict each other (messages.h) ---------------------------------------------

void require(bool is_met, const char* what) {
  if (!is_met) throw std::invalid_argument(what);
}

bool is_count_of(const std::vector<std::string>& paths, std::uint64_t count) {
  return paths.size() <= kChangedPathsMax && paths.size() <= count;
}

void check(const TreeState& tree) {
  require(tree.changed_count == 0 ? tree.changed.empty()
                                  : is_count_of(tree.changed, tree.changed_count),
          "'changed_count' does not fit 'changed'");
  const Refresh& refresh = tree.refresh;
  require(is_count_of(refresh.css, refresh.css_count) &&
              refresh.css.empty() == (refresh.css_count == 0),
          "'css_count' does not fit 'css'");
  require(is_count_of(refresh.reload, refresh.reload_count) &&
              refresh.reload.empty() == (refresh.reload_count == 0),
          "'reload_count' does not fit 'reload'");
  const bool has_batch = !refresh.css.empty() || !refresh.reload.empty();
  require(has_batch == (refresh.count > 0), "'count' of 'refresh' does not fit its lists");
}

void check(const BackendState& backend) {
  require(backend.pid >= 0 && backend.pid <= kPidMax, "'pid' is no process");
  require(backend.cause.changed.size() <= kChangedPathsMax, "'cause' names too many files");
  for (const std::int64_t at_ms :
       {backend.spawned_at_ms, backend.ready_at_ms, backend.cause.at_ms, backend.killed_at_ms,
        backend.ended_at_ms, backend.start.cold_ms}) {
    require(at_ms >= 0 && at_ms <= kTimeMaxMs, "a time is not between 1970 and 9999");
  }
}

void check(const ProxyState&) {}

template <class State>
State read(const Json& json) {
  State state;
  Reader reader(json);
  fields_of(reader, state);
  check(state);
  return state;
}

Message read_topic(Topic topic, const Json& json) {
  switch (topic) {
    case Topic::Tree:
      return read<TreeState>(json);
    case Topic::Backend:
      return read<BackendState>(json);
    case Topic::Proxy:
      return read<ProxyState>(json);
  }
  return {};
}

// The reverse of to_string(AuthorId).
std::optional<AuthorId> read_author(std::string_view word) {
  const auto dot = word.find('.');
  const std::string_view name = dot == std::string_view::npos ? kMainAuthor : word.substr(dot + 1);
  if (!is_author_name(name)) return std::nullopt;
  for (const Topic topic : kTopics) {
    if (to_string(topic) == word.substr(0, dot)) return AuthorId(topic, std::string(name));
  }
  return std::nullopt;
}

}  // namespace

Topic topic_of(const Message& message) {
  return kTopics[message.index()];
}

AuthorId author_of(const Message& message) {
  return {topic_of(message), stamp_of(message).author};
}

const Stamp& stamp_of(const Message& message) {
  return std::visit([](const auto& state) -> const Stamp& { return state.stamp; }, message);
}

void set_stamp(Message& message, const Stamp& stamp) {
  std::visit([&](auto& state) { state.stamp = stamp; }, message);
}

Message durable(Message message) {
  set_stamp(message, {});
  if (auto* tree = std::get_if<TreeState>(&message)) {
    tree->answers = {};
    tree->settling = false;
    tree->lag_ms = 0;
  }
  if (auto* backend = std::get_if<BackendState>(&message)) {
    backend->answers = {};
    backend->delay.clear();
    backend->restarts_asked = backend->restarts_done = 0;
  }
  if (auto* proxy = std::get_if<ProxyState>(&message)) {
    proxy->asks = proxy->liveness_check = proxy->restart = proxy->pause = {};
    proxy->pauses = false;
    proxy->crash_generation = 0;
    proxy->crash_requests.clear();
    proxy->released = 0;
  }
  return message;
}

News news_of(const Message& message, const Message& before) {
  if (durable(message) != durable(before)) return News::Durable;
  const auto* const now = std::get_if<ProxyState>(&message);
  if (now == nullptr) return News::Ticket;
  const auto& then = std::get<ProxyState>(before);
  const bool is_everybodys = now->liveness_check != then.liveness_check ||
                             now->released != then.released || now->restart != then.restart ||
                             now->pause != then.pause;
  return is_everybodys ? News::Fleeting : News::Ticket;
}

nlohmann::json json_of(const Message& message) {
  Writer writer;
  std::visit([&](const auto& state) { fields_of(writer, state); }, message);
  return writer.take();
}

nlohmann::json json_of(const BackendError& error) {
  Writer writer;
  part_fields(writer, error);
  return writer.take();
}

std::string encode(const Message& message) {
  return to_string(author_of(message)) + ' ' + json_text(json_of(message));
}

Decoded decode(std::string_view text) {
  const auto space = text.find(' ');
  if (space == std::string_view::npos) return Malformed{"no JSON object"};
  const auto author = read_author(text.substr(0, space));
  if (!author) return Malformed{"unknown author"};
  try {
    const Json json = parse_json(text.substr(space + 1));
    if (!json.is_object()) return Malformed{"not a JSON object"};
    Message message = read_topic(author->topic, json);
    set_stamp(message, {.author = author->name,
                        .epoch = stamp_of(message).epoch,
                        .sequence = stamp_of(message).sequence});
    return message;
  } catch (const std::exception& error) {
    return Malformed{error.what()};
  }
}

}  // namespace hpp::bus
