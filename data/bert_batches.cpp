#include <gradus/data/bert_batches.h>

#include <algorithm>
#include <iterator>
#include <memory>

#include <gradus/core/check.h>
#include <gradus/core/create.h>
#include <gradus/data/streams.h>

namespace gradus::data {
namespace {

std::int64_t size_of(IdsView ids) { return static_cast<std::int64_t>(ids.size()); }

// How many of a's ids are among b's, as a share of the longer one.
double shared(IdsView a, IdsView b) {
  const auto count =
      std::ranges::count_if(a, [&](std::int64_t id) { return std::ranges::find(b, id) != b.end(); });
  return static_cast<double>(count) / static_cast<double>(std::max(a.size(), b.size()));
}

// The sentences of all documents in a row.
struct Sentences {
  explicit Sentences(std::vector<Document> documents) {
    for (Document& document : documents) {
      const auto begin = static_cast<std::int64_t>(all.size());
      const std::int64_t end = begin + static_cast<std::int64_t>(document.size());
      for (std::int64_t s = begin; s < end; ++s) {
        if (s + 1 < end) firsts.push_back(s);
        begins.push_back(begin);
        ends.push_back(end);
      }
      std::move(document.begin(), document.end(), std::back_inserter(all));
    }
  }

  IdsView operator[](std::int64_t s) const { return all[static_cast<std::size_t>(s)]; }
  std::int64_t count() const { return static_cast<std::int64_t>(all.size()); }

  // Sentences from `begin` up to and without `end`, as one.
  Ids joined(std::int64_t begin, std::int64_t end) const {
    Ids ids;
    for (std::int64_t s = begin; s < end; ++s) ids.insert(ids.end(), (*this)[s].begin(), (*this)[s].end());
    return ids;
  }

  // A sentence of another document than that of s.
  std::int64_t elsewhere(std::int64_t s, Random& random) const {
    const std::int64_t begin = begins[static_cast<std::size_t>(s)], end = ends[static_cast<std::size_t>(s)];
    const std::int64_t drawn = random.below(count() - (end - begin));
    return drawn < begin ? drawn : drawn + (end - begin);
  }

  // Of several of other documents, the one that is most like the sentence behind s and not the same. Where
  // all are the same, as in a corpus of one sentence again and again, any.
  std::int64_t near(std::int64_t s, Random& random) const {
    constexpr int draws = 16;
    const IdsView right = (*this)[s + 1];
    std::int64_t nearest = elsewhere(s, random);
    double most = -1;
    for (int i = 0; i < draws; ++i) {
      const std::int64_t drawn = elsewhere(s, random);
      const double share = shared((*this)[drawn], right);
      if (share <= most || std::ranges::equal((*this)[drawn], right)) continue;
      nearest = drawn;
      most = share;
    }
    return nearest;
  }

