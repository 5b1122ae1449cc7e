// Pure. Finds the first place in an HTML document where a script may stand.
//
// That place is after everything that must come first, the prefix: the byte order mark, the doctype
// (a browser uses quirks mode if it is not at the beginning), comments, <html>, <head>, and the
// <meta> with the encoding (browsers look for it in the first 1024 bytes). The prefix is read byte
// by byte, as a browser does (https://html.spec.whatwg.org/#tokenization), so the result does not
// depend on the pieces in which the document arrives.
//
// Usually the first two or three bytes of a tag or a comment decide that it belongs to the prefix.
// Only a <meta> must be read to its end, up to kMetaMax.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

namespace hpp::proxyd {

// A longer <meta> does not count as one that says the encoding.
constexpr std::size_t kMetaMax = 4 * 1024;  // bytes

class HtmlPrefix {
 public:
  enum class Step {
    Part,       // the byte and all undecided bytes before it belong to the prefix
    Undecided,  // the next bytes decide whether this byte belongs to the prefix
    Behind,     // the prefix has ended, before the undecided bytes, or else before this byte
    Utf16,      // this byte ends a UTF-16 byte order mark: the document must not contain ASCII
  };

  // Reads the document's next byte. Must not be called after Behind or Utf16.
  Step next(char c);

 private:
  enum class State : std::uint8_t {
    Start,        // in the byte order mark, or before the first byte
    Between,      // after a tag, a comment or white space
    Open,         // in the beginning of a tag, which is kept in open_
    Declaration,  // `<!…` or `<?…`: a doctype, or text that browsers treat as a comment; until `>`
    CommentBegin,
    CommentBeginDash,
    Comment,
    CommentDash,
    CommentEnd,
    CommentBang,
    BeforeName,  // before an attribute's name
    Name,
    AfterName,
    BeforeValue,
    QuotedValue,
    Value,
  };

  Step start(char c);
  Step between(char c);
  Step open(char c);
  Step in_comment(char c);
  Step in_tag(char c);
  bool ends_tag(char c);
  void end_attribute();

  State state_ = State::Start;
  std::string open_;  // the undecided bytes without the attributes, in lower case
  bool is_meta_ = false;
  bool tells_encoding_ = false;
  std::size_t meta_size_ = 0;
  char quote_ = '"';
  std::string name_;  // the name of a <meta>'s attribute, in lower case
  std::string value_;
};

}  // namespace hpp::proxyd
