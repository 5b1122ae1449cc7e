#include "proxyd/core/http/rewrite.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <utility>
#include <vector>

#include "proxyd/core/http/forwarded.h"
#include "proxyd/core/http/text.h"

namespace hpp::proxyd {
namespace {

void append_field(std::string& out, std::string_view name, std::string_view value) {
  out += name;
  out += ": ";
  out += value;
  out += "\r\n";
}

// The fields that Connection names, which a proxy removes (RFC 9110 §7.6.1). Fields that say for
// which host a message is and where it ends are never removed, even if Connection names them.
class ConnectionNamed {
 public:
  explicit ConnectionNamed(const std::vector<Field>& fields) {
    for (const Field& field : fields) {
      if (field.known != FieldName::Connection) continue;
      for_each_element(field.value, [this](std::string_view name) { names_.push_back(name); });
    }
  }

  // Returns the fields that Connection does not name. `storage` holds them, unless Connection names
  // no fields: then the result is `fields` itself.
  const std::vector<Field>& without(const std::vector<Field>& fields,
                                    std::vector<Field>& storage) const {
    if (names_.empty()) return fields;
    std::remove_copy_if(fields.begin(), fields.end(), std::back_inserter(storage),
                        [this](const Field& field) { return has(field); });
    return storage;
  }

  bool has(const Field& field) const {
    if (names_.empty() || field.known == FieldName::Host ||
        field.known == FieldName::ContentLength || field.known == FieldName::TransferEncoding) {
      return false;
    }
    return std::any_of(names_.begin(), names_.end(),
                       [&](std::string_view name) { return same_text(name, field.name); });
  }

