// GPT: its sizes against the published ones, how it begins, what it learns, what its logits may depend on.
#include <gradus/models/gpt.h>

#include <cmath>
#include <map>

#include <gradus/autograd/engine.h>
#include <gradus/autograd/grad_mode.h>
#include <gradus/autograd/gradcheck_matcher.h>
#include <gradus/autograd/ops/compare.h>
#include <gradus/autograd/ops/elementwise.h>
#include <gradus/autograd/ops/loss.h>
#include <gradus/autograd/ops/reduce.h>
#include <gradus/core/allocator.h>
#include <gradus/core/create.h>
#include <gradus/core/parallel.h>
#include <gradus/nn/gradcheck.h>
#include <gradus/optim/adam.h>

#include "support/catch.h"
#include "support/throws.h"

using namespace gradus;
using namespace gradus::models;
using gradus::test::message_of;

namespace {

constexpr nn::NormPlace places[] = {nn::NormPlace::pre, nn::NormPlace::post};

GptConfig tiny(nn::NormPlace norm = nn::NormPlace::pre) {
  return {.vocabulary = 6, .context = 5, .width = 4, .layers = 2, .heads = 2, .norm = norm};
}

// In f64, and its weights large enough that all they do is seen.
Gpt wide(const GptConfig& config) {
  Gpt model(config);
  nn::normal_weights(model, 0.5);
  model.to(f64);
  return model;
}

// The deviation of a tensor's elements, about 0.
double deviation(const Tensor& x) { return std::sqrt(mean(square(x.detach())).item()); }

}  // namespace

