#include <gradus/models/rnn_lm.h>

#include <gradus/autograd/grad_mode.h>
#include <gradus/autograd/ops/random.h>
#include <gradus/core/check.h>

namespace gradus::models {
namespace {

const RnnLm::Options& checked(const RnnLm::Options& o) {
  check(!o.tied || o.width == o.hidden, "rnn_lm",
        "the head can use the embedding's matrix only if both are "
        "of one width, not .width = ",
        o.width, " and .hidden = ", o.hidden, ". Make them equal, or leave out .tied?");
  return o;
}

class RnnWriter final : public Writer {
 public:
  RnnWriter(const RnnLm& model, const RecurrentState& state) : model_(model), state_(state) {}

  Tensor next(const Tensor& ids) override {
    RnnLm::Result result = no_grad([&] { return model_(ids, state_); });
    state_ = std::move(result.state);
    return result.logits.select(1, -1);
  }

  void keep_rows(const Tensor& rows) override {
    state_ = no_grad([&] { return state_.keep_rows(rows); });
  }

 private:
  const RnnLm& model_;
  RecurrentState state_;
};

}  // namespace

RnnLm::RnnLm(const Options& o)
    : options(checked(o)),
      embedding({.count = o.vocabulary, .width = o.width}),
      recurrent(
          {.cell = o.cell, .in = o.width, .hidden = o.hidden, .layers = o.layers, .dropout = o.dropout}),
      head({.in = o.hidden, .out = o.vocabulary}) {
  // As the head's begins: with an embedding's deviation of 1 the first logits would have one of sqrt(hidden).
  if (o.tied) embedding.weight = head.weight;
}

RnnLm::Result RnnLm::operator()(const Tensor& ids, const RecurrentState& state) const {
  const nn::Call call(*this);
  check(ids.rank() == 2, "rnn_lm", "ids must be (B, T), not ", ids.shape(), ". Unsqueeze an axis?");
  const auto dropped = [&](const Tensor& x) { return training() ? dropout(x, options.dropout) : x; };
  Recurrent::Result result = recurrent(dropped(embedding(ids)), state);
  return {head(dropped(result.output)), std::move(result.state)};
}

std::unique_ptr<Writer> RnnLm::writer(const RecurrentState& state) const {
  return std::make_unique<RnnWriter>(*this, state);
}

}  // namespace gradus::models