 private:
  std::vector<std::string_view> names_;
};

bool concerns_one_connection(FieldName name) {
  return name == FieldName::Connection || name == FieldName::KeepAlive ||
         name == FieldName::ProxyConnection || name == FieldName::TE || name == FieldName::Upgrade;
}

// Returns the last field with that name, or nullptr.
const Field* last_of(const std::vector<Field>& fields, FieldName name) {
  const Field* last = nullptr;
  for (const Field& field : fields) {
    if (field.known == name) last = &field;
  }
  return last;
}

// RFC 9112 §3.2.1 and §3.2.4: a server gets the path of a URL, or `*` if the request is an OPTIONS
// for the whole server.
void append_target(std::string& out, const RequestHead& head) {
  const std::string_view target = without_authority(head.target);
  if (target.empty()) {
    out += head.method == "OPTIONS" ? '*' : '/';
  } else if (target.starts_with('?') || target.starts_with('#')) {
    out += '/';
  }
  out += target;
}

// Writes a list field with the proxy's element appended. `field`: the client's last field with that
// name; nullptr: there is none, and the element becomes a field of its own.
void append_list_field(std::string& out, const Field* field, std::string_view name,
                       std::string_view element) {
  if (field == nullptr) return append_field(out, name, element);
  out += field->name;
  out += ": ";
  out += field->value;
  if (!field->value.empty()) out += ", ";
  out += element;
  out += "\r\n";
}

// Writes the protocols in the client's Upgrade field that are passed on, if there are any.
void append_upgrade(std::string& out, const Field& field) {
  std::string protocols;
  for_each_element(field.value, [&](std::string_view protocol) {
    if (!passes_upgrade_to(protocol)) return;
    if (!protocols.empty()) protocols += ", ";
    protocols += protocol;
  });
  if (!protocols.empty()) append_field(out, field.name, protocols);
}

// The client's forwarding fields. The proxy appends to the first two; nullptr: the request has
// none.
struct Forwarding {
  const Field* forwarded = nullptr;
  const Field* for_field = nullptr;
  bool has_host = false;
  bool has_proto = false;
};

// If only one kind of field is there, the other kind is made from it.
void append_forwarding(std::string& out, const Forwarding& said, const OuterRequest& outer,
                       std::string_view peer_ip, std::string_view host) {
  const std::string_view proto = outer.proto.empty() ? "http" : std::string_view(outer.proto);
  if (!outer.host.empty()) host = outer.host;
  std::string forwarded;
  std::string addresses;
  for (const std::string& address : outer.chain) {
    const bool is_browser = forwarded.empty();
    if (said.forwarded == nullptr) {
      forwarded +=
          forwarded_element(address, is_browser ? host : "", is_browser ? proto : "") + ", ";
    }
    if (said.for_field == nullptr) addresses += address + ", ";
  }
  append_list_field(out, said.forwarded, "Forwarded",
                    forwarded + forwarded_element(peer_ip, host, proto));
  append_list_field(out, said.for_field, "X-Forwarded-For", addresses.append(peer_ip));
  if (!said.has_host && !host.empty()) append_field(out, "X-Forwarded-Host", host);
  if (!said.has_proto) append_field(out, "X-Forwarded-Proto", proto);
}

// Written as fields of their own, so that the backend's Server-Timing stays unchanged.
void append_provenance(std::string& out, const Provenance& provenance) {
  const double held_ms = std::chrono::duration<double, std::milli>(provenance.held).count();
  out += fmt::format(
      "X-Hpp-Generation: {0}\r\n"
      "Server-Timing: hpp;desc=\"generation {0}\", hold;dur={1:.1f}",
      provenance.generation, held_ms);
  if (const auto& refresh = provenance.refresh) {
    out += fmt::format(", refresh;desc=\"{}/{}\"", refresh->epoch, refresh->count);
  }
  if (provenance.lag_ms > 0) out += fmt::format(", lag;dur={}", provenance.lag_ms);
  out += "\r\n";
  if (!provenance.paused.empty()) append_field(out, "X-Hpp-Paused", provenance.paused);
}

}  // namespace

std::string write_request_head(const RequestHead& head, const RequestFacts& facts,
                               std::string_view peer_ip, std::string_view backend) {
  std::string out;
  out.reserve(1024);
  out += head.method;
  out += ' ';
  append_target(out, head);
  out += " HTTP/1.1\r\n";
  const ConnectionNamed named(head.fields);
  std::vector<Field> storage;
  const std::vector<Field>& fields = named.without(head.fields, storage);
  const Field* const host_field = last_of(fields, FieldName::Host);
  // An HTTP/1.0 request may name the host only in its target, or not at all.
  const std::string_view host =
      host_field != nullptr ? host_field->value : authority_of(head.target);
  if (host_field == nullptr) append_field(out, "Host", host.empty() ? backend : host);
  const OuterRequest outer = read_outer_request(fields);
  const Forwarding said{
      .forwarded = outer.has_forwarded ? last_of(fields, FieldName::Forwarded) : nullptr,
      .for_field = last_of(fields, FieldName::XForwardedFor),
      .has_host = last_of(fields, FieldName::XForwardedHost) != nullptr,
      .has_proto = last_of(fields, FieldName::XForwardedProto) != nullptr};
  const auto forwards_left = max_forwards(head);
  for (const Field& field : fields) {
    if (concerns_one_connection(field.known)) continue;
    if (&field == said.forwarded || &field == said.for_field) continue;  // written below
    if (field.known == FieldName::Forwarded && !outer.has_forwarded) continue;
    if (field.known == FieldName::MaxForwards && forwards_left) {
      const std::uint64_t left = *forwards_left - std::min<std::uint64_t>(*forwards_left, 1);
      append_field(out, field.name, std::to_string(left));
      continue;
    }
    append_field(out, field.name, field.value);
  }
  if (facts.asks_upgrade) {
    for (const Field& field : head.fields) {
      if (field.known == FieldName::Upgrade) append_upgrade(out, field);
    }
  }
  if (facts.asks_upgrade || facts.accepts_trailers) {
    if (facts.accepts_trailers) append_field(out, "TE", "trailers");
    append_field(out, "Connection",
                 !facts.accepts_trailers ? "Upgrade"
                 : facts.asks_upgrade    ? "Upgrade, TE"
                                         : "TE");
  }
  append_forwarding(out, said, outer, peer_ip, host);
  out += "\r\n";
  return out;
}

std::string write_response_head(const ResponseHead& head, const ResponseFacts& facts,
                                const RequestFacts& request, const Delivery& delivery,
                                const std::optional<Provenance>& provenance) {
  using enum Delivery::Coding;
  std::string out;
  out.reserve(512);
  out += "HTTP/1.1 ";
  out += std::to_string(head.status);
  out += ' ';
  out += head.reason;
  out += "\r\n";
  const ConnectionNamed named(head.fields);
  // A 426 must name the required protocol in Upgrade (RFC 9110 §15.5.22).
  const bool keeps_upgrade = facts.status == 101 || facts.status == 426;
  // An answer with such a status must not announce a body (RFC 9110 §8.6, RFC 9112 §6.1), because
  // the client might wait for it.
  const bool has_no_body = facts.status < 200 || facts.status == 204;
  bool has_length = facts.is_chunked;  // chunked overrides Content-Length, RFC 9112 §6.3
  for (const Field& field : head.fields) {
    if (field.known == FieldName::Upgrade && keeps_upgrade) {
      append_field(out, field.name, field.value);
      continue;
    }
    if (concerns_one_connection(field.known) || named.has(field)) continue;
    if (field.known == FieldName::TransferEncoding) {
      const bool is_gone = delivery.coding == Dechunk || request.minor == 0 || has_no_body;
      // judge_response() has accepted one coding at most.
      for_each_element(field.value, [&](std::string_view coding) {
        if (!is_gone) append_field(out, field.name, coding);
      });
      continue;
    }
    if (field.known == FieldName::ContentLength) {
      const std::string_view length = trimmed(field.value.substr(0, field.value.find(',')));
      if (!std::exchange(has_length, true) && !has_no_body) append_field(out, field.name, length);
      continue;
    }
    append_field(out, field.name, field.value);
  }
  if (delivery.coding == Chunk) append_field(out, "Transfer-Encoding", "chunked");
  if (keeps_upgrade) {
    append_field(out, "Connection", delivery.closes ? "Upgrade, close" : "Upgrade");
  } else if (delivery.closes) {
    append_field(out, "Connection", "close");
  } else if (request.minor == 0 && !facts.is_interim()) {
    append_field(out, "Connection", "keep-alive");
  }
  if (provenance && !facts.is_interim()) append_provenance(out, *provenance);
  out += "\r\n";
  return out;
}

}  // namespace hpp::proxyd
