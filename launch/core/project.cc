#include "launch/core/project.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <string_view>

#include "common/json_text.h"
#include "common/shell_words.h"

namespace hpp::launch {
namespace {

using Texts = std::vector<std::string>;

bool has(const ProjectFiles& files, std::string_view name) {
  return std::find(files.names.begin(), files.names.end(), name) != files.names.end();
}

bool contains(const ProjectFiles& files, const std::string& name, std::string_view text) {
  const auto found = files.texts.find(name);
  return found != files.texts.end() && found->second.find(text) != std::string::npos;
}

// The scripts of package.json have no fixed meaning. `start` starts a server by convention.
std::optional<Proposal> recognise_node(const ProjectFiles& files) {
  if (!has(files, "package.json")) return std::nullopt;
  Proposal proposal{.kind = "a Node project",
                    .reason = "package.json",
                    .command = {},
                    .build = {},
                    .excludes = {}};
  const auto text = files.texts.find("package.json");
  const auto json = parse_json(text == files.texts.end() ? "" : text->second);
  const bool is_object = json.is_object();
  const auto scripts =
      is_object ? json.value("scripts", nlohmann::json::object()) : nlohmann::json::object();
  const auto main = is_object ? json.find("main") : json.end();
  if (scripts.is_object() && scripts.contains("start")) {
    proposal.command = {"npm", "start"};
  } else if (scripts.is_object() && scripts.contains("dev")) {
    proposal.command = {"npm", "run", "dev"};
  } else if (is_object && main != json.end() && main->is_string()) {
    proposal.command = {"node", main->get<std::string>()};
  } else {
    for (const char* const name : {"server.js", "app.js", "index.js"}) {
      if (proposal.command.empty() && has(files, name)) proposal.command = {"node", name};
    }
  }
  return proposal.command.empty() ? std::nullopt : std::optional(proposal);
}

std::optional<Proposal> recognise_python(const ProjectFiles& files) {
  for (const std::string module : {"app", "main"}) {
    const std::string file = module + ".py";
    if (contains(files, file, "FastAPI(") || contains(files, file, "Starlette(")) {
      return Proposal{.kind = "an ASGI application",
                      .reason = file,
                      .command = {"uvicorn", module + ":app", "--port", "{PORT}"},
                      .build = {},
                      .excludes = {}};
    }
    if (contains(files, file, "Flask(")) {
      return Proposal{.kind = "a Flask application",
                      .reason = file,
                      .command = {"flask", "--app", module, "run", "--port", "{PORT}"},
                      .build = {},
                      .excludes = {}};
    }
  }
  return std::nullopt;
}

std::optional<Proposal> recognise_java(const ProjectFiles& files) {
  if (contains(files, "pom.xml", "spring-boot")) {
    return Proposal{
        .kind = "a Spring Boot project",
        .reason = "pom.xml",
        .command = {"mvn", "spring-boot:run", "-Dspring-boot.run.arguments=--server.port={PORT}"},
        .build = {},
        .excludes = {"target/**"}};
  }
  for (const char* const name : {"build.gradle", "build.gradle.kts"}) {
    if (!contains(files, name, "springframework.boot")) continue;
    const char* const gradle = has(files, "gradlew") ? "./gradlew" : "gradle";
    return Proposal{.kind = "a Spring Boot project",
                    .reason = name,
                    .command = {gradle, "bootRun", "--args=--server.port={PORT}"},
                    .build = {},
                    .excludes = {"build/**"}};
  }
  return std::nullopt;
}

std::optional<Proposal> recognise_php(const ProjectFiles& files) {
  const char* const reason = has(files, "composer.json") ? "composer.json" : "index.php";
  if (!has(files, reason)) return std::nullopt;
  Texts command{"php", "-S", "localhost:{PORT}"};
  if (has(files, "public")) command.insert(command.end(), {"-t", "public"});
  return Proposal{.kind = "a PHP project",
                  .reason = reason,
                  .command = std::move(command),
                  .build = {},
                  .excludes = {}};
}

// Projects that one file tells apart from all others. The first match wins.
std::optional<Proposal> recognise_by_name(const ProjectFiles& files) {
  const Texts written_by_rails{"log/**", "tmp/**", "storage/**"};
  const Proposal proposals[] = {
      {"a Django project",
       "manage.py",
       {"python3", "manage.py", "runserver", "--noreload", "{PORT}"},
       "",
       {}},
      {"a Laravel project",
       "artisan",
       {"php", "artisan", "serve", "--no-reload", "--port={PORT}"},
       "",
       {"storage/**", "bootstrap/cache/**"}},
      {"a Rails project",
       "bin/rails",
       {"bin/rails", "server", "--port", "{PORT}"},
       "",
       written_by_rails},
      {"a Rack application", "config.ru", {"rackup", "--port", "{PORT}"}, "", {"log/**", "tmp/**"}},
      {"a Go project", "go.mod", {"bin/server"}, "go build -o bin/server .", {"bin/server"}},
      {"a Rust project", "Cargo.toml", {"cargo", "run"}, "", {"target/**"}},
  };
  for (const Proposal& proposal : proposals) {
    if (has(files, proposal.reason)) return proposal;
  }
  return std::nullopt;
}

std::string quoted_list(const Texts& texts) {
  std::string list;
  for (const std::string& text : texts) {
    list += fmt::format("{}{}", list.empty() ? "" : ", ", json_text(nlohmann::json(text)));
  }
  return '[' + list + ']';
}

}  // namespace

const Texts& looked_for() {
  static const Texts kPaths{"bin/rails"};
  return kPaths;
}

const Texts& read_files() {
  static const Texts kPaths{"package.json", "app.py",       "main.py",
                            "pom.xml",      "build.gradle", "build.gradle.kts"};
  return kPaths;
}

std::optional<Proposal> recognise(const ProjectFiles& files) {
  for (auto* const rule :
       {recognise_by_name, recognise_node, recognise_python, recognise_java, recognise_php}) {
    if (auto proposal = rule(files)) return proposal;
  }
  if (!has(files, "index.html")) return std::nullopt;
  return Proposal{.kind = "a folder of web pages",
                  .reason = "index.html",
                  .command = {"python3", "-m", "http.server", "{PORT}"},
                  .build = {},
                  .excludes = {}};
}

std::string launch_line(const Proposal& proposal) {
  std::string line = "hpp-launch 8000";
  if (!proposal.excludes.empty()) line += " --exclude";
  for (const std::string& glob : proposal.excludes) line += ' ' + shell_word(glob);
  if (!proposal.build.empty()) line += " --build " + shell_word(proposal.build);
  line += " --exec";
  for (const std::string& word : proposal.command) line += ' ' + word;
  return line;
}

std::string toml_text(const std::optional<Proposal>& proposal) {
  std::string text =
      "# hpp's options for this project; `hpp-launch --help` lists all of them.\n"
      "# hpp-launch reads this file if it is started in this folder.\n\n"
      "# The address for your browser.\n"
      "bind = \"localhost:8000\"\n\n"
      "# The command that starts your server. {PORT} is replaced by a free port, which is also in\n"
      "# the environment variable PORT. To choose the port yourself, set `backend = 8001`.\n";
  if (!proposal) return text + "# exec = \"python3 app.py {PORT}\"\n";
  text += fmt::format("exec = {}\n", quoted_list(proposal->command));
  if (!proposal->build.empty()) {
    text += fmt::format("\n# This shell command runs before each start.\nbuild = {}\n",
                        json_text(nlohmann::json(proposal->build)));
  }
  if (!proposal->excludes.empty()) {
    text += fmt::format(
        "\n# Your server or its build writes these files, so they do not count.\n"
        "exclude = {}\n",
        quoted_list(proposal->excludes));
  }
  return text;
}

}  // namespace hpp::launch
