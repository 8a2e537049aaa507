// Words as vectors: one-hot and dense, CBOW and skip-gram, which words lie near each other, and words with
// two senses. The page beside this file explains it part by part. ./gradus tutorial 07 [--figures DIR]
#include <gradus/gradus.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <sstream>
#include <string>
#include <tuple>
#include <vector>

#include <gradus/tutorials/chapter.h>
#include <gradus/tutorials/figure.h>

using namespace gradus;
const data::Stories world;
std::int64_t id(const std::string& word) { return world.vocabulary().id(word); }
Tensor unit(const Tensor& x) { return x / sqrt(sum(square(x), -1, keep_dims)); }  // vectors of length 1

// 1. 500 pairs of 10,000 words, as one-hot vectors.
void one_hot_vectors() {
  const Tensor words = randperm(10000), a = words.slice(0, 0, 500), b = words.slice(0, 500, 1000);
  const Tensor x = one_hot(a, 10000, f64), y = one_hot(b, 10000, f64);
  const Tensor distance = sqrt(sum(square(x - y), 1)), cosine = sum(x * y, 1);  // they have length 1
  std::printf("one-hot: distances %.2f to %.2f, cosines %.2f to %.2f\n", min(distance).item(),
              max(distance).item(), min(cosine).item(), max(cosine).item());
  const Tensor table = randn({10000, 300}, f64);
  std::printf("rows of a table are one-hot vectors times the table: %s\n",
              equal(embedding(table, a), matmul(x, table)) ? "yes" : "no");
}

// 2. Training. Of a word that is the part f of the text, sqrt(threshold / f) of its places are kept.
Tensor thinned(const data::Ids& text, double threshold) {
  std::vector<double> part(world.vocabulary().tokens().size());
  for (const std::int64_t word : text) part[word] += 1.0 / static_cast<double>(text.size());
  const std::vector<double> chance = rand({std::ssize(text)}, f64).to_vector<double>();
  data::Ids kept;
  for (std::size_t i = 0; i < text.size(); ++i)
    if (chance[i] < std::sqrt(threshold / part[text[i]])) kept.push_back(text[i]);
  return from_vector(kept);
}

struct Setting {
  bool cbow = false, sampled = false;  // else skip-gram, with the full softmax
  int window = 5, steps = 600;
  double threshold = 0.001;
};

