#include <gradus/models/recurrent_shapes.h>

#include <gradus/autograd/grad_mode.h>
#include <gradus/autograd/ops/elementwise.h>
#include <gradus/autograd/ops/join.h>
#include <gradus/autograd/ops/random.h>
#include <gradus/core/check.h>

namespace gradus::models {
namespace {

std::optional<nn::Embedding> embedding_of(const ReadingOptions& o) {
  check(o.vocabulary >= 0, "recurrent_shapes", "vocabulary is how many ids there are, not ", o.vocabulary,
        ". 0 for sequences of vectors?");
  if (o.vocabulary == 0) return std::nullopt;
  return nn::Embedding({.count = o.vocabulary, .width = o.in});
}

Recurrent net_of(const ReadingOptions& o) {
  return Recurrent({.cell = o.cell,
                    .in = o.in,
                    .hidden = o.hidden,
                    .layers = o.layers,
                    .bidirectional = o.bidirectional,
                    .dropout = o.dropout});
}

nn::Linear head_of(const ReadingOptions& o) {
  const bool twice = o.bidirectional == nn::Bidirectional::concat;
  return nn::Linear({.in = twice ? 2 * o.hidden : o.hidden, .out = o.out});
}

Tensor dropped(const Tensor& x, const nn::Module& model, double p) {
  return model.training() ? dropout(x, p) : x;
}

template <class Model>
Recurrent::Result read(const Model& model, const Tensor& x, const Tensor& lengths) {
  if (!model.embedding) return model.recurrent(x, {}, lengths);
  check(x.rank() == 2, "recurrent_shapes", "ids must be (B, T), not ", x.shape(), ". Unsqueeze an axis?");
  return model.recurrent(dropped((*model.embedding)(x), model, model.options.dropout), {}, lengths);
}

}  // namespace

OneToOne::OneToOne(const Options& o)
    : options(o),
      recurrent({.cell = o.cell, .in = o.in, .hidden = o.hidden}),
      head({.in = o.hidden, .out = o.out}) {}

Tensor OneToOne::operator()(const Tensor& x) const {
  const nn::Call call(*this);
  check(x.rank() == 2, "recurrent_shapes", "x must be (B, in), not ", x.shape(),
        ". ManyToOne reads sequences?");
  return head(recurrent(x.unsqueeze(1)).output.squeeze(1));
}

ManyToOne::ManyToOne(const ReadingOptions& o)
    : options(o), embedding(embedding_of(o)), recurrent(net_of(o)), head(head_of(o)) {}

Tensor ManyToOne::operator()(const Tensor& x, const Tensor& lengths) const {
  const nn::Call call(*this);
  const Tensor h = read(*this, x, lengths).state.h;  // (layers * directions, B, hidden)
  Tensor last = h[-1];
  if (options.bidirectional == nn::Bidirectional::concat) last = concat({h[-2], last}, -1);
  if (options.bidirectional == nn::Bidirectional::sum) last = h[-2] + last;
  return head(dropped(last, *this, options.dropout));
}

ManyToMany::ManyToMany(const ReadingOptions& o)
    : options(o), embedding(embedding_of(o)), recurrent(net_of(o)), head(head_of(o)) {}

Tensor ManyToMany::operator()(const Tensor& x, const Tensor& lengths) const {
  const nn::Call call(*this);
  return head(dropped(read(*this, x, lengths).output, *this, options.dropout));
}

OneToMany::OneToMany(const Options& o)
    : options(o), label({.count = o.labels, .width = o.lm.layers * o.lm.hidden}), lm(o.lm) {}

RecurrentState OneToMany::start(const Tensor& labels) const {
  check(labels.rank() == 1, "recurrent_shapes", "labels must be (B,), not ", labels.shape(),
        ". Flatten them?");
  return {label(labels).reshape({-1, options.lm.layers, options.lm.hidden}).transpose(0, 1)};
}

Tensor OneToMany::operator()(const Tensor& labels, const Tensor& ids) const {
  const nn::Call call(*this);
  return lm(ids, start(labels)).logits;
}

std::unique_ptr<Writer> OneToMany::writer(const Tensor& labels) const {
  return lm.writer(no_grad([&] { return start(labels); }));
}

}  // namespace gradus::models
