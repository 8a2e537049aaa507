// The cells of recurrent networks on `count` adjacent units of one row: what happens at a step between its
// products. Gates lie `apart` elements from each other.
#pragma once

#include <cstdint>

#include <gradus/core/kernels/vector_math.h>

namespace gradus::kernels {

template <class T>
struct CellForward {
  std::int64_t count, apart;
  const T *product, *bias;  // W_hh h_before, a gate every `product_apart` elements; of the GRU, b_hn
  std::int64_t product_apart;
  T* gates;  // W_ih x and the other biases come in, the gates' values go out
  const T *h_before, *c_before;
  T *h, *c, *candidate;
};

template <class T>
struct CellBackward {
  std::int64_t count, apart;
  const T *gates, *candidate, *h_before, *h, *c_before, *c;
  const T* dh;     // all of it
  T* dc;           // that of c comes in, that of c_before goes out
  T* dh_direct;    // what reaches h_before past the product
  T* dproduct;     // the gradients of the product's gates
  T* dprojection;  // those of W_ih x's, where they are others
};

// h = f(a),   a = W_ih x + b_ih + W_hh h_before + b_hh
template <bool rectified>
struct PlainCell {
  static constexpr int gates = 1;

  template <class T>
  static void forward(const CellForward<T>& at) {
    const T *const product = at.product, *const projection = at.gates;
    T* const h = at.h;
#pragma omp simd
    for (std::int64_t j = 0; j < at.count; ++j) {
      const T a = projection[j] + product[j];
      h[j] = rectified ? (a < 0 ? T(0) : a) : vector_math::tanh(a);  // NaN stays NaN
    }
  }

  template <class T>
  static void backward(const CellBackward<T>& at) {
    const T *const h = at.h, *const dh = at.dh;
    T *const da = at.dproduct, *const direct = at.dh_direct;
#pragma omp simd
    for (std::int64_t j = 0; j < at.count; ++j) {
      da[j] = rectified ? (h[j] > 0 ? dh[j] : T(0)) : dh[j] * (1 - h[j] * h[j]);
      direct[j] = 0;
    }
  }
};

// i, f, o = sigmoid(a_i, a_f, a_o), g = tanh(a_g);   c = f c_before + i g,   h = o tanh(c)
struct LstmCell {
  static constexpr int gates = 4;

  template <class T>
  static void forward(const CellForward<T>& at) {
    const T *const pi = at.product, *const pf = pi + at.product_apart, *const pg = pf + at.product_apart,
                   *const po = pg + at.product_apart, *const c_before = at.c_before;
    T *const i = at.gates, *const f = i + at.apart, *const g = f + at.apart, *const o = g + at.apart,
             *const c = at.c, *const h = at.h;
#pragma omp simd
    for (std::int64_t j = 0; j < at.count; ++j) {
      i[j] = vector_math::sigmoid(i[j] + pi[j]);
      f[j] = vector_math::sigmoid(f[j] + pf[j]);
      g[j] = vector_math::tanh(g[j] + pg[j]);
      o[j] = vector_math::sigmoid(o[j] + po[j]);
      c[j] = f[j] * c_before[j] + i[j] * g[j];
      h[j] = o[j] * vector_math::tanh(c[j]);
    }
  }

  template <class T>
  static void backward(const CellBackward<T>& at) {
    const T *const i = at.gates, *const f = i + at.apart, *const g = f + at.apart, *const o = g + at.apart,
                   *const c = at.c, *const c_before = at.c_before, *const dh = at.dh;
    T *const di = at.dproduct, *const df = di + at.apart, *const dg = df + at.apart,
             *const d_o = dg + at.apart, *const dc = at.dc, *const direct = at.dh_direct;
#pragma omp simd
    for (std::int64_t j = 0; j < at.count; ++j) {
      const T y = vector_math::tanh(c[j]);
      const T dcj = dc[j] + dh[j] * o[j] * (1 - y * y);
      di[j] = dcj * g[j] * i[j] * (1 - i[j]);
      df[j] = dcj * c_before[j] * f[j] * (1 - f[j]);
      dg[j] = dcj * i[j] * (1 - g[j] * g[j]);
      d_o[j] = dh[j] * y * o[j] * (1 - o[j]);
      dc[j] = dcj * f[j];
      direct[j] = 0;
    }
  }
};

// r, z = sigmoid(a_r, a_z),   n = tanh(W_in x + b_in + r q) with q = W_hn h_before + b_hn
// h = (1 - z) n + z h_before
struct GruCell {
  static constexpr int gates = 3;

  template <class T>
  static void forward(const CellForward<T>& at) {
    const T *const pr = at.product, *const pz = pr + at.product_apart, *const pn = pz + at.product_apart,
                   *const bias = at.bias, *const h_before = at.h_before;
    T *const r = at.gates, *const z = r + at.apart, *const n = z + at.apart, *const q = at.candidate,
             *const h = at.h;
#pragma omp simd
    for (std::int64_t j = 0; j < at.count; ++j) {
      r[j] = vector_math::sigmoid(r[j] + pr[j]);
      z[j] = vector_math::sigmoid(z[j] + pz[j]);
      q[j] = pn[j] + bias[j];
      n[j] = vector_math::tanh(n[j] + r[j] * q[j]);
      h[j] = n[j] + z[j] * (h_before[j] - n[j]);
    }
  }

  template <class T>
  static void backward(const CellBackward<T>& at) {
    const T *const r = at.gates, *const z = r + at.apart, *const n = z + at.apart, *const q = at.candidate,
                   *const h_before = at.h_before, *const dh = at.dh;
    T *const dr = at.dproduct, *const dz = dr + at.apart, *const dq = dz + at.apart,
             *const xr = at.dprojection, *const xz = xr + at.apart, *const dn = xz + at.apart,
             *const direct = at.dh_direct;
#pragma omp simd
    for (std::int64_t j = 0; j < at.count; ++j) {
      dn[j] = dh[j] * (1 - z[j]) * (1 - n[j] * n[j]);
      dq[j] = dn[j] * r[j];
      dr[j] = xr[j] = dn[j] * q[j] * r[j] * (1 - r[j]);
      dz[j] = xz[j] = dh[j] * (h_before[j] - n[j]) * z[j] * (1 - z[j]);
      direct[j] = dh[j] * z[j];
    }
  }
};

}  // namespace gradus::kernels
