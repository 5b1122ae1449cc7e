// Pure. Finds the first place in an HTML document where a script may stand.
//
// That is behind everything that has to come first: the byte order mark, the doctype (without it
// at the beginning a browser falls into quirks mode), comments between them, <html>, <head>, and
// the <meta> that says the encoding (browsers look for it in the first 1024 bytes). It is read
// byte by byte as a browser does (https://html.spec.whatwg.org/#tokenization), so that it is the
// same however the document is cut into pieces.
//
// Nearly always the first two or three bytes of a tag or a comment tell that the prefix goes on;
// only of a <meta> all must be seen, up to kMetaMax.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

namespace hpp::proxyd {

// A <meta> that is longer says no encoding.
constexpr std::size_t kMetaMax = 4 * 1024;  // bytes

class HtmlPrefix {
 public:
  enum class Step {
    Part,       // it belongs to the prefix, and so does what was undecided before it
    Undecided,  // what follows decides
    Behind,     // the prefix has ended: before what was undecided, or before this byte
    Utf16,      // a byte order mark has ended with this byte: nothing in ASCII may stand anywhere
  };

  // The document's next byte. Not after Behind or Utf16.
  Step next(char c);

 private:
  enum class State : std::uint8_t {
    Start,        // in the byte order mark, or before the first byte
    Between,      // behind a tag, a comment or white space
    Open,         // `<` and some more, kept in open_
    Declaration,  // `<!…` or `<?…`: a doctype, or what browsers take for a comment; until `>`
    CommentBegin,
    CommentBeginDash,
    Comment,
    CommentDash,
    CommentEnd,
    CommentBang,
    BeforeName,  // an attribute's
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
  std::string open_;  // what is undecided, letters in lower case; not the attributes
  bool is_meta_ = false;
  bool tells_encoding_ = false;
  std::size_t meta_size_ = 0;
  char quote_ = '"';
  std::string name_;  // of a <meta>'s attribute, in lower case
  std::string value_;
};

}  // namespace hpp::proxyd