// The vectors of all words, (V, width), each of length 1.
Tensor train(int seed, const Setting& setting) {
  manual_seed(seed);
  constexpr std::int64_t batch = 256, width = 32, negatives = 5;
  const Tensor text = thinned(world.tokens(seed, 100'000), setting.threshold);
  const Tensor input = ((rand({world.vocabulary().size(), width}, f64) - 0.5) / width).requires_grad_();
  const Tensor output = zeros(input.shape(), f64).requires_grad_();
  const Tensor away = arange(1, setting.window + 1, 1, i64), offsets = concat({-away, away}, 0);
  const auto words_at = [&](const Tensor& places) {
    return index_select(text, 0, places.flatten()).reshape(places.shape());
  };
  optim::Adam optimiser(std::vector<NamedTensor>{{"input", input}, {"output", output}}, {});
  for (int step = 0; step < setting.steps; ++step) {
    const Tensor places = randint(setting.window, text.size(0) - setting.window, {batch, 1});
    const Tensor middle = words_at(places), around = words_at(places + offsets);  // (B, 1), (B, 2 window)
    const auto [known, asked] = setting.cbow ? std::tie(around, middle) : std::tie(middle, around);
    const Tensor h = mean(embedding(input, known), 1);  // (B, width)
    Tensor loss;
    if (setting.sampled) {
      const Tensor drawn = words_at(randint(0, text.size(0), {batch, negatives * asked.size(1)}));
      const auto score = [&](const Tensor& w) { return matmul(embedding(output, w), h.unsqueeze(2)); };
      loss = -mean(log(sigmoid(score(asked)))) - negatives * mean(log(sigmoid(-score(drawn))));
    } else {
      const Tensor log_p = log_softmax(linear(h, output), 1);  // (B, V)
      loss = -mean(gather(log_p, 1, asked));
    }
    optimiser.set_lr(0.02 * (1 - static_cast<double>(step) / setting.steps));
    optimiser.zero_grad();
    loss.backward();
    optimiser.step();
  }
  return unit(input.detach());
}

// 3. What the stories know of their nouns, by each word's id. Of others, and of two-faced ones, nothing.
struct Fact {
  std::string topic, kind;
};

const std::vector<Fact> facts = [] {
  std::vector<Fact> all(world.vocabulary().tokens().size());
  for (const data::Lexicon::Topic& t : world.lexicon().topics) {
    const auto set = [&](const std::vector<std::string>& words, const char* kind) {
      for (const std::string& word : words) all[id(word)] = {t.name, kind};
    };
    set(t.places, "place"), set(t.workers, "worker"), set(t.objects, "object");
    set(t.tools, "tool"), set(t.spots, "spot");
    for (const auto& [one, many] : t.things) set({one}, "one"), set({many}, "many");
  }
  for (const char* word : {"bank", "apple", "apples"}) all[id(word)] = {};
  return all;
}();

// The words whose vectors have the largest cosines with x, but for some.
data::Ids nearest(const Tensor& vectors, const Tensor& x, std::size_t count, const data::Ids& aside) {
  data::Ids ids = argsort(matmul(vectors, x), 0, true).to_vector<std::int64_t>();
  std::erase_if(ids, [&](std::int64_t id) { return std::count(aside.begin(), aside.end(), id) > 0; });
  ids.resize(count);
  return ids;
}

// Of the five words nearest to each noun, the percentage that have its topic, or its kind.
double alike(const Tensor& v, std::string Fact::*what) {
  double right = 0, asked = 0;
  for (std::int64_t noun = 0; noun < v.size(0); ++noun)
    if (!facts[noun].kind.empty())
      for (const std::int64_t near : nearest(v, v[noun], 5, {noun}))
        right += facts[near].*what == facts[noun].*what, ++asked;
  return 100 * right / asked;
}

// a is to b as c is to d: the percentage of right d nearest to b - a + c, or to c alone.
double solved(const Tensor& v, const std::string& from, const std::string& to, bool c_alone) {
  double right = 0, asked = 0;
  for (std::int64_t a = 0; a < v.size(0); ++a)
    for (std::int64_t b = 0; b < v.size(0); ++b)
      for (std::int64_t c = 0; c < v.size(0) && facts[a].kind == from && facts[b].kind == to; ++c)
        if (facts[a].topic == facts[b].topic && facts[c].kind == from && facts[a].topic != facts[c].topic) {
          const Fact& d = facts[nearest(v, c_alone ? v[c] : v[b] - v[a] + v[c], 1, {a, b, c})[0]];
          right += d.kind == to && d.topic == facts[c].topic, ++asked;
        }
  return 100 * right / asked;
}

// 4. A picture of some words: the two directions in which the rows of x differ most. A vector that is
// multiplied by x^T x again and again turns into the first; with that taken off x, into the second.
figure::Panel picture(const Tensor& vectors, const std::string& text, bool in_pairs) {
  figure::Series points;
  data::Ids ids;
  std::istringstream words(text);
  for (std::string word; words >> word; ids.push_back(id(word))) points.labels.push_back(word);
  Tensor x = index_select(vectors, 0, from_vector(ids));
  x = x - mean(x, 0);
  for (const auto axis : {&figure::Series::x, &figure::Series::y}) {
    Tensor direction = ones({x.size(1)}, f64);
    for (int i = 0; i < 300; ++i) direction = unit(matmul(matmul(x, direction), x));
    points.*axis = matmul(x, direction).to_vector<double>();
    x = x - matmul(x, direction).unsqueeze(1) * direction;
  }
  figure::Panel panel{.x = {"", -1, 1}, .y = {"", -1, 1}, .points = {points}};
  for (std::size_t i = 0; in_pairs && i < ids.size(); i += 2)
    panel.lines.push_back({"", {points.x[i], points.x[i + 1]}, {points.y[i], points.y[i + 1]}});
  return panel;
}

int main(int argc, char* argv[]) {
  one_hot_vectors();
  std::vector<Tensor> v(chapter::seeds);
  const auto row = [&](const std::string& name, const auto&... measure) {
    std::printf("%-28s", name.c_str());
    const auto print = [](const chapter::Spread& s) { std::printf("    "), chapter::print(s, 0, 3); };
    (print(chapter::over_seeds([&](int seed) { return measure(v[seed - 1]); })), ...);
    std::puts("");
  };
  const auto report = [&](const char* name, const Setting& setting) {
    for (int seed = 1; seed <= chapter::seeds; ++seed) v[seed - 1] = train(seed, setting);
    row(
        name, [](auto& v) { return alike(v, &Fact::topic); }, [](auto& v) { return alike(v, &Fact::kind); });
  };
  std::puts("\nof a noun's five nearest words  of its topic          of its kind");
  report("untrained", {.steps = 0});
  report("CBOW, sampled", {.cbow = true, .sampled = true});
  report("CBOW", {.cbow = true});
  report("skip-gram, sampled", {.sampled = true});
  report("skip-gram, all places kept", {.threshold = 1});
  report("skip-gram, window 2", {.window = 2});
  report("skip-gram", {});
  for (const char* word : {"boat", "teacher", "trumpet", "happy", "bank", "apples"}) {
    std::printf("\n%-9s", word);
    for (const std::int64_t near : nearest(v[0], v[0][id(word)], 6, {id(word)}))
      std::printf(" %s", world.vocabulary().token(near).c_str());
  }
  std::puts("\n\na is to b as c is to d          b - a + c             c alone");
  for (auto k : {std::pair("place", "worker"), {"tool", "spot"}, {"one", "many"}})
    row(
        std::string(k.first) + " to " + k.second,
        [&](auto& v) { return solved(v, k.first, k.second, false); },
        [&](auto& v) { return solved(v, k.first, k.second, true); });
  std::puts("\nof the ten nearest words");
  for (auto w : {std::pair("bank", "river"), {"bank", "money"}, {"apples", "kitchen"}, {"apples", "office"}})
    row(std::string(w.first) + ": " + w.second, [&](auto& v) {
      double count = 0;
      for (const auto n : nearest(v, v[id(w.first)], 10, {id(w.first)})) count += facts[n].topic == w.second;
      return count;
    });
  if (const std::string folder = chapter::figures_folder(argc, argv); !folder.empty())
    figure::write(folder + "/07_words.svg",
                  {picture(v[0], "river fisher kitchen baker garden gardener mint banker", true),
                   picture(v[0], "river fisher boat salmon rope mint banker loan coin key bank", false)},
                  {.columns = 2, .width = 360});
}
