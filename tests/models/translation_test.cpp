// What is told of a translator, against counts by hand on one that translates by a rule.
#include <cmath>

#include <gradus/autograd/grad_mode.h>
#include <gradus/autograd/ops/index.h>
#include <gradus/core/create.h>
#include <gradus/models/translation.h>

#include "support/catch.h"
#include "support/throws.h"

using namespace gradus;
using namespace gradus::models;
using namespace gradus::test;

namespace {

using data::Ids;
constexpr std::int64_t vocabulary = 10;
constexpr TranslateOptions options{.ids = {.begin = 1, .end = 2, .padding = 0}, .max_length = 9, .batch = 2};

// Writes each source backwards, but for the id 9 it writes 8. Told what came before, or by itself.
class Backwards {
 public:
  explicit Backwards(const data::Padded& source) {
    for (std::int64_t row = 0; row < source.ids.size(0); ++row) {
      Ids ids = source.ids[row]
                    .slice(0, 0, source.lengths.to_vector<std::int64_t>()[static_cast<std::size_t>(row)])
                    .to_vector<std::int64_t>();
      for (std::int64_t& id : ids) id = id == 9 ? 8 : id;
      rows_.emplace_back(ids.rbegin(), ids.rend());
    }
  }
  std::int64_t at(std::int64_t row, std::size_t t) const {
    const Ids& ids = rows_[static_cast<std::size_t>(row)];
    return t < ids.size() ? ids[t] : 2;
  }

 private:
  std::vector<Ids> rows_;
};

class BackwardsWriter final : public Writer {
 public:
  explicit BackwardsWriter(const data::Padded& source) : rule_(source) {
    for (std::int64_t row = 0; row < source.ids.size(0); ++row) rows_.push_back(row);
  }
  Tensor next(const Tensor& ids) override {
    CHECK(ids.size(0) == static_cast<std::int64_t>(rows_.size()));
    Ids next;
    for (const std::int64_t row : rows_) next.push_back(rule_.at(row, t_));
    ++t_;
    return one_hot(from_vector(next), vocabulary);
  }
  void keep_rows(const Tensor& rows) override {
    Ids kept;
    for (const std::int64_t row : rows.to_vector<std::int64_t>())
      kept.push_back(rows_[static_cast<std::size_t>(row)]);
    rows_ = kept;
  }

 private:
  Backwards rule_;
  Ids rows_;
  std::size_t t_ = 0;
};

struct BackwardsModel {
  std::unique_ptr<Writer> writer(const data::Padded& source) const {
    return std::make_unique<BackwardsWriter>(source);
  }
  Tensor operator()(const data::Padded& source, const Tensor& input) const {
    CHECK_FALSE(grad_mode());
    const Backwards rule(source);
    Ids ids;
    for (std::int64_t row = 0; row < input.size(0); ++row)
      for (std::int64_t t = 0; t < input.size(1); ++t)
        ids.push_back(rule.at(row, static_cast<std::size_t>(t)));
    return one_hot(from_vector(ids, input.shape()), vocabulary);
  }
  // Each step looks at the token that it writes; behind the last, at the first.
  struct Attended {
    Tensor logits, weights;
  };
  Attended with_weights(const data::Padded& source, const Tensor& input) const {
    const Ids lengths = source.lengths.to_vector<std::int64_t>();
    Ids places;
    for (const std::int64_t length : lengths)
      for (std::int64_t t = 0; t < input.size(1); ++t)
        places.push_back(std::max<std::int64_t>(length - 1 - t, 0));
    return {(*this)(source, input), one_hot(from_vector(places, input.shape()), source.ids.size(1))};
  }
};

const std::vector<data::IdsPair> pairs = {
    {{3, 4, 5, 6}, {6, 5, 4, 3}},  // right
    {{3, 9}, {9, 3}},              // 8 3: one of three wrong, the end counted
    {{7}, {7, 7}},                 // 7: told 7, it would end, and one of three is wrong
    {{9, 9, 3}, {3, 8, 8}},        // right
    {{4, 5}, {5, 4}},              // right
};

}  // namespace

TEST_CASE("translations come in the order of their sources, whatever shares a batch", "[model]") {
  std::vector<Ids> sources;
  for (const data::IdsPair& pair : pairs) sources.push_back(pair.source);
  const std::vector<Ids> expected = {{6, 5, 4, 3}, {8, 3}, {7}, {3, 8, 8}, {5, 4}};
  TranslateOptions how = options;
  how.width = GENERATE(1, 3);
  how.batch = GENERATE(1, 2, 64);
  const BackwardsModel model;
  const auto writer = [&](const data::Padded& source) { return model.writer(source); };
  CHECK(translate(writer, sources, how) == expected);
}

TEST_CASE("a report counts whole sentences, and tokens by the length of the source", "[model]") {
  const TranslationReport report = report_on(BackwardsModel{}, pairs, options);
  CHECK(report.exact == data::Share{3, 5});
  CHECK(report.tokens.lengths ==
        std::map<std::int64_t, data::Share>{{1, {2, 3}}, {2, {5, 6}}, {3, {4, 4}}, {4, {5, 5}}});
}

