// The identity of a directory: its device and inode. While a descriptor of the directory is open,
// no other directory can get the same one.
#pragma once

#include <string>

namespace hpp {

// Returns the id of the directory at the path, `2049:1234`. Empty if there is none.
std::string directory_id(const std::string& path);

// Returns the id of an open directory.
std::string directory_id(int fd);

}  // namespace hpp
