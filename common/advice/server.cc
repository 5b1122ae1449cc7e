#include "common/advice/server.h"

#include <fmt/format.h>

#include <algorithm>
#include <stdexcept>
#include <string_view>

#include "common/shell_words.h"

namespace hpp::advice {
namespace {

using Texts = std::vector<std::string>;
using Names = std::vector<std::string_view>;

// A server or tool with a reloader.
struct Reloader {
  Names programs;
  Names with;     // one of these words turns the reloader on; empty: it is on by default
  Names without;  // one of these words turns it off
  std::string_view what;
  std::string_view cure;
};

const std::vector<Reloader>& reloaders() {
  static const std::vector<Reloader> kAll{
      {{"manage.py", "django-admin", "django"},
       {"runserver", "runserver_plus"},
       {"--noreload"},
       "Django's runserver",
       "add --noreload after it"},
      {{"flask", "quart"},
       {"--debug", "--reload"},
       {"--no-reload"},
       "the reloader of the development server",
       "add --no-reload after \"run\""},
      {{"fastapi"}, {"dev"}, {"--no-reload"}, "fastapi dev", "add --no-reload"},
      {{"uvicorn", "gunicorn", "hypercorn", "granian", "litestar", "fastapi", "waitress"},
       {"--reload"},
       {},
       "its option --reload",
       "leave --reload out"},
      {{"sanic"},
       {"--dev", "-d", "--auto-reload", "--reload", "-r"},
       {},
       "Sanic's reloader",
       "leave --dev and --auto-reload out"},
      {{"nodemon", "node-dev", "ts-node-dev", "tsnd"},
       {},
       {},
       "this program",
       "run the server with node itself, or with tsx or ts-node"},
      {{"node", "tsx", "deno", "bun", "nest"},
       {"--watch", "watch", "--hot", "-w"},
       {},
       "its watch mode",
       "leave the watch mode out"},
      {{"cargo"}, {"watch"}, {}, "cargo watch", "run the server with cargo run"},
      {{"dotnet"}, {"watch"}, {}, "dotnet watch", "run the server with dotnet run"},
      {{"watchexec", "watchmedo", "entr", "air", "reflex", "modd", "gow", "rerun", "shotgun",
        "CompileDaemon", "hupper", "jurigged"},
       {},
       {},
       "this program",
       "let --exec run the server itself"},
      {{"pm2"}, {"--watch"}, {}, "its option --watch", "leave --watch out"},
  };
  return kAll;
}

bool is_in(const Names& names, std::string_view word) {
  return std::find(names.begin(), names.end(), word) != names.end();
}

bool has_one(const Texts& words, std::size_t begin, const Names& names) {
  return std::any_of(words.begin() + static_cast<long>(begin), words.end(), [&](const auto& word) {
    return is_in(names, std::string_view(word).substr(0, word.find('=')));
  });
}

std::string_view base_name(std::string_view path) {
  return path.substr(path.rfind('/') + 1);  // npos + 1 is 0
}

bool is_python(std::string_view name) {
  return name.starts_with("python") || name == "pypy" || name == "pypy3";
}

// Words before the program that runs the server: they run another one.
bool is_wrapper(std::string_view word) {
  static const Names kWrappers{"env",   "exec", "nice", "poetry", "pdm",    "uv",   "pipenv",
                               "hatch", "rye",  "run",  "bundle", "npx",    "bunx", "npm",
                               "pnpm",  "yarn", "dlx",  "x",      "stdbuf", "time"};
  const bool is_variable = word.find('=') != std::string_view::npos && !word.starts_with('-');
  return is_variable || is_in(kWrappers, base_name(word));
}

// Returns the index of the word that names the server's program: an interpreter's script or module
// counts as the program, except Node's, which has a watch mode itself.
std::size_t find_program(const Texts& words) {
  std::size_t i = 0;
  while (i < words.size() && (is_wrapper(words[i]) || (i > 0 && words[i].starts_with('-')))) ++i;
  if (i == words.size() || !is_python(base_name(words[i]))) return i;
  for (++i; i < words.size() && words[i].starts_with('-') && words[i] != "-m"; ++i) {
    if (words[i] == "-X" || words[i] == "-W") ++i;  // the value is a word of its own
  }
  return i < words.size() && words[i] == "-m" ? i + 1 : i;
}

// The words of the command that a shell is to run, in `sh -c 'exec flask run'`.
Texts without_shell(const Texts& command) {
  const Names shells{"sh", "bash", "dash", "zsh"};
  if (command.size() != 3 || !is_in(shells, base_name(command[0])) || command[1] != "-c") {
    return command;
  }
  try {
    return shell_words(command[2]);
  } catch (const std::invalid_argument&) {
    return command;
  }
}

// Whether the word is the port, or ends with it: `8001`, `127.0.0.1:8001`, `--port=8001`, `-p8001`.
bool has_port(std::string_view word, std::uint16_t port) {
  const std::string digits = std::to_string(port);
  if (word.find("://") != std::string_view::npos || !word.ends_with(digits)) return false;
  word.remove_suffix(digits.size());
  return word.empty() || word.ends_with(':') || word.ends_with('=') || word == "-p";
}

}  // namespace

std::string reloader_hint(const Texts& command) {
  const Texts words = without_shell(command);
  const std::size_t at = find_program(words);
  if (at >= words.size()) return "";
  for (const Reloader& reloader : reloaders()) {
    if (!is_in(reloader.programs, base_name(words[at]))) continue;
    if (!reloader.with.empty() && !has_one(words, at + 1, reloader.with)) continue;
    if (has_one(words, at + 1, reloader.without)) continue;
    return fmt::format(
        "{} restarts your server when a file changes, and hpp does that, too. Turn it off: {}",
        reloader.what, reloader.cure);
  }
  return "";
}

std::string swapped_ports_hint(const Address& bind, const Address& backend, const Texts& command) {
  const auto has = [&](std::uint16_t port) {
    return std::any_of(command.begin(), command.end(),
                       [port](const auto& word) { return has_port(word, port); });
  };
  if (backend.port == 0 || !has(bind.port) || has(backend.port)) return "";
  return fmt::format(
      "your server's command has the port {0}, on which hpp listens for your browser, and not {1}, "
      "where hpp expects your server. If the addresses are swapped, write: hpp-launch {2} {3} …",
      bind.port, backend.port, to_string(backend), to_string(bind));
}

}  // namespace hpp::advice
