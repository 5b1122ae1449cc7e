// The limits of messages (codec.h).
#include <algorithm>
#include <functional>
#include <nlohmann/json.hpp>
#include <utility>

#include "common/bus/codec.h"
#include "common/bus/fields.h"
#include "common/json_text.h"

namespace hpp::bus {
namespace {

using Json = nlohmann::json;

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
  return parse_json(json_text(Json(text))).get<std::string>();
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

  // The limits of these texts are lower than those of others, because there are many of them.
  void field(const char*, std::optional<BackendError>& error) {
    if (!error) return;
    cut_end(error->message, kErrorTextMax);
    cut_end(error->file, kErrorTextMax);
    cut_end(error->source, kSourceTextMax);
    std::size_t size = 0;
    std::size_t count = 0;
    for (ErrorFrame& frame : error->frames) {
      cut_end(frame.file, kErrorTextMax);
      size += frame.file.size();
      if (size > kFramesTextMax || count == kFramesMax) break;
      ++count;
    }
    error->frames.resize(count);
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

}  // namespace

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

}  // namespace hpp::bus
