// Walks through every history of a core up to a length, sensible or not, and checks each.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

namespace hpp::test {

// A base class for models: notes the first rule that is broken.
class Rules {
 public:
  void require(bool holds, const char* broken) {
    if (!holds && broken_ == nullptr) broken_ = broken;
  }

  // The first broken rule in words; null: none.
  const char* broken() const { return broken_; }

 private:
  const char* broken_ = nullptr;
};

// `Model` is a core with a model of its surroundings, derived from Rules. It is copied for every
// step. `Move` is something that can happen to it, with the member `name`. The model has the
// members
//   bool allows(const Move&) const              whether the move is possible now
//   void make(const Move&)                      makes it, and checks the rules
//   void recover()                              makes only good moves up to a good end
//   bool has_moved_on(const Model& before) const  whether the last move has led to another state
template <class Model, class Move>
class Walk {
 public:
  // `depth` is the length of the longest histories. After each history of up to `recovery_depth`
  // moves, recover() must reach a good end.
  Walk(const std::vector<Move>& moves, int depth, int recovery_depth)
      : moves_(moves), depth_(depth), recovery_depth_(recovery_depth) {}

  // Walks from this model on. Stops at the first broken rule.
  void from(const Model& model) {
    if (passes(model, "at the beginning")) go(model);
  }

  // Number of histories so far.
  long histories() const { return histories_; }

 private:
  bool go(const Model& model) {
    const int length = static_cast<int>(history_.size());
    if (length <= recovery_depth_ && !recovers(model)) return false;
    if (length == depth_) return true;
    for (const Move& move : moves_) {
      if (!model.allows(move)) continue;
      ++histories_;
      Model next = model;
      history_.push_back(&move);
      next.make(move);
      if (!passes(next, "after") || (next.has_moved_on(model) && !go(next))) return false;
      history_.pop_back();
    }
    return true;
  }

  bool recovers(Model model) const {
    model.recover();
    return passes(model, "recovering after");
  }

  bool passes(const Model& model, const char* when) const {
    if (model.broken() == nullptr) return true;
    std::string names;
    for (const Move* move : history_) names += std::string(", ") + move->name;
    ADD_FAILURE() << model.broken() << ", " << when << names;
    return false;
  }

  const std::vector<Move>& moves_;
  int depth_;
  int recovery_depth_;
  std::vector<const Move*> history_;
  long histories_ = 0;
};

}  // namespace hpp::test
