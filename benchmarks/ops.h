// The parts of the ops benchmark: each measures one family of ops beside its ceiling and hands its rows over.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include <gradus/core/tensor.h>

#include "measure.h"
#include "report.h"

namespace gradus::bench {

// What one row is about. `amount` counts what a call of `ours` does: FLOPs, bytes or elements.
struct Case {
  std::string shape;
  const char* unit;  // GFLOP/s, GB/s, G/s
  double amount;
  Work ours;
  Work ceiling = {};  // what the machine itself does, ceiling_amount of the same unit in a call
  double ceiling_amount = 0;
  double pause = 0;  // see Turns
};

class OpsBench {
 public:
  OpsBench(std::string filter, std::vector<int> thread_counts);

  const std::vector<int>& thread_counts() const { return thread_counts_; }
  // Whether the filter lets a row of this name through; asked before its tensors are made.
  bool wants(const std::string& name) const { return name.find(filter_) != std::string::npos; }

  // For each number of threads: sets the library to it, measures the case that make(threads) gives, and
  // prints and keeps the row.
  void measure(const std::string& name, const std::function<Case(int)>& make);
  // A row measured elsewhere, without a ceiling.
  void add(const std::string& name, const std::string& shape, int threads, double value, const char* unit);

  const std::vector<JsonObject>& rows() const { return rows_; }

 private:
  void keep(const std::string& name, const std::string& shape, int threads, double value, const char* unit,
            std::optional<double> ceiling);

  std::string filter_;
  std::vector<int> thread_counts_;
  std::vector<JsonObject> rows_;
};

std::string shape_text(const Shape& shape);  // "(2, 3)"
// The gradients of y with respect to the inputs, again and again from one forward pass.
Work backward_of(const Tensor& y, const std::vector<Tensor>& inputs);

void measure_ceilings(OpsBench& bench);
void measure_matmul(OpsBench& bench);
void measure_fused(OpsBench& bench);   // attention, cross-entropy
void measure_memory(OpsBench& bench);  // element-wise, reductions, normalisation, copies
void measure_tape(OpsBench& bench);
void measure_tokenizers(OpsBench& bench);

}  // namespace gradus::bench
