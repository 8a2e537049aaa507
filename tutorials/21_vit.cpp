// ViT: a picture cut into patches is a sentence, and a Transformer reads it. A small one against a small
// convolutional net, on few and on many pictures; and where it looks.
// The page beside this file explains it part by part. ./gradus tutorial 21 [--figures DIR]
#include <gradus/gradus.h>

#include <algorithm>
#include <cstdio>
#include <string>
#include <utility>
#include <vector>

#include <gradus/tutorials/chapter.h>
#include <gradus/tutorials/figure.h>

using namespace gradus;

constexpr std::int64_t side = 16, patch = 4, count = side / patch * (side / patch);

// 1. Patches: (B, C, H, W) to (B, N, C p p), row by row.
Tensor patches_of(const Tensor& pictures, std::int64_t p) {
  const std::int64_t b = pictures.size(0), c = pictures.size(1), n = pictures.size(2) / p;
  const Tensor cut = pictures.reshape({b, c, n, p, n, p}).permute({0, 2, 4, 1, 3, 5});
  return cut.reshape({b, n * n, c * p * p});
}

void count_tokens() {
  std::printf("pixels      patches   tokens   pairs of tokens\n");
  for (const auto& [pixels, p] : {std::pair{224, 1}, {224, 16}, {28, 1}, {28, 4}, {28, 7}, {16, 4}}) {
    const std::int64_t tokens = patches_of(zeros({1, 1, pixels, pixels}, f64), p).size(1);
    std::printf("%3d x %3d   %2d x %2d   %6lld   %15lld\n", pixels, pixels, p, p,
                static_cast<long long>(tokens), static_cast<long long>(tokens * tokens));
  }
}

// 2. The model. B pictures, N patches.
struct Vit : nn::ModuleOf<Vit> {
  static constexpr std::int64_t width = 32, classes = 10;

  Vit()
      : embedding({.in = patch * patch, .out = width}),
        class_token(zeros({width}).requires_grad_()),
        position(randn({1 + count, width}).requires_grad_()),
        norm({.width = width}),
        head({.in = width, .out = classes}) {
    for (int k = 0; k < 2; ++k)
      layers.push_back(nn::TransformerEncoderLayer({.width = width,
                                                    .heads = 4,
                                                    .hidden = 2 * width,
                                                    .activation = nn::Activation::gelu,
                                                    .norm = nn::NormPlace::pre}));
    to(f64);
  }

  // (B, 1 + N, width)
  Tensor tokens(const Tensor& pictures) const {
    const Tensor x = embedding(patches_of(pictures, patch));
    return concat({class_token.expand({x.size(0), 1, width}), x}, 1) + position;
  }
  Tensor operator()(const Tensor& pictures) const {
    Tensor x = tokens(pictures);
    for (const auto& layer : layers) x = layer(x);
    return head(norm(x.select(1, 0)));
  }
  // How much the class token attends to each patch in the last layer, the mean of the heads: (B, N).
  Tensor looks(const Tensor& pictures) const {
    const Tensor x = layers[0](tokens(pictures));
    return mean(layers[1].with_weights(x).weights, 1).select(1, 0).slice(1, 1, 1 + count);
  }

  template <class Self, class Visit>
  static void members(Self& self, Visit& visit) {
    visit.module("embedding", self.embedding);
    visit.parameter("class_token", self.class_token);
    visit.parameter("position", self.position);
    visit.module("layers", self.layers);
    visit.module("norm", self.norm);
    visit.module("head", self.head);
  }

  nn::Linear embedding;
  Tensor class_token, position;
  nn::ModuleList<nn::TransformerEncoderLayer> layers;
  nn::LayerNorm norm;
  nn::Linear head;
};

bool library_agrees(const Vit& vit, const Tensor& pictures) {
  models::Vit theirs({.size = side, .patch = patch, .width = 32, .layers = 2, .hidden = 64});
  theirs.to(f64);
  std::vector<NamedTensor> state = vit.state();
  state[0] = {"patch.weight", vit.embedding.weight.detach().reshape({Vit::width, 1, patch, patch})};
  state[1].name = "patch.bias";
  state[3].name = "position.weight";
  theirs.load_state(state);
  return allclose(vit(pictures), theirs(pictures), 0, 1e-12);
}

// 3. Shapes to be told apart, as numbers around 0.
struct Pictures {
  Tensor x, y;  // (N, 1, side, side); (N,)
};

Pictures draw(std::int64_t seed, std::int64_t n) {
  const auto key = static_cast<std::uint64_t>(seed);
  const auto [x, y] =
      data::draw_pictures({.seed = key, .figures = data::Figures::shapes, .size = side}, 0, n).batch();
  return {4.0 * (x.to(f64) - 0.5), y};
}

