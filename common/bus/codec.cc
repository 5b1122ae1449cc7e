#include "common/bus/codec.h"

#include <algorithm>
#include <array>
#include <cassert>
#include <concepts>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <limits>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <type_traits>
#include <utility>

namespace hpp::bus {
namespace {

using Json = nlohmann::json;

constexpr std::array kPhases{BackendPhase::Loading, BackendPhase::Running, BackendPhase::Error,
                             BackendPhase::Killing};
constexpr std::array kTopics{Topic::Tree, Topic::Backend, Topic::Proxy};

// The fields of each message, and of each object in a message, are listed once. `Io` is a Writer, a
// Reader or a Limiter.
template <class Part, class Wanted>
concept IsPart = std::same_as<std::remove_const_t<Part>, Wanted>;

template <class Io, IsPart<TreePoint> Part>
void part_fields(Io& io, Part& point) {
  io.field("epoch", point.epoch);
  io.field("revision", point.revision);
}

template <class Io, IsPart<Ticket> Part>
void part_fields(Io& io, Part& ticket) {
  io.field("epoch", ticket.epoch);
  io.field("number", ticket.number);
}

template <class Io, IsPart<Refresh> Part>
void part_fields(Io& io, Part& refresh) {
  io.field("count", refresh.count);
  io.field("css", refresh.css);
  io.field("css_count", refresh.css_count);
  io.field("reload", refresh.reload);
  io.field("reload_count", refresh.reload_count);
}

template <class Io, IsPart<Cause> Part>
void part_fields(Io& io, Part& cause) {
  io.field("text", cause.text);
  io.field("changed", cause.changed);
  io.field("at_ms", cause.at_ms);
}

template <class Io, IsPart<Start> Part>
void part_fields(Io& io, Part& start) {
  io.field("warm", start.is_warm);
  io.field("cold_because", start.cold_because);
  io.field("cold_ms", start.cold_ms);
}

template <class Io, class State>
void stamp_fields(Io& io, State& state) {
  io.field("epoch", state.stamp.epoch);
  io.field("sequence", state.stamp.sequence);
}

template <class Io, IsPart<TreeState> State>
void fields_of(Io& io, State& state) {
  stamp_fields(io, state);
  io.field("revision", state.revision);
  io.field("clock", state.clock);
  io.field("watching", state.watching);
  io.field("problem", state.problem);
  io.field("changed", state.changed);
  io.field("changed_count", state.changed_count);
  io.later_field("refresh", state.refresh);
  io.later_field("directory", state.directory);
  io.later_field("directory_id", state.directory_id);
  io.later_field("other_roots", state.other_roots);
  io.field("answers", state.answers);
  io.field("settling", state.settling);
  io.later_field("lag_ms", state.lag_ms);
}

template <class Io, IsPart<BackendState> State>
void fields_of(Io& io, State& state) {
  stamp_fields(io, state);
  io.field("state", state.state);
  io.field("generation", state.generation);
  io.field("pid", state.pid);
  io.field("command", state.command);
  io.field("serves", state.serves);
  io.field("seen", state.seen);
  io.field("spawned_at_ms", state.spawned_at_ms);
  io.field("ready_at_ms", state.ready_at_ms);
  io.field("exit", state.exit);
  io.field("output_tail", state.output_tail);
  io.field("problem", state.problem);
  io.later_field("delay", state.delay);
  io.later_field("restarts_asked", state.restarts_asked);
  io.later_field("restarts_done", state.restarts_done);
  io.field("answers", state.answers);
  io.later_field("cause", state.cause);
  io.later_field("start", state.start);
  io.later_field("killed_at_ms", state.killed_at_ms);
  io.later_field("ended_at_ms", state.ended_at_ms);
  io.later_field("address", state.address);
  io.later_field("stranger", state.stranger);
}

template <class Io, IsPart<ProxyState> State>
void fields_of(Io& io, State& state) {
  stamp_fields(io, state);
  io.field("listening", state.listening);
  io.field("clients", state.clients);
  io.field("held", state.held);
  io.field("forwarded", state.forwarded);
  io.field("replayed", state.replayed);
  io.field("problem", state.problem);
  io.field("asks", state.asks);
  io.renamed_field("liveness_check", "doubts", state.liveness_check);
  io.renamed_field("released", "let_go", state.released);
}

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

constexpr std::string_view kCut = "…";

// Cuts the text to at most `size` bytes, `…` included. Keeps UTF-8 sequences whole.
void cut_end(std::string& text, std::size_t size) {
  if (text.size() <= size) return;
  size -= kCut.size();
  const auto continues = [&](std::size_t at) { return (text[at] & 0xC0) == 0x80; };
  for (int bytes = 0; bytes < 3 && continues(size); ++bytes) --size;
  text.resize(size);
  text += kCut;
}

std::size_t cost(const std::string& word) {
  return word.size() + kWordCost;
}

// Returns the number of words, from the first one, that fit into `room` bytes.
std::size_t count_fitting(const std::vector<std::string>& words, std::size_t room) {
  std::size_t count = 0;
  for (; count < words.size() && cost(words[count]) <= room; ++count) room -= cost(words[count]);
  return count;
}

// Returns the text as readers receive it.
std::string as_utf8(const std::string& text) {
  const auto is_ascii = [](char c) { return static_cast<unsigned char>(c) < 0x80; };
  if (std::all_of(text.begin(), text.end(), is_ascii)) return text;
  return Json::parse(Json(text).dump(-1, ' ', false, Json::error_handler_t::replace))
      .get<std::string>();
}

// Visits the same fields as Writer and Reader, so that every field has a limit.
class Limiter {
 public:
  template <class Value>
  void field(const char*, Value& value) {
    if constexpr (requires(Limiter & io) { part_fields(io, value); }) part_fields(*this, value);
  }

