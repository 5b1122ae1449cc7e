#include "proxyd/core/reload/inject.h"

#include <algorithm>
#include <limits>
#include <string_view>
#include <utility>
#include <vector>

#include "proxyd/core/http/forwarded.h"
#include "proxyd/core/http/navigation.h"
#include "proxyd/core/http/text.h"

namespace hpp::proxyd {
namespace {

constexpr std::string_view kScript = "/__hpp/livereload.js";
constexpr std::string_view kConnection = "/__hpp/livereload";

// Whether text in this charset is not a superset of ASCII
// (https://encoding.spec.whatwg.org/#names-and-labels).
bool is_wide(std::string_view charset) {
  for (const std::string_view wide :
       {"utf-16", "utf-32", "ucs-2", "unicode", "csunicode", "iso-10646"}) {
    if (same_text(charset.substr(0, wide.size()), wide)) return true;
  }
  return false;
}

struct MediaType {
  std::string_view type;
  std::string_view charset;
};

MediaType read_media_type(std::string_view content_type) {
  MediaType media;
  media.type = read_parameters(content_type, [&](std::string_view name, std::string_view value) {
    if (same_text(name, "charset")) media.charset = value;
  });
  return media;
}

bool is_xhtml(const Field& field) {
  return field.known == FieldName::ContentType &&
         same_text(read_media_type(field.value).type, "application/xhtml+xml");
}

// Whether this field says that the answer is not shown as a page.
bool is_no_page(const Field& field) {
  const auto no_parameters = [](std::string_view, std::string_view) {};
  if (field.known == FieldName::ContentType) {
    return !same_text(read_media_type(field.value).type, "text/html") && !is_xhtml(field);
  }
  return same_text(field.name, "Content-Disposition") &&
         !same_text(read_parameters(field.value, no_parameters), "inline");
}

bool is_shown_page(const ResponseHead& head, const ResponseFacts& facts) {
  const bool is_shown = facts.status >= 400 || (facts.status / 100 == 2 && facts.status != 206);
  return is_shown && facts.framing != Framing::None &&
         std::none_of(head.fields.begin(), head.fields.end(), is_no_page);
}

std::optional<Obstacle> obstacle_in(const Field& field) {
  using enum Obstacle::Kind;
  if (is_xhtml(field)) {
    return Obstacle{Xhtml, "a page is XHTML (" + quoted(field.value) +
                               "), and hpp adds its script to HTML alone. Put <script src=\"" +
                               std::string(kScript) +
                               "\"></script> into the page, or send it as text/html"};
  }
  if (same_text(field.name, "Content-Encoding") && !same_text(field.value, "identity")) {
    return Obstacle{Encoding, "a page is compressed (Content-Encoding: " + quoted(field.value) +
                                  ") although hpp asked for 'identity'. Turn compression off in "
                                  "development"};
  }
  const std::string_view charset =
      field.known == FieldName::ContentType ? read_media_type(field.value).charset : "";
  if (is_wide(charset)) {
    return Obstacle{Charset, "a page's charset is " + quoted(charset) +
                                 ", and the script is ASCII. Send the page in UTF-8"};
  }
  // RFC 9110 §7.7: a proxy must not transform such an answer.
  if (same_text(field.name, "Cache-Control") && has_element(field.value, "no-transform")) {
    return Obstacle{NoTransform,
                    "a page forbids changes (Cache-Control: no-transform). Leave that out in "
                    "development"};
  }
  return std::nullopt;
}

std::optional<Obstacle> obstacle_in(const ResponseHead& head) {
  for (const Field& field : head.fields) {
    if (auto obstacle = obstacle_in(field)) return obstacle;
  }
  if (find_field(head.fields, "Content-Type")) return std::nullopt;
  return Obstacle{Obstacle::Kind::NoType,
                  "an answer has no Content-Type, so hpp cannot know whether it is a page. Send "
                  "'Content-Type: text/html' with pages"};
}

std::string tag_with(std::string_view nonce) {
  std::string tag = "<script src=\"";
  tag += kScript;
  tag += "\" async";
  if (!nonce.empty()) (tag += " nonce=\"").append(nonce) += '"';
  constexpr std::string_view kEnd = "></script>";
  if ((tag.size() + kEnd.size()) % 2 == 1) tag += ' ';  // even, as tag_inserter.h needs it
  return tag.append(kEnd);
}

}  // namespace

std::optional<Page> navigated_page(const RequestHead& head) {
  if (!is_navigation(head)) return std::nullopt;
  OuterRequest outer = read_outer_request(head.fields);
  if (outer.host.empty()) outer.host = find_field(head.fields, "Host").value_or("");
  return Page{.is_secure = same_text(outer.proto, "https"), .host = std::move(outer.host)};
}

bool may_serve_navigation(const RequestHead& head) {
  return head.method == "GET" &&
         is_any_of(find_field(head.fields, "Sec-Fetch-Dest").value_or("document"),
                   {"document", "embed", "empty", "frame", "iframe", "object"});
}

RequestHead asking_for_plain(RequestHead head) {
  constexpr std::string_view kName = "Accept-Encoding";
  std::erase_if(head.fields, [&](const Field& field) { return same_text(field.name, kName); });
  head.fields.push_back({.name = kName, .value = "identity"});
  return head;
}

Obstacle utf16_obstacle() {
  return {.kind = Obstacle::Kind::Charset,
          .text =
              "a page is in UTF-16 (it begins with a byte order mark), and the script is ASCII. "
              "Send the page in "
              "UTF-8"};
}

Injection judge_injection(const Page& page, const ResponseHead& head, const ResponseFacts& facts) {
  if (!is_shown_page(head, facts)) return {};
  if (auto obstacle = obstacle_in(head)) return {.obstacle = std::move(obstacle)};
  std::vector<std::string_view> policies;
  for (const Field& field : head.fields) {
    if (same_text(field.name, "Content-Security-Policy")) policies.push_back(field.value);
  }
  CspDecision decision = judge_csp(policies, page, kScript, kConnection);
  if (decision.objection.empty()) {
    std::string tag = tag_with(decision.nonce);
    const bool has_room = facts.framing != Framing::Length ||
                          facts.length <= std::numeric_limits<std::uint64_t>::max() - tag.size();
    return has_room ? Injection{.tag = std::move(tag)} : Injection{};
  }
  return {.obstacle = Obstacle{Obstacle::Kind::Policy,
                               "a page's Content-Security-Policy keeps the script out: " +
                                   std::move(decision.objection)}};
}

std::optional<std::string> report_of_script(std::string_view target, std::string_view referrer) {
  if (!target.ends_with("?forbidden")) return std::nullopt;
  return "the Content-Security-Policy of " + (referrer.empty() ? "a page" : quoted(referrer)) +
         " does not allow its connection to hpp, so it does not reload by itself. Allow 'self' in "
         "connect-src";
}

bool is_html_page(const ResponseHead& head, const ResponseFacts& facts) {
  return is_shown_page(head, facts) &&
         std::any_of(head.fields.begin(), head.fields.end(), [](const Field& field) {
           return field.known == FieldName::ContentType && !is_xhtml(field);
         });
}

}  // namespace hpp::proxyd
