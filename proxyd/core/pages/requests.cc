#include "proxyd/core/pages/requests.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/locale/utf.hpp>
#include <chrono>
#include <nlohmann/json.hpp>

#include "common/base64.h"
#include "common/json_text.h"
#include "proxyd/core/curl_command.h"
#include "proxyd/core/http/text.h"
#include "proxyd/core/kept_request.h"
#include "proxyd/embedded.h"

namespace hpp::proxyd {
namespace {

using Json = nlohmann::json;
using FloatMilliseconds = std::chrono::duration<double, std::milli>;

double ms_of(TimePoint::duration time) {
  return FloatMilliseconds(time).count();
}

std::int64_t arrived_at_ms(const RequestRecord& record, const Moment& now) {
  return now.wall_ms -
         std::chrono::duration_cast<std::chrono::milliseconds>(now.steady - record.arrived_at)
             .count();
}

std::string_view word_of(RequestRecord::End end) {
  switch (end) {
    case RequestRecord::End::Open:
      return "open";
    case RequestRecord::End::Completed:
      return "completed";
    case RequestRecord::End::Own:
      return "hpp";
    case RequestRecord::End::Cut:
      return "cut";
  }
  return "";
}

Json summary_of(const RequestRecord& record, const KeptRequest& request, const Moment& now) {
  const bool is_open = record.end == RequestRecord::End::Open;
  return {{"id", record.id},
          {"method", request.method},
          {"target", request.target},
          {"status", record.status},
          {"end", word_of(record.end)},
          {"generation", record.generation},
          {"at_ms", arrived_at_ms(record, now)},
          {"held_ms", ms_of(record.held)},
          {"taken_ms", ms_of(is_open ? now.steady - record.arrived_at : record.taken)},
          {"can_be_sent", request.can_be_sent}};
}

Json fields_json(const KeptFields& fields) {
  Json json = Json::array();
  for (const auto& [name, value] : fields) json.push_back({{"name", name}, {"value", value}});
  return json;
}

std::string value_of(const KeptFields& fields, std::string_view name) {
  const auto found = std::find_if(fields.begin(), fields.end(),
                                  [&](const auto& field) { return same_text(field.first, name); });
  return found == fields.end() ? "" : found->second;
}

// `2026-11-28T23:02:20.123Z`
std::string iso_time(std::int64_t ms) {
  const std::chrono::sys_time<std::chrono::milliseconds> time{std::chrono::milliseconds{ms}};
  const auto day = std::chrono::floor<std::chrono::days>(time);
  const std::chrono::year_month_day date{day};
  const std::chrono::hh_mm_ss clock{time - day};
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z", static_cast<int>(date.year()),
                     static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                     clock.hours().count(), clock.minutes().count(), clock.seconds().count(),
                     clock.subseconds().count());
}

Json query_json(std::string_view target) {
  Json json = Json::array();
  const auto mark = target.find('?');
  if (mark == std::string_view::npos) return json;
  std::string_view query = target.substr(mark + 1);
  while (!query.empty()) {
    const auto end = query.find('&');
    const std::string_view part = query.substr(0, end);
    const auto equals = part.find('=');
    const std::string_view value =
        equals == std::string_view::npos ? std::string_view() : part.substr(equals + 1);
    json.push_back({{"name", part.substr(0, equals)}, {"value", value}});
    query.remove_prefix(end == std::string_view::npos ? query.size() : end + 1);
  }
  return json;
}

// Whether the bytes are text in UTF-8. Text in UTF-16 or UTF-32 has a NUL in each ASCII character.
bool is_utf8_text(std::string_view bytes) {
  using Utf8 = boost::locale::utf::utf_traits<char>;
  if (bytes.find('\0') != std::string_view::npos) return false;
  const char* const end = bytes.data() + bytes.size();
  for (const char* at = bytes.data(); at != end;) {
    const auto character = Utf8::decode(at, end);
    if (!boost::locale::utf::is_valid_codepoint(character)) return false;
  }
  return true;
}

// The members that a body in the archive has in common for requests and answers. It should be
// decoded, but hpp has no decoders.
Json body_json(const KeptFields& fields, const std::string& body) {
  Json json{{"mimeType", value_of(fields, "Content-Type")}};
  const std::string coding = body.empty() ? "" : value_of(fields, "Content-Encoding");
  const bool is_encoded = !coding.empty() && !same_text(coding, "identity");
  if (!is_encoded && is_utf8_text(body)) {
    json["text"] = body;
    return json;
  }
  json["text"] = base64(body);
  json["encoding"] = "base64";
  if (is_encoded) {
    json["comment"] = fmt::format(
        "The text is the body as it was sent, in the Content-Encoding {}: decode it after base64. "
        "The size is that of the encoded body.",
        coding);
  }
  return json;
}

// The HAR's `postData`. HAR 1.2 has `encoding` only for answers, so a comment names it, too.
Json har_post_data(const KeptRequest& request) {
  Json json = body_json(request.fields, request.body);
  json["params"] = Json::array();
  if (json.contains("encoding") && !json.contains("comment")) {
    json["comment"] = "The text is the body in base64, because it is not UTF-8.";
  }
  return json;
}

std::string too_long() {
  return fmt::format("hpp keeps only bodies of up to {} KiB.", kBodyKept / 1024);
}

Json har_request(const RequestRecord& record, const KeptRequest& request, const std::string& url) {
  Json json{{"method", request.method},
            {"url", url + request.target},
            {"httpVersion", fmt::format("HTTP/1.{}", request.minor)},
            {"cookies", Json::array()},
            {"headers", fields_json(request.fields)},
            {"queryString", query_json(request.target)},
            {"headersSize", record.head.size()},
            {"bodySize", record.body.is_whole() ? Json(request.body.size()) : Json(-1)}};
  if (!request.body.empty()) json["postData"] = har_post_data(request);
  if (!record.body.is_whole()) json["comment"] = too_long();
  return json;
}

// Why the archive does not have the body of an answer.
std::string why_without_body(const RequestRecord& record) {
  switch (record.end) {
    case RequestRecord::End::Open:
      return "The answer was not complete when hpp wrote this archive.";
    case RequestRecord::End::Own:
      return "hpp itself has answered. It does not keep its own answers.";
    case RequestRecord::End::Cut:
      return "The connection ended before the end of the answer.";
    case RequestRecord::End::Completed:
      break;
  }
  return too_long();
}

// The HAR's `content`.
Json har_content(const RequestRecord& record, const KeptAnswer& answer) {
  Json json = answer.body ? body_json(answer.fields, *answer.body)
                          : Json{{"mimeType", value_of(answer.fields, "Content-Type")},
                                 {"comment", why_without_body(record)}};
  json["size"] = answer.size ? Json(*answer.size) : Json(-1);
  return json;
}

Json har_response(const RequestRecord& record) {
  const KeptAnswer answer = read_kept_answer(record);
  return {{"status", record.status},
          {"statusText", answer.reason},
          {"httpVersion", answer.minor ? fmt::format("HTTP/1.{}", *answer.minor) : ""},
          {"cookies", Json::array()},
          {"headers", fields_json(answer.fields)},
          {"content", har_content(record, answer)},
          {"redirectURL", value_of(answer.fields, "Location")},
          {"headersSize", record.answer.empty() ? Json(-1) : Json(record.answer.size())},
          {"bodySize", answer.size ? Json(*answer.size) : Json(-1)}};
}

}  // namespace

