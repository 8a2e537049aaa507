#include <gradus/autograd/ops/join.h>

#include <sstream>

#include <gradus/autograd/record.h>
#include <gradus/core/allocator.h>
#include <gradus/core/kernels/copy.h>
#include <gradus/core/kernels/join.h>
#include <gradus/core/view.h>

namespace gradus {
namespace {

using Sizes = std::vector<std::int64_t, memory::PoolAllocator<std::int64_t>>;

void check_list(std::span<const Tensor> list, const char* op) {
  check(!list.empty(), op, "the list is empty. Pass at least one tensor?");
  for (std::size_t i = 1; i < list.size(); ++i)
    if (list[i].dtype() != list[0].dtype()) [[unlikely]]
      check_same_dtype("tensor 0", list[0].dtype(), ("tensor " + std::to_string(i)).c_str(), list[i].dtype(),
                       op);
}

// The pieces are the outputs of one node, so that the gradient of x is one concat of theirs and not a sum of
// as many padded ones. A piece that nobody used counts as zeros there.
std::vector<Tensor> split_at(const Tensor& x, Sizes sizes, int axis) {
  std::vector<Tensor> pieces;
  pieces.reserve(sizes.size());
  std::int64_t from = 0;
  for (const std::int64_t size : sizes) {
    pieces.push_back(views::slice(x, axis, from, from + size));
    from += size;
  }
  return record({"split", 0}, std::move(pieces), inputs(x),
                [axis, shape = x.shape(), dtype = x.dtype(), sizes = std::move(sizes)](Backward& back) {
                  const Tensor zero = kernels::full({}, 0, dtype);
                  std::vector<Tensor, memory::PoolAllocator<Tensor>> gradients;
                  gradients.reserve(sizes.size());
                  for (std::size_t i = 0; i < sizes.size(); ++i) {
                    Shape piece = shape;
                    piece[axis] = sizes[i];
                    const Tensor& dy = back.dy(static_cast<int>(i));
                    gradients.push_back(dy.defined() ? dy : zero.expand(piece));
                  }
                  Tensor joined;
                  if (!back.creates_graph()) joined = kernels::joined_in_place(gradients, axis);
                  back.give(0, joined.defined() ? std::move(joined) : concat(gradients, axis));
                });
}

void check_matrices(const Tensor& x, const char* op) {
  check(x.rank() >= 2, op, "needs matrices in the last two axes; x has shape ", x.shape(), ". Unsqueeze it?");
}

}  // namespace

Tensor concat(std::span<const Tensor> list, std::int64_t axis) {
  check_list(list, "concat");
  const Shape& first = list[0].shape();
  check(first.rank() > 0, "concat", "tensors of shape () have no axis to join along. Use stack?");
  const int along = normalised_axis(axis, first.rank(), "concat");
  Sizes sizes;
  sizes.reserve(list.size());
  for (std::size_t i = 0; i < list.size(); ++i) {
    Shape expected = first;
    if (list[i].rank() == first.rank()) expected[along] = list[i].shape()[along];
    check(list[i].shape() == expected, "concat", "tensor ", i, " of shape ", list[i].shape(),
          " must have the sizes of ", first, " but for axis ", along, ". Transpose or reshape it?");
    sizes.push_back(expected[along]);
  }
  return record({"concat", 0}, kernels::concat(list, along), list,
                [along, sizes = std::move(sizes)](Backward& back, const Tensor& dy) {
                  std::int64_t from = 0;
                  for (std::size_t i = 0; i < sizes.size(); ++i) {
                    const int input = static_cast<int>(i);
                    if (back.wants(input)) back.give(input, dy.slice(along, from, from + sizes[i]));
                    from += sizes[i];
                  }
                });
}

Tensor stack(std::span<const Tensor> list, std::int64_t axis) {
  check_list(list, "stack");
  for (std::size_t i = 1; i < list.size(); ++i)
    check(list[i].shape() == list[0].shape(), "stack", "tensor ", i, " has shape ", list[i].shape(),
          ", tensor 0 has ", list[0].shape(), ". Join different sizes with concat?");
  const int along = normalised_axis(axis, list[0].rank() + 1, "stack");
  return record({"stack", 0}, kernels::stack(list, along), list,
                [along, count = static_cast<int>(list.size())](Backward& back, const Tensor& dy) {
                  for (int i = 0; i < count; ++i)
                    if (back.wants(i)) back.give(i, dy.select(along, i));
                });
}

std::vector<Tensor> split(const Tensor& x, std::int64_t size, std::int64_t axis) {
  check(size >= 1, "split", "the size of a piece must be at least 1, not ", size, ".");
  const int along = normalised_axis(axis, x.rank(), "split");
  Sizes sizes;
  for (std::int64_t rest = x.shape()[along]; rest > 0; rest -= sizes.back())
    sizes.push_back(std::min(size, rest));
  return split_at(x, std::move(sizes), along);
}

std::vector<Tensor> split(const Tensor& x, const std::vector<std::int64_t>& sizes, std::int64_t axis) {
  const int along = normalised_axis(axis, x.rank(), "split");
  std::int64_t rest = x.shape()[along];
  bool fits = true;
  for (const std::int64_t size : sizes) {
    fits = fits && 0 <= size && size <= rest;
    rest -= fits ? size : 0;
  }
  if (!fits || rest != 0) {
    std::ostringstream list;
    for (std::size_t i = 0; i < sizes.size(); ++i) list << (i ? ", " : "") << sizes[i];
    fail("split", "sizes ", list.str(), " do not add up to axis ", along, " of size ", x.shape()[along],
         ". Name a size for every piece?");
  }
  return split_at(x, Sizes(sizes.begin(), sizes.end()), along);
}

Tensor flip(const Tensor& x, std::int64_t axis) {
  const int along = normalised_axis(axis, x.rank(), "flip");
  return record({"flip", 0}, kernels::flip(x, along), inputs(x), saves(),
                [along](Backward& back, const Tensor& dy) { back.give(0, flip(dy, along)); });
}

Tensor triu(const Tensor& x, std::int64_t diagonal) {
  check_matrices(x, "triu");
  return record({"triu", 0}, kernels::triu(x, diagonal), inputs(x), saves(),
                [diagonal](Backward& back, const Tensor& dy) { back.give(0, triu(dy, diagonal)); });
}

Tensor tril(const Tensor& x, std::int64_t diagonal) {
  check_matrices(x, "tril");
  return record({"tril", 0}, kernels::tril(x, diagonal), inputs(x), saves(),
                [diagonal](Backward& back, const Tensor& dy) { back.give(0, tril(dy, diagonal)); });
}

}  // namespace gradus
