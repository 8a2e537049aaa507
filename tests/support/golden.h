// Holds the library against PyTorch, by numbers that tests/parity/make.py wrote. What they are is told in
// pack.py there; agreement is to 1e-9 of the reference's largest magnitude, everywhere.
#pragma once

#include <concepts>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <gradus/nn/module.h>

namespace gradus::test {

// Tensors by name; one that is not there is undefined.
class NamedValues {
 public:
  NamedValues() = default;
  NamedValues(Tensor y) : list_{{"y", std::move(y)}} {}  // a call's only output
  NamedValues(std::vector<NamedTensor> list) : list_(std::move(list)) {}
  NamedValues(std::initializer_list<NamedTensor> list) : list_(list) {}

  Tensor operator[](const std::string& name) const;
  auto begin() const { return list_.begin(); }
  auto end() const { return list_.end(); }
  bool empty() const { return list_.empty(); }
  std::vector<std::string> names() const;  // sorted
  const std::vector<NamedTensor>& list() const { return list_; }

 private:
  std::vector<NamedTensor> list_;
};

// One file of tests/parity/golden.
class Golden {
 public:
  explicit Golden(const std::string& family);
  Tensor operator[](const std::string& name) const;  // must be there
  NamedValues group(
      const std::string& beginning) const;  // the tensors below "beginning/", by the rest of their names
  std::vector<std::string> cases() const;   // the first parts of all names, each once

 private:
  NamedValues tensors_;
};

// |ours - reference| <= 1e-9 max |reference|, in one shape and dtype.
bool agrees(const Tensor& ours, const Tensor& reference);
void check_agrees(const std::string& what, const Tensor& ours, const Tensor& reference);

// What stands for a case on our side: a call and, if it has one, the module that is called.
struct ParityCase {
  std::shared_ptr<nn::Module> module;
  std::function<NamedValues(const NamedValues&)> call;
};

ParityCase function(std::function<NamedValues(const NamedValues&)> call);

// `call` is given the module, in f64, and the inputs.
template <std::derived_from<nn::Module> M, std::invocable<M&, const NamedValues&> F>
ParityCase layer(M module, F call) {
  const auto held = std::make_shared<M>(std::move(module));
  return {held, [held, call](const NamedValues& in) { return NamedValues(call(*held, in)); }};
}
template <std::derived_from<nn::Module> M>
ParityCase layer(M module) {
  return layer(std::move(module), [](M& m, const NamedValues& in) { return m(in["x"]); });
}

// Every case of the family, each with what stands for it: names and shapes of its state, values, gradients,
// ten steps. The two must list the same cases.
void check_family(const std::string& family, const std::map<std::string, ParityCase>& cases);

}  // namespace gradus::test
