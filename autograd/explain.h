// What a computation did: explain(loss) reads the tape behind a tensor and tells, op by op, where in the
// model it ran, the shape it made, its arithmetic, the memory it touched and what it keeps for the backward
// pass. Call it before backward(), which frees the tape.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <gradus/core/tensor.h>

namespace gradus {

struct ExplainedOp {
  std::string name;   // with its scopes: gpt.block.3.attn/softmax
  Shape shape;        // of its first output
  double flops;       // floating-point operations of the forward pass
  double products;    // those of matrix products, in the forward and the backward pass together
  double bytes;       // read and written
  std::int64_t kept;  // bytes held for the backward pass and by no earlier op; leaves are not counted
  std::vector<std::size_t> inputs;  // the recorded ops that it used, as places in the list
};

struct Explanation {
  std::vector<ExplainedOp> ops;  // in the order in which they ran
  double flops = 0;
  double products = 0;
  double bytes = 0;
  std::int64_t kept = 0;

  std::string table() const;  // for people, 80 columns wide
  std::string dot() const;    // for Graphviz: dot -Tsvg
};

Explanation explain(const Tensor& output);

}  // namespace gradus
