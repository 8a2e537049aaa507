// What the op table cannot say about losses: their laws, classes that are impossible, and rows that say
// nothing.
#include <cmath>
#include <functional>
#include <limits>
#include <utility>

#include <gradus/autograd/engine.h>
#include <gradus/autograd/ops/compare.h>
#include <gradus/autograd/ops/elementwise.h>
#include <gradus/autograd/ops/index.h>
#include <gradus/autograd/ops/loss.h>
#include <gradus/autograd/ops/reduce.h>
#include <gradus/autograd/ops/softmax.h>
#include <gradus/core/allocator.h>
#include <gradus/core/create.h>

#include "support/catch.h"
#include "support/op_table.h"

using namespace gradus;
using gradus::test::Array;
using gradus::test::draw;

namespace {

constexpr double inf = std::numeric_limits<double>::infinity();

Tensor ids(const std::vector<std::int64_t>& values) { return from_vector(values); }
std::vector<double> values(const Tensor& x) { return Array(x).values; }

Tensor matrix(const std::vector<double>& numbers, std::int64_t columns) {
  return from_vector(numbers).reshape({-1, columns});
}

}  // namespace

TEST_CASE("a model that knows nothing loses the logarithm of the number of classes", "[op]") {
  CHECK(cross_entropy(zeros({4, 65}), ids({0, 64, 7, 7})).item() == Approx(std::log(65)));
}

TEST_CASE("cross_entropy is the mean of -log softmax at the targets", "[op]") {
  const Tensor x = draw({{.shape = {6, 9}}}, f64, 1)[0], targets = ids({3, 0, 8, 8, 1, 5});
  const Tensor expected = -mean(gather(log_softmax(x, -1), -1, targets.unsqueeze(-1)));
  CHECK(cross_entropy(x, targets).item() == Approx(expected.item()).epsilon(1e-14));
}

// Worked out by hand: logits (ln 1, ln 2, ln 5) make probabilities 1/8, 1/4, 5/8.
TEST_CASE("smoothing and class weights follow the formula of PyTorch", "[op]") {
  const Tensor x = matrix({0, std::log(2), std::log(5), 0, std::log(2), std::log(5)}, 3),
               targets = ids({1, 2});
  const double a = std::log(8), b = std::log(4), c = std::log(1.6);
  CHECK(cross_entropy(x, targets, {.label_smoothing = 0.3}).item() ==
        Approx(0.7 * (b + c) / 2 + 0.1 * (a + b + c)));
  const Tensor weights = from_vector(std::vector<double>{1, 2, 4});
  CHECK(cross_entropy(x, targets, {.class_weights = weights}).item() == Approx((2 * b + 4 * c) / 6));
  CHECK(cross_entropy(x, targets, {.label_smoothing = 0.3, .class_weights = weights}).item() ==
        Approx((0.7 * (2 * b + 4 * c) + 2 * 0.1 * (a + 2 * b + 4 * c)) / 6));
}

TEST_CASE("the gradients of a row's logits sum to 0", "[op][grad]") {
  for (const double smoothing : {0., 0.2}) {
    const Tensor x = draw({{.shape = {5, 40}, .low = -9, .high = 9}}, f64, 2)[0];
    cross_entropy(x, ids({1, 2, 3, 4, 39}), {.label_smoothing = smoothing}).backward();
    CHECK(allclose(sum(x.grad(), -1), zeros({5}, f64), 0, 1e-15));
  }
}

TEST_CASE("a row that is ignored changes neither the loss nor the other rows' gradients", "[op][grad]") {
  Tensor all = draw({{.shape = {4, 7}}}, f64, 3)[0].detach(), some = all.slice(0, 1, 3).clone();
  all.requires_grad_(), some.requires_grad_();
  const CrossEntropyOptions options{.label_smoothing = 0.1};
  const Tensor loss = cross_entropy(all, ids({-100, 2, 6, -100}), options),
               expected = cross_entropy(some, ids({2, 6}), options);
  CHECK(loss.item() == expected.item());
  loss.backward(), expected.backward();
  CHECK(equal(all.grad().slice(0, 1, 3), some.grad()));
  CHECK(equal(all.grad().slice(0, 0, 1), zeros({1, 7}, f64)));
  CHECK(equal(all.grad().slice(0, 3, 4), zeros({1, 7}, f64)));
}

