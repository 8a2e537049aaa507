// Products of any size by Panel's loop, on the calling thread. In GFLOP/s on one core of a Zen 5, which
// OpenBLAS 0.3.21 does not know to have AVX-512 (./gradus bench ops --filter matmul):
//
//                            here   OpenBLAS
//   (512,512)(512,512)        240        120
//   (700,256)(256,2000)       240        120
//   (768,128)(128,65)         160        108
#pragma once

#include <cstdint>

#include <gradus/core/kernels/gemm.h>
#include <gradus/core/kernels/panel.h>

namespace gradus::kernels::blocked {

// With narrower vectors an OpenBLAS of any age knows the processor, and does as well.
#if defined(__AVX512F__)
inline constexpr bool is_quicker = true;
#else
inline constexpr bool is_quicker = false;
#endif

template <class T>
bool suits(const Matrix<const T>& a, const Matrix<const T>& b) {
  return is_quicker && b.columns >= Panel<T>::width / 2 && a.columns >= 8 &&
         !is_thin(a.rows, b.columns, a.columns);
}

// What is brought into order of b at a time: so deep that a panel is read from the first-level cache or close
// to it while the rows of a pass by, and so wide that two such parts stay in the second: the next one is
// fetched while the first is multiplied.
template <class T>
inline constexpr std::int64_t most_depth = 1536 / sizeof(T);
template <class T>
inline constexpr std::int64_t most_columns = 1024 / sizeof(T);

// c = start + a b, where b is as deep as a is wide, most_depth at most. It stands in panels that are
// panel_depth deep; next_b is what will be packed after it.
template <class T>
void multiply(const Matrix<const T>& a, const T* packed_b, std::int64_t panel_depth, const Matrix<T>& c,
              Start<T> start, const Matrix<const T>& next_b);

// c = start + scale a b. Depth is cut at fixed places, and neither rows nor columns touch each other: the
// bits of an element are the same in whatever tile of the product it is computed.
template <class T>
void gemm(const Matrix<const T>& a, const Matrix<const T>& b, const Matrix<T>& c, Start<T> start, T scale);

}  // namespace gradus::kernels::blocked
