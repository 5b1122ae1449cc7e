// Pure. Prepares the head of an answer for the client: removes and adds fields, and decides whether
// the page gets hpp's script.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "proxyd/core/events.h"
#include "proxyd/core/http/response_parser.h"
#include "proxyd/core/http/rewrite.h"
#include "proxyd/core/reload/inject.h"

namespace hpp::proxyd {

struct Passage {
  std::string head;                  // the head for the client
  std::string tag;                   // the tag to add to the page; empty: the body passes unchanged
  std::optional<Obstacle> obstacle;  // why the page does not get the script
};

// The properties of the answer's request that RequestFacts does not have.
struct Asked {
  const std::optional<Page>& page;  // the page that the user navigates to, if it may get the script
  bool has_variants = false;        // as in Intake
  std::int64_t forwarded_at_ms = 0;  // since the Unix epoch
  // Nothing: no supervisor runs the backend. Then hpp does not know whether files change, and the
  // answer keeps its date.
  std::optional<Provenance> provenance;
};

Passage pass_on(const ResponseHead& head, const PassResponseHead& how, const RequestFacts& request,
                const Asked& asked);

}  // namespace hpp::proxyd
