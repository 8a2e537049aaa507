// out[i] = f(in[i]...) over operands of one shape, whatever their strides:
// the loop behind every element-wise kernel.
//
// Operands that are contiguous run as one flat loop. For the rest, axes are merged where every
// operand allows it, and the innermost axis becomes the loop: a broadcast operand (stride 0)
// is then read once into a register.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <span>
#include <tuple>
#include <type_traits>
#include <utility>

#include <gradus/core/parallel.h>
#include <gradus/core/tensor.h>

namespace gradus::kernels {

// Elements for one thread to be worth starting: a memory-bound loop moves 32 K elements in about the time
// that a parallel region takes to start; a costly function reaches that time sooner.
inline constexpr std::int64_t cheap_grain = 1 << 15;
inline constexpr std::int64_t costly_grain = 1 << 13;
// The same for matrix products, in multiplications: 1 to 2 us of BLAS.
inline constexpr std::int64_t product_grain = 1 << 18;

// How many pieces of work, of `each` elements or products, are worth a thread.
constexpr std::int64_t worth_a_thread(std::int64_t each, std::int64_t grain) {
  return std::max<std::int64_t>(1, grain / std::max<std::int64_t>(1, each));
}

// The sum of part(begin, end) over [0, size), whose pieces depend on the size alone.
template <class Part>
double sum_of_chunks(std::int64_t size, const Part& part) {
  if (size <= cheap_grain) return part(std::int64_t{0}, size);
  const Tensor parts = Tensor::empty({(size + cheap_grain - 1) / cheap_grain}, f64);
  double* const each = parts.data<double>();
  parallel_for(size, cheap_grain, [=, &part](std::int64_t begin, std::int64_t end) {
    each[begin / cheap_grain] = part(begin, end);
  });
  double total = 0;
  for (std::int64_t i = 0; i < parts.numel(); ++i) total += each[i];
  return total;
}

// The axes of N operands of one shape, with those of size 1 left out and neighbours merged.
template <int N>
class StridedLoop {
 public:
  StridedLoop(const Shape& shape, const std::array<const Strides*, N>& strides) {
    for (int axis = 0; axis < shape.rank(); ++axis) {
      if (shape[axis] == 1) continue;
      bool merges = rank_ > 0;
      for (int k = 0; k < N && merges; ++k)
        merges = strides_[k][rank_ - 1] == (*strides[k])[axis] * shape[axis];
      if (!merges) sizes_[rank_++] = 1;
      sizes_[rank_ - 1] *= shape[axis];
      for (int k = 0; k < N; ++k) strides_[k][rank_ - 1] = (*strides[k])[axis];
    }
  }

  // The axes that are left.
  Shape shape() const { return Shape(std::span(sizes_, static_cast<std::size_t>(rank_))); }
  Strides strides(int k) const { return Strides(std::span(strides_[k], static_cast<std::size_t>(rank_))); }

  // Calls body(offsets, strides, count) for stretches along the innermost axis that together cover the
  // elements [begin, end) in row-major order.
  template <class Body>
  void run(std::int64_t begin, std::int64_t end, const Body& body) const {
    std::array<std::int64_t, N> offsets{}, inner{};
    if (rank_ == 0) {
      if (begin < end) body(offsets, inner, std::int64_t{1});
      return;
    }
    const int last = rank_ - 1;
    std::int64_t index[Shape::max_rank];
    for (std::int64_t axis = last, rest = begin; axis >= 0; --axis) {
      index[axis] = rest % sizes_[axis];
      rest /= sizes_[axis];
    }
    for (int k = 0; k < N; ++k) {
      inner[k] = strides_[k][last];
      for (int axis = 0; axis <= last; ++axis) offsets[k] += index[axis] * strides_[k][axis];
    }
    while (begin < end) {
      const std::int64_t count = std::min(end - begin, sizes_[last] - index[last]);
      body(offsets, inner, count);
      begin += count;
      index[last] += count;
      for (int k = 0; k < N; ++k) offsets[k] += count * inner[k];
      for (int axis = last; axis > 0 && index[axis] == sizes_[axis]; --axis) {
        index[axis] = 0;
        ++index[axis - 1];
        for (int k = 0; k < N; ++k) offsets[k] += strides_[k][axis - 1] - sizes_[axis] * strides_[k][axis];
      }
    }
  }