template <class Net>
double percent_right(Net& net, const Pictures& pictures) {
  const nn::EvalMode mode(net);
  return no_grad([&] { return 100 * mean((argmax(net(pictures.x), 1) == pictures.y).to(f64)).item(); });
}

// The rate rises for a tenth of the steps, and falls along a line to 0.
template <class Net>
void train(Net& net, const Pictures& pictures, int steps, double lr) {
  optim::Adam optimiser(net, {.lr = lr});
  for (int step = 0; step < steps; ++step) {
    const Tensor ids = randint(0, pictures.x.size(0), {25});
    const double left = 1 - static_cast<double>(step) / steps;
    optimiser.set_lr(lr * std::min(left, 10 * (1 - left) + 0.01));
    optimiser.zero_grad();
    cross_entropy(net(index_select(pictures.x, 0, ids)), index_select(pictures.y, 0, ids)).backward();
    optimiser.step();
  }
}

void compare(const Pictures& unseen) {
  std::printf("\npictures   ViT: learned        unseen                ResNet: learned     unseen\n");
  for (const std::int64_t n : {250, 16000}) {
    std::printf("%8lld", static_cast<long long>(n));
    for (const bool is_vit : {true, false}) {
      std::vector<double> learned;
      const auto trained = [&](auto net, double lr, const Pictures& pictures) {
        net.to(f64);
        train(net, pictures, 300, lr);
        learned.push_back(percent_right(net, {pictures.x.slice(0, 0, 250), pictures.y.slice(0, 0, 250)}));
        return percent_right(net, unseen);
      };
      const chapter::Spread right = chapter::over_seeds([&](int seed) {
        const Pictures pictures = draw(seed, n);
        return is_vit ? trained(Vit(), 5e-3, pictures)
                      : trained(models::Resnet({.stages = {8, 16}}), 1e-2, pictures);
      });
      const auto [low, high] = std::minmax_element(learned.begin(), learned.end());
      std::printf("   %3.0f (%3.0f to %3.0f)   ", mean(from_vector(learned)).item(), *low, *high);
      chapter::print(right, 1, 4);
    }
    std::printf("\n");
  }
}

// 4. Where the class token looks, and what is lost where it cannot.
enum Hidden { most_looked_at, least_looked_at };

// Four patches of each picture become grey.
Pictures without(const Pictures& pictures, const Tensor& looks, Hidden hidden) {
  const Tensor order = argsort(looks, 1, hidden == most_looked_at);
  const Tensor four = sum(one_hot(order.slice(1, 0, 4), count, f64), 1);  // (B, N), 1 where hidden
  const std::int64_t n = side / patch, b = looks.size(0);
  const Tensor shown = (1.0 - four).reshape({b, 1, n, 1, n, 1}).expand({b, 1, n, patch, n, patch});
  return {pictures.x * shown.reshape({b, 1, side, side}), pictures.y};
}

void look(const Pictures& unseen, const std::string& folder) {
  manual_seed(1);
  Vit vit;
  train(vit, draw(1, 16000), 1000, 5e-3);
  const Tensor looks = no_grad([&] { return vit.looks(unseen.x); });
  std::printf("\nafter 1000 steps, right: %.0f %%\n", percent_right(vit, unseen));
  for (const Hidden hidden : {most_looked_at, least_looked_at})
    std::printf("without the 4 patches %s looked at: %.0f %%\n", hidden == most_looked_at ? "most" : "least",
                percent_right(vit, without(unseen, looks, hidden)));
  if (folder.empty()) return;
  std::vector<figure::Panel> panels;
  for (std::int64_t i = 0; i < 8; ++i) {  // four pictures, and below each where it is looked at
    const Tensor light = unseen.x[i % 4][0] - min(unseen.x[i % 4]);
    const Tensor shade =
        i < 4 ? (light * 3.0 / max(light)).to(i64).to(f64) / 3.0 : looks[i - 4] / max(looks[i - 4]);
    const int rows = i < 4 ? side : side / patch;
    panels.push_back({.x = {.label = "", .names = {""}},
                      .y = {.label = "", .names = {""}},
                      .cells = {shade.to_vector<double>(), rows, rows}});
  }
  figure::write(folder + "/21_looks.svg", panels, {.columns = 4, .width = 120, .height = 120});
}

int main(int argc, char* argv[]) {
  count_tokens();
  manual_seed(1);
  const Pictures unseen = draw(0, 500);
  const Vit vit;
  std::printf("\nmodels::Vit gives the same: %s, with %lld weights; the ResNet has %lld\n",
              library_agrees(vit, unseen.x) ? "yes" : "no", static_cast<long long>(vit.parameter_count()),
              static_cast<long long>(models::Resnet({.stages = {8, 16}}).parameter_count()));
  compare(unseen);
  look(unseen, chapter::figures_folder(argc, argv));
}
