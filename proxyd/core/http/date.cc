#include "proxyd/core/http/date.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>

#include "common/read_number.h"

namespace hpp::proxyd {
namespace {

using namespace std::chrono;

constexpr std::array<std::string_view, 7> kDays{"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
constexpr std::array<std::string_view, 12> kMonths{"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                   "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
// An example of the format, which shows the position of each part.
constexpr std::string_view kForm = "Sun, 06 Nov 1994 08:49:37 GMT";

std::optional<int> number(std::string_view digits) {
  return digits.starts_with('-') ? std::nullopt : read_number<int>(digits);
}

}  // namespace

std::string http_date(std::int64_t now_ms) {
  const sys_seconds time{floor<seconds>(milliseconds{now_ms})};
  const sys_days day = floor<days>(time);
  const year_month_day date{day};
  const hh_mm_ss clock{time - day};
  return fmt::format("{}, {:02} {} {:04} {:02}:{:02}:{:02} GMT", kDays[weekday{day}.c_encoding()],
                     static_cast<unsigned>(date.day()),
                     kMonths[static_cast<unsigned>(date.month()) - 1],
                     static_cast<int>(date.year()), clock.hours().count(), clock.minutes().count(),
                     clock.seconds().count());
}

std::optional<std::int64_t> read_http_date(std::string_view text) {
  if (text.size() != kForm.size()) return std::nullopt;
  for (std::size_t i = 3; i < kForm.size(); ++i) {
    const bool is_punctuation = kForm[i] == ' ' || kForm[i] == ',' || kForm[i] == ':';
    if (is_punctuation && text[i] != kForm[i]) return std::nullopt;
  }
  const auto month = std::find(kMonths.begin(), kMonths.end(), text.substr(8, 3));
  const auto day_of_month = number(text.substr(5, 2));
  const auto year_number = number(text.substr(12, 4));
  const auto hour = number(text.substr(17, 2));
  const auto minute = number(text.substr(20, 2));
  const auto second = number(text.substr(23, 2));
  const bool is_complete = month != kMonths.end() && day_of_month && year_number && hour &&
                           minute && second && text.ends_with("GMT");
  if (!is_complete || *hour > 23 || *minute > 59 || *second > 60) return std::nullopt;
  const year_month_day date{year{*year_number},
                            std::chrono::month{static_cast<unsigned>(month - kMonths.begin()) + 1},
                            day{static_cast<unsigned>(*day_of_month)}};
  if (!date.ok()) return std::nullopt;
  const sys_seconds time = sys_days{date} + hours{*hour} + minutes{*minute} + seconds{*second};
  return time.time_since_epoch().count();
}

}  // namespace hpp::proxyd
