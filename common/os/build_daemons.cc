#include "common/os/build_daemons.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <string_view>
#include <utility>

#include "common/os/backend_tag.h"
#include "common/os/process_info.h"

namespace hpp {
namespace {

using Arguments = std::vector<std::string>;

// The main classes of Java programs, which are arguments of `java`.
constexpr std::string_view kClasses[] = {
    "org.gradle.launcher.daemon.bootstrap.GradleDaemon",
    "org.jetbrains.kotlin.daemon.KotlinCompileDaemon",
    "org.mvndaemon.mvnd.common.MavenDaemon",
};

// The ends of arguments that name a script or an assembly: Nx's daemon and .NET's compiler.
constexpr std::string_view kScripts[] = {
    "/nx/src/daemon/server/start.js",
    "/VBCSCompiler.dll",
};

// The beginning of the first argument: Bazel and Buck2 name their servers after the workspace.
constexpr std::string_view kTitles[] = {"bazel(", "buck2d["};

// sccache's server has no arguments. A compiler call through sccache has some.
bool is_known_program(const std::string& program, const Arguments& arguments) {
  return program == "watchman" || (program == "sccache" && arguments.size() == 1);
}

bool is_known_argument(const std::string& argument) {
  const auto is_end = [&](std::string_view script) { return argument.ends_with(script); };
  return std::find(std::begin(kClasses), std::end(kClasses), argument) != std::end(kClasses) ||
         std::any_of(std::begin(kScripts), std::end(kScripts), is_end);
}

// `dotnet …/MSBuild.dll /nologo /nodemode:1 /nodeReuse:true`
bool is_msbuild_node(const Arguments& arguments) {
  const auto has = [&](std::string_view end) {
    return std::any_of(arguments.begin(), arguments.end(),
                       [&](const std::string& argument) { return argument.ends_with(end); });
  };
  return has("/MSBuild.dll") && has("/nodeReuse:true");
}

std::string file_name(const std::string& path) {
  return path.substr(path.rfind('/') + 1);
}

}  // namespace

bool is_build_daemon(const std::string& program, const Arguments& arguments,
                     const std::vector<std::string>& named) {
  if (arguments.empty()) return false;
  const auto is_title = [&](std::string_view title) { return arguments[0].starts_with(title); };
  const auto is_named = [&](const std::string& word) {
    return std::find(named.begin(), named.end(), file_name(word)) != named.end();
  };
  return is_known_program(program, arguments) || is_msbuild_node(arguments) ||
         std::any_of(std::begin(kTitles), std::end(kTitles), is_title) ||
         std::any_of(arguments.begin(), arguments.end(), is_known_argument) || is_named(program) ||
         std::any_of(arguments.begin(), arguments.end(), is_named);
}

BuildDaemons::BuildDaemons(const std::string& tag_prefix, std::vector<std::string> named)
    : tag_(fmt::format("{}={}{}", kBackendTag, tag_prefix, kBuildTag)), named_(std::move(named)) {}

bool BuildDaemons::contain(pid_t pid) const {
  for (; is_of_build(pid); pid = parent_of(pid)) {
    if (has_name(pid) && has_left_build(pid)) return true;
  }
  return false;
}

std::vector<pid_t> BuildDaemons::without(std::vector<pid_t> pids) const {
  std::erase_if(pids, [this](pid_t pid) { return contain(pid); });
  return pids;
}

bool BuildDaemons::is_of_build(pid_t pid) const {
  return pid > 1 && has_environment(pid, tag_);
}

bool BuildDaemons::has_name(pid_t pid) const {
  return is_build_daemon(program_name_of(pid), arguments_of(pid), named_);
}

// Whether the process has a session of its own (setsid(2)), or the build's first process has ended.
bool BuildDaemons::has_left_build(pid_t pid) const {
  const pid_t session = ::getsid(pid);
  const bool is_builds = has_environment(pid, fmt::format("{}={}", kBuildLeader, session));
  return !is_builds || !is_of_build(session);
}

}  // namespace hpp
