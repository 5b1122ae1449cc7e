// Pure. Parses the text of an environment file (--env-file): `NAME=value` in each line.
//
// The format is the common part of what docker, node and python-dotenv read: comments that begin
// with `#`, an optional `export` before the name, values without quotes (blanks around them do not
// count, ` #` begins a comment), in 'single quotes' (literal) or in "double quotes" (with the
// escapes \n, \t, \\, \" and \$). Nothing is expanded, and a value ends with its line.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace hpp::supervisord {

struct EnvText {
  std::vector<std::pair<std::string, std::string>> variables;  // the last value of each name
  std::string problem;  // the first malformed line, `line 3: expected NAME=VALUE`; empty: none
};

EnvText read_env_text(std::string_view text);

}  // namespace hpp::supervisord
