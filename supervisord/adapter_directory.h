// Shell. Finds the adapters that are installed with hpp.
#pragma once

#include <string>

namespace hpp::supervisord {

// Returns the directory with a folder for each language: in the build tree of this program, then
// `../../share/hpp/adapters` (which also works after the installation was moved), then the
// directory that the build was configured with. Empty: there is none.
std::string adapter_directory();

}  // namespace hpp::supervisord
