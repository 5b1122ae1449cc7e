// Pure. The adapters that hpp comes with: for which commands, and by which variables of the
// environment the command's interpreter loads them.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace hpp::supervisord {

// Returns the language whose adapter fits a program, `Python`, `Node` or `Ruby`, judged by the name
// of its file: an interpreter (`python3.12`), or a package manager that starts one. Empty: none.
std::string language_of(std::string_view program);

using Environment = std::vector<std::pair<std::string, std::string>>;

// Returns the variables with which Python, Node and Ruby load their adapters, in front of what the
// user has set. `directory` contains the adapters. `user` returns the user's value of a variable,
// or a null pointer.
Environment adapter_environment(const std::string& directory,
                                const std::function<const char*(const char*)>& user);

}  // namespace hpp::supervisord