TEST_CASE("a batch with every row ignored, or with none, has loss 0 and gradient 0", "[op][grad]") {
  for (const std::int64_t rows : {3, 0}) {
    Tensor x = draw({{.shape = {rows, 5}}}, f32, 4)[0];
    const Tensor loss = cross_entropy(x, full({rows}, -100, i64));
    CHECK(loss.item() == 0);
    loss.backward();
    CHECK(equal(x.grad(), zeros({rows, 5})));
  }
}

TEST_CASE("an impossible class gets no gradient and costs nothing where it has no share", "[op][grad]") {
  const std::vector<double> numbers = {1, -inf, 2, -inf, 0.5, -inf, 0, 3};
  // With smoothing every class has a share, unless its weight is 0.
  const auto options =
      GENERATE(CrossEntropyOptions{},
               CrossEntropyOptions{.label_smoothing = 0.2,
                                   .class_weights = from_vector(std::vector<double>{1, 0, 1, 0})});
  Tensor x = matrix({1, -inf, 2, -inf, 0.5, -inf, 0, -inf}, 4).requires_grad_();
  Tensor possible = matrix({1, 2, 0.5, 0}, 2).requires_grad_();
  const Tensor loss = cross_entropy(x, ids({0, 2}), options);
  if (options.label_smoothing == 0) {
    const Tensor expected = cross_entropy(possible, ids({0, 1}));
    CHECK(loss.item() == Approx(expected.item()));
    expected.backward();
  }
  const Tensor dx = grad({loss}, {x}, {}, {.create_graph = true})[0];
  loss.backward();
  for (int row : {0, 1})
    for (int column : {0, 1, 2, 3}) {
      const double slope = x.grad()[row][column].item();
      CHECK(std::isfinite(slope));
      CHECK(slope == Approx(dx[row][column].item()));
      if (column % 2 == 1)
        CHECK(slope == 0);
      else if (options.label_smoothing == 0)
        CHECK(slope == Approx(possible.grad()[row][column / 2].item()));
    }
  for (const double second : values(grad({sum(square(dx))}, {x})[0])) CHECK(std::isfinite(second));
}

TEST_CASE("an impossible target costs infinity, and its gradient is finite", "[op][grad]") {
  for (const std::vector<double>& numbers : {std::vector<double>{1, -inf, 2}, {-inf, -inf, -inf}}) {
    Tensor x = matrix(numbers, 3).to(f32).requires_grad_();
    const Tensor loss = cross_entropy(x, ids({1}));
    CHECK(loss.item() == inf);
    CHECK(definition::cross_entropy(x, ids({1}), {}).item() == inf);
    loss.backward();
    for (const double slope : values(x.grad())) CHECK(std::isfinite(slope));
    CHECK(x.grad()[0][1].item() == -1);
  }
}

TEST_CASE("f32 logits of any size give gradients to f32's accuracy", "[op][grad]") {
  const Tensor narrow = draw({{.shape = {8, 1300}}}, f32, 5)[0].detach(), targets = arange(8, i64);
  for (const double offset : {0., 100., -5000., 1e30}) {
    Tensor x = (narrow * 5. + offset).requires_grad_(), wide = x.detach().to(f64).requires_grad_();
    const Tensor loss = cross_entropy(x, targets), expected = definition::cross_entropy(wide, targets, {});
    CHECK(loss.item() == Approx(expected.item()).epsilon(1e-6));
    loss.backward(), expected.backward();
    CHECK(allclose(x.grad().to(f64), wide.grad(), 2e-6, 1e-12));
  }
}

