// How weights begin: means and variances within 4 standard errors of the formulas, bounds, what is refused.
#include <cmath>
#include <functional>
#include <numbers>

#include <gradus/autograd/ops/elementwise.h>
#include <gradus/autograd/ops/matmul.h>
#include <gradus/autograd/ops/reduce.h>
#include <gradus/core/create.h>
#include <gradus/nn/init.h>

#include "support/catch.h"
#include "support/throws.h"

using namespace gradus;
using gradus::test::message_of;

namespace {

// The standard errors are the sample's own.
void check_moments(const Tensor& sample, double expected_mean, double expected_var) {
  REQUIRE(sample.dtype() == f32);
  CHECK_FALSE(sample.requires_grad());
  const Tensor x = sample.to(f64), distances = square(x - expected_mean);
  const double n = static_cast<double>(x.numel());
  CHECK(std::abs(mean(x).item() - expected_mean) < 4 * std::sqrt(var(x).item() / n));
  CHECK(std::abs(mean(distances).item() - expected_var) < 4 * std::sqrt(var(distances).item() / n));
}

double largest(const Tensor& x) { return max(abs(x)).item(); }

const Shape matrix{300, 200}, kernels{60, 40, 5, 3};  // fans 200 and 300, 600 and 900

double density(double x) { return std::exp(-x * x / 2) / std::sqrt(2 * std::numbers::pi); }
double distribution(double x) { return std::erfc(-x / std::sqrt(2)) / 2; }

}  // namespace

TEST_CASE("uniform and normal have the moments that they are asked for", "[nn][init]") {
  manual_seed(1);
  const Tensor flat = nn::uniform({50000}, -1, 3);
  check_moments(flat, 1, 16. / 12);
  CHECK(min(flat).item() >= -1);
  CHECK(max(flat).item() <= 3);
  check_moments(nn::normal({50000}, 2, 0.5), 2, 0.25);
  CHECK(equal(nn::normal({3}, 2, 0), full({3}, 2)));
}

TEST_CASE("truncated_normal has the moments of a normal distribution cut off, and nothing outside",
          "[nn][init]") {
  manual_seed(2);
  for (const auto& [mean, std, low, high] :
       {std::array{0., 1., -2., 2.}, {1., 0.5, 0.8, 3.}, {0., 2., 1., 4.}, {-1., 3., -2., -1.5}}) {
    const double a = (low - mean) / std, b = (high - mean) / std;
    const double inside = distribution(b) - distribution(a);
    const double shift = (density(a) - density(b)) / inside;
    const Tensor x = nn::truncated_normal({50000}, mean, std, low, high);
    check_moments(x, mean + std * shift,
                  std * std * (1 + (a * density(a) - b * density(b)) / inside - shift * shift));
    CHECK(min(x).item() >= low);
    CHECK(max(x).item() <= high);
  }
}

TEST_CASE("Xavier's variance is gain^2 2 / (fan_in + fan_out)", "[nn][init]") {
  manual_seed(3);
  check_moments(nn::xavier_uniform(matrix), 0, 2. / 500);
  check_moments(nn::xavier_normal(matrix), 0, 2. / 500);
  check_moments(nn::xavier_uniform(kernels, 2), 0, 4 * 2. / 1500);
  check_moments(nn::xavier_normal(kernels, 2), 0, 4 * 2. / 1500);
  CHECK(largest(nn::xavier_uniform(matrix)) <= std::sqrt(6. / 500) * (1 + 1e-6));
}

TEST_CASE("Kaiming's variance is gain^2 / fan_in, with the gain of a ReLU unless given", "[nn][init]") {
  manual_seed(4);
  check_moments(nn::kaiming_uniform(matrix), 0, 2. / 200);
  check_moments(nn::kaiming_normal(matrix), 0, 2. / 200);
  check_moments(nn::kaiming_uniform(kernels, 1), 0, 1. / 600);
  check_moments(nn::kaiming_normal(kernels, 1), 0, 1. / 600);
  CHECK(largest(nn::kaiming_uniform(matrix)) <= std::sqrt(6. / 200) * (1 + 1e-6));
}

TEST_CASE("Kaiming's weights keep the mean square through layers of ReLU, Xavier's through linear ones",
          "[nn][init]") {
  manual_seed(5);
  Tensor x = randn({200, 256}), z = x;
  for (int layer = 0; layer < 10; ++layer) {
    x = relu(linear(x, nn::kaiming_normal({256, 256})));
    z = linear(z, nn::xavier_normal({256, 256}));
  }
  CHECK(mean(square(x)).item() == Approx(1).epsilon(0.5));
  CHECK(mean(square(z)).item() == Approx(1).epsilon(0.5));
}

