// Shell. Reads on which file systems a folder lies.
#pragma once

#include <string>

#include "common/mounts.h"

namespace hpp {

// Returns the file systems of a folder (absolute path; symbolic links are followed). A folder that
// does not exist has the file systems of its parent.
FolderMounts mounts_of_folder(const std::string& folder);

}  // namespace hpp
