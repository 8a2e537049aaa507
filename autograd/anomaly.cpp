#include <gradus/autograd/anomaly.h>

#include <cmath>

#include <gradus/autograd/node.h>
#include <gradus/core/kernels/copy.h>

namespace gradus {
namespace {

struct NotFinite {
  std::int64_t nan = 0, infinite = 0;
};

NotFinite count(const Tensor& x) {
  NotFinite found;
  if (!x.defined() || !is_floating(x.dtype())) return found;
  const Tensor flat = kernels::contiguous(x);
  dispatch_floating(x.dtype(), "anomaly", [&]<class T>() {
    for (std::int64_t i = 0; i < flat.numel(); ++i) {
      found.nan += std::isnan(flat.data<T>()[i]);
      found.infinite += std::isinf(flat.data<T>()[i]);
    }
  });
  return found;
}

std::string described(const NotFinite& found, std::int64_t of) {
  const bool nan = found.nan > 0;
  return std::to_string(nan ? found.nan : found.infinite) + " of " + std::to_string(of) + " elements " +
         (nan ? "NaN" : "infinite");
}

}  // namespace

void check_finite(const char* op, std::span<const Tensor> outputs, std::span<const Tensor* const> inputs) {
  for (const Tensor& output : outputs) {
    const NotFinite found = count(output);
    if (found.nan == 0 && found.infinite == 0) continue;
    bool infinity_came = false;
    for (std::size_t i = 0; i < inputs.size(); ++i) {
      const Tensor& input = *inputs[i];
      if (!input.defined()) continue;
      const NotFinite before = count(input);
      check(before.nan == 0, op, "input ", i, " of ", qualified(detail::current_scope, op), ", of shape ",
            input.shape(), ", came with NaN in it. Was NaN in the data?");
      infinity_came |= before.infinite > 0;
    }
    check(found.nan == 0 && infinity_came, op, "the output of ", qualified(detail::current_scope, op),
          ", of shape ", output.shape(), ", has ", described(found, output.numel()),
          ". Look at its inputs: an overflow, log(0) or 0/0?");
  }
}

void check_finite_gradient(const Node& node, int input, const Tensor& gradient) {
  const NotFinite found = count(gradient);
  check(found.nan == 0 && found.infinite == 0, node.name, "the gradient that ",
        qualified(node.scope, node.name), " gave its input ", input, ", of shape ", gradient.shape(),
        ", has ", described(found, gradient.numel()),
        ". Look at its inputs: is the function steep or undefined there?");
}

}  // namespace gradus
