#include "proxyd/core/passage.h"

#include <utility>

#include "proxyd/core/http/validators.h"
#include "proxyd/core/reload/variants.h"

namespace hpp::proxyd {

Passage pass_on(const ResponseHead& head, const PassResponseHead& how, const RequestFacts& request,
                const Asked& asked) {
  Injection injection;
  if (asked.page) injection = judge_injection(*asked.page, head, how.facts);
  const bool loses_date = asked.provenance && has_weak_date(head, asked.forwarded_at_ms);
  const auto write_as_it_is = [&](const ResponseHead& passed) {
    return write_response_head(passed, how.facts, request, how.delivery, asked.provenance);
  };
  const auto write = [&](const ResponseHead& passed) {
    return loses_date ? write_as_it_is(without_date(passed)) : write_as_it_is(passed);
  };
  Passage passage{.tag = std::move(injection.tag), .obstacle = std::move(injection.obstacle)};
  if (!passage.tag.empty()) {
    const TaggedHead tagged(head, how.facts, passage.tag.size());
    passage.head = write(tagged.get());
  } else if (asked.page && how.facts.status == 304) {
    passage.head = write(TaggedHead(head).get());
  } else if (!asked.page && asked.has_variants) {
    passage.head = write(plain_variant(head, how.facts));
  } else {
    passage.head = write(head);
  }
  return passage;
}

}  // namespace hpp::proxyd
