// GPT-2 in Hugging Face's folders against PyTorch modules of its names and layouts, whose weights and results
// tests/parity/hugging_face_gpt2.py wrote.
#include <gradus/models/hugging_face_gpt2.h>

#include <filesystem>

#include <gradus/autograd/engine.h>
#include <gradus/autograd/grad_mode.h>
#include <gradus/autograd/ops/elementwise.h>
#include <gradus/autograd/ops/reduce.h>
#include <gradus/core/create.h>
#include <gradus/core/io/file.h>
#include <gradus/core/io/safetensors.h>
#include <gradus/data/bpe.h>
#include <gradus/models/sampling.h>

#include "support/catch.h"
#include "support/golden.h"
#include "support/hugging_face.h"
#include "support/temporary_folder.h"
#include "support/throws.h"

using namespace gradus;
using namespace gradus::models;
using namespace gradus::test;

namespace {

const std::string golden = GRADUS_SOURCE_DIR "/tests/parity/golden/hugging_face_gpt2";

std::string refusal_of_config(const std::string& member, const Json& value) {
  return test::refusal_of_config(golden, member, value, [](const std::string& folder) { load_gpt2(folder); });
}

}  // namespace

TEST_CASE("a GPT-2 of Hugging Face's gives the hidden states, logits and gradients that PyTorch gives",
          "[model][parity]") {
  const Golden expected("hugging_face_gpt2");
  for (const DType dtype : {f32, f64}) {
    const double allowed = dtype == f32 ? 1e-5 : 1e-9;
    INFO(dtype);
    Gpt model = load_gpt2(golden);
    CHECK_FALSE(model.training());
    model.to(dtype);
    const Tensor ids = expected["ids"];
    Tensor x = model.position(model.embedding(ids));
    CHECK(distance(x, expected["hidden/0"]) < allowed);
    x = model.layers[0](x, {.causal = true});
    CHECK(distance(x, expected["hidden/1"]) < allowed);
    CHECK(distance(model.hidden_states(ids), expected["hidden/2"]) < allowed);
    const Tensor logits = model(ids);
    CHECK(distance(logits, expected["logits"]) < allowed);

    sum(logits * expected["weight_of"].to(dtype)).backward();
    // The reference's gradients, laid out as the weights are.
    TemporaryFolder folder;
    write_safetensors(folder / "gradients", expected.group("grad").list());
    Gpt gradients = model.clone();
    gradients.to(f64);
    load_gpt2_weights(gradients, folder / "gradients");
    const std::vector<NamedTensor> ours = model.parameters(), theirs = gradients.parameters();
    for (std::size_t i = 0; i < ours.size(); ++i) {
      INFO(ours[i].name);
      CHECK(distance(ours[i].value.grad(), theirs[i].value.detach()) < allowed);
    }
  }
}

TEST_CASE("the square matrix behind attention is transposed, as numbers tell and shapes do not", "[model]") {
  std::vector<NamedTensor> weights = weights_in(golden);
  NamedTensor& square = named(weights, "transformer.h.1.attn.c_proj.weight");
  CHECK(square.value.size(0) == square.value.size(1));
  const Gpt model = load_gpt2(golden);
  CHECK(equal(model.layers[1].self_attn.out_proj.weight, square.value.transpose(0, 1)));
  CHECK_FALSE(equal(model.layers[1].self_attn.out_proj.weight, square.value));
  square.value = square.value.transpose(0, 1);
  const Gpt other = load_gpt2(ModelFolder(golden, weights).folder / "");
  const Golden expected("hugging_face_gpt2");
  CHECK(distance(other(expected["ids"]), expected["logits"]) > 0.01);
}

