#include <gradus/core/kernels/gemm.h>

#include <cblas.h>
#include <omp.h>
#if defined(__AVX2__)
#include <immintrin.h>
#endif

#include <algorithm>
#include <climits>

#include <gradus/core/check.h>
#include <gradus/core/kernels/blocked.h>

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

#if defined(__AVX2__)

// Products so small that OpenBLAS spends longer on its preparations than on the sums. In f32, in ns:
//                                     here   OpenBLAS's AVX2   OpenBLAS's AVX-512
//   (8,16)(16,16)                       28               115                   40
//   (8,16)(16,16), b transposed         45               130                  120
//   (16,100)(100,16)                   220               610                  240
//   (32,32)(32,32)                     300               680                  270
// Beyond that, and without wide registers, OpenBLAS wins; one vector is well served by its gemv, which takes
// 35 ns at least.
namespace tiny {

constexpr std::int64_t most_products = 32 * 32 * 32, most_products_of_vector = 256, most_depth = 128;
constexpr int width = 16;
// As many rows at once as leave registers for b: 32 of 16 floats, or 16 of 8.
#if defined(__AVX512F__)
constexpr int height = 8;
#else
constexpr int height = 4;
#endif

// `Rows` rows and the first `columns` of W columns of c. a by its strides, b row by row.
template <int Rows, int W>
inline void block(std::int64_t depth, const float* a, std::int64_t a_row, std::int64_t a_column,
                  const float* b, std::int64_t b_row, float* c, std::int64_t c_row, std::int64_t columns,
                  bool add, float scale) {
  float sums[Rows][W] = {};
  for (std::int64_t k = 0; k < depth; ++k) {
    const float* const row = b + k * b_row;
    for (int i = 0; i < Rows; ++i) {
      const float factor = a[i * a_row + k * a_column];
#pragma omp simd
      for (int j = 0; j < W; ++j) sums[i][j] += factor * row[j];
    }
  }
  for (int i = 0; i < Rows; ++i) {
    float* const to = c + i * c_row;
    if (columns == W) {
      if (add) {
#pragma omp simd
        for (int j = 0; j < W; ++j) to[j] += scale * sums[i][j];
      } else {
#pragma omp simd
        for (int j = 0; j < W; ++j) to[j] = scale * sums[i][j];
      }
    } else {
      for (std::int64_t j = 0; j < columns; ++j) to[j] = (add ? to[j] : 0) + scale * sums[i][j];
    }
  }
}

// Columns `column` to `column + columns` of c, at most W.
template <int W>
inline void strip(const Matrix<const float>& a, const float* b, std::int64_t b_row, const Matrix<float>& c,
                  std::int64_t column, std::int64_t columns, bool add, float scale) {
  std::int64_t i = 0;
  const auto run = [&]<int Rows>() {
    for (; i + Rows <= a.rows; i += Rows)
      block<Rows, W>(a.columns, a.data + i * a.row_stride, a.row_stride, a.column_stride, b, b_row,
                     c.data + i * c.row_stride + column, c.row_stride, columns, add, scale);
  };
  run.template operator()<height>();
  run.template operator()<2>();
  run.template operator()<1>();
}

// `columns` columns of b as rows of `width`, the rest of each row zero. Where a column's elements are
// neighbours, as in a transposed b, 4 x 4 of them at a time are turned in registers: compilers make no such
// code of loops, which take half as long again for the whole product.
inline void pack(const Matrix<const float>& b, std::int64_t columns, float* packed) {
  std::int64_t whole_rows = 0, whole_columns = 0;
  if (columns < width) std::fill_n(packed, b.rows * width, 0.0f);
  if (b.row_stride == 1) {
    whole_rows = b.rows & ~3, whole_columns = columns & ~3;
    for (std::int64_t j = 0; j < whole_columns; j += 4)
      for (std::int64_t k = 0; k < whole_rows; k += 4) {
        const float* const from = b.data + k + j * b.column_stride;
        __m128 r0 = _mm_loadu_ps(from), r1 = _mm_loadu_ps(from + b.column_stride);
        __m128 r2 = _mm_loadu_ps(from + 2 * b.column_stride), r3 = _mm_loadu_ps(from + 3 * b.column_stride);
        _MM_TRANSPOSE4_PS(r0, r1, r2, r3);
        float* const to = packed + k * width + j;
        _mm_store_ps(to, r0), _mm_store_ps(to + width, r1);
        _mm_store_ps(to + 2 * width, r2), _mm_store_ps(to + 3 * width, r3);
      }
  }
  const auto copy = [&](std::int64_t first_row, std::int64_t end_row, std::int64_t first_column) {
    for (std::int64_t k = first_row; k < end_row; ++k)
      for (std::int64_t j = first_column; j < columns; ++j)
        packed[k * width + j] = b.data[k * b.row_stride + j * b.column_stride];
  };
  if (whole_columns < columns) copy(0, whole_rows, whole_columns);
  copy(whole_rows, b.rows, 0);
}

inline bool fits(const Matrix<const float>& a, const Matrix<const float>& b) {
  if (a.columns > most_depth) return false;
  const std::int64_t products = a.rows * a.columns * b.columns;
  return products <= (a.rows == 1 || b.columns == 1 ? most_products_of_vector : most_products);
}

inline void gemm(const Matrix<const float>& a, const Matrix<const float>& b, const Matrix<float>& c, bool add,
                 float scale) {
  std::int64_t j = 0;
  const bool in_place = b.column_stride == 1;
  for (; in_place && j + width <= b.columns; j += width)
    strip<width>(a, b.data + j, b.row_stride, c, j, width, add, scale);
  if (b.columns == 1) return strip<1>(a, b.data, b.row_stride, c, 0, 1, add, scale);
  alignas(64) float packed[most_depth * width];
  for (; j < b.columns; j += width) {
    const std::int64_t columns = std::min<std::int64_t>(width, b.columns - j);
    pack(b.from_column(j, columns), columns, packed);
    strip<width>(a, packed, width, c, j, columns, add, scale);
  }
}

}  // namespace tiny

#else

namespace tiny {
constexpr bool fits(const Matrix<const float>&, const Matrix<const float>&) { return false; }
void gemm(const Matrix<const float>&, const Matrix<const float>&, const Matrix<float>&, bool, float) {}
}  // namespace tiny

#endif

template <class T>
void general_gemm(const Matrix<const T>& a, const Matrix<const T>& b, const Matrix<T>& c, bool add, T scale) {
  if (c.rows == 0 || c.columns == 0) return;
  if (a.columns == 0) {
    if (!add) fill_zero(c);
    return;
  }
  const bool thin = is_thin(c.rows, c.columns, a.columns);
  if constexpr (blocked::is_quicker)
    if (!thin && blocked::fits(a, b)) return blocked::gemm(a, b, c, add, scale);
  const OneThread guard;
  if (!thin) return blas_gemm<T>(a, b, c, add, scale);
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
  if (tiny::fits(a, b)) return tiny::gemm(a, b, c, add, scale);
  general_gemm<float>(a, b, c, add, scale);
}

void gemm(const Matrix<const double>& a, const Matrix<const double>& b, const Matrix<double>& c, bool add,
          double scale) {
  general_gemm<double>(a, b, c, add, scale);
}

}  // namespace gradus::kernels
