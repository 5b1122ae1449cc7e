#include "ctl/core/doctor.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "common/git_lock.h"

namespace hpp::ctl {
namespace {

// A machine on which nothing is wrong, and no hpp runs.
DoctorFacts healthy() {
  DoctorFacts facts;
  facts.own_version = "1.2.3";
  facts.watchman_is_installed = facts.watchman_answers = true;
  facts.watchman_version = "4.9.0";
  facts.watches_limit = 1000;
  facts.instances_limit = 100;
  facts.ports = {{.option = "BIND", .address = "localhost:8000", .owner = ""}};
  facts.folders = {{.path = "/p", .id = "1:1", .mounts = {.type = "ext4"}}};
  facts.run_directory = {.path = "/run/hpp", .problem = "", .free_kib = kSpaceMinKib};
  return facts;
}

// The same with a running hpp.
DoctorFacts running() {
  DoctorFacts facts = healthy();
  facts.ports.clear();
  facts.url = "http://localhost:8000";
  facts.snapshots.emplace();
  facts.snapshots->tree.emplace();
  facts.snapshots->tree->watching = true;
  facts.snapshots->tree->clock = "c:1:2:3:4";
  facts.snapshots->backend.emplace();
  facts.snapshots->backend->state = bus::BackendPhase::Running;
  facts.snapshots->proxy.emplace();
  facts.processes = {{.name = "hpp-watchd", .pid = 7, .version = "1.2.3"}};
  return facts;
}

// The finding that is not Ok. Fails if there is not exactly one.
Finding only_finding(const DoctorFacts& facts) {
  Finding found;
  unsigned count = 0;
  for (const Finding& finding : diagnose(facts)) {
    if (finding.level == Level::Ok) continue;
    found = finding;
    ++count;
    EXPECT_NE(finding.why, "") << finding.what;
    EXPECT_NE(finding.cure, "") << finding.what;
  }
  EXPECT_EQ(count, 1U);
  return found;
}

void expect_problem(const DoctorFacts& facts, std::string_view check, std::string_view what) {
  const Finding finding = only_finding(facts);
  EXPECT_EQ(finding.level, Level::Problem);
  EXPECT_EQ(finding.check, check);
  EXPECT_NE(finding.what.find(what), std::string::npos) << finding.what;
}

void expect_note(const DoctorFacts& facts, std::string_view check, std::string_view what) {
  const Finding finding = only_finding(facts);
  EXPECT_EQ(finding.level, Level::Note);
  EXPECT_EQ(finding.check, check);
  EXPECT_NE(finding.what.find(what), std::string::npos) << finding.what;
}

TEST(Doctor, NamesEachCheckThatFindsNothing) {
  for (const DoctorFacts& facts : {healthy(), running()}) {
    std::vector<std::string> checks;
    for (const Finding& finding : diagnose(facts)) {
      EXPECT_EQ(finding.level, Level::Ok) << finding.what;
      checks.push_back(finding.check);
    }
    EXPECT_EQ(checks, (std::vector<std::string>{"hpp", "watchman", "files", "inotify", "ports",
                                                "git", "versions", "run directory", "leftovers"}));
  }
}

TEST(Doctor, Watchman) {
  DoctorFacts facts = healthy();
  facts.watchman_answers = false;
  expect_problem(facts, "watchman", "does not answer");
  facts.watchman_is_installed = false;
  expect_note(facts, "watchman", "not installed");
}

TEST(Doctor, AServerThatDoesNotAnswer) {
  DoctorFacts facts = running();
  facts.snapshots->backend->delay = "nothing listens on port 8001";
  expect_problem(facts, "hpp", "nothing listens on port 8001");
}

TEST(Doctor, AServerThatHasFailed) {
  DoctorFacts facts = running();
  facts.snapshots->backend->state = bus::BackendPhase::Error;
  expect_problem(facts, "hpp", "your server does not run: Error");
}

TEST(Doctor, AServerThatRestartsAgainAndAgain) {
  DoctorFacts facts = running();
  facts.snapshots->backend->problem = "it writes app.log";
  expect_problem(facts, "hpp", "it writes app.log");
}

TEST(Doctor, AStrangerOnTheBackendsPort) {
  DoctorFacts facts = running();
  facts.snapshots->backend->address = "127.0.0.1:8001";
  facts.snapshots->backend->stranger = "pid 9 (node x.js)";
  expect_problem(facts, "hpp", "pid 9 (node x.js) answers on 127.0.0.1:8001");
}

TEST(Doctor, APause) {
  DoctorFacts facts = running();
  facts.snapshots->backend->paused = true;
  expect_note(facts, "hpp", "paused");
}

TEST(Doctor, HelpersThatAreSilentOrHaveAProblem) {
  DoctorFacts facts = running();
  facts.snapshots->silent = {"watchd"};
  expect_problem(facts, "hpp", "hpp-watchd does not answer");
  facts = running();
  facts.snapshots->proxy->problem = "port 35729 is in use";
  expect_problem(facts, "hpp", "port 35729 is in use");
}

TEST(Doctor, FilesThatAreNotWatched) {
  DoctorFacts facts = running();
  facts.snapshots->tree->watching = false;
  facts.snapshots->tree->problem = "Watchman has failed";
  expect_problem(facts, "files", "does not watch");
}

TEST(Doctor, NamesTheSourceOfEachFolder) {
  DoctorFacts facts = running();
  facts.folders = {{.path = "/p", .id = "1:1"},
                   {.path = "/q", .id = "1:2"},
                   {.path = "/r", .id = "1:3"},
                   {.path = "/s", .id = "1:4"},
                   {.path = "/t"}};
  facts.snapshots->tree->clock = "c:1:2:3:4\n0b 1:3 poll:ff\n0a 1:2 inotify:t:1";
  const auto what = [](const DoctorFacts& about) {
    std::vector<std::string> found;
    for (const Finding& finding : diagnose(about)) {
      if (finding.check == "files") found.push_back(finding.what);
    }
    return found;
  };
  EXPECT_EQ(what(facts), (std::vector<std::string>{"Watchman reports changes in /p",
                                                   "inotify reports changes in /q", "hpp polls /r",
                                                   "/s is watched",
                                                   "/t does not exist, and is watched as soon as "
                                                   "it does"}));
  EXPECT_FALSE(has_problem(diagnose(facts)));
  facts.snapshots.reset();
  EXPECT_EQ(what(facts).front(), "all changes are reported in /p");
}

TEST(Doctor, FileSystemsThatDoNotReportChanges) {
  DoctorFacts facts = healthy();
  facts.folders = {{.path = "/p", .mounts = {.type = "nfs4"}}};
  expect_note(facts, "files", "/p is on a file system of the type nfs4");
  EXPECT_EQ(only_finding(facts).why, "it does not report changes");
  facts.snapshots.emplace().tree.emplace().watching = true;
  facts.snapshots->tree->clock = "poll:ff";
  EXPECT_EQ(only_finding(facts).why,
            "it does not report changes, so hpp polls it: saves are seen later");
  facts.snapshots.reset();
  Mount below;
  below.point = "shared";
  below.type = "9p";
  facts.folders = {{.path = "/p", .mounts = {.type = "ext4", .silent = {below}}}};
  expect_note(facts, "files", "/p/shared is on a file system of the type 9p");
}

TEST(Doctor, LimitsOfInotify) {
  DoctorFacts facts = healthy();
  facts.watches_used = 899;
  facts.instances_used = 89;
  EXPECT_FALSE(has_problem(diagnose(facts)));
  facts.watches_used = 900;
  expect_problem(facts, "inotify", "900 of 1000 max_user_watches");
  EXPECT_NE(only_finding(facts).cure.find("fs.inotify.max_user_watches=2000"), std::string::npos);
  facts.watches_limit = 0;  // unknown
  facts.instances_used = 100;
  expect_problem(facts, "inotify", "100 of 100 max_user_instances");
}

TEST(Doctor, PortsOfHppToml) {
  DoctorFacts facts = healthy();
  facts.ports = {{.option = "BACKEND", .address = "localhost:8001", .owner = "pid 9 (node x.js)"}};
  expect_problem(facts, "ports", "BACKEND localhost:8001 is in use by pid 9 (node x.js)");
  facts.ports.clear();
  facts.config_problem = "hpp.toml is wrong";
  expect_problem(facts, "ports", "hpp.toml is wrong");
}

TEST(Doctor, OldGitLocks) {
  DoctorFacts facts = healthy();
  facts.git_locks = {
      {.path = "/p/.git/index.lock", .age = kGitLockPatience - std::chrono::milliseconds(1)}};
  EXPECT_FALSE(has_problem(diagnose(facts)));
  facts.git_locks.front().age = std::chrono::hours(3);
  expect_problem(facts, "git", "/p/.git/index.lock is 3 h old");
  EXPECT_NE(only_finding(facts).cure.find("rm /p/.git/index.lock"), std::string::npos);
}

TEST(Doctor, ProgramsOfAnotherBuild) {
  DoctorFacts facts = running();
  facts.processes.front().version = "";  // cannot be asked
  EXPECT_FALSE(has_problem(diagnose(facts)));
  facts.processes.front().is_replaced = true;
  expect_problem(facts, "versions", "the program of hpp-watchd (pid 7) was replaced");
  facts.processes.front().version = "1.2.2";
  expect_problem(facts, "versions", "hpp-watchd (pid 7) has version 1.2.2, hpp-ctl 1.2.3");
}

TEST(Doctor, TheRunDirectory) {
  DoctorFacts facts = healthy();
  facts.run_directory.problem = "/run/hpp belongs to another user";
  expect_problem(facts, "run directory", "belongs to another user");
  facts = healthy();
  --facts.run_directory.free_kib;
  expect_problem(facts, "run directory", "4095 KiB");
}

TEST(Doctor, Leftovers) {
  DoctorFacts facts = healthy();
  facts.leftovers.directories = {"/run/hpp/localhost-8000"};
  expect_note(facts, "leftovers", "/run/hpp/localhost-8000");
  facts = healthy();
  facts.leftovers.processes = {
      {.pid = 9, .text = "pid 9 (node x.js)", .run_directory = "/run/hpp/localhost-8000"}};
  expect_problem(facts, "leftovers",
                 "pid 9 (node x.js) is left of the hpp of /run/hpp/localhost-8000");
}

TEST(Doctor, Text) {
  const Finding ok{Level::Ok, "git", "no old lock", "", ""};
  const Finding problem{Level::Problem, "ports", "in use by\nme", "reason", "remedy"};
  EXPECT_EQ(doctor_text({ok}), "ok       git            no old lock\nnothing is wrong\n");
  const std::string text = doctor_text({ok, problem});
  EXPECT_EQ(text.find("\nme"), std::string::npos) << text;
  EXPECT_NE(text.find("why:  reason\n"), std::string::npos) << text;
  EXPECT_NE(text.find("cure: remedy\n"), std::string::npos) << text;
  EXPECT_TRUE(text.ends_with("\n1 problem found\n")) << text;
  EXPECT_TRUE(doctor_text({problem, problem}).ends_with("\n2 problems found\n"));
}

TEST(Doctor, Json) {
  const Finding problem{Level::Problem, "ports", "a \xff", "reason", "remedy"};
  const auto json = nlohmann::json::parse(doctor_json({problem}, {"killed pid 9"}));
  EXPECT_EQ(json["ok"], false);
  EXPECT_EQ(json["findings"].size(), 1U);
  EXPECT_EQ(json["findings"][0]["level"], "problem");
  EXPECT_EQ(json["findings"][0]["check"], "ports");
  EXPECT_EQ(json["findings"][0]["cure"], "remedy");
  EXPECT_EQ(json["fixed"][0], "killed pid 9");
  EXPECT_EQ(nlohmann::json::parse(doctor_json({}, {}))["ok"], true);
}

}  // namespace
}  // namespace hpp::ctl
