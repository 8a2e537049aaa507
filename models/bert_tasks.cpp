#include <gradus/models/bert_tasks.h>

#include <limits>
#include <utility>

#include <gradus/autograd/ops/compare.h>
#include <gradus/autograd/ops/elementwise.h>
#include <gradus/autograd/ops/join.h>
#include <gradus/autograd/ops/loss.h>
#include <gradus/autograd/ops/reduce.h>
#include <gradus/core/check.h>

namespace gradus::models {
namespace {

const char* const op = "bert_task";

using Options = BertTask::Options;

bool has_outputs(TaskHead head) { return head == TaskHead::text || head == TaskHead::tags; }

Options checked(const Options& o) {
  check(has_outputs(o.head) ? o.outputs > 0 : o.outputs == 0, op,
        has_outputs(o.head) ? "texts and tags have one output or more, not "
                            : "choices and spans have outputs of their own, not ",
        o.outputs, has_outputs(o.head) ? ". As many as there are labels?" : ". Leave it out?");
  check(o.tuning != Tuning::features || (o.feature_layers > 0 && o.feature_layers <= o.bert.layers), op,
        "features of ", o.feature_layers, " layers, and Bert has ", o.bert.layers, ". At most as many?");
  check(!o.tells_words || o.tuning == Tuning::all, op,
        "hidden words teach nothing to layers that stay as they are. Tuning::all?");
  return o;
}

// What stays as it is gives the same each time.
BertConfig encoder_of(const Options& o) {
  BertConfig config = o.bert;
  if (o.tuning != Tuning::all) config.dropout = 0;
  return config;
}

std::int64_t outputs_of(const Options& o) {
  if (o.head == TaskHead::span) return 2;
  return o.head == TaskHead::choice ? 1 : o.outputs;
}

BertText one_row_each(const BertText& text) {
  const auto flat = [](const Tensor& x) { return x.defined() ? x.flatten(0, 1) : x; };
  return {flat(text.ids), flat(text.segments), flat(text.mask)};
}

}  // namespace

BertTask::BertTask(const Options& o)
    : options(checked(o)),
      bert(encoder_of(o)),
      dropout({.p = o.dropout}),
      head({.in = o.bert.width, .out = outputs_of(o)}) {
  nn::normal_weights(head, o.bert.deviation);
  if (o.tells_words) {
    words.emplace(bert);
    nn::normal_weights(words->transform, o.bert.deviation);
  }
  if (o.tuning == Tuning::all) return;
  bert.requires_grad_(false);
  if (o.tuning == Tuning::frozen) {
    bert.pooler.requires_grad_(true);
    return;
  }
  const std::int64_t beside = o.features == Features::side_by_side ? o.feature_layers : 1;
  mix.emplace(nn::Linear::Options{.in = beside * o.bert.width, .out = o.bert.width});
}

// What stands for each token, (B, T, width).
Tensor BertTask::of_tokens(const BertText& text) const {
  if (!mix) return bert(text);
  const std::vector<Tensor> states = bert.hidden_states(text);
  const std::vector<Tensor> last(states.end() - options.feature_layers, states.end());
  if (options.features == Features::side_by_side) return tanh((*mix)(concat(last, -1)));
  Tensor all = last[0];
  for (std::size_t i = 1; i < last.size(); ++i) all = all + last[i];
  return tanh((*mix)(all));
}

// What stands for each text, (B, width).
Tensor BertTask::of_text(const BertText& text) const {
  const Tensor tokens = of_tokens(text);
  if (!mix) return bert.pooled(tokens);
  if (!text.mask.defined()) return mean(tokens, 1);
  const Tensor real = text.mask.to(tokens.dtype()).unsqueeze(-1);
  return sum(tokens * real, 1) / sum(real, 1);
}

Tensor BertTask::operator()(const BertText& text) const {
  const nn::Call call(*this);
  switch (options.head) {
    case TaskHead::text:
      return head(dropout(of_text(text)));
    case TaskHead::choice: {
      check(text.ids.rank() == 3, op, "ids of choices must be (B, C, T), not of shape ", text.ids.shape(),
            ". A text for each choice?");
      return head(dropout(of_text(one_row_each(text)))).reshape({text.ids.size(0), text.ids.size(1)});
    }
    case TaskHead::span: {
      const Tensor logits = head(dropout(of_tokens(text))).transpose(1, 2);
      if (!text.mask.defined()) return logits;
      return masked_fill(logits, logical_not(text.mask).unsqueeze(1),
                         -std::numeric_limits<double>::infinity());
    }
    case TaskHead::tags:
      break;
  }
  return head(dropout(of_tokens(text)));
}

Tensor BertTask::words_loss(const BertText& hidden, const Tensor& labels) const {
  const nn::Call call(*this);
  check(words.has_value(), op, "there is no head that tells words. Options::tells_words?");
  const bool is_choice = options.head == TaskHead::choice;
  return words->loss(bert(is_choice ? one_row_each(hidden) : hidden), labels);
}

Tensor BertTask::loss(const BertText& text, const Tensor& labels) const {
  const Tensor logits = (*this)(text);
  const bool is_number = options.head == TaskHead::text && options.outputs == 1;
  return is_number ? mse_loss(logits.squeeze(-1), labels) : cross_entropy(logits, labels);
}

std::vector<TokenSpan> best_spans(const Tensor& logits, const BertText& text) {
  const Tensor& ids = text.ids;
  check(ids.rank() == 2 && logits.shape() == Shape{ids.size(0), 2, ids.size(1)} && text.segments.defined() &&
            text.segments.shape() == ids.shape(),
        "best_spans", "logits must be (B, 2, T), and ids and segments (B, T); logits are ", logits.shape(),
        " and ids ", ids.shape(), ". Those of one call?");
  const std::int64_t rows = ids.size(0), steps = ids.size(1);
  const std::vector<double> scores = logits.to(f64).to_vector<double>();
  const std::vector<std::int64_t> segments = text.segments.to_vector<std::int64_t>();
  std::vector<TokenSpan> best;
  for (std::int64_t row = 0; row < rows; ++row) {
    const std::int64_t* const segment = segments.data() + row * steps;
    const double* const start = scores.data() + 2 * row * steps;
    const double* const end = start + steps;
    TokenSpan found{-1, -1};
    std::int64_t begin = -1;  // where the best span that ends here starts
    for (std::int64_t t = 0; t + 1 < steps; ++t) {
      if (segment[t] != 1 || segment[t + 1] != 1) continue;
      if (begin < 0 || start[t] > start[begin]) begin = t;
      if (found.first < 0 || start[begin] + end[t] > start[found.first] + end[found.last]) found = {begin, t};
    }
    check(found.first >= 0, "best_spans", "row ", row,
          " has no second text to find an answer in. Segments 1 for its tokens and its [SEP]?");
    best.push_back(found);
  }
  return best;
}

}  // namespace gradus::models
