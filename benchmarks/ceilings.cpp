#include "ceilings.h"

#include <cblas.h>
#include <unistd.h>

#include <cstdlib>

#include <gradus/core/create.h>

namespace gradus::bench {
namespace {

class BlasThreads {
 public:
  explicit BlasThreads(int count) : before_(openblas_get_num_threads()) { openblas_set_num_threads(count); }
  ~BlasThreads() { openblas_set_num_threads(before_); }
  BlasThreads(const BlasThreads&) = delete;
  BlasThreads& operator=(const BlasThreads&) = delete;

 private:
  int before_;
};

void multiply(const Product& p, const float* a, const float* b, float* c) {
  const auto m = static_cast<blasint>(p.m), n = static_cast<blasint>(p.n), k = static_cast<blasint>(p.k);
  cblas_sgemm(CblasRowMajor, p.a_transposed ? CblasTrans : CblasNoTrans,
              p.b_transposed ? CblasTrans : CblasNoTrans, m, n, k, 1, a, p.a_transposed ? m : k, b,
              p.b_transposed ? k : n, 0, c, n);
}

}  // namespace

std::string blas_description() {
  const char* const builds[] = {"sequential", "pthread", "OpenMP"};
  return std::string(openblas_get_config()) + " (" + builds[openblas_get_parallel()] + " build)";
}

Work sgemm(const Product& product, int threads) {
  return [product, threads, a = randn({product.m, product.k}), b = randn({product.k, product.n}),
          c = zeros({product.m, product.n})] {
    const BlasThreads own(threads);
    multiply(product, a.data<float>(), b.data<float>(), c.data<float>());
  };
}

void restart_with_drowsy_blas(char** words) {
  if (openblas_get_parallel() != OPENBLAS_THREAD || std::getenv("OPENBLAS_THREAD_TIMEOUT") != nullptr) return;
  setenv("OPENBLAS_THREAD_TIMEOUT", "20", 1);
  execv("/proc/self/exe", words);
}

double pause_for_blas(int threads) {
  return threads > 1 && openblas_get_parallel() == OPENBLAS_THREAD ? 0.015 : 0;
}

Work sgemm_64(int threads) {
  const std::int64_t side = 64, each = side * side;
  return [=, data = randn({threads, 3 * each})] {
    const BlasThreads one(1);
    float* const first = data.data<float>();
#pragma omp parallel for num_threads(threads) schedule(static, 1)
    for (int thread = 0; thread < threads; ++thread) {
      float* const a = first + 3 * each * thread;
      for (int i = 0; i < small_products; ++i) multiply({side, side, side}, a, a + each, a + 2 * each);
    }
  };
}

Work read_memory(double bytes, int threads) {
  const auto count = static_cast<std::int64_t>(bytes / sizeof(float));
  return [=, memory = ones({count}), sum = zeros({1})] {
    const float* const x = memory.data<float>();
    float total = 0;
#pragma omp parallel for simd num_threads(threads) schedule(static) reduction(+ : total)
    for (std::int64_t i = 0; i < count; ++i) total += x[i];
    *sum.data<float>() = total;
  };
}

Work triad(double bytes, int threads) {
  const auto count = static_cast<std::int64_t>(bytes / 12);
  return [=, first = zeros({count}), b = ones({count}), c = ones({count})] {
    float* const to = first.data<float>();
    const float *const x = b.data<float>(), *const y = c.data<float>();
    const float factor = 0.5f;
#pragma omp parallel for simd num_threads(threads) schedule(static)
    for (std::int64_t i = 0; i < count; ++i) to[i] = x[i] + factor * y[i];
  };
}

}  // namespace gradus::bench
