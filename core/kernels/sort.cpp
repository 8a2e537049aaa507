#include <gradus/core/kernels/sort.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <utility>
#include <vector>

#include <gradus/core/allocator.h>
#include <gradus/core/kernels/map.h>

namespace gradus::kernels {
namespace {

// Elements of whole lines for one thread to be worth starting.
constexpr std::int64_t sort_grain = 1 << 12;
// Below this many entries, the counts of a radix sort cost more than comparing does.
constexpr std::int64_t least_for_radix = 128;

// Unsigned numbers in the order of the elements. The bits of IEEE numbers are ordered like whole numbers
// where the sign is clear and the other way round where it is set.
std::uint32_t key_of(bool value) { return value; }
std::uint64_t key_of(std::int64_t value) {
  return static_cast<std::uint64_t>(value) ^ std::uint64_t{1} << 63;
}
template <class Real>
auto key_of(Real value) {
  using Key = std::conditional_t<sizeof(Real) == 4, std::uint32_t, std::uint64_t>;
  constexpr Key sign = Key{1} << (8 * sizeof(Key) - 1);
  if (std::isnan(value)) return std::numeric_limits<Key>::max();
  const Key bits = std::bit_cast<Key>(value + Real(0));  // -0 + 0 is 0
  return bits & sign ? static_cast<Key>(~bits) : static_cast<Key>(bits | sign);
}

template <class Key>
struct Ranked {
  Key key;
  std::uint32_t index;
  friend bool operator<(const Ranked& a, const Ranked& b) {
    return a.key < b.key || (a.key == b.key && a.index < b.index);
  }
};

// Counting sort by each byte of the keys, the lowest first. Each pass keeps the order of what is equal, and
// so does the whole. Leaves the result in `items`.
template <class Key>
void radix_sort(Ranked<Key>* items, Ranked<Key>* spare, std::int64_t size) {
  constexpr int bytes = sizeof(Key);
  std::uint32_t places[bytes][256] = {};
  for (std::int64_t i = 0; i < size; ++i)
    for (int byte = 0; byte < bytes; ++byte) ++places[byte][items[i].key >> 8 * byte & 255];
  Ranked<Key>* from = items;
  Ranked<Key>* to = spare;
  for (int byte = 0; byte < bytes; ++byte) {
    std::uint32_t* const place = places[byte];
    if (place[from[0].key >> 8 * byte & 255] == size) continue;  // all alike: nothing would move
    std::uint32_t next = 0;
    for (int digit = 0; digit < 256; ++digit) next += std::exchange(place[digit], next);
    for (std::int64_t i = 0; i < size; ++i) to[place[from[i].key >> 8 * byte & 255]++] = from[i];
    std::swap(from, to);
  }
  if (from != items) std::copy(from, from + size, items);
}

// Brings the first k of the order to the front.
template <class Key>
void order_first(Ranked<Key>* items, Ranked<Key>* spare, std::int64_t size, std::int64_t k) {
  if (k < size / 16)
    std::partial_sort(items, items + k, items + size);  // a heap of k that few entries ever enter
  else if (size < least_for_radix)
    std::sort(items, items + size);
  else
    radix_sort(items, spare, size);
}

template <class T>
void order_lines(const Tensor& x, int axis, bool descending, const Sorted& out) {
  using Item = Ranked<decltype(key_of(T{}))>;
  const std::int64_t size = x.shape()[axis], k = out.values.shape()[axis];
  const std::int64_t x_step = x.strides()[axis], out_step = out.values.strides()[axis];
  Shape lines = x.shape();
  Strides x_by_line = x.strides(), out_by_line = out.values.strides();
  for (Shape* each : {&lines, &x_by_line, &out_by_line}) each->erase(axis);
  const StridedLoop<2> loop(lines, {&x_by_line, &out_by_line});
  parallel_for(
      numel_of(lines, "sort"), worth_a_thread(size, sort_grain), [&](std::int64_t begin, std::int64_t end) {
        std::vector<Item, memory::PoolAllocator<Item>> items(static_cast<std::size_t>(size)),
            spare(items.size());
        const auto order_line = [&](const T* from, T* values, std::int64_t* indices) {
          for (std::int64_t j = 0; j < size; ++j) {
            const auto key = key_of(from[j * x_step]);
            items[static_cast<std::size_t>(j)] = {descending ? ~key : key, static_cast<std::uint32_t>(j)};
          }
          order_first(items.data(), spare.data(), size, k);
          for (std::int64_t j = 0; j < k; ++j) {
            const std::int64_t index = items[static_cast<std::size_t>(j)].index;
            values[j * out_step] = from[index * x_step];
            indices[j * out_step] = index;
          }
        };
        loop.run(begin, end, [&](const auto& at, const auto& by, std::int64_t count) {
          for (std::int64_t i = 0; i < count; ++i)
            order_line(x.data<T>() + at[0] + i * by[0], out.values.data<T>() + at[1] + i * by[1],
                       out.indices.data<std::int64_t>() + at[1] + i * by[1]);
        });
      });
}

}  // namespace

Sorted first_in_order(const Tensor& x, int axis, std::int64_t k, bool descending) {
  Shape shape = x.shape();
  shape[axis] = k;
  Sorted out{Tensor::empty(shape, x.dtype(), "sort"), Tensor::empty(shape, i64, "sort")};
  if (out.values.numel() > 0)
    dispatch_all(x.dtype(), [&]<class T>() { order_lines<T>(x, axis, descending, out); });
  return out;
}

}  // namespace gradus::kernels
