// The Transformer, whole: its layers written out, where the norms stand, and why the learning rate warms up.
// The page beside this file explains it part by part. ./gradus tutorial 16 [--figures DIR]
#include <gradus/gradus.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <string>
#include <utility>
#include <vector>

#include <gradus/tutorials/chapter.h>
#include <gradus/tutorials/figure.h>
#include <gradus/tutorials/translation.h>

using namespace gradus;
using models::Transformer, nn::NormPlace, translation::Pairs, translation::Sentences;

// 1. The model. B sequences; S words are read, T are written, d features each.
Tensor feed_forward(const nn::FeedForward& f, const Tensor& x) { return f.linear2(relu(f.linear1(x))); }

// A sublayer f, the path around it, and its norm.
Tensor sublayer(NormPlace place, const nn::LayerNorm& norm, const Tensor& x, const auto& f) {
  return place == NormPlace::post ? norm(x + f(x)) : x + f(norm(x));
}

Tensor encode(const nn::TransformerEncoderLayer& l, const Tensor& x, const Tensor& real) {
  const auto attend = [&](const Tensor& x) { return l.self_attn(x, {.real = real}); };
  const auto think = [&](const Tensor& x) { return feed_forward(l.feed_forward, x); };
  return sublayer(l.options.norm, l.norm2, sublayer(l.options.norm, l.norm1, x, attend), think);
}

Tensor decode(const nn::TransformerDecoderLayer& l, Tensor x, const Tensor& memory, const Tensor& real) {
  const auto attend = [&](const Tensor& x) { return l.self_attn(x, {.causal = true}); };
  const auto look_up = [&](const Tensor& x) { return l.multihead_attn(x, memory, {.real = real}); };
  const auto think = [&](const Tensor& x) { return feed_forward(l.feed_forward, x); };
  x = sublayer(l.options.norm, l.norm2, sublayer(l.options.norm, l.norm1, x, attend), look_up);
  return sublayer(l.options.norm, l.norm3, x, think);
}

Tensor embed(const nn::Embedding& words, const Tensor& ids) {
  const std::int64_t d = words.options.width;
  return words(ids) * std::sqrt(d) + nn::sinusoids(ids.size(1), d, 10000, f64);
}

// Logits (B, T, vocabulary)
Tensor transformer(const Transformer& m, const data::Padded& source, const Tensor& input) {
  Tensor x = embed(m.source_embedding, source.ids);  // (B, S, d)
  for (const auto& layer : m.encoder) x = encode(layer, x, source.mask);
  const Tensor memory = m.encoder_norm ? (*m.encoder_norm)(x) : x;
  Tensor y = embed(m.target_embedding, input);  // (B, T, d)
  for (const auto& layer : m.decoder) y = decode(layer, y, memory, source.mask);
  return linear(m.decoder_norm ? (*m.decoder_norm)(y) : y, m.target_embedding.weight);
}

const std::pair<NormPlace, const char*> norms[] = {{NormPlace::post, "post"}, {NormPlace::pre, "pre"}};
const char* yes(bool so) { return so ? "yes" : "no"; }

Transformer make(NormPlace norm, std::int64_t layers, std::int64_t in, std::int64_t out, std::int64_t width) {
  Transformer::Options options{in, out, translation::padding};
  options.norm = norm, options.width = width, options.hidden = 2 * width;
  options.encoder_layers = options.decoder_layers = layers;
  Transformer model(options);
  model.to(f64);
  return model;
}

void print_parts() {
  const Pairs pairs{{{3, 4, 5}, {5, 4, 3, 3}}, {{6, 7}, {7, 6, 6}}};
  const auto source = translation::sources(pairs);
  const Tensor input = translation::targets(pairs).input, x = randn({2, 7, 32}, f64);
  for (const auto& [norm, name] : norms) {
    const Transformer model = make(norm, 2, 8, 8, 32);
    std::printf("models::Transformer, %s-norm, gives the same: %s\n", name,
                yes(allclose(transformer(model, source, input), model(source, input))));
  }
  nn::FeedForward f({.width = 32, .hidden = 64});
  f.to(f64);
  const auto convolve = [](const Tensor& x, const nn::Linear& l) {  // (B, features, T), kernel (out, in, 1)
    return conv1d(x, l.weight.unsqueeze(2), l.bias);
  };
  const Tensor y = convolve(relu(convolve(x.t(), f.linear1)), f.linear2).t();
  std::printf("the feed-forward network is two convolutions: %s\n", yes(allclose(feed_forward(f, x), y)));
  const auto weights = [](const nn::Module& m) { return static_cast<int>(m.parameter_count()); };
  const Transformer two = make(NormPlace::pre, 2, 8, 8, 32), three = make(NormPlace::pre, 3, 8, 8, 32);
  const bool own = weights(three) - weights(two) == weights(two.encoder[0]) + weights(two.decoder[0]);
  std::printf("a third layer on each side has weights of its own: %s\n", yes(own));
  const nn::TransformerEncoderLayer encoder({.width = 512, .heads = 8, .hidden = 2048});
  const nn::TransformerDecoderLayer decoder(encoder.options);
  const int e = weights(encoder), d = weights(decoder);
  std::printf("\nattention       %9d\nfeed-forward    %9d\nencoder layer   %9d\ndecoder layer   %9d\n",
              weights(encoder.self_attn), weights(encoder.feed_forward), e, d);
  std::printf("six of each     %9d\nwith words      %9d\n", 6 * (e + d), 6 * (e + d) + 37000 * 512);
}

