#include <gradus/models/word_vectors.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include <gradus/autograd/ops/compare.h>
#include <gradus/autograd/ops/elementwise.h>
#include <gradus/autograd/ops/matmul.h>
#include <gradus/autograd/ops/reduce.h>
#include <gradus/autograd/ops/sort.h>
#include <gradus/core/check.h>

namespace gradus::models {
namespace {

// Rows of length 1; rows of zeros stay. Divided by the largest number first, no square overflows or vanishes.
Tensor unit_rows(const Tensor& x) {
  const auto scaled = [](const Tensor& rows, const Tensor& by) { return rows / (by + (by == 0).to(f64)); };
  const Tensor tame = scaled(x, max(abs(x), -1, keep_dims));
  return scaled(tame, sqrt(sum(square(tame), -1, keep_dims)));
}

}  // namespace

WordVectors::WordVectors(data::Vocabulary vocabulary, const Tensor& vectors)
    : vocabulary_(std::move(vocabulary)) {
  check(vectors.rank() == 2 && vectors.size(0) == vocabulary_.size() && vectors.size(1) > 0, "word_vectors",
        "vectors must be (", vocabulary_.size(), ", width), a row for each token, not ", vectors.shape(),
        ". Of another vocabulary?");
  check(is_floating(vectors.dtype()), "word_vectors", "vectors are f32 or f64, not ", vectors.dtype(),
        ". Convert them?");
  unit_ = unit_rows(vectors.detach().to(f64));
  check(std::isfinite(sum(unit_).item()), "word_vectors",
        "a vector has an element that is no finite number. Did the training diverge?");
}

std::vector<WordVectors::Neighbour> WordVectors::nearest(std::string_view word, std::int64_t count) const {
  const std::int64_t id = vocabulary_.id(word);
  return nearest(unit_[id], {id}, count);
}

std::vector<WordVectors::Neighbour> WordVectors::analogy(std::string_view a, std::string_view b,
                                                         std::string_view c, std::int64_t count) const {
  const std::vector<std::int64_t> ids = {vocabulary_.id(a), vocabulary_.id(b), vocabulary_.id(c)};
  return nearest(unit_rows(unit_[ids[0]] - unit_[ids[1]] + unit_[ids[2]]), ids, count);
}

std::vector<WordVectors::Neighbour> WordVectors::nearest(const Tensor& to,
                                                         const std::vector<std::int64_t>& aside,
                                                         std::int64_t count) const {
  check(count > 0, "word_vectors", "asked for ", count, " words. 5?");
  const Sorted best = sort(matmul(unit_, to), 0, true);
  const std::int64_t* const ids = best.indices.data<std::int64_t>();
  const double* const cosines = best.values.data<double>();
  std::vector<Neighbour> found;
  for (std::int64_t i = 0; i < vocabulary_.size() && std::ssize(found) < count; ++i)
    if (std::find(aside.begin(), aside.end(), ids[i]) == aside.end())
      found.push_back({vocabulary_.token(ids[i]), cosines[i]});
  return found;
}

}  // namespace gradus::models
