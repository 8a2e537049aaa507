#include <gradus/models/translation.h>

#include <algorithm>
#include <numeric>

#include <gradus/autograd/grad_mode.h>
#include <gradus/autograd/ops/loss.h>
#include <gradus/autograd/ops/reduce.h>
#include <gradus/core/check.h>
#include <gradus/data/bleu.h>

namespace gradus::models {
namespace {

// Calls body(which) with the places of `batch` sources at a time, the shortest first.
template <class Ids, class Body>
void in_batches(std::size_t count, const Ids& source_at, const TranslateOptions& o, const Body& body) {
  check(o.batch > 0, "translate", "a batch needs sentences, not ", o.batch, ". 64?");
  std::vector<std::size_t> order(count);
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return source_at(a).size() < source_at(b).size(); });
  const auto each = static_cast<std::size_t>(o.batch);
  for (std::size_t from = 0; from < count; from += each)
    body(std::span(order).subspan(from, std::min(each, count - from)));
}

using Places = std::span<const std::size_t>;

// The pairs at these places as a model takes them.
struct Batch {
  data::Padded source;
  data::Shifted target;
};
template <class PairAt>
Batch batch_of(Places places, const PairAt& pair_at, const data::DecoderIds& ids) {
  std::vector<data::IdsView> sources, targets;
  for (const std::size_t i : places) {
    sources.emplace_back(pair_at(i).source);
    targets.emplace_back(pair_at(i).target);
  }
  return {data::pad(sources, ids.padding), data::shift(targets, ids)};
}

}  // namespace

std::vector<data::Ids> translate(const MakeWriter& writer, const std::vector<data::Ids>& sources,
                                 const TranslateOptions& o) {
  const DecodeOptions decode{.begin = o.ids.begin, .end = o.ids.end, .max_length = o.max_length};
  std::vector<data::Ids> all(sources.size());
  in_batches(
      sources.size(), [&](std::size_t i) -> const data::Ids& { return sources[i]; }, o,
      [&](Places places) {
        std::vector<data::IdsView> views;
        for (const std::size_t i : places) views.emplace_back(sources[i]);
        const std::unique_ptr<Writer> writing = writer(data::pad(views, o.ids.padding));
        const auto rows = static_cast<std::int64_t>(places.size());
        if (o.width == 1) {
          std::vector<data::Ids> best = greedy(*writing, rows, decode);
          for (std::size_t k = 0; k < places.size(); ++k) all[places[k]] = std::move(best[k]);
          return;
        }
        auto best = beam_search(*writing, rows,
                                {.decode = decode, .width = o.width, .length_penalty = o.length_penalty});
        for (std::size_t k = 0; k < places.size(); ++k)
          if (!best[k].empty()) all[places[k]] = std::move(best[k].front().ids);
      });
  return all;
}

data::Share AccuracyByLength::all() const {
  data::Share total;
  for (const auto& [length, share] : lengths) total += share;
  return total;
}

std::map<std::int64_t, data::Share> AccuracyByLength::buckets(std::int64_t width) const {
  check(width > 0, "buckets", "a bucket has lengths, not ", width, " of them. 4?");
  std::map<std::int64_t, data::Share> joined;
  for (const auto& [length, share] : lengths) joined[(length + width - 1) / width * width] += share;
  return joined;
}

// slope = sum (x - mean x)(y - mean y) / sum (x - mean x)^2 over all tokens, x the length and y 0 or 1
double AccuracyByLength::slope() const {
  check(lengths.size() > 1, "slope", "a line needs two points; there are sources of ", lengths.size(),
        " lengths. More sentences?");
  const data::Share total = all();
  double mean = 0, above = 0, below = 0;
  for (const auto& [length, share] : lengths)
    mean += static_cast<double>(length) * static_cast<double>(share.all) / static_cast<double>(total.all);
  for (const auto& [length, share] : lengths) {
    const double x = static_cast<double>(length) - mean, count = static_cast<double>(share.all);
    above += x * (static_cast<double>(share.right) - count * total.value());
    below += x * x * count;
  }
  return above / below;
}

