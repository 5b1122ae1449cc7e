// Pure. What hpp's own HTML pages are made of. Each page is one file: it has to be there when
// nothing else is.
#pragma once

#include <string_view>

namespace hpp::proxyd {

// The looks of both pages, dark and light, and of the colours that ansi.h names.
std::string_view page_style();

// Of the error page: counts the time on, and reloads the page once when there is another answer.
// `<body>` tells it (data-…) `now`: when the page was written, in ms; `status`; `generation`: that
// failed (0: any other answer is news); `live`: a backend that lives is another answer, whatever
// its generation; `safe`: it may be asked for again without the reader.
std::string_view error_script();

// The page `/__hpp/`, whole: shows what `/__hpp/history` says.
std::string_view home_page_head();  // up to the style
std::string_view home_page_body();
std::string_view home_page_script();

}  // namespace hpp::proxyd
