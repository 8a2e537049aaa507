#include <gradus/core/kernels/random.h>

#include <algorithm>
#include <cmath>
#include <numbers>
#include <utility>

#include <gradus/core/kernels/copy.h>
#include <gradus/core/kernels/map.h>
#include <gradus/core/kernels/row.h>
#include <gradus/core/kernels/vector_math.h>

namespace gradus::kernels {
namespace {

namespace vm = vector_math;

constexpr int batch = 64;  // blocks computed side by side

// Block j of a batch in column j, one row for each lane.
struct Blocks {
  alignas(64) std::uint32_t lane[4][batch];
};

// The blocks at first, first + 1, ..., `count` of them, into the first columns. Round by round over all of
// them: every compiler and instruction set tried makes vector code of that, and of few other orders.
[[gnu::always_inline]] inline void generate(std::uint64_t seed, std::uint64_t first, int count, Blocks& out) {
  std::uint32_t *const a = out.lane[0], *const b = out.lane[1], *const c = out.lane[2],
                       *const d = out.lane[3];
  for (int j = 0; j < count; ++j) {
    const std::uint64_t counter = first + static_cast<std::uint64_t>(j);
    a[j] = static_cast<std::uint32_t>(counter);
    b[j] = static_cast<std::uint32_t>(counter >> 32);
    c[j] = d[j] = 0;
  }
  auto key0 = static_cast<std::uint32_t>(seed), key1 = static_cast<std::uint32_t>(seed >> 32);
  for (std::uint32_t round = 0; round < philox_rounds; ++round) {
#pragma omp simd
    for (int j = 0; j < count; ++j) philox_round(a[j], b[j], c[j], d[j], key0, key1);
    key0 += philox_steps[0];
    key1 += philox_steps[1];
  }
}

// A whole batch, its size known to the compiler.
void generate(std::uint64_t seed, std::uint64_t first, Blocks& out) { generate(seed, first, batch, out); }

// A signed integer converts to floating in one instruction on every x86-64, an unsigned one does not.
template <class T>
[[gnu::always_inline]] inline T to_floating(std::uint32_t below_2_31) {
  return static_cast<T>(static_cast<std::int32_t>(below_2_31));
}

[[gnu::always_inline]] inline float uniform32(std::uint32_t word) {
  return to_floating<float>(word >> 8) * 0x1p-24f;
}
[[gnu::always_inline]] inline double uniform64(std::uint32_t high, std::uint32_t low) {
  return (to_floating<double>(high >> 5) * 0x1p26 + to_floating<double>(low >> 6)) * 0x1p-53;
}
[[gnu::always_inline]] inline std::uint64_t word64(std::uint32_t high, std::uint32_t low) {
  return std::uint64_t{high} << 32 | low;
}

// Calls fill(blocks, to) for each batch of out's elements, `lanes` to a block. A batch at the
// end is computed in full, so that no element's bits depend on where the tensor ends: a
// loop's last turns may round differently.
template <class T, int lanes, class Fill>
void for_batches(const Tensor& out, const RandomState& from, std::int64_t grain, const Fill& fill) {
  constexpr std::int64_t size = batch * lanes;
  T* const to = out.data<T>();
  parallel_for((out.numel() + size - 1) / size, grain / size, [&](std::int64_t begin, std::int64_t end) {
    Blocks blocks;
    for (std::int64_t i = begin; i < end; ++i) {
      generate(from.seed, from.counter + static_cast<std::uint64_t>(i * batch), blocks);
      const std::int64_t left = out.numel() - i * size;
      if (left >= size) {
        fill(blocks, to + i * size);
      } else {
        T whole[size];
        fill(blocks, whole);
        std::copy_n(whole, left, to + i * size);
      }
    }
  });
}

// (r cos t, r sin t) with r = sqrt(-2 log u) is a pair of independent normal numbers for u in (0, 1], t in
// [0, 2 pi) uniform. Box & Muller 1958. Here u takes 31 bits, so that r goes up to 6.7.
void normal32(const Blocks& blocks, float* to) {
  for (int pair = 0; pair < 2; ++pair) {
    const std::uint32_t* const size = blocks.lane[2 * pair];
    const std::uint32_t* const direction = blocks.lane[2 * pair + 1];
#pragma omp simd
    for (int j = 0; j < batch; ++j) {
      const float u = (to_floating<float>(size[j] >> 1) + 0.5f) * 0x1p-31f;
      const float angle = uniform32(direction[j]) * (2 * std::numbers::pi_v<float>);
      const float radius = std::sqrt(-2.0f * vm::log(u));
      to[4 * j + 2 * pair] = radius * vm::cos(angle);
      to[4 * j + 2 * pair + 1] = radius * vm::sin(angle);
    }
  }
}

void normal64(const Blocks& blocks, double* to) {
  for (int j = 0; j < batch; ++j) {
    const double u = 1 - uniform64(blocks.lane[0][j], blocks.lane[1][j]);  // exact
    const double angle = uniform64(blocks.lane[2][j], blocks.lane[3][j]) * (2 * std::numbers::pi);
    const double radius = std::sqrt(-2 * vm::log(u));
    to[2 * j] = radius * vm::cos(angle);
    to[2 * j + 1] = radius * vm::sin(angle);
  }
}

// floor(word / 2^64 * count): each value's chance is 1 / count to within 2^-64.
std::uint64_t scaled(std::uint64_t word, std::uint64_t count) {
  return static_cast<std::uint64_t>(static_cast<unsigned __int128>(word) * count >> 64);
}

}  // namespace

std::int64_t random_blocks(std::int64_t count, DType dtype) {
  const std::int64_t lanes = dtype == f32 || dtype == boolean ? 4 : 2;
  return (count + lanes - 1) / lanes;
}

void fill_uniform(const Tensor& out, const RandomState& from) {
  if (out.dtype() == f32)
    return for_batches<float, 4>(out, from, cheap_grain, [](const Blocks& blocks, float* to) {
#pragma omp simd
      for (int j = 0; j < batch; ++j)
        for (int k = 0; k < 4; ++k) to[4 * j + k] = uniform32(blocks.lane[k][j]);
    });
  for_batches<double, 2>(out, from, cheap_grain, [](const Blocks& blocks, double* to) {
#pragma omp simd
    for (int j = 0; j < batch; ++j)
      for (int k = 0; k < 2; ++k) to[2 * j + k] = uniform64(blocks.lane[2 * k][j], blocks.lane[2 * k + 1][j]);
  });
}

void fill_normal(const Tensor& out, const RandomState& from) {
  if (out.dtype() == f32)
    for_batches<float, 4>(out, from, costly_grain, normal32);
  else
    for_batches<double, 2>(out, from, costly_grain, normal64);
}

void fill_integers(const Tensor& out, std::int64_t low, std::int64_t high, const RandomState& from) {
  // Unsigned, since a span past 2^63 does not fit the signed type.
  const std::uint64_t start = static_cast<std::uint64_t>(low),
                      count = static_cast<std::uint64_t>(high) - start;
  for_batches<std::int64_t, 2>(out, from, costly_grain, [=](const Blocks& blocks, std::int64_t* to) {
    for (int j = 0; j < batch; ++j)
      for (int k = 0; k < 2; ++k)
        to[2 * j + k] = static_cast<std::int64_t>(
            start + scaled(word64(blocks.lane[2 * k][j], blocks.lane[2 * k + 1][j]), count));
  });
}

// Fisher & Yates: each place, from the last, trades with one at or before it. One thread: every step needs
// the one before.
void fill_permutation(const Tensor& out, const RandomState& from) {
  std::int64_t* const to = out.data<std::int64_t>();
  Blocks blocks;
  for (std::int64_t i = 0; i < out.numel(); ++i) to[i] = i;
  for (std::int64_t i = 0; i < out.numel() - 1; ++i) {
    const std::int64_t j = i % (2 * batch), last = out.numel() - 1 - i;
    if (j == 0) generate(from.seed, from.counter + static_cast<std::uint64_t>(i / 2), blocks);
    const std::uint64_t word = word64(blocks.lane[2 * (j % 2)][j / 2], blocks.lane[2 * (j % 2) + 1][j / 2]);
    std::swap(to[last], to[scaled(word, static_cast<std::uint64_t>(last) + 1)]);
  }
}

std::uint64_t bernoulli_threshold(double probability) {
  return static_cast<std::uint64_t>(std::nearbyint(probability * 0x1p32));
}

void fill_bernoulli(const Tensor& out, double probability, const RandomState& from) {
  const std::uint64_t threshold = bernoulli_threshold(probability);
  for_batches<bool, 4>(out, from, cheap_grain, [=](const Blocks& blocks, bool* to) {
#pragma omp simd
    for (int j = 0; j < batch; ++j)
      for (int k = 0; k < 4; ++k) to[4 * j + k] = blocks.lane[k][j] < threshold;
  });
}

Tensor dropout(const Tensor& x, double p, const RandomState& from) {
  const Tensor flat = contiguous(x);
  const Tensor y = Tensor::empty(x.shape(), x.dtype(), "dropout");
  const std::uint64_t threshold = bernoulli_threshold(1 - p);
  if (threshold == 0) {
    fill(y, 0);
    return y;
  }
  const auto last = static_cast<std::uint32_t>(threshold - 1);
  dispatch_floating(x.dtype(), "dropout", [&]<class T>() {
    const T* const in = flat.data<T>();
    T* const to = y.data<T>();
    const T scale = static_cast<T>(1 / (1 - p));
    constexpr std::int64_t size = 4 * batch;
    parallel_for(y.numel(), cheap_grain, [&](std::int64_t begin, std::int64_t end) {
      std::uint32_t words[size];
      for (std::int64_t i = begin; i < end; i += size) {
        const std::int64_t count = std::min(size, end - i);
        // The next elements come while numbers are drawn: too long a time for the processor to look ahead.
        prefetch(in + i + size, std::min(size, end - i - size));
        random_words(from, i, count, words);
#pragma omp simd
        for (std::int64_t k = 0; k < count; ++k) {
          const T kept = in[i + k] * scale;  // always computed, so that no branch is left to be guessed wrong
          to[i + k] = words[k] <= last ? kept : T(0);
        }
      }
    });
  });
  return y;
}

void random_words(const RandomState& from, std::int64_t begin, std::int64_t count, std::uint32_t* out) {
  Blocks blocks;
  std::uint32_t words[4 * batch];
  while (count > 0) {
    const std::int64_t skipped = begin % 4, taken = std::min(count, 4 * batch - skipped);
    const auto first = from.counter + static_cast<std::uint64_t>(begin / 4);
    // Short rows need few blocks; whole vectors of them cost no more than parts.
    const int needed = static_cast<int>((skipped + taken + 63) / 64 * 16);
    if (needed == batch)
      generate(from.seed, first, blocks);
    else
      generate(from.seed, first, needed, blocks);
    std::uint32_t* const to = taken == 4 * batch ? out : words;
#pragma omp simd
    for (int j = 0; j < needed; ++j)
      for (int k = 0; k < 4; ++k) to[4 * j + k] = blocks.lane[k][j];
    if (to != out) std::copy_n(words + skipped, taken, out);
    begin += taken;
    count -= taken;
    out += taken;
  }
}

}  // namespace gradus::kernels
