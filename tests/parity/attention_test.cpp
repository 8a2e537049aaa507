// Attention, positions and the layers of the Transformer against PyTorch, or its formulas where it has none.
#include <gradus/nn/attention.h>
#include <gradus/nn/position.h>
#include <gradus/nn/transformer.h>

#include "support/catch.h"
#include "support/golden.h"

using namespace gradus;
using namespace gradus::test;

namespace {

// Values are of the fused form, the weights and their gradients of the other one.
ParityCase attention(nn::Score score, std::int64_t key, std::int64_t hidden = 0) {
  return layer(nn::Attention({.score = score, .query = 3, .key = key, .hidden = hidden}),
               [](nn::Attention& m, const NamedValues& in) {
                 const nn::Attention::Memory memory = m.memory(in["keys"], in["values"], in["real"]);
                 return NamedValues{{"y", m(in["queries"], memory)},
                                    {"weights", m.with_weights(in["queries"], memory).weights}};
               });
}

ParityCase multi_head(const nn::MultiHeadAttention::Options& options = {.width = 4, .heads = 2},
                      bool causal = false) {
  return layer(nn::MultiHeadAttention(options), [causal](nn::MultiHeadAttention& m, const NamedValues& in) {
    const nn::MayAttend may = {.causal = causal, .real = in["real"], .mask = in["mask"]};
    if (in["memory"].defined())
      return NamedValues{{"y", m(in["x"], in["memory"], may)},
                         {"weights", m.with_weights(in["x"], in["memory"], may).weights}};
    return NamedValues{{"y", m(in["x"], may)}, {"weights", m.with_weights(in["x"], may).weights}};
  });
}

ParityCase positions(nn::Position position) {
  return layer(
      nn::PositionalEncoding(
          {.width = position == nn::Position::learned ? 3 : 6, .position = position, .max_length = 9}),
      [](nn::PositionalEncoding& m, const NamedValues& in) { return m(in["x"], 2); });
}

ParityCase encoder(const nn::TransformerOptions& options, bool causal = false) {
  return layer(nn::TransformerEncoderLayer(options),
               [causal](nn::TransformerEncoderLayer& m, const NamedValues& in) {
                 return m(in["x"], {.causal = causal, .real = in["real"]});
               });
}
ParityCase decoder(const nn::TransformerOptions& options) {
  return layer(nn::TransformerDecoderLayer(options),
               [](nn::TransformerDecoderLayer& m, const NamedValues& in) {
                 return m(in["x"], in["memory"], {.causal = true}, {.real = in["real"]});
               });
}

}  // namespace

TEST_CASE("attention, positions and the layers of the Transformer agree with PyTorch", "[parity]") {
  std::map<std::string, ParityCase> cases = {
      {"dot", attention(nn::Score::dot, 3)},
      {"scaled", attention(nn::Score::scaled, 3)},
      {"general", attention(nn::Score::general, 2)},
      {"additive", attention(nn::Score::additive, 2, 5)},
      {"concat", attention(nn::Score::concat, 2, 5)},
      {"multi-head", multi_head()},
      {"multi-head without bias", multi_head({.width = 4, .heads = 2, .bias = false})},
      {"multi-head causal", multi_head({.width = 4, .heads = 2}, true)},
      {"multi-head padded", multi_head()},
      {"multi-head causal and padded", multi_head({.width = 4, .heads = 2}, true)},
      {"multi-head across", multi_head()},
      {"multi-head across, masked and padded", multi_head()},
      {"multi-head with added scores", multi_head()},
      {"multi-head with rotary positions",
       layer(nn::MultiHeadAttention({.width = 8, .heads = 2, .rotary = 5}),
             [](nn::MultiHeadAttention& m, const NamedValues& in) { return m(in["x"], {.causal = true}); })},
      {"sinusoids", positions(nn::Position::sinusoidal)},
      {"index positions", positions(nn::Position::index)},
      {"normalised positions", positions(nn::Position::normalised)},
      {"learned positions", positions(nn::Position::learned)},
      {"rotary", layer(nn::Rotary({.width = 6, .max_length = 9}))},
  };
  for (const nn::NormPlace place : {nn::NormPlace::post, nn::NormPlace::pre}) {
    const std::string suffix = place == nn::NormPlace::post ? " layer post " : " layer pre ";
    nn::TransformerOptions options = {.width = 4, .heads = 2, .hidden = 5, .norm = place};
    cases["encoder" + suffix + "causal"] = encoder(options, true);
    for (const nn::Activation activation : {nn::Activation::relu, nn::Activation::gelu}) {
      options.activation = activation;
      const char* name = activation == nn::Activation::relu ? "relu" : "gelu";
      cases["encoder" + suffix + name] = encoder(options);
      cases["decoder" + suffix + name] = decoder(options);
    }
  }
  check_family("attention", cases);
}
