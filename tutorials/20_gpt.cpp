// GPT-1 and GPT-2, how their weights begin, writing by chance, what one side can tell, and learning from a
// prompt. The page beside this file explains it. ./gradus tutorial 20 [--figures DIR]
#include <gradus/gradus.h>

#include <cmath>
#include <cstdio>
#include <string>
#include <vector>

#include <gradus/tutorials/chapter.h>
#include <gradus/tutorials/figure.h>

using namespace gradus;
using data::Ids, models::Gpt, models::distribution, nn::NormPlace;
constexpr std::int64_t window = 32;
const data::Stories world;
const data::HiddenMarkov& truth = world.automaton().model;
Tensor row(const Ids& ids) { return from_vector(ids).unsqueeze(0); }

// 1. Both GPTs. ids: (B, T), logits: (B, T, V). To `variances`, if given, goes that of x behind each layer.
Tensor written_out(const Gpt& model, const Tensor& ids, std::vector<double>* variances = nullptr) {
  const nn::MayAttend before{.causal = true};
  Tensor x = embedding(model.embedding.weight, ids) + model.position.weight.slice(0, 0, ids.size(1));
  for (const nn::TransformerEncoderLayer& layer : model.layers) {
    if (model.options.norm == NormPlace::post) {  // GPT-1
      x = layer.norm1(x + layer.self_attn(x, before));
      x = layer.norm2(x + layer.feed_forward(x));
    } else {  // GPT-2
      x = x + layer.self_attn(layer.norm1(x), before);
      x = x + layer.feed_forward(layer.norm2(x));
    }
    if (variances) variances->push_back(var(x).item());
  }
  return linear(model.norm ? (*model.norm)(x) : x, model.embedding.weight);
}

void compare_models() {
  std::printf("name          layers   width   positions   words   norm        weights\n");
  for (const char* const name : {"gpt1", "gpt2", "gpt2-medium", "gpt2-large", "gpt2-xl"}) {
    const models::GptConfig c = models::gpt_config(name);
    const auto n = [](std::int64_t x) { return static_cast<int>(x); };
    std::printf("%-11s   %6d   %5d   %9d   %5d   %s   %10d\n", name, n(c.layers), n(c.width), n(c.context),
                n(c.vocabulary), c.norm == NormPlace::pre ? "before" : "behind", n(c.parameter_count()));
  }
  for (const NormPlace norm : {NormPlace::post, NormPlace::pre}) {
    const Gpt model({.vocabulary = 20, .context = 16, .width = 32, .layers = 3, .heads = 4, .norm = norm});
    const bool same = allclose(written_out(model, row({1, 2, 3})), model(row({1, 2, 3})));
    std::printf("the library agrees: %s\n", same ? "yes" : "no");
  }
}

// 2. How weights begin, and how what runs through all layers grows.
void begin(Gpt& model, double deviation, bool scaled) {
  nn::normal_weights(model, deviation);
  for (nn::TransformerEncoderLayer& layer : model.layers)
    for (Tensor last : {layer.self_attn.out_proj.weight, layer.feed_forward.linear2.weight})
      if (scaled) no_grad([&] { last.mul_(1 / std::sqrt(2.0 * static_cast<double>(model.options.layers))); });
  model.to(f64);
}

figure::Series residual_stream(int layers, bool scaled) {
  figure::Series line{std::to_string(layers) + (scaled ? " layers, scaled" : " layers"), {}, {}};
  line.x = arange(1, layers + 1.0, 1, f64).to_vector<double>();
  std::printf("\n%-17s   ", line.name.c_str());
  const auto at_the_end = [&](int) {
    Gpt model({.vocabulary = 100, .context = 64, .width = 64, .layers = layers, .heads = 4});
    begin(model, 0.02 * std::sqrt(768 / 64.0), scaled);
    line.y.clear();
    no_grad([&] { return written_out(model, randint(0, 100, {4, 64}), &line.y); });
    return line.y.back();
  };
  chapter::print(chapter::over_seeds(at_the_end), 2);
  return line;
}

// 3. Training: at each place the next token.
void train(Gpt& model, int steps, double lr, const std::function<data::LmBatch()>& next) {
  optim::Adam optimiser(model, {});
  const optim::Cosine schedule{.lr = lr, .steps = steps, .warmup = steps / 4};
  for (int step = 0; step < steps; ++step) {
    const data::LmBatch batch = next();
    optimiser.set_lr(schedule(step));
    optimiser.zero_grad();
    cross_entropy(model(batch.input), batch.target).backward();
    optim::clip_grad_norm(optimiser.parameters(), 1);
    optimiser.step();
    for (const NamedTensor& parameter : optimiser.parameters())
      no_grad([&] { Tensor(parameter.value).add_(0x1p36).add_(-0x1p36); });
  }
}

// 4. Sampling: how many words may come, how often wrong ones, and how often the right ones may not.
void sample(const Gpt& model, const Tensor& windows, const char* name, const models::Sampling& sampling) {
  double words = 0, wrong = 0, lost = 0, count = 60 * window;
  for (int i = 0; i < 60; ++i) {
    const Ids ids = windows[i].to_vector<std::int64_t>();
    const Tensor logits = model(row(ids))[0];
    data::Filter filter(truth, truth.stationary());
    for (std::int64_t t = 0; t < window; ++t) {
      filter.observe(ids[t]);
      const std::vector<double> p = filter.next(), q = distribution(logits[t], sampling, {});
      for (std::size_t w = 0; w < q.size(); ++w) {
        words += q[w] > 0;
        wrong += p[w] > 0 ? 0 : 100 * q[w];
        lost += q[w] > 0 ? 0 : 100 * p[w];
      }
    }
  }
  std::printf("\n%-15s   %5.1f   %9.1f   %8.1f   mia", name, words / count, wrong / count, lost / count);
  data::Random random(1, 0);
  const auto writer = model.writer();
  for (std::int64_t t = 0, last = world.vocabulary().id("mia"); t < 9; ++t) {
    last = random.weighted(distribution(writer->next(row({last}))[0], sampling, {}));
    std::printf(" %s", world.vocabulary().token(last).c_str());
  }
}

