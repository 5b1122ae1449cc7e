// Tells whether two descriptors refer to the same file.
#pragma once

#include <sys/stat.h>

namespace hpp {

// Whether both descriptors refer to the same file, pipe, socket or device. Returns false if one of
// them is not open.
inline bool is_same_file(int one, int other) {
  struct stat first {};

  struct stat second {};

  return ::fstat(one, &first) == 0 && ::fstat(other, &second) == 0 &&
         first.st_dev == second.st_dev && first.st_ino == second.st_ino;
}

}  // namespace hpp
