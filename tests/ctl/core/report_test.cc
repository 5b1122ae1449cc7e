#include "ctl/core/report.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <nlohmann/json.hpp>

namespace hpp::ctl {
namespace {

using testing::HasSubstr;
using testing::Not;

const Instance kInstance{.name = "localhost-8000",
                         .run_directory = "/run/hpp/localhost-8000",
                         .pid = 12,
                         .url = "http://localhost:8000",
                         .directory = "/home/me/project"};

bus::TreeState tree() {
  return {.stamp = {.epoch = 1, .sequence = 2},
          .revision = 5,
          .watching = true,
          .changed = {"app.py"},
          .changed_count = 3};
}

bus::BackendState backend() {
  return {.state = bus::BackendPhase::Running,
          .generation = 2,
          .pid = 34,
          .command = {"python3", "app.py"},
          .spawned_at_ms = 1'000'000,
          .ready_at_ms = 1'000'350};
}

bus::ProxyState proxy() {
  return {.listening = {"127.0.0.1:8000", "[::1]:8000"},
          .clients = 1,
          .held = 2,
          .forwarded = 3,
          .replayed = 4};
}

TEST(Words, SayThatHppIsPausedAndHowManyChangesWereNoted) {
  bus::BackendState state = backend();
  state.paused = true;
  state.serves = {.epoch = 1, .revision = 3};
  EXPECT_EQ(words(state), "Running: generation 2, pid 34, paused");
  state.noted = {.epoch = 1, .revision = 4};
  EXPECT_EQ(words(state), "Running: generation 2, pid 34, paused, 1 change noted");
  state.noted = {.epoch = 2, .revision = 9};
  EXPECT_EQ(words(state), "Running: generation 2, pid 34, paused, changes noted");
}

TEST(Report, ListsInstancesInColumns) {
  EXPECT_EQ(list_text({}), "no hpp is running\n");
  Instance other = kInstance;
  other.name = "shop";
  other.url = "http://localhost:80";
  other.directory = "/home/me/a\nb";
  EXPECT_EQ(list_text({{kInstance, {.backend = backend()}}, {other, {}}}),
            "localhost-8000  Running  http://localhost:8000  /home/me/project\n"
            "shop            unknown  http://localhost:80    /home/me/a?b\n");
}

TEST(Report, StatusTextShowsAllParts) {
  const Snapshots all{.tree = tree(), .backend = backend(), .proxy = proxy(), .silent = {}};
  EXPECT_EQ(status_text(kInstance, all, 1'000'350 + 185'000),
            "instance   localhost-8000, pid 12, in /home/me/project\n"
            "url        http://localhost:8000\n"
            "backend    Running: generation 2, pid 34, for 3 min, started in 350 ms\n"
            "command    python3 app.py\n"
            "files      watched, revision 5, app.py and 2 more changed\n"
            "proxy      listening on 127.0.0.1:8000 and [::1]:8000, clients 1, held 2, "
            "forwarded 3, replayed 4\n");
}

TEST(Report, TellsAWarmStartFromAColdOne) {
  Snapshots all{.tree = {}, .backend = backend(), .proxy = {}, .silent = {}};
  const auto text = [&all] { return status_text(kInstance, all, 1'000'350 + 185'000); };
  all.backend->start = {.is_warm = true, .cold_because = {}, .cold_ms = 480};
  EXPECT_THAT(text(), testing::HasSubstr("started in 350 ms (warm; 480 ms cold)\n"));
  all.backend->start.cold_ms = 0;
  EXPECT_THAT(text(), testing::HasSubstr("started in 350 ms (warm)\n"));
  all.backend->start = {.cold_because = "a\nb", .cold_ms = 480};
  EXPECT_THAT(text(), testing::HasSubstr("started in 350 ms (cold: a?b)\n"));
}

TEST(Report, SaysHowFarTheWatcherMayBeBehind) {
  bus::TreeState slow = tree();
  slow.lag_ms = 3000;
  EXPECT_EQ(trace_text(slow),
            "tree     watched, up to 3 s behind, revision 5, app.py and 2 more changed");
}

TEST(Report, ShowsWhatKeepsTheInstanceRunning) {
  struct Case {
    Keeper keeper;
    const char* words;
    const char* name;
  };

  const Case cases[] = {
      {Keeper::Launch, "localhost-8000, pid 12, in /home/me/project", "hpp-launch"},
      {Keeper::Systemd, "localhost-8000, managed by systemd, in /home/me/project", "systemd"},
      {Keeper::None, "localhost-8000, not managed, in /home/me/project", "nobody"},
  };
  for (const auto& [keeper, words, name] : cases) {
    Instance instance = kInstance;
    instance.keeper = keeper;
    EXPECT_THAT(status_text(instance, {}, 0), HasSubstr(words));
    EXPECT_EQ(nlohmann::json::parse(status_json(instance, {}))["instance"]["keeper"], name);
  }
}

TEST(Report, ShowsProblems) {
  Snapshots all{.tree = tree(), .backend = backend(), .proxy = proxy(), .silent = {"watchd"}};
  all.tree->watching = false;
  all.tree->problem = "Watchman\nis gone";
  all.backend->state = bus::BackendPhase::Error;
  all.backend->pid = 0;
  all.backend->exit = bus::BackendExit{.code = 3};
  all.backend->output_tail = "Traceback\nboom";
  all.proxy->problem = "lapsed";
  const std::string text = status_text(kInstance, all, 0);
  for (const char* const line :
       {"backend    Error: generation 2, ended with exit code 3\n",
        "files      not watched, revision 5", "problem    Watchman?is gone\n",
        "problem    lapsed\n", "problem    hpp-watchd does not answer\n",
        "output\nTraceback\nboom\n"}) {
    EXPECT_THAT(text, HasSubstr(line));
  }
}

TEST(Report, ReplacesLineBreaksAndControlCharacters) {
  Snapshots all{.tree = tree(), .backend = backend(), .proxy = proxy(), .silent = {}};
  all.tree->changed.front() = "a\nproblem    none \x1b[31m.py";
  all.backend->command = {"sh", "-c",
                          "a\nb \xc2\x9b"
                          "31m"};
  const std::string text = status_text(kInstance, all, 0);
  EXPECT_THAT(text, HasSubstr("a?problem    none ?[31m.py and 2 more changed\n"));
  EXPECT_THAT(text, HasSubstr("command    sh -c a?b ?31m\n"));
  EXPECT_THAT(trace_text(*all.tree), HasSubstr("a?problem    none ?[31m.py and 2 more changed"));
}

TEST(Report, ShowsUnknownStates) {
  const std::string text = status_text(kInstance, {}, 0);
  EXPECT_THAT(text, HasSubstr("backend    unknown\nfiles      unknown\nproxy      unknown\n"));
  EXPECT_THAT(text, Not(HasSubstr("command")));
}

TEST(Report, DescribesABackend) {
  struct Case {
    bus::BackendPhase state;
    std::int64_t pid;
    std::optional<bus::BackendExit> exit;
    const char* words;
  };

  using enum bus::BackendPhase;
  const Case cases[] = {
      {Loading, 5, {}, "Loading: generation 2, pid 5"},
      {Killing, 5, {}, "Killing: generation 2, pid 5"},
      {Loading, 0, {}, "Loading: generation 2"},
      {Error, 0, bus::BackendExit{.signal = 11}, "Error: generation 2, was killed by signal 11"},
      {Error, 0, bus::BackendExit{.spawn_error = "no x"},
       "Error: generation 2, cannot be started: no x"},
      {Error, 0, bus::BackendExit{}, "Error: generation 2, ended; its exit status is unknown"},
  };
  for (const auto& [state, pid, exit, start] : cases) {
    bus::BackendState one = backend();
    one.state = state;
    one.pid = pid;
    one.exit = exit;
    EXPECT_TRUE(words(one).starts_with(start)) << words(one);
  }
}

TEST(Report, StatusJsonIsOneLine) {
  Snapshots some{.backend = backend(), .proxy = proxy(), .silent = {"watchd"}};
  Instance instance = kInstance;
  instance.directory = "/home/\xFF";
  const std::string text = status_json(instance, some);
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 1);
  const auto object = nlohmann::json::parse(text);
  EXPECT_EQ(object["instance"]["pid"], 12);
  EXPECT_EQ(object["instance"]["directory"], "/home/\uFFFD");
  EXPECT_TRUE(object["tree"].is_null());
  EXPECT_EQ(object["backend"]["state"], "Running");
  EXPECT_EQ(object["backend"]["command"][1], "app.py");
  EXPECT_EQ(object["proxy"]["replayed"], 4);
  EXPECT_EQ(object["silent"][0], "watchd");
}

TEST(Report, ShowsTheReasonForADelay) {
  Snapshots all{.tree = tree(), .backend = backend(), .proxy = proxy(), .silent = {}};
  all.backend->state = bus::BackendPhase::Loading;
  all.backend->delay = "nothing listens on\n127.0.0.1:8001";
  EXPECT_THAT(status_text(kInstance, all, 0),
              HasSubstr("delay      nothing listens on?127.0.0.1:8001\n"));
  EXPECT_THAT(trace_text(*all.backend), HasSubstr("delay: nothing listens on?127.0.0.1:8001"));
}

TEST(Report, ShowsTheError) {
  Snapshots all{.tree = tree(), .backend = backend(), .proxy = proxy(), .silent = {}};
  all.backend->state = bus::BackendPhase::Error;
  all.backend->error =
      bus::BackendError{.message = "NameError: x\x1b", .file = "app.py", .line = 7};
  EXPECT_THAT(status_text(kInstance, all, 0), HasSubstr("error      app.py:7: NameError: x?\n"));
  EXPECT_THAT(trace_text(*all.backend), HasSubstr("error: app.py:7: NameError: x?"));
  const auto object = nlohmann::json::parse(status_json(kInstance, all));
  EXPECT_EQ(object["backend"]["error"]["line"], 7);
}

TEST(Report, DescribesBusMessages) {
  EXPECT_EQ(trace_text(tree()), "tree     watched, revision 5, app.py and 2 more changed");
  EXPECT_EQ(trace_text(backend()), "backend  Running: generation 2, pid 34");
  bus::ProxyState odd = proxy();
  odd.problem = "lapsed";
  EXPECT_THAT(trace_text(odd), HasSubstr("replayed 4, problem: lapsed"));
  const auto object = nlohmann::json::parse(trace_json(tree(), 77));
  EXPECT_EQ(object["at_ms"], 77);
  EXPECT_EQ(object["topic"], "tree");
  EXPECT_EQ(object["message"]["revision"], 5);
}

TEST(Snapshots, KeepTheNewestOfEachTopic) {
  Snapshots snapshots;
  for (const bus::Message& message : {bus::Message(tree()), bus::Message(proxy())}) {
    snapshots.take(message);
  }
  EXPECT_TRUE(snapshots.has(bus::Topic::Tree));
  EXPECT_FALSE(snapshots.has(bus::Topic::Backend));
  EXPECT_TRUE(snapshots.has(bus::Topic::Proxy));
  EXPECT_EQ(snapshots.tree, tree());
}

}  // namespace
}  // namespace hpp::ctl
