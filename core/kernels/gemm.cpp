#include <gradus/core/kernels/gemm.h>

#include <cblas.h>
#include <omp.h>

#include <algorithm>
#include <climits>

#include <gradus/core/check.h>
#include <gradus/core/kernels/blocked.h>
#include <gradus/core/kernels/tiny.h>

namespace gradus::kernels {
namespace {

// Keeps the calls of its scope on the calling thread. The OpenMP build of OpenBLAS takes as many
// threads as OpenMP would give this thread, and one inside a parallel region; the count is put back,
// so that loops of the user's own run as they did. (openblas_set_num_threads would change it for good
// there.) The pthread build has a count of its own, which is looked at each time, for whoever else
// uses the library may have changed it.
class OneThread {
 public:
  OneThread() {
    static const bool by_openmp = openblas_get_parallel() == OPENBLAS_OPENMP;
    if (!by_openmp) {
      if (openblas_get_num_threads() != 1) openblas_set_num_threads(1);
    } else if (const int threads = omp_get_max_threads(); threads > 1 && !omp_in_parallel()) {
      count_before_ = threads;
      omp_set_num_threads(1);
    }
  }
  OneThread(const OneThread&) = delete;
  OneThread& operator=(const OneThread&) = delete;
  ~OneThread() {
    if (count_before_ > 1) omp_set_num_threads(count_before_);
  }

 private:
  int count_before_ = 0;
};

blasint blas_int(std::int64_t size) {
  check(size <= INT_MAX, "matmul", "BLAS counts to ", INT_MAX, ", and a size or stride here is ", size,
        ". Split the operands?");
  return static_cast<blasint>(size);
}

bool rows_adjacent(std::int64_t rows, std::int64_t columns, std::int64_t row_stride,
                   std::int64_t column_stride) {
  return (columns <= 1 || column_stride == 1) && (rows <= 1 || row_stride >= columns);
}

// How BLAS is told where a matrix lies: row-major, or the transpose of something row-major.
struct Layout {
  CBLAS_TRANSPOSE transpose;
  blasint leading;
};
template <class T>
Layout layout_of(const Matrix<T>& x) {
  if (rows_adjacent(x.rows, x.columns, x.row_stride, x.column_stride))
    return {CblasNoTrans, blas_int(x.rows > 1 ? x.row_stride : std::max<std::int64_t>(x.columns, 1))};
  return {CblasTrans, blas_int(x.columns > 1 ? x.column_stride : std::max<std::int64_t>(x.rows, 1))};
}

template <class T>
void blas_gemm(const Matrix<const T>& a, const Matrix<const T>& b, const Matrix<T>& c, bool add, T scale) {
  const Layout of_a = layout_of(a), of_b = layout_of(b);
  const blasint m = blas_int(a.rows), n = blas_int(b.columns), k = blas_int(a.columns);
  const blasint to = layout_of(c).leading;
  const T beta = add ? 1 : 0;
  if constexpr (sizeof(T) == sizeof(float))
    cblas_sgemm(CblasRowMajor, of_a.transpose, of_b.transpose, m, n, k, scale, a.data, of_a.leading, b.data,
                of_b.leading, beta, c.data, to);
  else
    cblas_dgemm(CblasRowMajor, of_a.transpose, of_b.transpose, m, n, k, scale, a.data, of_a.leading, b.data,
                of_b.leading, beta, c.data, to);
}

// y += scale a x.   y and x: one column each
template <class T>
void blas_gemv(const Matrix<const T>& a, const Matrix<const T>& x, const Matrix<T>& y, T scale) {
  const Layout of_a = layout_of(a);
  const bool transposed = of_a.transpose == CblasTrans;
  const blasint rows = blas_int(transposed ? a.columns : a.rows),
                columns = blas_int(transposed ? a.rows : a.columns);
  const blasint by_x = blas_int(std::max<std::int64_t>(x.row_stride, 1)), by_y = blas_int(y.row_stride);
  if constexpr (sizeof(T) == sizeof(float))
    cblas_sgemv(CblasRowMajor, of_a.transpose, rows, columns, scale, a.data, of_a.leading, x.data, by_x, 1,
                y.data, by_y);
  else
    cblas_dgemv(CblasRowMajor, of_a.transpose, rows, columns, scale, a.data, of_a.leading, x.data, by_x, 1,
                y.data, by_y);
}

template <class T>
void fill_zero(const Matrix<T>& c) {
  for (std::int64_t i = 0; i < c.rows; ++i)
    for (std::int64_t j = 0; j < c.columns; ++j) c.data[i * c.row_stride + j * c.column_stride] = 0;
}

// c += scale a b where b has few columns.   a: (m, k), b: (k, few)
template <class T>
void add_few_columns(const Matrix<const T>& a, const Matrix<const T>& b, const Matrix<T>& c, T scale) {
  // gemv adds up one number after the other; pieces of this length keep the rounding of long sums down.
  constexpr std::int64_t piece = 2048;
  for (std::int64_t first = 0; first < a.columns; first += piece) {
    const std::int64_t count = std::min(piece, a.columns - first);
    for (std::int64_t j = 0; j < b.columns; ++j)
      blas_gemv<T>(a.from_column(first, count), b.from_row(first, count).from_column(j, 1),
                   c.from_column(j, 1), scale);
  }
}

template <class T>
void general_gemm(const Matrix<const T>& a, const Matrix<const T>& b, const Matrix<T>& c, bool add, T scale) {
  if (c.rows == 0 || c.columns == 0) return;
  if (a.columns == 0) {
    if (!add) fill_zero(c);
    return;
  }
  if (blocked::suits(a, b))
    return blocked::gemm(a, b, c, add ? Start<T>{c.data, c.row_stride} : Start<T>{}, scale);
  const OneThread guard;
  if (!is_thin(c.rows, c.columns, a.columns)) return blas_gemm<T>(a, b, c, add, scale);
  if (!add) fill_zero(c);
  if (c.columns <= c.rows)
    add_few_columns<T>(a, b, c, scale);
  else
    add_few_columns<T>(b.transposed(), a.transposed(), c.transposed(), scale);
}

}  // namespace

bool is_blas_readable(std::int64_t rows, std::int64_t columns, std::int64_t row_stride,
                      std::int64_t column_stride) {
  return rows_adjacent(rows, columns, row_stride, column_stride) ||
         rows_adjacent(columns, rows, column_stride, row_stride);
}

// gemm first brings both sides into an order of its own, which takes longer than a few
// vectors need: against (768, 3072), one takes 95 to 105 us with gemv and 400 to 550 with
// gemm, four take 350 to 410 and 340 to 480.
bool is_thin(std::int64_t m, std::int64_t n, std::int64_t k) {
  const std::int64_t few = std::min(m, n);
  return few == 1 || (few <= 3 && std::max(m, n) * k >= 1 << 18);
}

void gemm(const Matrix<const float>& a, const Matrix<const float>& b, const Matrix<float>& c, bool add,
          float scale) {
  if constexpr (tiny::is_quicker)
    if (tiny::fits(a, b)) return tiny::gemm(a, b, c, add, scale);
  general_gemm<float>(a, b, c, add, scale);
}

void gemm(const Matrix<const double>& a, const Matrix<const double>& b, const Matrix<double>& c, bool add,
          double scale) {
  general_gemm<double>(a, b, c, add, scale);
}

}  // namespace gradus::kernels
