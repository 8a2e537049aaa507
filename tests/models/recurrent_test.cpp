// Recurrent against the nets of nn, and what may be done with its states.
#include <gradus/models/recurrent.h>

#include <gradus/autograd/engine.h>
#include <gradus/autograd/ops/elementwise.h>
#include <gradus/autograd/ops/join.h>
#include <gradus/autograd/ops/reduce.h>
#include <gradus/core/create.h>
#include <gradus/core/random.h>

#include "support/catch.h"
#include "support/throws.h"

using namespace gradus;
using namespace gradus::models;
using gradus::test::message_of;

namespace {

constexpr Cell all_cells[] = {Cell::rnn, Cell::lstm, Cell::gru};

Tensor ids(const std::vector<std::int64_t>& values) { return from_vector(values); }

// The same weights and random numbers in both; `call` gives the net's output, h and, of an LSTM, c.
template <class Net, class Call>
void check_is(const Net& net, const Recurrent& model, const Call& call, const Tensor& x,
              const RecurrentState& state, const Tensor& lengths) {
  const std::vector<NamedTensor> ours = model.state(), expected = net.state();
  REQUIRE(ours.size() == expected.size());
  for (std::size_t i = 0; i < ours.size(); ++i) {
    CHECK(ours[i].name == std::string(name_of(model.options.cell)).append(".").append(expected[i].name));
    CHECK(equal(ours[i].value, expected[i].value));
  }
  manual_seed(7);
  const std::vector<Tensor> theirs = call(net);
  manual_seed(7);
  const Recurrent::Result result = model(x, state, lengths);
  CHECK(equal(result.output, theirs[0]));
  CHECK(equal(result.state.h, theirs[1]));
  REQUIRE(result.state.c.defined() == (theirs.size() == 3));
  if (theirs.size() == 3) CHECK(equal(result.state.c, theirs[2]));
}

}  // namespace

TEST_CASE("Recurrent is the net of its cell, under the cell's name", "[model]") {
  const auto bidirectional =
      GENERATE(nn::Bidirectional::no, nn::Bidirectional::concat, nn::Bidirectional::sum);
  const nn::RecurrentOptions options{
      .in = 3, .hidden = 4, .layers = 2, .bidirectional = bidirectional, .dropout = 0.5};
  const auto made = [&](Cell cell) {
    manual_seed(3);
    return Recurrent(
        {.cell = cell, .in = 3, .hidden = 4, .layers = 2, .bidirectional = bidirectional, .dropout = 0.5});
  };
  const std::int64_t states = bidirectional == nn::Bidirectional::no ? 2 : 4;
  const Tensor x = randn({3, 5, 3}), h0 = randn({states, 3, 4}), c0 = randn({states, 3, 4});
  const Tensor lengths = ids({5, 2, 4});

  manual_seed(3);
  const nn::RNN rnn({.in = 3, .hidden = 4, .layers = 2, .bidirectional = bidirectional, .dropout = 0.5});
  manual_seed(3);
  const nn::LSTM lstm(options);
  manual_seed(3);
  const nn::GRU gru(options);
  const auto plain = [&](const auto& net) {
    const RecurrentResult result = net(x, {.lengths = lengths, .h0 = h0});
    return std::vector{result.output, result.h};
  };
  const auto with_cell = [&](const nn::LSTM& net) {
    const LstmResult result = net(x, {.lengths = lengths, .h0 = h0, .c0 = c0});
    return std::vector{result.output, result.h, result.c};
  };
  check_is(rnn, made(Cell::rnn), plain, x, {h0}, lengths);
  check_is(lstm, made(Cell::lstm), with_cell, x, {h0, c0}, lengths);
  check_is(gru, made(Cell::gru), plain, x, {h0}, lengths);
}

TEST_CASE("a sequence read in two parts is the sequence, and rows follow the states that are kept",
          "[model]") {
  for (const Cell cell : all_cells) {
    INFO(name_of(cell));
    Recurrent net({.cell = cell, .in = 3, .hidden = 4, .layers = 2});
    net.to(f64);
    const Tensor x = randn({3, 5, 3}, f64);
    const Tensor whole = net(x).output.detach();
    const Recurrent::Result first = net(x.slice(1, 0, 2));
    const Tensor rest = net(x.slice(1, 2, 5), first.state).output.detach();
    CHECK(allclose(concat({first.output.detach(), rest}, 1), whole, 0, 1e-13));

    const Tensor forked = net(concat({x[2], x[0], x[0], x[2]}, 0).reshape({4, 5, 3}).slice(1, 2, 5),
                              first.state.keep_rows(ids({2, 0, 0, 2})))
                              .output.detach();
    for (const auto& [row, from] : {std::pair{0, 2}, {1, 0}, {2, 0}, {3, 2}})
      CHECK(allclose(forked[row], rest[from], 0, 1e-13));
  }
}

TEST_CASE("gradients end at a detached state", "[model][grad]") {
  for (const Cell cell : all_cells) {
    INFO(name_of(cell));
    const Recurrent net({.cell = cell, .in = 3, .hidden = 4});
    const Tensor x = randn({2, 3, 3}).requires_grad_();
    const RecurrentState state = net(x).state, numbers = state.detach();
    CHECK(equal(state.h, numbers.h));
    const auto slope = [&](const RecurrentState& from) {
      return grad({sum(net(ones({2, 2, 3}), from).output)}, {x}, {}, {.allow_unused = true})[0];
    };
    CHECK_FALSE(slope(numbers).defined());
    CHECK(sum(abs(slope(state))).item() > 0);
  }
}

TEST_CASE("a state that stands for zeros may be detached and its rows kept", "[model]") {
  const Recurrent net({.cell = Cell::lstm, .in = 3, .hidden = 4});
  CHECK_FALSE(RecurrentState().detach().defined());
  CHECK_FALSE(RecurrentState().keep_rows(ids({0, 0})).defined());
  const RecurrentState half{randn({1, 2, 4})};
  CHECK(equal(half.keep_rows(ids({1})).h, half.h.slice(1, 1, 2)));
  const Tensor x = randn({2, 1, 3});
  CHECK(equal(net(x, half.detach()).output, net(x, {half.h, zeros({1, 2, 4})}).output));
}

TEST_CASE("a recurrent net's clone has the same weights in another place", "[model]") {
  for (const Cell cell : all_cells) {
    const Recurrent net({.cell = cell, .in = 3, .hidden = 4});
    const Recurrent copy = net.clone();
    const Tensor x = randn({2, 3, 3});
    CHECK(equal(net(x).output, copy(x).output));
    CHECK_FALSE(net.parameters()[0].value.data<float>() == copy.parameters()[0].value.data<float>());
  }
}

TEST_CASE("cells have names", "[model][error]") {
  for (const Cell cell : all_cells) CHECK(cell_of_name(name_of(cell)) == cell);
  CHECK(message_of([] { cell_of_name("LSTM"); }) ==
        "[recurrent] 'LSTM' is no cell. One of rnn, lstm and gru?");
}
