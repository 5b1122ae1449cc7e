#include "supervisord/core/adapters.h"

#include <algorithm>
#include <iterator>

namespace hpp::supervisord {
namespace {

struct Known {
  std::string_view program;
  const char* language;
};

constexpr Known kKnown[] = {
    {"python", "Python"}, {"pypy", "Python"},     {"uv", "Python"},      {"poetry", "Python"},
    {"flask", "Python"},  {"gunicorn", "Python"}, {"uvicorn", "Python"}, {"node", "Node"},
    {"nodejs", "Node"},   {"npm", "Node"},        {"npx", "Node"},       {"pnpm", "Node"},
    {"yarn", "Node"},     {"tsx", "Node"},        {"ruby", "Ruby"},      {"bundle", "Ruby"},
    {"rails", "Ruby"},    {"puma", "Ruby"},       {"rackup", "Ruby"},
};

// `python3.12` becomes `python`.
std::string_view without_version(std::string_view name) {
  const auto end = name.find_last_not_of("0123456789.");
  return name.substr(0, end == std::string_view::npos ? 0 : end + 1);
}

// In NODE_OPTIONS, a word may be quoted, with backslashes before quotes and backslashes.
std::string node_word(const std::string& word) {
  if (word.find_first_of(" \"\\") == std::string::npos) return word;
  std::string quoted = "\"";
  for (const char c : word) {
    if (c == '"' || c == '\\') quoted += '\\';
    quoted += c;
  }
  return quoted + '"';
}

}  // namespace

std::string language_of(std::string_view program) {
  const auto slash = program.rfind('/');
  const auto name =
      without_version(slash == std::string_view::npos ? program : program.substr(slash + 1));
  const auto found = std::find_if(std::begin(kKnown), std::end(kKnown),
                                  [name](const Known& known) { return known.program == name; });
  return found == std::end(kKnown) ? "" : found->language;
}

Environment adapter_environment(const std::string& directory,
                                const std::function<const char*(const char*)>& user) {
  Environment all;
  const auto add = [&](const char* name, std::string value, const char* separator) {
    const char* const own = user(name);
    if (own != nullptr && *own != '\0') value = value + separator + own;
    all.emplace_back(name, std::move(value));
  };
  // These variables cannot express every path. Then the language has no adapter.
  if (directory.find(':') == std::string::npos) add("PYTHONPATH", directory + "/python", ":");
  add("NODE_OPTIONS", node_word("--require=" + directory + "/node/hpp_gate.cjs"), " ");
  if (directory.find(' ') == std::string::npos) {
    add("RUBYOPT", "-r" + directory + "/ruby/hpp_gate.rb", " ");
  }
  return all;
}

}  // namespace hpp::supervisord