AccuracyByLength token_accuracy(const Logits& logits, const std::vector<data::IdsPair>& pairs,
                                const TranslateOptions& options) {
  const GradMode off(false);
  AccuracyByLength found;
  const auto pair_at = [&](std::size_t i) -> const data::IdsPair& { return pairs[i]; };
  in_batches(
      pairs.size(), [&](std::size_t i) -> const data::Ids& { return pairs[i].source; }, options,
      [&](Places places) {
        const Batch batch = batch_of(places, pair_at, options.ids);
        const Tensor best = argmax(logits(batch.source, batch.target.input), -1);
        for (std::size_t k = 0; k < places.size(); ++k) {
          const auto row = static_cast<std::int64_t>(k);
          found.lengths[static_cast<std::int64_t>(pairs[places[k]].source.size())] +=
              data::accuracy(best[row], batch.target.target[row], data::ignore_index);
        }
      });
  return found;
}

double pair_loss(const Logits& logits, const std::vector<data::IdsPair>& pairs,
                 const TranslateOptions& options) {
  const GradMode off(false);
  double sum = 0;
  std::int64_t count = 0;
  const auto pair_at = [&](std::size_t i) -> const data::IdsPair& { return pairs[i]; };
  in_batches(
      pairs.size(), [&](std::size_t i) -> const data::Ids& { return pairs[i].source; }, options,
      [&](Places places) {
        const Batch batch = batch_of(places, pair_at, options.ids);
        const Tensor given = logits(batch.source, batch.target.input).flatten(0, 1);
        sum += cross_entropy(given, batch.target.target.flatten(), {.reduction = Reduction::sum}).item();
        for (const std::size_t i : places) count += std::ssize(pairs[i].target) + 1;  // with the end
      });
  return sum / static_cast<double>(count);
}

data::Share choice_accuracy(const Logits& logits, const std::vector<data::IdsPair>& pairs,
                            const std::vector<Choice>& choices, const TranslateOptions& options) {
  const GradMode off(false);
  std::multimap<std::size_t, const Choice*> of_pair;
  for (const Choice& choice : choices) {
    check(choice.pair < pairs.size() && choice.place >= 0 &&
              choice.place < std::ssize(pairs[choice.pair].target),
          "choice_accuracy", "place ", choice.place, " of pair ", choice.pair, " is in none of the ",
          pairs.size(), " targets. Of other pairs?");
    of_pair.emplace(choice.pair, &choice);
  }
  data::Share found;
  const auto pair_at = [&](std::size_t i) -> const data::IdsPair& { return pairs[i]; };
  in_batches(
      pairs.size(), [&](std::size_t i) -> const data::Ids& { return pairs[i].source; }, options,
      [&](Places places) {
        if (std::ranges::none_of(places, [&](std::size_t i) { return of_pair.contains(i); })) return;
        const Batch batch = batch_of(places, pair_at, options.ids);
        const Tensor all = logits(batch.source, batch.target.input).to(f64);  // (B, T, V)
        for (std::size_t k = 0; k < places.size(); ++k) {
          const auto [first, last] = of_pair.equal_range(places[k]);
          for (auto choice = first; choice != last; ++choice) {
            const auto& [pair, place, rivals] = *choice->second;
            const std::vector<double> scores = all[static_cast<std::int64_t>(k)][place].to_vector<double>();
            const std::int64_t right = pairs[pair].target[static_cast<std::size_t>(place)];
            const auto beats = [&](std::int64_t id) {
              return id == right ||
                     scores[static_cast<std::size_t>(right)] > scores.at(static_cast<std::size_t>(id));
            };
            data::Ids against = rivals;
            if (against.empty()) {
              against.resize(scores.size());
              std::iota(against.begin(), against.end(), 0);
            }
            found += {std::ranges::all_of(against, beats), 1};
          }
        }
      });
  return found;
}