TEST_CASE("the configurations have the parameters that were published", "[model]") {
  const std::map<std::string, std::int64_t> published = {{"gpt1", 116'534'784},
                                                         {"gpt2", 124'439'808},
                                                         {"gpt2-medium", 354'823'168},
                                                         {"gpt2-large", 774'030'080},
                                                         {"gpt2-xl", 1'557'611'200}};
  for (const auto& [name, count] : published) {
    INFO(name);
    CHECK(gpt_config(name).parameter_count() == count);
  }
  // 12 w^2 + 13 w a layer, two norms in it; one more behind; a row of w for each token and each place.
  const auto minimal = [](std::int64_t layers, std::int64_t w) {
    return layers * (12 * w * w + 13 * w) + 2 * w + (50'257 + 1'024) * w;
  };
  CHECK(gpt_config("gpt-nano").parameter_count() == minimal(3, 48));
  CHECK(gpt_config("gpt-micro").parameter_count() == minimal(4, 128));
  CHECK(gpt_config("gpt-mini").parameter_count() == minimal(6, 192));
  CHECK(gpt_config_names().size() == published.size() + 3);
  for (const std::string& name : gpt_config_names())
    CHECK(gpt_config(name).width % gpt_config(name).heads == 0);
  CHECK(message_of([] { gpt_config("gpt3"); }) ==
        "[gpt] there is no configuration 'gpt3'. One of gpt1, gpt2, gpt2-medium, gpt2-large, gpt2-xl, "
        "gpt-nano, "
        "gpt-micro, gpt-mini?");
}

TEST_CASE("a configuration counts the parameters of the model that is made of it", "[model]") {
  for (const nn::NormPlace norm : places)
    for (const nn::Position position : {nn::Position::learned, nn::Position::sinusoidal, nn::Position::none,
                                        nn::Position::rotary, nn::Position::index})
      for (const bool tied : {false, true})
        for (const std::int64_t hidden : {0, 7}) {
          GptConfig config = tiny(norm);
          config.position = position, config.tied = tied, config.hidden = hidden;
          CHECK(config.parameter_count() == Gpt(config).parameter_count());
        }
  GptConfig nano = gpt_config("gpt-nano");
  nano.vocabulary = 11, nano.context = 9;
  CHECK(nano.parameter_count() == Gpt(nano).parameter_count());
}

TEST_CASE("GPT's weights begin with deviation 0.02, the last of each path scaled by the number of paths",
          "[model]") {
  manual_seed(3);
  for (const bool scaled : {true, false}) {
    const Gpt model({.vocabulary = 300,
                     .context = 100,
                     .width = 64,
                     .layers = 8,
                     .heads = 4,
                     .scaled_residuals = scaled});
    const double last = scaled ? 0.02 / 4 : 0.02;  // 16 paths
    for (const NamedTensor& x : model.parameters()) {
      INFO(x.name);
      if (x.value.rank() == 1) {
        CHECK(equal(x.value, full(x.value.shape(), x.name.ends_with("bias") ? 0 : 1)));
        continue;
      }
      const bool is_last = x.name.ends_with("out_proj.weight") || x.name.ends_with("linear2.weight");
      const double wanted = is_last ? last : 0.02;
      // The deviation of n draws strays by 1 / sqrt(2 n) of itself, their mean by 1 / sqrt(n): five times.
      const auto n = static_cast<double>(x.value.numel());
      CHECK(std::abs(deviation(x.value) / wanted - 1) < 5 / std::sqrt(2 * n));
      CHECK(std::abs(mean(x.value).item()) < 5 * wanted / std::sqrt(n));
    }
    CHECK(model.embedding.weight.shares_handle_with(model.head.weight));
  }
}

TEST_CASE("GPT learns one batch by heart", "[model]") {
  const Tensor text = tensor({{3, 1, 4, 1, 5, 0, 2, 5, 3}, {2, 0, 1, 5, 2, 5, 1, 4, 4}}, i64);
  for (const nn::NormPlace norm : places)
    for (const bool tied : {false, true}) {
      INFO((norm == nn::NormPlace::pre ? "pre" : "post") << (tied ? ", tied" : ""));
      const Gpt model(
          {.vocabulary = 6, .context = 8, .width = 16, .layers = 2, .heads = 2, .norm = norm, .tied = tied});
      optim::Adam optimiser(model, {.lr = 0.01});
      double last = 0;
      for (int step = 0; step < 400; ++step) {
        optimiser.zero_grad();
        const Tensor loss = cross_entropy(model(text.slice(1, 0, 8)), text.slice(1, 1, 9));
        last = loss.item();
        loss.backward();
        optimiser.step();
      }
      CHECK(last < 1e-3);
    }
}

TEST_CASE("a logit of GPT depends on all tokens up to its own, on no later one and on no padding",
          "[model][grad]") {
  const std::vector<std::int64_t> words = {2, 5, 0,
                                           3};  // each in one place: its row's gradient is the place's
  for (const nn::NormPlace norm : places)
    for (const std::int64_t hole : {-1, 0, 1, 3}) {
      GptConfig config = tiny(norm);
      config.tied = false;
      const Gpt model = wide(config);
      Tensor real = ones({1, 4}, boolean);
      if (hole >= 0) real.select(1, hole).copy_(zeros({1}, boolean));
      const Tensor logits = model(tensor({{2, 5, 0, 3}}, i64), hole < 0 ? Tensor() : real);
      for (std::int64_t t = 0; t < 4; ++t) {
        const auto slopes = grad({sum(logits[0][t] * randn({6}, f64))},
                                 {model.embedding.weight, model.position.weight}, {}, {.retain_graph = true});
        for (std::int64_t s = 0; s < 4; ++s) {
          INFO("logit " << t << ", token " << s << ", padding at " << hole);
          // What a token is itself reaches its logit around attention.
          const bool seen = s == t || (s < t && s != hole);
          CHECK((sum(abs(slopes[0][words[static_cast<std::size_t>(s)]])).item() > 0) == seen);
          CHECK((sum(abs(slopes[1][s])).item() > 0) == seen);
        }
      }
    }
}

TEST_CASE("GPT has the right gradients", "[model][grad]") {
  const nn::NormPlace norm = GENERATE(nn::NormPlace::pre, nn::NormPlace::post);
  const bool tied = GENERATE(false, true);
  GptConfig config = tiny(norm);
  config.tied = tied, config.dropout = tied ? 0.3 : 0;
  if (!tied) config.position = nn::Position::rotary;
  const Gpt model = wide(config);
  const Tensor text = tensor({{3, 1, 5, 0}, {0, 2, 2, 4}}, i64);
  const Tensor real = from_vector(std::vector<std::int64_t>{4, 2}).unsqueeze(1) > arange(4, i64);
  CHECK_THAT(nn::gradcheck(model, [&] { return model(text, real); }, {}), passes_gradcheck());
}

TEST_CASE("GPT's dropout takes from embeddings and in its layers, in training alone", "[model]") {
  GptConfig config = tiny();
  config.dropout = 0.4, config.layers = 1;
  Gpt model = wide(config);
  const Tensor text = tensor({{3, 1, 4, 0}}, i64);
  CHECK(model.layers[0].options.dropout == 0.4);
  const auto by_hand = [&] {
    const Tensor x = model.dropout(model.position(model.embedding(text)));
    return model.head((*model.norm)(model.layers[0](x, {.causal = true})));
  };
  manual_seed(5);
  const Tensor expected = by_hand();
  manual_seed(5);
  CHECK(equal(model(text), expected));
  CHECK_FALSE(equal(model(text), expected));
  model.eval();
  CHECK(equal(model(text), by_hand()));
  CHECK(allclose(model(text), model.with_weights(text).logits, 0, 1e-12));
}

TEST_CASE("a clone of GPT gives the same logits and shares no weights, its head tied as before", "[model]") {
  const Gpt model = wide(tiny());
  const Gpt copy = model.clone();
  const Tensor text = tensor({{3, 1, 4, 0}}, i64);
  CHECK(equal(copy(text), model(text)));
  CHECK(copy.embedding.weight.shares_handle_with(copy.head.weight));
  CHECK_FALSE(copy.embedding.weight.shares_handle_with(model.embedding.weight));
  for (const NamedTensor& x : model.parameters()) CHECK_FALSE(x.name == "head.weight");
}

TEST_CASE("GPT learns to the same bits with one thread and with two", "[model][threads]") {
  const int before = threads();
  std::vector<std::vector<float>> logits;
  for (const int count : {1, 2}) {
    set_threads(count);
    manual_seed(7);
    const Gpt model({.vocabulary = 90, .context = 64, .width = 96, .layers = 2, .heads = 4, .dropout = 0.1});
    const Tensor text = randint(0, 90, {16, 65});
    optim::AdamW optimiser(model, {.lr = 1e-3});
    for (int step = 0; step < 2; ++step) {
      optimiser.zero_grad();
      cross_entropy(model(text.slice(1, 0, 64)).flatten(0, 1), text.slice(1, 1, 65).flatten()).backward();
      optimiser.step();
    }
    logits.push_back(model(text.slice(1, 0, 64)).detach().to_vector<float>());
  }
  set_threads(before);
  CHECK(logits[0] == logits[1]);
}

TEST_CASE("GPT says what does not fit", "[model][error]") {
  GptConfig config = tiny();
  config.heads = 3;
  CHECK(message_of([&] { Gpt{config}; }) ==
        "[gpt] a width of 4 cannot be shared by 3 heads. A multiple of the heads?");
  config.heads = 0;
  CHECK(message_of([&] { Gpt{config}; }) ==
        "[gpt] needs sizes above 0; got vocabulary 6, context 5, width 4, layers 2 and heads 0. One of "
        "gpt_config_names()?");
  config = tiny(), config.hidden = -1;
  CHECK(message_of([&] { Gpt{config}; }) == "[gpt] hidden must be above 0, or 0 for 4 width, not -1. 0?");
  config = tiny(), config.dropout = 1.5;
  CHECK_THROWS_AS(Gpt{config}, Error);
  const Gpt model(tiny());
  CHECK(message_of([&] { model(zeros({4}, i64)); }) ==
        "[gpt] ids must be (B, T), not (4,). Unsqueeze an axis?");
  CHECK(message_of([&] {
          model(zeros({1, 6}, i64));
        }) == "[gpt] 6 tokens are more than the context of 5. Cut them?");
  CHECK_THROWS_AS(model(full({1, 2}, 6, i64)), Error);
}

TEST_CASE("without gradients a forward pass keeps no graph and frees as it goes", "[model]") {
  // The most that is held at once beyond the weights, while `layers` layers read 32 texts.
  const auto peak = [](std::int64_t layers, bool records) {
    const Gpt model({.vocabulary = 50, .context = 64, .width = 32, .layers = layers, .heads = 2});
    const Tensor ids = randint(0, 50, {32, 64});
    const GradMode mode(records);
    const std::int64_t before = memory_stats().bytes_in_use;
    reset_peak_memory();
    const Tensor logits = model(ids);
    CHECK(logits.requires_grad() == records);
    return memory_stats().peak_bytes - before;
  };
  CHECK(peak(12, true) > 5 * peak(2, true));
  CHECK(peak(12, false) == peak(2, false));
  // Within a layer: what came in, what attention made of it, its norm, and four times as much before and
  // behind the activation; an eighth more of everything, up to which the allocator rounds.
  const std::int64_t states = 32 * 64 * 32 * static_cast<std::int64_t>(sizeof(float));
  CHECK(peak(12, false) < 14 * states);
}
