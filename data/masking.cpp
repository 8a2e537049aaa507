#include <gradus/data/masking.h>

#include <algorithm>
#include <array>

#include <gradus/core/check.h>

namespace gradus::data {
namespace {

std::array<std::int64_t, 5> sorted(const SpecialIds& s) {
  std::array<std::int64_t, 5> ids{s.padding, s.unknown, s.cls, s.sep, s.mask};
  std::sort(ids.begin(), ids.end());
  return ids;
}

void check_masking(const Masking& m) {
  const std::array<std::int64_t, 5> special = sorted(m.special);
  check(special.front() >= 0 && special.back() < m.vocabulary &&
            std::adjacent_find(special.begin(), special.end()) == special.end(),
        "mask_tokens", "special tokens ", m.special.padding, ", ", m.special.unknown, ", ", m.special.cls,
        ", ", m.special.sep, " and ", m.special.mask, " are not five of a vocabulary of ", m.vocabulary,
        ". Take them from its tokenizer?");
  check(m.vocabulary > 5, "mask_tokens",
        "a vocabulary of special tokens alone has none to draw. Has it been trained?");
  check(m.corruption.selected >= 0 && m.corruption.selected <= 1, "mask_tokens",
        "selected is a part of the tokens, not ", m.corruption.selected, ". 0.15?");
  check(
      m.corruption.masked >= 0 && m.corruption.random >= 0 && m.corruption.masked + m.corruption.random <= 1,
      "mask_tokens", "masked ", m.corruption.masked, " and random ", m.corruption.random,
      " are not parts of one whole. 0.8 and 0.1?");
}

}  // namespace

SpecialIds special_ids(const Vocabulary& vocabulary) {
  return {.padding = vocabulary.id("[PAD]"),
          .unknown = vocabulary.id("[UNK]"),
          .cls = vocabulary.id("[CLS]"),
          .sep = vocabulary.id("[SEP]"),
          .mask = vocabulary.id("[MASK]")};
}

Masked mask_tokens(IdsView ids, const Masking& masking, Random& random) {
  check_masking(masking);
  const std::array<std::int64_t, 5> special = sorted(masking.special);
  const auto is_special = [&](std::int64_t id) {
    return std::find(special.begin(), special.end(), id) != special.end();
  };
  const auto another_token = [&] {
    std::int64_t id = random.below(masking.vocabulary - static_cast<std::int64_t>(special.size()));
    for (const std::int64_t skipped : special) id += id >= skipped;
    return id;
  };

  Masked out{.ids = {ids.begin(), ids.end()}, .labels = Ids(ids.size(), ignore_index)};
  bool word_began = false, is_selected = false;
  for (std::size_t i = 0; i < ids.size(); ++i) {
    check(ids[i] >= 0 && ids[i] < masking.vocabulary, "mask_tokens", "id ", i, " is ", ids[i],
          ", and the vocabulary has ", masking.vocabulary, ". Another tokenizer's?");
    if (is_special(ids[i])) {
      word_began = false;
      continue;
    }
    const bool continues = word_began && masking.continues_word && masking.continues_word(ids[i]);
    if (!continues) is_selected = random.chance(masking.corruption.selected);
    word_began = true;
    if (!is_selected) continue;
    out.labels[i] = ids[i];
    const double choice = random.uniform();
    if (choice < masking.corruption.masked)
      out.ids[i] = masking.special.mask;
    else if (choice < masking.corruption.masked + masking.corruption.random)
      out.ids[i] = another_token();
  }
  return out;
}

}  // namespace gradus::data
