#include "supervisord/adapter_directory.h"

#include <filesystem>
#include <system_error>

#include "common/os/program_directory.h"
#include "config.h"

namespace hpp::supervisord {

std::string adapter_directory() {
  namespace fs = std::filesystem;
  const fs::path around = fs::path(program_directory()).parent_path();
  for (const fs::path& path : {around / "adapters", around.parent_path() / "share/hpp/adapters",
                               fs::path(HPP_ADAPTER_DIR)}) {
    std::error_code failed;
    if (fs::is_directory(path, failed)) return path.native();
  }
  return "";
}

}  // namespace hpp::supervisord
