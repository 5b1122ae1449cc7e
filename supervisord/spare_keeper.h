// Shell. Runs the spare of the backend's command, and the gates of spare and backend (--warm):
// turns lines, exits and timers into events of core/spare, and performs the effects that it
// returns.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "common/event/child.h"
#include "common/event/loop.h"
#include "common/event/timer.h"
#include "common/options.h"
#include "supervisord/core/adapters.h"
#include "supervisord/core/file_marks.h"
#include "supervisord/core/spare.h"
#include "supervisord/gate.h"
#include "supervisord/held_output.h"
#include "supervisord/job.h"
#include "supervisord/output.h"
#include "supervisord/project.h"
#include "supervisord/tree_killer.h"

namespace hpp::supervisord {

// Two files in the run directory belong to the gate: the list of modules, which the processes write
// and read, and the lines with which the backend's process has introduced itself. From these, the
// supervisord after a crash starts a spare. The spare of the crashed one ends by itself, because
// its gate is closed.
class SpareKeeper {
 public:
  struct Means {
    // Completes the request for a process of the backend's command, but for the gate.
    std::function<ChildRequest(const std::string& tag, const Output::Ends& ends)> request;
    std::function<void(SpareFailed)> on_failed;
    std::function<void(const std::string& line)> say;
    // The socket that processes get (--socket); -1: none.
    std::function<int()> handed;
  };

  // All reference arguments except `options` must outlive this.
  SpareKeeper(Loop& loop, TreeKiller& killer, const Project& project, const Options& options,
              const Output& output, Means means);

  // To be called once. `has_server` says that the backend was taken over from an earlier
  // supervisord.
  void begin(bool has_server);

  // The backend's core has published a snapshot.
  void on_published(const bus::BackendState& snapshot, Backend::State state);

  // watchd has sent a report.
  void on_tree(const bus::TreeState& tree);

  void on_restart_requested() { dispatch(RestartRequested{}); }

  // The backend answers, or has ended. Its process may have sent lines before.
  void read_lines();

  // The backend's first process has ended.
  void on_server_end(ExitStatus status);

  // How a generation starts: with a spare, whose gate this has opened, or with a new process.
  struct Start {
    bool is_warm = false;
    std::string cold_because;  // see Spawned
  };

  Start start(std::uint64_t generation);

  // After a warm start: the process and its output.
  struct Promoted {
    std::unique_ptr<Job> job;  // its `on_end` still has to be set
    std::vector<UniqueFd> readers;
    std::vector<std::string> earlier;  // see Output::take_over
  };

  Promoted take_promoted();

  // For a cold start: adds the gate to the request, if the process gets one.
  void add_gate(ChildRequest& request) const;

  // After a cold start, or its failure.
  void on_spawned();

  // Removes the files.
  void leave();

 private:
  void dispatch(const spare::Event& event);
  void perform(const spare::StartSpare& effect);
  void perform(const spare::Inspect& effect);
  void perform(const spare::Compare& effect);
  void perform(const spare::Discard& effect);
  void perform(const spare::Promote& effect);
  void perform(const spare::StartCold& effect);
  void perform(const spare::Remember& effect);
  void perform(const SpareFailed& effect);
  void perform(const Say& effect);
  void perform(const StartTimer& effect);

  std::unique_ptr<Gate> make_gate(spare::Of of, const std::string& task);
  void complete(ChildRequest& request, const Gate& gate, const Environment& more) const;
  FileMarks marks() const;

  Loop& loop_;
  TreeKiller& killer_;
  const Project& project_;
  const Output& output_;
  Means means_;
  std::vector<std::string> command_;
  std::vector<std::string> roots_;  // paths of all watched directories, first the project folder
  std::string list_;                // path of the list of modules
  std::string lines_;               // path of the lines
  Environment environment_;         // of every process with a gate
  Spare core_;
  std::unique_ptr<Gate> server_gate_;
  std::unique_ptr<Gate> spare_gate_;
  std::unique_ptr<Job> job_;  // the spare
  std::unique_ptr<HeldOutput> held_;
  FileMarks marks_;          // when the spare was started
  std::uint64_t count_ = 0;  // of spares so far
  Start start_;              // the answer to StartDue
  Timer timer_;
};

}  // namespace hpp::supervisord
