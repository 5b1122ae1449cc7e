#include "watchd/watchman/core/expression.h"

#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "common/default_excludes.h"

namespace hpp::watchd::watchman {
namespace {

using Json = nlohmann::json;

Json match(const std::string& glob) {
  return {"match", glob, "wholename", {{"includedotfiles", true}}};
}

Json any_of(std::vector<Json> terms) {
  if (terms.size() == 1) return terms.front();
  Json result = Json::array({"anyof"});
  for (Json& term : terms) result.push_back(std::move(term));
  return result;
}

// Appends the excludes to a conjunction.
void exclude(Json& conjunction, const Filter& filter) {
  std::vector<Json> unwanted;
  for (const auto& glob : filter.excludes) unwanted.push_back(match(glob));
  if (filter.default_excludes) {
    for (const char* glob : default_excludes()) unwanted.push_back(match(glob));
  }
  if (!unwanted.empty()) conjunction.push_back({"not", any_of(std::move(unwanted))});
}

}  // namespace

Json expression_for(const Filter& filter) {
  Json result = Json::array({"allof", {"anyof", {"type", "f"}, {"type", "l"}}});
  std::vector<Json> wanted;
  if (!filter.patterns.empty()) {
    wanted.push_back({"type", "l"});
    for (const auto* globs : {&filter.patterns, &filter.css, &filter.reload}) {
      for (const auto& glob : *globs) wanted.push_back(match(glob));
    }
  }
  if (!wanted.empty()) result.push_back(any_of(std::move(wanted)));
  exclude(result, filter);
  return result;
}

Json links_expression_for(const Filter& filter) {
  Json result = Json::array({"allof", {"type", "l"}});
  exclude(result, filter);
  return result;
}

}  // namespace hpp::watchd::watchman
