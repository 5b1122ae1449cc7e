#include "common/bus/idle.h"

#include <gtest/gtest.h>

#include "common/bus/idle_page.h"
#include "common/os/pipe.h"

namespace hpp::bus {
namespace {

TEST(Idle, AnOfferIsReadAsItWasWritten) {
  const QueueOffer offer{
      .epoch = 12,
      .directories = {{.path = "/home/me/src", .id = "8:1"}, {.path = "/a b\n\xff", .id = "8:2"}}};
  EXPECT_EQ(decode_offer(encode(offer)), offer);
}

TEST(Idle, TheLongestOfferFitsIntoAMessage) {
  QueueOffer offer{.epoch = ~std::uint64_t{0}, .directories = {}};
  for (std::size_t i = 0; i < kQueuesMax; ++i) {
    offer.directories.push_back(
        {.path = std::string(4096, 'x'), .id = "18446744073709551615:18446744073709551615"});
  }
  EXPECT_LE(encode(offer).size(), kOfferSizeMax);
}

TEST(Idle, OtherTextIsNoOffer) {
  using namespace std::string_view_literals;
  for (const std::string_view text :
       {""sv, "12"sv, "x\0"sv, "12\0008:1\0"sv, "12\0008:1\0/a"sv, "12\0\0/a\0"sv}) {
    EXPECT_FALSE(decode_offer(text)) << text;
  }
}

TEST(IdlePage, AnotherProcessReadsWhatIsWritten) {
  auto page = IdlePage::create();
  ASSERT_TRUE(page);
  auto view = IdlePage::open(UniqueFd(::dup(page->fd())));
  ASSERT_TRUE(view);
  EXPECT_EQ(view->read(), 0U);
  page->write(7);
  EXPECT_EQ(view->read(), 7U);
  page.reset();
  EXPECT_EQ(view->read(), 7U) << "it outlives its writer";
  const IdlePage moved = *std::move(view);
  EXPECT_EQ(moved.read(), 7U);
}

TEST(IdlePage, AnotherDescriptorIsNoPage) {
  EXPECT_FALSE(IdlePage::open(make_pipe().reader));
  EXPECT_FALSE(IdlePage::open(UniqueFd()));
}

}  // namespace
}  // namespace hpp::bus
