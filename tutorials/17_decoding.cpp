// Writing with a Transformer: word by word with keys and values that are kept, by beam search, and by chance.
// The page beside this file explains it part by part. ./gradus tutorial 17 [--figures DIR]
#include <gradus/gradus.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <functional>
#include <string>
#include <vector>

#include <gradus/tutorials/chapter.h>
#include <gradus/tutorials/figure.h>
#include <gradus/tutorials/translation.h>

using namespace gradus;
using namespace translation::numerals;
using data::Ids, models::Transformer, nn::KeyValues, translation::Pairs;
using translation::begin, translation::end, translation::sources;
constexpr std::size_t longest = 12;

// 1. Training: sixteen pairs at a time, each of them once.
Transformer train(const Pairs& pairs) {
  Transformer::Options options{vocabulary, vocabulary, translation::padding};
  options.width = 32, options.hidden = 64, options.encoder_layers = options.decoder_layers = 1;
  Transformer model(options);
  model.to(f64);
  optim::Adam optimiser(model, {.lr = 0.005, .beta2 = 0.98});
  const std::int64_t size = 16, steps = std::ssize(pairs) / size;
  const optim::Cosine schedule{.lr = 0.005, .steps = steps, .warmup = steps / 10};
  for (std::int64_t step = 0; step < steps; ++step) {
    const Pairs batch(pairs.begin() + step * size, pairs.begin() + (step + 1) * size);
    optimiser.set_lr(schedule(step));
    optimiser.zero_grad();
    const data::Shifted target = translation::targets(batch);
    const Tensor logits = model(sources(batch), target.input);  // (B, T, V)
    cross_entropy(logits, target.target).backward();
    optimiser.step();
    for (const NamedTensor& parameter : optimiser.parameters())
      no_grad([&] { Tensor(parameter.value).add_(0x1p36).add_(-0x1p36); });
  }
  return model;
}

// 2. Reading. What is being written, and keys and values (1, heads, t, d_k) of the source and of its first t
// words.
struct Written {
  KeyValues memory, kept;
  Ids ids{begin};
  double log_p = 0;
};

Written start(const Transformer& m, const Ids& source) {
  const KeyValues memory = m.decoder[0].multihead_attn.key_values(m.encode(sources({{source, {}}})));
  return {memory, {memory.keys.slice(2, 0, 0), memory.values.slice(2, 0, 0)}};
}

// Words x (1, T, d) look at those that are kept, and at each other.
Tensor attend(const nn::MultiHeadAttention& m, const Tensor& x, KeyValues& kept) {
  const std::int64_t d = m.options.width, heads = m.options.heads, d_k = d / heads;
  const auto cut = [&](const Tensor& z) { return z.reshape({1, -1, heads, d_k}).transpose(1, 2); };
  const std::vector<Tensor> qkv = split(linear(x, m.in_proj_weight, m.in_proj_bias), d, -1);
  kept = {concat({kept.keys, cut(qkv[1])}, 2), concat({kept.values, cut(qkv[2])}, 2)};
  const Tensor s = matmul(cut(qkv[0]), kept.keys.t()) / std::sqrt(d_k);  // (1, heads, T, t + T)
  const Tensor later = triu(ones_like(s), 1 + s.size(3) - s.size(2)) > 0.0;
  const Tensor w = softmax(masked_fill(s, later, -INFINITY), -1);
  return m.out_proj(matmul(w, kept.values).transpose(1, 2).reshape(x.shape()));
}

// Reads the words that are not kept yet. What may come behind the last: log P (V,).
Tensor read(const Transformer& m, Written& w) {
  const std::int64_t d = m.options.width, t = w.kept.keys.size(2), all = std::ssize(w.ids);
  const nn::TransformerDecoderLayer& layer = m.decoder[0];
  const Tensor words = m.target_embedding(from_vector(w.ids).slice(0, t, all)) * std::sqrt(d);
  Tensor x = (words + nn::sinusoids(all, d, 10000, f64).slice(0, t, all)).unsqueeze(0);
  x = x + attend(layer.self_attn, layer.norm1(x), w.kept);
  x = x + layer.multihead_attn(layer.norm2(x), w.memory);
  x = x + layer.feed_forward(layer.norm3(x));
  return log_softmax(linear((*m.decoder_norm)(x[0][-1]), m.target_embedding.weight), 0);
}

std::int64_t likeliest(const Tensor& log_p) { return argmax(log_p).to_vector<std::int64_t>()[0]; }

