// Pure. The programs of hpp that share one list of options, and their names.
#pragma once

namespace hpp {

enum class Program { Launch, Proxyd, Watchd, Supervisord };

// `hpp-launch`: a literal.
constexpr const char* program_name(Program program) {
  switch (program) {
    case Program::Launch:
      return "hpp-launch";
    case Program::Proxyd:
      return "hpp-proxyd";
    case Program::Watchd:
      return "hpp-watchd";
    case Program::Supervisord:
      return "hpp-supervisord";
  }
  return "";
}

}  // namespace hpp
