// Making tensors. Elements are f32 unless a dtype is named. None of these records anything on the tape.
#pragma once

#include <concepts>
#include <cstdint>
#include <initializer_list>
#include <vector>

#include <gradus/core/random.h>
#include <gradus/core/tensor.h>

namespace gradus {

Tensor zeros(const Shape& shape, DType dtype = f32);
Tensor ones(const Shape& shape, DType dtype = f32);
Tensor full(const Shape& shape, double number, DType dtype = f32);
Tensor zeros_like(const Tensor& x);
Tensor ones_like(const Tensor& x);
Tensor full_like(const Tensor& x, double number);

// from, from + step, ... as far as they are below `to` (above it for a negative step); from 0 where one
// number is given.
Tensor arange(double to, DType dtype = f32);
Tensor arange(double from, double to, double step = 1, DType dtype = f32);
// `count` numbers at equal distances, `from` the first and `to` the last.
Tensor linspace(double from, double to, std::int64_t count, DType dtype = f32);
// Ones on the diagonal, zeros elsewhere.
Tensor eye(std::int64_t rows, DType dtype = f32);
Tensor eye(std::int64_t rows, std::int64_t columns, DType dtype = f32);

// Random tensors: functions of the generator's state alone, whatever the number of threads.
//   rand       uniform in [0, 1)
//   randn      normal with mean 0 and variance 1
//   randint    i64, uniform in [low, high)
//   randperm   i64, the numbers 0 to n - 1 shuffled
//   bernoulli  boolean, true with the given probability
Tensor rand(const Shape& shape, DType dtype = f32, Generator& generator = default_generator());
Tensor randn(const Shape& shape, DType dtype = f32, Generator& generator = default_generator());
inline Tensor rand(const Shape& shape, Generator& generator) { return rand(shape, f32, generator); }
inline Tensor randn(const Shape& shape, Generator& generator) { return randn(shape, f32, generator); }
Tensor randint(std::int64_t low, std::int64_t high, const Shape& shape,
               Generator& generator = default_generator());
Tensor randperm(std::int64_t n, Generator& generator = default_generator());
Tensor bernoulli(double probability, const Shape& shape, Generator& generator = default_generator());
Tensor bernoulli(double probability, const Shape& shape, const RandomState& from);

// A copy of the values, row-major; T: float, double, std::int64_t or bool.
template <class T>
Tensor from_vector(const std::vector<T>& values, const Shape& shape);
template <class T>
Tensor from_vector(const std::vector<T>& values) {
  return from_vector(values, {static_cast<std::int64_t>(values.size())});
}

// A number, or a list of numbers or lists: what tensor() below is called with. It lives for that call only.
class NestedList {
 public:
  template <std::integral T>
  NestedList(T number) : whole_(static_cast<std::int64_t>(number)), kind_(Kind::whole) {}
  template <std::floating_point T>
  NestedList(T number) : fraction_(static_cast<double>(number)), kind_(Kind::fraction) {}
  NestedList(std::initializer_list<NestedList> entries) : entries_(entries), kind_(Kind::list) {}

  bool is_list() const { return kind_ == Kind::list; }
  std::initializer_list<NestedList> entries() const { return entries_; }
  // The number as T, refused where T cannot hold it.
  template <class T>
  T number() const;

 private:
  enum class Kind : std::uint8_t { whole, fraction, list };

  std::int64_t whole_ = 0;
  double fraction_ = 0;
  std::initializer_list<NestedList> entries_;
  Kind kind_;
};

// tensor({{1, 2}, {3, 4}}): a matrix of shape (2, 2); tensor(5): a single number of shape (). Lists of one
// depth must be equally long.
Tensor tensor(const NestedList& values, DType dtype = f32);

}  // namespace gradus
