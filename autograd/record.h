// record(): how an op puts itself on the tape. An op is one function: check -> kernel -> record.
//
//   // z = x * y
//   Tensor mul(const Tensor& a, const Tensor& b) {
//     const Broadcast both(a, b, "mul");
//     const Tensor &x = both.x(), &y = both.y();
//     return record("mul", kernels::mul(x, y), inputs(x, y), saves(x, y),
//                   [](Backward& back, const Tensor& dz, const Tensor& x, const Tensor& y) {
//                     if (back.wants(0)) back.give(0, dz * y);
//                     if (back.wants(1)) back.give(1, dz * x);
//                   });
//   }
//
// The rule gets the gradient of the output and what was saved, under the names it chooses. A rule written in
// public ops (as above) is differentiable as it stands. One that calls kernels is not, so its op hands over
// its definition as well: a callable of the inputs, in public ops. Under create_graph the engine runs that on
// the saved inputs and differentiates it.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <span>
#include <type_traits>
#include <utility>
#include <vector>

#include <gradus/autograd/anomaly.h>
#include <gradus/autograd/grad_mode.h>
#include <gradus/autograd/node.h>

namespace gradus {

// What a rule sees of the pass that runs it.
class Backward {
 public:
  // The gradient of output i; undefined where none came, as for an output that nobody used.
  const Tensor& dy(int i = 0) const { return node_.slots[i].gradient; }
  bool wants(int input) const;
  // Hands the gradient of an input on, or ignores it where it is not wanted. A wrong shape or dtype is
  // refused.
  void give(int input, Tensor gradient);
  // What other rules gave that input before, where it may be added to in place; else null. For a rule whose
  // gradient is mostly zeros: it need not make them, nor the engine add them.
  const Tensor* sum_so_far(int input) const;
  // dy handed over, for a rule that passes it on and needs it no more: one reference less to count.
  Tensor take_dy(int i = 0) { return std::move(node_.slots[i].gradient); }
  bool creates_graph() const { return creates_graph_; }
  bool retains_graph() const { return retains_graph_; }

  Backward(Node& node, class Walk& walk, bool creates_graph, bool retains_graph)
      : node_(node), walk_(walk), creates_graph_(creates_graph), retains_graph_(retains_graph) {}

 private:
  const Edge& edge_of(int input) const;

  Node& node_;
  Walk& walk_;
  bool creates_graph_, retains_graph_;
};

template <std::size_t N>
using TensorRefs = std::array<const Tensor*, N>;

// Lists for record(): the tensors the op was called with, and those its rule needs. Undefined ones may stand
// in them.
template <class... T>
TensorRefs<sizeof...(T)> inputs(const T&... x) {
  return {&x...};
}
template <class... T>
TensorRefs<sizeof...(T)> saves(const T&... x) {
  return {&x...};
}

inline bool records(const Tensor& x) { return x.defined() && x.block().node != nullptr; }

// Operations in products of matrices: those of the forward pass, and those that the backward pass must do.
struct Products {
  double forward, backward;
};

// Of a product of a and b: each gradient that is wanted is one more product of as many operations.
inline Products products(double flops, const Tensor& a, const Tensor& b) {
  return {flops, flops * ((records(a) ? 1 : 0) + (records(b) ? 1 : 0))};
}

// saves(needed_by(x, y)): y is kept only if x wants a gradient; else the rule gets an undefined tensor.
inline const Tensor nothing_kept;
inline const Tensor& needed_by(const Tensor& wanting, const Tensor& kept) {
  return records(wanting) ? kept : nothing_kept;
}

struct OpInfo {
  const char* name;
  double flops = -1;         // of the forward pass; negative: one for each element of the output
  double product_flops = 0;  // of both passes
  OpInfo(const char* op) : name(op) {}
  OpInfo(const char* op, double count) : name(op), flops(count) {}
  OpInfo(const char* op, const Products& count)
      : name(op), flops(count.forward), product_flops(count.forward + count.backward) {}
};

struct NoDefinition {};

namespace detail {

// Puts the gradients of `outputs`, computed by the definition from `inputs`, where back wants them.
void give_gradients_of_definition(Backward& back, std::span<const Tensor> outputs,
                                  std::span<const Tensor> inputs);
// The input under a node of its own, so that the walk of the definition ends there, not in the graph around.
Tensor stand_in(const Tensor& input);

inline std::span<const Tensor> as_span(const Tensor& x) { return {&x, 1}; }
inline std::span<const Tensor> as_span(const std::vector<Tensor>& x) { return x; }
template <std::size_t N>
std::span<const Tensor> as_span(const std::array<Tensor, N>& x) {
  return x;
}

inline void connect(Edge& edge, const Tensor& input) {
  if (!records(input)) return;
  edge = {node_of(input), input.block().output_index};
  edge.node->hold();
  if (edge.node->sequence > clock) clock = edge.node->sequence;
}

// N inputs, S saved tensors, M outputs. All of it in one piece of memory.
template <std::size_t N, std::size_t S, std::size_t M, class Rule, class Definition>
class OpNode final : public Node {
 public:
  OpNode(const TensorRefs<N>& inputs, std::span<const Tensor> outputs, const TensorRefs<S>& saves,
         Rule&& rule, Definition&& definition)
      : rule_(std::move(rule)), definition_(std::move(definition)) {
    edges = edges_;
    slots = slots_;
    for (std::size_t i = 0; i < N; ++i) connect(edges_[i], *inputs[i]);
    for (std::size_t i = 0; i < S; ++i) keep(saved_[i], *saves[i], outputs);
    if constexpr (has_definition)
      for (std::size_t i = 0; i < N; ++i) keep(saved_[S + i], *inputs[i], outputs);
  }

