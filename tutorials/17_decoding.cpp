// Writing with a Transformer: word by word with keys and values that are kept, by beam search, by chance, and
// all words at once. The page beside this file explains it part by part. ./gradus tutorial 17 [--figures DIR]
#include <gradus/gradus.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include <gradus/tutorials/chapter.h>
#include <gradus/tutorials/figure.h>
#include <gradus/tutorials/translation.h>

using namespace gradus;
using namespace translation::numerals;
using data::Ids, models::ParallelTranslator, models::Transformer, nn::KeyValues, translation::Pairs;
using translation::begin, translation::end, translation::sources;
constexpr std::int64_t longest = 12;

// 1. Training: sixteen pairs at a time, each of them once.
template <class Model>
Model train(const Pairs& pairs, const auto& loss_of) {
  Transformer::Options options{vocabulary, vocabulary, translation::padding};
  options.width = 32, options.hidden = 64, options.encoder_layers = options.decoder_layers = 1;
  Model model(options);
  model.to(f64);
  optim::Adam optimiser(model, {.lr = 0.005, .beta2 = 0.98});
  const std::int64_t size = 16, steps = std::ssize(pairs) / size;
  const optim::Cosine schedule{.lr = 0.005, .steps = steps, .warmup = steps / 10};
  for (std::int64_t step = 0; step < steps; ++step) {
    const auto first = pairs.begin() + step * size;
    optimiser.set_lr(schedule(step));
    optimiser.zero_grad();
    loss_of(model, Pairs(first, first + size)).backward();
    optimiser.step();
    for (const NamedTensor& parameter : optimiser.parameters())
      no_grad([&] { Tensor(parameter.value).add_(0x1p36).add_(-0x1p36); });
  }
  return model;
}

Transformer word_by_word(const Pairs& pairs) {
  return train<Transformer>(pairs, [](const Transformer& model, const Pairs& batch) {
    const data::Shifted target = translation::targets(batch);
    const Tensor logits = model(sources(batch), target.input);  // (B, T, V)
    return cross_entropy(logits, target.target);
  });
}

ParallelTranslator at_once(const Pairs& pairs) {
  return train<ParallelTranslator>(pairs, [](const ParallelTranslator& model, const Pairs& batch) {
    Pairs targets = batch;
    for (data::IdsPair& pair : targets) pair.source = pair.target;
    return model.loss(sources(batch), sources(targets));
  });
}

// 2. Reading. Keys and values (R, heads, t, d_k) of the source and of the t words that R sequences have.
struct State {
  KeyValues memory, kept;
};

State start(const Transformer& m, const Ids& source) {
  const KeyValues memory = m.decoder[0].multihead_attn.key_values(m.encode(sources({{source, {}}})));
  return {memory, {memory.keys.slice(2, 0, 0), memory.values.slice(2, 0, 0)}};
}

// Words x (R, T, d) look at those that are kept, and at each other.
Tensor attend(const nn::MultiHeadAttention& m, const Tensor& x, KeyValues& kept) {
  const std::int64_t d = m.options.width, heads = m.options.heads, d_k = d / heads;
  const auto cut = [&](const Tensor& z) { return z.reshape({z.size(0), -1, heads, d_k}).transpose(1, 2); };
  const std::vector<Tensor> qkv = split(linear(x, m.in_proj_weight, m.in_proj_bias), d, -1);
  kept = {concat({kept.keys, cut(qkv[1])}, 2), concat({kept.values, cut(qkv[2])}, 2)};
  const Tensor s = matmul(cut(qkv[0]), kept.keys.t()) / std::sqrt(d_k);  // (R, heads, T, t + T)
  const Tensor later = triu(ones_like(s), 1 + s.size(3) - s.size(2)) > 0.0;
  const Tensor w = softmax(masked_fill(s, later, -INFINITY), -1);
  return m.out_proj(matmul(w, kept.values).transpose(1, 2).reshape(x.shape()));
}

// Words ids (R, T) come behind those that are kept. What may come next: logits (R, V).
Tensor read(const Transformer& m, State& state, const Tensor& ids) {
  const std::int64_t d = m.options.width, t = state.kept.keys.size(2), all = t + ids.size(1);
  const nn::TransformerDecoderLayer& layer = m.decoder[0];
  Tensor x = m.target_embedding(ids) * std::sqrt(d) + nn::sinusoids(all, d, 10000, f64).slice(0, t, all);
  x = x + attend(layer.self_attn, layer.norm1(x), state.kept);
  x = x + layer.multihead_attn(layer.norm2(x), state.memory);
  x = x + layer.feed_forward(layer.norm3(x));
  return linear((*m.decoder_norm)(x.select(1, -1)), m.target_embedding.weight);
}

Tensor row(const Ids& ids) { return from_vector(ids).unsqueeze(0); }
std::int64_t likeliest(const Tensor& logits) { return argmax(logits).to_vector<std::int64_t>()[0]; }

