#include <gradus/models/word_exchange.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include <gradus/autograd/grad_mode.h>
#include <gradus/autograd/ops/elementwise.h>
#include <gradus/autograd/ops/index.h>
#include <gradus/autograd/ops/reduce.h>
#include <gradus/autograd/ops/softmax.h>
#include <gradus/core/check.h>
#include <gradus/core/create.h>

namespace gradus::models {
namespace {

constexpr double times_likelier = 20;  // is the word that stood there than one that does not belong

struct Pair {
  data::Ids first, second;          // as they were
  data::Ids asked;                  // second, with words hidden
  std::vector<std::size_t> hidden;  // their places in second
};

std::vector<Pair> pairs_of(const data::BertBatch& batch, const data::SpecialIds& special) {
  std::vector<Pair> pairs(static_cast<std::size_t>(batch.ids.size(0)));
  for (std::size_t row = 0; row < pairs.size(); ++row) {
    const auto of_row = [&](const Tensor& all) {
      return all[static_cast<std::int64_t>(row)].to_vector<std::int64_t>();
    };
    const data::Ids ids = of_row(batch.ids), segments = of_row(batch.segments), labels = of_row(batch.labels);
    Pair& pair = pairs[row];
    for (std::size_t t = 0; t < ids.size(); ++t) {
      if (ids[t] == special.padding || ids[t] == special.cls || ids[t] == special.sep) continue;
      const bool is_hidden = labels[t] != data::ignore_index;
      const std::int64_t stood = is_hidden ? labels[t] : ids[t];
      if (segments[t] == 0) {
        pair.first.push_back(stood);
        continue;
      }
      if (is_hidden) pair.hidden.push_back(pair.second.size());
      pair.second.push_back(stood);
      pair.asked.push_back(ids[t]);
    }
  }
  return pairs;
}

// What BERT reads of a list of pairs. A first passage loses what does not fit, a second one never does.
class Rows {
 public:
  Rows(const data::SpecialIds& special, std::int64_t longest) : special_(special), longest_(longest) {}

  void add(data::IdsView first, data::IdsView second) {
    const std::size_t room = static_cast<std::size_t>(longest_) - 3 - second.size();
    data::BertInput input =
        data::bert_input(first.first(std::min(first.size(), room)), second, special_, longest_);
    begins_.push_back(input.ids.size() - 1 - second.size());
    ids_.push_back(std::move(input.ids));
    segments_.push_back(std::move(input.segments));
  }

  std::size_t begin_of_second(std::size_t row) const { return begins_[row]; }

  // Asks for the words that were hidden.
  data::Ids labels_of_last(const Pair& pair) const {
    data::Ids labels(ids_.back().size(), data::ignore_index);
    for (const std::size_t at : pair.hidden) labels[begins_.back() + at] = pair.second[at];
    return labels;
  }

  BertText text() const {
    const data::Padded padded = data::pad({ids_.begin(), ids_.end()}, special_.padding);
    const data::Padded segments = data::pad({segments_.begin(), segments_.end()}, 0);
    return {.ids = padded.ids, .segments = segments.ids, .mask = padded.mask};
  }

 private:
  data::SpecialIds special_;
  std::int64_t longest_;
  std::vector<data::Ids> ids_, segments_;
  std::vector<std::size_t> begins_;
};

// log p of all words at the hidden places, pair after pair: (places, V)
Tensor said(const BertPretraining& model, const Rows& rows, const std::vector<Pair>& pairs) {
  const Tensor tokens = model.bert(rows.text());
  const auto length = static_cast<std::size_t>(tokens.size(1));
  data::Ids places;
  for (std::size_t row = 0; row < pairs.size(); ++row)
    for (const std::size_t at : pairs[row].hidden)
      places.push_back(static_cast<std::int64_t>(row * length + rows.begin_of_second(row) + at));
  return log_softmax(model.mlm(index_select(tokens.flatten(0, 1), 0, from_vector(places))), -1).to(f64);
}

}  // namespace

std::optional<data::BertBatch> with_words_exchanged(BertPretraining& model, const data::BertBatch& batch,
                                                    const data::SpecialIds& special, data::Random& random) {
  const auto strangers = static_cast<std::int64_t>(sum(batch.is_random).item());
  check(strangers == 0, "with_words_exchanged", strangers, " of ", batch.is_random.numel(),
        " pairs do not follow. From a source whose `random` is 0?");
  const nn::EvalMode evaluating(model);
  const GradMode off(false);
  const std::vector<Pair> pairs = pairs_of(batch, special);
  Rows as_it_was(special, model.options.context), behind_another = as_it_was, exchanged = as_it_was;
  for (std::size_t row = 0; row < pairs.size(); ++row) {
    as_it_was.add(pairs[row].first, pairs[row].asked);
    behind_another.add(pairs[(row + 1) % pairs.size()].first, pairs[row].asked);
  }
  const Tensor right = said(model, as_it_was, pairs), other = said(model, behind_another, pairs);

  std::vector<data::Ids> labels;
  std::vector<std::int64_t> is_random;
  std::int64_t place = 0;
  for (const Pair& pair : pairs) {
    std::vector<data::Ids> candidates;
    for (const std::size_t at : pair.hidden) {
      const std::vector<double> log_p = right[place].to_vector<double>();
      const std::size_t drawn = random.weighted(exp(other[place]).to_vector<double>());
      ++place;
      if (log_p[drawn] + std::log(times_likelier) > log_p[static_cast<std::size_t>(pair.second[at])])
        continue;
      candidates.push_back(pair.second);
      candidates.back()[at] = static_cast<std::int64_t>(drawn);
    }
    if (candidates.empty()) continue;
    exchanged.add(pair.first, pair.second);
    exchanged.add(pair.first, random.pick(candidates));
    is_random.insert(is_random.end(), {0, 1});
    labels.insert(labels.end(), 2, exchanged.labels_of_last(pair));
  }
  if (is_random.empty()) return {};
  const BertText text = exchanged.text();
  return data::BertBatch{.ids = text.ids,
                         .segments = text.segments,
                         .mask = text.mask,
                         .labels = data::pad_targets({labels.begin(), labels.end()}),
                         .is_random = from_vector(is_random)};
}

}  // namespace gradus::models
