// Gradient checks: the tape's derivatives against central differences. For the library's own ops, and for
// yours in CI:
//
//   Tensor x = randn({3, 4}, f64).requires_grad_(), w = randn({5, 4}, f64).requires_grad_();
//   const GradcheckResult result = gradcheck([&] { return tanh(linear(x, w)); }, {{"x", x}, {"w", w}});
//   if (!result) std::cerr << result.report;
//
// The callable closes over the named tensors; the check moves their elements by eps and back. It may return
// one tensor or several. The named tensors are f64 leaves that ask for a gradient. In a Catch2 test write
// REQUIRE_THAT(result, passes_gradcheck()) with gradcheck_matcher.h.
#pragma once

#include <concepts>
#include <cstdint>
#include <functional>
#include <string>
#include <type_traits>
#include <vector>

#include <gradus/core/tensor.h>

namespace gradus {

struct GradcheckOptions {
  double eps = 1e-6;
  // An entry passes where |analytic - numeric| <= atol + rtol * |numeric|.
  double atol = 1e-5;
  double rtol = 1e-3;
  bool second_order = false;  // checks the gradient's own gradient as well
  // The whole Jacobian is compared up to this many entries; a larger one through random projections, v^T J u.
  std::int64_t largest_jacobian = 20000;
  std::uint64_t seed = 0;  // of cotangents and directions
};

struct GradcheckResult {
  bool passed = true;
  // A line for each entry that differs: output and input element, analytic, numeric, difference.
  std::string report;
  std::int64_t compared = 0;  // entries, or projections of them
  explicit operator bool() const { return passed; }
};

namespace detail {
using Outputs = std::function<std::vector<Tensor>()>;
GradcheckResult gradcheck(const Outputs& f, const std::vector<NamedTensor>& inputs,
                          const GradcheckOptions& options);
}  // namespace detail

template <std::invocable F>
GradcheckResult gradcheck(const F& f, const std::vector<NamedTensor>& inputs,
                          const GradcheckOptions& options = {}) {
  if constexpr (std::is_convertible_v<std::invoke_result_t<const F&>, Tensor>)
    return detail::gradcheck([&f] { return std::vector<Tensor>{f()}; }, inputs, options);
  else
    return detail::gradcheck(f, inputs, options);
}

}  // namespace gradus
