#include "ctl/core/choice.h"

#include <gtest/gtest.h>

namespace hpp::ctl {
namespace {

Instance at(const std::string& name, const std::string& directory) {
  return {.name = name, .pid = 1, .url = "http://" + name, .directory = directory};
}

// The chosen instance's name, or the reason why none was chosen.
std::string chosen(const std::vector<Instance>& running, std::string_view name,
                   std::string_view directory) {
  const auto choice = choose(running, name, directory);
  if (const auto* const one = std::get_if<Instance>(&choice)) return one->name;
  return std::get<NoChoice>(choice).why;
}

TEST(Choice, IsTheInstanceInThisFolderOrTheNearestAbove) {
  const std::vector<Instance> running{at("a", "/p"), at("b", "/p/q"), at("c", "/pq"), at("d", "")};
  EXPECT_EQ(chosen(running, "", "/p"), "a");
  EXPECT_EQ(chosen(running, "", "/p/x/y"), "a");
  EXPECT_EQ(chosen(running, "", "/p/qq"), "a");
  EXPECT_EQ(chosen(running, "", "/p/q"), "b");
  EXPECT_EQ(chosen(running, "", "/p/q/r"), "b");
  EXPECT_EQ(chosen(running, "", "/pq/r"), "c");
  EXPECT_EQ(chosen({at("root", "/"), at("a", "/p")}, "", "/x"), "root");
  EXPECT_EQ(chosen({at("a", "/p"), at("root", "/")}, "", "/p"), "a");
}

TEST(Choice, IsTheInstanceWithTheNameInAnyFolder) {
  const std::vector<Instance> running{at("a", "/p"), at("b", "/q")};
  EXPECT_EQ(chosen(running, "b", "/p"), "b");
  EXPECT_EQ(chosen(running, "a", "/x"), "a");
}

TEST(Choice, IsNeverAnInstanceInAnUnrelatedFolder) {
  const std::vector<Instance> running{at("a", "/p"), at("b", "/q"), at("c", "/q")};
  const std::string all = "running: a (http://a, in /p); b (http://b, in /q); c (http://c, in /q)";
  EXPECT_EQ(chosen({}, "", "/p"), "no hpp is running");
  EXPECT_EQ(chosen({}, "a", "/p"), "no hpp is running");
  EXPECT_EQ(chosen({at("a", "/p")}, "", "/"),
            "no hpp is running in /, or in a folder above it; running: a (http://a, in /p)");
  EXPECT_EQ(chosen(running, "", "/x"), "no hpp is running in /x, or in a folder above it; " + all);
  EXPECT_EQ(chosen(running, "d", "/p"), "no hpp of the name d is running; " + all);
  EXPECT_EQ(chosen(running, "", "/q/r"),
            "several are running, choose one with --name: b (http://b, in /q); "
            "c (http://c, in /q)");
}

TEST(Choice, AmongInstancesWithTheSameNameIsTheOneInThisFolder) {
  std::vector<Instance> running{at("a", "/long/path/p"), at("a", "/q"), at("b", "/q")};
  running[0].run_directory = "/run/user/1000/hpp/a";
  running[1].run_directory = "/tmp/hpp-1000/a";
  const auto choice = choose(running, "a", "/q/src");
  ASSERT_TRUE(std::holds_alternative<Instance>(choice));
  EXPECT_EQ(std::get<Instance>(choice).directory, "/q");
  EXPECT_EQ(chosen(running, "a", "/elsewhere"),
            "several of the same name are running, choose one with --run-dir: "
            "a (http://a, in /long/path/p, run directory /run/user/1000/hpp/a); "
            "a (http://a, in /q, run directory /tmp/hpp-1000/a)");
  running[0].directory = "/q";
  EXPECT_TRUE(chosen(running, "a", "/q").starts_with("several of the same name are running"));
  running.pop_back();
  EXPECT_TRUE(chosen(running, "", "/q").starts_with("several of the same name are running"));
}

}  // namespace
}  // namespace hpp::ctl
