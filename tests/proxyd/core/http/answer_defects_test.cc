#include "proxyd/core/http/answer_defects.h"

#include <gtest/gtest.h>

#include <set>

namespace hpp::proxyd {
namespace {

Defects defects(std::initializer_list<Defect> all) {
  Defects defects;
  for (const Defect defect : all) defects.add(defect);
  return defects;
}

TEST(Defects, DescribesEachKindWithItsRule) {
  std::set<std::string_view> texts;
  for (std::size_t kind = 0; kind < kDefectKinds; ++kind) {
    const std::string_view text = describe(static_cast<Defect>(kind));
    EXPECT_TRUE(text.starts_with("your server")) << kind;
    EXPECT_NE(text.find("(RFC 91"), std::string_view::npos) << text;
    texts.insert(text);
  }
  EXPECT_EQ(texts.size(), kDefectKinds);
  EXPECT_EQ(describe(static_cast<Defect>(kDefectKinds)), "");
}

TEST(DefectRecord, ReportsEachKindOnce) {
  DefectRecord record;
  EXPECT_TRUE(record.add({}, "GET /", 1).empty());
  EXPECT_TRUE(record.entries().empty());
  const auto both = defects({Defect::Folded, Defect::BareLineFeed});
  EXPECT_EQ(record.add(both, "GET /a", 1),
            (std::vector<Defect>{Defect::BareLineFeed, Defect::Folded}));
  EXPECT_TRUE(record.add(both, "GET /b", 1).empty());
  EXPECT_EQ(record.add(defects({Defect::Folded, Defect::ChunkLine}), "GET /c", 4),
            std::vector<Defect>{Defect::ChunkLine});
}

TEST(DefectRecord, RemembersTheFirstRequestAndTheNewestGeneration) {
  DefectRecord record;
  record.add(defects({Defect::Folded, Defect::ChunkLine}), "GET /a", 1);
  record.add(defects({Defect::Folded}), "GET /b", 2);
  ASSERT_EQ(record.entries().size(), 2u);
  EXPECT_EQ(record.entries()[0].defect, Defect::Folded);
  EXPECT_EQ(record.entries()[0].request, "GET /a");
  EXPECT_EQ(record.entries()[0].generation, 2u);
  EXPECT_EQ(record.entries()[1].generation, 1u);
}

}  // namespace
}  // namespace hpp::proxyd
