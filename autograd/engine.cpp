#include <gradus/autograd/engine.h>

#include <thread>
#include <unordered_map>
#include <unordered_set>

#include <gradus/autograd/ops/elementwise.h>
#include <gradus/autograd/ops/view.h>
#include <gradus/autograd/profile.h>
#include <gradus/autograd/record.h>
#include <gradus/core/kernels/copy.h>
#include <gradus/core/kernels/elementwise.h>

namespace gradus {

// One backward pass. Of the nodes with a gradient, the latest made is taken next: everyone who used its
// outputs has been, so its gradients are complete. The others wait in a heap; in a mere chain of ops there
// are none.
//
// Whoever starts a walk holds the nodes it starts from. They hold all others, since a node keeps its edges
// for as long as it lives; so the walk itself counts no references.
class Walk {
 public:
  struct Targets {
    // The nodes whose gradients are asked for, and all on the way from the outputs to them.
    std::unordered_set<const Node*> leading_there;
    // For each of those that is no leaf, the output asked for and where its gradient goes.
    std::unordered_multimap<const Node*, std::pair<std::uint32_t, Tensor*>> at;
  };

  // It starts at `from`. With targets it is grad(); without, each leaf gathers its gradient.
  Walk(std::span<const Tensor> from, bool create_graph, bool retain_graph, const Targets* targets)
      : from_(from),
        create_graph_(create_graph),
        retain_graph_(retain_graph || create_graph),
        finite_only_(anomaly_mode()),
        targets_(targets),
        outer_(std::exchange(innermost, this)) {}

  ~Walk() {
    // None but for a pass that failed: what waits is spent.
    for (Node* node : {current_, next_})
      if (node != nullptr) abandon(*node);
    for (Node* node : heap_) abandon(*node);
    try {
      finish_leaves();
    } catch (const OutOfMemory&) {
      // Of a pass that failed, gradients may be partial.
    }
    while (owned_ != nullptr) let_go_of_owned();
    innermost = outer_;
  }

  bool finite_only() const { return finite_only_; }

  bool wants(const Edge& edge) const {
    return edge.node != nullptr && (targets_ == nullptr || targets_->leading_there.contains(edge.node));
  }

  void give(const Edge& edge, Tensor&& gradient) {
    Node& node = *edge.node;
    if (node.is_leaf) return add(gathered_for(static_cast<Leaf&>(node)), std::move(gradient));
    if (node.walk != this) {
      check(node.walk == nullptr, "backward", "this graph is being walked already, at '", node.name,
            "'. Call backward or grad on it after the first pass, not from a hook?");
      await(node);
    }
    add(node.slots[edge.output].gradient, std::move(gradient));
  }

  const Tensor* sum_so_far(const Edge& edge) {
    if (finite_only_ || !wants(edge)) return nullptr;  // anomaly mode looks at what each rule gives
    Node& node = *edge.node;
    if (node.is_leaf ? !owns(static_cast<Leaf&>(node)) : node.walk != this) return nullptr;
    const Tensor& sum = node.is_leaf ? static_cast<Leaf&>(node).gathered : node.slots[edge.output].gradient;
    return sum.defined() && may_be_added_to(sum) ? &sum : nullptr;
  }

  void run() {
    const GradMode recording(create_graph_);
    while (next_ != nullptr) {
      take_next();
      visit(*current_);
      Node* const done = std::exchange(current_, nullptr);
      done->walk = nullptr;
      for (Slot& slot : done->slots) slot.gradient = Tensor();
    }
    for (Leaf* leaf = owned_; leaf != nullptr; leaf = leaf->next_owned)
      if (leaf->hooks != nullptr) call_hooks(*leaf, 0, leaf->gathered);
    if (others_ == nullptr) return;
    for (auto& [leaf, gathered] : *others_)
      if (leaf->hooks != nullptr) call_hooks(*leaf, 0, gathered);
  }

  // Gives the leaves what has gathered for them and lets go of them. Those owned come first: a pass that
  // waits for another to let go of a leaf must not be waited for itself.
  void finish_leaves() {
    while (owned_ != nullptr) {
      put(*owned_);
      let_go_of_owned();
    }
    if (others_ == nullptr || targets_ != nullptr) return;
    while (!others_->empty()) {
      auto entry = others_->extract(others_->begin());
      Leaf& leaf = *entry.key();
      if (given_to_outer(leaf, std::move(entry.mapped()))) continue;
      for (void* nobody = nullptr;
           !leaf.walker.compare_exchange_weak(nobody, this, std::memory_order_acquire); nobody = nullptr)
        std::this_thread::yield();
      own(leaf, std::move(entry.mapped()));
      put(leaf);
      let_go_of_owned();
    }
  }

