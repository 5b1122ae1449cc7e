// Pure. The lines that a process with a gate sends to hpp (docs/gate.rst).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>

namespace hpp::supervisord::gate {

// The only version of the contract so far.
constexpr std::string_view kVersion = "1";

struct Hello {
  std::string adapter;  // `python`

  bool operator==(const Hello&) const = default;
};

// A variable that a spare of this command needs in its environment.
struct Env {
  std::string name;
  std::string value;

  bool operator==(const Env&) const = default;
};

// The command must not be started as a spare, because a part of it would run before the gate.
struct Refuse {
  std::string reason;

  bool operator==(const Refuse&) const = default;
};

// The spare has loaded what the last process had loaded, and waits.
struct Ready {
  std::uint64_t modules = 0;
  std::uint64_t ms = 0;  // how long that took

  bool operator==(const Ready&) const = default;
};

// After `open`: no file that the spare has loaded has changed, and it goes on.
struct Go {
  bool operator==(const Go&) const = default;
};

// After `open`: this file has changed, so the process ends, and the command must be started again.
struct Cold {
  std::string path;

  bool operator==(const Cold&) const = default;
};

// After `go`: the server has given this variable another value than a module has read that the
// spare had loaded early.
struct Variable {
  std::string name;

  bool operator==(const Variable&) const = default;
};

// Not a line of the contract, or one of another version.
struct Unknown {
  bool operator==(const Unknown&) const = default;
};

using Line = std::variant<Unknown, Hello, Env, Refuse, Ready, Go, Cold, Variable>;

// Parses a line without its LF.
Line parse(std::string_view line);

}  // namespace hpp::supervisord::gate