TEST_CASE("cross_entropy keeps two numbers a row beside the logits, no probabilities", "[op]") {
  Tensor x = draw({{.shape = {64, 5000}}}, f32, 6)[0];
  const Tensor targets = full({64}, 7, i64);
  const std::int64_t before = memory_stats().bytes_in_use;
  reset_peak_memory();
  const Tensor loss = cross_entropy(x, targets);
  CHECK(memory_stats().peak_bytes - before < 8 * 1024);
}

TEST_CASE("logits that nobody else has give way to their gradient", "[op][grad]") {
  const Tensor x = draw({{.shape = {64, 5000}}}, f32, 6)[0];
  const Tensor targets = full({64}, 7, i64);
  // The bytes of a backward pass, and what it gave, where f makes logits of x.
  const auto backward = [&](const std::function<Tensor()>& f) {
    x.zero_grad();
    const Tensor loss = cross_entropy(f(), targets);
    const std::int64_t before = memory_stats().bytes_in_use;
    reset_peak_memory();
    loss.backward();
    return std::pair{memory_stats().peak_bytes - before, x.grad().clone()};
  };
  const Tensor held = x * 2.;
  const std::vector<double> numbers = values(held);
  const auto [with_copy, expected] = backward([&] { return held; });
  CHECK(values(held) == numbers);
  CHECK(with_copy > 2 * x.bytes());  // of the logits and of x
  const auto [in_place, gradient] = backward([&] { return x * 2.; });
  CHECK(equal(gradient, expected));
  CHECK(in_place < with_copy - x.bytes() / 2);
  const auto [through_view, same] = backward([&] { return (x * 2.).reshape({8, 8, 5000}).flatten(0, 1); });
  CHECK(equal(same, expected));
  CHECK(through_view < with_copy - x.bytes() / 2);
}

TEST_CASE("logits outlast a backward pass that retains the graph", "[op][grad]") {
  const Tensor x = draw({{.shape = {4, 50}}}, f64, 7)[0];
  const Tensor loss = cross_entropy(x * 2., full({4}, 7, i64));
  loss.backward(true);
  const Tensor once = x.grad().clone();
  loss.backward(true);
  CHECK(allclose(x.grad(), once * 2., 1e-15));
}

TEST_CASE("nll_loss of log_softmax is cross_entropy, options and all", "[op][grad]") {
  const Tensor x = draw({{.shape = {5, 6}}}, f64, 4)[0], targets = ids({0, 5, 3, 3, -7}),
               weights = from_vector(std::vector<double>{1, 2, 0.5, 4, 0, 3});
  for (const Reduction reduction : {Reduction::mean, Reduction::sum, Reduction::none}) {
    const Tensor loss = nll_loss(log_softmax(x, -1), targets, {-7, weights, reduction}),
                 expected = cross_entropy(x, targets, {-7, 0, weights, reduction});
    CHECK(allclose(loss, expected, 1e-14));
    CHECK(allclose(grad({sum(loss)}, {x})[0], grad({sum(expected)}, {x})[0], 1e-12, 1e-15));
  }
}

TEST_CASE("nll_loss leaves impossible classes out where they have no weight", "[op][grad]") {
  const Tensor x = matrix({0, -inf, 0, -inf}, 2).requires_grad_();
  const Tensor loss = nll_loss(x, ids({0, 1}), {.class_weights = from_vector(std::vector<double>{2, 0})});
  loss.backward();
  CHECK(loss.item() == 0);
  CHECK(equal(x.grad(), matrix({-1, 0, 0, 0}, 2)));
  CHECK(nll_loss(x, ids({0, 1}), {.reduction = Reduction::sum}).item() == inf);
}

TEST_CASE("binary cross entropy is cross entropy of two classes", "[op]") {
  const Tensor x = draw({{.shape = {7}, .low = -5, .high = 5}}, f64, 6)[0];
  const Tensor targets = tensor({0, 1, 1, 0, 1, 0, 0}, f64);
  const Tensor two = matrix(std::vector<double>(14, 0), 2);
  const Tensor logits = two + x.unsqueeze(1) * tensor({0, 1}, f64);  // of the classes 0 and 1: 0 and x
  CHECK(binary_cross_entropy_with_logits(x, targets).item() ==
        Approx(cross_entropy(logits, targets.to(i64)).item()).epsilon(1e-14));
}

