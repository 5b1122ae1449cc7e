#include "proxyd/core/reload/html_prefix.h"

#include <string_view>

#include "proxyd/core/http/text.h"

namespace hpp::proxyd {
namespace {

// A byte order mark overrides every other declaration of the encoding
// (https://encoding.spec.whatwg.org/#decode).
constexpr std::string_view kUtf8Mark = "\xef\xbb\xbf";
constexpr std::string_view kUtf16Marks[] = {"\xff\xfe", "\xfe\xff"};

bool is_space(char c) {
  return c == ' ' || c == '\t' || c == '\n' || c == '\f' || c == '\r';
}

}  // namespace

HtmlPrefix::Step HtmlPrefix::next(char c) {
  switch (state_) {
    case State::Start:
      return start(c);
    case State::Between:
      return between(c);
    case State::Open:
      return open(c);
    case State::Declaration:
      if (c == '>') state_ = State::Between;
      return Step::Part;
    case State::CommentBegin:
    case State::CommentBeginDash:
    case State::Comment:
    case State::CommentDash:
    case State::CommentEnd:
    case State::CommentBang:
      return in_comment(c);
    case State::BeforeName:
    case State::Name:
    case State::AfterName:
    case State::BeforeValue:
    case State::QuotedValue:
    case State::Value:
      return in_tag(c);
  }
  return Step::Behind;
}

HtmlPrefix::Step HtmlPrefix::start(char c) {
  open_ += c;
  if (open_ == kUtf8Mark) {
    state_ = State::Between;
    return Step::Part;
  }
  for (const std::string_view mark : kUtf16Marks) {
    if (open_ == mark) return Step::Utf16;
    if (mark.starts_with(open_)) return Step::Undecided;
  }
  if (kUtf8Mark.starts_with(open_)) return Step::Undecided;
  if (open_.size() > 1) return Step::Behind;
  state_ = State::Between;
  return between(c);
}

HtmlPrefix::Step HtmlPrefix::between(char c) {
  if (is_space(c)) return Step::Part;
  if (c != '<') return Step::Behind;
  open_ = c;
  state_ = State::Open;
  return Step::Undecided;
}

HtmlPrefix::Step HtmlPrefix::open(char c) {
  open_ += lower(c);
  const std::string_view open = open_;
  constexpr std::string_view kComment = "<!--";
  if (open == kComment) {
    state_ = State::CommentBegin;
    return Step::Part;
  }
  if (kComment.starts_with(open)) return Step::Undecided;
  if (open.starts_with("<!") || open.starts_with("<?")) {
    state_ = c == '>' ? State::Between : State::Declaration;
    return Step::Part;
  }
  for (const std::string_view tag : {"<html", "<head", "<meta"}) {
    if (tag.starts_with(open)) return Step::Undecided;
    const bool is_whole = open.starts_with(tag) && (is_space(c) || c == '/' || c == '>');
    if (!is_whole) continue;
    is_meta_ = tag == "<meta";
    tells_encoding_ = false;
    meta_size_ = 0;
    state_ = State::BeforeName;
    return in_tag(c);
  }
  return Step::Behind;
}

HtmlPrefix::Step HtmlPrefix::in_comment(char c) {
  const bool is_begin = state_ == State::CommentBegin || state_ == State::CommentBeginDash;
  const bool is_end = state_ == State::CommentEnd || state_ == State::CommentBang;
  if (c == '>' && (is_begin || is_end)) {  // `<!-->` and `<!--->` are complete comments
    state_ = State::Between;
  } else if (c == '!' && state_ == State::CommentEnd) {
    state_ = State::CommentBang;
  } else if (c != '-') {
    state_ = State::Comment;
  } else if (state_ == State::CommentBegin) {
    state_ = State::CommentBeginDash;
  } else if (state_ == State::Comment || state_ == State::CommentBang) {
    state_ = State::CommentDash;
  } else {
    state_ = State::CommentEnd;
  }
  return Step::Part;
}

HtmlPrefix::Step HtmlPrefix::in_tag(char c) {
  if (ends_tag(c)) {
    state_ = State::Between;
    return !is_meta_ || tells_encoding_ ? Step::Part : Step::Behind;
  }
  if (!is_meta_) return Step::Part;
  return ++meta_size_ < kMetaMax ? Step::Undecided : Step::Behind;
}

bool HtmlPrefix::ends_tag(char c) {
  const bool is_name = state_ == State::Name || state_ == State::AfterName;
  if (state_ == State::QuotedValue) {
    if (c == quote_) {
      end_attribute();
    } else if (is_meta_) {
      value_ += lower(c);
    }
  } else if (c == '>') {
    end_attribute();
    return true;
  } else if (is_space(c)) {
    if (state_ == State::Name) state_ = State::AfterName;
    if (state_ == State::Value) end_attribute();
  } else if (state_ == State::BeforeValue && (c == '"' || c == '\'')) {
    quote_ = c;
    state_ = State::QuotedValue;
  } else if (state_ == State::BeforeValue || state_ == State::Value) {
    state_ = State::Value;
    if (is_meta_) value_ += lower(c);
  } else if (c == '/') {
    end_attribute();
  } else if (c == '=' && is_name) {
    state_ = State::BeforeValue;
  } else {
    if (state_ != State::Name) end_attribute();
    state_ = State::Name;
    if (is_meta_) name_ += lower(c);
  }
  return false;
}

void HtmlPrefix::end_attribute() {
  if (name_ == "charset" || (name_ == "http-equiv" && value_ == "content-type")) {
    tells_encoding_ = true;
  }
  name_.clear();
  value_.clear();
  state_ = State::BeforeName;
}

}  // namespace hpp::proxyd
