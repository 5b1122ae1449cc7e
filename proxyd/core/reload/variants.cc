#include "proxyd/core/reload/variants.h"

#include <algorithm>
#include <iterator>
#include <optional>
#include <string_view>
#include <utility>

#include "proxyd/core/http/text.h"
#include "proxyd/core/reload/inject.h"

namespace hpp::proxyd {
namespace {

constexpr std::string_view kNoneMatch = "If-None-Match";
constexpr std::string_view kMarkedEnd = "-hpp\"";

// Returns an empty text if `value` is no entity tag.
std::string marked(std::string_view value) {
  if (value.starts_with("W/")) value.remove_prefix(2);
  if (value.size() < 2 || !value.starts_with('"') || !value.ends_with('"')) return "";
  value.remove_suffix(1);
  return std::string("W/").append(value).append(kMarkedEnd);
}

// Returns nothing if the tag has no mark.
std::optional<std::string> without_mark(std::string_view tag) {
  if (!tag.starts_with("W/\"") || !tag.ends_with(kMarkedEnd)) return std::nullopt;
  tag.remove_suffix(kMarkedEnd.size());
  return std::string(tag) + '"';
}

// Calls `visit` with each entity tag of a list. A tag may contain commas.
template <class Visit>
void for_each_tag(std::string_view list, Visit visit) {
  for (;;) {
    list.remove_prefix(std::min(list.find_first_not_of(" \t,"), list.size()));
    if (list.empty()) return;
    const std::size_t opaque = list.starts_with("W/") ? 2 : 0;
    const bool is_quoted = list.substr(opaque).starts_with('"');
    const std::size_t end = is_quoted ? list.find('"', opaque + 1) : list.find(',');
    const std::size_t size = end == std::string_view::npos ? list.size() : end + is_quoted;
    visit(trimmed(list.substr(0, size)));
    list.remove_prefix(size);
  }
}

void add_to_list(std::string& list, std::string_view element) {
  if (!list.empty()) list += ", ";
  list += element;
}

bool is_condition(const Field& field) {
  return same_text(field.name, kNoneMatch) || same_text(field.name, "If-Modified-Since");
}

// A browser replaces the Vary of its copy with that of a 304.
bool replaces_vary(const ResponseHead& head) {
  return head.status == 304 && find_field(head.fields, "Vary");
}

// Adds the fields that navigated_page() reads.
void add_vary(ResponseHead& head) {
  std::string_view missing[] = {"Sec-Fetch-Dest", "Sec-Fetch-Mode", "Accept"};
  for (const Field& field : head.fields) {
    if (!same_text(field.name, "Vary")) continue;
    for (std::string_view& name : missing) {
      if (has_element(field.value, "*") || has_element(field.value, name)) name = {};
    }
  }
  for (const std::string_view name : missing) {
    if (!name.empty()) head.fields.push_back({.name = "Vary", .value = name});
  }
}

}  // namespace

ConditionalHead::ConditionalHead(const RequestHead& head, Variant variant) : head_(head) {
  std::string marked_tags;  // without their marks
  std::string other_tags;
  bool has_date = false;
  for (const Field& field : head.fields) {
    has_date |= same_text(field.name, "If-Modified-Since");
    if (!same_text(field.name, kNoneMatch)) continue;
    for_each_tag(field.value, [&](std::string_view tag) {
      const auto original = without_mark(tag);
      add_to_list(original ? marked_tags : other_tags, original ? *original : tag);
    });
  }
  const bool is_tagged = variant == Variant::Tagged;
  const bool fits = is_tagged ? other_tags.empty() && !has_date : true;
  if (marked_tags.empty() && fits) return;
  none_match_ = std::move(is_tagged ? marked_tags : other_tags);
  const bool keeps_date = is_tagged && !none_match_.empty();
  std::erase_if(head_.fields, [&](const Field& field) {
    return is_condition(field) && !(keeps_date && !same_text(field.name, kNoneMatch));
  });
  if (!none_match_.empty()) head_.fields.push_back({.name = kNoneMatch, .value = none_match_});
}

TaggedHead::TaggedHead(const ResponseHead& head, const ResponseFacts& facts, std::size_t tag_size)
    : head_(head), length_(std::to_string(facts.length + tag_size)) {
  // The digests are of the original body, and hpp cannot serve ranges of the changed one.
  std::erase_if(head_.fields, [](const Field& field) {
    const std::string_view gone[] = {"Accept-Ranges", "Content-Digest", "Content-MD5", "Digest",
                                     "Repr-Digest"};
    return std::any_of(std::begin(gone), std::end(gone),
                       [&](std::string_view name) { return same_text(field.name, name); });
  });
  add_vary(head_);
  for (Field& field : head_.fields) {
    if (field.known == FieldName::ContentLength) field.value = length_;
  }
  mark_entity_tag();
}

TaggedHead::TaggedHead(const ResponseHead& head) : head_(head) {
  if (replaces_vary(head_)) add_vary(head_);
  mark_entity_tag();
}

void TaggedHead::mark_entity_tag() {
  constexpr std::string_view kName = "ETag";
  std::erase_if(head_.fields, [&](const Field& field) {
    if (!same_text(field.name, kName)) return false;
    if (!etag_.empty()) return true;
    etag_ = marked(field.value);
    return etag_.empty();
  });
  for (Field& field : head_.fields) {
    if (same_text(field.name, kName)) field.value = etag_;
  }
}

ResponseHead plain_variant(ResponseHead head, const ResponseFacts& facts) {
  if (is_html_page(head, facts) || replaces_vary(head)) add_vary(head);
  return head;
}

}  // namespace hpp::proxyd