TEST_CASE("residual_normal divides the deviation by the root of the number of layers", "[nn][init]") {
  manual_seed(6);
  check_moments(nn::residual_normal(matrix, 24), 0, 0.02 * 0.02 / 24);
  check_moments(nn::residual_normal(matrix, 1, 0.5), 0, 0.25);
}

TEST_CASE("branches that begin with residual_normal add up to one variance, however many", "[nn][init]") {
  manual_seed(7);
  for (const int layers : {1, 16}) {
    Tensor stream = zeros({100, 64});
    for (int layer = 0; layer < layers; ++layer)
      stream = stream + linear(randn({100, 64}), nn::residual_normal({64, 64}, layers, 1 / 8.));
    CHECK(mean(square(stream)).item() == Approx(1).epsilon(0.2));
  }
}

TEST_CASE("orthogonal rows, or columns where these are fewer, are orthonormal times the gain", "[nn][init]") {
  manual_seed(8);
  const Tensor square_one = nn::orthogonal({20, 20}), wide = nn::orthogonal({10, 30}, 2),
               tall = nn::orthogonal({30, 10}), kernel = nn::orthogonal({8, 4, 3, 3});
  CHECK(allclose(matmul(square_one, square_one.t()), eye(20), 0, 1e-6));
  CHECK(allclose(matmul(wide, wide.t()), eye(10) * 4., 0, 1e-6));
  CHECK(allclose(matmul(tall.t(), tall), eye(10), 0, 1e-6));
  const Tensor rows = kernel.reshape({8, 36});
  CHECK(allclose(matmul(rows, rows.t()), eye(8), 0, 1e-6));
  // Uniform among such matrices: no element is preferred, and the squares of 200 in a row sum to 1.
  check_moments(nn::orthogonal({200, 200}), 0, 1. / 200);
}

TEST_CASE("the same seed begins with the same bits, another with others", "[nn][init]") {
  const std::vector<std::function<Tensor(Generator&)>> all = {
      [](Generator& g) {
        return nn::uniform({4, 5}, 0, 1, g);
      },
      [](Generator& g) {
        return nn::normal({4, 5}, 0, 1, g);
      },
      [](Generator& g) {
        return nn::truncated_normal({4, 5}, 0, 1, -0.5, 1, g);
      },
      [](Generator& g) {
        return nn::xavier_uniform({4, 5}, 1, g);
      },
      [](Generator& g) {
        return nn::xavier_normal({4, 5}, 1, g);
      },
      [](Generator& g) {
        return nn::kaiming_uniform({4, 5}, 1, g);
      },
      [](Generator& g) {
        return nn::kaiming_normal({4, 5}, 1, g);
      },
      [](Generator& g) {
        return nn::residual_normal({4, 5}, 2, 1, g);
      },
      [](Generator& g) {
        return nn::orthogonal({4, 5}, 1, g);
      }};
  const RandomState before = default_generator().state();
  for (std::size_t i = 0; i < all.size(); ++i) {
    INFO("initialiser " << i);
    Generator a(9), same(9), other(10);
    const Tensor x = all[i](a);
    CHECK(equal(x, all[i](same)));
    CHECK_FALSE(equal(x, all[i](other)));
    CHECK_FALSE(equal(x, all[i](a)));
  }
  CHECK(default_generator().state() == before);
}

TEST_CASE("initialisers refuse what has no such distribution", "[nn][init][error]") {
  CHECK(message_of([] { nn::uniform({2}, 1, 0); }) == "[uniform] the range [1, 0) is empty. Swap them?");
  CHECK(message_of([] { nn::normal({2}, 0, -1); }) ==
        "[normal] a standard deviation is not below 0, as -1 is. Use its absolute value?");
  CHECK(message_of([] { nn::truncated_normal({2}, 0, 0, -1, 1); }) ==
        "[truncated_normal] needs a standard deviation above 0, not 0. Use full instead?");
  CHECK(message_of([] { nn::truncated_normal({2}, 0, 1, 5, 6); }) ==
        "[truncated_normal] hardly any of a normal distribution of mean 0 and deviation 1 lies in [5, 6]. "
        "Widen the range?");
  CHECK(message_of([] { nn::xavier_uniform({3}); }) ==
        "[xavier_uniform] needs a weight of two axes or more, (out, in, ...); got shape (3,). Use normal or "
        "uniform?");
  CHECK(message_of([] { nn::kaiming_normal({}); }) ==
        "[kaiming_normal] needs a weight of two axes or more, (out, in, ...); got shape (). Use normal or "
        "uniform?");
  CHECK(message_of([] { nn::orthogonal({3}); }) ==
        "[orthogonal] needs a weight of two axes or more; got shape (3,). Use normal?");
  CHECK(message_of([] {
          nn::residual_normal({2, 2}, 0);
        }) ==
        "[residual_normal] needs the number of residual layers, 1 or more, not 0. Two for each Transformer "
        "block?");
}
