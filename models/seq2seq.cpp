#include <gradus/models/seq2seq.h>

#include <vector>

#include <gradus/autograd/grad_mode.h>
#include <gradus/autograd/ops/compare.h>
#include <gradus/autograd/ops/elementwise.h>
#include <gradus/autograd/ops/index.h>
#include <gradus/autograd/ops/join.h>
#include <gradus/autograd/ops/random.h>
#include <gradus/autograd/ops/reduce.h>
#include <gradus/core/create.h>

namespace gradus::models {
namespace {

const char* const op = "seq2seq";

using Options = Seq2Seq::Options;

// Of h_1 ... h_S, and with them of a context that attention gives.
std::int64_t encoded_width(const Options& o) {
  return o.bidirectional == nn::Bidirectional::concat ? 2 * o.hidden : o.hidden;
}

std::int64_t context_width(const Options& o) {
  switch (o.context) {
    case Context::start:
      break;
    case Context::fixed:
      return o.hidden;
    case Context::attention:
      return encoded_width(o);
  }
  return 0;
}

Options checked(const Options& o) {
  check(o.dropout >= 0 && o.dropout <= 1, op, "dropout is a probability between 0 and 1, not ", o.dropout,
        ". Divide a percentage by 100?");
  check(o.padding >= 0 && o.padding < o.source_vocabulary && o.padding < o.target_vocabulary, op,
        "the padding id ", o.padding, " is not in both vocabularies, of ", o.source_vocabulary, " and ",
        o.target_vocabulary, " tokens. An id that both have?");
  const bool product = o.score == nn::Score::dot || o.score == nn::Score::scaled;
  check(o.context != Context::attention || !product || encoded_width(o) == o.hidden, op,
        "dot and scaled scores need states of one width; the encoder's two directions beside each other "
        "make ",
        encoded_width(o), ", and the decoder's are ", o.hidden,
        ". Bidirectional::sum, or Score::general, which has a matrix between them?");
  return o;
}

nn::ModuleList<nn::Linear> bridge(const Options& o, bool wanted) {
  nn::ModuleList<nn::Linear> layers;
  if (wanted && o.bidirectional == nn::Bidirectional::concat)
    for (std::int64_t k = 0; k < o.layers; ++k)
      layers.push_back(nn::Linear({.in = 2 * o.hidden, .out = o.hidden}));
  return layers;
}

// What the decoder's layers begin with, (L, B, hidden), given what the encoder's ended with: (L, B, hidden),
// or (2 L, B, hidden), each layer's two directions one after the other.
Tensor across(const Tensor& last, const nn::ModuleList<nn::Linear>& bridge, const Options& o) {
  if (!last.defined() || o.bidirectional == nn::Bidirectional::no) return last;
  const Tensor forward = last.slice(0, 0, 2 * o.layers, 2), backward = last.slice(0, 1, 2 * o.layers, 2);
  if (o.bidirectional == nn::Bidirectional::sum) return forward + backward;
  const Tensor both = concat({forward, backward}, -1);
  std::vector<Tensor> layers;
  for (std::int64_t k = 0; k < o.layers; ++k)
    layers.push_back(tanh(bridge[static_cast<std::size_t>(k)](both[k])));
  return stack(layers, 0);
}

Tensor rows_of(const Tensor& x, const Tensor& rows) {
  return x.defined() ? index_select(x, 0, rows) : Tensor();
}

void check_input(const Tensor& input, std::int64_t rows) {
  check(input.rank() == 2 && input.size(0) == rows && input.size(1) > 0, op, "the input must be ids (", rows,
        ", T), a row for each source and T at least 1, not of shape ", input.shape(), ". Batch first?");
}

}  // namespace

Seq2Seq::Seq2Seq(const Options& o)
    : options(checked(o)),
      source_embedding({.count = o.source_vocabulary, .width = o.width, .padding = o.padding}),
      target_embedding({.count = o.target_vocabulary, .width = o.width, .padding = o.padding}),
      encoder({.cell = o.cell,
               .in = o.width,
               .hidden = o.hidden,
               .layers = o.layers,
               .bidirectional = o.bidirectional,
               .dropout = o.dropout}),
      bridge_h(bridge(o, true)),
      bridge_c(bridge(o, o.cell == Cell::lstm)),
      decoder({.cell = o.cell,
               .in = o.width + context_width(o),
               .hidden = o.hidden,
               .layers = o.layers,
               .dropout = o.dropout}),
      head({.in = o.hidden, .out = o.target_vocabulary}) {
  if (o.context == Context::attention)
    attention.emplace(nn::Attention::Options{
        .score = o.score, .query = o.hidden, .key = encoded_width(o), .hidden = o.hidden});
}

Seq2Seq::Encoded Seq2Seq::Encoded::keep_rows(const Tensor& rows) const {
  return {.state = state.keep_rows(rows),
          .context = rows_of(context, rows),
          .memory = {rows_of(memory.keys, rows), rows_of(memory.values, rows), rows_of(memory.mask, rows)}};
}

Tensor Seq2Seq::thinned(const Tensor& x) const { return training() ? dropout(x, options.dropout) : x; }

// What the decoder sees of ids (B, T): (B, T, width).
Tensor Seq2Seq::told(const Tensor& ids) const { return thinned(target_embedding(ids)); }

Seq2Seq::Encoded Seq2Seq::encode(const data::Padded& source) const {
  const nn::Call call(*this);
  check(source.ids.rank() == 2, op, "the source must be ids (B, S), not of shape ", source.ids.shape(),
        ". Unsqueeze the axis of a single sentence?");
  const auto [states, last] = encoder(thinned(source_embedding(source.ids)), {}, source.lengths);
  Encoded made{.state = {across(last.h, bridge_h, options), across(last.c, bridge_c, options)}};
  if (options.context == Context::fixed) made.context = made.state.h[-1];
  if (attention) made.memory = attention->memory(states, states, source.mask);
  return made;
}

// The decoder goes on from `state`, told `embedded` (B, T, width): all steps at once, but one where it
// attends, since what it asks for is the state that the step before left.
Seq2Seq::Steps Seq2Seq::advance(const Tensor& embedded, const Encoded& encoded, const RecurrentState& state,
                                bool with_weights) const {
  Tensor x = embedded, weights;
  if (options.context == Context::fixed) {
    const Tensor& c = encoded.context;
    x = concat({x, c.unsqueeze(1).expand({c.size(0), x.size(1), c.size(1)})}, -1);
  }
  if (attention) {
    const Tensor query = state.h[-1].unsqueeze(1);  // (B, 1, hidden)
    const AttentionResult seen = with_weights ? attention->with_weights(query, encoded.memory)
                                              : AttentionResult{(*attention)(query, encoded.memory), {}};
    x = concat({x, seen.output}, -1);
    weights = seen.weights;
  }
  Recurrent::Result next = decoder(x, state);
  return {std::move(next.output), std::move(next.state), std::move(weights)};
}

// From a state through all of input (B, T).
Seq2Seq::Steps Seq2Seq::decode(const Encoded& encoded, RecurrentState state, const Tensor& input,
                               bool with_weights) const {
  const Tensor embedded = told(input);
  if (!attention) return advance(embedded, encoded, state);
  std::vector<Tensor> outputs, weights;
  for (std::int64_t t = 0; t < input.size(1); ++t) {
    Steps step = advance(embedded.slice(1, t, t + 1), encoded, state, with_weights);
    state = std::move(step.state);
    outputs.push_back(std::move(step.output));
    if (with_weights) weights.push_back(std::move(step.weights));
  }
  return {concat(outputs, 1), std::move(state), with_weights ? concat(weights, 1) : Tensor()};
}

// The input where some ids are the model's own choice. Choices carry no gradient, so that they can be made
// ahead, and what is recorded is a decoding like any other.
Tensor Seq2Seq::scheduled(const Encoded& encoded, const Tensor& input, double teacher) const {
  const GradMode off(false);
  const Tensor by_teacher = bernoulli(teacher, input.shape());
  RecurrentState state = encoded.state;
  std::vector<Tensor> ids{input.slice(1, 0, 1)};  // (B, 1) each
  for (std::int64_t t = 1; t < input.size(1); ++t) {
    Steps step = advance(told(ids.back()), encoded, state);
    state = std::move(step.state);
    const Tensor own = argmax(head(thinned(step.output)), -1);
    ids.push_back(where(by_teacher.slice(1, t, t + 1), input.slice(1, t, t + 1), own));
  }
  return concat(ids, 1);
}

Tensor Seq2Seq::operator()(const data::Padded& source, const Tensor& input, double teacher) const {
  const nn::Call call(*this);
  check(teacher >= 0 && teacher <= 1, op, "teacher is a probability between 0 and 1, not ", teacher,
        ". 1 for no choices of its own?");
  check_input(input, source.ids.size(0));
  const Encoded encoded = encode(source);
  const bool chooses = training() && teacher < 1;
  const Tensor told_before = chooses ? scheduled(encoded, input, teacher) : input;
  return head(thinned(decode(encoded, encoded.state, told_before, false).output));
}

Seq2Seq::Attended Seq2Seq::with_weights(const data::Padded& source, const Tensor& input) const {
  const nn::Call call(*this);
  check(attention.has_value(), op, "has no weights to show without attention. Context::attention?");
  check_input(input, source.ids.size(0));
  const Encoded encoded = encode(source);
  const Steps steps = decode(encoded, encoded.state, input, true);
  return {head(thinned(steps.output)), steps.weights};
}

class Seq2Seq::Translation final : public Writer {
 public:
  Translation(const Seq2Seq& model, const data::Padded& source)
      : model_(model), encoded_(no_grad([&] { return model.encode(source); })), state_(encoded_.state) {}

  Tensor next(const Tensor& ids) override {
    const GradMode off(false);
    const nn::Call call(model_);
    check_input(ids, encoded_.state.h.size(1));
    Steps steps = model_.decode(encoded_, state_, ids, false);
    state_ = std::move(steps.state);
    return model_.head(model_.thinned(steps.output.select(1, -1)));
  }

  void keep_rows(const Tensor& rows) override {
    const GradMode off(false);
    encoded_ = encoded_.keep_rows(rows);
    state_ = state_.keep_rows(rows);
  }

 private:
  const Seq2Seq& model_;
  Encoded encoded_;
  RecurrentState state_;
};

std::unique_ptr<Writer> Seq2Seq::writer(const data::Padded& source) const {
  return std::make_unique<Translation>(*this, source);
}

}  // namespace gradus::models
