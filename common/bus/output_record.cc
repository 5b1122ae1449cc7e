#include "common/bus/output_record.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "common/bus/messages.h"
#include "common/json_text.h"

namespace hpp::bus {
namespace {

constexpr std::pair<OutputStream, std::string_view> kStreamNames[] = {
    {OutputStream::Stdout, "stdout"},
    {OutputStream::Stderr, "stderr"},
    {OutputStream::Build, "build"},
    {OutputStream::Hpp, "hpp"},
};

std::optional<OutputStream> stream_of(std::string_view name) {
  const auto* const found = std::find_if(std::begin(kStreamNames), std::end(kStreamNames),
                                         [name](const auto& one) { return one.second == name; });
  if (found == std::end(kStreamNames)) return std::nullopt;
  return found->first;
}

}  // namespace

std::string_view to_string(OutputStream stream) {
  const auto* const found = std::find_if(std::begin(kStreamNames), std::end(kStreamNames),
                                         [stream](const auto& one) { return one.first == stream; });
  return found->second;
}

std::string write_record(const OutputRecord& record) {
  const nlohmann::ordered_json json{{"at_ms", record.at_ms},
                                    {"generation", record.generation},
                                    {"stream", to_string(record.stream)},
                                    {"text", record.text}};
  return json_text(json) + '\n';
}

std::optional<OutputRecord> read_record(std::string_view line) {
  const auto json = parse_json(line);
  if (!json.is_object()) return std::nullopt;
  const auto member = [&json](const char* name) { return json.value(name, nlohmann::json()); };
  const nlohmann::json at_ms = member("at_ms");
  const nlohmann::json generation = member("generation");
  const nlohmann::json stream = member("stream");
  const nlohmann::json text = member("text");
  if (!at_ms.is_number_unsigned() || !generation.is_number_unsigned() || !stream.is_string() ||
      !text.is_string()) {
    return std::nullopt;
  }
  const auto known_stream = stream_of(stream.get<std::string>());
  if (!known_stream || at_ms.get<std::uint64_t>() > std::uint64_t{kTimeMaxMs}) return std::nullopt;
  return OutputRecord{.at_ms = at_ms.get<std::int64_t>(),
                      .generation = generation.get<std::uint64_t>(),
                      .stream = *known_stream,
                      .text = text.get<std::string>()};
}

}  // namespace hpp::bus
