// Publisher and subscriber over real nng sockets: losses, repetitions and restarts.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <nng/nng.h>
#include <nng/protocol/pubsub0/pub.h>
#include <pthread.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <memory>
#include <optional>

#include "common/bus/endpoints.h"
#include "common/bus/nng_workarounds.h"
#include "common/bus/publisher.h"
#include "common/bus/subscriber.h"
#include "common/os/file.h"
#include "common/os/unique_fd.h"
#include "tests/common/bus/full_disk.h"
#include "tests/support/run_until.h"
#include "tests/support/temporary_directory.h"

namespace hpp::bus {
namespace {

class BusTest : public testing::Test {
 protected:
  std::unique_ptr<Publisher> author(const AuthorId& id = Topic::Tree) {
    return std::make_unique<Publisher>(loop_, directory_.path(), id);
  }

  void restart(std::unique_ptr<Publisher>& tree) {
    tree.reset();
    tree = author();
  }

  // Publishes this revision, which readers must get.
  void deliver(Publisher& tree, std::uint64_t revision) {
    tree.publish(TreeState{.revision = revision});
    EXPECT_TRUE(wait_for_revision(revision));
  }

  // The author's newest snapshot, which it must have.
  static TreeState last(const Publisher& tree) {
    EXPECT_TRUE(tree.last().has_value());
    return std::get<TreeState>(tree.last().value());
  }

  // A reader that adds the snapshots of these authors to trees_ and backends_.
  std::unique_ptr<Subscriber> reader(Audience audience = Audience::TicketHandlers,
                                     const std::vector<AuthorId>& authors = {Topic::Tree,
                                                                             Topic::Backend}) {
    return std::make_unique<Subscriber>(
        loop_, directory_.path(), authors, audience, [this](const Message& message) {
          if (const auto* tree = std::get_if<TreeState>(&message)) trees_.push_back(*tree);
          if (const auto* backend = std::get_if<BackendState>(&message)) {
            backends_.push_back(*backend);
          }
        });
  }

  bool wait_for_revision(std::uint64_t revision) {
    return run_until(loop_, [&] { return !trees_.empty() && trees_.back().revision == revision; });
  }

