#include "common/wildmatch.h"

#include <algorithm>
#include <array>
#include <cctype>

namespace hpp {
namespace {

constexpr std::size_t kNone = std::string_view::npos;

struct NamedClass {
  std::string_view name;
  int (*has)(int);
};

constexpr std::array kClasses{
    NamedClass{"alnum", &std::isalnum}, NamedClass{"alpha", &std::isalpha},
    NamedClass{"blank", &std::isblank}, NamedClass{"cntrl", &std::iscntrl},
    NamedClass{"digit", &std::isdigit}, NamedClass{"graph", &std::isgraph},
    NamedClass{"lower", &std::islower}, NamedClass{"print", &std::isprint},
    NamedClass{"punct", &std::ispunct}, NamedClass{"space", &std::isspace},
    NamedClass{"upper", &std::isupper}, NamedClass{"xdigit", &std::isxdigit}};

std::size_t index_of(char c) {
  return static_cast<unsigned char>(c);
}

// Returns the character at `at`, or the next one if that is a backslash. Moves `at` to the returned
// character.
char unescaped(std::string_view glob, std::size_t& at) {
  if (glob[at] == '\\' && at + 1 < glob.size()) ++at;
  return glob[at];
}

// The beginning of the paths below `folder`.
std::string below(std::string_view folder) {
  return folder.empty() ? "" : std::string(folder) + '/';
}

}  // namespace

Wildmatch::Wildmatch(std::string_view glob) {
  for (std::size_t at = 0; at != kNone && at < glob.size();) {
    if (glob[at] == '*') {
      at = read_stars(glob, at);
    } else if (glob[at] == '[') {
      at = read_bracket(glob, at);
    } else if (glob[at] == '?') {
      steps_.push_back({.characters = ~Characters().set('/')});
      ++at;
    } else {
      add(unescaped(glob, at));
      ++at;
    }
    is_bad_ = at == kNone;
  }
  find_literal();
}

bool Wildmatch::matches(std::string_view path) const {
  return !is_bad_ && path.find(literal_) != kNone && states_after(path).back();
}

bool Wildmatch::may_match_below(std::string_view folder) const {
  if (is_bad_) return false;
  const std::vector<bool> states = states_after(below(folder));
  return std::find(states.begin(), states.end() - 1, true) != states.end() - 1;
}

// Only a `**` accepts all characters, again and again.
bool Wildmatch::matches_all_below(std::string_view folder) const {
  if (is_bad_ || steps_.empty()) return false;
  const Step& last = steps_.back();
  if (!last.is_repeated || !last.characters.all()) return false;
  const std::string path = below(folder);
  return path.find(literal_) != kNone && states_after(path)[steps_.size() - 1];
}

// Returns the steps that may come next after `path`: states[i] stands for step i, and the index
// after the last step for a match.
std::vector<bool> Wildmatch::states_after(std::string_view path) const {
  std::vector<bool> states(steps_.size() + 1);
  std::vector<bool> next(states.size());
  reach(states, 0);
  for (const char c : path) {
    next.assign(next.size(), false);
    for (std::size_t i = 0; i < steps_.size(); ++i) {
      if (!states[i] || !steps_[i].characters[index_of(c)]) continue;
      next[i] = next[i] || steps_[i].is_repeated;
      reach(next, i + 1);
    }
    states.swap(next);
  }
  return states;
}

// Marks the state, and all states that can be reached from it without a further character.
void Wildmatch::reach(std::vector<bool>& states, std::size_t state) const {
  states[state] = true;
  if (state == steps_.size() || !steps_[state].is_repeated) return;
  reach(states, state + 1);
  if (steps_[state].is_optional) reach(states, state + 2);
}

// The `/` after a `**` is no part of it, because both may be skipped.
void Wildmatch::find_literal() {
  std::string run;
  bool is_optional = false;
  for (const Step& step : steps_) {
    const bool is_literal = step.characters.count() == 1 && !is_optional;
    is_optional = step.is_optional;
    if (!is_literal) {
      run.clear();
      continue;
    }
    std::size_t c = 0;
    while (!step.characters[c]) ++c;
    run += static_cast<char>(c);
    if (run.size() > literal_.size()) literal_ = run;
  }
}

void Wildmatch::add(char c) {
  steps_.push_back({.characters = Characters().set(index_of(c))});
}

std::size_t Wildmatch::read_stars(std::string_view glob, std::size_t at) {
  const std::size_t end = std::min(glob.find_first_not_of('*', at), glob.size());
  if (end - at == 1) {
    steps_.push_back({.characters = ~Characters().set('/'), .is_repeated = true});
    return end;
  }
  const bool begins = at == 0 || glob[at - 1] == '/';
  const bool ends = end == glob.size() || glob[end] == '/' || glob.substr(end, 2) == "\\/";
  if (!begins || !ends) return kNone;
  steps_.push_back({.characters = Characters().set(),
                    .is_repeated = true,
                    .is_optional = end < glob.size() && glob[end] == '/'});
  return end;
}

// A `]` at the first position and a `-` at the last are ordinary characters.
std::size_t Wildmatch::read_bracket(std::string_view glob, std::size_t at) {
  Characters set;
  ++at;
  const bool is_negated = at < glob.size() && (glob[at] == '!' || glob[at] == '^');
  if (is_negated) ++at;
  for (bool is_first = true; at < glob.size() && (is_first || glob[at] != ']'); is_first = false) {
    if (glob.substr(at, 2) == "[:") {
      at = read_class(glob, at, set);
      if (at == kNone) return kNone;
      continue;
    }
    const char low = unescaped(glob, at);
    ++at;
    set.set(index_of(low));
    if (at + 1 >= glob.size() || glob[at] != '-' || glob[at + 1] == ']') continue;
    const char high = unescaped(glob, ++at);
    ++at;
    for (std::size_t c = index_of(low); c <= index_of(high); ++c) set.set(c);
  }
  if (at >= glob.size()) return kNone;
  steps_.push_back({.characters = is_negated ? ~set : set});
  steps_.back().characters.reset('/');
  return at + 1;
}

// Reads a class such as `[:alpha:]`, within brackets. Returns the position after it, or kNone.
std::size_t Wildmatch::read_class(std::string_view glob, std::size_t at, Characters& set) {
  const std::size_t end = glob.find(":]", at + 2);
  if (end == kNone) return kNone;
  const std::string_view name = glob.substr(at + 2, end - at - 2);
  for (const NamedClass& known : kClasses) {
    if (known.name != name) continue;
    for (int c = 0; c < 128; ++c) {
      if (known.has(c) != 0) set.set(static_cast<std::size_t>(c));
    }
    return end + 2;
  }
  return kNone;
}

}  // namespace hpp
