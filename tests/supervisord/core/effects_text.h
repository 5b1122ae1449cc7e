// The effects of core/backend as short lines, so that a test reads as a protocol.
#pragma once

#include <fmt/format.h>

#include <string>
#include <variant>
#include <vector>

#include "supervisord/core/backend.h"

namespace hpp::supervisord {

// `Running 2 pid 200 serves 7:2 seen 7:2`; members that are not set are left out.
inline std::string text_of(const bus::BackendState& s) {
  std::string text = fmt::format("{} {}", bus::to_string(s.state), s.generation);
  const auto point = [&](const char* name, const bus::TreePoint& p) {
    if (p.epoch != 0) text += fmt::format(" {} {}:{}", name, p.epoch, p.revision);
  };
  if (s.pid != 0) text += fmt::format(" pid {}", s.pid);
  point("serves", s.serves);
  point("seen", s.seen);
  if (s.exit && s.exit->code) text += fmt::format(" code {}", *s.exit->code);
  if (s.exit && s.exit->signal) text += fmt::format(" signal {}", *s.exit->signal);
  if (s.exit && !s.exit->spawn_error.empty()) {
    text += fmt::format(" spawn '{}'", s.exit->spawn_error);
  }
  if (!s.output_tail.empty()) text += fmt::format(" tail '{}'", s.output_tail);
  if (!s.problem.empty()) text += fmt::format(" problem '{}'", s.problem);
  if (!s.delay.empty()) text += fmt::format(" delay '{}'", s.delay);
  if (!s.address.empty()) text += " at " + s.address;
  if (!s.stranger.empty()) text += fmt::format(" by '{}'", s.stranger);
  return text;
}

struct EffectText {
  std::string operator()(const Spawn& e) const { return fmt::format("Spawn {}", e.generation); }

  std::string operator()(const RunStep& e) const { return "RunStep " + e.command; }

  std::string operator()(const KillTree&) const { return "KillTree"; }

  std::string operator()(const StartProbe& e) const {
    switch (e.of) {
      case StartProbe::Of::Tree:
        break;
      case StartProbe::Of::Anybody:
        return fmt::format("StartProbe {} of anybody", e.generation);
      case StartProbe::Of::TreeInstead:
        return fmt::format("StartProbe {} instead", e.generation);
    }
    return fmt::format("StartProbe {}", e.generation);
  }

  std::string operator()(const StopProbe&) const { return "StopProbe"; }

  std::string operator()(const Publish& e) const { return "Publish " + text_of(e.snapshot); }

  std::string operator()(const Say& e) const { return "Say " + e.text; }

  std::string operator()(const StartTimer& e) const {
    return fmt::format("StartTimer {} ms", e.after.count());
  }

  std::string operator()(const Leave&) const { return "Leave"; }
};

inline std::vector<std::string> texts_of(const Effects& effects) {
  std::vector<std::string> texts;
  for (const auto& effect : effects) texts.push_back(std::visit(EffectText{}, effect));
  return texts;
}

}  // namespace hpp::supervisord