  void field(const char*, std::string& text) { cut_end(text, kTextMax); }

  void field(const char*, std::vector<std::string>& words) {
    for (std::string& word : words) cut_end(word, kTextMax);
    words.resize(count_fitting(words, kListMax));
  }

  void field(const char*, std::optional<BackendExit>& exit) {
    if (exit) cut_end(exit->spawn_error, kTextMax);
  }

  template <class Value>
  void later_field(const char* name, Value& value) {
    field(name, value);
  }

  template <class Value>
  void renamed_field(const char* name, const char*, Value& value) {
    field(name, value);
  }
};

void limit(TreeState& tree) {
  // A source cannot read half a clock. Without a clock, watchd asks for all files.
  if (tree.clock.size() > kTextMax) tree.clock.clear();
  Limiter limiter;
  fields_of(limiter, tree);
}

void limit(BackendState& backend) {
  backend.command = limited_command(std::move(backend.command));
  std::string& tail = backend.output_tail;
  if (tail.size() > kOutputTailMax) tail.erase(0, tail.size() - kOutputTailMax);
  Limiter limiter;
  fields_of(limiter, backend);
}

void limit(ProxyState& proxy) {
  Limiter limiter;
  fields_of(limiter, proxy);
}

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
    proxy->asks = proxy->liveness_check = {};
    proxy->released = 0;
  }
  return message;
}

Message limited(Message message) {
  std::visit([](auto& state) { limit(state); }, message);
  return message;
}

std::vector<std::string> limited_command(std::vector<std::string> command) {
  const bool has_long_word = std::any_of(command.begin(), command.end(),
                                         [](const auto& word) { return word.size() > kTextMax; });
  const bool is_text = std::all_of(command.begin(), command.end(),
                                   [](const auto& word) { return as_utf8(word) == word; });
  if (is_text && !has_long_word && count_fitting(command, kListMax) == command.size()) {
    return command;
  }
  std::string whole;
  for (const std::string& word : command) whole.append(word).push_back('\0');
  std::string rest(kCut);
  rest += ' ' + std::to_string(whole.size()) + " bytes, " +
          std::to_string(std::hash<std::string>{}(whole));
  for (std::string& word : command) {
    word = as_utf8(word);
    cut_end(word, kTextMax);
  }
  command.resize(count_fitting(command, kListMax - cost(rest)));
  command.push_back(std::move(rest));
  return command;
}

News news_of(const Message& message, const Message& before) {
  if (durable(message) != durable(before)) return News::Durable;
  const auto* const now = std::get_if<ProxyState>(&message);
  if (now == nullptr) return News::Ticket;
  const auto& then = std::get<ProxyState>(before);
  const bool is_everybodys =
      now->liveness_check != then.liveness_check || now->released != then.released;
  return is_everybodys ? News::Fleeting : News::Ticket;
}

nlohmann::json json_of(const Message& message) {
  Writer writer;
  std::visit([&](const auto& state) { fields_of(writer, state); }, message);
  return writer.take();
}

std::string encode(const Message& message) {
  return to_string(author_of(message)) + ' ' +
         json_of(message).dump(-1, ' ', false, Json::error_handler_t::replace);
}

Decoded decode(std::string_view text) {
  const auto space = text.find(' ');
  if (space == std::string_view::npos) return Malformed{"no JSON object"};
  const auto author = read_author(text.substr(0, space));
  if (!author) return Malformed{"unknown author"};
  try {
    const Json json = Json::parse(text.substr(space + 1), nullptr, /*allow_exceptions=*/false);
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
