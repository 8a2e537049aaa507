// What the op table cannot say about choosing by id.
#include <cstring>
#include <numeric>
#include <random>

#include <gradus/autograd/engine.h>
#include <gradus/autograd/gradcheck_matcher.h>
#include <gradus/autograd/ops/elementwise.h>
#include <gradus/autograd/ops/index.h>
#include <gradus/autograd/ops/matmul.h>
#include <gradus/autograd/ops/reduce.h>
#include <gradus/core/allocator.h>
#include <gradus/core/kernels/copy.h>

#include "support/catch.h"
#include "support/op_table.h"

using namespace gradus;
using gradus::test::Array;
using gradus::test::draw;

namespace {

template <class T>
Tensor tensor(const Shape& shape, const std::vector<T>& values) {
  Tensor x = Tensor::empty(shape, dtype_of<T>());
  std::copy(values.begin(), values.end(), x.data<T>());
  return x;
}
Tensor ids(const Shape& shape, const std::vector<std::int64_t>& values) { return tensor(shape, values); }

}  // namespace

TEST_CASE("the padding row of an embedding gets no gradient, the others do", "[op][grad]") {
  Tensor weight = draw({{.shape = {4, 3}}}, f64, 1)[0];
  const Tensor words = ids({2, 3}, {0, 2, 2, 3, 2, 0});
  const Tensor dy = kernels::full({2, 3, 3}, 1, f64);
  const Tensor dw = grad({embedding(weight, words, 2)}, {weight}, {dy})[0];
  CHECK(Array(dw).values == std::vector<double>{2, 2, 2, 0, 0, 0, 0, 0, 0, 1, 1, 1});
  // Its value is looked up all the same.
  CHECK(equal(embedding(weight, words, 2), embedding(weight, words)));
}

TEST_CASE("an embedding whose weight is the head's as well adds to the head's gradient, in its memory",
          "[op][grad]") {
  const Tensor weight = draw({{.shape = {5000, 16}}}, f64, 3)[0];
  const Tensor words = ids({2, 3}, {0, 2, 2, 4999, 2, 0});
  const Tensor apart = weight.detach().clone().requires_grad_();
  const auto loss = [&](const Tensor& head) { return sum(square(linear(embedding(weight, words), head))); };
  loss(apart).backward();
  const Tensor expected = weight.grad() + apart.grad();
  weight.zero_grad();
  const Tensor tied = loss(weight);
  const std::int64_t before = memory_stats().bytes_in_use;
  reset_peak_memory();
  tied.backward();
  CHECK(memory_stats().peak_bytes - before < 2 * weight.bytes());
  CHECK(allclose(weight.grad(), expected, 1e-12));
}

TEST_CASE("the gradient of an embedding's gradient leaves the padding ids out", "[op][grad]") {
  Tensor dy = draw({{.shape = {5, 2}}}, f64, 2)[0];
  const Tensor words = ids({5}, {0, 2, 1, 2, 0});
  const auto f = [&] { return square(embedding_grad(dy, words, 3, 2)); };
  CHECK_THAT(gradcheck(f, {{"dy", dy}}, {.second_order = true}), passes_gradcheck());
}

TEST_CASE("an embedding's gradient adds equal ids in their order, bit for bit", "[op]") {
  constexpr std::int64_t n = 3000, rows = 11, columns = 130;
  std::mt19937_64 random(3);
  std::vector<std::int64_t> words(n);
  for (auto& word : words) word = static_cast<std::int64_t>(random() % rows);
  std::vector<float> dy(n * columns), expected(rows * columns);
  for (auto& number : dy) number = std::normal_distribution<float>()(random);
  for (std::size_t i = 0; i < n; ++i)
    for (std::size_t c = 0; c < columns; ++c)
      expected[static_cast<std::size_t>(words[i]) * columns + c] += dy[i * columns + c];
  const Tensor dw = embedding_grad(tensor({n, columns}, dy), ids({n}, words), rows);
  CHECK(std::memcmp(dw.data<float>(), expected.data(), expected.size() * sizeof(float)) == 0);
}

