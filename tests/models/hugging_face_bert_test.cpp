// BERT in Hugging Face's folders against PyTorch modules of its names and layouts, whose weights and results
// tests/parity/hugging_face_bert.py wrote.
#include <gradus/models/hugging_face_bert.h>

#include <filesystem>

#include <gradus/autograd/ops/elementwise.h>
#include <gradus/autograd/ops/reduce.h>
#include <gradus/core/create.h>
#include <gradus/core/io/safetensors.h>
#include <gradus/data/wordpiece.h>

#include "support/catch.h"
#include "support/golden.h"
#include "support/hugging_face.h"
#include "support/temporary_folder.h"
#include "support/throws.h"

using namespace gradus;
using namespace gradus::models;
using namespace gradus::test;

namespace {

const std::string golden = GRADUS_SOURCE_DIR "/tests/parity/golden/hugging_face_bert";

std::string refusal_of_config(const std::string& member, const Json& value) {
  return test::refusal_of_config(golden, member, value, [](const std::string& folder) { load_bert(folder); });
}

void replace(std::string& text, const std::string& from, const std::string& to) {
  if (const std::size_t at = text.find(from); at != text.npos) text.replace(at, from.size(), to);
}

const BertText some{.ids = tensor({{5, 39, 11, 0, 7}}, i64), .segments = tensor({{0, 0, 0, 1, 1}}, i64)};

}  // namespace

TEST_CASE("a BERT of Hugging Face's gives the hidden states, logits and gradients that PyTorch gives",
          "[model][parity]") {
  const Golden expected("hugging_face_bert");
  for (const DType dtype : {f32, f64}) {
    const double allowed = dtype == f32 ? 1e-5 : 1e-9;
    INFO(dtype);
    BertPretraining model = load_bert_pretraining(golden);
    CHECK_FALSE(model.training());
    model.to(dtype);
    const BertText text{expected["ids"], expected["segments"], expected["mask"]};
    const std::vector<Tensor> hidden = model.bert.hidden_states(text);
    REQUIRE(hidden.size() == 3);
    for (std::size_t k = 0; k < 3; ++k)
      CHECK(distance(hidden[k], expected["hidden/" + std::to_string(k)]) < allowed);
    CHECK(distance(model.bert.pooled(hidden[2]), expected["pooled"]) < allowed);
    const Tensor mlm = model.mlm(hidden[2]), nsp = model.nsp(hidden[2]);
    CHECK(distance(mlm, expected["mlm"]) < allowed);
    CHECK(distance(nsp, expected["nsp"]) < allowed);

    (sum(mlm * expected["weight_of_mlm"].to(dtype)) + sum(nsp * expected["weight_of_nsp"].to(dtype)))
        .backward();
    // The reference's gradients, laid out as the weights are.
    TemporaryFolder folder;
    write_safetensors(folder / "gradients", expected.group("grad").list());
    BertPretraining gradients = model.clone();
    gradients.to(f64);
    load_bert_weights(gradients, folder / "gradients");
    const std::vector<NamedTensor> ours = model.parameters(), theirs = gradients.parameters();
    for (std::size_t i = 0; i < ours.size(); ++i) {
      INFO(ours[i].name);
      CHECK(distance(ours[i].value.grad(), theirs[i].value.detach()) < allowed);
    }
  }
}

TEST_CASE("query, key and value are told apart by numbers, which shapes do not", "[model]") {
  std::vector<NamedTensor> weights = weights_in(golden);
  const std::string self = "bert.encoder.layer.1.attention.self.";
  const Bert model = load_bert(golden);
  const Tensor& all = model.layers[1].self_attn.in_proj_weight;
  CHECK(equal(all.slice(0, 0, 12), named(weights, self + "query.weight").value));
  CHECK(equal(all.slice(0, 12, 24), named(weights, self + "key.weight").value));
  CHECK(equal(all.slice(0, 24, 36), named(weights, self + "value.weight").value));
  std::swap(named(weights, self + "key.weight").value, named(weights, self + "value.weight").value);
  CHECK(distance(load_bert(ModelFolder(golden, weights).folder / "")(some), model(some).detach().to(f64)) >
        0.01);
}

