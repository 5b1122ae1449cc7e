// Pure. Turns JSON into text, and text into JSON. Only json_text.cc calls nlohmann's parser and its
// serializer, whose templates are slow to compile.
//
// The texts come from programs, files and other users, so they may contain bytes that are not
// UTF-8. JSON cannot express those: each written text has U+FFFD in place of them, and a text that
// has them cannot be read.
#pragma once

#include <cstddef>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>

namespace hpp {

// One line, without a line break at its end.
std::string json_text(const nlohmann::json& json);
std::string json_text(const nlohmann::ordered_json& json);

// For readers who are people: each member on a line of its own, indented by two spaces per level,
// and a line break at the end.
std::string indented_json_text(const nlohmann::json& json);

// The result is_discarded() if `text` is not JSON.
nlohmann::json parse_json(std::string_view text);

// Like parse_json(). Keeps the order of the members.
nlohmann::ordered_json parse_ordered_json(std::string_view text);

// Returns the line, counted from 1, in which `text` stops being JSON. Must only be called with a
// text that parse_json() cannot read.
std::size_t line_of_json_error(std::string_view text);

}  // namespace hpp
