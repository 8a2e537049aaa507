// Anomaly mode: stops at the first value that is not finite, forward or backward, and names the op and the
// scope it ran in. It looks at every element of every result, so a training step takes about twice as long.
#pragma once

#include <span>

#include <gradus/core/tensor.h>

namespace gradus {

namespace detail {
inline thread_local constinit bool anomaly_mode_on = false;
}

inline bool anomaly_mode() { return detail::anomaly_mode_on; }

// AnomalyMode guard; within its scope this thread checks what its ops compute.
class AnomalyMode {
 public:
  explicit AnomalyMode(bool on = true) : before_(detail::anomaly_mode_on) { detail::anomaly_mode_on = on; }
  ~AnomalyMode() { detail::anomaly_mode_on = before_; }
  AnomalyMode(const AnomalyMode&) = delete;
  AnomalyMode& operator=(const AnomalyMode&) = delete;

 private:
  bool before_;
};

// Throws where an output holds NaN, or an infinity that no input holds: a mask of -inf is meant, a -inf out
// of log(0) is not.
void check_finite(const char* op, std::span<const Tensor> outputs, std::span<const Tensor* const> inputs);
// The same for what a rule gave its node's input.
void check_finite_gradient(const class Node& node, int input, const Tensor& gradient);

}  // namespace gradus