  void run(Backward& back) override {
    if constexpr (has_definition) {
      if (back.creates_graph()) return run_definition(back, std::make_index_sequence<N>{});
      // A rule may write where nobody else will read: what only the definition would have read is let go.
      if (!back.retains_graph())
        for (std::size_t i = S; i < kept; ++i) saved_[i].release();
    }
    run_rule(back, std::make_index_sequence<S>{});
  }
  std::span<const Saved> saved() const override { return saved_; }

 private:
  static constexpr bool has_definition = !std::is_same_v<Definition, NoDefinition>;
  static constexpr std::size_t kept = S + (has_definition ? N : 0);

  static void keep(Saved& saved, const Tensor& x, std::span<const Tensor> outputs) {
    if (!x.defined()) return;
    bool own = false;
    for (const Tensor& output : outputs) own |= x.shares_handle_with(output);
    new (&saved) Saved(x, own);
  }

  template <std::size_t... K>
  void run_rule(Backward& back, std::index_sequence<K...>) {
    rule_(back, back.dy(), saved_[K].get(*this, back.retains_graph())...);
  }
  template <std::size_t... K>
  void run_definition(Backward& back, std::index_sequence<K...>) {
    const std::array<Tensor, N> stand_ins{stand_in(saved_[S + K].get(*this, true))...};
    const auto outputs = definition_(stand_ins[K]...);
    give_gradients_of_definition(back, as_span(outputs), stand_ins);
  }
  void release_saved() noexcept override {
    for (Saved& saved : saved_) saved.release();
  }

  std::array<Edge, N> edges_{};
  std::array<Slot, M> slots_;
  std::array<Saved, kept> saved_;
  [[no_unique_address]] Rule rule_;
  [[no_unique_address]] Definition definition_;
};

// Any number of inputs and nothing saved: concat and its like.
template <class Rule>
class ListNode final : public Node {
 public:
  ListNode(std::span<const Tensor> inputs, Rule&& rule) : rule_(std::move(rule)), edges_(inputs.size()) {
    edges = edges_;
    slots = {&slot_, 1};
    for (std::size_t i = 0; i < inputs.size(); ++i) connect(edges_[i], inputs[i]);
  }
  void run(Backward& back) override { rule_(back, back.dy()); }
  std::span<const Saved> saved() const override { return {}; }

