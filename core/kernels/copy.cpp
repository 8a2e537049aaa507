#include <gradus/core/kernels/copy.h>

#include <gradus/core/kernels/map.h>

namespace gradus::kernels {

Tensor contiguous(const Tensor& x) { return x.is_contiguous() ? x : clone(x); }

Tensor clone(const Tensor& x) {
  Tensor out = Tensor::empty(x.shape(), x.dtype());
  copy_into(out, x);
  return out;
}

void copy_into(const Tensor& to, const Tensor& from) {
  dispatch_all(to.dtype(),
               [&]<class T>() { map_into<T, T>([](T value) { return value; }, to, cheap_grain, {&from}); });
}

Tensor cast(const Tensor& x, DType dtype) {
  Tensor out = Tensor::empty(x.shape(), dtype);
  dispatch_all(x.dtype(), [&]<class From>() {
    dispatch_all(dtype, [&]<class To>() {
      map_into<To, From>([](From value) { return static_cast<To>(value); }, out, cheap_grain, {&x});
    });
  });
  return out;
}

void fill(const Tensor& to, double number, const char* op) {
  check_holds(to.dtype(), number, op);
  dispatch_all(to.dtype(), [&]<class T>() {
    map_into<T>([value = static_cast<T>(number)] { return value; }, to, cheap_grain, {});
  });
}

Tensor full(const Shape& shape, double number, DType dtype, const char* op) {
  Tensor out = Tensor::empty(shape, dtype, op);
  fill(out, number, op);
  return out;
}

}  // namespace gradus::kernels
