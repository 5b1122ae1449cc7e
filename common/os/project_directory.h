// The project folder. hpp remembers its path, not the directory itself. If the directory is
// replaced while hpp runs (`git checkout`, `mv` and `cp`, a symbolic link that is switched), hpp
// continues with the new one.
#pragma once

#include <string>
#include <utility>

namespace hpp {

// Returns the path of the working directory. Like `pwd -L`, it is $PWD if that names the working
// directory, so that a symbolic link in the path is followed again each time. Otherwise it is the
// kernel's path.
// Throws std::system_error if the working directory was removed.
std::string project_directory();

// Returns the name and value of the environment variable by which hpp-launch passes the path to its
// helpers. The working directory of a restarted helper may be the old directory, so it cannot find
// out the path itself.
std::pair<std::string, std::string> project_directory_variable(const std::string& path);

// Returns the path that hpp-launch has passed to this helper, and removes it from the environment.
// The directory may be missing. Without hpp-launch, returns project_directory().
std::string take_project_directory();

// Returns why no program can be started in the project folder, as a text for the user. Empty if the
// folder exists.
std::string project_directory_problem(const std::string& path);

}  // namespace hpp