 private:
  Rule rule_;
  std::vector<Edge, memory::PoolAllocator<Edge>> edges_;
  Slot slot_;
};

// Any number of outputs and nothing saved: split and its like.
template <std::size_t N, class Rule>
class PiecesNode final : public Node {
 public:
  PiecesNode(const TensorRefs<N>& inputs, std::size_t outputs, Rule&& rule)
      : rule_(std::move(rule)), slots_(outputs) {
    edges = edges_;
    slots = slots_;
    for (std::size_t i = 0; i < N; ++i) connect(edges_[i], *inputs[i]);
  }
  void run(Backward& back) override { rule_(back); }
  std::span<const Saved> saved() const override { return {}; }

 private:
  Rule rule_;
  std::array<Edge, N> edges_{};
  std::vector<Slot, memory::PoolAllocator<Slot>> slots_;
};

// Makes `node` the producer of `outputs`; the last step of every recording.
void attach(Node* node, const OpInfo& op, std::span<const Tensor> outputs);

template <std::size_t N>
bool any_records(const TensorRefs<N>& inputs) {
  for (const Tensor* x : inputs)
    if (records(*x)) return true;
  return false;
}

}  // namespace detail

// Puts `output` on the tape if this thread records and an input wants a gradient; returns it either way.
template <std::size_t N, std::size_t S, class Rule, class Definition = NoDefinition>
Tensor record(const OpInfo& op, Tensor output, const TensorRefs<N>& inputs, const TensorRefs<S>& saves,
              Rule rule, Definition definition = {}) {
  if (anomaly_mode()) [[unlikely]]
    check_finite(op.name, {&output, 1}, inputs);
  if (grad_mode() && detail::any_records(inputs)) {
    using OpNode = detail::OpNode<N, S, 1, Rule, Definition>;
    detail::attach(new OpNode(inputs, {&output, 1}, saves, std::move(rule), std::move(definition)), op,
                   {&output, 1});
  }
  return output;
}

// The same for an op with several outputs. The rule's second argument is the gradient of the first; ask
// back.dy(i) for the others, each of which may be undefined.
template <std::size_t M, std::size_t N, std::size_t S, class Rule, class Definition = NoDefinition>
std::array<Tensor, M> record(const OpInfo& op, std::array<Tensor, M> outputs, const TensorRefs<N>& inputs,
                             const TensorRefs<S>& saves, Rule rule, Definition definition = {}) {
  if (anomaly_mode()) [[unlikely]]
    check_finite(op.name, outputs, inputs);
  if (grad_mode() && detail::any_records(inputs)) {
    using OpNode = detail::OpNode<N, S, M, Rule, Definition>;
    detail::attach(new OpNode(inputs, outputs, saves, std::move(rule), std::move(definition)), op, outputs);
  }
  return outputs;
}

// The same for an op over a list of inputs whose rule needs nothing saved.
template <class Rule>
Tensor record(const OpInfo& op, Tensor output, std::span<const Tensor> inputs, Rule rule) {
  if (anomaly_mode()) [[unlikely]] {
    std::vector<const Tensor*> each;
    for (const Tensor& x : inputs) each.push_back(&x);
    check_finite(op.name, {&output, 1}, each);
  }
  if (grad_mode() && std::any_of(inputs.begin(), inputs.end(), records))
    detail::attach(new detail::ListNode<Rule>(inputs, std::move(rule)), op, {&output, 1});
  return output;
}

// The same for an op whose number of outputs is known at run time only and whose rule needs nothing saved.
// The rule takes the Backward alone and asks it for the gradients, each of which may be undefined.
template <std::size_t N, class Rule>
std::vector<Tensor> record(const OpInfo& op, std::vector<Tensor> outputs, const TensorRefs<N>& inputs,
                           Rule rule) {
  if (anomaly_mode()) [[unlikely]]
    check_finite(op.name, outputs, inputs);
  if (grad_mode() && !outputs.empty() && detail::any_records(inputs))
    detail::attach(new detail::PiecesNode<N, Rule>(inputs, outputs.size(), std::move(rule)), op, outputs);
  return outputs;
}

}  // namespace gradus
