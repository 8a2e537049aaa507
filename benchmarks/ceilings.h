// The machine's own rates: what no kernel of ours can be expected to pass.
#pragma once

#include <cstdint>
#include <string>

#include <gradus/core/tensor.h>

#include "measure.h"

namespace gradus::bench {

// "OpenBLAS 0.3.21 ... SkylakeX, pthread build".
std::string blas_description();

// C = op(A) op(B), row-major and contiguous: op(A) is (m, k), op(B) is (k, n). A direct call of cblas_sgemm
// with `threads` threads of OpenBLAS's own; the count that the library has set is put back afterwards.
struct Product {
  std::int64_t m, k, n;
  bool a_transposed = false, b_transposed = false;
  double flops() const {
    return 2.0 * static_cast<double>(m) * static_cast<double>(k) * static_cast<double>(n);
  }
};
Work sgemm(const Product& product, int threads);

// OpenBLAS's pthread build keeps its threads awake for 2^28 cycles after a product, 0.1 s, and each takes a
// core from whatever runs next. It reads how long from the environment when it is loaded; so this starts the
// program again, once, with 2^20, which still spans the gap between two products of one turn.
void restart_with_drowsy_blas(char** words);

// The pause between turns of which one is sgemm's (see Turns), long enough for its threads and OpenMP's to
// fall asleep.
double pause_for_blas(int threads);

// Products of 64 x 64 matrices that stay in each core's own cache, one single-threaded cblas_sgemm after the
// other on each of `threads` threads. FLOPs of one call: 2 * 64^3 * threads * small_products.
inline constexpr int small_products = 64;
Work sgemm_64(int threads);

// Reads `bytes` that no cache holds.
Work read_memory(double bytes, int threads);

// a[i] = b[i] + s * c[i] over three arrays that hold `bytes` together: all of them are moved once by a call.
Work triad(double bytes, int threads);

}  // namespace gradus::bench
