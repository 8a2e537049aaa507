// The learning rate of each family of the arena
//
// Six rates, the same for all families: models of 600,000 weights, 600 batches of 64 sentences. The rate
// whose model comes to the smallest loss on held-out sentences is the family's in ./gradus compare.
#include <gradus/gradus.h>

#include <algorithm>
#include <cstdio>
#include <vector>

using namespace gradus;

constexpr double rates[] = {1e-3, 2e-3, 4e-3, 8e-3, 1.6e-2, 3.2e-2};
constexpr int seed = 1, steps = 600;

double held_out_loss(const models::Contestant& family, double lr, const data::EnFrIds& corpus,
                     const std::vector<data::IdsPair>& held_out) {
  manual_seed(seed);
  const models::Entrant entrant = family.make({.source_vocabulary = corpus.english.size(),
                                               .target_vocabulary = corpus.french.size(),
                                               .ids = corpus.ids},
                                              600'000);
  optim::AdamW optimiser(*entrant.model, {.lr = lr});
  const optim::Cosine schedule{.lr = lr, .steps = steps, .warmup = steps / 20};
  auto batches =
      data::pair_batches(corpus.training, {.size = {.sequences = 64}, .ids = corpus.ids, .seed = seed});
  for (int step = 0; step < steps; ++step) {
    const data::PairBatch batch = batches.next();
    optimiser.set_lr(schedule(step));
    optimiser.zero_grad();
    cross_entropy(entrant.translator.logits(batch.source, batch.target.input).flatten(0, 1),
                  batch.target.target.flatten())
        .backward();
    clip_grad_norm(optimiser.parameters(), 1.0);
    optimiser.step();
  }
  const nn::EvalMode evaluating(*entrant.model);
  return models::pair_loss(entrant.translator.logits, held_out, {.ids = corpus.ids});
}

int main() {
  const data::EnFrIds corpus(100'000);
  std::vector<data::IdsPair> held_out;
  for (std::int64_t i = 0; i < 500; ++i)
    held_out.push_back(corpus.ids_of(data::EnFr(0).pair(data::EnFr::Split::random, i)));

  std::printf("seeds: %d\n\nheld-out loss  ", seed);
  for (const double lr : rates) std::printf("%8g", lr);
  std::printf("    best\n");
  for (const models::Contestant& family : models::contestants()) {
    std::printf("%-15s", family.name.c_str());
    std::vector<double> losses;
    for (const double lr : rates) {
      losses.push_back(held_out_loss(family, lr, corpus, held_out));
      std::printf("%8.3f", losses.back());
      std::fflush(stdout);
    }
    std::printf("%8g\n", rates[std::ranges::min_element(losses) - losses.begin()]);
  }
}
