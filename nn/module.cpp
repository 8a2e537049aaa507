#include <gradus/nn/module.h>

#include <cxxabi.h>

#include <atomic>
#include <cctype>
#include <cstdlib>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <sstream>
#include <tuple>
#include <typeinfo>
#include <unordered_map>

#include <gradus/autograd/grad_mode.h>
#include <gradus/core/kernels/copy.h>

namespace gradus::nn {
namespace {

// Two tensors with the same key show the same elements: they are tied.
using Key = std::tuple<const void*, std::vector<std::int64_t>, std::vector<std::int64_t>>;
Key key_of(const Tensor& x) {
  return {x.block().data, {x.shape().begin(), x.shape().end()}, {x.strides().begin(), x.strides().end()}};
}

std::string joined(const std::string& prefix, std::string_view name) {
  return prefix.empty() ? std::string(name) : prefix + "." + std::string(name);
}

// Calls `f(full name, tensor, is_parameter)` for every tensor of a tree, tied ones each time.
template <bool is_const, class F>
class EachTensor final : public BasicVisitor<is_const> {
 public:
  template <class T>
  using Maybe = typename BasicVisitor<is_const>::template Maybe<T>;

  explicit EachTensor(F f) : f_(std::move(f)) {}
  void module(std::string_view name, Maybe<Module>& inner) override {
    const std::string outside = std::exchange(prefix_, joined(prefix_, name));
    inner.visit(*this);
    prefix_ = outside;
  }

 private:
  void tensor(std::string_view name, Maybe<Tensor>& x, bool is_parameter) override {
    f_(joined(prefix_, name), x, is_parameter);
  }

  std::string prefix_;
  F f_;
};

template <class F>
void for_each_tensor(const Module& module, F f) {
  EachTensor<true, F> each(std::move(f));
  module.visit(each);
}
template <class F>
void for_each_tensor(Module& module, F f) {
  EachTensor<false, F> each(std::move(f));
  module.visit(each);
}

// Calls `f(module)` for a module and all below it, an outer one before those inside.
template <bool is_const, class F>
class EachModule final : public BasicVisitor<is_const> {
 public:
  template <class T>
  using Maybe = typename BasicVisitor<is_const>::template Maybe<T>;

  explicit EachModule(F f) : f_(std::move(f)) {}
  void module(std::string_view, Maybe<Module>& inner) override {
    f_(inner);
    inner.visit(*this);
  }

 private:
  void tensor(std::string_view, Maybe<Tensor>&, bool) override {}

