// Shell. Runs the developer's editor (core/editor.h). The editor outlives hpp.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "common/event/child.h"
#include "common/event/loop.h"
#include "proxyd/core/editor.h"

namespace hpp::proxyd {

class EditorRunner {
 public:
  // Reads HPP_EDITOR. `loop` must outlive this.
  explicit EditorRunner(Loop& loop);

  // Whether HPP_EDITOR is set.
  bool has_command() const { return !command_.empty(); }

  // Returns why the editor cannot be run; empty if it was started. If it fails later, a line is
  // logged.
  std::string open(const EditorPlace& place);

 private:
  Loop& loop_;
  std::string command_;
  std::unique_ptr<Child> child_;
};

}  // namespace hpp::proxyd