  // Where a leaf's gradient gathers until the pass ends. Other threads may be walking to the same leaf: the
  // first to come owns it, and the others gather on their own.
  Tensor& gathered_for(Leaf& leaf) {
    if (owns(leaf)) return leaf.gathered;
    if (others_ == nullptr) others_ = std::make_unique<std::unordered_map<Leaf*, Tensor>>();
    return (*others_)[&leaf];
  }

 private:
  // Whether this pass owns the leaf, as it does from here on if nobody did.
  bool owns(Leaf& leaf) {
    if (leaf.walker.load(std::memory_order_relaxed) == this) return true;
    if (others_ != nullptr && others_->contains(&leaf)) return false;
    void* nobody = nullptr;
    if (!leaf.walker.compare_exchange_strong(nobody, this, std::memory_order_acquire)) return false;
    // Starting from what the leaf has, a sum over several passes needs no second buffer.
    const bool goes_on = targets_ == nullptr && leaf.hooks == nullptr;
    own(leaf, goes_on ? std::move(leaf.gradient) : Tensor());
    return true;
  }

  static bool earlier(const Node* a, const Node* b) { return a->sequence < b->sequence; }

  void await(Node& node) {
    const bool comes_next = next_ == nullptr || earlier(next_, &node);
    if (Node* const waits = comes_next ? next_ : &node; waits != nullptr) {
      heap_.push_back(waits);
      std::push_heap(heap_.begin(), heap_.end(), earlier);
    }
    if (comes_next) next_ = &node;
    node.walk = this;
  }

  void take_next() {
    current_ = std::exchange(next_, nullptr);
    if (heap_.empty()) return;
    std::pop_heap(heap_.begin(), heap_.end(), earlier);
    next_ = heap_.back();
    heap_.pop_back();
  }

  void visit(Node& node) {
    if (node.hooks != nullptr)
      for (std::uint32_t i = 0; i < node.slots.size(); ++i) call_hooks(node, i, node.slots[i].gradient);
    if (targets_ != nullptr) {
      const auto [first, last] = targets_->at.equal_range(&node);
      for (auto it = first; it != last; ++it) *it->second.second = node.slots[it->second.first].gradient;
      if (first != last && !leads_on(node)) return;
    }
    check(!node.released, "backward", "the graph behind '", node.name,
          "' was freed by an earlier backward pass. Pass retain_graph = true to the first?");
    Backward back(node, *this, create_graph_, retain_graph_);
    if (finite_only_) [[unlikely]] {
      // What a rule gives is checked under its op's name; the ops that it is written in would tell theirs.
      const AnomalyMode off(false);
      node.run(back);
    } else {
      node.run(back);
    }
    if (!retain_graph_) node.release();
    if (detail::profile != nullptr) [[unlikely]]
      detail::profile->walked(node.name);
  }

  bool leads_on(const Node& node) const {
    return std::any_of(node.edges.begin(), node.edges.end(),
                       [this](const Edge& edge) { return wants(edge); });
  }

  void call_hooks(Node& node, std::uint32_t output, Tensor& gradient) {
    if (!gradient.defined()) return;
    if (held_.empty())
      held_.assign(from_.begin(), from_.end());             // the hook may let go of the last other handles
    for (std::size_t i = 0; i < node.hooks->size(); ++i) {  // a hook may register another
      const auto [watched, hook] = (*node.hooks)[i];
      if (watched != output) continue;
      Tensor changed = hook(gradient);
      if (!changed.defined()) continue;
      check(changed.shape() == gradient.shape() && changed.dtype() == gradient.dtype(), "hook",
            "a hook on the output of '", node.name, "' returned shape ", changed.shape(), " of ",
            changed.dtype(), " for a gradient of shape ", gradient.shape(), " of ", gradient.dtype(),
            ". Return the same shape?");
      gradient = std::move(changed);
    }
  }

  static bool may_be_added_to(const Tensor& sum) {
    return !grad_mode() && sum.is_sole_owner() && sum.is_contiguous() && !sum.requires_grad();
  }