  std::vector<Ids> all;
  std::vector<std::int64_t> begins, ends;  // of each sentence's document
  std::vector<std::int64_t> firsts;        // sentences that have a next one
};

void check_sentences(const Sentences& sentences, const BertOptions& options) {
  check(sentences.count() > 0, "bert_batches", "there are no sentences. Is the corpus empty?");
  check(!sentences.firsts.empty(), "bert_batches",
        "no sentence has a next one: a document is a list of sentences. Are they one document each?");
  check(sentences.ends.front() < sentences.count(), "bert_batches",
        "sentences that do not follow are taken from other documents, and there is one alone. Cut it in "
        "several?");
  check(options.longest >= 5, "bert_batches", "two sentences and three special tokens do not fit into ",
        options.longest, " ids. 64?");
  for (std::int64_t s = 0; s < sentences.count(); ++s) {
    check(!sentences[s].empty(), "bert_batches", "sentence ", s, " has no ids. Leave it out?");
    for (const std::int64_t id : sentences[s])
      check(id >= 0 && id < options.masking.vocabulary, "bert_batches", "sentence ", s, " has an id ", id,
            ", and the vocabulary has ", options.masking.vocabulary, ". Another tokenizer's?");
  }
  check(options.random >= 0 && options.random <= 1, "bert_batches",
        "the part of second sentences that is from elsewhere must be from 0 to 1, not ", options.random,
        ". 0.5?");
  check(options.near >= 0 && options.near <= 1, "bert_batches",
        "the part of these that is hard to tell from the right one must be from 0 to 1, not ", options.near,
        ". 0.5?");
  check(options.most_sentences >= 1, "bert_batches", "a segment has one sentence or more, not at most ",
        options.most_sentences, ". 1?");
  const Ids none;
  Random random(0, 0);
  mask_tokens(none, options.masking, random);  // refuses what it cannot do
}

std::vector<IdsView> views(const std::vector<Ids>& sequences) { return {sequences.begin(), sequences.end()}; }

std::int64_t second_of(const Sentences& sentences, std::int64_t first, bool is_random, double near,
                       Random& random) {
  if (!is_random) return first + 1;
  // Nothing is drawn for a share of none, so that the pairs are those of a corpus without this choice.
  if (near > 0 && random.chance(near)) return sentences.near(first, random);
  return sentences.elsewhere(first, random);
}

// How many sentences each segment may have.
struct Lengths {
  std::int64_t first, second;
};

// The two, with the sentences before and behind them that were asked for, so far as there are and as fit.
BertInput input_of(const Sentences& sentences, std::int64_t first, std::int64_t second, Lengths most,
                   const BertOptions& options) {
  std::int64_t begin = first, end = second + 1;
  std::int64_t room = options.longest - 3 - size_of(sentences[first]) - size_of(sentences[second]);
  const auto fits = [&](std::int64_t s) {
    const bool yes = size_of(sentences[s]) <= room;
    if (yes) room -= size_of(sentences[s]);
    return yes;
  };
  const std::int64_t earliest = sentences.begins[static_cast<std::size_t>(first)],
                     latest = sentences.ends[static_cast<std::size_t>(second)];
  while (first - begin + 1 < most.first && begin > earliest && fits(begin - 1)) --begin;
  while (end - second < most.second && end < latest && fits(end)) ++end;
  return bert_input(sentences.joined(begin, first + 1), sentences.joined(second, end),
                    options.masking.special, options.longest);
}

BertBatch batch_of(const Sentences& sentences, const BertOptions& options,
                   const std::vector<std::int64_t>& items, std::int64_t epoch) {
  std::vector<Ids> ids, segments, labels;
  std::vector<std::int64_t> is_random;
  // The same for all rows, so that little of the batch is padding.
  Random lengths(options.seed, {streams::lengths, epoch, items.front()});
  const std::int64_t of_first = 1 + lengths.below(options.most_sentences);
  const Lengths most{of_first, 1 + lengths.below(options.most_sentences)};
  for (const std::int64_t item : items) {
    Random pairs(options.seed, {streams::pairs, epoch, item}),
        masks(options.seed, {streams::masks, epoch, item});
    const std::int64_t first = sentences.firsts[static_cast<std::size_t>(item)];
    is_random.push_back(pairs.chance(options.random));
    const std::int64_t second = second_of(sentences, first, is_random.back() == 1, options.near, pairs);
    BertInput input = input_of(sentences, first, second, most, options);
    Masked masked = mask_tokens(input.ids, options.masking, masks);
    ids.push_back(std::move(masked.ids));
    labels.push_back(std::move(masked.labels));
    segments.push_back(std::move(input.segments));
  }
  const Padded padded = pad(views(ids), options.masking.special.padding);
  return {.ids = padded.ids,
          .segments = pad(views(segments), 0).ids,
          .mask = padded.mask,
          .labels = pad_targets(views(labels)),
          .is_random = from_vector(is_random)};
}

}  // namespace

BertInput bert_input(IdsView a, IdsView b, const SpecialIds& special, std::int64_t longest) {
  check(!a.empty(), "bert_input", "the first sentence has no ids. Is the second one the only one?");
  const std::int64_t specials = b.empty() ? 2 : 3;
  const std::int64_t least = specials + (b.empty() ? 1 : 2);
  check(longest >= least, "bert_input", "an input has ", least, " ids or more, and may have ", longest,
        ". 64?");
  while (size_of(a) + size_of(b) + specials > longest) {
    IdsView& longer = a.size() >= b.size() ? a : b;
    longer = longer.first(longer.size() - 1);
  }
  BertInput input;
  const auto append = [&](IdsView ids, std::int64_t segment) {
    input.ids.insert(input.ids.end(), ids.begin(), ids.end());
    input.segments.resize(input.ids.size(), segment);
  };
  append({&special.cls, 1}, 0);
  append(a, 0);
  append({&special.sep, 1}, 0);
  if (!b.empty()) {
    append(b, 1);
    append({&special.sep, 1}, 1);
  }
  return input;
}

Source<BertBatch> bert_batches(std::vector<Document> documents, const BertOptions& options) {
  const auto sentences = std::make_shared<const Sentences>(std::move(documents));
  check_sentences(*sentences, options);
  const Order order(static_cast<std::int64_t>(sentences->firsts.size()), options.batch_size, options.seed);
  return {order,
          [sentences, options](const std::vector<std::int64_t>& items, std::int64_t epoch) {
            return batch_of(*sentences, options, items, epoch);
          },
          {{"sentences", sentences->count()},
           {"longest", options.longest},
           {"vocabulary", options.masking.vocabulary}}};
}

}  // namespace gradus::data