  static UniqueFd connect_to(const std::string& path) {
    UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_un address{.sun_family = AF_UNIX, .sun_path = {}};
    path.copy(address.sun_path, sizeof address.sun_path - 1);
    if (::connect(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) fd.reset();
    return fd;
  }

  Loop loop_;
  TemporaryDirectory directory_;
  const std::string file_ = snapshot_path(directory_.path(), Topic::Tree);
  std::vector<TreeState> trees_;
  std::vector<BackendState> backends_;
};

TEST_F(BusTest, DeliversMessagesInOrder) {
  const auto tree = author();
  const auto sub = reader();
  for (std::uint64_t revision = 1; revision <= 5; ++revision) {
    deliver(*tree, revision);
  }
  ASSERT_EQ(trees_.size(), 5U);
  for (std::size_t i = 0; i < trees_.size(); ++i) {
    EXPECT_EQ(trees_[i].stamp, (Stamp{.epoch = tree->epoch(), .sequence = i + 1}));
  }
}

TEST_F(BusTest, SeparatesTheTopics) {
  const auto tree = author(Topic::Tree);
  const auto backend = author(Topic::Backend);
  const auto proxy = author(Topic::Proxy);  // without a subscriber
  const auto sub = reader();
  proxy->publish(ProxyState{.clients = 1});
  tree->publish(TreeState{.revision = 1});
  backend->publish(BackendState{.generation = 2});
  EXPECT_TRUE(run_until(loop_, [&] { return !trees_.empty() && !backends_.empty(); }));
  EXPECT_EQ(backends_.back().generation, 2U);
}

TEST_F(BusTest, SeparatesTheAuthorsOfATopicByName) {
  const AuthorId api(Topic::Backend, "api");
  const AuthorId web(Topic::Backend, "web");
  auto first = author(api);
  const auto second = author(web);
  const auto sub = reader(Audience::Everybody, {api, web});
  first->publish(BackendState{.generation = 3});
  second->publish(BackendState{.generation = 1});
  ASSERT_TRUE(run_until(loop_, [&] { return backends_.size() == 2; }));
  const auto generation_of = [&](const AuthorId& id) -> std::uint64_t {
    for (const BackendState& backend : backends_) {
      if (author_of(backend) == id) return backend.generation;
    }
    return 0;
  };
  EXPECT_EQ(generation_of(api), 3U);
  EXPECT_EQ(generation_of(web), 1U) << "its first sequence is not older than the other's";
  first.reset();
  first = author(api);
  EXPECT_EQ(std::get<BackendState>(*first->last()).generation, 3U) << "from its own file";
}

TEST_F(BusTest, IgnoresAnAuthorWhoseWordBeginsWithTheWantedWord) {
  nng_socket stranger = NNG_SOCKET_INITIALIZER;
  ASSERT_EQ(nng_pub0_open(&stranger), 0);
  const std::string url = socket_url(directory_.path(), Topic::Backend, Audience::Everybody);
  ASSERT_EQ(nng_listen(stranger, url.c_str(), nullptr, 0), 0);
  const auto sub = reader(Audience::Everybody, {Topic::Backend});
  std::uint64_t sequence = 0;
  const auto send = [&](const std::string& name) {
    std::string text =
        encode(BackendState{.stamp = {.author = name, .epoch = 5, .sequence = ++sequence}});
    nng_send(stranger, text.data(), text.size(), 0);
  };
  EXPECT_TRUE(run_until(loop_, [&] {  // until it is connected, and then once more
    send("api");
    send(kMainAuthor);
    return backends_.size() >= 2;
  }));
  for (const BackendState& backend : backends_) EXPECT_EQ(backend.stamp.author, kMainAuthor);
  nng_close(stranger);
}

TEST_F(BusTest, RejectsANameIfTheSocketsPathWouldBeTooLong) {
  const std::string parent = directory_.path() + '/';
  // unix(7): 108 bytes with the NUL. This path is long enough for the main author, not for `api`.
  const std::string longest =
      parent +
      std::string(107 - parent.size() - std::string("/supervisord.tickets.sock").size(), 'x');
  const Publisher fits(loop_, longest, Topic::Backend);
  EXPECT_THROW(Publisher(loop_, longest, AuthorId(Topic::Backend, "api")), std::runtime_error);
}

TEST(Endpoints, AreNamedAfterTheHelperAndTheAuthor) {
  const AuthorId main = Topic::Backend;
  const AuthorId api(Topic::Backend, "api");
  EXPECT_EQ(socket_path("/run/x", main, Audience::Everybody), "/run/x/supervisord.sock");
  EXPECT_EQ(socket_path("/run/x", api, Audience::Everybody), "/run/x/supervisord@api.sock");
  EXPECT_EQ(socket_url("/x", main, Audience::TicketHandlers), "ipc:///x/supervisord.tickets.sock");
  EXPECT_EQ(socket_name(api, Audience::TicketHandlers), "supervisord@api.tickets.sock");
  EXPECT_EQ(lock_path("/x", main), "/x/supervisord.lock");
  EXPECT_EQ(lock_name(api), "supervisord@api.lock");
  EXPECT_EQ(snapshot_path("/x", main), "/x/supervisord.json");
  EXPECT_EQ(snapshot_name(api), "supervisord@api.json");
  EXPECT_EQ(stored_name(main, "3-0"), "backend-3-0");
  EXPECT_EQ(stored_name(api, "3-0"), "backend.api-3-0");
}

TEST_F(BusTest, ALateSubscriberGetsTheNewestMessage) {
  const auto tree = author();
  tree->publish(TreeState{.revision = 1});
  tree->publish(TreeState{.revision = 2});
  const auto sub = reader();
  EXPECT_TRUE(wait_for_revision(2));
  EXPECT_EQ(trees_.size(), 1U);
}

TEST_F(BusTest, ASubscriberFindsALateAuthor) {
  const auto sub = reader();
  run_for(loop_, Milliseconds{50});
  const auto tree = author();
  deliver(*tree, 1);
}

TEST_F(BusTest, DeliversTheNewestMessageOfABurst) {
  const auto tree = author();
  const auto sub = reader();
  deliver(*tree, 1);
  for (std::uint64_t revision = 2; revision <= 1000; ++revision) {
    tree->publish(TreeState{.revision = revision});
  }
  EXPECT_TRUE(wait_for_revision(1000));
  for (std::size_t i = 1; i < trees_.size(); ++i) {
    EXPECT_LT(trees_[i - 1].revision, trees_[i].revision);
  }
}

TEST_F(BusTest, DeliversNoMessageTwice) {
  const auto tree = author();
  const auto sub = reader();
  deliver(*tree, 1);
  tree->publish(TreeState{.revision = 1});  // unchanged
  const auto other = reader();              // a new connection makes the author send again
  EXPECT_TRUE(run_until(loop_, [&] { return trees_.size() == 2; }))
      << "the message to the other reader";
  run_for(loop_, Milliseconds{1200});  // the timer sends again
  EXPECT_EQ(trees_.size(), 2U);
  EXPECT_EQ(tree->last(), std::optional<Message>(trees_.back()));
}

TEST_F(BusTest, WritesTheFileBeforeItSends) {
  const auto tree = author();
  tree->publish(TreeState{.revision = 7});
  const auto text = read_file(file_);
  ASSERT_TRUE(text.has_value());
  const Decoded decoded = decode(*text);
  ASSERT_TRUE(std::holds_alternative<Message>(decoded)) << *text;
  EXPECT_EQ(std::get<TreeState>(std::get<Message>(decoded)).revision, 7U);
}

TEST_F(BusTest, ARestartedAuthorContinuesFromItsFile) {
  auto tree = author();
  const auto sub = reader();
  tree->publish(TreeState{.revision = 1, .clock = "c:1"});
  tree->publish(TreeState{.revision = 2, .clock = "c:2"});
  ASSERT_TRUE(wait_for_revision(2));
  const std::uint64_t epoch = tree->epoch();
  restart(tree);
  EXPECT_EQ(tree->epoch(), epoch);
  EXPECT_EQ(last(*tree).clock, "c:2");
  deliver(*tree, 3);
  EXPECT_EQ(trees_.back().stamp.epoch, epoch);
}

TEST_F(BusTest, ATicketIsNotWrittenToTheFile) {
  auto tree = author();
  const auto sub = reader();
  tree->publish(TreeState{.revision = 1});
  const auto text = read_file(file_);
  for (std::uint64_t number = 1; number <= 20; ++number) {
    tree->publish(TreeState{.revision = 1, .answers = {.epoch = 1, .number = number}});
  }
  ASSERT_TRUE(
      run_until(loop_, [&] { return !trees_.empty() && trees_.back().answers.number == 20; }));
  EXPECT_EQ(read_file(file_), text);
  restart(tree);  // its file does not contain the twenty tickets
  EXPECT_EQ(last(*tree).answers, Ticket{});
  tree->publish(TreeState{.revision = 2});
  EXPECT_TRUE(wait_for_revision(2)) << "its reader has seen higher sequences";
}

TEST_F(BusTest, SendsTicketsOnlyToTheirSubscribers) {
  const auto tree = author();
  const auto sub = reader(Audience::Everybody);
  deliver(*tree, 1);
  for (std::uint64_t number = 1; number <= 20; ++number) {
    tree->publish(TreeState{.revision = 1, .answers = {.epoch = 1, .number = number}});
  }
  tree->publish(TreeState{.revision = 2, .answers = {.epoch = 1, .number = 21}});
  ASSERT_TRUE(wait_for_revision(2));
  EXPECT_EQ(trees_.size(), 2U) << "the tickets are not delivered";
  tree->publish(TreeState{.revision = 2, .answers = {.epoch = 1, .number = 22}});
  const auto late = reader(Audience::Everybody);
  EXPECT_TRUE(run_until(loop_, [&] { return trees_.back().answers.number == 22; }))
      << "a late subscriber gets the newest message of any kind";
}

TEST_F(BusTest, AnAnswerIsNotWrittenToTheFile) {
  auto tree = author();
  tree->publish(TreeState{.revision = 1, .answers = {.epoch = 1, .number = 5}, .settling = true});
  restart(tree);
  const TreeState state = last(*tree);
  EXPECT_EQ(state.answers, Ticket{});
  EXPECT_FALSE(state.settling);
}

TEST_F(BusTest, ARestartedAuthorSendsItsSnapshotAgain) {
  auto tree = author();
  tree->publish(TreeState{.revision = 4});
  restart(tree);
  tree->publish(TreeState{.revision = 4});  // unchanged, but this process has not sent it yet
  const auto sub = reader();
  EXPECT_TRUE(wait_for_revision(4));
}

TEST_F(BusTest, StartsANewEpochIfItsFileIsMissingOrMalformed) {
  const auto sub = reader();
  std::uint64_t revision = 1;
  auto tree = author();
  deliver(*tree, revision);
  const char* const contents[] = {"", "tree {\"epoch\": 1", "backend {}", nullptr};
  for (const char* content : contents) {
    const std::uint64_t before = tree->epoch();
    tree.reset();
    std::filesystem::remove(file_);
    if (content != nullptr) std::ofstream(file_) << content;
    testing::internal::CaptureStderr();
    tree = author();
    testing::internal::GetCapturedStderr();
    EXPECT_NE(tree->epoch(), before);
    EXPECT_FALSE(tree->last().has_value());
    tree->publish(TreeState{.revision = ++revision});
    ASSERT_TRUE(wait_for_revision(revision))
        << "a message of a new epoch is new, even with a lower sequence";
    EXPECT_EQ(trees_.back().stamp.sequence, 1U);
  }
}

TEST_F(BusTest, RejectsASnapshotOfAnotherTopic) {
  author(Topic::Backend)->publish(BackendState{.generation = 1});
  std::filesystem::rename(snapshot_path(directory_.path(), Topic::Backend), file_);
  testing::internal::CaptureStderr();
  const auto tree = author();
  EXPECT_NE(testing::internal::GetCapturedStderr().find("another author"), std::string::npos);
  EXPECT_FALSE(tree->last().has_value());
}

TEST_F(BusTest, RejectsASecondAuthor) {
  const auto first = author();
  try {
    author();
    ADD_FAILURE() << "two authors have the same topic";
  } catch (const std::runtime_error& error) {
    EXPECT_EQ(std::string(error.what()),
              "another hpp-watchd uses " + directory_.path() +
                  ". Stop it, or choose another directory with --run-dir");
  }
  const auto sub = reader();
  first->publish(TreeState{.revision = 1});
  EXPECT_TRUE(wait_for_revision(1)) << "the first author still works";
}

// nng issue 1518: a peer disconnects in the middle of the handshake.
TEST_F(BusTest, APeerThatIsKilledDuringItsHandshakeDoesNotBlockTheAuthor) {
  const auto tree = author();
  tree->publish(TreeState{.revision = 1});
  for (const Audience audience : {Audience::Everybody, Audience::TicketHandlers}) {
    for (int i = 0; i < 50; ++i) {
      const UniqueFd peer = connect_to(socket_path(directory_.path(), Topic::Tree, audience));
      ASSERT_TRUE(peer.is_open());
    }
    trees_.clear();
    const auto sub = reader(audience);
    EXPECT_TRUE(wait_for_revision(1));
  }
}

TEST_F(BusTest, TakesOverTheSocketOfACrashedAuthor) {
  for (const char* name : {"watchd.sock", "watchd.tickets.sock"}) {
    const std::string path = directory_ / name;
    // A killed process leaves a socket file without a listener.
    const UniqueFd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_un address{.sun_family = AF_UNIX, .sun_path = {}};
    path.copy(address.sun_path, sizeof address.sun_path - 1);
    ASSERT_EQ(::bind(socket.get(), reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  }
  const auto tree = author();
  const auto sub = reader();
  const auto other = reader(Audience::Everybody);
  tree->publish(TreeState{.revision = 1});
  EXPECT_TRUE(run_until(loop_, [&] { return trees_.size() == 2; }));
}

TEST_F(BusTest, RecreatesDeletedFiles) {
  const auto tree = author();
  tree->publish(TreeState{.revision = 1});
  const auto first = reader();
  ASSERT_TRUE(wait_for_revision(1));
  std::filesystem::remove_all(directory_.path());
  trees_.clear();
  const auto second = reader();
  EXPECT_TRUE(wait_for_revision(1)) << "a late subscriber finds the author";
  EXPECT_TRUE(run_until(loop_, [&] { return read_file(file_).has_value(); }));
  tree->publish(TreeState{.revision = 2});
  EXPECT_TRUE(run_until(loop_, [&] {
    return std::count_if(trees_.begin(), trees_.end(),
                         [](const TreeState& t) { return t.revision == 2; }) == 2;
  })) << "the earlier subscriber still gets messages";
}

TEST_F(BusTest, NamesTheSocketThatWasDeleted) {
  const auto tree = author();
  const std::string path = socket_path(directory_.path(), Topic::Tree, Audience::TicketHandlers);
  std::filesystem::remove(path);
  testing::internal::CaptureStderr();
  EXPECT_TRUE(run_until(loop_, [&] { return std::filesystem::exists(path); }));
  const std::string log = testing::internal::GetCapturedStderr();
  EXPECT_NE(log.find(path + " was deleted: created it again"), std::string::npos) << log;
  EXPECT_EQ(std::count(log.begin(), log.end(), '\n'), 1) << "the other socket is in place: " << log;
}

TEST_F(BusTest, ResumesFromTheNewestSnapshotAlthoughNoFileCanBeCreated) {
  auto tree = author();
  const auto sub = reader();
  deliver(*tree, 1);
  const std::uint64_t epoch = tree->epoch();
  testing::internal::CaptureStderr();
  {
    const NoNewFile full(file_);
    for (std::uint64_t revision = 2; revision <= 6; ++revision) {
      deliver(*tree, revision);
      restart(tree);
      EXPECT_EQ(tree->epoch(), epoch);
      EXPECT_EQ(last(*tree).revision, revision);
    }
    tree->publish(TreeState{.revision = 7});
  }
  const UniqueFd overwritten = open_own_file(AT_FDCWD, file_, O_RDONLY);
  EXPECT_TRUE(run_until(loop_, [&] { return !is_name_of(AT_FDCWD, file_, overwritten.get()); }))
      << "when there is space again, the timer replaces the file";
  const std::string said = testing::internal::GetCapturedStderr();
  EXPECT_NE(said.find("cannot create files in " + directory_.path()), std::string::npos) << said;
}

TEST_F(BusTest, StartsANewEpochInsteadOfUsingAnOldSnapshot) {
  auto tree = author();
  const auto sub = reader();
  deliver(*tree, 1);
  testing::internal::CaptureStderr();
  {
    const FileSizeLimit full(0);
    for (std::uint64_t revision = 2; revision <= 4; ++revision) {  // repeated crashes
      const std::uint64_t epoch = tree->epoch();
      deliver(*tree, revision);
      restart(tree);
      EXPECT_NE(tree->epoch(), epoch);
      EXPECT_FALSE(tree->last().has_value());
    }
    deliver(*tree, 5);
  }
  EXPECT_TRUE(run_until(loop_, [&] {
    const auto text = read_file(file_);
    return text && text->find("\"revision\":5") != std::string::npos;
  })) << "there is space again";
  restart(tree);
  EXPECT_EQ(last(*tree).revision, 5U);
  const std::string said = testing::internal::GetCapturedStderr();
  EXPECT_NE(said.find("watchd.json can be replaced again"), std::string::npos) << said;
}

TEST_F(BusTest, WarnsOnceThatACrashWouldCauseARestart) {
  const auto tree = author();
  std::filesystem::create_directory(file_);
  testing::internal::CaptureStderr();
  tree->publish(TreeState{.revision = 1});
  tree->publish(TreeState{.revision = 2});
  std::filesystem::remove(file_);
  tree->publish(TreeState{.revision = 3});
  const std::string said = testing::internal::GetCapturedStderr();
  EXPECT_EQ(std::count(said.begin(), said.end(), '\n'), 2) << said;
  EXPECT_NE(said.find("if hpp-watchd crashes now, your server is restarted once more. "),
            std::string::npos)
      << said;
}

TEST_F(BusTest, RepairsTheRunDirectory) {
  const auto tree = author();
  tree->publish(TreeState{.revision = 1});
  const auto first = reader();
  ASSERT_TRUE(wait_for_revision(1));
  std::filesystem::permissions(directory_.path(), std::filesystem::perms(0500));
  testing::internal::CaptureStderr();
  tree->publish(TreeState{.revision = 2});
  const std::string said = testing::internal::GetCapturedStderr();
  EXPECT_NE(said.find("set it to 0700"), std::string::npos) << said;
  EXPECT_NE(read_file(file_).value_or("").find("\"revision\":2"), std::string::npos);
  const std::string moved = directory_.path() + ".moved";
  std::filesystem::rename(directory_.path(), moved);
  testing::internal::CaptureStderr();
  tree->publish(TreeState{.revision = 3});
  trees_.clear();
  const auto second = reader();
  EXPECT_TRUE(wait_for_revision(3)) << "a late subscriber finds the author";
  testing::internal::GetCapturedStderr();
  EXPECT_NE(read_file(file_).value_or("").find("\"revision\":3"), std::string::npos);
  std::filesystem::remove_all(moved);
}

TEST_F(BusTest, StaysOpenIfNoThreadCanBeStarted) {
  nng_socket socket = NNG_SOCKET_INITIALIZER;
  ASSERT_EQ(nng_pub0_open(&socket), 0);
  pthread_attr_t usual;
  ASSERT_EQ(::pthread_getattr_default_np(&usual), 0);
  pthread_attr_t impossible;
  ASSERT_EQ(::pthread_getattr_default_np(&impossible), 0);
  // A stack larger than the address space makes pthread_create(3) fail, like a limit of processes,
  // which does not apply to root.
  ASSERT_EQ(::pthread_attr_setstacksize(&impossible, std::size_t{1} << 60), 0);
  ASSERT_EQ(::pthread_setattr_default_np(&impossible), 0);
  close_socket(socket);
  ASSERT_EQ(::pthread_setattr_default_np(&usual), 0);
  EXPECT_EQ(nng_send(socket, nullptr, 0, 0), 0) << "the socket is still open";
  close_socket(socket);
  EXPECT_EQ(nng_send(socket, nullptr, 0, 0), NNG_ECLOSED);
}

TEST_F(BusTest, DropsAMalformedMessage) {
  nng_socket stranger = NNG_SOCKET_INITIALIZER;
  ASSERT_EQ(nng_pub0_open(&stranger), 0);
  ASSERT_EQ(nng_listen(stranger,
                       socket_url(directory_.path(), Topic::Tree, Audience::TicketHandlers).c_str(),
                       nullptr, 0),
            0);
  const auto sub = reader();
  const auto send = [&](std::string text) { nng_send(stranger, text.data(), text.size(), 0); };
  testing::internal::CaptureStderr();
  std::uint64_t sequence = 0;
  // A subscriber that has not connected yet gets nothing. Therefore send until a message arrives,
  // and then once more from the beginning.
  EXPECT_TRUE(run_until(loop_, [&] {
    for (const char* bad : {"tree ", "tree []", "tree {\"epoch\": 1}", "tree \xff"}) send(bad);
    send(encode(TreeState{.stamp = {.epoch = 5, .sequence = ++sequence}, .revision = 9}));
    return trees_.size() >= 2;
  }));
  const std::string said = testing::internal::GetCapturedStderr();
  EXPECT_EQ(trees_.back().revision, 9U);
  EXPECT_EQ(std::count(said.begin(), said.end(), '\n'), 1) << "one warning: " << said;
  EXPECT_NE(said.find("dropped a message"), std::string::npos) << said;
  nng_close(stranger);
}

}  // namespace
}  // namespace hpp::bus