TEST_CASE("BERT's names may be the older ones, have a prefix or not, and its decoder may be there or not",
          "[model]") {
  const BertPretraining model = load_bert_pretraining(golden);
  const Tensor logits = model.mlm(model.bert(some));
  const auto same = [&](const std::vector<NamedTensor>& weights) {
    const BertPretraining read = load_bert_pretraining(ModelFolder(golden, weights).folder / "");
    return equal(read.mlm(read.bert(some)), logits);
  };
  std::vector<NamedTensor> weights = weights_in(golden);
  for (NamedTensor& x : weights) {
    replace(x.name, "LayerNorm.weight", "LayerNorm.gamma");
    replace(x.name, "LayerNorm.bias", "LayerNorm.beta");
  }
  CHECK(same(weights));
  for (NamedTensor& x : weights)
    if (x.name.starts_with("bert.")) x.name = x.name.substr(5);
  CHECK(same(weights));
  weights.push_back({"embeddings.position_ids", tensor({{0, 1, 2, 3, 4, 5, 6, 7}}, i64)});
  weights.push_back(
      {"cls.predictions.decoder.weight", named(weights, "embeddings.word_embeddings.weight").value});
  weights.push_back({"cls.predictions.decoder.bias", named(weights, "cls.predictions.bias").value});
  CHECK(same(weights));
  std::erase_if(weights, [](const NamedTensor& x) {
    return x.name == "embeddings.word_embeddings.weight" || x.name == "cls.predictions.bias";
  });
  CHECK(same(weights));
}

TEST_CASE("an encoder is read alone, from a file with heads and from one without", "[model]") {
  const Tensor tokens = load_bert_pretraining(golden).bert(some);
  CHECK(equal(load_bert(golden)(some), tokens));
  std::vector<NamedTensor> weights = weights_in(golden);
  std::erase_if(weights, [](const NamedTensor& x) { return x.name.starts_with("cls."); });
  CHECK(equal(load_bert(ModelFolder(golden, weights).folder / "")(some), tokens));
  weights.push_back({"classifier.weight", zeros({3, 12})});
  weights.push_back({"qa_outputs.bias", zeros({2})});
  CHECK(equal(load_bert(ModelFolder(golden, weights).folder / "")(some), tokens));
  const std::string message =
      message_of([&] { load_bert_pretraining(ModelFolder(golden, weights).folder / ""); });
  CHECK(message.find("missing:    cls.predictions.bias or cls.predictions.decoder.bias\n") != message.npos);
  CHECK(message.find("unexpected: classifier.weight\n") != message.npos);
}

TEST_CASE("all that does not fit a BERT is told at once", "[model][error]") {
  std::vector<NamedTensor> weights = weights_in(golden);
  named(weights, "bert.embeddings.LayerNorm.bias").name = "bert.embeddings.LayerNorm.shift";
  named(weights, "bert.encoder.layer.0.attention.self.key.weight").value = zeros({12, 6});
  weights.push_back({"cls.predictions.decoder.weight", zeros({40, 12})});
  const ModelFolder wrong(golden, weights);
  const auto load = [](const std::string& folder) { load_bert_pretraining(folder); };
  CHECK(wrong.refusal("model.safetensors", load) ==
        "[hugging_face] FILE does not fit:\n"
        "  differ:     bert.embeddings.word_embeddings.weight or embeddings.word_embeddings.weight or "
        "cls.predictions.decoder.weight are one here\n"
        "  missing:    bert.embeddings.LayerNorm.bias or embeddings.LayerNorm.bias or "
        "bert.embeddings.LayerNorm.beta or embeddings.LayerNorm.beta\n"
        "  mis-shaped: bert.encoder.layer.0.attention.self.key.weight is (12, 6) of f32, wanted (12, 12)\n"
        "  unexpected: bert.embeddings.LayerNorm.shift\n"
        "Is it another model's, or another config.json's?");
  BertPretraining model = load_bert_pretraining(golden);
  const std::vector<NamedTensor> before = model.clone().state();
  CHECK_THROWS_AS(load_bert_weights(model, wrong.folder / "model.safetensors"), Error);
  const std::vector<NamedTensor> after = model.state();
  for (std::size_t i = 0; i < before.size(); ++i) CHECK(equal(before[i].value, after[i].value));
}

