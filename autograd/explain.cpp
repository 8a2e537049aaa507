#include <gradus/autograd/explain.h>

#include <algorithm>
#include <iomanip>
#include <sstream>
#include <unordered_map>
#include <unordered_set>

#include <gradus/autograd/node.h>

namespace gradus {
namespace {

double elements(const Slot& slot) { return static_cast<double>(numel_of(slot.shape, "explain")); }
double bytes_of(const Slot& slot) { return elements(slot) * static_cast<double>(size_of(slot.dtype)); }

// All recorded ops behind `output`, inputs before those who use them.
std::vector<Node*> nodes_behind(const Tensor& output) {
  std::vector<Node*> found{node_of(output)};
  std::unordered_set<const Node*> seen{found[0]};
  for (std::size_t i = 0; i < found.size(); ++i)
    for (const Edge& edge : found[i]->edges)
      if (edge.node != nullptr && !edge.node->is_leaf && seen.insert(edge.node).second)
        found.push_back(edge.node);
  std::sort(found.begin(), found.end(),
            [](const Node* a, const Node* b) { return a->sequence < b->sequence; });
  return found;
}

bool belongs_to_leaf(const Block& owner) {
  return owner.node != nullptr && static_cast<Node*>(owner.node)->is_leaf;
}

// Bytes that only the backward pass holds on to, each piece of memory counted where it is first saved.
std::int64_t newly_kept(const Node& node, std::unordered_set<const Block*>& counted) {
  std::int64_t kept = 0;
  for (const Saved& saved : node.saved()) {
    if (saved.block() == nullptr) continue;
    const Block& owner = *saved.block()->owner;
    if (belongs_to_leaf(owner) || !counted.insert(&owner).second) continue;
    kept += owner.numel * static_cast<std::int64_t>(size_of(owner.dtype));
  }
  return kept;
}

double default_bytes(const Node& node) {
  double bytes = 0;
  for (const Slot& slot : node.slots) bytes += bytes_of(slot);
  for (const Edge& edge : node.edges)
    if (edge.node != nullptr) bytes += bytes_of(edge.node->slots[edge.output]);
  return bytes;
}

// 1234567 -> "1.23 M"
std::string scaled(double number) {
  const char* const units[] = {"", " k", " M", " G", " T"};
  std::size_t unit = 0;
  while (number >= 999.5 && unit + 1 < std::size(units)) {
    number /= 1000;
    ++unit;
  }
  std::ostringstream text;
  text << std::setprecision(3) << number << units[unit];
  return text.str();
}

// At most `width` characters; a long name loses its front, since its end says most.
std::string fitted(const std::string& text, std::size_t width) {
  return text.size() <= width ? text : "..." + text.substr(text.size() - (width - 3));
}

std::string line(const std::string& name, const std::string& shape, double flops, double bytes, double kept) {
  std::ostringstream text;
  text << std::left << std::setw(32) << fitted(name, 31) << std::setw(20) << fitted(shape, 19) << std::right
       << std::setw(9) << scaled(flops) << std::setw(9) << scaled(bytes) << std::setw(9) << scaled(kept)
       << '\n';
  return text.str();
}

std::string in_words(const Shape& shape) {
  std::ostringstream text;
  text << shape;
  return text.str();
}

}  // namespace

Explanation explain(const Tensor& output) {
  check(output.requires_grad(), "explain", "nothing was recorded for this tensor of shape ", output.shape(),
        ". Compute it from a tensor with requires_grad_()?");
  check(!node_of(output)->released, "explain",
        "the tape behind this tensor was freed by backward(). Call explain first?");
  Explanation told;
  if (output.is_leaf()) return told;
  std::unordered_map<const Node*, std::size_t> places;
  std::unordered_set<const Block*> counted;
  for (Node* const node : nodes_behind(output)) {
    ExplainedOp op;
    op.name = qualified(node->scope, node->name);
    op.shape = node->slots[0].shape;
    op.flops = node->cost_in_flops >= 0 ? node->cost_in_flops : elements(node->slots[0]);
    op.products = node->product_flops;
    op.bytes = op.flops > 0 ? default_bytes(*node) : 0;  // a view computes nothing and touches nothing
    op.kept = newly_kept(*node, counted);
    for (const Edge& edge : node->edges)
      if (const auto place = places.find(edge.node); place != places.end())
        op.inputs.push_back(place->second);
    places.emplace(node, told.ops.size());
    told.flops += op.flops;
    told.products += op.products;
    told.bytes += op.bytes;
    told.kept += op.kept;
    told.ops.push_back(std::move(op));
  }
  return told;
}

std::string Explanation::table() const {
  std::ostringstream text;
  text << std::left << std::setw(32) << "op" << std::setw(20) << "output" << std::right << std::setw(9)
       << "FLOPs" << std::setw(9) << "bytes" << std::setw(9) << "kept" << '\n';
  for (const ExplainedOp& op : ops)
    text << line(op.name, in_words(op.shape), op.flops, op.bytes, static_cast<double>(op.kept));
  text << line(std::to_string(ops.size()) + " ops", "", flops, bytes, static_cast<double>(kept));
  return text.str();
}

std::string Explanation::dot() const {
  std::ostringstream text;
  text << "digraph tape {\n  node [shape=box, fontname=\"monospace\"];\n";
  for (std::size_t i = 0; i < ops.size(); ++i) {
    text << "  n" << i << " [label=\"" << ops[i].name << "\\n" << ops[i].shape << "\"];\n";
    for (const std::size_t input : ops[i].inputs) text << "  n" << input << " -> n" << i << ";\n";
  }
  text << "}\n";
  return text.str();
}

}  // namespace gradus