TEST_CASE("GPT-2's names may have a prefix or not, its head may be there or not, and masks are passed over",
          "[model]") {
  const Gpt model = load_gpt2(golden);
  const Tensor ids = tensor({{5, 63, 0, 17}}, i64);
  const auto same = [&](const std::vector<NamedTensor>& weights) {
    return equal(load_gpt2(ModelFolder(golden, weights).folder / "")(ids), model(ids));
  };
  std::vector<NamedTensor> plain = weights_in(golden);
  for (NamedTensor& x : plain) x.name = x.name.substr(std::string("transformer.").size());
  CHECK(same(plain));
  plain.push_back({"h.0.attn.bias", ones({1, 1, 16, 16})});
  plain.push_back({"h.1.attn.masked_bias", full({}, -1e4)});
  CHECK(same(plain));
  std::vector<NamedTensor> headed = weights_in(golden);
  headed.push_back({"lm_head.weight", named(headed, "transformer.wte.weight").value});
  CHECK(same(headed));
  // Whoever writes a tied matrix once may do so under either name.
  std::erase_if(headed, [](const NamedTensor& x) { return x.name == "transformer.wte.weight"; });
  CHECK(same(headed));
}

TEST_CASE("all that does not fit a GPT-2 is told at once", "[model][error]") {
  std::vector<NamedTensor> weights = weights_in(golden);
  named(weights, "transformer.h.0.ln_1.bias").name = "transformer.h.0.ln_1.beta";
  named(weights, "transformer.h.1.mlp.c_fc.weight").value = zeros({48, 12});
  named(weights, "transformer.wpe.weight").value = zeros({16, 12}, i64);
  weights.push_back({"lm_head.weight", zeros({64, 12})});
  const auto load = [](const std::string& folder) { load_gpt2(folder); };
  CHECK(ModelFolder(golden, weights).refusal("model.safetensors", load) ==
        "[hugging_face] FILE does not fit:\n"
        "  differ:     transformer.wte.weight or wte.weight or lm_head.weight are one here\n"
        "  mis-shaped: transformer.wpe.weight is (16, 12) of i64, wanted (16, 12)\n"
        "  missing:    transformer.h.0.ln_1.bias or h.0.ln_1.bias\n"
        "  mis-shaped: transformer.h.1.mlp.c_fc.weight is (48, 12) of f32, wanted (12, 48)\n"
        "  unexpected: transformer.h.0.ln_1.beta\n"
        "Is it another model's, or another config.json's?");
  Gpt model = load_gpt2(golden);
  const std::vector<NamedTensor> before = model.clone().state();
  const ModelFolder wrong(golden, weights);
  CHECK_THROWS_AS(load_gpt2_weights(model, wrong.folder / "model.safetensors"), Error);
  const std::vector<NamedTensor> after = model.state();
  for (std::size_t i = 0; i < before.size(); ++i) CHECK(equal(before[i].value, after[i].value));
}

TEST_CASE("a config.json that is no GPT-2's, or another one's, is refused", "[model][error]") {
  CHECK(refusal_of_config("model_type", "llama") ==
        "[gpt2] FILE is for a model of the type llama, not gpt2. Another folder?");
  CHECK(refusal_of_config("n_embd", {}) == "[hugging_face] FILE does not say n_embd. Is it a model's?");
  CHECK(refusal_of_config("n_layer", -3) ==
        "[hugging_face] FILE: n_layer is a size from 1 to 1048576, not -3. Is the file damaged?");
  CHECK(refusal_of_config("n_head", "three").starts_with("[hugging_face] FILE: n_head: "));
  CHECK(refusal_of_config("n_head", 5) ==
        "[gpt] a width of 12 cannot be shared by 5 heads. A multiple of the heads?");
  CHECK(refusal_of_config("activation_function", "swiglu") ==
        "[hugging_face] FILE: activation_function is \"swiglu\", and known are gelu_new, gelu_pytorch_tanh, "
        "gelu, relu, silu, tanh. Another model?");
  CHECK(refusal_of_config("attn_pdrop", 0) ==
        "[gpt2] FILE: resid_pdrop is 0.1, attn_pdrop 0, and Gpt has one dropout for all. Make them equal?");
  CHECK(refusal_of_config("scale_attn_by_inverse_layer_idx", true) ==
        "[gpt2] FILE scales the scores of attention in a way that is not known here. Another folder?");
  CHECK(refusal_of_config("n_layer", 1 << 20).starts_with("[gpt2] FILE tells of 1975518168 weights, "));
  CHECK(refusal_of_config("n_layer", 1).find("unexpected: transformer.h.1.ln_1.bias") != std::string::npos);
}

