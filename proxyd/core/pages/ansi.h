// Pure. Converts terminal output to HTML.
#pragma once

#include <string>
#include <string_view>

namespace hpp::proxyd {

// Escapes text for HTML, between tags and in quoted attributes.
std::string html_escaped(std::string_view text);

// Escapes the text, and converts SGR sequences (ECMA-48 §8.3.117 and xterm's extensions) to
// `<span>`s. The classes: f0…f15 for the 16 colours and k0…k15 for them as background, `b` bold,
// `d` dim, `i` italic, `u` underlined, `s` struck out, `r` reversed without colours of its own.
// Other colours (256-colour palette, RGB) become style attributes. Drops other escape sequences and
// control characters. If carriage returns overwrite a line (progress bars), only the last text
// remains.
std::string ansi_to_html(std::string_view text);

}  // namespace hpp::proxyd
