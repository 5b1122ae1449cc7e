// Pure. Decides which pages our LiveReload script is added to (`--inject`), and what that changes
// in the heads of request and answer. Where in the page it goes: tag_inserter.h.
//
//   a request gets it in its answer   GET, no Range, and a browser says that its user navigates
//                                     to a document: Sec-Fetch-Dest and -Mode; where it sends
//                                     neither (plain http to another machine), Accept, and no
//                                     field of those that scripts send along
//   an answer to it                   shown as a page (2xx, 4xx, 5xx; not 206), text/html, has a
//                                     body, is not encoded, no download, may be transformed
//                                     (Cache-Control), and its Content-Security-Policy allows it
//
// All others, what scripts fetch above all, pass untouched.
#pragma once

#include <cstddef>
#include <optional>
#include <string>

#include "proxyd/core/csp.h"
#include "proxyd/core/http_head.h"
#include "proxyd/core/http_parser.h"

namespace hpp::proxyd {

// The page that a user navigates to with this request; nothing: it is another kind of request.
std::optional<Page> navigated_page(const RequestHead& head);

// The same request for bytes without a content coding: nothing can be added to others.
RequestHead asking_for_plain(RequestHead head);

struct Injection {
  std::string tag;        // to be added; empty: the answer passes as it came
  std::string objection;  // of its Content-Security-Policy, if it is for that alone; for a person

  bool operator==(const Injection&) const = default;
};

// For the answer to the request for `page`.
Injection judge_injection(const Page& page, const ResponseHead& head, const ResponseFacts& facts);

// The head of an answer whose body becomes `tag_size` bytes longer: what no longer holds is changed
// or left out. Points into the text of `head` and into itself.
class TaggedHead {
 public:
  TaggedHead(const ResponseHead& head, const ResponseFacts& facts, std::size_t tag_size);
  TaggedHead(const TaggedHead&) = delete;
  TaggedHead& operator=(const TaggedHead&) = delete;

  const ResponseHead& get() const { return head_; }

 private:
  ResponseHead head_;
  std::string length_;
  std::string etag_;
};

}  // namespace hpp::proxyd
