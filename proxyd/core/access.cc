#include "proxyd/core/access.h"

#include <fmt/format.h>

#include "common/private_address.h"
#include "proxyd/core/http/text.h"

namespace hpp::proxyd {
namespace {

bool is_below(std::string_view host, std::string_view domain) {
  return host.size() > domain.size() && same_text(host.substr(host.size() - domain.size()), domain);
}

std::string_view host_of(const RequestHead& head) {
  return find_field(head.fields, "Host").value_or("");
}

// Whether the host can only be this machine. Names below `localhost` always are (RFC 6761 §6.3).
bool is_ours(std::string_view host, const Address& bind) {
  for (const std::string_view own : {"localhost", "127.0.0.1", "[::1]"}) {
    if (same_text(host, own)) return true;
  }
  if (is_below(host, ".localhost")) return true;
  const bool is_v6 = bind.host.find(':') != std::string::npos;
  return same_text(host, is_v6 ? '[' + bind.host + ']' : bind.host);
}

// Whether no other site can have this name.
bool is_of_lan(std::string_view host) {
  return host.starts_with('[') || is_ipv4_address(host) || is_below(host, ".local");
}

bool has_own_port(const HostAndPort& said, const Address& bind) {
  return (said.port.empty() ? "80" : said.port) == std::to_string(bind.port);
}

// `host`: with its port. Without a port, the trusted name has any port.
bool is_trusted(std::string_view host, const AccessRules& rules) {
  if (rules.trusted_host.empty()) return false;
  return same_text(host, rules.trusted_host) ||
         same_text(split_host(host).host, rules.trusted_host);
}

bool is_from_lan(const Peer& peer, const AccessRules& rules) {
  return rules.has_lan && (peer.is_local || is_private_address(peer.ip));
}

// Returns `app.example.dev:8443` for the origin `https://app.example.dev:8443`; empty if there is
// no origin with a host.
std::string_view origin_host(const RequestHead& head) {
  const std::string_view origin = find_field(head.fields, "Origin").value_or("");
  const auto scheme = origin.find("://");
  return scheme == std::string_view::npos ? std::string_view() : origin.substr(scheme + 3);
}

}  // namespace

Access access_of(const RequestHead& head, const Peer& peer, const AccessRules& rules) {
  const std::string_view host = host_of(head);
  const HostAndPort said = split_host(host);
  const bool is_here = has_own_port(said, rules.bind);
  if (peer.is_local && is_here && is_ours(said.host, rules.bind)) return Access::Full;
  if (peer.is_local && is_trusted(host, rules)) return Access::Pages;
  if (!is_from_lan(peer, rules)) return Access::None;
  if (is_trusted(host, rules)) return Access::Pages;
  return is_here && is_of_lan(said.host) ? Access::Output : Access::None;
}

// A request without Host is no browser's.
bool may_see_errors(const RequestHead& head, const Peer& peer, const AccessRules& rules) {
  const std::string_view host = host_of(head);
  const std::string_view name = split_host(host).host;
  if (peer.is_local && (host.empty() || is_ours(name, rules.bind) || is_trusted(host, rules))) {
    return true;
  }
  return is_from_lan(peer, rules) && (host.empty() || is_of_lan(name) || is_trusted(host, rules));
}

// A program in front of hpp may have replaced Host, but not Origin.
bool has_own_origin(const RequestHead& head, const AccessRules& rules) {
  if (find_field(head.fields, "Origin").value_or("").empty()) return true;
  const std::string_view host = origin_host(head);
  return !host.empty() && (same_text(host, host_of(head)) || is_trusted(host, rules));
}

std::optional<Notice> notice_for(const RequestHead& head, const Peer& peer,
                                 const AccessRules& rules) {
  if (!peer.is_local && !rules.has_lan) {
    if (!is_private_address(peer.ip)) return std::nullopt;
    return Notice{.about = peer.ip,
                  .text = fmt::format(
                      "{} has requested a page. Other machines get neither hpp's script nor the "
                      "details of errors. Start hpp with --lan to give them both",
                      peer.ip)};
  }
  const bool is_foreign_page = access_of(head, peer, rules) != Access::None;
  const std::string_view name = is_foreign_page ? origin_host(head) : host_of(head);
  if (name.empty()) return std::nullopt;
  return Notice{.about = std::string(name),
                .text = fmt::format(
                    "a browser reaches hpp as {0}, which hpp does not know. Its pages do not "
                    "reload by themselves, and show no details of errors. If the name is yours, "
                    "start hpp with --trust-host {0}",
                    name)};
}

}  // namespace hpp::proxyd
