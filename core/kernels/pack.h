// One side of a product, brought into the order in which its inner loop reads it.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <type_traits>
#if defined(__AVX512F__)
#include <immintrin.h>
#endif

namespace gradus::kernels {

// 16 numbers that are computed with side by side: in one register, or in two or four.
using Floats = float __attribute__((vector_size(64)));
inline constexpr std::int64_t width_of_floats = 16;

// The first `count` of 16 numbers in memory, with zeros behind them; and back.
[[gnu::always_inline]] inline void load(const float* from, std::int64_t count, Floats& x) {
#if defined(__AVX512F__)
  x = (Floats)_mm512_maskz_loadu_ps(static_cast<__mmask16>((1u << count) - 1), from);
#else
  x = Floats{};
  std::memcpy(&x, from, static_cast<std::size_t>(count) * sizeof(float));
#endif
}
[[gnu::always_inline]] inline void store(const Floats& x, std::int64_t count, float* to) {
#if defined(__AVX512F__)
  _mm512_mask_storeu_ps(to, static_cast<__mmask16>((1u << count) - 1), (__m512)x);
#else
  std::memcpy(to, &x, static_cast<std::size_t>(count) * sizeof(float));
#endif
}

#if defined(__AVX512F__)
// Elements of a, counted from 0, and of b, counted from 16.
template <int... Places>
Floats pick(Floats a, Floats b) {
  return __builtin_shufflevector(a, b, Places...);
}

// At most 16 lines of at most 16 neighbours, `line` apart, become as many lines `apart` from each other as
// they were deep, scaled, each with zeros behind. Compilers make no such code of loops, which take four times
// as long.
inline void transpose_16(const float* from, std::int64_t line, std::int64_t lines, std::int64_t depth,
                         std::int64_t apart, float scale, float* to) {
  Floats in[16] = {}, twos[16], fours[16];
  for (std::int64_t i = 0; i < lines; ++i) {
    load(from + i * line, depth, in[i]);
    in[i] *= scale;
  }
  // Two lines by turns, then four: fours[4 g + e] has of the lines 4 g to 4 g + 3 their elements e, 4 + e,
  // 8 + e and 12 + e.
  for (int i = 0; i < 16; i += 2) {
    twos[i] = pick<0, 16, 1, 17, 4, 20, 5, 21, 8, 24, 9, 25, 12, 28, 13, 29>(in[i], in[i + 1]);
    twos[i + 1] = pick<2, 18, 3, 19, 6, 22, 7, 23, 10, 26, 11, 27, 14, 30, 15, 31>(in[i], in[i + 1]);
  }
  for (int i = 0; i < 16; i += 4)
    for (int half = 0; half < 2; ++half) {
      const Floats a = twos[i + half], b = twos[i + half + 2];
      fours[i + 2 * half] = pick<0, 1, 16, 17, 4, 5, 20, 21, 8, 9, 24, 25, 12, 13, 28, 29>(a, b);
      fours[i + 2 * half + 1] = pick<2, 3, 18, 19, 6, 7, 22, 23, 10, 11, 26, 27, 14, 15, 30, 31>(a, b);
    }
  const auto even = pick<0, 1, 2, 3, 8, 9, 10, 11, 16, 17, 18, 19, 24, 25, 26, 27>;
  const auto odd = pick<4, 5, 6, 7, 12, 13, 14, 15, 20, 21, 22, 23, 28, 29, 30, 31>;
  for (int e = 0; e < 4; ++e) {
    const Floats front[] = {even(fours[e], fours[4 + e]), odd(fours[e], fours[4 + e])};
    const Floats back[] = {even(fours[8 + e], fours[12 + e]), odd(fours[8 + e], fours[12 + e])};
    for (int half = 0; half < 2; ++half) {
      const int k = e + 4 * half;
      if (k < depth) store(even(front[half], back[half]), 16, to + k * apart);
      if (k + 8 < depth) store(odd(front[half], back[half]), 16, to + (k + 8) * apart);
    }
  }
}
#endif

// Lines, rows of a or columns of b, in groups of `Apart`, the last filled up with zeros. Line i has its
// elements at from[i line + k step], and element k of a group's lines comes to lie side by side:
//   to[group][k][i] = scale from[(group Apart + i) line + k step]
template <std::int64_t Apart, class T>
void pack(const T* from, std::int64_t line, std::int64_t step, std::int64_t lines, std::int64_t depth,
          T scale, T* to) {
  const std::int64_t whole = lines / Apart, rest = lines % Apart, group = depth * Apart;
  if (rest > 0) std::fill_n(to + whole * group, group, T(0));
  if (line == 1) {  // in the order in which they lie in memory
    for (std::int64_t k = 0; k < depth; ++k) {
      const T* const row = from + k * step;
      for (std::int64_t g = 0; g < whole; ++g) {
#pragma omp simd
        for (std::int64_t i = 0; i < Apart; ++i) to[g * group + k * Apart + i] = scale * row[g * Apart + i];
      }
      for (std::int64_t i = 0; i < rest; ++i)
        to[whole * group + k * Apart + i] = scale * row[whole * Apart + i];
    }
    return;
  }
#if defined(__AVX512F__)
  if constexpr (std::is_same_v<T, float> && Apart % 16 == 0)
    if (step == 1) {
      for (std::int64_t i = 0; i < lines; i += 16)
        for (std::int64_t k = 0; k < depth; k += 16)
          transpose_16(from + i * line + k, line, std::min<std::int64_t>(16, lines - i),
                       std::min<std::int64_t>(16, depth - k), Apart, scale,
                       to + i / Apart * group + k * Apart + i % Apart);
      return;
    }
#endif
  for (std::int64_t i = 0; i < lines; ++i)
    for (std::int64_t k = 0; k < depth; ++k)
      to[i / Apart * group + k * Apart + i % Apart] = scale * from[i * line + k * step];
}

}  // namespace gradus::kernels
