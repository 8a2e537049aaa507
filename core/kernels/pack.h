// One side of a product, brought into the order in which its inner loop reads it.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <type_traits>

namespace gradus::kernels {

#if defined(__AVX512F__)
using Vector = float [[gnu::vector_size(64)]];

// Elements of a, counted from 0, and of b, counted from 16.
template <int... Places>
Vector pick(Vector a, Vector b) {
  return __builtin_shufflevector(a, b, Places...);
}

// 16 lines of 16 neighbours, `line` apart, become 16 lines `apart` from each other, scaled. Compilers make no
// such code of loops, which take four times as long.
inline void transpose_16(const float* from, std::int64_t line, std::int64_t apart, float scale, float* to) {
  Vector in[16], twos[16], fours[16];
  for (int i = 0; i < 16; ++i) {
    std::memcpy(&in[i], from + i * line, sizeof(Vector));
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
      const Vector a = twos[i + half], b = twos[i + half + 2];
      fours[i + 2 * half] = pick<0, 1, 16, 17, 4, 5, 20, 21, 8, 9, 24, 25, 12, 13, 28, 29>(a, b);
      fours[i + 2 * half + 1] = pick<2, 3, 18, 19, 6, 7, 22, 23, 10, 11, 26, 27, 14, 15, 30, 31>(a, b);
    }
  const auto even = pick<0, 1, 2, 3, 8, 9, 10, 11, 16, 17, 18, 19, 24, 25, 26, 27>;
  const auto odd = pick<4, 5, 6, 7, 12, 13, 14, 15, 20, 21, 22, 23, 28, 29, 30, 31>;
  for (int e = 0; e < 4; ++e) {
    const Vector front[] = {even(fours[e], fours[4 + e]), odd(fours[e], fours[4 + e])};
    const Vector back[] = {even(fours[8 + e], fours[12 + e]), odd(fours[8 + e], fours[12 + e])};
    for (int half = 0; half < 2; ++half) {
      const Vector whole[] = {even(front[half], back[half]), odd(front[half], back[half])};
      std::memcpy(to + (e + 4 * half) * apart, &whole[0], sizeof(Vector));
      std::memcpy(to + (e + 4 * half + 8) * apart, &whole[1], sizeof(Vector));
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
  std::int64_t turned_lines = 0, turned_depth = 0;
#if defined(__AVX512F__)
  if constexpr (std::is_same_v<T, float> && Apart % 16 == 0)
    if (step == 1) {
      turned_lines = lines / 16 * 16, turned_depth = depth / 16 * 16;
      for (std::int64_t i = 0; i < turned_lines; i += 16)
        for (std::int64_t k = 0; k < turned_depth; k += 16)
          transpose_16(from + i * line + k, line, Apart, scale,
                       to + i / Apart * group + k * Apart + i % Apart);
    }
#endif
  for (std::int64_t i = 0; i < lines; ++i)
    for (std::int64_t k = i < turned_lines ? turned_depth : 0; k < depth; ++k)
      to[i / Apart * group + k * Apart + i % Apart] = scale * from[i * line + k * step];
}

}  // namespace gradus::kernels