data::Share alignment_agreement(const Weights& weights, const std::vector<AlignedPair>& pairs,
                                const TranslateOptions& options) {
  const GradMode off(false);
  for (std::size_t i = 0; i < pairs.size(); ++i)
    check(pairs[i].counts.size() == pairs[i].ids.target.size(), "alignment_agreement", "pair ", i, " has ",
          pairs[i].ids.target.size(), " ids in its target, and ", pairs[i].counts.size(),
          " are said to count or not. One id for each word?");
  data::Share agreement;
  const auto pair_at = [&](std::size_t i) -> const data::IdsPair& { return pairs[i].ids; };
  in_batches(
      pairs.size(), [&](std::size_t i) -> const data::Ids& { return pairs[i].ids.source; }, options,
      [&](Places places) {
        const Batch batch = batch_of(places, pair_at, options.ids);
        const Tensor most = argmax(weights(batch.source, batch.target.input), -1);  // (B, T)
        for (std::size_t k = 0; k < places.size(); ++k) {
          const AlignedPair& pair = pairs[places[k]];
          const auto seen = most[static_cast<std::int64_t>(k)].to_vector<std::int64_t>();
          for (std::size_t t = 0; t < pair.counts.size(); ++t) {
            const auto is_of_token = [&](const data::Link& link) {
              return link.french == static_cast<std::int64_t>(t);
            };
            if (!pair.counts[t] || std::none_of(pair.links.begin(), pair.links.end(), is_of_token)) continue;
            const data::Link found{seen[t], static_cast<std::int64_t>(t)};
            agreement.right += std::count(pair.links.begin(), pair.links.end(), found) > 0;
            ++agreement.all;
          }
        }
      });
  return agreement;
}

data::Share pronoun_agreement(const Logits& logits, const std::vector<ReferringPair>& pairs,
                              const TranslateOptions& options) {
  std::vector<data::IdsPair> ids;
  std::vector<Choice> pronouns;
  for (const ReferringPair& pair : pairs) {
    pronouns.push_back({.pair = ids.size(), .place = pair.reference.french_pronoun});
    ids.push_back(pair.ids);
  }
  return choice_accuracy(logits, ids, pronouns, options);
}

std::vector<std::vector<data::Share>> heads_find_nouns(const SourceHeads& heads,
                                                       const std::vector<ReferringPair>& pairs,
                                                       const TranslateOptions& options) {
  const GradMode off(false);
  std::vector<std::vector<data::Share>> found;
  in_batches(
      pairs.size(), [&](std::size_t i) -> const data::Ids& { return pairs[i].ids.source; }, options,
      [&](Places places) {
        std::vector<data::IdsView> sources;
        for (const std::size_t i : places) sources.emplace_back(pairs[i].ids.source);
        const std::vector<Tensor> layers = heads(data::pad(sources, options.ids.padding));
        found.resize(layers.size());
        for (std::size_t layer = 0; layer < layers.size(); ++layer) {
          const Tensor most = argmax(layers[layer], -1);  // (B, heads, S)
          found[layer].resize(static_cast<std::size_t>(most.size(1)));
          for (std::size_t k = 0; k < places.size(); ++k) {
            const data::Reference& reference = pairs[places[k]].reference;
            const auto seen = most[static_cast<std::int64_t>(k)]
                                  .select(1, reference.english_pronoun)
                                  .to_vector<std::int64_t>();
            for (std::size_t head = 0; head < seen.size(); ++head)
              found[layer][head] += {seen[head] == reference.english_noun, 1};
          }
        }
      });
  return found;
}

TranslationReport report_on(const MakeWriter& writer, const Logits& logits,
                            const std::vector<data::IdsPair>& pairs, const TranslateOptions& options) {
  std::vector<data::Ids> sources, expected;
  for (const data::IdsPair& pair : pairs) {
    sources.push_back(pair.source);
    expected.push_back(pair.target);
  }
  const std::vector<data::Ids> predicted = translate(writer, sources, options);
  data::BleuCounts counts;
  for (std::size_t i = 0; i < pairs.size(); ++i) counts += data::bleu_counts(predicted[i], expected[i]);
  return {data::exact_match(predicted, expected), data::bleu(counts), token_accuracy(logits, pairs, options)};
}

}  // namespace gradus::models
