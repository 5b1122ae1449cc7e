// Programs that a build starts once and that serve later builds, such as Gradle's daemon. hpp does
// not kill them with the build, since each build would have to start them again.
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

namespace hpp {

// HPP_BACKEND of a build's processes is the prefix (backend_tag.h) and this.
constexpr const char* kBuildTag = "build";

// The environment variable with the number of a build's first process, which leads the build's
// session (ChildRequest::pid_variable).
constexpr const char* kBuildLeader = "HPP_BUILD_LEADER";

// Pure. Whether that is a build daemon: one of the well-known ones (the list is in the source
// file), or one that the user has named (--build-daemon). `program` is the name of the file that
// the process executes; a name of the user's is that, or the file name of one of the arguments.
bool is_build_daemon(const std::string& program, const std::vector<std::string>& arguments,
                     const std::vector<std::string>& named);

class BuildDaemons {
 public:
  // `tag_prefix`: what HPP_BACKEND of every process of this run directory begins with. `named`: by
  // the user.
  BuildDaemons(const std::string& tag_prefix, std::vector<std::string> named);

  // Whether the process is a build daemon that a build of this run directory has started, or a
  // descendant of one (Gradle's workers). A process whose session a running build leads is not: it
  // is a part of that build, such as a call of the compiler through sccache.
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