TEST_CASE("a config.json that is no BERT's, or another one's, is refused", "[model][error]") {
  CHECK(refusal_of_config("model_type", "roberta") ==
        "[bert] FILE is for a model of the type roberta, not bert. Another folder?");
  CHECK(refusal_of_config("hidden_size", {}) ==
        "[hugging_face] FILE does not say hidden_size. Is it a model's?");
  CHECK(refusal_of_config("hidden_act", "relu") ==
        "[hugging_face] FILE: hidden_act is \"relu\", and known are gelu. Another model?");
  CHECK(refusal_of_config("position_embedding_type", "relative_key") ==
        "[hugging_face] FILE: position_embedding_type is \"relative_key\", and known are absolute. Another "
        "model?");
  CHECK(refusal_of_config("is_decoder", true) ==
        "[bert] FILE is a decoder's, which sees nothing of what is to come. Another folder?");
  CHECK(refusal_of_config("attention_probs_dropout_prob", 0) ==
        "[bert] FILE: hidden_dropout_prob is 0.1, attention_probs_dropout_prob 0, and Bert has one dropout "
        "for both. Make them equal?");
  CHECK(refusal_of_config("pad_token_id", 0.5) == "[bert] FILE: pad_token_id is no id, but 0.5. 0?");
  CHECK(refusal_of_config("pad_token_id", 40) ==
        "[bert] the padding id 40 is not in the vocabulary of 40 tokens. That of [PAD]?");
  CHECK(refusal_of_config("num_attention_heads", 5).find("cannot be shared by 5 heads") != std::string::npos);
  CHECK(refusal_of_config("num_hidden_layers", 1 << 20).starts_with("[bert] FILE tells of "));
  CHECK(refusal_of_config("num_hidden_layers", 1).find("unexpected: bert.encoder.layer.1.") !=
        std::string::npos);
}

TEST_CASE("a BERT that is saved is what was read, bit for bit, and so is one of ours", "[model]") {
  TemporaryFolder folder;
  save_bert(load_bert_pretraining(golden), folder / "");
  std::vector<NamedTensor> before = weights_in(golden);
  const std::vector<NamedTensor> after = read_safetensors(folder / "model.safetensors").tensors;
  REQUIRE(after.size() == before.size());
  for (const NamedTensor& x : after) CHECK(equal(x.value, named(before, x.name).value));
  // Of an encoder alone the names have no prefix.
  save_bert(load_bert(golden), folder / "encoder");
  for (const NamedTensor& x : read_safetensors(folder / "encoder/model.safetensors").tensors)
    CHECK(equal(x.value, named(before, "bert." + x.name).value));
  CHECK(equal(load_bert(folder / "encoder")(some), load_bert(golden)(some)));

  const BertPretraining ours({.vocabulary = 20,
                              .context = 9,
                              .segments = 3,
                              .width = 8,
                              .layers = 2,
                              .heads = 2,
                              .padding = 4,
                              .dropout = 0.2,
                              .eps = 1e-6,
                              .deviation = 0.3});
  save_bert(ours, folder / "ours");
  const BertPretraining again = load_bert_pretraining(folder / "ours");
  const std::vector<NamedTensor> state = ours.state(), read = again.state();
  REQUIRE(state.size() == read.size());
  for (std::size_t i = 0; i < state.size(); ++i) CHECK(equal(state[i].value, read[i].value));
  CHECK(again.options.hidden == 32);
  CHECK(again.options.padding == 4);
  CHECK(again.options.dropout == 0.2);
  CHECK(again.options.eps == 1e-6);
  CHECK(again.options.deviation == 0.3);
}

TEST_CASE("a folder of BERT's holds its tokenizer as well", "[model]") {
  TemporaryFolder folder;
  data::WordPieceTrainer trainer({});
  trainer.add("the cat sat on the mat and the rat sat on the cat");
  const data::WordPiece tokenizer = trainer.train(40);
  tokenizer.save(folder / "");
  save_bert(
      Bert({.vocabulary = tokenizer.vocabulary().size(), .context = 8, .width = 4, .layers = 1, .heads = 1}),
      folder / "");
  CHECK(is_bert_folder(folder / ""));
  const data::WordPiece read = data::load_wordpiece(folder / "");
  CHECK(read.vocabulary() == tokenizer.vocabulary());
  const Bert model = load_bert(folder / "");
  const data::Ids ids = read.encode("[CLS] the cat [SEP]").ids;
  CHECK(model({.ids = from_vector(ids, {1, std::ssize(ids)})}).shape() == Shape{1, std::ssize(ids), 4});
}
