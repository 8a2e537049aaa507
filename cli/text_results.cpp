// How good a language model is, on windows of text that it has not seen.
#include <algorithm>
#include <array>
#include <cmath>

#include <gradus/autograd/ops/index.h>
#include <gradus/autograd/ops/loss.h>
#include <gradus/autograd/ops/reduce.h>
#include <gradus/autograd/ops/softmax.h>
#include <gradus/cli/print.h>
#include <gradus/cli/text_corpus.h>
#include <gradus/core/create.h>
#include <gradus/data/hidden_markov.h>
#include <gradus/data/metrics.h>
#include <gradus/data/story_floors.h>

namespace gradus::cli {
namespace {

// Calls use(batch, the place in the text of its first window) for a few windows after the other.
template <class Use>
void for_each_batch(data::IdsView text, std::int64_t block, const Use& use) {
  constexpr std::int64_t rows = 64;
  const std::int64_t windows = (std::ssize(text) - 1) / block;
  for (std::int64_t first = 0; first < windows; first += rows) {
    const std::int64_t count = std::min(rows, windows - first) * block;
    const auto begin = text.begin() + first * block;
    const Shape shape{count / block, block};
    use(from_vector(data::Ids(begin, begin + count), shape),
        from_vector(data::Ids(begin + 1, begin + count + 1), shape), first * block);
  }
}

// The tokens that take up words from before, by what they recall.
struct Agreement {
  data::Recall recall;
  const char* name;
  data::Share model = {}, best = {};     // tokens that were the likeliest
  double model_loss = 0, best_loss = 0;  // sums of -log P(token)
};

// What somebody who knows the grammar would expect at each place of a window but its first.
struct Reader {
  data::Ids guesses;
  std::vector<double> losses;
};

Reader best_reader(const data::GrammarAutomaton& stories, data::IdsView text, std::int64_t block) {
  Reader reader;
  const std::int64_t windows = (std::ssize(text) - 1) / block;
  for (std::int64_t window = 0; window < windows; ++window) {
    data::Filter filter(stories.model, stories.model.stationary());
    for (std::int64_t i = window * block; i < (window + 1) * block; ++i) {
      filter.observe(text[static_cast<std::size_t>(i)]);
      const std::vector<double> next = filter.next();
      reader.guesses.push_back(std::max_element(next.begin(), next.end()) - next.begin());
      reader.losses.push_back(
          -std::log(next[static_cast<std::size_t>(text[static_cast<std::size_t>(i) + 1])]));
    }
  }
  return reader;
}

std::vector<data::Recall> recalls_of(const data::Stories& world, std::uint64_t seed, std::size_t count) {
  std::vector<data::Recall> recalls;
  for (std::int64_t i = 0; recalls.size() < count; ++i)
    for (const auto& sentence : world.story(seed, i).sentences)
      for (const data::StoryToken& token : sentence) recalls.push_back(token.recall);
  return recalls;
}

void add_story_results(Results& results, const data::Ids& text, const LogitsOf& logits_of, std::int64_t block,
                       double loss) {
  const data::Stories world;
  const double floor = data::window_floor(world.automaton(), text, block), above = 100 * (loss / floor - 1);
  results.add("floor", floor, printed("%.4f, the best that any model can reach", floor));
  results.add("percent_above_floor", above, printed("%.1f %%", above));

  using data::Recall;
  std::array<Agreement, 6> kinds{{{Recall::pronoun, "pronoun"},
                                  {Recall::name, "name"},
                                  {Recall::object, "object"},
                                  {Recall::kind, "kind"},
                                  {Recall::number, "number"},
                                  {Recall::feeling, "feeling"}}};
  const std::vector<Recall> recalls = recalls_of(world, held_out_stories, text.size());
  const Reader best = best_reader(world.automaton(), text, block);
  for_each_batch(text, block, [&](const Tensor& input, const Tensor& target, std::int64_t first) {
    const Tensor log_p = log_softmax(logits_of(input), -1);
    const std::vector<std::int64_t> guesses = argmax(log_p, -1).to_vector<std::int64_t>();
    const std::vector<float> told = gather(log_p, -1, target.unsqueeze(-1)).to_vector<float>();
    for (std::size_t i = 0; i < guesses.size(); ++i) {
      const std::size_t at = static_cast<std::size_t>(first) + i;
      for (Agreement& kind : kinds) {
        if (kind.recall != recalls[at + 1]) continue;
        kind.model += {guesses[i] == text[at + 1], 1};
        kind.best += {best.guesses[at] == text[at + 1], 1};
        kind.model_loss -= static_cast<double>(told[i]);
        kind.best_loss += best.losses[at];
      }
    }
  });
  Json::Object agreements;
  for (const Agreement& kind : kinds) {
    if (kind.model.all == 0) continue;
    const double right = kind.model.value(), possible = kind.best.value();
    const double lag = (kind.model_loss - kind.best_loss) / static_cast<double>(kind.model.all);
    agreements.emplace_back(kind.name, Json::Object{{"tokens", kind.model.all},
                                                    {"right", right},
                                                    {"best_right", possible},
                                                    {"loss_above_best", lag}});
    results.lines.emplace_back(std::string("agreement: ").append(kind.name),
                               printed("%5.1f %% right, at best %5.1f %%; loss %.2f above the best",
                                       100 * right, 100 * possible, lag));
  }
  results.values.emplace_back("agreement", std::move(agreements));
}

}  // namespace

double window_loss(const LogitsOf& logits_of, data::IdsView text, std::int64_t block) {
  double sum = 0;
  std::int64_t count = 0;
  for_each_batch(text, block, [&](const Tensor& input, const Tensor& target, std::int64_t) {
    sum += cross_entropy(logits_of(input).flatten(0, 1), target.flatten()).item() *
           static_cast<double>(input.numel());
    count += input.numel();
  });
  return sum / static_cast<double>(count);
}

void add_text_results(Results& results, const TextCorpus& corpus, const LogitsOf& logits_of,
                      std::int64_t block) {
  const double loss = window_loss(logits_of, corpus.held_out(), block);
  results.add("loss", loss, printed("%.4f nats a token, on held-out text", loss));
  results.add("perplexity", std::exp(loss), printed("%.3g", std::exp(loss)));
  if (corpus.is_stories()) add_story_results(results, corpus.held_out(), logits_of, block, loss);
}

}  // namespace gradus::cli
