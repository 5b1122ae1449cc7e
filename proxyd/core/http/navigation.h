// Pure. Recognises a navigation: a browser opens a document, and its user sees the answer as a
// page.
//
// Only a navigation gets hpp's script (reload/inject.h) and, if it waits for long, the starting
// page (request.h). The rule:
//
//   It is a GET without Range. Browsers name the destination in Sec-Fetch-Dest and the mode in
//   Sec-Fetch-Mode: a `document`, and `navigate`. If a service worker passes a navigation on, the
//   destination is `empty`, but the mode is still `navigate`, which a page's script cannot set, and
//   Accept prefers HTML. A browser that saves a link to a file (`<a download>`) sends the same, but
//   no Accept. If there is neither field (plain http to another machine, old browsers, curl),
//   Accept must prefer HTML, and there must be no field that scripts add to their requests.
//
// A frame is no navigation, because it is a part of a page that the user already sees, and that
// page's scripts may read what it loads.
#pragma once

#include "proxyd/core/http/parser.h"

namespace hpp::proxyd {

bool is_navigation(const RequestHead& head);

}  // namespace hpp::proxyd
