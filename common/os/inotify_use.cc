#include "common/os/inotify_use.h"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <charconv>
#include <string>
#include <string_view>
#include <vector>

#include "common/os/descriptors.h"
#include "common/os/file.h"
#include "common/os/process_info.h"

namespace hpp {
namespace {

// The lines of a descriptor's fdinfo that stand for a watch, proc_pid_fdinfo(5).
std::uint64_t watches_in(std::string_view fdinfo) {
  constexpr std::string_view kWatch = "\ninotify wd:";
  std::uint64_t count = 0;
  for (auto at = fdinfo.find(kWatch); at != std::string_view::npos; at = fdinfo.find(kWatch, at)) {
    at += kWatch.size();
    ++count;
  }
  return count;
}

bool is_ours(pid_t pid) {
  struct stat info {};

  return ::stat(fmt::format("/proc/{}", pid).c_str(), &info) == 0 && info.st_uid == ::getuid();
}

void add_process(pid_t pid, InotifyUse& use) {
  for (const Descriptor& open : descriptors_of(pid).value_or(std::vector<Descriptor>())) {
    if (open.target != "anon_inode:inotify") continue;
    ++use.instances;
    use.watches +=
        watches_in(read_file(fmt::format("/proc/{}/fdinfo/{}", pid, open.number)).value_or(""));
  }
}

}  // namespace

std::uint64_t inotify_limit(const char* name) {
  const std::string text = read_file(fmt::format("/proc/sys/fs/inotify/{}", name)).value_or("");
  std::uint64_t value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

InotifyUse inotify_use() {
  InotifyUse use;
  for (const pid_t pid : all_processes()) {
    if (is_ours(pid)) add_process(pid, use);
  }
  return use;
}

}  // namespace hpp