TEST_CASE("binary cross entropy neither overflows nor loses its digits in f32", "[op][grad]") {
  const Tensor x = tensor({-1000, 1000, -20, 20}).requires_grad_(), targets = tensor({1, 0, 0, 1});
  const Tensor losses = binary_cross_entropy_with_logits(x, targets, {.reduction = Reduction::none});
  CHECK(losses.to_vector<float>()[0] == 1000);
  CHECK(losses.to_vector<float>()[1] == 1000);
  CHECK(losses.to_vector<float>()[2] == Approx(2.0611536e-9));  // exp(-20)
  CHECK(losses.to_vector<float>()[3] == Approx(2.0611536e-9));
  sum(losses).backward();
  CHECK(allclose(x.grad(), tensor({-1, 1, 2.0611536e-9, -2.0611536e-9}), 1e-5, 0));
}

TEST_CASE("a pos_weight counts the ones as so many", "[op]") {
  const Tensor x = tensor({{0.5, -1}, {2, 0}}, f64), targets = tensor({{1, 1}, {0, 1}}, f64);
  const auto loss = [](double logit, double target, double weight) {
    const double s = 1 / (1 + std::exp(-logit));
    return -weight * target * std::log(s) - (1 - target) * std::log(1 - s);
  };
  CHECK(binary_cross_entropy_with_logits(x, targets, {.pos_weight = tensor({3, 0.5}, f64)}).item() ==
        Approx((loss(0.5, 1, 3) + loss(-1, 1, 0.5) + loss(2, 0, 3) + loss(0, 1, 0.5)) / 4));
}

TEST_CASE("Huber's loss lies between half the squared error and the absolute one", "[op][grad]") {
  const Tensor x = tensor({-3, -0.5, 0, 0.5, 3}, f64).requires_grad_(), zero = zeros({5}, f64);
  CHECK(equal(huber_loss(x, zero, 1, Reduction::none), tensor({2.5, 0.125, 0, 0.125, 2.5}, f64)));
  CHECK(huber_loss(x, zero, 100).item() == Approx(mse_loss(x, zero).item() / 2));
  CHECK(huber_loss(x, zero, 1e-9).item() / 1e-9 == Approx(mae_loss(x, zero).item()));
  huber_loss(x, zero, 1, Reduction::sum).backward();
  CHECK(equal(x.grad(), tensor({-1, -0.5, 0, 0.5, 1}, f64)));  // the pull is limited
}

TEST_CASE("MSE is least at the mean of the targets, MAE at their median", "[op][grad]") {
  const Tensor targets = tensor({0, 1, 2, 3, 94}, f64), mean_of = full({5}, 20, f64).requires_grad_(),
               median_of = full({5}, 2, f64).requires_grad_();
  mse_loss(mean_of, targets).backward();
  mae_loss(median_of, targets).backward();
  CHECK(sum(mean_of.grad()).item() == Approx(0).margin(1e-14));
  CHECK(sum(median_of.grad()).item() == 0);
}

TEST_CASE("hinge_loss is 0 beyond the margin, and so is its gradient", "[op][grad]") {
  const Tensor x = tensor({2, 1, 0.25, -2}).requires_grad_(), targets = tensor({1, 1, -1, 1});
  const Tensor losses = hinge_loss(x, targets, Reduction::none);
  CHECK(equal(losses, tensor({0, 0, 1.25, 3})));
  sum(losses).backward();
  CHECK(equal(x.grad(), tensor({0, 0, 1, -1})));
}