void print_cache(const Transformer& m, figure::Panel& panel) {
  const Ids source{one, one + 1, one + 2};
  const State fresh = no_grad([&] { return start(m, source); });
  State state = fresh;
  Ids told{begin};
  bool same = true;
  panel.lines = {{"all words again", {}, {}}, {"the last word", {}, {}}};
  std::printf("words   kflop: again     kept   numbers kept\n");
  for (int words = 1; words <= 64; ++words) {
    State nothing = fresh;
    const Tensor again = read(m, nothing, row(told)), next = read(m, state, row({told.back()}));
    const Tensor library = m(sources({{source, {}}}), row(told)).select(1, -1);
    same = same && allclose(again, next) && allclose(library, next) && likeliest(again) == likeliest(next);
    told.push_back(likeliest(next));
    state.kept = {state.kept.keys.detach(), state.kept.values.detach()};  // for the next count
    const std::array<double, 2> kflop{explain(again).flops / 1e3, explain(next).flops / 1e3};
    for (const int i : {0, 1}) panel.lines[i].x.push_back(words), panel.lines[i].y.push_back(kflop[i]);
    if ((words & (words - 1)) == 0)
      std::printf("%5d   %12.0f   %6.0f   %12d\n", words, kflop[0], kflop[1],
                  static_cast<int>(2 * state.kept.keys.numel()));
  }
  std::printf("the same words, and those of models::Transformer: %s\n\n", same ? "yes" : "no");
}

// 3. Writing. Ids begin with [BEGIN].
struct Written {
  Ids ids;
  double log_p = 0;
};

Written write(const Transformer& m, State state, const auto& pick) {
  Written w{{begin}};
  while (w.ids.back() != end && std::ssize(w.ids) <= longest) {
    const Tensor logits = read(m, state, row({w.ids.back()}))[0];  // (V,)
    w.ids.push_back(pick(logits));
    w.log_p += log_softmax(logits, 0)[w.ids.back()].item();
  }
  return w;
}

double score(const Written& w, double alpha) {
  return w.log_p / std::pow((4 + static_cast<double>(w.ids.size())) / 6, alpha);
}

Written beam(const Transformer& m, State state, std::size_t width, double alpha) {
  std::vector<Written> open{{{begin}}}, done;
  for (std::int64_t step = 0; step < longest && !open.empty(); ++step) {
    Ids last, rows;
    for (const Written& w : open) last.push_back(w.ids.back());
    const auto log_p = log_softmax(read(m, state, row(last).t()), -1).to_vector<double>();  // (R, V)
    std::vector<std::pair<double, std::size_t>> all;
    for (const double p : log_p) all.push_back({open[all.size() / vocabulary].log_p + p, all.size()});
    std::ranges::sort(all, std::greater());
    const std::vector<Written> shorter = std::exchange(open, {});
    for (std::size_t i = 0; i < width; ++i) {
      const std::size_t parent = all[i].second / vocabulary;
      Written w{shorter[parent].ids, all[i].first};
      w.ids.push_back(all[i].second % vocabulary);
      const bool ended = w.ids.back() == end;
      (ended ? done : open).push_back(w);
      if (!ended) rows.push_back(parent);
    }
    if (!rows.empty())
      state = {state.memory.keep_rows(from_vector(rows)), state.kept.keep_rows(from_vector(rows))};
  }
  done.insert(done.end(), open.begin(), open.end());
  return *std::ranges::max_element(done, {}, [&](const Written& w) { return score(w, alpha); });
}

// Returns the likeliest.
std::int64_t print_best(const Tensor& logits, int count) {
  const auto [p, places] = topk(softmax(logits, 0), count);
  const Ids ids = places.to_vector<std::int64_t>();
  for (int i = 0; i < count; ++i)
    std::printf("%3.0f %% %-*s", 100 * p[i].item(), i + 1 < count ? 7 : 0, names[ids[i]]);
  std::printf("\n");
  return ids[0];
}

void print_steps(const Transformer& m, const State& fresh) {
  write(m, fresh, [](const Tensor& logits) { return print_best(logits, 3); });
  const Written w = write(m, fresh, [](const Tensor& logits) {
    const Tensor no_word = arange(vocabulary) <= static_cast<double>(end);
    return likeliest(masked_fill(logits, no_word, -INFINITY));
  });
  std::printf("without [END]: %s\n", text(w.ids).c_str());
}

// All sequences of one to three words.
void print_all(const Transformer& m, const Ids& source) {
  Pairs pairs{{source, {}}};
  for (std::size_t i = 0; pairs[i].target.size() < 3; ++i)
    for (std::int64_t id = one; id < vocabulary; ++id) {
      pairs.push_back({source, pairs[i].target});
      pairs.back().target.push_back(id);
    }
  pairs.erase(pairs.begin());
  const data::Shifted target = translation::targets(pairs);
  const Tensor none = logical_not(target.mask), ids = masked_fill(target.target, none, 0).unsqueeze(2);
  const Tensor each = gather(log_softmax(m(sources(pairs), target.input), -1), 2, ids).squeeze(2);
  const auto [best, places] = topk(sum(masked_fill(each, none, 0), 1), std::ssize(pairs));
  std::printf("\n%zu sequences, P %.2f\n\n             P   log P   score\n", pairs.size(),
              sum(exp(best)).item());
  for (int i = 0; i < 7; ++i) {
    Written w{pairs[places.to_vector<std::int64_t>()[i]].target, best[i].item()};
    std::printf("%-8s  %.2f   %.2f", text(w.ids).c_str(), std::exp(w.log_p), w.log_p);
    w.ids.insert(w.ids.end(), {begin, end});  // which score counts
    std::printf("   %.2f\n", score(w, 1));
  }
}