 private:
  int rank_ = 0;
  std::int64_t sizes_[Shape::max_rank];
  std::int64_t strides_[N][Shape::max_rank];
};

// Calls body(offsets, strides, count), which may run on several threads, for stretches that together are all
// elements of N operands of one shape. Compiled once for each N, not for each body.
template <int N>
void for_each_stretch(const Shape& shape, const std::array<const Strides*, N>& strides, std::int64_t grain,
                      FunctionRef<void(const std::int64_t*, const std::int64_t*, std::int64_t)> body) {
  const StridedLoop<N> loop(shape, strides);
  parallel_for(numel_of(shape, "map"), grain, [&](std::int64_t begin, std::int64_t end) {
    loop.run(begin, end,
             [&](const auto& at, const auto& by, std::int64_t count) { body(at.data(), by.data(), count); });
  });
}

namespace detail {

// What an operand gives along a stretch, at [i]: neighbours in memory, or one value, kept in a register.
template <class T>
const T* neighbours(const T* first) {
  return first;
}
// GCC 12 makes vector code of a loop that compares bytes, but not of one that loads booleans as such.
struct Bytes {
  const unsigned char* first;
  bool operator[](std::int64_t i) const { return first[i] != 0; }
};
inline Bytes neighbours(const bool* first) { return {reinterpret_cast<const unsigned char*>(first)}; }

template <class T>
struct Repeated {
  T value;
  T operator[](std::int64_t) const { return value; }
};

// Calls `loop` with each operand as the source that its stride makes of it; false where one has another
// stride than 0 or 1, or none varies. A loop is compiled for each mixture, so that none asks at each element.
template <bool varies, class Loop>
[[gnu::always_inline]] inline bool with_sources(const std::int64_t*, const Loop& loop) {
  if constexpr (varies) loop();
  return varies;
}
template <bool varies, class Loop, class T, class... Rest>
[[gnu::always_inline]] inline bool with_sources(const std::int64_t* by, const Loop& loop, const T* first,
                                                const Rest*... rest) {
  const auto with = [&](auto source) {
    constexpr bool is_fixed = std::is_same_v<decltype(source), Repeated<T>>;
    return with_sources < varies ||
           !is_fixed > (
                           by + 1, [&loop, source](auto... others) { loop(source, others...); }, rest...);
  };
  if (*by == 1) return with(neighbours(first));
  if constexpr (varies || sizeof...(Rest) > 0)
    if (*by == 0) return with(Repeated<T>{*first});
  return false;
}

// Flattened: a loop with a call left in it, because f is long and used in several loops, makes no vector
// code. Not inlined: the loops of long functions are most of what there is to compile. f comes by value, so
// that what it captured stays in registers.
template <class F, class Out, class... Source>
[[gnu::flatten, gnu::noinline]] void flat_loop(std::int64_t count, const F f, Out* out, const Source... in) {
#pragma omp simd
  for (std::int64_t i = 0; i < count; ++i) out[i] = f(in[i]...);
}

// Operands of any strides, brought side by side a few at a time: so that no loop over f is compiled for them.
template <class F, class Out, class... In, std::size_t... K>
void gathered_loop(std::int64_t count, const F& f, const std::int64_t* by, std::index_sequence<K...>,
                   Out* out, const In*... in) {
  constexpr std::int64_t most = 128;
  std::tuple<std::array<In, most>...> near;
  std::array<Out, most> results;
  [[maybe_unused]] const auto gather = [](auto* to, const auto* from, std::int64_t step, std::int64_t n) {
    for (std::int64_t i = 0; i < n; ++i) to[i] = from[i * step];
  };
  for (std::int64_t from = 0; from < count; from += most) {
    const std::int64_t n = std::min(most, count - from);
    (gather(std::get<K>(near).data(), in + from * by[K + 1], by[K + 1], n), ...);
    Out* const to = by[0] == 1 ? out + from : results.data();
    flat_loop(n, f, to, neighbours(static_cast<const In*>(std::get<K>(near).data()))...);
    if (by[0] == 1) continue;
    for (std::int64_t i = 0; i < n; ++i) out[(from + i) * by[0]] = results[static_cast<std::size_t>(i)];
  }
}

// One stretch; `by` are the strides of out and in.
template <class F, class Out, class... In, std::size_t... K>
inline void strided_loop(std::int64_t count, const F& f, const std::int64_t* by,
                         std::index_sequence<K...> each, Out* out, const In*... in) {
  const auto loop = [&](auto... source) { flat_loop(count, f, out, source...); };
  if (by[0] == 1 && with_sources<sizeof...(In) == 0>(by + 1, loop, in...)) return;
  gathered_loop(count, f, by, each, out, in...);
}

}  // namespace detail

// map_into<Out, In...>(f, out, grain, {&a, &b}) with the elements' C++ types named.
// `out` may be one of the operands.
template <class Out, class... In, class F>
void map_into(const F& f, const Tensor& out, std::int64_t grain,
              const std::array<const Tensor*, sizeof...(In)>& operands) {
  [&]<std::size_t... K>(std::index_sequence<K...> each) {
    Out* const to = out.data<Out>();
    const std::tuple<const In*...> from{operands[K]->template data<In>()...};
    if (out.is_contiguous() && (operands[K]->is_contiguous() && ...))
      return parallel_for(out.numel(), grain, [=, &f](std::int64_t begin, std::int64_t end) {
        detail::flat_loop(end - begin, f, to + begin, detail::neighbours(std::get<K>(from) + begin)...);
      });
    for_each_stretch<sizeof...(In) + 1>(
        out.shape(), {&out.strides(), &operands[K]->strides()...}, grain,
        [&](const std::int64_t* at, const std::int64_t* by, std::int64_t count) {
          detail::strided_loop(count, f, by, each, to + at[0], (std::get<K>(from) + at[K + 1])...);
        });
  }
  (std::index_sequence_for<In...>{});
}

// The same into a new contiguous tensor of the first operand's shape.
template <class Out, class... In, class F>
Tensor map(const F& f, std::int64_t grain, const std::array<const Tensor*, sizeof...(In)>& operands) {
  Tensor out = Tensor::empty_like(*operands[0], dtype_of<Out>());
  map_into<Out, In...>(f, out, grain, operands);
  return out;
}

}  // namespace gradus::kernels