  static void add(Tensor& sum, Tensor&& gradient) {
    if (!sum.defined())
      sum = std::move(gradient);
    else if (may_be_added_to(sum))
      kernels::add_into(sum, gradient);
    else
      sum = sum + gradient;
  }

  void own(Leaf& leaf, Tensor gathered) {
    leaf.gathered = std::move(gathered);
    leaf.next_owned = std::exchange(owned_, &leaf);
  }

  void put(Leaf& leaf) const {
    if (targets_ == nullptr && leaf.gathered.defined()) leaf.put_gradient(std::move(leaf.gathered));
  }

  void let_go_of_owned() {
    Leaf& leaf = *std::exchange(owned_, owned_->next_owned);
    leaf.gathered = Tensor();
    leaf.walker.store(nullptr, std::memory_order_release);
  }

  // A leaf that a pass around this one owns, this having begun in one of its hooks, would be waited for for
  // ever.
  bool given_to_outer(Leaf& leaf, Tensor&& gathered) const {
    Walk* owner = outer_;
    while (owner != nullptr && leaf.walker.load(std::memory_order_relaxed) != owner) owner = owner->outer_;
    if (owner == nullptr) return false;
    if (owner->targets_ == nullptr)
      add(leaf.gathered, std::move(gathered));
    else
      leaf.put_gradient(std::move(gathered));
    return true;
  }

  void abandon(Node& node) {
    for (Slot& slot : node.slots) slot.gradient = Tensor();
    node.walk = nullptr;
    node.release();
  }

  std::span<const Tensor> from_;
  std::vector<Tensor> held_;
  bool create_graph_, retain_graph_, finite_only_;
  const Targets* targets_;
  Walk* outer_;  // the pass of this thread whose hook or rule began this one
  static thread_local constinit Walk* innermost;
  Node* current_ = nullptr;
  Node* next_ = nullptr;
  std::vector<Node*, memory::PoolAllocator<Node*>> heap_;  // what waits besides `next_`, all made before it
  Leaf* owned_ = nullptr;                                  // the first of the leaves that this pass owns
  std::unique_ptr<std::unordered_map<Leaf*, Tensor>> others_;  // leaves that another pass owns
};

thread_local constinit Walk* Walk::innermost = nullptr;

const Edge& Backward::edge_of(int input) const {
  check(input >= 0 && static_cast<std::size_t>(input) < node_.edges.size(), node_.name,
        "the rule speaks of input ", input, ", and it has ", node_.edges.size(),
        ", counted from 0. Is its rule right?");
  return node_.edges[static_cast<std::size_t>(input)];
}

bool Backward::wants(int input) const { return walk_.wants(edge_of(input)); }

const Tensor* Backward::sum_so_far(int input) const { return walk_.sum_so_far(edge_of(input)); }

void Backward::give(int input, Tensor gradient) {
  const Edge& edge = edge_of(input);
  if (!gradient.defined() || !walk_.wants(edge)) return;
  const Slot& slot = edge.node->slots[edge.output];
  check(gradient.shape() == slot.shape && gradient.dtype() == slot.dtype, node_.name, "the rule gave input ",
        input, " of shape ", slot.shape, " and ", slot.dtype, " a gradient of shape ", gradient.shape(),
        " and ", gradient.dtype(), ". Is its rule right?");
  if (walk_.finite_only()) [[unlikely]]
    check_finite_gradient(node_, input, gradient);
  walk_.give(edge, std::move(gradient));
}

Tensor detail::stand_in(const Tensor& input) {
  if (!records(input)) return input;
  const GradMode recording(true);
  return view_as_itself(input);
}

void detail::give_gradients_of_definition(Backward& back, std::span<const Tensor> outputs,
                                          std::span<const Tensor> inputs) {
  std::vector<Tensor> used, cotangents, wanted;
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    if (!back.dy(static_cast<int>(i)).defined() || !outputs[i].requires_grad()) continue;
    used.push_back(outputs[i]);
    cotangents.push_back(back.dy(static_cast<int>(i)));
  }
  std::vector<int> places;
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    if (!back.wants(static_cast<int>(i))) continue;
    places.push_back(static_cast<int>(i));
    wanted.push_back(inputs[i]);
  }
  const std::vector<Tensor> gradients =
      grad(used, wanted, cotangents, {.create_graph = true, .allow_unused = true});
  for (std::size_t i = 0; i < places.size(); ++i) back.give(places[i], gradients[i]);
}

