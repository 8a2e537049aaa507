#include <gradus/optim/parameters.h>

#include <map>
#include <set>
#include <string>

#include <gradus/autograd/node.h>

namespace gradus::optim {

void Parameters::check(const char* op) const {
  gradus::check(!list_.empty(), op, "has no parameters to work on. Pass a model, or model.parameters()?");
  std::set<std::string> names;
  std::map<const void*, std::string> places;
  const NamedTensor& first = list_.front();
  for (const auto& [name, w] : list_) {
    gradus::check(w.defined(), op, "'", name, "' is undefined. Leave it out?");
    check_floating(w.dtype(), op);
    gradus::check(w.dtype() == first.value.dtype(), op, "dtypes do not mix: '", first.name, "' is ",
                  first.value.dtype(), ", '", name, "' is ", w.dtype(), ". Convert the model with to(",
                  wider_of(w.dtype(), first.value.dtype()), ")?");
    gradus::check(w.is_leaf(), op, "'", name,
                  "' is computed from other tensors. Pass the leaves that it is made of?");
    for (int axis = 0; axis < w.rank(); ++axis)
      gradus::check(w.strides()[axis] != 0 || w.shape()[axis] <= 1, op, "'", name,
                    "' is expanded: it shows the same memory more than once. Pass a clone()?");
    gradus::check(names.insert(name).second, op, "the name '", name, "' comes twice. Rename one?");
    const auto [at, is_new] = places.emplace(w.block().data, name);
    gradus::check(is_new, op, "'", at->second, "' and '", name,
                  "' are the same tensor, which would be changed twice. Pass it once?");
  }
}

Tensor* gradient_of(const Tensor& leaf) {
  if (!leaf.requires_grad()) return nullptr;
  Tensor& gradient = static_cast<Leaf&>(*node_of(leaf)).gradient;
  return gradient.defined() ? &gradient : nullptr;
}

}  // namespace gradus::optim
