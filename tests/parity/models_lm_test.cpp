// The recurrent language model and the shapes of recurrent use against PyTorch.
#include <gradus/models/recurrent_shapes.h>

#include "support/catch.h"
#include "support/golden.h"

using namespace gradus;
using namespace gradus::models;
using namespace gradus::test;

namespace {

ParityCase words(const RnnLm::Options& options) {
  return layer(RnnLm(options), [](RnnLm& m, const NamedValues& in) {
    const RnnLm::Result found = m(in["ids"], {in["h0"], in["c0"]});
    std::vector<NamedTensor> all = {{"logits", found.logits}, {"h", found.state.h}};
    if (found.state.c.defined()) all.push_back({"c", found.state.c});
    return NamedValues(all);
  });
}

template <class Model>
ParityCase reading(Model made) {
  return layer(std::move(made), [](Model& m, const NamedValues& in) { return m(in["x"], in["lengths"]); });
}

}  // namespace

TEST_CASE("the recurrent language model and the four shapes agree with PyTorch", "[parity][model]") {
  std::map<std::string, ParityCase> cases;
  for (const Cell cell : {Cell::rnn, Cell::lstm, Cell::gru}) {
    const auto add = [&](const char* name, ParityCase made) {
      cases[std::string(name_of(cell)).append(name)] = std::move(made);
    };
    const RnnLm::Options small{.vocabulary = 5, .cell = cell, .width = 2, .hidden = 3};
    RnnLm::Options deep = small, tied = small;
    deep.layers = 2;
    tied.width = 3, tied.tied = true;
    add(" language model", words(small));
    add(" language model from a state", words(deep));
    add(" language model tied", words(tied));

    const ReadingOptions vectors{.cell = cell, .in = 2, .hidden = 3, .out = 2};
    const ReadingOptions ids{.cell = cell,
                             .vocabulary = 5,
                             .in = 2,
                             .hidden = 3,
                             .out = 2,
                             .layers = 2,
                             .bidirectional = nn::Bidirectional::concat};
    add(" one to one", layer(OneToOne({.cell = cell, .in = 2, .hidden = 3, .out = 2})));
    add(" many to one", reading(ManyToOne(vectors)));
    add(" many to one of ids", reading(ManyToOne(ids)));
    add(" many to many", reading(ManyToMany(vectors)));
    add(" many to many of ids", reading(ManyToMany(ids)));
    add(" one to many", layer(OneToMany({.labels = 3, .lm = deep}), [](OneToMany& m, const NamedValues& in) {
          return m(in["labels"], in["ids"]);
        }));
  }
  check_family("models_lm", cases);
}