TEST_CASE("a file that is no safetensors file does no harm as a GPT-2", "[model][error]") {
  const ModelFolder made(golden, weights_in(golden));
  const std::string file = made.folder / "model.safetensors", whole = read_file(file);
  const auto refused = [&](const std::string& bytes) {
    write_atomically(file, [&](const Sink& sink) { sink(bytes); });
    return message_of([&] { load_gpt2(made.folder / ""); });
  };
  std::string endless = whole;
  endless.replace(0, 8, "\xff\xff\xff\xff\xff\xff\xff\x7f");  // of its header's size
  CHECK(refused(endless).starts_with("[load] "));
  std::string outside = whole;
  const std::size_t offset = outside.find("\"data_offsets\":[0,");
  REQUIRE(offset != outside.npos);
  outside[offset + 16] = '9';  // so that nothing holds the first bytes
  CHECK(refused(outside).starts_with("[load] "));
  CHECK(refused(whole.substr(0, whole.size() - 1)).starts_with("[load] "));
}

TEST_CASE("a GPT-2 that is saved is what was read, bit for bit, and so is one of ours", "[model]") {
  TemporaryFolder folder;
  save_gpt2(load_gpt2(golden), folder / "");
  std::vector<NamedTensor> before = weights_in(golden);
  const std::vector<NamedTensor> after = read_safetensors(folder / "model.safetensors").tensors;
  REQUIRE(after.size() == before.size());
  for (const NamedTensor& x : after) CHECK(equal(x.value, named(before, x.name).value));

  for (const bool tied : {true, false}) {
    const Gpt ours({.vocabulary = 20,
                    .context = 9,
                    .width = 8,
                    .layers = 2,
                    .heads = 2,
                    .hidden = 24,
                    .dropout = 0.2,
                    .activation = nn::Activation::relu,
                    .tied = tied,
                    .eps = 1e-6});
    save_gpt2(ours, folder / "ours");
    const Gpt again = load_gpt2(folder / "ours");
    const std::vector<NamedTensor> state = ours.state(), read = again.state();
    REQUIRE(state.size() == read.size());
    for (std::size_t i = 0; i < state.size(); ++i) CHECK(equal(state[i].value, read[i].value));
    CHECK(again.options.dropout == 0.2);
    CHECK(again.options.eps == 1e-6);
    CHECK(again.options.hidden_width() == 24);
    CHECK(again.options.activation == nn::Activation::relu);
  }
  GptConfig other{.vocabulary = 5, .context = 4, .width = 4, .layers = 1, .heads = 1};
  other.norm = nn::NormPlace::post;
  CHECK(message_of([&] { save_gpt2(Gpt(other), folder / "no"); }) ==
        "[gpt2] GPT-2 has its norms before its sublayers, and this model behind them. NormPlace::pre?");
  other.norm = nn::NormPlace::pre, other.position = nn::Position::none;
  CHECK(message_of([&] { save_gpt2(Gpt(other), folder / "no"); }) ==
        "[gpt2] GPT-2's positions are learned, and this model's are not. Position::learned?");
  other.position = nn::Position::learned, other.activation = nn::Activation::softplus;
  CHECK(message_of([&] { save_gpt2(Gpt(other), folder / "no"); }) ==
        "[gpt2] GPT-2 has no name for the activation Softplus. gelu_tanh?");
  CHECK_FALSE(std::filesystem::exists(folder / "no"));
}

TEST_CASE("a folder of GPT-2's holds its tokenizer as well", "[model]") {
  TemporaryFolder folder;
  data::BpeTrainer trainer;
  trainer.add("the cat sat on the mat and the rat sat on the cat");
  const data::Bpe tokenizer = trainer.train(270);
  Gpt model(
      {.vocabulary = tokenizer.vocabulary().size(), .context = 16, .width = 8, .layers = 1, .heads = 2});
  tokenizer.save(folder / "");
  save_gpt2(model, folder / "");
  CHECK(is_gpt2_folder(folder / ""));
  const Gpt read = load_gpt2(folder / "");
  model.eval();
  const GenerateOptions options{.tokens = 12, .seed = 4};
  CHECK(generate(*read.writer(), data::load_bpe(folder / ""), "the cat", options) ==
        generate(*model.writer(), tokenizer, "the cat", options));
}
