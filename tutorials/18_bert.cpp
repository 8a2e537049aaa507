// BERT: pieces of words, three embeddings, and two questions that a text asks about itself. The page beside
// this file explains it. ./gradus tutorial 18 [--figures DIR]
#include <gradus/gradus.h>

#include <array>
#include <cstdio>
#include <vector>

#include <gradus/tutorials/chapter.h>
#include <gradus/tutorials/figure.h>

using namespace gradus;
using Model = models::BertPretraining;
double percent(const Tensor& x) { return 100 * mean(x.to(f64)).item(); }

// 1. From text to three tensors.
void print_pieces() {
  data::WordPieceTrainer trainer({});
  trainer.add("we play , you play and they play . i was walking and talking , she was singing and reading .");
  trainer.add("we walk , they talk , you sing , i read . they walked and talked , she jumped , we played .");
  trainer.add("他 爱 我 . 我 爱 你 .");
  const data::WordPiece tokenizer = trainer.train(90);
  const data::SpecialIds special = data::special_ids(tokenizer.vocabulary());
  const auto print = [&](const data::Ids& ids) {
    for (const std::int64_t id : ids) std::printf(" %s", tokenizer.vocabulary().token(id).c_str());
    std::printf("\n");
  };
  std::printf("0 to 4 →"), print({0, 1, 2, 3, 4});
  for (const char* each : {"She was playing.", "playing walks", "我爱他", "jumping", "quiz"})
    std::printf("%s →", each), print(tokenizer.encode(each).ids);
  const auto of = [&](const char* sentence) { return tokenizer.encode(sentence).ids; };
  const data::BertInput two = data::bert_input(of("we play"), of("you sing"), special, 512);
  const data::BertInput one = data::bert_input(of("i was walking"), {}, special, 512);
  std::printf("\n"), print(two.ids), print(one.ids);
  const data::Padded ids = data::pad({two.ids, one.ids}, special.padding);
  const Tensor segments = data::pad({two.segments, one.segments}, 0).ids;
  for (const Tensor& x : {ids.ids, segments, ids.mask.to(i64)}) std::printf("%s\n", to_string(x).c_str());
}

// 2. What BERT makes of them. ids, segments: (B, T) to (B, T, width)
Tensor read(const models::Bert& m, const Tensor& ids, const Tensor& segments, const nn::MayAttend& may) {
  const Tensor places = arange(static_cast<double>(ids.size(1)), i64);
  Tensor x = m.norm(m.word(ids) + m.position(places) + m.segment(segments));
  for (const nn::TransformerEncoderLayer& layer : m.layers) x = layer(x, may);
  return x;
}

void print_sizes() {
  const models::Bert m({.vocabulary = 27, .context = 13, .width = 32, .layers = 2, .heads = 4, .dropout = 0});
  const Tensor ids = randint(5, 27, {4, 13}), segments = (ids > 20.0).to(i64);
  const bool same = allclose(read(m, ids, segments, {}), m({.ids = ids, .segments = segments}));
  const bool counted = m.parameter_count() == m.options.parameter_count();
  std::printf("\nthe library agrees: %s, the count: %s\n\n", same ? "yes" : "no", counted ? "yes" : "no");
  std::printf("layers   width      words   positions   each layer         all   products per token\n");
  for (const auto& [layers, width] : {std::pair{12, 768}, {24, 768}, {12, 1536}, {24, 1024}}) {
    const models::BertConfig c{.width = width, .layers = layers}, more{.width = width, .layers = layers + 1};
    const std::int64_t all = c.parameter_count(), layer = more.parameter_count() - all;
    std::printf("%6d   %5d   %8ld   %9ld   %10ld   %9ld   %18ld\n", layers, width, c.vocabulary * width,
                c.context * width, layer, all, layers * (12L * width * width + 2 * c.context * width));
  }
}

// 3. What each output depends on.
void print_reach() {
  const Tensor words = randn({1, 8, 32}, f64), places = randn({1, 8, 32}, f64), mask = randn({32}, f64);
  const Tensor others = eye(8) == 0.0, hidden = tensor({{0}, {0}, {1}, {0}, {0}, {1}, {0}, {0}}) == 1.0;
  nn::MultiHeadAttention first({.width = 32, .heads = 4}), second({.width = 32, .heads = 4});
  first.to(f64), second.to(f64);
  const auto print = [&](const char* name, const auto& f) {
    const Tensor copies = words.expand({8, 8, 32}).clone().requires_grad_();
    const Tensor dy = eye(8, f64).unsqueeze(2) * randn({32}, f64);  // copy i asks of output i
    const Tensor depends = any(grad({f(copies)}, {copies}, {dy})[0] != 0.0, -1).to(f64);
    const double own = sum(depends * eye(8, f64)).item();
    std::printf("%-22s   %5.0f of 8   %5.0f of 56\n", name, own, sum(depends).item() - own);
  };
  const auto one = [&](const Tensor& x) { return first(places.expand(x.shape()), x, {.mask = others}); };
  const auto two = [&](const Tensor& x) { return second(one(x), one(x), {.mask = others}); };
  std::printf("\n%-22s   word itself   other words\n", "");
  print("1 layer, others only", one);
  print("2 layers, others only", two);
  print("words 3 and 6 hidden", [&](const Tensor& x) { return two(where(hidden, mask, x)); });
}

// 4. Pairs of sentences of five words. Each goes around a ring: the days are words 5 to 11, do re mi fa so la
// ti 12 to 18, the planets 19 to 26. A second one that follows goes on where the first one stopped.
constexpr std::int64_t CLS = 2, SEP = 3, MASK = 4, V = 27, not_asked = -100;
constexpr std::array<std::int64_t, 4> rings = {5, 12, 19, V};
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
  return {from_vector(ids, {count, 13}), (arange(13) > 6.0).to(i64).expand({count, 13}), from_vector(random)};
}

