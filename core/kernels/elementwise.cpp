#include <gradus/core/kernels/elementwise.h>

#include <cmath>
#include <utility>

#include <gradus/core/kernels/copy.h>
#include <gradus/core/kernels/map.h>
#include <gradus/core/kernels/vector_math.h>

namespace gradus::kernels {
namespace {

namespace vm = vector_math;

constexpr auto plus = [](auto a, auto b) { return a + b; };
constexpr auto minus = [](auto a, auto b) { return a - b; };
constexpr auto times = [](auto a, auto b) { return a * b; };
constexpr auto over = [](auto a, auto b) { return a / b; };
constexpr auto power = [](auto a, auto b) { return std::pow(a, b); };
// A comparison with NaN is false, so the NaN is taken from whichever side has it.
constexpr auto larger = [](auto a, auto b) { return a > b || a != a ? a : b; };
constexpr auto smaller = [](auto a, auto b) { return a < b || a != a ? a : b; };

template <class F>
Tensor zip_numeric(const char* op, const Tensor& a, const Tensor& b, F f) {
  return dispatch_numeric(a.dtype(), op, [&]<class T>() { return map<T, T, T>(f, cheap_grain, {&a, &b}); });
}
template <class F>
Tensor zip_floating(const char* op, std::int64_t grain, const Tensor& a, const Tensor& b, F f) {
  return dispatch_floating(a.dtype(), op, [&]<class T>() { return map<T, T, T>(f, grain, {&a, &b}); });
}
// f(dy, x), written over dy where nobody else sees that: it is read here for the last time, and lies in the
// cache.
template <class F>
Tensor zip_over(const char* op, std::int64_t grain, Tensor dy, const Tensor& any_x, F f) {
  const bool is_spent = dy.is_sole_owner() && dy.is_contiguous() && !dy.requires_grad();
  Tensor out = is_spent ? std::move(dy) : clone(dy);
  const Tensor x = contiguous(any_x);
  dispatch_floating(out.dtype(), op, [&]<class T>() {
    T* const to = out.data<T>();
    const T* const from = x.data<T>();
    parallel_for(out.numel(), grain, [=](std::int64_t begin, std::int64_t end) {
      detail::flat_loop(end - begin, f, to + begin, detail::neighbours<T>(to + begin), from + begin);
    });
  });
  return out;
}
template <class F>
Tensor map_numeric(const char* op, const Tensor& x, F f) {
  return dispatch_numeric(x.dtype(), op, [&]<class T>() { return map<T, T>(f, cheap_grain, {&x}); });
}
template <class F>
Tensor map_floating(const char* op, std::int64_t grain, const Tensor& x, F f) {
  return dispatch_floating(x.dtype(), op, [&]<class T>() { return map<T, T>(f, grain, {&x}); });
}
// f with one side bound to a number of the other side's type.
template <class F>
Tensor map_left(const char* op, const Tensor& a, double b, F f) {
  return dispatch_numeric(a.dtype(), op, [&]<class T>() {
    return map<T, T>([f, y = static_cast<T>(b)](T x) { return static_cast<T>(f(x, y)); }, cheap_grain, {&a});
  });
}
template <class F>
Tensor map_right(const char* op, double a, const Tensor& b, F f) {
  return dispatch_numeric(b.dtype(), op, [&]<class T>() {
    return map<T, T>([f, x = static_cast<T>(a)](T y) { return static_cast<T>(f(x, y)); }, cheap_grain, {&b});
  });
}
template <class F>
Tensor compare(const Tensor& a, const Tensor& b, F f) {
  return dispatch_all(a.dtype(), [&]<class T>() { return map<bool, T, T>(f, cheap_grain, {&a, &b}); });
}
template <class F>
void zip_into(const char* op, const Tensor& a, const Tensor& b, F f) {
  dispatch_numeric(a.dtype(), op, [&]<class T>() { map_into<T, T, T>(f, a, cheap_grain, {&a, &b}); });
}

}  // namespace

Tensor add(const Tensor& a, const Tensor& b) { return zip_numeric("add", a, b, plus); }
Tensor sub(const Tensor& a, const Tensor& b) { return zip_numeric("sub", a, b, minus); }
Tensor mul(const Tensor& a, const Tensor& b) { return zip_numeric("mul", a, b, times); }
Tensor div(const Tensor& a, const Tensor& b) { return zip_numeric("div", a, b, over); }
Tensor pow(const Tensor& a, const Tensor& b) { return zip_floating("pow", costly_grain, a, b, power); }
Tensor maximum(const Tensor& a, const Tensor& b) { return zip_numeric("maximum", a, b, larger); }
Tensor minimum(const Tensor& a, const Tensor& b) { return zip_numeric("minimum", a, b, smaller); }

Tensor add(const Tensor& a, double b) { return map_left("add", a, b, plus); }
Tensor sub(double a, const Tensor& b) { return map_right("sub", a, b, minus); }
Tensor mul(const Tensor& a, double b) { return map_left("mul", a, b, times); }
Tensor div(const Tensor& a, double b) { return map_left("div", a, b, over); }
Tensor div(double a, const Tensor& b) { return map_right("div", a, b, over); }
Tensor pow(const Tensor& a, double b) { return map_left("pow", a, b, power); }

Tensor clamp(const Tensor& x, double low, double high) {
  return dispatch_numeric(x.dtype(), "clamp", [&]<class T>() {
    // Limits past what T holds, as infinity is for i64, do not limit.
    const auto limit = [](double number) {
      if constexpr (std::is_integral_v<T>) {
        if (number >= 0x1p63) return std::numeric_limits<T>::max();
        if (number <= -0x1p63) return std::numeric_limits<T>::min();
      }
      return static_cast<T>(number);
    };
    return map<T, T>([from = limit(low), to = limit(high)](T v) { return v < from ? from
                                                                         : v > to ? to
                                                                                  : v; },
                     cheap_grain, {&x});
  });
}

Tensor neg(const Tensor& x) {
  return map_numeric("neg", x, [](auto v) { return -v; });
}
Tensor abs(const Tensor& x) {
  return map_numeric("abs", x, [](auto v) { return std::abs(v); });
}
Tensor sign(const Tensor& x) {
  return map_numeric("sign", x,
                     [](auto v) { return v != v ? v : static_cast<decltype(v)>((v > 0) - (v < 0)); });
}
Tensor square(const Tensor& x) {
  return map_numeric("square", x, [](auto v) { return v * v; });
}
Tensor sqrt(const Tensor& x) {
  return map_floating("sqrt", cheap_grain, x, [](auto v) { return std::sqrt(v); });
}
Tensor exp(const Tensor& x) {
  return map_floating("exp", costly_grain, x, [](auto v) { return vm::exp(v); });
}
Tensor expm1(const Tensor& x) {
  return map_floating("expm1", costly_grain, x, [](auto v) { return vm::expm1(v); });
}
Tensor log(const Tensor& x) {
  return map_floating("log", costly_grain, x, [](auto v) { return vm::log(v); });
}
Tensor log1p(const Tensor& x) {
  return map_floating("log1p", costly_grain, x, [](auto v) { return vm::log1p(v); });
}
Tensor sin(const Tensor& x) {
  return map_floating("sin", costly_grain, x, [](auto v) { return vm::sin(v); });
}
Tensor cos(const Tensor& x) {
  return map_floating("cos", costly_grain, x, [](auto v) { return vm::cos(v); });
}
Tensor tanh(const Tensor& x) {
  return map_floating("tanh", costly_grain, x, [](auto v) { return vm::tanh(v); });
}
Tensor erf(const Tensor& x) {
  return map_floating("erf", costly_grain, x, [](auto v) { return vm::erf(v); });
}
Tensor sigmoid(const Tensor& x) {
  return map_floating("sigmoid", costly_grain, x, [](auto v) { return vm::sigmoid(v); });
}
Tensor relu(const Tensor& x) {
  return map_numeric("relu", x, [](auto v) { return v < 0 ? decltype(v)(0) : v; });  // NaN stays NaN
}
Tensor leaky_relu(const Tensor& x, double slope) {
  return map_left("leaky_relu", x, slope, [](auto v, auto by) { return v < 0 ? v * by : v; });
}
Tensor gelu(const Tensor& x) {
  return map_floating("gelu", costly_grain, x, [](auto v) { return vm::gelu(v); });
}
Tensor gelu_tanh(const Tensor& x) {
  return map_floating("gelu_tanh", costly_grain, x, [](auto v) { return vm::gelu_tanh(v); });
}
Tensor silu(const Tensor& x) {
  return map_floating("silu", costly_grain, x, [](auto v) { return v * vm::sigmoid(v); });
}
Tensor softplus(const Tensor& x) {
  return map_floating("softplus", costly_grain, x, [](auto v) { return vm::softplus(v); });
}

Tensor tanh_grad(const Tensor& dy, const Tensor& y) {
  return zip_floating("tanh_grad", cheap_grain, dy, y, [](auto d, auto v) { return d * (1 - v * v); });
}
Tensor sigmoid_grad(const Tensor& dy, const Tensor& y) {
  return zip_floating("sigmoid_grad", cheap_grain, dy, y, [](auto d, auto v) { return d * v * (1 - v); });
}
Tensor leaky_relu_grad(Tensor dy, const Tensor& x, double slope) {
  // A factor is chosen, not a product: with one in a branch, the loop makes no vector code.
  return zip_over("leaky_relu_grad", cheap_grain, std::move(dy), x, [slope](auto d, auto v) {
    using T = decltype(d);
    return d * (v > 0 ? T(1) : static_cast<T>(slope));
  });
}
Tensor gelu_grad(Tensor dy, const Tensor& x) {
  return zip_over("gelu_grad", costly_grain, std::move(dy), x,
                  [](auto d, auto v) { return d * vm::gelu_grad(v); });
}
Tensor gelu_tanh_grad(Tensor dy, const Tensor& x) {
  return zip_over("gelu_tanh_grad", costly_grain, std::move(dy), x,
                  [](auto d, auto v) { return d * vm::gelu_tanh_grad(v); });
}
Tensor silu_grad(Tensor dy, const Tensor& x) {
  return zip_over("silu_grad", costly_grain, std::move(dy), x, [](auto d, auto v) {
    const auto s = vm::sigmoid(v);
    return d * s * (1 + v * (1 - s));
  });
}
Tensor clamp_grad(const Tensor& dy, const Tensor& x, double low, double high) {
  return zip_floating("clamp_grad", cheap_grain, dy, x, [low, high](auto d, auto v) {
    using T = decltype(d);
    return v >= static_cast<T>(low) && v <= static_cast<T>(high) ? d : T(0);
  });
}

Tensor equal_to(const Tensor& a, const Tensor& b) {
  return compare(a, b, [](auto x, auto y) { return x == y; });
}
Tensor not_equal_to(const Tensor& a, const Tensor& b) {
  return compare(a, b, [](auto x, auto y) { return x != y; });
}
Tensor less(const Tensor& a, const Tensor& b) {
  return compare(a, b, [](auto x, auto y) { return x < y; });
}
Tensor less_equal(const Tensor& a, const Tensor& b) {
  return compare(a, b, [](auto x, auto y) { return x <= y; });
}

Tensor logical_and(const Tensor& a, const Tensor& b) {
  return map<bool, bool, bool>([](bool x, bool y) { return x && y; }, cheap_grain, {&a, &b});
}
Tensor logical_or(const Tensor& a, const Tensor& b) {
  return map<bool, bool, bool>([](bool x, bool y) { return x || y; }, cheap_grain, {&a, &b});
}
Tensor logical_not(const Tensor& a) {
  return map<bool, bool>([](bool x) { return !x; }, cheap_grain, {&a});
}

Tensor where(const Tensor& mask, const Tensor& a, const Tensor& b) {
  return dispatch_all(a.dtype(), [&]<class T>() {
    return map<T, bool, T, T>([](bool m, T x, T y) { return m ? x : y; }, cheap_grain, {&mask, &a, &b});
  });
}

void add_into(const Tensor& sum, const Tensor& x) { zip_into("add_", sum, x, plus); }
void sub_into(const Tensor& a, const Tensor& b) { zip_into("sub_", a, b, minus); }
void mul_into(const Tensor& a, const Tensor& b) { zip_into("mul_", a, b, times); }
void div_into(const Tensor& a, const Tensor& b) { zip_into("div_", a, b, over); }

}  // namespace gradus::kernels
