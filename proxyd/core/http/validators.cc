#include "proxyd/core/http/validators.h"

#include <vector>

#include "proxyd/core/http/date.h"
#include "proxyd/core/http/text.h"

namespace hpp::proxyd {
namespace {

constexpr std::string_view kLastModified = "Last-Modified";

// Returns the field name of a header line.
std::string_view name_of(std::string_view line) {
  return line.substr(0, line.find(':'));
}

}  // namespace

bool is_date_unreliable(std::optional<TimePoint> changed_at, TimePoint arrived_at) {
  return changed_at && *changed_at > arrived_at - kDateUnreliableFor;
}

void remove_date_condition(std::string& head) {
  std::string rest;
  rest.reserve(head.size());
  std::string_view lines = head;
  while (!lines.empty()) {
    const std::string_view line = lines.substr(0, lines.find("\r\n") + 2);
    lines.remove_prefix(line.size());
    if (same_text(name_of(line), "If-None-Match")) return;
    if (!same_text(name_of(line), "If-Modified-Since")) rest += line;
  }
  head = std::move(rest);
}

bool has_weak_date(const ResponseHead& head, std::int64_t forwarded_at_ms) {
  const auto value = find_field(head.fields, kLastModified);
  if (!value || find_field(head.fields, "ETag")) return false;
  const auto second = read_http_date(*value);
  return second && *second >= forwarded_at_ms / 1000;
}

ResponseHead without_date(ResponseHead head) {
  std::erase_if(head.fields,
                [](const Field& field) { return same_text(field.name, kLastModified); });
  return head;
}

}  // namespace hpp::proxyd