void print_cache(const Transformer& m, figure::Panel& panel) {
  const Ids source{one, one + 1, one + 2};
  const Written fresh = no_grad([&] { return start(m, source); });
  Written w = fresh;
  bool same = true;
  panel.lines = {{"all words again", {}, {}}, {"the last word", {}, {}}};
  std::printf("words   kflop: again     kept   numbers kept\n");
  for (int words = 1; words <= 64; ++words) {
    Written nothing{fresh.memory, fresh.kept, w.ids};
    const Tensor again = read(m, nothing), kept = read(m, w);
    const Tensor library = m(sources({{source, {}}}), from_vector(w.ids).unsqueeze(0))[0][-1];
    same = same && allclose(again, kept) && likeliest(again) == likeliest(kept);
    same = same && allclose(log_softmax(library, 0), kept) && likeliest(library) == likeliest(kept);
    const double kflop[] = {explain(again).flops / 1e3, explain(kept).flops / 1e3};
    for (const int i : {0, 1}) panel.lines[i].x.push_back(words), panel.lines[i].y.push_back(kflop[i]);
    if ((words & (words - 1)) == 0)
      std::printf("%5d   %12.0f   %6.0f   %12d\n", words, kflop[0], kflop[1],
                  static_cast<int>(2 * w.kept.keys.numel()));
    w.kept = {w.kept.keys.detach(), w.kept.values.detach()};  // the next count begins here
    w.ids.push_back(likeliest(kept));
  }
  std::printf("the same words, and those of models::Transformer: %s\n\n", same ? "yes" : "no");
}

// 3. Writing, from `start` to [END].
Written write(const Transformer& m, Written w, const auto& pick) {
  while (w.ids.back() != end && w.ids.size() <= longest) {
    const Tensor log_p = read(m, w);
    w.ids.push_back(pick(log_p));
    w.log_p += log_p[w.ids.back()].item();
  }
  return w;
}

double score(const Written& w, double alpha) {
  return w.log_p / std::pow((4 + static_cast<double>(w.ids.size())) / 6, alpha);
}

// What has ended after so many words, the end among them, or else what is still open.
std::vector<Written> beam(const Transformer& m, const Written& start, std::size_t width, std::size_t words) {
  std::vector<Written> open{start}, ended;
  for (std::size_t word = 0; word < words; ++word) {
    std::vector<Written> longer;
    for (Written& w : open) {
      const auto log_p = read(m, w).to_vector<double>();
      for (std::int64_t id = 0; id < vocabulary; ++id) {
        longer.push_back(w);
        longer.back().ids.push_back(id);
        longer.back().log_p += log_p[id];
      }
    }
    std::ranges::sort(longer, std::greater(), &Written::log_p);
    open.clear();
    for (std::size_t i = 0; i < std::min(width, longer.size()); ++i)
      (longer[i].ids.back() == end ? ended : open).push_back(longer[i]);
  }
  return ended.empty() ? open : ended;
}

void print_steps(const Transformer& m, const Written& start) {
  write(m, start, [](const Tensor& log_p) {
    const auto [p, places] = topk(exp(log_p), 3);
    const Ids ids = places.to_vector<std::int64_t>();
    for (int i = 0; i < 3; ++i) std::printf("%3.0f %% %-*s", 100 * p[i].item(), i < 2 ? 7 : 0, names[ids[i]]);
    std::printf("\n");
    return ids[0];
  });
  const auto no_end = [](const Tensor& log_p) { return one + likeliest(log_p.slice(0, one, vocabulary)); };
  std::printf("without [END]: %s\n", text(write(m, start, no_end).ids).c_str());
}

// A sequence, its P, log P and score.
void print(const Written& w) {
  std::printf("%-8s  %.2f   %.2f   %.2f", text(w.ids).c_str(), std::exp(w.log_p), w.log_p, score(w, 1));
}

// All sequences of up to three words.
void print_all(const Transformer& m, const Written& start) {
  std::vector<Written> sequences = beam(m, start, SIZE_MAX, 4);
  std::ranges::sort(sequences, std::greater(), &Written::log_p);
  double sum = 0;
  for (const Written& w : sequences) sum += std::exp(w.log_p);
  std::printf("\n%zu sequences, P %.2f\n\n             P   log P   score\n", sequences.size(), sum);
  for (int i = 0; i < 7; ++i) print(sequences[i]), std::printf("\n");
}

void print_searches(const Transformer& m, const Written& start) {
  std::printf("\n             P   log P   score\n");
  print(write(m, start, likeliest)), std::printf("   greedy\n");
  for (const int width : {2, 4}) {
    const std::vector<Written> ended = beam(m, start, width, longest);
    for (const double alpha : {0, 1}) {
      print(std::ranges::max(ended, {}, [&](const Written& w) { return score(w, alpha); }));
      std::printf("   beam %d, %s\n", width, alpha > 0 ? "score" : "log P");
    }
  }
  data::Random random(1, 0);
  const auto by_chance = [&](const Tensor& log_p) { return random.weighted(exp(log_p).to_vector<double>()); };
  for (int i = 0; i < 5; ++i) print(write(m, start, by_chance)), std::printf("   drawn\n");
}

int main(int argc, char* argv[]) {
  set_threads(1);  // the nets are too small to share out
  figure::Panel cost{
      .x = {"words so far", 0, 64}, .y = {"kflop for the next one", 0, 2000}, .legend = figure::top_left};
  manual_seed(1);
  const Transformer model = train(draw(answers, 1, 16000));
  print_cache(model, cost);
  no_grad([&] {
    print_steps(model, start(model, {one + 2, one, one + 1}));
    print_all(model, start(model, {one + 2, one}));
    print_searches(model, start(model, {one + 2, one}));
  });
  if (const std::string folder = chapter::figures_folder(argc, argv); !folder.empty())
    figure::write(folder + "/17_cache.svg", {cost});
}
