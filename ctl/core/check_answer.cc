#include "ctl/core/check_answer.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

#include "common/bus/codec.h"
#include "common/bus/output_record.h"
#include "common/json_text.h"
#include "common/read_number.h"
#include "common/take_until.h"
#include "common/text.h"

namespace hpp::ctl {
namespace {

constexpr std::string_view kHttp = "http://";
constexpr int kFirstError = 400;
constexpr int kFirstServerError = 500;

// The port of `localhost:8000` or `[::1]:8000`, as text.
std::string_view port_of(std::string_view authority) {
  const auto colon = authority.rfind(':');
  const auto bracket = authority.rfind(']');
  const bool has_port =
      colon != std::string_view::npos && (bracket == std::string_view::npos || bracket < colon);
  return has_port ? authority.substr(colon + 1) : "80";
}

bool is_visible(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c != '\x7f'; });
}

bool is_same_letter(char a, char b) {
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; };
  return lower(a) == lower(b);
}

// The value of the first field with that name in the head; empty if there is none.
std::string_view field_of(std::string_view head, std::string_view name) {
  while (!head.empty()) {
    const std::string_view line = take_until('\n', head);
    const auto colon = line.find(':');
    if (colon != name.size() || !std::equal(name.begin(), name.end(), line.begin(), is_same_letter))
      continue;
    std::string_view value = line.substr(colon + 1);
    value.remove_prefix(std::min(value.find_first_not_of(" \t"), value.size()));
    return value.substr(0, value.find_last_not_of(" \t\r") + 1);
  }
  return {};
}

bool is_text(std::string_view type) {
  constexpr std::array kParts{"json", "xml", "javascript", "x-www-form-urlencoded"};
  return type.empty() || type.starts_with("text/") ||
         std::any_of(kParts.begin(), kParts.end(),
                     [&](const char* part) { return type.find(part) != std::string_view::npos; });
}

void end_line(std::string& text) {
  if (!text.empty() && !text.ends_with('\n')) text += '\n';
}

}  // namespace

std::optional<CheckTarget> check_target(std::string_view target, std::string_view instance_url) {
  instance_url.remove_prefix(std::min(kHttp.size(), instance_url.size()));
  std::string_view host = instance_url;
  if (target.starts_with(kHttp)) {
    target.remove_prefix(kHttp.size());
    host = target.substr(0, target.find_first_of("/?#"));
    target.remove_prefix(host.size());
    if (host.empty() || port_of(host) != port_of(instance_url)) return std::nullopt;
  } else if (!target.starts_with('/')) {
    return std::nullopt;
  }
  target = target.substr(0, target.find('#'));
  if (!is_visible(host) || !is_visible(target)) return std::nullopt;
  std::string path = target.starts_with('/') ? "" : "/";
  path += target;
  return CheckTarget{.host = std::string(host), .path = std::move(path)};
}

std::string check_request(const CheckTarget& target) {
  return fmt::format("GET {} HTTP/1.0\r\nHost: {}\r\nAccept: */*\r\nUser-Agent: hpp-ctl\r\n\r\n",
                     target.path, target.host);
}

std::optional<CheckAnswer> read_check_answer(std::string_view response) {
  constexpr std::string_view kHeadEnd = "\r\n\r\n";
  constexpr std::string_view kVersion = "HTTP/1.1 ";
  constexpr std::size_t kStatusDigits = 3;
  const auto head_end = response.find(kHeadEnd);
  if (head_end == std::string_view::npos) return std::nullopt;
  const std::string_view line = response.substr(0, response.find("\r\n"));
  if (!line.starts_with("HTTP/1.") || line.size() < kVersion.size() + kStatusDigits) {
    return std::nullopt;
  }
  const auto status = read_number<std::uint16_t>(line.substr(kVersion.size(), kStatusDigits));
  if (!status) return std::nullopt;
  return CheckAnswer{
      .status = *status,
      .status_line = std::string(line),
      .type = std::string(field_of(response.substr(0, head_end + 2), "Content-Type")),
      .body = std::string(response.substr(head_end + kHeadEnd.size()))};
}

bool is_good(const CheckAnswer& answer) {
  return answer.status < kFirstError;
}

bool is_server_error(const CheckAnswer& answer) {
  return answer.status >= kFirstServerError;
}

std::string printed_text(std::string_view log) {
  std::string text;
  while (!log.empty()) {
    const auto record = bus::read_record(take_until('\n', log));
    if (record && record->stream != bus::OutputStream::Hpp) text += record->text + '\n';
  }
  return text;
}

std::string check_text(const CheckAnswer& answer, const std::optional<bus::BackendError>& error,
                       const std::string& printed) {
  std::string text = error ? printable(bus::to_string(*error)) + "\n\n" : "";
  text += answer.status_line + '\n';
  if (!answer.type.empty()) text += answer.type + '\n';
  text += '\n';
  if (is_text(answer.type)) {
    text += answer.body;
    end_line(text);
  } else {
    text += fmt::format("({} bytes that are not text)\n", answer.body.size());
  }
  if (!printed.empty()) text += "\nYour server has printed:\n\n" + printed;
  return text;
}

std::string check_json(const CheckAnswer& answer, const std::string& url,
                       const std::optional<bus::BackendError>& error, const std::string& printed) {
  using Json = nlohmann::ordered_json;
  const Json json{{"live", true},
                  {"url", url},
                  {"status", answer.status},
                  {"error", error ? Json(bus::json_of(*error)) : Json()},
                  {"type", answer.type},
                  {"body", is_text(answer.type) ? Json(answer.body) : Json()},
                  {"output", printable_lines(printed, Colours::Remove)}};
  return json_text(json) + '\n';
}

}  // namespace hpp::ctl