// 5. Gaps: the probability of the word that is hidden.
void one_gap(const Gpt& model, const Tensor& windows) {
  double p[4] = {};  // sums, so that they become percent
  for (int i = 0; i < 300; ++i) {
    Ids ids = windows[i].to_vector<std::int64_t>();
    const std::int64_t gap = 8 + data::Random(1, i).below(16), hidden = ids[gap];
    data::Filter filter(truth, truth.stationary());
    std::vector<data::Clue> clues;
    for (std::int64_t t = 0; t < window; ++t) {
      if (t < gap) filter.observe(ids[t]);
      clues.push_back(t == gap ? data::Clue{0, 0, 1} : data::Clue{ids[t], 1, 0});
    }
    const std::vector<double> next = distribution(model(row(ids))[0][gap - 1], {}, {});
    double right = 0, wrong = 0;  // how likely the whole is with the right word, and with others
    for (std::int64_t& w = ids[gap] = 0; w < world.vocabulary().size(); ++w) {
      if (next[w] < 0.01) continue;
      const double loss = cross_entropy(model(row(ids)).slice(1, 0, -1), row(ids).slice(1, 1, window)).item();
      (w == hidden ? right : wrong) += std::exp((1 - window) * loss);
    }
    p[0] += next[hidden] / 3;
    p[1] += filter.next()[hidden] / 3;
    p[2] += right / (right + wrong) / 3;
    p[3] += data::Smoother(truth, truth.stationary(), clues).token(gap)[hidden] / 3;
  }
  std::printf("\n\n              GPT   grammar\nbefore       %4.0f   %7.0f\n", p[0], p[1]);
  std::printf("both sides   %4.0f   %7.0f\n", p[2], p[3]);
}

// 6. Learning from a prompt.
void in_context() {
  const data::Probe probe = data::random_mapping(4, 8, 16);  // 4 keys, 8 values, 16 shots
  auto batch = [&, seen = 0](int count, data::Split split) mutable {
    std::vector<Tensor> input, target;
    while (std::ssize(input) < count) {
      const data::Example line = probe.example(1, seen++, split);
      input.push_back(from_vector(line.input));
      target.push_back(from_vector(line.target));
    }
    return data::LmBatch{stack(input, 0), stack(target, 0), true};
  };
  const nn::Position rotary = nn::Position::rotary;
  Gpt model({.vocabulary = 12, .context = 32, .width = 32, .layers = 2, .heads = 2, .position = rotary});
  begin(model, 1 / std::sqrt(32.0), false);
  train(model, 3000, 2e-3, [&] { return batch(16, data::Split::train); });
  const std::string weights = format_safetensors(model.state());
  const Tensor text = batch(2000, data::Split::held_out).input;
  const Tensor said = argmax(no_grad([&] { return model(text); }), -1);
  std::printf("\nshots   right (%%)   possible\n");
  for (int s = 0; s < 16; ++s) {
    const Tensor right = said.select(1, 2 * s) == text.select(1, 2 * s + 1);
    std::printf("%5d   %9.0f   %8.1f\n", s, 100 * mean(right.to(f64)).item(), 100 - 87.5 * std::pow(0.75, s));
  }
  std::printf("same weights as before: %s\n", format_safetensors(model.state()) == weights ? "yes" : "no");
}

int main(int argc, char* argv[]) {
  set_threads(1);  // the nets are too small to share out
  compare_models();
  std::vector<figure::Series> lines;
  for (const int layers : {3, 12, 48})
    for (const bool scaled : {false, true}) lines.push_back(residual_stream(layers, scaled));
  manual_seed(1);
  Gpt gpt({.vocabulary = world.vocabulary().size(), .context = window, .width = 64, .layers = 2, .heads = 4});
  begin(gpt, 0.07, true);
  auto batches = data::window_batches(world.tokens(1, 200'000), {.batch_size = 16, .block = window});
  train(gpt, 1500, 5e-3, [&] { return batches.next(); });
  const Ids text = world.tokens(2, 300 * window + 1);
  const data::LmBatch held_out = data::sequential_batches(text, {.batch_size = 300, .block = window}).next();
  const double loss = cross_entropy(gpt(held_out.input), held_out.target).item();
  std::printf("\n\nloss %.2f, at best %.2f\n", loss, data::window_floor(world.automaton(), text, window));
  std::printf("\nsampling          words   wrong (%%)   lost (%%)   a text");
  sample(gpt, held_out.input, "as it is", {});
  sample(gpt, held_out.input, "temperature 2", {.temperature = 2});
  sample(gpt, held_out.input, "temperature 0.5", {.temperature = 0.5});
  sample(gpt, held_out.input, "temperature 0", {.temperature = 0});
  sample(gpt, held_out.input, "top-k 10", {.top_k = 10});
  sample(gpt, held_out.input, "top-p 0.9", {.top_p = 0.9});
  one_gap(gpt, held_out.input);
  in_context();
  const figure::Axis x{"layer", 1, 48}, y{"variance", 1e-2, 1000, figure::logarithmic};
  const std::string folder = chapter::figures_folder(argc, argv);
  if (!folder.empty()) figure::write(folder + "/20_stream.svg", {{.x = x, .y = y, .lines = lines}});
}
