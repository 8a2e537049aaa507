#include <gradus/nn/module.h>

#include <limits>
#include <sstream>

#include <gradus/autograd/anomaly.h>
#include <gradus/autograd/engine.h>
#include <gradus/autograd/explain.h>
#include <gradus/autograd/grad_mode.h>
#include <gradus/autograd/ops/elementwise.h>
#include <gradus/autograd/ops/reduce.h>
#include <gradus/core/create.h>
#include <gradus/nn/activation.h>
#include <gradus/nn/containers.h>
#include <gradus/nn/linear.h>

#include "support/catch.h"
#include "support/throws.h"

using namespace gradus;
using namespace gradus::nn;
using namespace gradus::test;

namespace {

// A language model of the smallest kind: what it reads and what it writes share one table.
class TinyModel : public ModuleOf<TinyModel> {
 public:
  struct Options {
    std::int64_t tokens, width;
  };
  explicit TinyModel(const Options& o)
      : options(o),
        embedding({.count = o.tokens, .width = o.width}),
        hidden({.in = o.width, .out = o.width}),
        head({.in = o.width, .out = o.tokens, .bias = false}),
        seen(full({1}, 0, i64)) {
    head.weight = embedding.weight;
  }
  Tensor operator()(const Tensor& ids) const {
    const Call call(*this);
    return head(tanh(hidden(embedding(ids))));
  }

  Options options;
  Embedding embedding;
  Linear hidden, head;
  Tensor seen;

  template <class Self, class Visit>
  static void members(Self& self, Visit& visit) {
    visit.module("embedding", self.embedding);
    visit.module("hidden", self.hidden);
    visit.module("head", self.head);
    visit.buffer("seen", self.seen);
  }
};

using Names = std::vector<std::string>;
Names names_of(const std::vector<NamedTensor>& tensors) {
  Names names;
  for (const NamedTensor& tensor : tensors) names.push_back(tensor.name);
  return names;
}

std::vector<NamedTensor> copies_of(const std::vector<NamedTensor>& tensors) {
  std::vector<NamedTensor> copies;
  for (const NamedTensor& tensor : tensors)
    copies.push_back({tensor.name, (tensor.value.detach() + 0).detach()});
  return copies;
}

}  // namespace

TEST_CASE("parameters, buffers and state go by their paths, and what is tied comes once", "[nn]") {
  const TinyModel model({.tokens = 7, .width = 3});
  CHECK(names_of(model.parameters()) == Names{"embedding.weight", "hidden.weight", "hidden.bias"});
  CHECK(names_of(model.buffers()) == Names{"seen"});
  CHECK(names_of(model.state()) == Names{"embedding.weight", "hidden.weight", "hidden.bias", "seen"});
  CHECK(model.parameter_count() == 7 * 3 + 3 * 3 + 3);
}

TEST_CASE("both places of a tied weight add to its gradient", "[nn][grad]") {
  TinyModel model({.tokens = 5, .width = 2});
  model.to(f64);
  const Tensor ids = from_vector(std::vector<std::int64_t>{1, 3});
  sum(square(model(ids))).backward();
  const Tensor together = model.embedding.weight.grad();

  TinyModel apart = model.clone();
  apart.head.weight = (apart.head.weight.detach() + 0.0).detach().requires_grad_();
  apart.zero_grad();
  sum(square(apart(ids))).backward();
  CHECK(allclose(together, apart.embedding.weight.grad() + apart.head.weight.grad(), 1e-12, 1e-12));
}

TEST_CASE("a clone computes the same, shares nothing, keeps ties and draws nothing", "[nn]") {
  TinyModel model({.tokens = 7, .width = 3});
  model.hidden.bias.requires_grad_(false);
  model.hidden.eval();
  const RandomState before = default_generator().state();
  TinyModel copy = model.clone();
  const Tensor drawn_after = randn({4});
  default_generator().set_state(before);
  CHECK(equal(randn({4}), drawn_after));
  const Tensor ids = from_vector(std::vector<std::int64_t>{0, 6, 2});
  CHECK(equal(model(ids), copy(ids)));
  CHECK(names_of(copy.parameters()) == names_of(model.parameters()));
  CHECK(!copy.hidden.bias.requires_grad());
  CHECK(copy.training());
  CHECK(!copy.hidden.training());

  no_grad([&] { copy.embedding.weight.fill_(0); });
  CHECK(equal(copy.head.weight, zeros({7, 3})));
  CHECK(!equal(model.embedding.weight, zeros({7, 3})));
}

