// Pure. Recognises the kind of a project by its files, and proposes the command that starts it.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

namespace hpp::launch {

// The files of the project folder that recognise() looks at.
struct ProjectFiles {
  std::vector<std::string> names;            // relative paths; folders, too
  std::map<std::string, std::string> texts;  // the beginnings of those in read_files(), by path
};

// The paths below the project folder whose existence matters, besides those directly in it.
const std::vector<std::string>& looked_for();
// The paths of the files whose text matters.
const std::vector<std::string>& read_files();

// A way to start the project. `{PORT}` in the command stands for the port of the server.
struct Proposal {
  std::string kind;    // `a Django project`
  std::string reason;  // the file that shows it: `manage.py`
  std::vector<std::string> command;
  std::string build;                  // --build; may be empty
  std::vector<std::string> excludes;  // files that the server or its build writes
};

std::optional<Proposal> recognise(const ProjectFiles& files);

// `hpp-launch 8000 --exec python3 manage.py runserver --noreload {PORT}`
std::string launch_line(const Proposal& proposal);

// The text of an hpp.toml. Without a proposal, `exec` is a comment that the user has to fill in.
std::string toml_text(const std::optional<Proposal>& proposal);

}  // namespace hpp::launch
