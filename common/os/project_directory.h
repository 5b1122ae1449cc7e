// The project folder. hpp remembers its path, not the directory that was there at the start: the
// directory may be replaced while hpp runs (`git checkout`, `mv` and `cp`, a symbolic link that is
// switched), and then hpp goes on with the new one.
#pragma once

#include <string>
#include <utility>

namespace hpp {

// Returns the path of the working directory: $PWD if that names it, as `pwd -L` does, so that a
// symbolic link on the way is followed again each time; else the kernel's path of it.
// Throws std::system_error if the working directory was removed.
std::string project_directory();

// Returns the name and value of the environment variable by which hpp-launch passes the path to its
// helpers. A helper that is restarted cannot ask for it: its working directory is the old one.
std::pair<std::string, std::string> project_directory_variable(const std::string& path);

// Returns the path that hpp-launch has passed to this helper, and removes it from the environment;
// the directory may be missing. Without hpp-launch: project_directory().
std::string take_project_directory();

// Returns why no program can be started in the project folder, in words for the user; empty if it
// is there.
std::string project_directory_problem(const std::string& path);

}  // namespace hpp
