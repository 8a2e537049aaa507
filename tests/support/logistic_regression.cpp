#include "support/logistic_regression.h"

#include <algorithm>
#include <cmath>

namespace gradus::test {

LogisticRegression::LogisticRegression(const std::vector<Features>& examples, const std::vector<bool>& labels,
                                       int epochs) {
  std::size_t size = 0;
  for (const Features& example : examples) {
    for (const auto& [feature, value] : example) size = std::max(size, feature + 1);
  }
  weights_.resize(size);
  std::vector<double> squares(size, 1e-8);
  for (int epoch = 0; epoch < epochs; ++epoch) {
    const double rate = 0.1 / (1 + epoch);
    for (std::size_t i = 0; i < examples.size(); ++i) {
      const double error = 1 / (1 + std::exp(-score(examples[i]))) - (labels[i] ? 1 : 0);
      for (const auto& [feature, value] : examples[i]) {
        const double gradient = error * value;
        squares[feature] += gradient * gradient;
        weights_[feature] -= rate * gradient / std::sqrt(squares[feature]);
      }
    }
  }
}

double LogisticRegression::score(const Features& example) const {
  double sum = 0;
  for (const auto& [feature, value] : example) {
    if (feature < weights_.size()) sum += weights_[feature] * value;
  }
  return sum;
}

double LogisticRegression::accuracy(const std::vector<Features>& examples,
                                    const std::vector<bool>& labels) const {
  std::size_t right = 0;
  for (std::size_t i = 0; i < examples.size(); ++i) right += (*this)(examples[i]) == labels[i];
  return static_cast<double>(right) / static_cast<double>(examples.size());
}

}  // namespace gradus::test