std::string requests_json(const RequestRecords& records, const Moment& now) {
  Json requests = Json::array();
  for (const RequestRecord* const record : records.newest()) {
    requests.push_back(summary_of(*record, read_kept(*record), now));
  }
  Json repeated = Json::array();
  for (const RequestRecord& record : records.repeated()) {
    repeated.push_back(summary_of(record, read_kept(record), now));
  }
  return json_text(Json{{"keeps", records.keeps()},
                        {"now_ms", now.wall_ms},
                        {"requests", std::move(requests)},
                        {"repeated", std::move(repeated)}});
}

std::string request_json(const RequestRecord& record, const Moment& now, const std::string& url) {
  const KeptRequest request = read_kept(record);
  Json json = summary_of(record, request, now);
  json["fields"] = fields_json(request.fields);
  json["body"] = request.body;
  json["body_is_kept"] = record.body.is_whole();
  const KeptAnswer answer = read_kept_answer(record);
  json["answer_fields"] = fields_json(answer.fields);
  json["answer_body"] = answer.body.value_or("");
  json["answer_body_is_kept"] = answer.body.has_value();
  json["curl"] = request.can_be_sent ? curl_command(request, url) : "";
  return json_text(json);
}

std::string requests_har(const RequestRecords& records, const Moment& now, const std::string& url) {
  Json entries = Json::array();
  for (const RequestRecord* const record : records.newest()) {
    const double taken = ms_of(record->taken);
    const double held = std::min(ms_of(record->held), taken);
    entries.push_back(
        {{"startedDateTime", iso_time(arrived_at_ms(*record, now))},
         {"time", taken},
         {"request", har_request(*record, read_kept(*record), url)},
         {"response", har_response(*record)},
         {"cache", Json::object()},
         {"timings", {{"blocked", held}, {"send", 0}, {"wait", taken - held}, {"receive", 0}}},
         {"comment", fmt::format("generation {}", record->generation)}});
  }
  std::reverse(entries.begin(), entries.end());  // an archive begins with the oldest
  return json_text(Json{{"log",
                         {{"version", "1.2"},
                          {"creator", {{"name", "hpp"}, {"version", kVersion}}},
                          {"entries", std::move(entries)}}}});
}

}  // namespace hpp::proxyd
