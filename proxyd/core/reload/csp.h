// Pure. Decides whether a page's Content-Security-Policy (https://www.w3.org/TR/CSP3/) allows a
// script from the page's own origin, and allows it to connect to that origin.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace hpp::proxyd {

// The origin of a page as its browser sees it: the meaning of 'self' in the page's policies.
struct Page {
  bool is_secure = false;  // https
  std::string host;        // host and port, as in Host

  bool operator==(const Page&) const = default;
};

struct CspDecision {
  std::string nonce;      // the nonce that the script's tag needs; empty: none
  std::string objection;  // for people: which directive forbids what, and what would allow it;
                          // empty: the policies allow script and connection

  bool operator==(const CspDecision&) const = default;
};

// `fields`: the values of all Content-Security-Policy fields; all policies in them must allow the
// script and the connection. `script`, `connection`: the paths of their URLs.
CspDecision judge_csp(const std::vector<std::string_view>& fields, const Page& page,
                      std::string_view script, std::string_view connection);

}  // namespace hpp::proxyd
