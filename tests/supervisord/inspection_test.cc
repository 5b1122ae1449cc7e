#include "supervisord/inspection.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/un.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "common/os/socket_address.h"
#include "tests/support/free_port.h"
#include "tests/support/temporary_directory.h"

namespace hpp::supervisord {
namespace {

using testing::ElementsAre;
using testing::Key;

class InspectionTest : public testing::Test {
 protected:
  void save(const std::string& name, const std::string& text = "x") {
    std::filesystem::create_directories(std::filesystem::path(directory_ / name).parent_path());
    std::ofstream(directory_ / name) << text;
  }

  // The problem of a spare that has this file open; this process stands for it.
  std::string problem_with(const std::string& name) {
    save(name);
    const UniqueFd file(::open((directory_ / name).c_str(), O_RDONLY | O_CLOEXEC));
    return problem();
  }

  static UniqueFd listen_at(const std::string& path) {
    sockaddr_un address{.sun_family = AF_UNIX, .sun_path = {}};
    EXPECT_LT(path.copy(address.sun_path, sizeof address.sun_path - 1),
              sizeof address.sun_path - 1);
    UniqueFd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    const auto* const general = reinterpret_cast<const sockaddr*>(&address);
    EXPECT_EQ(::bind(socket.get(), general, sizeof address), 0);
    EXPECT_EQ(::listen(socket.get(), 1), 0);
    return socket;
  }

  std::string problem(int handed = -1) const {
    return problem_of_spare({::getpid()}, roots_, handed);
  }

  TemporaryDirectory directory_;
  std::vector<std::string> roots_{directory_.path()};
};

TEST_F(InspectionTest, FindsAFileOfTheProject) {
  EXPECT_EQ(problem(), "");
  EXPECT_EQ(problem_with("bin/run.sh"), "has bin/run.sh open before its gate was opened");
}

TEST_F(InspectionTest, FindsAFileOfAnotherRootAndBehindALink) {
  const TemporaryDirectory other;
  const std::string link = other / "link";
  std::filesystem::create_directory_symlink(directory_.path(), link);
  roots_ = {"/nonexistent", link};
  EXPECT_EQ(problem_with("a/b.py"), "has a/b.py open before its gate was opened");
}

TEST_F(InspectionTest, PackagesDoNotBelongToTheProject) {
  EXPECT_EQ(problem_with("node_modules/a/b.node"), "");
  EXPECT_EQ(problem_with(".venv/lib/site-packages/a.so"), "");
  const UniqueFd folder(::open(directory_.path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  EXPECT_EQ(problem(), "") << "an open folder shows nothing of its files";
}

TEST_F(InspectionTest, FindsAListeningSocketThatHppHasNotHandedOver) {
  const Address address{.host = "127.0.0.1", .port = free_port()};
  const auto sockets = listen_on({resolve(address).front()});
  EXPECT_EQ(problem(),
            "listens on port " + std::to_string(address.port) + " before its gate was opened");
  EXPECT_EQ(problem(sockets.front().get()), "");
}

TEST_F(InspectionTest, FindsUnixSocketsThatListen) {
  const std::string path = directory_ / "app.sock";
  const UniqueFd socket = listen_at(path);
  EXPECT_EQ(problem(), "listens on " + path + " before its gate was opened");
}

TEST_F(InspectionTest, AWrapperMayListenForItsOwnProcesses) {
  std::filesystem::create_directory(directory_ / "tsx-1000");
  const UniqueFd socket = listen_at(directory_ / "tsx-1000/4711.pipe");
  EXPECT_EQ(problem(), "");
}

TEST_F(InspectionTest, FindsUdpSocketsThatHaveAPort) {
  sockaddr_in address{.sin_family = AF_INET, .sin_port = 0, .sin_addr = {}, .sin_zero = {}};
  socklen_t size = sizeof address;
  auto* const general = reinterpret_cast<sockaddr*>(&address);
  const UniqueFd socket(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  EXPECT_EQ(problem(), "");
  ASSERT_EQ(::bind(socket.get(), general, size), 0);
  ASSERT_EQ(::getsockname(socket.get(), general, &size), 0);
  EXPECT_EQ(problem(), "listens on UDP port " + std::to_string(ntohs(address.sin_port)) +
                           " before its gate was opened");
}

TEST_F(InspectionTest, MarksFilesThatAreReadEarlyAndTheProgram) {
  save("app.py");
  save(".env");
  save("sub/package.json");
  save("server");
  std::filesystem::permissions(directory_ / "server", std::filesystem::perms::owner_all);
  const FileMarks before = read_marks(directory_.path(), "/bin/sh");
  EXPECT_THAT(before, ElementsAre(Key(".env"), Key("/bin/sh"), Key("server")));
  save("app.py", "changed");
  EXPECT_EQ(first_difference(before, read_marks(directory_.path(), "/bin/sh")), "");
  save(".env", "changed");
  EXPECT_EQ(first_difference(before, read_marks(directory_.path(), "/bin/sh")), ".env");
}

}  // namespace
}  // namespace hpp::supervisord
