// What BERT learns, by what is shown in place of the words it is asked for
//
// The rings of chapter 18, read by two layers for 2000 steps. Printed is how many in a hundred words 3 to 5
// of a sentence are right, where 15 % of them are shown as [MASK], as another word or as themselves; after
// how many steps, in hundreds, nine of ten [MASK] were right (21: never); and of how many pairs, in which
// nothing is hidden, it is told whether the second sentence is a random one. A recipe such as 80 / 10 / 10
// says how many in a hundred of the selected words are shown as [MASK], as another word, and as themselves.
// From left to right, nothing is hidden.
#include <gradus/gradus.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <thread>
#include <vector>

#include <gradus/tutorials/chapter.h>

using namespace gradus;

constexpr std::int64_t CLS = 2, SEP = 3, MASK = 4, V = 27, not_asked = -100;
constexpr std::array<std::int64_t, 4> rings = {5, 12, 19, V};
constexpr int steps = 2000, every = 100;

struct Batch {
  Tensor ids, segments, random;  // (B, 13), (B, 13), (B,)
};

Batch pairs(std::int64_t count, data::Random& draws) {
  data::Ids ids, random;
  for (std::int64_t i = 0; i < count; ++i) {
    std::int64_t begin = 0, size = 0, place = 0, step = 0;
    random.push_back(draws.chance(0.5));
    for (const int second : {0, 1}) {
      if (!second || random.back()) {
        const std::int64_t ring = draws.below(3);
        begin = rings[ring], size = rings[ring + 1] - begin, place = draws.below(size);
        step = draws.chance(0.5) ? 1 : size - 1;  // forward or backward
      }
      ids.push_back(second ? SEP : CLS);
      for (int word = 0; word < 5; ++word, place = (place + step) % size) ids.push_back(begin + place);
    }
    ids.push_back(SEP);
  }
  const Tensor segments = (arange(13) > 6.0).to(i64).expand({count, 13});
  return {from_vector(ids, {count, 13}), segments, from_vector(random)};
}

struct Recipe {
  const char* name;
  double selected = 0.15, masked = 0.8, random = 0.1;
  bool with_nsp = true, left_to_right = false;
};

struct Run {
  Recipe recipe;
  std::uint64_t seed;
  models::BertPretraining model;
  std::array<double, 5> results = {};

  struct Hidden {
    Tensor ids, labels;
  };
  // rate: (13,), by place
  static Hidden hide(const Tensor& ids, const Tensor& rate, const Recipe& r, Generator& random) {
    const Tensor selected = logical_and(ids >= 5.0, rand(ids.shape(), random) < rate);
    const Tensor dice = rand(ids.shape(), random), another = randint(5, V, ids.shape(), random);
    const Tensor changed = where(dice < r.masked + r.random, another, ids);
    const Tensor shown = where(dice < r.masked, full_like(ids, MASK), changed);
    return {where(selected, shown, ids), where(selected, ids, full_like(ids, not_asked))};
  }

  Tensor read(const Tensor& ids, const Tensor& segments) const {
    const models::Bert& m = model.bert;
    Tensor x = m.norm(m.word(ids) + m.position(arange(13, i64)) + m.segment(segments));
    for (const nn::TransformerEncoderLayer& layer : m.layers) x = layer(x, {.causal = recipe.left_to_right});
    return x;
  }

  Tensor loss(const Batch& batch, Generator& random) const {
    const auto [shown, labels] = hide(batch.ids, full({13}, recipe.selected), recipe, random);
    const Tensor x = read(shown, batch.segments);
    if (recipe.left_to_right) return cross_entropy(model.mlm(x.slice(1, 0, 12)), labels.slice(1, 1, 13));
    const Tensor words = cross_entropy(model.mlm(x), labels);
    return recipe.with_nsp ? words + cross_entropy(model.nsp(x), batch.random) : words;
  }

