#include <gradus/models/hugging_face_gpt2.h>

#include <string>
#include <utility>
#include <vector>

#include <gradus/autograd/grad_mode.h>
#include <gradus/core/io/file.h>
#include <gradus/data/json_file.h>
#include <gradus/models/hugging_face.h>

namespace gradus::models {
namespace {

namespace fs = std::filesystem;

const char* const op = "gpt2";

// The first of a meaning is the one that is written.
const std::vector<std::pair<std::string, nn::Activation>> activations = {
    {"gelu_new", nn::Activation::gelu_tanh}, {"gelu_pytorch_tanh", nn::Activation::gelu_tanh},
    {"gelu", nn::Activation::gelu},          {"relu", nn::Activation::relu},
    {"silu", nn::Activation::silu},          {"tanh", nn::Activation::tanh}};

// Where each of their tensors lies.
NamedViews table_of(const Gpt& model) {
  const GradMode off(false);
  NamedViews table;
  const auto add = [&](const Tensor& view, const std::string& name) {
    table.push_back({view, {"transformer." + name, name}});
  };
  const auto add_both = [&](const Tensor& weight, const Tensor& bias, const std::string& name) {
    add(weight, name + ".weight");
    add(bias, name + ".bias");
  };
  const auto add_conv1d = [&](const Tensor& weight, const Tensor& bias, const std::string& name) {
    add_both(weight.transpose(0, 1), bias, name);
  };
  add(model.embedding.weight, "wte.weight");
  if (model.options.tied)
    table.back().names.emplace_back("lm_head.weight");
  else
    table.push_back({model.head.weight, {"lm_head.weight"}});
  add(model.position.weight, "wpe.weight");
  for (std::size_t k = 0; k < model.layers.size(); ++k) {
    const nn::TransformerEncoderLayer& layer = model.layers[k];
    const std::string block = std::string("h.").append(std::to_string(k)).append(".");
    add_both(layer.norm1.weight, layer.norm1.bias, block + "ln_1");
    add_conv1d(layer.self_attn.in_proj_weight, layer.self_attn.in_proj_bias, block + "attn.c_attn");
    add_conv1d(layer.self_attn.out_proj.weight, layer.self_attn.out_proj.bias, block + "attn.c_proj");
    add_both(layer.norm2.weight, layer.norm2.bias, block + "ln_2");
    add_conv1d(layer.feed_forward.linear1.weight, layer.feed_forward.linear1.bias, block + "mlp.c_fc");
    add_conv1d(layer.feed_forward.linear2.weight, layer.feed_forward.linear2.bias, block + "mlp.c_proj");
  }
  add_both(model.norm->weight, model.norm->bias, "ln_f");
  return table;
}

void check_is_gpt2(const Gpt& model) {
  check(model.options.norm == nn::NormPlace::pre, op,
        "GPT-2 has its norms before its sublayers, and this model behind them. NormPlace::pre?");
  check(model.options.position == nn::Position::learned, op,
        "GPT-2's positions are learned, and this model's are not. Position::learned?");
}

bool is_mask(std::string_view name) {
  return name.ends_with(".attn.bias") || name.ends_with(".attn.masked_bias");
}

}  // namespace

bool is_gpt2_folder(const fs::path& folder) {
  return HuggingFaceConfig(folder).text("model_type", "") == "gpt2";
}

GptConfig read_gpt2_config(const fs::path& folder) {
  const HuggingFaceConfig said(folder);
  const std::string type = said.text("model_type", "gpt2");
  check(type == "gpt2", op, said.file(), " is for a model of the type ", type, ", not gpt2. Another folder?");
  check(said.truth("scale_attn_weights", true) && !said.truth("scale_attn_by_inverse_layer_idx", false), op,
        said.file(), " scales the scores of attention in a way that is not known here. Another folder?");
  const double dropout = said.number("resid_pdrop", 0.1);
  for (const char* const name : {"embd_pdrop", "attn_pdrop"})
    check(said.number(name, 0.1) == dropout, op, said.file(), ": resid_pdrop is ", dropout, ", ", name, " ",
          said.number(name, 0.1), ", and Gpt has one dropout for all. Make them equal?");
  GptConfig config{.vocabulary = said.size("vocab_size"),
                   .context = said.size("n_positions"),
                   .width = said.size("n_embd"),
                   .layers = said.size("n_layer"),
                   .heads = said.size("n_head"),
                   .dropout = dropout,
                   .activation = said.one_of("activation_function", "gelu_new", activations),
                   .tied = said.truth("tie_word_embeddings", true),
                   .eps = said.number("layer_norm_epsilon", 1e-5)};
  config.hidden = said.size("n_inner", 4 * config.width);
  return config;
}

Gpt load_gpt2(const fs::path& folder) {
  const GptConfig config = read_gpt2_config(folder);
  const fs::path file = folder / "model.safetensors";
  // Before there is a model of whatever size config.json asks for. A weight has two bytes at least, and some
  // may be missing, which the table will tell.
  const std::size_t bytes = MappedFile(file.string()).bytes().size();
  check(static_cast<std::size_t>(config.parameter_count()) <= 4 * bytes, op,
        (folder / "config.json").string(), " tells of ", config.parameter_count(), " weights, and ",
        file.string(), " has ", bytes, " bytes. Is it another model's?");
  Gpt model(config);
  load_gpt2_weights(model, file);
  model.eval();
  return model;
}

void load_gpt2_weights(Gpt& model, const fs::path& file) {
  check_is_gpt2(model);
  load_named_views(table_of(model), file, is_mask);
}

void save_gpt2(const Gpt& model, const fs::path& folder) {
  check_is_gpt2(model);
  const GptConfig& o = model.options;
  std::string activation;
  for (const auto& [name, meaning] : activations)
    if (activation.empty() && meaning == o.activation) activation = name;
  check(!activation.empty(), op, "GPT-2 has no name for the activation ", nn::name_of(o.activation),
        ". gelu_tanh?");
  data::write_json(folder, "config.json",
                   Json::Object{{"model_type", "gpt2"},
                                {"architectures", Json::Array{"GPT2LMHeadModel"}},
                                {"vocab_size", o.vocabulary},
                                {"n_positions", o.context},
                                {"n_embd", o.width},
                                {"n_layer", o.layers},
                                {"n_head", o.heads},
                                {"n_inner", o.hidden_width()},
                                {"activation_function", activation},
                                {"layer_norm_epsilon", o.eps},
                                {"resid_pdrop", o.dropout},
                                {"embd_pdrop", o.dropout},
                                {"attn_pdrop", o.dropout},
                                {"tie_word_embeddings", o.tied}});
  save_named_views(table_of(model), folder / "model.safetensors");
}

}  // namespace gradus::models
