#include "watchd/core/watchman_config.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>

#include "common/json_text.h"

namespace hpp::watchd {
namespace {

using Json = nlohmann::json;

// The longest pause that is accepted. A longer one would delay restarts, unless a request comes.
constexpr std::chrono::milliseconds kSettleMax{60'000};

std::string_view without_slashes(std::string_view folder) {
  while (folder.starts_with("./")) folder.remove_prefix(2);
  while (folder.ends_with('/')) folder.remove_suffix(1);
  return folder == "." ? "" : folder;
}

// Returns a folder of the root relative to the project folder. Nothing if the folder is not below
// the project folder: then it holds no watched file, or all of them.
std::optional<std::string> seen_from(std::string_view below, std::string_view folder) {
  folder = without_slashes(folder);
  if (!below.empty()) {
    if (!folder.starts_with(below)) return std::nullopt;
    folder.remove_prefix(below.size());
    if (!folder.starts_with('/')) return std::nullopt;
    folder.remove_prefix(1);
  }
  if (folder.empty()) return std::nullopt;
  return std::string(folder);
}

class Reader {
 public:
  Reader(const Json& json, std::string_view below) : json_(json), below_(below) {}

  WatchmanConfig read() {
    config_.ignored.clear();
    ignore(Json::array({".git", ".hg", ".svn"}), "ignore_vcs");
    ignore(Json::array(), "ignore_dirs");
    read_settle();
    std::sort(config_.ignored.begin(), config_.ignored.end());
    return std::move(config_);
  }

 private:
  void ignore(const Json& by_default, const char* key) {
    const auto found = json_.find(key);
    const bool is_list =
        found != json_.end() && found->is_array() &&
        std::all_of(found->begin(), found->end(), [](const Json& one) { return one.is_string(); });
    if (found != json_.end() && !is_list) complain(key, "must be a list of folder names");
    for (const Json& folder : is_list ? *found : by_default) {
      if (auto name = seen_from(below_, folder.get_ref<const std::string&>())) {
        config_.ignored.push_back(std::move(*name));
      }
    }
  }

  void read_settle() {
    const auto found = json_.find("settle");
    if (found == json_.end()) return;
    const bool is_count = found->is_number_unsigned() &&
                          found->get<std::uint64_t>() <= std::uint64_t{kSettleMax.count()};
    if (!is_count) {
      return complain("settle", fmt::format("must be a number of milliseconds from 0 to {}",
                                            kSettleMax.count()));
    }
    config_.settle = std::chrono::milliseconds{found->get<std::uint64_t>()};
  }

  void complain(std::string_view key, std::string_view what) {
    if (!config_.problem.empty()) config_.problem += "; ";
    config_.problem += fmt::format("{} {}", key, what);
  }

  const Json& json_;
  std::string_view below_;
  WatchmanConfig config_;
};

WatchmanConfig defaults(std::string_view below, std::string problem) {
  const Json nothing = Json::object();
  WatchmanConfig config = Reader(nothing, below).read();
  config.problem = std::move(problem);
  return config;
}

}  // namespace

// An empty file is as good as `{}`, because people mark a root with `touch`.
WatchmanConfig read_watchman_config(std::string_view text, std::string_view below) {
  if (text.find_first_not_of(" \t\r\n") == std::string_view::npos) return defaults(below, "");
  const Json json = parse_json(text);
  if (json.is_discarded()) {
    return defaults(below, fmt::format("line {} is not JSON", line_of_json_error(text)));
  }
  if (!json.is_object()) return defaults(below, "the file must contain a JSON object");
  return Reader(json, below).read();
}

}  // namespace hpp::watchd