// 2. Training. The rate rises along a line for `rise` steps, then falls. Returns losses, each of 20 steps.
constexpr int window = 20;
std::vector<double> train(const Transformer& model, const Pairs& pairs, double lr, int steps, int rise) {
  data::Source<data::PairBatch> source = translation::batches(pairs, 16);
  optim::Adam optimiser(model, {.lr = lr, .beta2 = 0.98});
  const optim::Cosine schedule{.lr = lr, .steps = steps, .warmup = rise};
  std::vector<double> losses(steps / window);
  for (int step = 0; step < steps; ++step) {
    const data::PairBatch batch = source.next();
    const Tensor loss = cross_entropy(model(batch.source, batch.target.input), batch.target.target);
    optimiser.set_lr(schedule(step));
    optimiser.zero_grad();
    loss.backward();
    optimiser.step();
    // To multiples of 2^-16, so that all processors, whose sums differ a little, print the same: chapter 04.
    for (const NamedTensor& parameter : optimiser.parameters())
      no_grad([&] { Tensor(parameter.value).add_(0x1p36).add_(-0x1p36); });
    losses[step / window] += loss.item() / window;
  }
  return losses;
}

// Digits, to be written as they were read. The loss is that of the last steps.
std::vector<figure::Panel> compare_starts() {
  constexpr int steps = 200;
  const Pairs pairs = translation::copies(data::Split::train, 16 * steps, 3, 8);
  std::vector<figure::Panel> panels;
  std::printf("\nnorm   at once               warm-up\n");
  for (const auto& [norm, name] : norms) {
    panels.push_back({.title = name, .x = {"step", 0, steps}, .y = {"loss", 0, 3}});
    std::printf("%-4s", name);
    for (const int rise : {0, 50}) {
      figure::Series mean{rise > 0 ? "warm-up" : "at once", {}, std::vector<double>(steps / window)};
      for (int end = window; end <= steps; end += window) mean.x.push_back(end - window / 2);
      const chapter::Spread last = chapter::over_seeds([&, place = norm](int) {
        const std::vector<double> losses = train(make(place, 6, 13, 13, 32), pairs, 0.005, steps, rise);
        for (int i = 0; i < steps / window; ++i) mean.y[i] += losses[i] / chapter::seeds;
        return losses.back();
      });
      std::printf("   "), chapter::print(last, 2);
      panels.back().lines.push_back(mean);
    }
    std::printf("\n");
  }
  return panels;
}

// 3. Sentences. Writes one word after another, up to the end.
void write(const Transformer& model, const Sentences& sentences, const data::Padded& source) {
  std::vector<Tensor> each;
  data::Ids told{translation::begin};
  while (told.back() != translation::end && told.size() < 20) {
    each.push_back(transformer(model, source, from_vector(told).unsqueeze(0))[0][-1]);  // logits (V,)
    const auto [p, ids] = topk(softmax(each.back(), 0), 2);
    const data::Ids best = ids.to_vector<std::int64_t>();
    const auto word = [&](std::int64_t id) { return sentences.french.token(id).c_str(); };
    std::printf("%s: %.0f %% %s, %.0f %% %s\n", word(told.back()), 100 * p[0].item(), word(best[0]),
                100 * p[1].item(), word(best[1]));
    told.push_back(best[0]);
  }
  const Tensor at_once = transformer(model, source, from_vector(told).slice(0, 0, -1).unsqueeze(0))[0];
  std::printf("all places in one call: the same logits: %s\n", yes(allclose(at_once, stack(each, 0))));
}

// Of how many held-out sentences a head looks from *it* at its noun more than at any other word.
void find_nouns(const Transformer& model, const Sentences& sentences) {
  std::vector<models::ReferringPair> pairs;
  std::vector<int> back(12);  // how many nouns stand so many words before *it*
  for (const data::Pair& pair : sentences.held_out)
    for (const data::Reference& it : pair.references)
      if (pair.english[it.english_pronoun] == "it")
        pairs.push_back({sentences.ids(pair), it}), ++back[it.english_pronoun - it.english_noun];
  const auto most = static_cast<int>(std::ranges::max_element(back) - back.begin());
  std::printf("\nsentences: %zu, noun %d words before: %d\n", pairs.size(), most, back[most]);
  const auto heads = [&](const data::Padded& source) {
    return model.with_weights(source, full({source.ids.size(0), 1}, translation::begin, i64)).encoder;
  };
  const data::DecoderIds special{translation::begin, translation::end, translation::padding};
  for (const auto& layer : models::heads_find_nouns(heads, pairs, {.ids = special})) {
    std::printf("heads of a layer:");
    for (const data::Share& share : layer) std::printf("   %3.0f %%", 100 * share.value());
    std::printf("\n");
  }
}

void translate() {
  const Sentences sentences;
  manual_seed(1);
  const Transformer model = make(NormPlace::pre, 2, sentences.english.size(), sentences.french.size(), 64);
  train(model, sentences.ids(sentences.training), 0.004, 1200, 50);
  const char* text = "Anna catches the white spider and chases it.";
  std::printf("\n%s\n", text);
  const Pairs pair{sentences.ids(sentences.held_out_pair(text))};
  no_grad([&] { write(model, sentences, translation::sources(pair)); });
  find_nouns(model, sentences);
}

int main(int argc, char* argv[]) {
  set_threads(1);  // the nets are too small to share out
  print_parts();
  const std::vector<figure::Panel> curves = compare_starts();
  translate();
  if (const std::string folder = chapter::figures_folder(argc, argv); !folder.empty())
    figure::write(folder + "/16_warm_up.svg", curves, {.columns = 2, .width = 320, .height = 240});
}
