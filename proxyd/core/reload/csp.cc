#include "proxyd/core/reload/csp.h"

#include <algorithm>
#include <initializer_list>

#include "common/take_until.h"
#include "proxyd/core/http/text.h"

namespace hpp::proxyd {
namespace {

struct Directive {
  std::string_view name;
  std::string_view sources;
};

using Policy = std::vector<Directive>;

enum class Wish { Script, Connection };

// A URL of the page's own origin that the policy must allow.
struct Target {
  Wish wish;
  const Page& page;
  std::string_view path;
};

template <class Visit>
void for_each_word(std::string_view text, Visit visit) {
  constexpr std::string_view kBetween = " \t";
  for (;;) {
    text.remove_prefix(std::min(text.find_first_not_of(kBetween), text.size()));
    if (text.empty()) return;
    const std::size_t size = std::min(text.find_first_of(kBetween), text.size());
    visit(text.substr(0, size));
    text.remove_prefix(size);
  }
}

template <class Predicate>
bool any_word(std::string_view text, Predicate predicate) {
  bool any = false;
  for_each_word(text, [&](std::string_view word) { any = any || predicate(word); });
  return any;
}

Policy parse_policy(std::string_view text) {
  Policy policy;
  while (!text.empty()) {
    const std::string_view directive = take_until(';', text);
    std::string_view name;
    for_each_word(directive, [&](std::string_view word) {
      if (name.empty()) name = word;
    });
    if (!name.empty()) {
      const auto sources = static_cast<std::size_t>(name.data() + name.size() - directive.data());
      policy.push_back({name, directive.substr(sources)});
    }
  }
  return policy;
}

// Returns the directive that applies: the one with the first of `names` that the policy contains.
// If the policy has two directives with one name, the first one counts.
const Directive* governing(const Policy& policy, std::initializer_list<std::string_view> names) {
  for (const std::string_view name : names) {
    const auto found = std::find_if(policy.begin(), policy.end(),
                                    [&](const Directive& d) { return same_text(d.name, name); });
    if (found != policy.end()) return &*found;
  }
  return nullptr;
}

const Directive* for_scripts(const Policy& policy) {
  return governing(policy, {"script-src-elem", "script-src", "default-src"});
}

const Directive* for_connections(const Policy& policy) {
  return governing(policy, {"connect-src", "default-src"});
}

// `'nonce-abc='` → `abc=`. Returns an empty text for any other source. Only base64 is accepted,
// because the nonce is written into an attribute without escaping.
std::string_view nonce_of(std::string_view source) {
  constexpr std::string_view kBegin = "'nonce-";
  if (!same_text(source.substr(0, kBegin.size()), kBegin) || !source.ends_with('\'')) return {};
  source.remove_prefix(kBegin.size());
  if (source.empty()) return {};
  source.remove_suffix(1);
  const bool is_base64 = std::all_of(source.begin(), source.end(), [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '+' ||
           c == '/' || c == '-' || c == '_' || c == '=';
  });
  return is_base64 ? source : std::string_view();
}

// §6.7.2.9: `http:` allows https as well, and `ws:` allows wss. The specification says that `http:`
// allows WebSockets, too, but Chromium does not implement that.
bool scheme_fits(std::string_view scheme, const Target& target) {
  const bool is_connection = target.wish == Wish::Connection;
  if (same_text(scheme, is_connection ? "ws" : "http")) return true;
  return target.page.is_secure && same_text(scheme, is_connection ? "wss" : "https");
}

bool host_fits(std::string_view source, const Page& page) {
  const auto [pattern, pattern_port] = split_host(source);
  auto [host, port] = split_host(page.host);
  const std::string_view default_port = page.is_secure ? "443" : "80";
  if (port.empty()) port = default_port;
  const bool port_fits =
      pattern_port == "*" || port == (pattern_port.empty() ? default_port : pattern_port);
  if (!port_fits) return false;
  if (!pattern.starts_with('*')) return same_text(pattern, host);
  const std::string_view domain = pattern.substr(1);
  return host.size() > domain.size() && same_text(host.substr(host.size() - domain.size()), domain);
}

// §6.7.2.8. Keywords and hashes other than 'self' allow no URL.
bool source_fits(std::string_view source, const Target& target) {
  if (source == "*" || same_text(source, "'self'")) return true;
  if (source.starts_with('\'')) return false;
  constexpr std::string_view kBehindScheme = "://";
  if (source.ends_with(':')) return scheme_fits(source.substr(0, source.size() - 1), target);
  if (const auto at = source.find(kBehindScheme); at != std::string_view::npos) {
    if (!scheme_fits(source.substr(0, at), target)) return false;
    source.remove_prefix(at + kBehindScheme.size());
  } else if (target.wish == Wish::Connection) {
    return false;  // a source without scheme has the page's, which is not ws or wss
  }
  const std::size_t host_size = std::min(source.find('/'), source.size());
  if (!host_fits(source.substr(0, host_size), target.page)) return false;
  const std::string_view path = source.substr(host_size);
  return path.empty() || path == target.path ||
         (path.ends_with('/') && target.path.starts_with(path));
}

bool allows(const Directive& directive, const Target& target) {
  return any_word(directive.sources,
                  [&](std::string_view source) { return source_fits(source, target); });
}

// §6.7.1.1: with 'strict-dynamic', URLs in the list are ignored, and only nonces count.
bool is_strict(const Directive& directive) {
  return any_word(directive.sources,
                  [](std::string_view source) { return same_text(source, "'strict-dynamic'"); });
}

bool allows_script(const Policy& policy, const Target& script, std::string_view nonce) {
  const Directive* const directive = for_scripts(policy);
  if (directive == nullptr) return true;
  const bool has_nonce =
      !nonce.empty() && any_word(directive->sources, [&](std::string_view source) {
        return nonce_of(source) == nonce;
      });
  return has_nonce || (!is_strict(*directive) && allows(*directive, script));
}

bool allows_connection(const Policy& policy, const Target& connection) {
  const Directive* const directive = for_connections(policy);
  return directive == nullptr || allows(*directive, connection);
}

// Whether the policy has no sandbox, or one that names the keyword `what`.
bool sandbox_allows(const Policy& policy, std::string_view what) {
  const Directive* const sandbox = governing(policy, {"sandbox"});
  return sandbox == nullptr ||
         any_word(sandbox->sources, [&](std::string_view word) { return same_text(word, what); });
}

// Returns the nonces that the tag may have, best first. The last one is empty: no nonce.
std::vector<std::string_view> nonces_of(const std::vector<Policy>& policies) {
  std::vector<std::string_view> nonces;
  for (const Policy& policy : policies) {
    const Directive* const directive = for_scripts(policy);
    if (directive == nullptr) continue;
    for_each_word(directive->sources, [&](std::string_view source) {
      if (const auto nonce = nonce_of(source); !nonce.empty()) nonces.push_back(nonce);
    });
  }
  nonces.emplace_back();
  return nonces;
}

std::string objection_to_script(const Policy& policy) {
  const Directive& directive = *for_scripts(policy);
  const char* const cure =
      is_strict(directive) ? "Give script-src a nonce" : "Allow 'self' in script-src";
  return std::string(directive.name) + " does not allow the script. " + cure;
}

}  // namespace

CspDecision judge_csp(const std::vector<std::string_view>& fields, const Page& page,
                      std::string_view script, std::string_view connection) {
  std::vector<Policy> policies;
  for (const std::string_view field : fields) {
    for_each_element(field, [&](std::string_view text) { policies.push_back(parse_policy(text)); });
  }
  for (const Policy& policy : policies) {
    if (!sandbox_allows(policy, "allow-scripts")) {
      return {.objection = "sandbox does not allow scripts. Add allow-scripts to it"};
    }
    // A sandboxed page has the origin `null`, and hpp does not let it connect.
    if (!sandbox_allows(policy, "allow-same-origin")) {
      return {.objection =
                  "sandbox gives the page an opaque origin, which hpp refuses. Add "
                  "allow-same-origin to it"};
    }
    if (!allows_connection(policy, {Wish::Connection, page, connection})) {
      return {.objection = std::string(for_connections(policy)->name) +
                           " does not allow the script's connection. Allow 'self' in connect-src"};
    }
  }
  const Policy* objector = nullptr;
  for (const std::string_view nonce : nonces_of(policies)) {
    const auto found = std::find_if(policies.begin(), policies.end(), [&](const Policy& policy) {
      return !allows_script(policy, {Wish::Script, page, script}, nonce);
    });
    if (found == policies.end()) return {.nonce = std::string(nonce)};
    if (objector == nullptr) objector = &*found;
  }
  return {.objection = objection_to_script(*objector)};
}

}  // namespace hpp::proxyd