void print_searches(const std::vector<Transformer>& nets) {
  const Pairs test = draw(answers, 2, 100);
  const auto print = [&](const char* name, const auto& search) {
    std::array<data::Share, 4> share;  // hi, sir, etc, and what is not right
    const chapter::Spread log_p = chapter::over_seeds([&](int seed) {
      double sum = 0;
      for (const auto& [source, target] : test) {
        const Written w = search(nets[seed - 1], start(nets[seed - 1], source));
        const Ids ids(w.ids.begin() + 1, std::ranges::find(w.ids, end));
        const std::int64_t kind = right(answers, source, ids) ? ids[0] - hi : 3;
        for (int k = 0; k < 4; ++k) share[k] += {k == kind, 1};
        sum += w.log_p / static_cast<double>(test.size());
      }
      return sum;
    });
    std::printf("%-15s", name), chapter::print(log_p, 2);
    for (const data::Share& s : share) std::printf("   %5.0f", 100 * s.value());
    std::printf("\n");
  };
  std::printf("\n                log P                       hi     sir     etc   wrong\n");
  print("greedy", [](const auto& m, const State& s) { return write(m, s, likeliest); });
  for (const double alpha : {0, 1})
    for (const int width : {2, 4}) {
      const std::string name = "beam " + std::to_string(width) + (alpha > 0 ? ", score" : ", log P");
      print(name.c_str(), [&](const auto& m, const State& s) { return beam(m, s, width, alpha); });
    }
  data::Random random(1, 0);
  print("drawn", [&](const auto& m, const State& s) {
    return write(m, s, [&](const Tensor& logits) {
      return static_cast<std::int64_t>(random.weighted(softmax(logits, 0).to_vector<double>()));
    });
  });
}

// 4. All words at once.
void print_at_once(Corpus corpus, const char* name) {
  const Pairs pairs = draw(corpus, 1, 9600), test = draw(corpus, 2, 500);
  std::vector<Pairs> taught(chapter::seeds, pairs);
  const auto greedy = [](const Transformer& m, const Pairs& pairs) {
    return models::greedy(*m.writer(sources(pairs)), std::ssize(pairs), {begin, end, longest});
  };
  const auto percent = [&](const std::vector<Ids>& written) {
    data::Share share;
    for (std::size_t i = 0; i < test.size(); ++i) share += {right(corpus, test[i].source, written[i]), 1};
    return 100 * share.value();
  };
  const chapter::Spread one_by_one = chapter::over_seeds([&](int seed) {
    const Transformer m = word_by_word(pairs);
    const std::vector<Ids> written = greedy(m, pairs);
    for (std::size_t i = 0; i < pairs.size(); ++i) taught[seed - 1][i].target = written[i];
    return percent(greedy(m, test));
  });
  const auto parallel = [&](const Pairs& pairs) { return percent(at_once(pairs).translate(sources(test))); };
  const chapter::Spread by_corpus = chapter::over_seeds([&](int) { return parallel(pairs); });
  const chapter::Spread by_net = chapter::over_seeds([&](int seed) { return parallel(taught[seed - 1]); });
  std::printf("%-11s", name);
  for (const chapter::Spread& s : {one_by_one, by_corpus, by_net})
    std::printf("   "), chapter::print(s, 0, 3);
  std::printf("\n");
}

void print_places(const Ids& source) {
  manual_seed(1);
  const ParallelTranslator m = at_once(draw(all_alike, 1, 9600));
  const Tensor logits = m(sources({{source, {}}}), tensor({std::ssize(source)}, i64)).logits[0];
  std::printf("\n");
  for (std::int64_t place = 0; place < std::ssize(source); ++place) print_best(logits[place], 2);
}

int main(int argc, char* argv[]) {
  set_threads(1);  // the nets are too small to share out
  figure::Panel cost{
      .x = {"words so far", 0, 64}, .y = {"kflop for the next one", 0, 2000}, .legend = figure::top_left};
  const Pairs pairs = draw(answers, 1, 16000);
  std::vector<Transformer> nets;
  chapter::over_seeds([&](int) { return nets.push_back(word_by_word(pairs)), 0; });
  print_cache(nets[0], cost);
  no_grad([&] {
    print_steps(nets[0], start(nets[0], {one + 2, one, one + 1}));
    print_all(nets[0], {one + 2, one});
    print_searches(nets);
  });
  std::printf("\ncorpus        word by word        at once             at once, taught\n");
  print_at_once(free_choice, "free choice");
  print_at_once(all_alike, "all alike");
  print_at_once(one_roman, "one Roman");
  print_places({one + 3, one + 2, one});
  if (const std::string folder = chapter::figures_folder(argc, argv); !folder.empty())
    figure::write(folder + "/17_cache.svg", {cost});
}