TEST_CASE("scatter keeps the last of equal indices and gives it alone a gradient", "[op][grad]") {
  Tensor x = draw({{.shape = {4}}}, f64, 4)[0];
  Tensor src = tensor<double>({3}, {10, 20, 30});
  src.requires_grad_();
  const Tensor y = scatter(x, 0, ids({3}, {1, 3, 1}), src);
  CHECK(Array(y)[1] == 30);
  CHECK(Array(y)[3] == 20);
  const std::vector<Tensor> gradients = grad({y}, {x, src}, {tensor<double>({4}, {1, 2, 3, 4})});
  CHECK(Array(gradients[0]).values == std::vector<double>{1, 0, 3, 0});
  CHECK(Array(gradients[1]).values == std::vector<double>{0, 4, 2});
}

TEST_CASE("scatter_add and scatter leave their input as it was", "[op]") {
  const Tensor x = kernels::full({3}, 1, f32), src = kernels::full({2}, 5, f32), at = ids({2}, {0, 0});
  CHECK(Array(scatter_add(x, 0, at, src)).values == std::vector<double>{11, 1, 1});
  CHECK(Array(scatter(x, 0, at, src)).values == std::vector<double>{5, 1, 1});
  CHECK(Array(x).values == std::vector<double>{1, 1, 1});
}

TEST_CASE("elements of every dtype are chosen by id", "[op]") {
  const std::vector<double> numbers{0, 1, 1, 0};
  for (const DType dtype : {f32, f64, i64, boolean}) {
    const Tensor x = kernels::cast(tensor({4}, numbers), dtype);
    const Tensor y = gather(x, 0, ids({5}, {3, 2, 1, 0, 2}));
    CHECK(y.dtype() == dtype);
    CHECK(Array(y).values == std::vector<double>{0, 1, 1, 0, 1});
    CHECK(equal(index_select(x, -1, ids({2}, {1, 3})), kernels::cast(tensor<double>({2}, {1, 0}), dtype)));
    CHECK(Array(scatter(x, 0, ids({1}, {1}), kernels::full({1}, 0, dtype))).values ==
          std::vector<double>{0, 0, 1, 0});
    CHECK(one_hot(ids({1}, {1}), 2, dtype).dtype() == dtype);
    CHECK(Array(one_hot(ids({1}, {1}), 2, dtype)).values == std::vector<double>{0, 1});
  }
  CHECK(Array(scatter_add(ids({2}, {3, 4}), 0, ids({2}, {1, 1}), ids({2}, {10, 20}))).values ==
        std::vector<double>{3, 34});
}

TEST_CASE("the first of several wrong ids is named, wherever it stands", "[op][error]") {
  constexpr std::int64_t rows = 300, columns = 400;  // enough for several threads
  Tensor many = kernels::full({rows, columns}, 0, i64);
  many.data<std::int64_t>()[271 * columns + 333] = 7;
  many.data<std::int64_t>()[271 * columns + 334] = -1;
  many.data<std::int64_t>()[299 * columns] = -9;
  CHECK_THROWS_WITH(
      one_hot(many, 7),
      "[one_hot] id 7 at position (271, 333) is out of range for 7 classes. Ids start at 0 and end "
      "below 7; were they made for another size?");
  CHECK_THROWS_WITH(
      one_hot(many.t(), 7),
      "[one_hot] id -9 at position (0, 299) is out of range for 7 classes. Ids start at 0 and end "
      "below 7; were they made for another size?");
  CHECK_THROWS_WITH(
      embedding(kernels::full({0, 3}, 0, f32), ids({}, {0})),
      "[embedding] id 0 at position () is out of range for 0 rows. Ids start at 0 and end below 0; "
      "were they made for another size?");
}

TEST_CASE("ids changed in place before the backward pass are noticed", "[op][error]") {
  Tensor weight = draw({{.shape = {4, 3}}}, f64, 5)[0];
  Tensor words = ids({2}, {0, 1});
  const Tensor y = embedding(weight, words);
  words.add_(ids({2}, {1, 1}));
  CHECK_THROWS_AS(grad({y}, {weight}, {kernels::full({2, 3}, 1, f64)}), Error);
}
