#include <gradus/data/context_batches.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <memory>
#include <mutex>
#include <numeric>

#include <gradus/core/check.h>
#include <gradus/core/create.h>
#include <gradus/data/random.h>
#include <gradus/data/streams.h>

namespace gradus::data {
namespace {

template <class List>
auto& of(List& list, std::int64_t i) {
  return list[static_cast<std::size_t>(i)];
}

void check_contexts(const Ids& text, const ContextOptions& o) {
  check(o.window > 0 && o.batch_size > 0, "context_batches", "window is ", o.window, " and batch_size ",
        o.batch_size, ". Set both above 0?");
  check(o.negatives >= 0, "context_batches", "a target has 0 or more negatives, not ", o.negatives, ". 5?");
  check(o.threshold > 0 && o.threshold <= 1, "context_batches", "threshold is a part of the text, not ",
        o.threshold, ". 3e-4, or 1 to keep all words?");
  for (std::size_t i = 0; i < text.size(); ++i)
    check(text[i] >= 0, "context_batches", "id ", i, " of the text is ", text[i],
          ". Ids are the rows of a table, from 0 up");
  check(std::adjacent_find(text.begin(), text.end(), std::not_equal_to<>()) != text.end(), "context_batches",
        "a text of ", text.size(), " ids has no two that differ. Was the right file read?");
}

class Contexts {
 public:
  Contexts(Ids text, const ContextOptions& options) : text_(std::move(text)), options_(options) {
    check_contexts(text_, options);
    counts_.resize(static_cast<std::size_t>(*std::max_element(text_.begin(), text_.end()) + 1));
    for (const std::int64_t id : text_) ++of(counts_, id);
    double total = 0;
    for (const std::int64_t count : counts_) {
      // count sqrt(threshold / f), where f = count / all. Unlike pow, roots are the same on every machine.
      const auto n = static_cast<double>(count), all = static_cast<double>(text_.size());
      const auto share = static_cast<std::int64_t>(std::ceil(std::sqrt(options.threshold * n * all)));
      kept_counts_.push_back(std::min(count, share));
      cumulative_.push_back(total += std::sqrt(n) * std::sqrt(std::sqrt(n)));
    }
  }

  std::int64_t text_size() const { return static_cast<std::int64_t>(text_.size()); }
  std::int64_t kept() const {
    return std::accumulate(kept_counts_.begin(), kept_counts_.end(), std::int64_t{0});
  }

  ContextBatch batch(const std::vector<std::int64_t>& places, std::int64_t epoch) {
    const std::shared_ptr<const Ids> kept = kept_in(epoch);
    std::vector<Ids> known;
    Ids targets, negatives;
    const auto add = [&](Ids words, std::int64_t target, Random& random) {
      known.push_back(std::move(words));
      targets.push_back(target);
      for (std::int64_t k = 0; k < options_.negatives; ++k) negatives.push_back(other_than(target, random));
    };
    for (const std::int64_t place : places) {
      Random random(options_.seed, {streams::contexts, epoch, place});
      const std::int64_t middle = of(*kept, place);
      const Ids around = words_around(*kept, place);
      if (options_.task == Word2VecTask::cbow)
        add(around, middle, random);
      else
        for (const std::int64_t word : around) add({middle}, word, random);
    }
    const auto rows = static_cast<std::int64_t>(targets.size());
    return {.known = pad({known.begin(), known.end()}, 0),
            .target = from_vector(targets),
            .negatives = from_vector(negatives, {rows, options_.negatives})};
  }

 private:
  // Two epochs are kept, since some threads may have begun the next one.
  std::shared_ptr<const Ids> kept_in(std::int64_t epoch) {
    const std::lock_guard lock(mutex_);
    auto& [number, ids] = last_[epoch % 2];
    if (!ids || number != epoch) number = epoch, ids = std::make_shared<const Ids>(subsample(epoch));
    return ids;
  }

  // Of each word as many as it keeps, all choices as likely (Knuth, The Art of Computer Programming, 3.4.2).
  Ids subsample(std::int64_t epoch) const {
    Random random(options_.seed, {streams::subsampling, epoch});
    Ids kept, left = counts_, wanted = kept_counts_;
    for (const std::int64_t id : text_) {
      if (random.below(of(left, id)--) >= of(wanted, id)) continue;
      --of(wanted, id);
      kept.push_back(id);
    }
    return kept;
  }

  Ids words_around(const Ids& kept, std::int64_t place) const {
    const auto size = static_cast<std::int64_t>(kept.size());
    const std::int64_t reach = std::min(options_.window, size);
    const std::int64_t from = std::max<std::int64_t>(place - reach, 0),
                       to = std::min(place + reach + 1, size);
    Ids around(kept.begin() + from, kept.begin() + to);
    around.erase(around.begin() + (place - from));
    return around;
  }

  std::int64_t other_than(std::int64_t target, Random& random) const {
    for (;;) {
      const auto found =
          std::upper_bound(cumulative_.begin(), cumulative_.end(), random.uniform() * cumulative_.back());
      const std::int64_t id = found - cumulative_.begin();
      if (id != target && found != cumulative_.end()) return id;
    }
  }

  Ids text_, counts_, kept_counts_;  // the last two of each id
  std::vector<double> cumulative_;   // sums of count^(3/4)
  ContextOptions options_;
  std::mutex mutex_;
  std::pair<std::int64_t, std::shared_ptr<const Ids>> last_[2];
};

}  // namespace

Source<ContextBatch> context_batches(Ids text, const ContextOptions& options) {
  const auto contexts = std::make_shared<Contexts>(std::move(text), options);
  return {Order(contexts->kept(), options.batch_size, options.seed),
          [contexts](const std::vector<std::int64_t>& places, std::int64_t epoch) {
            return contexts->batch(places, epoch);
          },
          {{"text", contexts->text_size()},
           {"skip_gram", options.task == Word2VecTask::skip_gram},
           {"window", options.window},
           {"negatives", options.negatives}}};
}

}  // namespace gradus::data
