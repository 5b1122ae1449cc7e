#include "proxyd/core/http/navigation.h"

#include <algorithm>
#include <string_view>

#include "proxyd/core/http/text.h"

namespace hpp::proxyd {
namespace {

// Whether the client prefers HTML. Scripts that accept HTML among other types send `q=0.…`, or only
// `*/*`.
bool wants_html(std::string_view accept) {
  bool wants = false;
  for_each_element(accept, [&](std::string_view range) {
    bool is_first_class = true;
    const auto type = read_parameters(range, [&](std::string_view name, std::string_view value) {
      if (same_text(name, "q")) is_first_class = value.starts_with('1');
    });
    if (same_text(type, "text/html") && is_first_class) wants = true;
  });
  return wants;
}

// Whether the request has a field that jQuery and other libraries, htmx, Turbo or Unpoly add. They
// insert the answer into an existing page.
bool is_from_script(const RequestHead& head) {
  return std::any_of(head.fields.begin(), head.fields.end(), [](const Field& field) {
    return is_any_of(field.name, {"X-Requested-With", "HX-Request", "X-Turbo-Request-Id",
                                  "Turbo-Frame", "X-Up-Version"});
  });
}

}  // namespace

bool is_navigation(const RequestHead& head) {
  if (head.method != "GET" || find_field(head.fields, "Range")) return false;
  const auto destination = find_field(head.fields, "Sec-Fetch-Dest");
  const auto mode = find_field(head.fields, "Sec-Fetch-Mode");
  const bool prefers_html = wants_html(find_field(head.fields, "Accept").value_or(""));
  if (!destination && !mode) return prefers_html && !is_from_script(head);
  const std::string_view what = destination.value_or("document");
  return mode.value_or("navigate") == "navigate" &&
         (what == "document" || (what == "empty" && mode && prefers_html));
}

}  // namespace hpp::proxyd
