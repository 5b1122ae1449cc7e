#include "watchd/pattern_walk.h"

#include <chrono>
#include <filesystem>
#include <string_view>
#include <system_error>

#include "watchd/core/pattern_check.h"

namespace hpp::watchd {
namespace {

// Limits for the search. hpp answers no request while it searches.
constexpr std::chrono::milliseconds kTimeMax{50};
constexpr int kEntriesMax = 20'000;

}  // namespace

std::vector<std::string> hints_on_patterns(const std::string& directory, const Filter& filter) {
  PatternCheck check(filter);
  if (check.is_done()) return {};
  const auto deadline = std::chrono::steady_clock::now() + kTimeMax;
  constexpr auto kOptions = std::filesystem::directory_options::skip_permission_denied;
  std::error_code error;
  std::filesystem::recursive_directory_iterator at(directory, kOptions, error);
  const std::size_t prefix = directory.ends_with('/') ? directory.size() : directory.size() + 1;
  int entries = 0;
  for (const std::filesystem::recursive_directory_iterator end; !error && at != end;
       at.increment(error)) {
    if (++entries > kEntriesMax || std::chrono::steady_clock::now() > deadline) return {};
    const std::string& whole = at->path().native();
    const std::string_view path = std::string_view(whole).substr(prefix);
    std::error_code ignored;
    if (at->is_directory(ignored)) {
      check.see_folder(path);
      if (!check.needs(path) || path == ".git") at.disable_recursion_pending();
    } else {
      check.see_file(path);
      if (check.is_done()) return {};
    }
  }
  return error ? std::vector<std::string>{} : check.hints();
}

}  // namespace hpp::watchd
