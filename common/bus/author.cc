#include "common/bus/author.h"

#include <algorithm>
#include <cassert>
#include <utility>

namespace hpp::bus {

void Author::resume(Message last) {
  assert(!has_published_ && stamp_of(last).author == stamp_.author);
  stamp_ = stamp_of(last);
  stamp_.sequence += kSequencesSkipped;
  last_ = std::move(last);
}

std::optional<Author::Sending> Author::publish(Message message) {
  message = limited(std::move(message));
  set_stamp(message, stamp_);
  if (has_published_ && message == *last_) return std::nullopt;
  const News news = has_published_ ? news_of(message, *last_) : News::Durable;
  ++stamp_.sequence;
  set_stamp(message, stamp_);
  last_ = std::move(message);
  has_published_ = true;
  const bool restarts_timer = std::exchange(repeat_delay_, kRepeatMin) != kRepeatMin;
  return Sending{.news = news, .restarts_timer = restarts_timer};
}

Message Author::kept() const {
  assert(has_published_);
  Message message = durable(*last_);
  set_stamp(message, stamp_);
  return message;
}

void Author::repeated(bool is_file_written) {
  repeat_delay_ = is_file_written ? std::min(2 * repeat_delay_, kRepeatMax) : kRepeatMin;
}

}  // namespace hpp::bus
