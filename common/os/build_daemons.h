// Programs that a build starts and that also serve later builds, such as Gradle's daemon. hpp does
// not kill them with the build, because the next build would have to start them again.
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

namespace hpp {

// In a build's processes, HPP_BACKEND is the prefix (backend_tag.h) followed by this.
constexpr const char* kBuildTag = "build";

// The environment variable with the pid of a build's first process, which leads the build's session
// (ChildRequest::pid_variable).
constexpr const char* kBuildLeader = "HPP_BUILD_LEADER";

// Pure. Whether a process is a build daemon: a well-known one (listed in the source file), or one
// in `named` (--build-daemon). `program` is the file name of the executed program. A name in `named`
// matches that, or the file name of any argument.
bool is_build_daemon(const std::string& program, const std::vector<std::string>& arguments,
                     const std::vector<std::string>& named);

class BuildDaemons {
 public:
  // `tag_prefix` is the result of backend_tag_prefix(). `named` are the user's --build-daemon names.
  BuildDaemons(const std::string& tag_prefix, std::vector<std::string> named);

  // Whether the process is a build daemon that a build of this run directory has started, or a
  // descendant of such a daemon (a Gradle worker). A process in the session of a running build is
  // not: it is a part of that build, such as a call of the compiler through sccache.
  bool contain(pid_t pid) const;

  std::vector<pid_t> without(std::vector<pid_t> pids) const;

 private:
  bool is_of_build(pid_t pid) const;
  bool has_name(pid_t pid) const;
  bool has_left_build(pid_t pid) const;

  std::string tag_;
  std::vector<std::string> named_;
};

}  // namespace hpp
