// Names of build daemons, and real processes of a build.
#include "common/os/build_daemons.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <csignal>
#include <string>
#include <vector>

#include "common/os/backend_tag.h"
#include "common/os/process_info.h"
#include "common/os/process_tree.h"
#include "tests/support/process_test.h"

namespace hpp {
namespace {

using Arguments = std::vector<std::string>;

struct Case {
  std::string program;
  Arguments arguments;
  bool is_daemon;
};

TEST(BuildDaemonNames, IncludeTheWellKnownOnes) {
  const std::vector<Case> cases{
      {"java",
       {"/usr/lib/jvm/bin/java", "-Xmx512m", "-cp", "/g/lib/gradle-launcher-8.5.jar",
        "org.gradle.launcher.daemon.bootstrap.GradleDaemon", "8.5"},
       true},
      {"java", {"java", "-jar", "gradle-wrapper.jar", "org.gradle.wrapper.GradleWrapperMain"}, false},
      {"java", {"java", "-cp", "x", "org.jetbrains.kotlin.daemon.KotlinCompileDaemon"}, true},
      {"java", {"java", "org.mvndaemon.mvnd.common.MavenDaemon"}, true},
      {"java", {"bazel(shop)", "-Xverify:none", "-jar", "A-server.jar"}, true},
      {"bazel-7.1", {"bazel", "build", "//:server"}, false},
      {"buck2", {"buck2d[shop]", "--isolation-dir", "v2", "daemon"}, true},
      {"sccache", {"/usr/bin/sccache"}, true},
      {"sccache", {"sccache", "gcc", "-c", "a.c"}, false},
      {"node", {"node", "/p/node_modules/nx/src/daemon/server/start.js"}, true},
      {"dotnet", {"dotnet", "/d/sdk/8.0/Roslyn/bincore/VBCSCompiler.dll", "-pipename:x"}, true},
      {"dotnet", {"dotnet", "/d/sdk/8.0/MSBuild.dll", "/nodemode:1", "/nodeReuse:true"}, true},
      {"dotnet", {"dotnet", "/d/sdk/8.0/MSBuild.dll", "/nodemode:1", "/nodeReuse:false"}, false},
      {"watchman", {"/usr/bin/watchman", "--foreground"}, true},
      {"make", {"make", "CC=sccache gcc"}, false},
      {"sh", {}, false},
  };
  for (const Case& c : cases) {
    EXPECT_EQ(is_build_daemon(c.program, c.arguments, {}), c.is_daemon)
        << c.program << ' ' << testing::PrintToString(c.arguments);
  }
}

TEST(BuildDaemonNames, OfTheUserMatchTheProgramOrAnArgument) {
  const std::vector<std::string> named{"helper", "worker.js"};
  EXPECT_TRUE(is_build_daemon("helper", {"anything"}, named));
  EXPECT_TRUE(is_build_daemon("node", {"node", "tools/worker.js", "--quiet"}, named));
  EXPECT_FALSE(is_build_daemon("node", {"node", "tools/worker.json"}, named));
  EXPECT_FALSE(is_build_daemon("node", {"node", "--script=worker.js"}, named));
}

class BuildDaemonsTest : public ProcessTest {
 protected:
  static constexpr const char* kPrefix = "/run/hpp/";

  pid_t start_tagged(const std::string& script, const std::string& tag) {
    return start({"sh", "-c", script}, {{kBackendTag, kPrefix + tag}}, kBuildLeader);
  }

  // Waits for the process with this command line, and returns it.
  pid_t find(const Arguments& command) {
    pid_t found = 0;
    const auto runs = [&](pid_t pid) { return arguments_of(pid) == command; };
    EXPECT_TRUE(run_until(loop_, [&] {
      const std::vector<pid_t> all = living_descendants(::getpid());
      const auto is = std::find_if(all.begin(), all.end(), runs);
      if (is != all.end()) found = *is;
      return found != 0;
    }));
    return found;
  }

  const BuildDaemons daemons_{kPrefix, {"sleep"}};
};

TEST_F(BuildDaemonsTest, MustHaveASessionOfTheirOwn) {
  start_tagged("setsid -f sleep 1001; sleep 1002; :", kBuildTag);
  EXPECT_TRUE(daemons_.contain(find({"sleep", "1001"})));
  EXPECT_FALSE(daemons_.contain(find({"sleep", "1002"}))) << "a part of the build";
}

TEST_F(BuildDaemonsTest, MayBeInTheSessionOfABuildThatHasEnded) {
  start_tagged("sleep 1001 &", kBuildTag);
  const pid_t daemon = find({"sleep", "1001"});
  EXPECT_TRUE(run_until(loop_, [&] { return !children_.back()->is_running(); }));
  EXPECT_TRUE(daemons_.contain(daemon));
}

TEST_F(BuildDaemonsTest, DoNotIncludeProcessesOfTheBuild) {
  start_tagged("exec sleep 1001", kBuildTag);
  EXPECT_FALSE(daemons_.contain(find({"sleep", "1001"})));
}

TEST_F(BuildDaemonsTest, IncludeTheirDescendants) {
  const BuildDaemons shells(kPrefix, {"daemon"});
  start_tagged("setsid -f sh -c 'sleep 1001; :' daemon; sleep 1002", kBuildTag);
  EXPECT_TRUE(shells.contain(find({"sleep", "1001"})));
  EXPECT_FALSE(shells.contain(find({"sleep", "1002"})));
}

TEST_F(BuildDaemonsTest, DoNotIncludeProcessesOfTheBackendOrOfAnotherRunDirectory) {
  start_tagged("exec sleep 1001", "7");
  start({"sleep", "1002"}, {{kBackendTag, std::string("/elsewhere/") + kBuildTag}});
  start({"sleep", "1003"}, {});
  for (const char* const time : {"1001", "1002", "1003"}) {
    const pid_t pid = find({"sleep", time});
    EXPECT_FALSE(daemons_.contain(pid)) << time;
    EXPECT_EQ(daemons_.without({pid}), std::vector{pid});
  }
  EXPECT_FALSE(daemons_.contain(0));
}

}  // namespace
}  // namespace hpp
