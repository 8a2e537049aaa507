#include <gradus/data/ngram.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include <gradus/core/check.h>

namespace gradus::data {

NgramModel::NgramModel(const Options& options) : options_(options) {
  const auto& [vocabulary, order, a] = options_;
  check(vocabulary > 0, "ngram_model", "the vocabulary must have tokens, not ", vocabulary, ". Its size()?");
  check(order >= 0, "ngram_model", "the order must be 0 (uniform), 1 (unigram), 2 (bigram) or more, not ",
        order);
  check(a > 0 && std::isfinite(a), "ngram_model", "a must be above 0 and finite, not ", a,
        ": what was never seen would be impossible. 0.01?");
  std::int64_t largest = std::numeric_limits<std::int64_t>::max();
  for (int n = 0; n < order; ++n) largest /= vocabulary;
  check(largest > 0, "ngram_model", "there are more than 2^63 sequences of ", order, " of ", vocabulary,
        " tokens. A lower order?");
  followed_.resize(static_cast<std::size_t>(order));
  contexts_.resize(static_cast<std::size_t>(order));
}

void NgramModel::train(std::span<const std::int64_t> stream) {
  check_ids(stream);
  for (std::size_t at = 0; at < stream.size(); ++at)
    for (std::size_t n = 0; n < followed_.size() && n <= at; ++n) {
      ++followed_[n][number(stream.subspan(at - n, n + 1))];
      ++contexts_[n][number(stream.subspan(at - n, n))];
    }
}

double NgramModel::log_probability(std::span<const std::int64_t> context, std::int64_t token) const {
  check_ids(context);
  check_ids({&token, 1});
  return log_p(context, token);
}

std::vector<double> NgramModel::log_probabilities(std::span<const std::int64_t> stream) const {
  check_ids(stream);
  std::vector<double> all;
  all.reserve(stream.size());
  for (std::size_t at = 0; at < stream.size(); ++at) all.push_back(log_p(stream.first(at), stream[at]));
  return all;
}

double NgramModel::cross_entropy(std::span<const std::int64_t> stream) const {
  check(!stream.empty(), "ngram_model", "of no tokens there is no mean. Was the data empty?");
  const std::vector<double> all = log_probabilities(stream);
  return -std::accumulate(all.begin(), all.end(), 0.0) / static_cast<double>(all.size());
}

void NgramModel::check_ids(std::span<const std::int64_t> ids) const {
  for (const std::int64_t id : ids)
    check(id >= 0 && id < options_.vocabulary, "ngram_model", "there is no token ", id,
          ": they go from 0 to ", options_.vocabulary - 1, ". Another tokenizer's?");
}

std::uint64_t NgramModel::number(std::span<const std::int64_t> ids) const {
  return std::accumulate(
      ids.begin(), ids.end(), std::uint64_t{0}, [&](std::uint64_t digits, std::int64_t id) {
        return digits * static_cast<std::uint64_t>(options_.vocabulary) + static_cast<std::uint64_t>(id);
      });
}

double NgramModel::log_p(std::span<const std::int64_t> context, std::int64_t token) const {
  const auto V = static_cast<double>(options_.vocabulary);
  if (options_.order == 0) return -std::log(V);
  const std::size_t n = std::min(context.size(), followed_.size() - 1);
  const auto count_in = [](const Counts& counts, std::uint64_t key) {
    const auto found = counts.find(key);
    return found == counts.end() ? 0.0 : static_cast<double>(found->second);
  };
  const std::uint64_t before = number(context.last(n));
  const std::uint64_t whole =
      before * static_cast<std::uint64_t>(options_.vocabulary) + static_cast<std::uint64_t>(token);
  return std::log((count_in(followed_[n], whole) + options_.a) /
                  (count_in(contexts_[n], before) + options_.a * V));
}

}  // namespace gradus::data
