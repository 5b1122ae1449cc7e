#include "watchd/git_ignore.h"

#include <fmt/format.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <map>
#include <string_view>
#include <system_error>
#include <unordered_set>
#include <utility>

#include "common/event/child.h"
#include "common/event/timer.h"
#include "common/os/error.h"
#include "common/take_until.h"
#include "common/text.h"
#include "watchd/repositories.h"

namespace hpp::watchd {
namespace {

// How long git may take. For an index of 500,000 files it takes a tenth of this.
constexpr Milliseconds kPatience{2'000};

// How many submodules are left out of a question, one after the other, before hpp gives up.
constexpr int kSubmodulesMax = 16;

// git-check-ignore(1)
constexpr int kSomeIgnored = 0;
constexpr int kNoneIgnored = 1;

// A file in memory, from which git reads or to which it writes. With a pipe, both sides could wait
// for each other.
class MemoryFile {
 public:
  explicit MemoryFile(const char* name) : fd_(::memfd_create(name, MFD_CLOEXEC)) {
    if (!fd_.is_open()) throw_errno("cannot make a file in memory");
  }

  int fd() const { return fd_.get(); }

  // Writes the text without moving the offset, so that git reads it from the beginning. Throws
  // std::system_error.
  void fill(const std::string& text) {
    if (::pwrite(fd_.get(), text.data(), text.size(), 0) != static_cast<ssize_t>(text.size())) {
      throw_errno("cannot write the input of git check-ignore");
    }
  }

  std::string text() const {
    std::string text(static_cast<std::size_t>(::lseek(fd_.get(), 0, SEEK_END)), '\0');
    const ssize_t got = ::pread(fd_.get(), text.data(), text.size(), 0);
    text.resize(static_cast<std::size_t>(std::max<ssize_t>(0, got)));
    return text;
  }

 private:
  UniqueFd fd_;
};

// `./` in front, because git reads a name that begins with a colon as a pathspec with magic
// (gitglossary(7), pathspec).
std::string named(const std::string& file) {
  return "./" + file;
}

// Splits a text at its zero bytes.
std::unordered_set<std::string_view> names_in(std::string_view text) {
  std::unordered_set<std::string_view> names;
  while (!text.empty()) names.insert(take_until('\0', text));
  return names;
}

// git explains a failure in the first line, for example
// `fatal: not a git repository (or any of the parent directories): .git`.
std::string first_line(const std::string& text) {
  return text.substr(0, text.find('\n'));
}

// The folder of the submodule for which git refuses the whole list, from git's error message:
// `fatal: Pathspec './module/a.py' is in submodule 'module'`. git names the submodule by its path
// from the top of the repository, which may be above the folder that git runs in. Empty: the
// message is another one.
std::string refused_submodule(std::string_view said) {
  constexpr std::string_view kBegin = "fatal: Pathspec './";
  constexpr std::string_view kMiddle = "' is in submodule '";
  const auto middle = said.find(kMiddle);
  if (!said.starts_with(kBegin) || !said.ends_with('\'') || middle == std::string_view::npos) {
    return "";
  }
  std::string folder(said.substr(kBegin.size(), middle - kBegin.size()));
  said.remove_suffix(1);
  const std::string_view submodule = said.substr(middle + kMiddle.size());
  for (auto slash = folder.rfind('/'); slash != std::string::npos; slash = folder.rfind('/')) {
    folder.resize(slash);
    if (submodule == folder || submodule.ends_with('/' + folder)) return folder;
  }
  return "";
}

struct Answer {
  std::vector<std::string> ignored;  // paths that git ignores
  std::string problem;               // why git did not answer; empty: it did
  std::string submodule;             // folder that caused the problem; empty: no submodule did
};

// Throws std::system_error if git cannot be run.
Answer check_ignore(const std::string& directory, const std::vector<std::string>& paths) {
  MemoryFile input("hpp-files");
  MemoryFile output("hpp-ignored");
  MemoryFile errors("hpp-git-errors");
  std::string list;
  for (const std::string& path : paths) list += named(path) + '\0';
  input.fill(list);
  Loop loop;
  ChildRequest request{.command = {"git", "check-ignore", "-z", "--stdin"}, .directory = directory};
  request.environment = {{"LC_ALL", "C"}};
  request.stdin_fd = input.fd();
  request.stdout_fd = output.fd();
  request.stderr_fd = errors.fd();
  request.death_signal = SIGKILL;
  ExitStatus end;
  const Child git(loop, request, [&](ExitStatus status) {
    end = status;
    loop.stop();
  });
  Timer patience(loop, [&] { git.kill(SIGKILL); });
  patience.start(kPatience);
  loop.run();
  if (end == ExitStatus{.number = kNoneIgnored}) return {};
  if (end != ExitStatus{.number = kSomeIgnored}) {
    const std::string said = first_line(errors.text());
    return {.ignored = {},
            .problem = said.empty() ? "git check-ignore: " + to_string(end)
                                    : "git says: " + printable(said),
            .submodule = refused_submodule(said)};
  }
  const std::string text = output.text();
  const auto names = names_in(text);
  Answer answer;
  std::copy_if(paths.begin(), paths.end(), std::back_inserter(answer.ignored),
               [&](const std::string& path) { return names.contains(named(path)); });
  return answer;
}

// A submodule that was deleted or deinitialised has no `.git`, but it is still in git's index, so
// git refuses the list. Its files are left out of the question, and count as not ignored.
Answer ask_git(const std::string& directory, std::vector<std::string> paths) {
  try {
    Answer answer = check_ignore(directory, paths);
    for (int i = 0; i < kSubmodulesMax && !answer.submodule.empty(); ++i) {
      std::erase_if(paths, [below = answer.submodule + '/'](const std::string& path) {
        return path.starts_with(below);
      });
      answer = check_ignore(directory, paths);
    }
    return answer;
  } catch (const std::system_error& error) {
    return {
        .ignored = {}, .problem = std::string("cannot run git: ") + error.what(), .submodule = {}};
  }
}

// The question to one repository.
struct Question {
  std::vector<std::string> paths;  // relative to the repository's folder
  std::vector<std::string> names;  // `paths` relative to the project folder
  bool has_files = false;          // false: all paths are folders of nested repositories
};

// Sorts files by the repositories that they belong to.
class Questions {
 public:
  explicit Questions(const std::string& directory) : repositories_(directory) {}

  // git has no rules for a file in no repository outside the directory.
  void add_file(const std::string& file) {
    if (repositories_.folder_of(file) != Repositories::kNone) add(file).has_files = true;
  }

  // In the map's order, a repository comes before the repositories in it.
  const std::map<std::string, Question>& by_folder() const { return by_folder_; }

 private:
  Question& add(const std::string& path) {
    const std::string& folder = repositories_.folder_of(path);
    const bool is_nested = !folder.empty() && !folder.starts_with('/');
    if (is_nested && !by_folder_.contains(folder)) add(folder);
    Question& question = by_folder_[folder];
    question.paths.push_back(repositories_.path_in_repository(path));
    question.names.push_back(path);
    return question;
  }

  Repositories repositories_;
  std::map<std::string, Question> by_folder_;
};

}  // namespace

Sifted without_ignored(const std::string& directory, const std::vector<std::string>& files) {
  Questions questions(directory);
  for (const std::string& file : files) questions.add_file(file);
  Sifted sifted;
  std::unordered_set<std::string> ignored;
  for (const auto& [folder, question] : questions.by_folder()) {
    Answer answer;
    if (ignored.contains(folder)) {
      answer.ignored = question.paths;
    } else {
      answer = ask_git(folder.starts_with('/') ? folder : directory + '/' + folder, question.paths);
    }
    const std::unordered_set<std::string> paths(answer.ignored.begin(), answer.ignored.end());
    for (std::size_t i = 0; i < question.paths.size(); ++i) {
      if (paths.contains(question.paths[i])) ignored.insert(question.names[i]);
    }
    // A folder with several repositories need not be a repository itself: that is no problem unless
    // it has files of its own in the question.
    if (question.has_files && sifted.problem.empty()) sifted.problem = std::move(answer.problem);
  }
  std::copy_if(files.begin(), files.end(), std::back_inserter(sifted.files),
               [&](const std::string& file) { return !ignored.contains(file); });
  return sifted;
}

}  // namespace hpp::watchd
