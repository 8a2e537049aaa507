#include <gradus/nn/containers.h>

namespace gradus::nn {

Tensor Sequential::operator()(const Tensor& x) {
  const Call call(*this);
  Tensor y = x;
  for (const auto& step : steps_) y = step->call(y);
  return y;
}

Tensor Sequential::operator()(const Tensor& x) const {
  const Call call(*this);
  Tensor y = x;
  for (const auto& step : steps_) y = std::as_const(*step).call(y);
  return y;
}

Sequential Sequential::clone() const {
  Sequential copy;
  for (const auto& step : steps_) copy.steps_.push_back(step->clone());
  copy_state(*this, copy);  // for what is tied across its steps
  return copy;
}

}  // namespace gradus::nn
