#include "ctl/core/wait_answer.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "common/json_text.h"
#include "common/text.h"

namespace hpp::ctl {
namespace {

// The status code, `200` in `HTTP/1.1 200 OK`; empty if `line` is not a status line.
std::string_view status_of(std::string_view line) {
  const auto space = line.find(' ');
  if (!line.starts_with("HTTP/1.") || space == std::string_view::npos) return {};
  line.remove_prefix(space + 1);
  return line.substr(0, line.find(' '));
}

Decision decision_of(std::string_view status) {
  if (status == "200") return Decision::Live;
  if (status == "503") return Decision::Failed;
  return Decision::Unclear;
}

// The answer of an older proxyd has no `lag_ms`.
std::uint64_t lag_of(const std::string& body) {
  const auto json = parse_json(body);
  if (!json.is_object()) return 0;
  const auto lag = json.find("lag_ms");
  return lag != json.end() && lag->is_number_unsigned() ? lag->get<std::uint64_t>() : 0;
}

}  // namespace

std::string wait_request(std::string_view host, WaitFormat format) {
  return fmt::format(
      "GET /__hpp/wait HTTP/1.1\r\nHost: {}\r\nAccept: {}\r\nConnection: close\r\n\r\n", host,
      format == WaitFormat::Json ? "application/json" : "text/plain");
}

std::optional<WaitAnswer> read_wait_answer(std::string_view response) {
  constexpr std::string_view kHeadEnd = "\r\n\r\n";
  const auto head_end = response.find(kHeadEnd);
  if (head_end == std::string_view::npos) return std::nullopt;
  const std::string_view line = response.substr(0, response.find("\r\n"));
  WaitAnswer answer{.decision = decision_of(status_of(line)),
                    .status_line = std::string(line),
                    .text = std::string(response.substr(head_end + kHeadEnd.size()))};
  if (answer.decision == Decision::Live) answer.lag_ms = lag_of(answer.text);
  return answer;
}

std::string wait_json(const WaitAnswer& answer, const std::string& url) {
  using Json = nlohmann::ordered_json;
  Json json = parse_ordered_json(answer.text);
  if (!json.is_object()) json = {{"live", answer.decision == Decision::Live}};  // an older proxyd
  json["url"] = url;
  if (const auto output = json.find("output"); output != json.end() && output->is_string()) {
    *output = printable_lines(output->get<std::string>(), Colours::Remove);
  }
  return json_text(json) + '\n';
}

}  // namespace hpp::ctl
