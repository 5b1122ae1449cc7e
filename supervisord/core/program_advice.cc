#include "supervisord/core/program_advice.h"

#include <fmt/format.h>

#include <string_view>
#include <utility>

#include "common/advice/nearest.h"
#include "common/shell_words.h"

namespace hpp::supervisord {
namespace {

// The program that runs files with this ending.
constexpr std::pair<std::string_view, std::string_view> kInterpreters[] = {
    {".py", "python3"}, {".js", "node"}, {".mjs", "node"}, {".cjs", "node"}, {".ts", "npx tsx"},
    {".rb", "ruby"},    {".sh", "sh"},   {".php", "php"},  {".pl", "perl"},  {".jar", "java -jar"}};

std::string path_of(const std::string& program) {
  return program.find('/') == std::string::npos ? "./" + program : program;
}

std::string not_executable_text(const std::string& program, std::string_view problem) {
  const std::string path = shell_word(path_of(program));
  for (const auto& [ending, interpreter] : kInterpreters) {
    if (!program.ends_with(ending)) continue;
    return fmt::format("{}. Let its interpreter run it: --exec {} {}", problem, interpreter,
                       shell_word(program));
  }
  return fmt::format("{}. Allow it with chmod +x {}, and write it as {}", problem, path, path);
}

}  // namespace

const std::vector<std::string>& known_programs() {
  static const std::vector<std::string> kNames{
      "python3", "python", "pipenv", "poetry", "uv",     "flask",  "uvicorn", "gunicorn", "node",
      "nodejs",  "npm",    "npx",    "yarn",   "pnpm",   "bun",    "deno",    "ruby",     "bundle",
      "rails",   "puma",   "php",    "go",     "cargo",  "java",   "mvn",     "gradle",   "dotnet",
      "mix",     "elixir", "perl",   "make",   "docker", "podman", "sh",      "bash",     "env"};
  return kNames;
}

std::string missing_program_text(const ProgramFacts& facts) {
  const bool has_slash = facts.program.find('/') != std::string::npos;
  if (facts.is_directory && has_slash) {
    return "this is a directory. Write the path of the program that starts your server";
  }
  if (facts.is_file && has_slash) {
    return not_executable_text(facts.program, "this file is not executable");
  }
  if (facts.is_file) {
    return not_executable_text(
        facts.program, "no program in PATH has this name, but a file of the project has it");
  }
  if (has_slash) return "there is no such file. Correct the path, or let --build create the file";
  if (const auto right = advice::nearest(facts.program, facts.available)) {
    return fmt::format("no program in PATH has this name. Did you mean {}?", *right);
  }
  return "no program in PATH has this name. Install it, or write its path";
}

}  // namespace hpp::supervisord
