#include "supervisord/core/strangers.h"

namespace hpp::supervisord {

bool Strangers::on_found(TimePoint now) {
  if (!std::exchange(is_found_, true)) since_ = now;
  if (are_accepted_ || now - since_ < kStrangerWait) return false;
  are_accepted_ = true;
  return true;
}

void Strangers::on_answer(bool is_strangers) {
  is_found_ = false;
  if (!is_strangers) has_blamed_ = false;
}

}  // namespace hpp::supervisord
