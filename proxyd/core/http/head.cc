#include "proxyd/core/http/head.h"

#include <algorithm>
#include <optional>
#include <string>

#include "common/read_number.h"
#include "proxyd/core/http/navigation.h"
#include "proxyd/core/http/text.h"

namespace hpp::proxyd {
namespace {

using Why = std::optional<std::string>;

Refused refuse(std::string why) {
  return {.status = 400, .why = std::move(why)};
}

// The facts about connection and body that requests and answers share.
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

std::string not_a_length(std::string_view value) {
  return "Content-Length is not a valid number: " + quoted(value);
}

std::string unknown_coding(std::string_view value) {
  return "Transfer-Encoding is " + quoted(value) + ", only chunked is understood";
}

// RFC 9110 §8.6: Content-Length is one number. A recipient may accept a list of equal numbers; hpp
// refuses it in requests.
Why read_length(std::string_view value, Common& common) {
  if (common.length) return "Content-Length appears twice";
  common.length = read_number<std::uint64_t>(value);
  return common.length ? Why{} : not_a_length(value);
}

// Reads Content-Length in an answer, where several equal numbers count as one (RFC 9112 §6.3,
// rule 5).
Why read_lengths(std::string_view value, Common& common, Defects& defects) {
  for (std::string_view rest = value;;) {
    const std::size_t comma = std::min(rest.find(','), rest.size());
    const auto length = read_number<std::uint64_t>(trimmed(rest.substr(0, comma)));
    if (!length) return not_a_length(value);
    if (common.length && *common.length != *length) {
      return "Content-Length is " + std::to_string(*common.length) + " and also " +
             std::to_string(*length);
    }
    if (common.length) defects.add(Defect::RepeatedLength);
    common.length = length;
    if (comma == rest.size()) return std::nullopt;
    rest.remove_prefix(comma + 1);
  }
}

// RFC 9112 §6.1. Refuses every coding but `chunked`: others are not in use, and a coding that hpp
// and the backend understand differently would allow request smuggling.
Why read_transfer_encoding(std::string_view value, int minor, Common& common) {
  if (minor == 0) return "Transfer-Encoding does not exist in HTTP/1.0";
  if (common.chunked) return "Transfer-Encoding appears twice";
  if (!same_text(value, "chunked")) return unknown_coding(value);
  common.chunked = true;
  return std::nullopt;
}

// Reads Transfer-Encoding in an answer, where empty elements and HTTP/1.0 are harmless.
Why read_codings(std::string_view value, int minor, Common& common, Defects& defects) {
  int codings = common.chunked ? 1 : 0;
  bool are_known = true;
  for_each_element(value, [&](std::string_view coding) {
    ++codings;
    are_known = are_known && same_text(coding, "chunked");
  });
  if (!are_known) return unknown_coding(value);
  if (codings > 1) return "Transfer-Encoding says chunked twice";
  if (!same_text(value, "chunked")) defects.add(Defect::OddTransferEncoding);
  common.chunked = codings == 1;
  if (common.chunked && minor == 0) defects.add(Defect::ChunkedInHttp10);
  return std::nullopt;
}

void read_connection_fields(const Field& field, Common& common) {
  if (field.known == FieldName::Connection) read_connection(field.value, common);
  if (field.known != FieldName::Upgrade) return;
  for_each_element(field.value, [&](std::string_view protocol) {
    if (passes_upgrade_to(protocol)) common.has_upgrade = true;
  });
}

Why read_common(const Field& field, int minor, Common& common) {
  if (field.known == FieldName::ContentLength) return read_length(field.value, common);
  if (field.known == FieldName::TransferEncoding) {
    return read_transfer_encoding(field.value, minor, common);
  }
  read_connection_fields(field, common);
  return std::nullopt;
}

Why read_common(const Field& field, int minor, Common& common, Defects& defects) {
  if (field.known == FieldName::ContentLength) return read_lengths(field.value, common, defects);
  if (field.known == FieldName::TransferEncoding) {
    return read_codings(field.value, minor, common, defects);
  }
  read_connection_fields(field, common);
  return std::nullopt;
}

bool keeps_alive(const Common& common, int minor) {
  return !common.says_close && (minor >= 1 || common.says_keep_alive);
}

bool is_alphanumeric(char c) {
  return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

bool is_hexadecimal(char c) {
  return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'F') || (c >= 'a' && c <= 'f');
}

bool consists_of(std::string_view text, std::string_view others) {
  return std::all_of(text.begin(), text.end(), [&](char c) {
    return is_alphanumeric(c) || others.find(c) != std::string_view::npos;
  });
}

// RFC 3986 §3.2.2, but without the comma: a program that joins two Host fields would turn them into
// one list, and that must not pass as one name.
bool is_name(std::string_view text) {
  if (!consists_of(text, "-._~%!$&'()*+;=")) return false;
  for (auto at = text.find('%'); at != std::string_view::npos; at = text.find('%', at + 1)) {
    if (text.size() < at + 3 || !is_hexadecimal(text[at + 1]) || !is_hexadecimal(text[at + 2])) {
      return false;
    }
  }
  return true;
}

// RFC 9110 §7.2: uri-host [":" port]. The backend could read another host from any other text.
bool is_host(std::string_view text) {
  std::size_t end = text.find(':');
  if (text.starts_with('[')) {
    end = text.find(']');
    if (end == std::string_view::npos || !consists_of(text.substr(1, end - 1), ":.%-_~")) {
      return false;
    }
    ++end;
  } else if (!is_name(text.substr(0, end))) {
    return false;
  }
  if (end >= text.size()) return true;
  const std::string_view port = text.substr(end + 1);
  return text[end] == ':' &&
         std::all_of(port.begin(), port.end(), [](char c) { return c >= '0' && c <= '9'; });
}

// The host in a request target in absolute form.
struct Authority {
  std::string_view text;
  std::string_view default_port;  // the scheme's port with a colon: `:80`
};

std::optional<Authority> read_authority(std::string_view target) {
  struct Scheme {
    std::string_view text;
    std::string_view default_port;
  };

  for (const auto& [scheme, port] :
       {Scheme{"http://", ":80"}, {"https://", ":443"}, {"ws://", ":80"}, {"wss://", ":443"}}) {
    if (!same_text(target.substr(0, scheme.size()), scheme)) continue;
    const std::string_view rest = target.substr(scheme.size());
    return Authority{.text = rest.substr(0, rest.find_first_of("/?#")), .default_port = port};
  }
  return std::nullopt;
}

// RFC 9112 §3.2: the four forms of a request target.
Why check_target(const RequestHead& head) {
  const std::string_view target = head.target;
  if (target.starts_with('/')) return std::nullopt;
  if (target == "*") {
    return head.method == "OPTIONS" ? Why{} : Why{"only OPTIONS may have the target *"};
  }
  const auto authority = read_authority(target);
  if (!authority) return "the request target is neither a path nor a URL";
  // RFC 9110 §4.2.1: an http URL must not have an empty host.
  const bool has_host = !authority->text.empty() && !authority->text.starts_with(':');
  if (!has_host || !is_host(authority->text)) {
    return "the request target is for '" + std::string(authority->text) + "', which is not a host";
  }
  return std::nullopt;
}

Why check_host(std::string_view host) {
  if (!is_host(host)) return "Host is '" + std::string(host) + "', which is not a host";
  return std::nullopt;
}

std::string_view without_port(std::string_view host, std::string_view port) {
  if (host.ends_with(port)) host.remove_suffix(port.size());
  if (host.ends_with(':')) host.remove_suffix(1);
  return host;
}

// RFC 9112 §3.2 requires the same host in the target and in Host. Some servers use the one, some
// the other.
Why check_same_host(std::string_view target, std::string_view host) {
  const auto authority = read_authority(target);
  if (!authority || same_text(without_port(authority->text, authority->default_port),
                              without_port(host, authority->default_port))) {
    return std::nullopt;
  }
  return "the request target is for '" + std::string(authority->text) + "', Host is '" +
         std::string(host) + "'";
}

Wanted read_accept(const RequestHead& head) {
  AcceptReader reader;
  for (const Field& field : head.fields) {
    if (field.known == FieldName::Accept) reader.read(field.value);
  }
  return reader.wanted();
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

std::string_view authority_of(std::string_view target) {
  if (target.starts_with('/')) return {};
  const auto authority = read_authority(target);
  return authority ? authority->text : std::string_view();
}

std::string_view without_authority(std::string_view target) {
  const std::string_view authority = authority_of(target);
  if (authority.empty()) return target;
  return target.substr(static_cast<std::size_t>(authority.data() - target.data()) +
                       authority.size());
}

std::optional<std::uint64_t> max_forwards(const RequestHead& head) {
  if (!is_one_of(head.method, {"TRACE", "OPTIONS"})) return std::nullopt;
  for (const Field& field : head.fields) {
    if (field.known == FieldName::MaxForwards) return read_number<std::uint64_t>(field.value);
  }
  return std::nullopt;
}

bool passes_upgrade_to(std::string_view protocol) {
  return !same_text(protocol, "h2c");
}

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
    if (field.known == FieldName::TE) read_te(field.value, facts);
    if (field.known != FieldName::Host) continue;
    if (++hosts > 1) return refuse("Host appears twice");
    if (auto why = check_host(field.value)) return refuse(*why);
    if (auto why = check_same_host(head.target, field.value)) return refuse(*why);
  }
  if (hosts == 0 && head.minor >= 1) return refuse("Host is missing");
  if (common.chunked && common.length) {
    return refuse("Transfer-Encoding and Content-Length are both present");
  }
  facts.wanted = read_accept(head);
  facts.is_navigation = facts.wanted == Wanted::Html && is_navigation(head);
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

RequestFacts facts_of_refused(const RequestHead& head) {
  return {.minor = head.minor, .is_head = head.method == "HEAD", .wanted = read_accept(head)};
}

// RFC 9112 §2.2: empty lines may precede the request line.
RequestFacts facts_of_refused(std::string_view beginning) {
  beginning.remove_prefix(std::min(beginning.find_first_not_of("\r\n"), beginning.size()));
  return {.is_head = beginning.starts_with("HEAD ")};
}

std::variant<ResponseFacts, Refused> judge_response(const ResponseHead& head,
                                                    const RequestFacts& request) {
  ResponseFacts facts{.status = head.status, .defects = head.defects};
  Common common;
  for (const Field& field : head.fields) {
    if (auto why = read_common(field, head.minor, common, facts.defects)) return refuse(*why);
    if (field.known == FieldName::ContentType) {
      facts.is_event_stream =
          same_text(field.value.substr(0, field.value.find_first_of("; \t")), "text/event-stream");
    }
  }
  facts.is_chunked = common.chunked;
  if (common.chunked && common.length) facts.defects.add(Defect::LengthWithChunked);
  if (head.status == 101 && !request.asks_upgrade) {
    return refuse("it switches protocols (101) without being asked to");
  }
  // RFC 9112 §6.1: an HTTP/1.0 message with Transfer-Encoding must be treated as if its framing
  // were faulty, and its connection must not be used again.
  const bool is_framing_sound = head.minor >= 1 || !common.chunked;
  facts.keeps_alive = keeps_alive(common, head.minor) && head.status != 101 && is_framing_sound;
  // The rules of RFC 9112 §6.3, in the same order.
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
