// Pure. Decides whether a page's Content-Security-Policy (https://www.w3.org/TR/CSP3/) lets a
// script of the page's own origin in, and lets it connect to that origin.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace hpp::proxyd {

// A page by where its browser asked for it: what 'self' means in its policies.
struct Page {
  bool is_secure = false;  // https
  std::string host;        // with its port, as Host has it

  bool operator==(const Page&) const = default;
};

struct CspDecision {
  std::string nonce;      // what the script's tag must carry; empty: nothing
  std::string objection;  // which directive forbids what, and what would allow it, for a person;
                          // empty: all is allowed

  bool operator==(const CspDecision&) const = default;
};

// `fields`: the values of all Content-Security-Policy fields. What one policy forbids is forbidden.
// `script` and `connection`: the paths of the two.
CspDecision judge_csp(const std::vector<std::string_view>& fields, const Page& page,
                      std::string_view script, std::string_view connection);

}  // namespace hpp::proxyd