TEST_CASE("to() converts floating tensors, keeps ties, and gives leaves that ask for gradients", "[nn]") {
  TinyModel model({.tokens = 7, .width = 3});
  const Tensor before = model.embedding.weight;
  model.to(f64);
  CHECK(model.embedding.weight.dtype() == f64);
  CHECK(model.seen.dtype() == i64);
  CHECK(equal(model.embedding.weight.to(f32), before));
  CHECK(model.embedding.weight.shares_handle_with(model.head.weight));
  CHECK(model.hidden.weight.requires_grad());
  CHECK(names_of(model.parameters()).size() == 3);
  CHECK(message_of([&] { model.to(i64); }) == "[to] a module's weights are f32 or f64, not i64. Use f32?");
}

TEST_CASE("train and eval reach every module", "[nn]") {
  Sequential net(Linear({.in = 2, .out = 2}), Sequential(ReLU()));
  CHECK(net.training());
  net.eval();
  CHECK(!net.training());
  CHECK(!net[0].training());
  CHECK(!dynamic_cast<Sequential&>(net[1])[0].training());
  net.train();
  CHECK(dynamic_cast<Sequential&>(net[1])[0].training());
}

TEST_CASE("what was in eval mode before EvalMode is so after it", "[nn]") {
  Sequential net(Linear({.in = 2, .out = 2}), ReLU());
  net[0].eval();
  {
    const EvalMode evaluating(net);
    CHECK(!net.training());
    CHECK(!net[1].training());
  }
  CHECK(net.training());
  CHECK(!net[0].training());
  CHECK(net[1].training());
}

TEST_CASE("zero_grad drops gradients, and a frozen module gets none", "[nn]") {
  Linear layer({.in = 2, .out = 1});
  sum(layer(ones({3, 2}))).backward();
  CHECK(layer.weight.grad().defined());
  layer.zero_grad();
  CHECK(!layer.weight.grad().defined());
  layer.requires_grad_(false);
  const Tensor x = ones({3, 2}).requires_grad_();
  sum(layer(x)).backward();
  CHECK(!layer.weight.grad().defined());
  CHECK(x.grad().defined());
}

TEST_CASE("a state loads by name, a tied weight under either of its names", "[nn]") {
  const TinyModel from({.tokens = 7, .width = 3});
  TinyModel to({.tokens = 7, .width = 3});
  std::vector<NamedTensor> state = from.state();
  to.load_state(state);
  const Tensor ids = from_vector(std::vector<std::int64_t>{0, 6, 2});
  CHECK(equal(from(ids), to(ids)));

  TinyModel other({.tokens = 7, .width = 3});
  state[0].name = "head.weight";
  other.load_state(state);
  CHECK(equal(other.embedding.weight, from.embedding.weight));
  state.push_back({"embedding.weight", from.embedding.weight});
  other.load_state(state);
}

TEST_CASE("a state that does not fit is refused with all that is wrong, and changes nothing", "[nn][error]") {
  TinyModel model({.tokens = 7, .width = 3});
  const std::vector<NamedTensor> before = copies_of(model.state());
  std::vector<NamedTensor> state = copies_of(model.state());
  for (NamedTensor& entry : state)
    if (is_floating(entry.value.dtype())) entry.value.add_(1);
  state[1].value = zeros({3, 4});
  state[2].name = "hidden.offset";
  state[3].value = zeros({1});
  state.push_back({"head.weight", zeros({7, 3})});
  state.push_back({"head.weight", zeros({7, 3})});
  CHECK(message_of([&] { model.load_state(state); }) ==
        "[load_state] the state does not fit this TinyModel:\n"
        "  twice:      head.weight\n"
        "  mis-shaped: hidden.weight is (3, 4) of f32, wanted (3, 3) of f32\n"
        "  differ:     embedding.weight or head.weight are tied here\n"
        "  mis-shaped: seen is (1,) of f32, wanted (1,) of i64\n"
        "  missing:    hidden.bias\n"
        "  unexpected: hidden.offset\n"
        "Is it another model's, or made with other options?");
  const std::vector<NamedTensor> after = model.state();
  for (std::size_t i = 0; i < after.size(); ++i) CHECK(equal(after[i].value, before[i].value));
}

TEST_CASE("a module prints as a tree with the shapes of its tensors", "[nn]") {
  std::ostringstream out;
  out << Sequential(Linear({.in = 2, .out = 16}), GELU(), TinyModel({.tokens = 7, .width = 3}));
  CHECK(out.str() ==
        "Sequential\n"
        "  0: Linear  weight (16, 2), bias (16,)\n"
        "  1: GELU\n"
        "  2: TinyModel\n"
        "    embedding: Embedding  weight (7, 3)\n"
        "    hidden: Linear  weight (3, 3), bias (3,)\n"
        "    head: Linear  weight (7, 3)\n"
        "    seen (1,) (buffer)\n"
        "81 parameters");
}

