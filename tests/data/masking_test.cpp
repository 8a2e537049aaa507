#include <gradus/data/masking.h>

#include <algorithm>
#include <cmath>

#include "support/catch.h"
#include "support/throws.h"

using namespace gradus;
using namespace gradus::data;
using gradus::test::message_of;

namespace {

// Special tokens are scattered among 40; those from 30 on go on with a word.
const Masking masking{.vocabulary = 40,
                      .special = {.padding = 0, .unknown = 7, .cls = 12, .sep = 13, .mask = 39}};
const Ids special{0, 7, 12, 13, 39};

bool is_special(std::int64_t id) { return std::find(special.begin(), special.end(), id) != special.end(); }

Ids some_ids(std::int64_t count, std::int64_t seed) {
  Random random(31, {seed});
  Ids ids;
  for (std::int64_t i = 0; i < count; ++i) ids.push_back(random.below(40));
  return ids;
}

bool is_near(std::int64_t count, std::int64_t of, double share) {
  const double n = static_cast<double>(of);
  return std::abs(static_cast<double>(count) / n - share) < 4 * std::sqrt(share * (1 - share) / n);
}

}  // namespace

TEST_CASE("15 % of a million tokens are selected: 80 % of these masked, 10 % drawn, 10 % kept", "[data]") {
  std::int64_t tokens = 0, selected = 0, masked = 0, kept = 0, drawn = 0, wrong = 0;
  std::vector<std::int64_t> draws(40);
  for (std::int64_t sentence = 0; tokens < 1000000; ++sentence) {
    const Ids ids = some_ids(500, sentence);
    Random random(1, {sentence});
    const Masked out = mask_tokens(ids, masking, random);
    for (std::size_t i = 0; i < ids.size(); ++i) {
      const bool is_selected = out.labels[i] != ignore_index;
      if (is_special(ids[i]) || !is_selected) {
        wrong += is_selected || out.ids[i] != ids[i];
        tokens += !is_special(ids[i]);
        continue;
      }
      ++tokens;
      ++selected;
      wrong += out.labels[i] != ids[i];
      if (out.ids[i] == masking.special.mask)
        ++masked;
      else if (out.ids[i] == ids[i])
        ++kept;
      else
        ++drawn, ++draws[static_cast<std::size_t>(out.ids[i])];
    }
  }
  CHECK(wrong == 0);
  CHECK(is_near(selected, tokens, 0.15));
  CHECK(is_near(masked, selected, 0.8));
  CHECK(is_near(drawn, selected, 0.1 * 34 / 35));  // one in 35 draws what stood there
  CHECK(is_near(kept, selected, 0.1 + 0.1 / 35));
  for (std::int64_t id = 0; id < 40; ++id) {
    const std::int64_t count = draws[static_cast<std::size_t>(id)];
    if (is_special(id))
      CHECK(count == 0);
    else
      CHECK(is_near(count, drawn, 1.0 / 35));
  }
}

TEST_CASE("a whole word is selected or none of it", "[data]") {
  Masking whole = masking;
  whole.continues_word = [](std::int64_t id) { return id >= 30; };
  std::int64_t tokens = 0, selected = 0, words = 0, words_selected = 0, split = 0, mixed = 0, parted = 0;
  for (std::int64_t sentence = 0; tokens < 300000; ++sentence) {
    const Ids ids = some_ids(500, sentence);
    Random random(2, {sentence});
    const Masked out = mask_tokens(ids, whole, random);
    for (std::size_t i = 0; i < ids.size(); ++i) {
      if (is_special(ids[i])) continue;
      const bool is_selected = out.labels[i] != ignore_index;
      ++tokens;
      selected += is_selected;
      if (ids[i] >= 30 && i > 0 && !is_special(ids[i - 1])) {
        split += is_selected != (out.labels[i - 1] != ignore_index);
        mixed += is_selected && (out.ids[i] == 39) != (out.ids[i - 1] == 39);
      } else {
        ++words;
        words_selected += is_selected;
        // A piece behind a special token has no word to go on with.
        parted += ids[i] >= 30 && i > 1 && !is_special(ids[i - 2]) && is_special(ids[i - 1]) &&
                  is_selected != (out.labels[i - 2] != ignore_index);
      }
    }
  }
  CHECK(split == 0);
  CHECK(parted > 0);
  CHECK(mixed > 0);  // each piece is masked, drawn or kept by itself
  CHECK(is_near(words_selected, words, 0.15));
  CHECK(std::abs(static_cast<double>(selected) / static_cast<double>(tokens) - 0.15) < 0.005);
}

