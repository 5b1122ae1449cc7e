#include "proxyd/core/reload/broadcast.h"

#include <nlohmann/json.hpp>
#include <utility>

#include "common/json_text.h"
#include "common/text.h"
#include "proxyd/core/crash.h"

namespace hpp::proxyd {
namespace {

using Json = nlohmann::json;

// Returns the commands for the newest refresh.
std::vector<std::string> commands_for(const bus::Refresh& refresh) {
  if (refresh.reload_count > 0) return {livereload_reload(refresh.reload.front())};
  std::vector<std::string> commands;
  for (const std::string& path : refresh.css) commands.push_back(livereload_css(path));
  // If not all changed files are listed, all style sheets must be reloaded. Clients do that for a
  // name that no style sheet has.
  if (refresh.css_count > refresh.css.size()) commands = {livereload_css("*.css")};
  return commands;
}

std::string reason_for(const bus::Refresh& refresh) {
  // watchd only counts up, so this is a bug in watchd. Browsers reload, because their pages may be
  // outdated.
  if (refresh.count == 0) return "hpp-watchd has lost count of the changes";
  const auto& first = refresh.reload_count > 0 ? refresh.reload : refresh.css;
  return files_changed(printable(first.front()), refresh.reload_count + refresh.css_count);
}

// The numbers that hpp's client compares have at most 53 bits, so JavaScript represents them
// exactly.
Json write_refresh(const bus::TreePoint& tree, const bus::Refresh& refresh) {
  return {{"epoch", tree.epoch},
          {"count", refresh.count},
          {"css", refresh.css},
          {"all_css", refresh.css_count > refresh.css.size()},
          {"page", refresh.reload_count > 0}};
}

Json write_crash(const bus::BackendState& backend, const FailureNotes& notes,
                 const Viewer& viewer) {
  if (!viewer.sees_output) {
    return {
        {"how", "it has failed"}, {"next", what_next(backend)}, {"command", ""}, {"output", ""}};
  }
  Json json = crash_json(backend, notes.requests);
  if (viewer.has_editor && !notes.editor.empty()) json["editor"] = notes.editor;
  return json;
}

}  // namespace

Outgoing Broadcast::on(const bus::BackendState& backend, const FailureNotes& notes) {
  Outgoing outgoing;
  if (rule_.on(backend)) outgoing.official.push_back(livereload_reload());
  backend_ = backend;
  notes_ = notes;
  outgoing.state = has_changed();
  return outgoing;
}

// A tree comes with every answered ticket, so most trees bring no change.
Outgoing Broadcast::on(const bus::TreeState& tree) {
  if (tree.point() == tree_ && tree.refresh.count == refresh_.count) return {};
  const bool is_known = tree_.epoch == tree.stamp.epoch;
  const std::uint64_t before = refresh_.count;
  tree_ = tree.point();
  refresh_ = tree.refresh;
  Outgoing outgoing;
  // A tree with a new epoch comes from a watchd that could not read its snapshot. It restarts the
  // backend, which makes browsers reload.
  if (is_known && refresh_.count != before) {
    const bool is_next = refresh_.count == before + 1;
    outgoing.official = is_next ? commands_for(refresh_) : std::vector{livereload_reload()};
    outgoing.why = reason_for(refresh_);
    outgoing.refresh = tree.refresh_point();
  }
  outgoing.state = has_changed();
  return outgoing;
}

std::string Broadcast::state(const Viewer& viewer) const {
  if (!backend_) return "";
  Json json{{"command", "state"},
            {"state", bus::to_string(is_doomed() ? bus::BackendPhase::Killing : backend_->state)},
            {"epoch", backend_->stamp.epoch},
            {"generation", backend_->generation},
            {"refresh", write_refresh(tree_, refresh_)}};
  // Also if a build beside the running backend has failed, so that pages show a strip.
  const bool is_settled = json["state"] == "Error" || json["state"] == "Running";
  if (is_settled && has_failed(*backend_)) json["crash"] = write_crash(*backend_, notes_, viewer);
  return json_text(json);
}

// Whether watchd has reported a change that supervisord has not acted on yet. A page must not
// reload now: it would get the answer of the next backend, which may crash.
bool Broadcast::is_doomed() const {
  return backend_->seen.epoch == tree_.epoch && backend_->seen.revision < tree_.revision;
}

bool Broadcast::has_changed() {
  std::string now = state({.sees_output = true, .has_editor = true});
  if (now == sent_) return false;
  sent_ = std::move(now);
  return true;
}

}  // namespace hpp::proxyd