struct Recipe {
  const char* name;
  double rate = 0.15, masked = 0.8, random = 0.1;
  bool with_nsp = true, left_to_right = false;
};

// What is shown, and the words that are asked for, elsewhere not_asked. rate: by place
std::array<Tensor, 2> hide(const Tensor& ids, const Tensor& rate, const Recipe& r) {
  const Tensor selected = logical_and(ids >= 5.0, rand(ids.shape(), f64) < rate);
  const Tensor dice = rand(ids.shape(), f64), another = randint(5, V, ids.shape());
  const Tensor changed = where(dice < r.masked + r.random, another, ids);
  const Tensor shown = where(dice < r.masked, full_like(ids, MASK), changed);
  return {where(selected, shown, ids), where(selected, ids, full_like(ids, not_asked))};
}

void print_masks() {
  const Tensor ids = randint(5, V, {1'000'000});
  const auto [shown, asked] = hide(ids, tensor(0.15, f64), {"BERT"});
  const double all = percent(asked >= 0.0), mask = percent(shown == 4.0),
               other = percent(shown != ids) - mask;
  std::printf("\n%.1f %%: [MASK] %.1f, another word %.1f, itself %.1f\n", all, mask, other,
              all - mask - other);
}

// 5. Both questions: which word, (B, 12, V), and which it was, (B, 12); whether the second sentence is a
// random one, (B, 2). From left to right, the word at a place is asked for one place before.
std::array<Tensor, 3> ask(const Model& m, const Batch& batch, const Tensor& rate, const Recipe& r) {
  const auto [shown, asked] = hide(batch.ids, rate, r);
  const Tensor x = read(m.bert, shown, batch.segments, {.causal = r.left_to_right});
  const Tensor t = m.mlm.norm(gelu(m.mlm.transform(r.left_to_right ? x.slice(1, 0, 12) : x.slice(1, 1, 13))));
  const Tensor random = m.next(tanh(m.bert.pooler(x.select(1, 0))));
  return {linear(t, m.bert.word.weight, m.mlm.decoder.bias), asked.slice(1, 1, 13), random};
}

Tensor loss(const Model& m, const Batch& batch, const Recipe& r) {
  const auto [words, asked, random] = ask(m, batch, tensor(r.rate, f64), r);
  const Tensor mlm = cross_entropy(words, asked);
  return r.with_nsp ? mlm + cross_entropy(random, batch.random) : mlm;
}

// Of 100 hidden words, which are words 3 to 5 of a sentence, and of 100 pairs, how many are right.
std::array<double, 2> right(const Model& m, const Batch& batch, const Recipe& r) {
  const double p = r.left_to_right ? 1 : 0.15;
  const Tensor rate = tensor({0.0, 0.0, 0.0, p, p, p, 0.0, 0.0, 0.0, p, p, p, 0.0}, f64);
  const Recipe test{"", p, r.left_to_right ? 0.0 : 1, 0, true, r.left_to_right};
  const auto [words, asked, random] = no_grad([&] { return ask(m, batch, rate, test); });
  const double right_words = percent(argmax(words, -1) == asked) / percent(asked >= 0.0);
  return {100 * right_words, percent(argmax(random, -1) == batch.random)};
}

figure::Series learn(const Recipe& r) {
  figure::Series line{r.name, arange(25, 501, 25, f64).to_vector<double>(), std::vector<double>(20)};
  double random = 0;
  const chapter::Spread reached = chapter::over_seeds([&](int seed) {
    Model m({.vocabulary = V, .context = 13, .width = 32, .layers = 1, .heads = 4, .dropout = 0});
    nn::normal_weights(m, 0.2), m.to(f64);
    data::Random draws(static_cast<std::uint64_t>(seed), 18);
    const Batch held_out = pairs(400, draws);
    optim::Adam optimiser(m, {.lr = 0.005});
    double first = 525;
    for (int step = 1; step <= 500; ++step) {
      optimiser.zero_grad();
      loss(m, pairs(24, draws), r).backward();
      optimiser.step();
      for (const NamedTensor& p : optimiser.parameters())
        no_grad([&] { Tensor(p.value).add_(0x1p36).add_(-0x1p36); });
      if (step % 25 != 0) continue;
      const auto [now, follows] = right(m, held_out, r);
      if (now >= 90 && first > 500) first = step;
      line.y[step / 25 - 1] += now / chapter::seeds;
      if (step == 500) random += follows / chapter::seeds;
    }
    return first;
  });
  std::printf("%-19s   ", r.name), chapter::print(reached, 0, 3);
  std::printf("   %5.0f   %5.0f\n", line.y.back(), random);
  return line;
}

int main(int argc, char* argv[]) {
  set_threads(1);  // the nets are too small to share out
  print_pieces(), print_sizes(), print_reach(), print_masks();
  std::printf("\n%-19s   steps to 90          words   pairs\n", "");
  figure::Panel panel{.x = {"step", 0, 500}, .y = {"words (%)", 0, 100}, .legend = figure::bottom_right};
  panel.lines = {learn({"BERT"}), learn({"without NSP", 0.15, 0.8, 0.1, false}),
                 learn({"left to right", 1, 0, 0, false, true}),
                 learn({"left to right, 15 %", 0.15, 0, 0, false, true})};
  const auto folder = chapter::figures_folder(argc, argv);
  if (!folder.empty()) figure::write(folder + "/18_steps.svg", {panel});
}