TEST_CASE("explain and anomaly mode know ops by the path of their module", "[nn][explain]") {
  TinyModel model({.tokens = 7, .width = 3});
  const Tensor ids = from_vector(std::vector<std::int64_t>{0, 6});
  Names ops;
  for (const ExplainedOp& op : explain(model(ids)).ops) ops.push_back(op.name);
  CHECK(ops == Names{"tiny_model.embedding/embedding", "tiny_model.hidden/linear", "tiny_model/tanh",
                     "tiny_model.head/linear"});

  no_grad([&] { model.hidden.weight.fill_(std::numeric_limits<float>::quiet_NaN()); });
  const AnomalyMode watching;
  CHECK(message_of([&] { model(ids); }).find("tiny_model.hidden/linear") != std::string::npos);
}

TEST_CASE("a module called alone and then in a model takes the model's name for it", "[nn][explain]") {
  const TinyModel model({.tokens = 7, .width = 3});
  const Tensor ids = from_vector(std::vector<std::int64_t>{0, 6});
  CHECK(explain(model.embedding(ids)).ops[0].name == "embedding/embedding");
  CHECK(explain(model(ids)).ops[0].name == "tiny_model.embedding/embedding");
}

TEST_CASE("a moved module keeps its weights, and modules cannot be copied", "[nn]") {
  STATIC_REQUIRE(!std::is_copy_constructible_v<Linear>);
  STATIC_REQUIRE(!std::is_copy_assignable_v<TinyModel>);
  Linear layer({.in = 2, .out = 3});
  const Tensor weight = layer.weight;
  std::vector<Linear> layers;
  layers.push_back(std::move(layer));
  CHECK(layers[0].weight.shares_handle_with(weight));
}

TEST_CASE("a list names its modules by their places", "[nn]") {
  ModuleList<Linear> layers;
  for (int i = 0; i < 3; ++i) layers.push_back(Linear({.in = 2, .out = 2, .bias = false}));
  CHECK(names_of(layers.parameters()) == Names{"0.weight", "1.weight", "2.weight"});
  CHECK(layers.parameters()[1].value.shares_handle_with(layers[1].weight));
}

TEST_CASE("a sequence calls its modules one after the other, and clones whole", "[nn]") {
  const Sequential net(Linear({.in = 3, .out = 4}), Tanh(), Linear({.in = 4, .out = 2}));
  const Tensor x = randn({5, 3});
  const auto& first = dynamic_cast<const Linear&>(net[0]);
  const auto& last = dynamic_cast<const Linear&>(net[2]);
  CHECK(equal(net(x), last(tanh(first(x)))));
  const Sequential copy = net.clone();
  CHECK(equal(copy(x), net(x)));
  CHECK(!dynamic_cast<const Linear&>(copy[0]).weight.shares_handle_with(first.weight));
}

TEST_CASE("layers refuse sizes and ids that make no sense", "[nn][error]") {
  CHECK(message_of([] { Linear({.in = 0, .out = 3}); }) ==
        "[linear] needs sizes above 0; got in 0 and out 3. Say both, as in Linear({.in = 64, .out = 10})?");
  CHECK(message_of([] { Embedding({.count = 4, .width = 0}); }) ==
        "[embedding] needs sizes above 0; got count 4 and width 0. Say both, as in "
        "Embedding({.count = 1000, .width = 64})?");
  CHECK(message_of([] { Embedding({.count = 4, .width = 2, .padding = 4}); }) ==
        "[embedding] the padding id 4 is not one of the 4 ids. Count from 0?");
}

TEST_CASE("an embedding's padding row begins as zeros and stays so", "[nn][grad]") {
  const Embedding embedding({.count = 4, .width = 3, .padding = 1});
  CHECK(equal(embedding.weight[1], zeros({3})));
  sum(square(embedding(from_vector(std::vector<std::int64_t>{1, 2, 1})) + 1)).backward();
  CHECK(equal(embedding.weight.grad()[1], zeros({3})));
  CHECK(!equal(embedding.weight.grad()[2], zeros({3})));
}

TEST_CASE("a list clones its modules, and what is tied among them", "[nn]") {
  ModuleList<Linear> layers;
  for (int i = 0; i < 2; ++i) layers.push_back(Linear({.in = 2, .out = 2}));
  layers[1].bias = layers[0].bias;
  layers[1].eval();
  const ModuleList<Linear> copy = layers.clone();
  REQUIRE(copy.size() == 2);
  CHECK(equal(copy[1].weight, layers[1].weight));
  CHECK(copy.parameter_count() == layers.parameter_count());
  CHECK(!copy[1].training());
  no_grad([&] { layers[0].weight.fill_(5); });
  CHECK_FALSE(equal(copy[0].weight, layers[0].weight));
}