  F f_;
};

template <class F>
void for_each_module(const Module& module, F f) {
  EachModule<true, F>(std::move(f)).module("", module);
}
template <class F>
void for_each_module(Module& module, F f) {
  EachModule<false, F>(std::move(f)).module("", module);
}

enum class Which { parameters, buffers, all };
std::vector<NamedTensor> tensors_of(const Module& module, Which which) {
  std::vector<NamedTensor> found;
  std::set<Key> seen;
  for_each_tensor(module, [&](const std::string& name, const Tensor& x, bool is_parameter) {
    if (which != Which::all && is_parameter != (which == Which::parameters)) return;
    if (seen.insert(key_of(x)).second) found.push_back({name, x});
  });
  return found;
}

// A new tensor in the place of x: a leaf if x is one that asks for a gradient.
Tensor in_place_of(const Tensor& x, Tensor fresh) {
  if (x.requires_grad()) fresh.requires_grad_();
  return fresh;
}

}  // namespace

std::vector<NamedTensor> Module::parameters() const { return tensors_of(*this, Which::parameters); }
std::vector<NamedTensor> Module::buffers() const { return tensors_of(*this, Which::buffers); }
std::vector<NamedTensor> Module::state() const { return tensors_of(*this, Which::all); }

std::int64_t Module::parameter_count() const {
  std::int64_t count = 0;
  for (const NamedTensor& parameter : parameters()) count += parameter.value.numel();
  return count;
}

void Module::load_state(const std::vector<NamedTensor>& state) {
  std::map<std::string, const Tensor*> given;
  std::ostringstream wrong;
  for (const NamedTensor& entry : state)
    if (!given.emplace(entry.name, &entry.value).second) wrong << "\n  twice:      " << entry.name;

  // Tied members are one entry, which either name may fill; where both do, they must agree.
  struct Place {
    std::string names;
    Tensor to, from;
  };
  std::map<Key, Place> places;
  std::vector<Key> order;
  std::set<std::string> used;
  for_each_tensor(std::as_const(*this), [&](const std::string& name, const Tensor& x, bool) {
    auto [at, is_new] = places.try_emplace(key_of(x), Place{"", x, Tensor()});
    if (is_new) order.push_back(at->first);
    Place& place = at->second;
    place.names += (place.names.empty() ? "" : " or ") + name;
    const auto found = given.find(name);
    if (found == given.end()) return;
    used.insert(name);
    const Tensor& from = *found->second;
    if (from.shape() != x.shape() || from.dtype() != x.dtype())
      wrong << "\n  mis-shaped: " << name << " is " << from.shape() << " of " << from.dtype() << ", wanted "
            << x.shape() << " of " << x.dtype();
    else if (place.from.defined() && !equal(place.from, from))
      wrong << "\n  differ:     " << place.names << " are tied here";
    place.from = from;
  });
  for (const Key& key : order)
    if (!places.at(key).from.defined()) wrong << "\n  missing:    " << places.at(key).names;
  for (const auto& [name, value] : given)
    if (!used.contains(name)) wrong << "\n  unexpected: " << name;
  check(wrong.str().empty(), "load_state", "the state does not fit this ", kind(), ":", wrong.str(),
        "\nIs it another model's, or made with other options?");
  no_grad([&] {
    for (auto& [key, place] : places) place.to.copy_(place.from);
  });
}

void Module::train(bool on) {
  for_each_module(*this, [on](Module& module) { module.training_ = on; });
}

std::vector<bool> Module::modes_of(const Module& module) {
  std::vector<bool> modes;
  for_each_module(module, [&](const Module& each) { modes.push_back(each.training_); });
  return modes;
}
// A module that came later keeps its own mode.
void Module::set_modes(Module& module, const std::vector<bool>& modes) {
  for_each_module(module, [&, k = std::size_t{0}](Module& each) mutable {
    if (k < modes.size()) each.training_ = modes[k++];
  });
}

void Module::to(DType dtype) {
  check(is_floating(dtype), "to", "a module's weights are f32 or f64, not ", dtype, ". Use f32?");
  std::map<Key, Tensor> converted;  // of tied members one, so that they stay tied
  for_each_tensor(*this, [&](const std::string&, Tensor& x, bool) {
    if (!is_floating(x.dtype()) || x.dtype() == dtype) return;
    Tensor& fresh = converted[key_of(x)];
    if (!fresh.defined()) fresh = in_place_of(x, kernels::cast(x, dtype));
    x = fresh;
  });
}

void Module::zero_grad() const {
  for_each_tensor(*this, [](const std::string&, const Tensor& x, bool) { x.zero_grad(); });
}

void Module::requires_grad_(bool on) {
  for_each_tensor(*this, [on](const std::string&, Tensor& x, bool is_parameter) {
    if (is_parameter) x.requires_grad_(on);
  });
}

EvalMode::EvalMode(Module& module) : module_(module), before_(Module::modes_of(module)) { module.eval(); }
EvalMode::~EvalMode() { Module::set_modes(module_, before_); }

void copy_state(const Module& from, Module& to) {
  std::vector<std::pair<std::string, Tensor>> originals;
  for_each_tensor(from,
                  [&](const std::string& name, const Tensor& x, bool) { originals.emplace_back(name, x); });
  std::map<Key, Tensor> copies;
  std::size_t next = 0;
  for_each_tensor(to, [&](const std::string& name, Tensor& x, bool) {
    check(next < originals.size() && originals[next].first == name, "clone", "this ", from.kind(),
          " made from its options has '", name, "' where the original has '",
          next < originals.size() ? originals[next].first : "nothing", "'. Do its options say all?");
    const Tensor& original = originals[next++].second;
    Tensor& copy = copies[key_of(original)];
    if (!copy.defined()) copy = in_place_of(original, kernels::clone(original));
    x = copy;
  });
  check(next == originals.size(), "clone", "this ", from.kind(), " made from its options lacks '",
        next < originals.size() ? originals[next].first : "", "'. Do its options say all?");
  const std::vector<bool> modes = Module::modes_of(from), fresh = Module::modes_of(to);
  check(modes.size() == fresh.size(), "clone", "this ", from.kind(), " made from its options has ",
        fresh.size(), " modules where the original has ", modes.size(), ". Do its options say all?");
  Module::set_modes(to, modes);
}

std::string Module::kind() const {
  int status = 0;
  const std::unique_ptr<char, void (*)(void*)> full(
      abi::__cxa_demangle(typeid(*this).name(), nullptr, nullptr, &status), std::free);
  const std::string_view name =
      std::string_view(full.get()).substr(0, std::string_view(full.get()).find('<'));
  return std::string(name.substr(name.rfind(':') + 1));  // npos + 1 is 0
}

namespace {

std::string in_snake_case(const std::string& kind) {
  std::string name;
  for (const char c : kind) {
    const bool upper = std::isupper(static_cast<unsigned char>(c)) != 0;
    const bool after_lower = !name.empty() && std::islower(static_cast<unsigned char>(name.back())) != 0;
    if (upper && after_lower) name += '_';
    name += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  }
  return name;
}

}  // namespace

// Two threads that call a model for the first time give it the same names.
const ScopePath* Module::path() const {
  const std::atomic_ref<const ScopePath*> known(path_);
  if (const ScopePath* path = known.load(std::memory_order_acquire); path != nullptr) return path;
  name_below(gradus::detail::current_scope, in_snake_case(kind()));
  return known.load(std::memory_order_acquire);
}

void Module::name_below(const ScopePath* outside, std::string_view name) const {
  class Namer final : public ConstVisitor {
   public:
    explicit Namer(const ScopePath* path) : path_(path) {}
    void module(std::string_view name, const Module& inner) override { inner.name_below(path_, name); }

   private:
    void tensor(std::string_view, const Tensor&, bool) override {}

    const ScopePath* path_;
  };
  const ScopePath* const path = scope_path(outside, std::string(name));
  Namer namer(path);
  visit(namer);
  std::atomic_ref<const ScopePath*>(path_).store(path, std::memory_order_release);
}

namespace {

// One line a module, its tensors behind it and what is in it below; tensors listed after modules stand below
// too.
class Printer final : public ConstVisitor {
 public:
  explicit Printer(std::ostream& out) : out_(out) {}

  void module(std::string_view name, const Module& inner) override {
    begin_line() << name << ": " << inner.kind();
    ++depth_;
    after_ = "  ";
    inner.visit(*this);
    --depth_;
    after_ = "\n";
  }

 private:
  void tensor(std::string_view name, const Tensor& x, bool is_parameter) override {
    (after_ == "\n" ? begin_line() : out_ << after_)
        << name << ' ' << x.shape() << (is_parameter ? "" : " (buffer)");
    after_ = ", ";
  }
  std::ostream& begin_line() { return out_ << '\n' << std::string(2 * depth_, ' '); }

  std::ostream& out_;
  std::size_t depth_ = 1;
  std::string_view after_ = "  ";  // what divides the next tensor from what was written last
};

}  // namespace

std::ostream& operator<<(std::ostream& out, const Module& module) {
  out << module.kind();
  Printer printer(out);
  module.visit(printer);
  return out << "\n" << module.parameter_count() << " parameters";
}

}  // namespace gradus::nn
