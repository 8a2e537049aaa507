// A linear classifier on sparse features: the baseline that a task has to be too hard for.
#pragma once

#include <cstddef>
#include <utility>
#include <vector>

namespace gradus::test {

using Features = std::vector<std::pair<std::size_t, double>>;  // (which, how much); the others are 0

// Logistic regression, fitted by AdaGrad (Duchi et al. 2011) in the order given.
class LogisticRegression {
 public:
  LogisticRegression(const std::vector<Features>& examples, const std::vector<bool>& labels, int epochs);

  double score(const Features& example) const;  // log of the odds that the label is true
  bool operator()(const Features& example) const { return score(example) > 0; }
  double accuracy(const std::vector<Features>& examples, const std::vector<bool>& labels) const;

 private:
  std::vector<double> weights_;
};

}  // namespace gradus::test
