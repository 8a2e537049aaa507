#include <gradus/core/kernels/optimise.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include <gradus/core/kernels/copy.h>
#include <gradus/core/kernels/map.h>
#include <gradus/core/kernels/row.h>

namespace gradus::kernels {
namespace {

// f by value: what it holds then stays in registers, whatever is written to memory.
template <class T, class F, class... Memory>
[[gnu::flatten]] inline void flat_update(std::int64_t count, const F f, T* w, const T* g, Memory*... memory) {
#pragma omp simd
  for (std::int64_t i = 0; i < count; ++i) f(w[i], g[i], memory[i]...);
}

// Elements [begin, end) of one weight. Where its memory is not in one piece, a function of its own does it.
template <class T, class F, std::size_t... K>
[[gnu::noinline]] void strided_update(const Update& u, std::int64_t begin, std::int64_t end, const F f,
                                      std::index_sequence<K...>) {
  T* const w = u.w->data<T>();
  const T* const g = u.g->data<T>();
  const std::array<T*, sizeof...(K)> memory{u.memory[K]->template data<T>()...};
  const StridedLoop<sizeof...(K) + 2> loop(u.w->shape(),
                                           {&u.w->strides(), &u.g->strides(), &u.memory[K]->strides()...});
  loop.run(begin, end, [&](const auto& at, const auto& by, std::int64_t count) {
    for (std::int64_t i = 0; i < count; ++i)
      f(w[at[0] + i * by[0]], g[at[1] + i * by[1]], memory[K][at[K + 2] + i * by[K + 2]]...);
  });
}
template <class T, class F, std::size_t... K>
void update_stretch(const Update& u, std::int64_t begin, std::int64_t end, const F& f,
                    std::index_sequence<K...> each) {
  if (u.w->is_contiguous() && u.g->is_contiguous() && (u.memory[K]->is_contiguous() && ...))
    flat_update(end - begin, f, u.w->data<T>() + begin, static_cast<const T*>(u.g->data<T>() + begin),
                u.memory[K]->template data<T>() + begin...);
  else
    strided_update<T>(u, begin, end, f, each);
}

// rule.operator()<T>(update) gives what is done to one element, f(w, g, memory...). The elements of all
// weights together are cut into equal chunks: many small weights and few large ones load the threads alike.
template <int memories, class Rule>
void update_all(std::span<Update> updates, const char* op, const Rule& rule) {
  if (updates.empty()) return;
  std::int64_t total = 0;
  for (Update& u : updates) u.end = total += u.w->numel();
  dispatch_floating(updates[0].w->dtype(), op, [&]<class T>() {
    parallel_for(total, costly_grain, [&](std::int64_t begin, std::int64_t end) {
      auto u = std::upper_bound(updates.begin(), updates.end(), begin,
                                [](std::int64_t i, const Update& one) { return i < one.end; });
      for (; begin < end; begin = u->end, ++u) {
        const std::int64_t first = u->end - u->w->numel();
        update_stretch<T>(*u, begin - first, std::min(end, u->end) - first, rule.template operator()<T>(*u),
                          std::make_index_sequence<memories>{});
      }
    });
  });
}

}  // namespace

void sgd(std::span<Update> updates) {
  update_all<0>(updates, "sgd", []<class T>(const Update& u) {
    const T lr = static_cast<T>(u.lr), decay = static_cast<T>(u.weight_decay);
    return [=](T& w, T g) { w -= lr * (g + decay * w); };
  });
}

void sgd_momentum(std::span<Update> updates, double momentum, bool nesterov) {
  update_all<1>(updates, "sgd", [=]<class T>(const Update& u) {
    const T lr = static_cast<T>(u.lr), decay = static_cast<T>(u.weight_decay);
    const T mu = static_cast<T>(momentum);
    // Both forms in one: the step is ahead * g + along * b.
    const T ahead = nesterov ? T(1) : T(0), along = nesterov ? mu : T(1);
    return [=](T& w, T g, T& b) {
      g += decay * w;
      b = mu * b + g;
      w -= lr * (ahead * g + along * b);
    };
  });
}

void adagrad(std::span<Update> updates, double eps) {
  update_all<1>(updates, "adagrad", [=]<class T>(const Update& u) {
    const T lr = static_cast<T>(u.lr), decay = static_cast<T>(u.weight_decay), e = static_cast<T>(eps);
    return [=](T& w, T g, T& s) {
      g += decay * w;
      s += g * g;
      w -= lr * g / (std::sqrt(s) + e);
    };
  });
}

void rmsprop(std::span<Update> updates, double alpha, double eps) {
  update_all<1>(updates, "rmsprop", [=]<class T>(const Update& u) {
    const T lr = static_cast<T>(u.lr), decay = static_cast<T>(u.weight_decay), e = static_cast<T>(eps);
    const T a = static_cast<T>(alpha), one_less_a = static_cast<T>(1 - alpha);
    return [=](T& w, T g, T& v) {
      g += decay * w;
      v = a * v + one_less_a * g * g;
      w -= lr * g / (std::sqrt(v) + e);
    };
  });
}

namespace {

// 1 - beta^t. Since beta^t <= e^(-t (1 - beta)), it rounds to 1 from an exponent of -40 on; small networks
// take so many steps that the power is worth sparing.
double bias_correction(double beta, double t) { return t * (1 - beta) > 40 ? 1 : 1 - std::pow(beta, t); }

}  // namespace

// The bias corrections are folded into two numbers, so that they cost nothing for an element. With
// r = sqrt(1 - beta2^t):   lr m' / (sqrt(v') + eps) = (lr r / (1 - beta1^t)) m / (sqrt(v) + r eps)
void adam(std::span<Update> updates, double beta1, double beta2, double eps, bool decoupled) {
  std::int64_t steps = 0;
  double correction = 0, root = 0;
  for (Update& u : updates) {
    if (std::exchange(steps, u.steps) != u.steps) {  // mostly the same for all weights
      const auto t = static_cast<double>(u.steps);
      correction = bias_correction(beta1, t);
      root = std::sqrt(bias_correction(beta2, t));
    }
    u.rate = u.lr * root / correction;
    u.eps = eps * root;
  }
  update_all<2>(updates, "adam", [=]<class T>(const Update& u) {
    const T b1 = static_cast<T>(beta1), one_less_b1 = static_cast<T>(1 - beta1);
    const T b2 = static_cast<T>(beta2), one_less_b2 = static_cast<T>(1 - beta2);
    const T rate = static_cast<T>(u.rate), e = static_cast<T>(u.eps);
    const T decay = decoupled ? T(0) : static_cast<T>(u.weight_decay);
    const T keep = decoupled ? static_cast<T>(1 - u.lr * u.weight_decay) : T(1);
    return [=](T& w, T g, T& m, T& v) {
      g += decay * w;
      m = b1 * m + one_less_b1 * g;
      v = b2 * v + one_less_b2 * g * g;
      w = keep * w - rate * m / (std::sqrt(v) + e);
    };
  });
}

void average(std::span<Update> updates, double decay) {
  update_all<0>(updates, "average", [=]<class T>(const Update&) {
    const T part = static_cast<T>(1 - decay);
    return [=](T& w, T g) { w += part * (g - w); };
  });
}

void exchange(std::span<Update> updates) {
  update_all<1>(updates, "exchange", []<class T>(const Update&) {
    return [](T& w, T, T& other) {
      const T before = w;
      w = other;
      other = before;
    };
  });
}

double sum_of_squares(const Tensor& x) {
  return dispatch_floating(x.dtype(), "sum_of_squares", [&]<class T>() {
    const Tensor flat = contiguous(x);
    return sum_of_chunks(x.numel(), [from = flat.data<T>()](std::int64_t begin, std::int64_t end) {
      return row_sum<double>(begin, end, [from](std::int64_t i) {
        return static_cast<double>(from[i]) * static_cast<double>(from[i]);
      });
    });
  });
}

}  // namespace gradus::kernels
