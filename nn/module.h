// Module: what models are made of. Its members are values: tensors (parameters, which are trained, and
// buffers, such as running statistics, which are kept) and other modules. It lists each of them once,
//
//   class Linear : public ModuleOf<Linear> {
//    public:
//     struct Options { std::int64_t in, out; bool bias = true; };
//     explicit Linear(const Options& options);
//     Tensor operator()(const Tensor& x) const;
//
//     Options options;
//     Tensor weight, bias;
//
//     template <class Self, class Visit>
//     static void members(Self& self, Visit& visit) {
//       visit.parameter("weight", self.weight);
//       visit.parameter("bias", self.bias);
//     }
//   };
//
// and from that list come names, state, counts, train and eval, conversion, clone and printing.
//
// Modules move, they do not copy: a copied Tensor is a second handle on the same weights, so that training
// one model would train the other. clone() makes weights of its own.
#pragma once

#include <concepts>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include <gradus/autograd/scope.h>
#include <gradus/core/random.h>
#include <gradus/core/tensor.h>

namespace gradus::nn {

template <bool is_const>
class BasicVisitor;
using Visitor = BasicVisitor<false>;      // may replace tensors
using ConstVisitor = BasicVisitor<true>;  // may not

class Module {
 public:
  virtual ~Module() = default;
  Module(Module&&) = default;
  Module& operator=(Module&&) = default;
  Module(const Module&) = delete;  // std::move(layer) gives it away, layer.clone() makes another
  Module& operator=(const Module&) = delete;

  virtual void visit(Visitor& visitor) = 0;
  virtual void visit(ConstVisitor& visitor) const = 0;

  // With full names, "encoder.0.weight", in the order of the lists. What is tied (two members that show the
  // same elements) comes once, under its first name.
  std::vector<NamedTensor> parameters() const;
  std::vector<NamedTensor> buffers() const;
  std::vector<NamedTensor> state() const;  // both
  std::int64_t parameter_count() const;    // elements

  // Copies `state` into this module's tensors, by name; of a tie either name will do. Names that are missing,
  // unexpected or of another shape or dtype are all told at once, and then nothing has changed.
  void load_state(const std::vector<NamedTensor>& state);

  // Training mode, in which modules begin, and its opposite: what dropout and batch norm do depends on it.
  void train(bool on = true);
  void eval() { train(false); }
  bool training() const { return training_; }

  // Converts all floating tensors. They are new tensors: gradients are gone, and an optimiser must be made
  // anew.
  void to(DType dtype);

  void zero_grad() const;
  void requires_grad_(bool on);  // off: frozen

  virtual std::string kind() const;  // "Linear"

 protected:
  Module() = default;

 private:
  friend class Call;
  friend class EvalMode;
  friend void copy_state(const Module& from, Module& to);
  // Of a module and all below it, in the order of the lists.
  static std::vector<bool> modes_of(const Module& module);
  static void set_modes(Module& module, const std::vector<bool>& modes);
  const ScopePath* path() const;
  void name_below(const ScopePath* outside, std::string_view name) const;

  bool training_ = true;
  mutable const ScopePath* path_ = nullptr;
};

// The tree of modules with the shapes of their tensors.
std::ostream& operator<<(std::ostream& out, const Module& module);

// EvalMode guard(model); within its scope the model is in eval mode. Then each module is again in the mode
// that it was in: what was frozen in eval mode stays so.
class EvalMode {
 public:
  explicit EvalMode(Module& module);
  ~EvalMode();
  EvalMode(const EvalMode&) = delete;
  EvalMode& operator=(const EvalMode&) = delete;

 private:
  Module& module_;
  std::vector<bool> before_;
};

// What a module's list is read with. Undefined tensors, such as the bias of a layer that has none, are left
// out.
template <bool is_const>
class BasicVisitor {
 public:
  template <class T>
  using Maybe = std::conditional_t<is_const, const T, T>;

  virtual ~BasicVisitor() = default;
  void parameter(std::string_view name, Maybe<Tensor>& x) {
    if (x.defined()) tensor(name, x, true);
  }
  void buffer(std::string_view name, Maybe<Tensor>& x) {
    if (x.defined()) tensor(name, x, false);
  }
  virtual void module(std::string_view name, Maybe<Module>& inner) = 0;

 protected:
  virtual void tensor(std::string_view name, Maybe<Tensor>& x, bool is_parameter) = 0;
};

// A module's call begins with `const Call call(*this);`: what it records then belongs to it, under the name
// it has in the model, as anomaly mode and explain tell it. The outermost module that is called names all
// below it, once.
class Call {
 public:
  explicit Call(const Module& module)
      : before_(std::exchange(gradus::detail::current_scope, module.path())) {}
  ~Call() { gradus::detail::current_scope = before_; }
  Call(const Call&) = delete;
  Call& operator=(const Call&) = delete;

 private:
  const ScopePath* before_;
};

// Makes `to`, which was made from the same options, a copy of `from`: its tensors are new and tied as those
// are.
void copy_state(const Module& from, Module& to);

// What can be made again: from its `options`, or from nothing.
template <class M>
concept Clonable = requires(const M& module) {
  M(module.options);
}
|| std::default_initializable<M>;

// The base of module `Self`, which has a static template members(self, visit).
template <class Self>
class ModuleOf : public Module {
 public:
  void visit(Visitor& visitor) override { Self::members(static_cast<Self&>(*this), visitor); }
  void visit(ConstVisitor& visitor) const override {
    Self::members(static_cast<const Self&>(*this), visitor);
  }

  // The same module with weights of its own. Draws no random numbers.
  Self clone() const {
    static_assert(Clonable<Self>, "to be cloned, a module keeps the options that it was made from");
    const Self& self = static_cast<const Self&>(*this);
    const RandomState before = default_generator().state();
    Self copy = again(self);
    default_generator().set_state(before);
    copy_state(self, copy);
    return copy;
  }

 private:
  static Self again(const Self& self) {
    if constexpr (requires { Self(self.options); })
      return Self(self.options);
    else
      return Self();
  }
};

}  // namespace gradus::nn