namespace {

// What starts a walk: the given gradient, or 1 for a single number.
Tensor seed_for(const Tensor& output, const Tensor& gradient, const char* op) {
  check(output.requires_grad(), op, "the output of shape ", output.shape(),
        " has no history: nothing it was computed from asked for a gradient. Call requires_grad_() on an "
        "input before computing it?");
  if (!gradient.defined()) {
    check(output.numel() == 1, op, "needs a single number to start from; the output has shape ",
          output.shape(), ". Reduce it with sum or mean, or pass a gradient of that shape?");
    return kernels::full(output.shape(), 1, output.dtype());
  }
  check(gradient.shape() == output.shape() && gradient.dtype() == output.dtype(), op,
        "the gradient has shape ", gradient.shape(), " and ", gradient.dtype(), ", the output ",
        output.shape(), " and ", output.dtype(), ". Make them the same?");
  return gradient;
}

Edge edge_to(const Tensor& x) { return {node_of(x), x.block().output_index}; }

// Marks, without recursion, every node from which a target can be reached.
void mark_leading(const Node* root, Walk::Targets& targets, std::unordered_set<const Node*>& seen) {
  if (!seen.insert(root).second) return;
  std::vector<std::pair<const Node*, std::size_t>> path{{root, 0}};
  while (!path.empty()) {
    auto& [node, next] = path.back();
    if (next < node->edges.size()) {
      const Node* const input = node->edges[next++].node;
      if (input != nullptr && seen.insert(input).second) path.emplace_back(input, 0);
      continue;
    }
    const bool leads = std::any_of(node->edges.begin(), node->edges.end(), [&](const Edge& edge) {
      return edge.node != nullptr && targets.leading_there.contains(edge.node);
    });
    if (leads) targets.leading_there.insert(node);
    path.pop_back();
  }
}

}  // namespace

std::vector<Tensor> grad(const std::vector<Tensor>& outputs, const std::vector<Tensor>& inputs,
                         const std::vector<Tensor>& grad_outputs, const GradOptions& options) {
  check(grad_outputs.empty() || grad_outputs.size() == outputs.size(), "grad", "got ", grad_outputs.size(),
        " output gradients for ", outputs.size(), " outputs. One for each?");
  std::vector<Tensor> gradients(inputs.size());
  Walk::Targets targets;
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    check(inputs[i].requires_grad(), "grad", "input ", i, " of shape ", inputs[i].shape(),
          " does not ask for a gradient. Call requires_grad_() on it before computing the outputs?");
    targets.leading_there.insert(node_of(inputs[i]));
    if (!node_of(inputs[i])->is_leaf)
      targets.at.emplace(node_of(inputs[i]), std::pair{inputs[i].block().output_index, &gradients[i]});
  }
  std::vector<Tensor> seeds;
  std::unordered_set<const Node*> seen;
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    seeds.push_back(seed_for(outputs[i], grad_outputs.empty() ? Tensor() : grad_outputs[i], "grad"));
    mark_leading(node_of(outputs[i]), targets, seen);
  }
  {
    Walk walk(outputs, options.create_graph, options.retain_graph, &targets);
    for (std::size_t i = 0; i < outputs.size(); ++i)
      if (walk.wants(edge_to(outputs[i]))) walk.give(edge_to(outputs[i]), std::move(seeds[i]));
    walk.run();
    for (std::size_t i = 0; i < inputs.size(); ++i)
      if (node_of(inputs[i])->is_leaf)
        gradients[i] = walk.gathered_for(static_cast<Leaf&>(*node_of(inputs[i])));
  }
  for (std::size_t i = 0; i < inputs.size(); ++i)
    check(gradients[i].defined() || options.allow_unused, "grad", "input ", i, " of shape ",
          inputs[i].shape(),
          " has no part in the outputs. Pass allow_unused = true to get an undefined gradient?");
  return gradients;
}

void Tensor::backward(bool retain_graph) const { backward(Tensor(), retain_graph); }

void Tensor::backward(const Tensor& gradient, bool retain_graph) const {
  Tensor seed = seed_for(*this, gradient, "backward");
  Walk walk({this, 1}, false, retain_graph, nullptr);
  walk.give(edge_to(*this), std::move(seed));
  walk.run();
  walk.finish_leaves();
}

}  // namespace gradus
