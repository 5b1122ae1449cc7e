// Pure. How the head of an answer is passed on to the client: what it loses, what hpp adds, and
// whether its page gets our script.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "proxyd/core/exchange.h"
#include "proxyd/core/http/response_parser.h"
#include "proxyd/core/http/rewrite.h"
#include "proxyd/core/reload/inject.h"

namespace hpp::proxyd {

struct Passage {
  std::string head;                  // as the client gets it
  std::string tag;                   // to be added to the page; empty: it passes as it came
  std::optional<Obstacle> obstacle;  // why the page goes without
};

// The request that the answer belongs to, besides its facts.
struct Asked {
  const std::optional<Page>& page;   // that the user navigates to, if it is to get our script
  std::int64_t forwarded_at_ms = 0;  // since the Unix epoch
  // Nothing: no supervisor runs the backend. Then hpp does not know whether files change, and the
  // answer keeps its date.
  std::optional<Provenance> provenance;
};

Passage pass_on(const ResponseHead& head, const PassResponseHead& how, const RequestFacts& request,
                const Asked& asked);

}  // namespace hpp::proxyd
