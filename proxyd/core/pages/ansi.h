// Pure. What programs print for a terminal, as HTML.
#pragma once

#include <string>
#include <string_view>

namespace hpp::proxyd {

// Text that means nothing but itself in HTML, between tags and in quoted attributes.
std::string html_escaped(std::string_view text);

// The text escaped, and as `<span>`s what SGR (ECMA-48 §8.3.117 and xterm's extensions) says of
// its looks: the 16 colours as classes f0…f15 and k0…k15 (background), those of the 256 and true
// colours as styles, `b` bold, `d` dim, `i` italic, `u` underlined, `s` struck out, `r` reversed,
// without colours of its own. Other escape sequences and control characters are dropped, and of a
// line that is written again and again (a carriage return: progress bars) the last remains.
std::string ansi_to_html(std::string_view text);

}  // namespace hpp::proxyd