TEST_CASE("the KL divergence of a distribution from itself is 0, from another more", "[op]") {
  const Tensor x = draw({{.shape = {4, 9}}}, f64, 8)[0], y = draw({{.shape = {4, 9}}}, f64, 9)[0];
  const Tensor p = softmax(x, -1);
  CHECK(allclose(kl_divergence(log_softmax(x, -1), p, Reduction::none), zeros({4}, f64), 0, 1e-14));
  CHECK(min(kl_divergence(log_softmax(y, -1), p, Reduction::none)).item() > 0);
  // Cross entropy is the entropy of p and the divergence from it.
  const Tensor entropy = -sum(p * log(p), -1), cross = -sum(p * log_softmax(y, -1), -1);
  CHECK(allclose(kl_divergence(log_softmax(y, -1), p, Reduction::none), cross - entropy, 1e-12));
}

TEST_CASE("the mean of KL divergences is over rows, as PyTorch's batchmean", "[op]") {
  const Tensor p = tensor({{0.5, 0.5}, {1, 0}}, f64), log_q = log(tensor({{0.25, 0.75}, {0.5, 0.5}}, f64));
  const double first = 0.5 * std::log(2) + 0.5 * std::log(2. / 3), second = std::log(2);
  CHECK(kl_divergence(log_q, p).item() == Approx((first + second) / 2));
}

TEST_CASE("what is impossible in p costs nothing, what is impossible in q alone infinity", "[op][grad]") {
  const Tensor p = tensor({{0.5, 0.5, 0}}, f64).requires_grad_();
  const Tensor log_q = matrix({std::log(0.5), std::log(0.5), -inf}, 3).requires_grad_();
  const Tensor loss = kl_divergence(log_q, p);
  CHECK(loss.item() == Approx(0).margin(1e-15));
  loss.backward();
  CHECK(equal(log_q.grad(), matrix({-0.5, -0.5, 0}, 3)));
  CHECK(p.grad().to_vector<double>()[2] == 0);
  CHECK(kl_divergence(matrix({0, -inf}, 2), tensor({{0.5, 0.5}}, f64)).item() == inf);
}

TEST_CASE("cosine_embedding_loss looks at directions alone", "[op]") {
  const Tensor a = tensor({{3, 4}, {3, 4}, {1, 0}, {0, 0}}, f64),
               b = tensor({{6, 8}, {-30, -40}, {1, 1}, {1, 2}}, f64), none = zeros({4}, f64);
  const Tensor alike = cosine_embedding_loss(a, b, none + 1., 0, Reduction::none);
  CHECK(allclose(alike, tensor({0, 2, 1 - std::sqrt(0.5), 1}, f64), 0, 1e-12));
  const Tensor apart = cosine_embedding_loss(a, b, none - 1., 0.5, Reduction::none);
  CHECK(allclose(apart, tensor({0.5, 0, std::sqrt(0.5) - 0.5, 0}, f64), 0, 1e-12));
}

TEST_CASE("the gradient of a cosine with a vector of zeros is finite", "[op][grad]") {
  const Tensor a = zeros({1, 3}).requires_grad_(), b = ones({1, 3}).requires_grad_();
  cosine_embedding_loss(a, b, ones({1})).backward();
  CHECK(all(abs(a.grad()) < inf).item() != 0);
  CHECK(equal(b.grad(), zeros({1, 3})));
}

TEST_CASE("every loss of an empty batch is 0, and a weight behind it gets the gradient 0", "[op][grad]") {
  const Tensor rows = zeros({0, 3}), one = zeros({0}), w = ones({3}).requires_grad_();
  const Tensor x = rows * w;
  for (const Tensor& loss : {nll_loss(x, zeros({0}, i64)), mse_loss(x, rows), mae_loss(x, rows),
                             huber_loss(x, rows), binary_cross_entropy_with_logits(x, rows),
                             hinge_loss(x, rows), kl_divergence(x, rows), cosine_embedding_loss(x, x, one)}) {
    CHECK(loss.item() == 0);
    CHECK(equal(grad({loss}, {w}, {}, {.retain_graph = true})[0], zeros({3})));
  }
}
