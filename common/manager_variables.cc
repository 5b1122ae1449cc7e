#include "common/manager_variables.h"

#include <chrono>
#include <cstdint>
#include <string_view>

#include "common/read_number.h"
#include "common/take_until.h"

namespace hpp {
namespace {

// The name of a descriptor if LISTEN_FDNAMES is unset (sd_listen_fds_with_names(3)).
constexpr const char* kUnknownName = "unknown";
// The kernel's default limit for descriptors is 1024 (getrlimit(2)).
constexpr std::size_t kFdsMax = 1024;

std::optional<std::uint64_t> number(const Variable& text) {
  return read_number<std::uint64_t>(text.value_or(""));
}

bool is(const Variable& text, pid_t pid) {
  return number(text) == static_cast<std::uint64_t>(pid);
}

}  // namespace

std::vector<std::string> names_of_passed(const ListenVariables& variables, pid_t own_pid) {
  const auto count = number(variables.count);
  if (!is(variables.pid, own_pid) || !count || *count > kFdsMax) return {};
  if (!variables.names) return std::vector<std::string>(*count, kUnknownName);
  std::vector<std::string> names;
  std::string_view rest = *variables.names;
  while (!rest.empty()) names.emplace_back(take_until(':', rest));
  return names.size() == *count ? names : std::vector<std::string>{};
}

std::chrono::milliseconds watchdog_time(const WatchdogVariables& variables, pid_t own_pid) {
  const auto microseconds = number(variables.microseconds);
  const bool is_for_another = variables.pid && !is(variables.pid, own_pid);
  if (!microseconds || is_for_another) return std::chrono::milliseconds{0};
  return std::chrono::duration_cast<std::chrono::milliseconds>(
      std::chrono::microseconds(*microseconds));
}

}  // namespace hpp