TEST_CASE("the parts that are selected, masked and drawn can be set", "[data]") {
  const Ids ids = some_ids(2000, 0);
  const auto counts = [&](double selected, double masked, double drawn) {
    Masking other = masking;
    other.corruption.selected = selected, other.corruption.masked = masked, other.corruption.random = drawn;
    Random random(3, 0);
    const Masked out = mask_tokens(ids, other, random);
    std::vector<std::int64_t> count(3);  // selected, masked, changed to another
    for (std::size_t i = 0; i < ids.size(); ++i) {
      if (out.labels[i] == ignore_index) continue;
      ++count[0];
      count[1] += out.ids[i] == 39;
      count[2] += out.ids[i] != 39 && out.ids[i] != ids[i];
    }
    return count;
  };
  const std::int64_t tokens = 2000 - std::count_if(ids.begin(), ids.end(), is_special);
  CHECK(counts(0, 0.8, 0.1) == Ids{0, 0, 0});
  CHECK(counts(1, 1, 0) == Ids{tokens, tokens, 0});
  CHECK(counts(1, 0, 0) == Ids{tokens, 0, 0});
  CHECK(counts(1, 0, 1)[2] > tokens * 9 / 10);
}

TEST_CASE("a mask is the same for the same stream, and another for another", "[data]") {
  const Ids ids = some_ids(200, 0);
  const auto labels = [&](std::int64_t epoch) {
    Random random(4, {epoch, 17});
    return mask_tokens(ids, masking, random).labels;
  };
  CHECK(labels(0) == labels(0));
  CHECK(labels(0) != labels(1));
}

TEST_CASE("BERT's special tokens are found in a vocabulary", "[data]") {
  const SpecialIds found = special_ids(Vocabulary({"[UNK]", "a", "[MASK]", "[SEP]", "[CLS]", "[PAD]", "b"}));
  CHECK(found.padding == 5);
  CHECK(found.unknown == 0);
  CHECK(found.cls == 4);
  CHECK(found.sep == 3);
  CHECK(found.mask == 2);
  CHECK(message_of([] {
          special_ids(Vocabulary({"[UNK]", "[PAD]", "[CLS]", "[SEP]"}));
        }).find("'[MASK]'") != std::string::npos);
}

TEST_CASE("masking refuses what it cannot hide", "[data]") {
  const auto refused = [](const Masking& other, const Ids& ids = {1}) {
    Random random(1, 0);
    return message_of([&] { mask_tokens(ids, other, random); });
  };
  CHECK(refused(masking, {3, 40}) ==
        "[mask_tokens] id 1 is 40, and the vocabulary has 40. Another tokenizer's?");
  CHECK(refused(masking, {-1}) ==
        "[mask_tokens] id 0 is -1, and the vocabulary has 40. Another tokenizer's?");
  Masking other = masking;
  other.special.mask = 40;
  CHECK(refused(other) ==
        "[mask_tokens] special tokens 0, 7, 12, 13 and 40 are not five of a vocabulary of 40. Take them from "
        "its "
        "tokenizer?");
  other.special.mask = 7;
  CHECK(refused(other).find("are not five") != std::string::npos);
  CHECK(refused({.vocabulary = 5, .special = {0, 1, 2, 3, 4}}) ==
        "[mask_tokens] a vocabulary of special tokens alone has none to draw. Has it been trained?");
  other = masking, other.corruption.selected = NAN;
  CHECK(refused(other) == "[mask_tokens] selected is a part of the tokens, not nan. 0.15?");
  other = masking, other.corruption.random = 0.3;
  CHECK(refused(other) == "[mask_tokens] masked 0.8 and random 0.3 are not parts of one whole. 0.8 and 0.1?");
}