  double right_words(const Batch& batch, const Recipe& test, Generator& random) const {
    const bool left_to_right = recipe.left_to_right;
    const double p = left_to_right ? 1 : test.selected;
    const Tensor rate = tensor({0.0, 0.0, 0.0, p, p, p, 0.0, 0.0, 0.0, p, p, p, 0.0});
    const auto [shown, labels] = hide(batch.ids, rate, left_to_right ? Recipe{"", 1, 0, 0} : test, random);
    const Tensor x = read(shown, batch.segments), wanted = labels.slice(1, 1, 13);
    const Tensor said = argmax(model.mlm(left_to_right ? x.slice(1, 0, 12) : x.slice(1, 1, 13)), -1);
    return 100 * (sum((said == wanted).to(f64)) / sum((wanted >= 0.0).to(f64))).item();
  }

  void learn() {
    Generator random(seed);
    data::Random draws(seed, 18);
    const Batch held_out = pairs(200, draws), more = pairs(1000, draws);
    const Recipe masked{"", 0.15, 1, 0}, another{"", 0.15, 0, 1}, itself{"", 0.15, 0, 0};
    optim::Adam optimiser(model, {.lr = 0.003});
    const optim::Cosine schedule{.lr = 0.003, .steps = steps, .warmup = 100};
    int reached = steps + every;
    for (int step = 1; step <= steps; ++step) {
      optimiser.set_lr(schedule(step - 1));
      optimiser.zero_grad();
      loss(pairs(32, draws), random).backward();
      optimiser.step();
      if (step % every == 0 && no_grad([&] { return right_words(held_out, masked, random); }) >= 90)
        reached = std::min(reached, step);
    }
    const auto words = [&](const Recipe& test) {
      return no_grad([&] { return right_words(more, test, random); });
    };
    const Tensor said = argmax(no_grad([&] { return model.nsp(read(more.ids, more.segments)); }), -1);
    results = {words(masked), words(another), words(itself), reached / 100.0,
               100 * mean((said == more.random).to(f64)).item()};
  }
};

void print_columns(const std::vector<Run>& runs, std::size_t first) {
  std::printf("%-19s", runs[first].recipe.name);
  for (std::size_t column = 0; column < 5; ++column) {
    chapter::Spread spread;
    for (std::size_t i = first; i < first + chapter::seeds; ++i) {
      const double x = runs[i].results[column];
      spread = {spread.mean + x / chapter::seeds, std::min(spread.low, x), std::max(spread.high, x)};
    }
    std::printf("   ");
    chapter::print(spread, 0, 3);
  }
  std::printf("\n");
}

int main() {
  set_threads(1);  // each of two nets at a time has a thread
  std::printf("seeds: 1 to %d\n%d steps of 32 pairs\n", chapter::seeds, steps);
  std::vector<Run> runs;
  for (const Recipe& recipe : {Recipe{"80 / 10 / 10"},
                               {"100 / 0 / 0", 0.15, 1, 0},
                               {"80 / 20 / 0", 0.15, 0.8, 0.2},
                               {"80 / 0 / 20", 0.15, 0.8, 0},
                               {"0 / 0 / 100", 0.15, 0, 0},
                               {"40 % selected", 0.4},
                               {"without NSP", 0.15, 0.8, 0.1, false},
                               {"left to right", 1, 0, 0, false, true},
                               {"left to right, 15 %", 0.15, 0, 0, false, true}})
    for (std::uint64_t seed = 1; seed <= chapter::seeds; ++seed) {
      manual_seed(seed);
      models::BertPretraining model(
          {.vocabulary = V, .context = 13, .width = 32, .layers = 2, .heads = 4, .dropout = 0});
      nn::normal_weights(model, 0.2);
      runs.push_back({recipe, seed, std::move(model)});
    }
  const auto every_second = [&](std::size_t first) {
    for (std::size_t i = first; i < runs.size(); i += 2) {
      runs[i].learn();
      std::fprintf(stderr, "%zu of %zu: %s, %.1f %%\n", i + 1, runs.size(), runs[i].recipe.name,
                   runs[i].results[0]);
    }
  };
  {
    const std::jthread odd([&] { every_second(1); });
    every_second(0);
  }
  std::printf("\n%-19s   [MASK]             another            itself             to 90              pairs\n",
              "");
  for (std::size_t i = 0; i < runs.size(); i += chapter::seeds) print_columns(runs, i);
}
