#include "common/os/real_path.h"

#include <filesystem>
#include <system_error>

namespace hpp {

std::string real_path(const std::string& path) {
  namespace fs = std::filesystem;
  std::error_code error;
  fs::path real = fs::canonical(path, error);  // weakly_canonical() would look at each part first
  if (error) real = fs::weakly_canonical(path, error);
  return error ? path : real.native();
}

}  // namespace hpp
