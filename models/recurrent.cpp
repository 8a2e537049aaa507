#include <gradus/models/recurrent.h>

#include <array>

#include <gradus/autograd/ops/index.h>
#include <gradus/core/check.h>

namespace gradus::models {
namespace {

constexpr std::array<const char*, 3> names = {"rnn", "lstm", "gru"};

std::variant<nn::RNN, nn::LSTM, nn::GRU> net_of(const Recurrent::Options& o) {
  const nn::RecurrentOptions common{.in = o.in,
                                    .hidden = o.hidden,
                                    .layers = o.layers,
                                    .bidirectional = o.bidirectional,
                                    .dropout = o.dropout};
  switch (o.cell) {
    case Cell::lstm:
      return nn::LSTM(common);
    case Cell::gru:
      return nn::GRU(common);
    case Cell::rnn:
      break;
  }
  return nn::RNN({.in = o.in,
                  .hidden = o.hidden,
                  .layers = o.layers,
                  .bidirectional = o.bidirectional,
                  .dropout = o.dropout});
}

}  // namespace

const char* name_of(Cell cell) { return names[static_cast<std::size_t>(cell)]; }

Cell cell_of_name(std::string_view name) {
  for (std::size_t i = 0; i < names.size(); ++i)
    if (name == names[i]) return static_cast<Cell>(i);
  fail("recurrent", "'", name, "' is no cell. One of rnn, lstm and gru?");
}

RecurrentState RecurrentState::detach() const {
  const auto off = [](const Tensor& x) { return x.defined() ? x.detach() : x; };
  return {off(h), off(c)};
}

RecurrentState RecurrentState::keep_rows(const Tensor& rows) const {
  const auto kept = [&](const Tensor& x) { return x.defined() ? index_select(x, 1, rows) : x; };
  return {kept(h), kept(c)};
}

Recurrent::Recurrent(const Options& o) : options(o), net(net_of(o)) {}

Recurrent::Result Recurrent::operator()(const Tensor& x, const RecurrentState& state,
                                        const Tensor& lengths) const {
  const nn::Call call(*this);
  if (const auto* const lstm = std::get_if<nn::LSTM>(&net)) {
    LstmResult out = (*lstm)(x, {.lengths = lengths, .h0 = state.h, .c0 = state.c});
    return {std::move(out.output), {std::move(out.h), std::move(out.c)}};
  }
  const nn::SequenceStart start{.lengths = lengths, .h0 = state.h};
  const auto* const gru = std::get_if<nn::GRU>(&net);
  RecurrentResult out = gru != nullptr ? (*gru)(x, start) : std::get<nn::RNN>(net)(x, start);
  return {std::move(out.output), {std::move(out.h)}};
}

}  // namespace gradus::models
