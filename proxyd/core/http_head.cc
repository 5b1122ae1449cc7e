#include "proxyd/core/http_head.h"

#include <algorithm>
#include <charconv>
#include <optional>
#include <string>

#include "proxyd/core/http_text.h"

namespace hpp::proxyd {
namespace {

using Why = std::optional<std::string>;

Refused refuse(std::string why) {
  return {.status = 400, .why = std::move(why)};
}

// What both kinds of head say about connection and body.
struct Common {
  std::optional<std::uint64_t> length;
  bool chunked = false;
  bool says_close = false;
  bool says_keep_alive = false;
  bool says_upgrade = false;
  bool has_upgrade = false;
};

void read_connection(std::string_view value, Common& common) {
  for_each_element(value, [&](std::string_view option) {
    if (same_text(option, "close")) common.says_close = true;
    if (same_text(option, "keep-alive")) common.says_keep_alive = true;
    if (same_text(option, "upgrade")) common.says_upgrade = true;
  });
}

// RFC 9110 §8.6: one number of digits. A list of equal numbers may be accepted; hpp refuses it.
Why read_length(std::string_view value, Common& common) {
  if (common.length) return "Content-Length is doubled";
  std::uint64_t length = 0;
  const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), length);
  if (error != std::errc{} || end != value.data() + value.size() || value.empty()) {
    return "Content-Length is not a number that can be: '" + std::string(value) + "'";
  }
  common.length = length;
  return std::nullopt;
}

// RFC 9112 §6.1. Other codings than chunked are not in use; to understand half of one is to be
// smuggled past.
Why read_transfer_encoding(std::string_view value, int minor, Common& common) {
  if (minor == 0) return "Transfer-Encoding does not exist in HTTP/1.0";
  if (common.chunked) return "Transfer-Encoding is doubled";
  if (!same_text(value, "chunked")) {
    return "Transfer-Encoding is '" + std::string(value) + "', only chunked is understood";
  }
  common.chunked = true;
  return std::nullopt;
}

Why read_common(const Field& field, int minor, Common& common) {
  if (field.known == FieldName::ContentLength) return read_length(field.value, common);
  if (field.known == FieldName::TransferEncoding) {
    return read_transfer_encoding(field.value, minor, common);
  }
  if (field.known == FieldName::Connection) read_connection(field.value, common);
  if (field.known == FieldName::Upgrade) common.has_upgrade = true;
  return std::nullopt;
}

bool keeps_alive(const Common& common, int minor) {
  return !common.says_close && (minor >= 1 || common.says_keep_alive);
}

// RFC 9112 §3.2: the four forms of a request target.
Why check_target(const RequestHead& head) {
  const std::string_view target = head.target;
  if (target.starts_with('/')) return std::nullopt;
  if (target == "*") {
    return head.method == "OPTIONS" ? Why{} : Why{"the target * is for OPTIONS alone"};
  }
  for (const std::string_view scheme : {"http://", "https://", "ws://", "wss://"}) {
    if (target.size() > scheme.size() && same_text(target.substr(0, scheme.size()), scheme)) {
      return std::nullopt;
    }
  }
  return "the request target is neither a path nor a URL";
}

// RFC 9110 §7.2: uri-host [":" port]. What it may not contain is what would make somebody behind
// us see another host.
Why check_host(std::string_view host) {
  if (host.find_first_of(" \t/\\@,?#") != std::string_view::npos) {
    return "Host is '" + std::string(host) + "', that is no host";
  }
  return std::nullopt;
}

Wanted read_accept(std::string_view value) {
  Wanted wanted = Wanted::Text;
  bool decided = false;
  for_each_element(value, [&](std::string_view range) {
    if (decided) return;
    const std::string_view type = range.substr(0, range.find_first_of("; \t"));
    if (same_text(type, "text/html")) wanted = Wanted::Html, decided = true;
    if (same_text(type, "application/json")) wanted = Wanted::Json, decided = true;
    if (same_text(type, "text/plain")) decided = true;
  });
  return wanted;
}

bool is_one_of(std::string_view method, std::initializer_list<std::string_view> methods) {
  return std::find(methods.begin(), methods.end(), method) != methods.end();
}

void read_te(std::string_view value, RequestFacts& facts) {
  for_each_element(value, [&](std::string_view coding) {
    if (same_text(coding, "trailers")) facts.accepts_trailers = true;
  });
}

}  // namespace

std::variant<RequestFacts, Refused> judge_request(const RequestHead& head) {
  if (head.method == "CONNECT") {
    return Refused{.status = 501, .why = "CONNECT is for forward proxies, this is a reverse proxy"};
  }
  if (auto why = check_target(head)) return refuse(*why);
  RequestFacts facts{.minor = head.minor,
                     .is_head = head.method == "HEAD",
                     .is_safe = is_one_of(head.method, {"GET", "HEAD", "OPTIONS", "TRACE"})};
  Common common;
  int hosts = 0;
  for (const Field& field : head.fields) {
    if (auto why = read_common(field, head.minor, common)) return refuse(*why);
    if (field.known == FieldName::Accept) facts.wanted = read_accept(field.value);
    if (field.known == FieldName::TE) read_te(field.value, facts);
    if (field.known != FieldName::Host) continue;
    if (++hosts > 1) return refuse("Host is doubled");
    if (auto why = check_host(field.value)) return refuse(*why);
  }
  if (hosts == 0 && head.minor >= 1) return refuse("Host is missing");
  if (common.chunked && common.length) {
    return refuse("both Transfer-Encoding and Content-Length are there");
  }
  facts.keeps_alive = keeps_alive(common, head.minor);
  facts.asks_upgrade = head.minor >= 1 && common.says_upgrade && common.has_upgrade;
  if (common.chunked) {
    facts.framing = Framing::Chunked;
  } else if (common.length.value_or(0) > 0) {
    facts.framing = Framing::Length;
    facts.length = *common.length;
  }
  return facts;
}

std::variant<ResponseFacts, Refused> judge_response(const ResponseHead& head,
                                                    const RequestFacts& request) {
  if (head.status < 100 || head.status > 999) return refuse("the status is no status");
  ResponseFacts facts{.status = head.status};
  Common common;
  for (const Field& field : head.fields) {
    if (auto why = read_common(field, head.minor, common)) return refuse(*why);
    if (field.known == FieldName::ContentType) {
      facts.is_event_stream =
          same_text(field.value.substr(0, field.value.find_first_of("; \t")), "text/event-stream");
    }
  }
  if (common.chunked && common.length) {
    return refuse("both Transfer-Encoding and Content-Length are there");
  }
  if (head.status == 101 && !request.asks_upgrade) {
    return refuse("it switches protocols (101) though nobody asked");
  }
  facts.keeps_alive = keeps_alive(common, head.minor) && head.status != 101;
  // RFC 9112 §6.3, in its order.
  const bool bodiless =
      request.is_head || head.status < 200 || head.status == 204 || head.status == 304;
  if (bodiless) {
    facts.framing = Framing::None;
  } else if (common.chunked) {
    facts.framing = Framing::Chunked;
  } else if (common.length) {
    facts.framing = *common.length > 0 ? Framing::Length : Framing::None;
    facts.length = *common.length;
  } else {
    facts.framing = Framing::UntilClose;
    facts.keeps_alive = false;
  }
  return facts;
}

}  // namespace hpp::proxyd