TEST_CASE("BLEU is that of all translations together", "[model]") {
  // 12 words for 13, 11 of them right, and of 7 pairs of neighbours 6, of 3 triples 3, of 1 quadruple 1.
  const double expected = 100 * std::exp(1 - 13.0 / 12) * std::pow(11.0 / 12 * 6 / 7, 0.25);
  CHECK(report_on(BackwardsModel{}, pairs, options).bleu == Approx(expected).epsilon(1e-12));
}

TEST_CASE("the slope is that of the line through all tokens", "[model]") {
  const AccuracyByLength tokens = report_on(BackwardsModel{}, pairs, options).tokens;
  double n = 0, x = 0, y = 0, xx = 0, xy = 0;
  for (const auto& [length, share] : tokens.lengths)
    for (std::int64_t i = 0; i < share.all; ++i) {
      const auto at = static_cast<double>(length), right = i < share.right ? 1.0 : 0.0;
      n += 1, x += at, y += right, xx += at * at, xy += at * right;
    }
  CHECK(tokens.slope() == Approx((n * xy - x * y) / (n * xx - x * x)).epsilon(1e-12));
  CHECK(tokens.all() == data::Share{16, 18});
  CHECK(tokens.buckets(2) == std::map<std::int64_t, data::Share>{{2, {7, 9}}, {4, {9, 9}}});
  CHECK(tokens.buckets(3) == std::map<std::int64_t, data::Share>{{3, {11, 13}}, {6, {5, 5}}});
}

TEST_CASE("alignment agrees where the largest weight is a linked token's, of those that count", "[model]") {
  // Attention is on 5 4 3 2 1 for the tokens of the first sentence, on 1 0 for those of the second.
  const std::vector<AlignedPair> aligned = {
      {{{3, 4, 5, 6, 7}, {3, 3, 3, 3, 3}},
       {{4, 0}, {0, 1}, {3, 1}, {1, 2}, {4, 4}},  // right, one of two, wrong, not linked, does not count
       {true, true, true, true, false}},
      {{{3, 4}, {3, 3}}, {{1, 0}, {0, 1}}, {true, true}},
  };
  CHECK(alignment_agreement(BackwardsModel{}, aligned, options) == data::Share{4, 5});
}

TEST_CASE("a pronoun agrees where it is the likeliest token at its place, told the expected ones",
          "[model]") {
  const std::vector<ReferringPair> referring = {
      {{{3, 4, 5, 6}, {6, 5, 4, 3}}, {0, 0, 2, 0}},  // 4: right
      {{{3, 9}, {9, 3}}, {0, 0, 0, 1}},              // 9, and it says 8
      {{{3, 9}, {9, 3}}, {0, 0, 1, 0}},              // 3: right, whatever came before
      {{{7}, {7, 7}}, {0, 0, 1, 0}},                 // the second 7, and it would end
  };
  CHECK(pronoun_agreement(BackwardsModel{}, referring, options) == data::Share{2, 4});
}

TEST_CASE("a head finds a noun where the pronoun attends to it most, each layer and head for itself",
          "[model]") {
  // Layer 0: head 0 looks at the first token, head 1 at the one before. Layer 1 has one head: the last token.
  const auto heads = [](const data::Padded& source) {
    const std::int64_t rows = source.ids.size(0), length = source.ids.size(1);
    const Ids lengths = source.lengths.to_vector<std::int64_t>();
    Ids first, last;
    for (std::int64_t row = 0; row < rows; ++row) {
      for (std::int64_t i = 0; i < length; ++i) first.push_back(0);
      for (std::int64_t i = 0; i < length; ++i) first.push_back(std::max<std::int64_t>(i - 1, 0));
      for (std::int64_t i = 0; i < length; ++i) last.push_back(lengths[static_cast<std::size_t>(row)] - 1);
    }
    return std::vector<Tensor>{one_hot(from_vector(first, {rows, 2, length}), length),
                               one_hot(from_vector(last, {rows, 1, length}), length)};
  };
  const std::vector<ReferringPair> referring = {
      {{{3, 4, 5}, {3}}, {2, 1, 0, 0}},     // pronoun 2, noun 1: the token before
      {{{3, 4, 5, 6}, {3}}, {2, 0, 0, 0}},  // the first
      {{{3, 4}, {3}}, {0, 1, 0, 0}},        // the last
      {{{3, 4}, {3}}, {1, 0, 0, 0}},        // the first, which is the one before
  };
  CHECK(heads_find_nouns(heads, referring, options) ==
        std::vector<std::vector<data::Share>>{{{2, 4}, {2, 4}}, {{1, 4}}});
}

TEST_CASE("translation refuses what it cannot count", "[model][error]") {
  TranslateOptions none = options;
  none.batch = 0;
  CHECK(message_of([&] { report_on(BackwardsModel{}, pairs, none); }) ==
        "[translate] a batch needs sentences, not 0. 64?");
  CHECK(message_of([] { AccuracyByLength{}.buckets(0); }) ==
        "[buckets] a bucket has lengths, not 0 of them. 4?");
  CHECK(message_of([] {
          AccuracyByLength{{{3, {1, 2}}}}.slope();
        }) == "[slope] a line needs two points; there are sources of 1 lengths. More sentences?");
  CHECK(message_of([] {
          alignment_agreement(BackwardsModel{}, {{{{3, 4}, {3, 3}}, {}, {true}}}, options);
        }) ==
        "[alignment_agreement] pair 0 has 2 ids in its target, and 1 are said to count or not. One id for "
        "each word?");
}
