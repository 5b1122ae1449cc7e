#include "common/signal_names.h"

#include <algorithm>
#include <csignal>
#include <iterator>

namespace hpp {
namespace {

// signal(7)
constexpr struct {
  int number;
  std::string_view name;
} kSignals[] = {
    {SIGHUP, "HUP"},       {SIGINT, "INT"},   {SIGQUIT, "QUIT"},   {SIGILL, "ILL"},
    {SIGTRAP, "TRAP"},     {SIGABRT, "ABRT"}, {SIGBUS, "BUS"},     {SIGFPE, "FPE"},
    {SIGKILL, "KILL"},     {SIGUSR1, "USR1"}, {SIGSEGV, "SEGV"},   {SIGUSR2, "USR2"},
    {SIGPIPE, "PIPE"},     {SIGALRM, "ALRM"}, {SIGTERM, "TERM"},   {SIGCHLD, "CHLD"},
    {SIGCONT, "CONT"},     {SIGSTOP, "STOP"}, {SIGTSTP, "TSTP"},   {SIGTTIN, "TTIN"},
    {SIGTTOU, "TTOU"},     {SIGURG, "URG"},   {SIGXCPU, "XCPU"},   {SIGXFSZ, "XFSZ"},
    {SIGVTALRM, "VTALRM"}, {SIGPROF, "PROF"}, {SIGWINCH, "WINCH"}, {SIGPOLL, "POLL"},
    {SIGPWR, "PWR"},       {SIGSYS, "SYS"},
#ifdef SIGSTKFLT
    {SIGSTKFLT, "STKFLT"},
#endif
};

}  // namespace

std::string_view signal_name(int number) {
  const auto* found = std::find_if(std::begin(kSignals), std::end(kSignals),
                                   [&](const auto& signal) { return signal.number == number; });
  return found == std::end(kSignals) ? std::string_view{} : found->name;
}

int signal_number(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(), [](char c) {
    return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
  });
  if (text.starts_with("SIG")) text.erase(0, 3);
  const auto* found = std::find_if(std::begin(kSignals), std::end(kSignals),
                                   [&](const auto& signal) { return signal.name == text; });
  return found == std::end(kSignals) ? 0 : found->number;
}

}  // namespace hpp
