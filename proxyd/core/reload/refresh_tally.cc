#include "proxyd/core/reload/refresh_tally.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <string_view>
#include <utility>
#include <vector>

namespace hpp::proxyd {
namespace {

std::string count_of(std::size_t count, std::string_view noun) {
  return fmt::format("{} {}{}", count, noun, count == 1 ? "" : "s");
}

}  // namespace

std::optional<std::string> RefreshTally::begin(Batch batch) {
  batch_ = std::move(batch);
  swapped_ = unaffected_ = reloaded_ = 0;
  return batch_->pages == 0 ? end() : std::nullopt;
}

std::optional<std::string> RefreshTally::on(const RefreshReport& report) {
  if (!batch_ || batch_->point != report.point) return std::nullopt;
  switch (report.how) {
    case RefreshReport::How::Swapped:
      ++swapped_;
      break;
    case RefreshReport::How::Unaffected:
      ++unaffected_;
      break;
    case RefreshReport::How::Reloaded:
      ++reloaded_;
      break;
  }
  return reports() >= batch_->pages ? end() : std::nullopt;
}

std::optional<std::string> RefreshTally::end() {
  if (!batch_) return std::nullopt;
  std::string text = line();
  batch_.reset();
  return text;
}

std::string RefreshTally::line() const {
  const auto& [point, why, pages, others] = *batch_;
  if (pages == 0) return fmt::format("{}: notified {}", why, count_of(others, "browser"));
  std::vector<std::string> parts;
  if (swapped_ > 0) parts.push_back("swapped in " + count_of(swapped_, "page"));
  if (reloaded_ > 0) parts.push_back("reloaded " + count_of(reloaded_, "page"));
  if (unaffected_ > 0) parts.push_back(count_of(unaffected_, "page") + " without style sheets");
  if (reports() < pages) {
    const std::size_t silent = pages - reports();
    parts.push_back(fmt::format("{} {} not reported (hidden tabs update when they are shown)",
                                count_of(silent, "page"), silent == 1 ? "has" : "have"));
  }
  if (others > 0) parts.push_back("notified " + count_of(others, "other browser"));
  return fmt::format("{}: {}", why, fmt::join(parts, ", "));
}

}  // namespace hpp::proxyd
