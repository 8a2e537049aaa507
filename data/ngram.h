// Count models: what a model of language must beat. Their losses are lines on every loss curve.
#pragma once

#include <cstdint>
#include <span>
#include <unordered_map>
#include <vector>

namespace gradus::data {

// P(token | context) = (count(context, token) + a) / (count(context) + a V) over V tokens, where the context
// is the order - 1 tokens before, or as many as there are since the start. Order 1 is the unigram model, 2
// the bigram, 3 the trigram; 0 knows no counts and takes all tokens for as likely. a above 0 leaves nothing
// impossible, and the larger it is, the nearer the model is to the uniform one.
class NgramModel {
 public:
  struct Options {
    std::int64_t vocabulary;
    int order;
    double a = 1;
  };
  explicit NgramModel(const Options& options);

  // Counts a stream of ids. More may follow, each with a start of its own.
  void train(std::span<const std::int64_t> stream);

  // The context may be of any length.
  double log_probability(std::span<const std::int64_t> context, std::int64_t token) const;
  // Of each token of a stream, given those before it.
  std::vector<double> log_probabilities(std::span<const std::int64_t> stream) const;
  // The mean of -log P over a stream, in nats.
  double cross_entropy(std::span<const std::int64_t> stream) const;

 private:
  using Counts = std::unordered_map<std::uint64_t, std::int64_t>;

  void check_ids(std::span<const std::int64_t> ids) const;
  std::uint64_t number(std::span<const std::int64_t> ids) const;  // whose digits to base V the ids are
  double log_p(std::span<const std::int64_t> context, std::int64_t token) const;

  Options options_;
  // [n]: how often these n tokens came with this one behind them, and with any.
  std::vector<Counts> followed_, contexts_;
};

}  // namespace gradus::data
