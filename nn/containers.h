// Modules that hold modules.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <gradus/nn/module.h>

namespace gradus::nn {

// Any number of modules of one type, as the layers of a Transformer: named "0", "1", ...
template <class M>
class ModuleList : public ModuleOf<ModuleList<M>> {
 public:
  void push_back(M module) { modules_.push_back(std::move(module)); }
  std::size_t size() const { return modules_.size(); }
  M& operator[](std::size_t i) { return modules_.at(i); }
  const M& operator[](std::size_t i) const { return modules_.at(i); }
  auto begin() { return modules_.begin(); }
  auto end() { return modules_.end(); }
  auto begin() const { return modules_.begin(); }
  auto end() const { return modules_.end(); }
  ModuleList clone() const {
    ModuleList copy;
    for (const M& module : modules_) copy.push_back(module.clone());
    copy_state(*this, copy);  // for what is tied across them
    return copy;
  }

  template <class Self, class Visit>
  static void members(Self& self, Visit& visit) {
    for (std::size_t i = 0; i < self.modules_.size(); ++i) visit.module(std::to_string(i), self.modules_[i]);
  }

 private:
  std::vector<M> modules_;
};

// Modules of any type, each called with what the one before it gave:
//
//   Sequential net{Linear({.in = 2, .out = 16}), Tanh(), Linear({.in = 16, .out = 1})};
//   const Tensor y = net(x);
//
// Each takes a Tensor and returns one. Named "0", "1", ... Between braces C++ makes them in this order, so
// that all compilers draw the same weights; between parentheses in any.
class Sequential : public ModuleOf<Sequential> {
 public:
  template <class... M>
  requires(sizeof...(M) > 0 && (std::is_base_of_v<Module, M> && ...)) explicit Sequential(M... modules) {
    (push_back(std::move(modules)), ...);
  }
  Sequential() = default;

  template <class M>
  void push_back(M module) {
    steps_.push_back(std::make_unique<StepOf<M>>(std::move(module)));
  }
  std::size_t size() const { return steps_.size(); }
  Module& operator[](std::size_t i) { return steps_.at(i)->module(); }
  const Module& operator[](std::size_t i) const { return steps_.at(i)->module(); }

  Tensor operator()(const Tensor& x);
  Tensor operator()(const Tensor& x) const;
  Sequential clone() const;

  template <class Self, class Visit>
  static void members(Self& self, Visit& visit) {
    for (std::size_t i = 0; i < self.steps_.size(); ++i) visit.module(std::to_string(i), self[i]);
  }

 private:
  struct Step {
    virtual ~Step() = default;
    virtual Module& module() = 0;
    virtual Tensor call(const Tensor& x) = 0;
    virtual Tensor call(const Tensor& x) const = 0;
    virtual std::unique_ptr<Step> clone() const = 0;
  };
  template <class M>
  struct StepOf;

  std::vector<std::unique_ptr<Step>> steps_;
};

template <class M>
struct Sequential::StepOf final : Step {
  explicit StepOf(M made) : held(std::move(made)) {}
  Module& module() override { return held; }
  Tensor call(const Tensor& x) override { return held(x); }
  Tensor call(const Tensor& x) const override {
    if constexpr (std::is_invocable_v<const M&, const Tensor&>)
      return held(x);
    else
      fail("sequential", held.kind(), " changes when it is called, and this model is const. Drop the const?");
  }
  std::unique_ptr<Step> clone() const override {
    if constexpr (Clonable<M>)
      return std::make_unique<StepOf>(held.clone());
    else
      fail("clone", held.kind(), " keeps no options to be made again from. Give it a member `options`?");
  }

  M held;
};

}  // namespace gradus::nn
