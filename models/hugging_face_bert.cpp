#include <gradus/models/hugging_face_bert.h>

#include <algorithm>
#include <string>
#include <utility>

#include <gradus/autograd/grad_mode.h>
#include <gradus/core/io/file.h>
#include <gradus/data/json_file.h>
#include <gradus/models/hugging_face.h>

namespace gradus::models {
namespace {

namespace fs = std::filesystem;

const char* const op = "bert";

// Where each of their tensors lies; what may be called so and so is written under the first name.
class Table {
 public:
  // The names of an encoder alone have no prefix.
  explicit Table(const Bert& model, bool is_alone) : is_alone_(is_alone) {
    add(model.word.weight, "embeddings.word_embeddings.weight");
    add(model.position.weight, "embeddings.position_embeddings.weight");
    add(model.segment.weight, "embeddings.token_type_embeddings.weight");
    add(model.norm, "embeddings.LayerNorm");
    for (std::size_t k = 0; k < model.layers.size(); ++k)
      add(model.layers[k], std::string("encoder.layer.").append(std::to_string(k)).append("."));
    add(model.pooler, "pooler.dense");
  }

  explicit Table(const BertPretraining& model) : Table(model.bert, false) {
    views[0].names.emplace_back("cls.predictions.decoder.weight");  // the word embedding's matrix
    const auto add_own = [&](const Tensor& view, std::vector<std::string> names) {
      for (std::string& name : names) name.insert(0, "cls.");
      views.push_back({view, std::move(names)});
    };
    add_own(model.mlm.transform.weight, {"predictions.transform.dense.weight"});
    add_own(model.mlm.transform.bias, {"predictions.transform.dense.bias"});
    add_own(model.mlm.norm.weight,
            {"predictions.transform.LayerNorm.weight", "predictions.transform.LayerNorm.gamma"});
    add_own(model.mlm.norm.bias,
            {"predictions.transform.LayerNorm.bias", "predictions.transform.LayerNorm.beta"});
    add_own(model.mlm.decoder.bias, {"predictions.bias", "predictions.decoder.bias"});
    add_own(model.next.weight, {"seq_relationship.weight"});
    add_own(model.next.bias, {"seq_relationship.bias"});
  }

  NamedViews views;

 private:
  void add(const Tensor& view, const std::string& name, const std::string& old_name = {}) {
    std::vector<std::string> names;
    for (const std::string& each : {name, old_name}) {
      if (each.empty()) continue;
      names.push_back(is_alone_ ? each : "bert." + each);
      names.push_back(is_alone_ ? "bert." + each : each);
    }
    views.push_back({view, std::move(names)});
  }
  void add(const nn::Linear& linear, const std::string& name) {
    add(linear.weight, name + ".weight");
    add(linear.bias, name + ".bias");
  }
  void add(const nn::LayerNorm& norm, const std::string& name) {
    add(norm.weight, name + ".weight", name + ".gamma");
    add(norm.bias, name + ".bias", name + ".beta");
  }
  void add(const nn::TransformerEncoderLayer& layer, const std::string& name) {
    const std::int64_t width = layer.options.width;
    std::int64_t row = 0;
    for (const char* const part : {"query", "key", "value"}) {
      const std::string full = name + "attention.self." + part;
      add(layer.self_attn.in_proj_weight.slice(0, row, row + width), full + ".weight");
      add(layer.self_attn.in_proj_bias.slice(0, row, row + width), full + ".bias");
      row += width;
    }
    add(layer.self_attn.out_proj, name + "attention.output.dense");
    add(layer.norm1, name + "attention.output.LayerNorm");
    add(layer.feed_forward.linear1, name + "intermediate.dense");
    add(layer.feed_forward.linear2, name + "output.dense");
    add(layer.norm2, name + "output.LayerNorm");
  }

  bool is_alone_;
};

bool is_position_ids(std::string_view name) { return name.ends_with("embeddings.position_ids"); }

// A model of the folder's, with its weights.
template <class Model>
Model load_model(const fs::path& folder) {
  const BertConfig config = read_bert_config(folder);
  const fs::path file = folder / "model.safetensors";
  // Before there is a model of whatever size config.json asks for. A weight has two bytes at least, and some
  // may be missing, which the table will tell.
  const std::size_t bytes = MappedFile(file.string()).bytes().size();
  check(static_cast<std::size_t>(config.parameter_count()) <= 4 * bytes, op,
        (folder / "config.json").string(), " tells of ", config.parameter_count(), " weights, and ",
        file.string(), " has ", bytes, " bytes. Is it another model's?");
  Model model(config);
  load_bert_weights(model, file);
  model.eval();
  return model;
}

void save_model(const BertConfig& o, const char* architecture, const NamedViews& views,
                const fs::path& folder) {
  data::write_json(folder, "config.json",
                   Json::Object{{"model_type", "bert"},
                                {"architectures", Json::Array{architecture}},
                                {"vocab_size", o.vocabulary},
                                {"max_position_embeddings", o.context},
                                {"type_vocab_size", o.segments},
                                {"hidden_size", o.width},
                                {"num_hidden_layers", o.layers},
                                {"num_attention_heads", o.heads},
                                {"intermediate_size", o.hidden_width()},
                                {"hidden_act", "gelu"},
                                {"layer_norm_eps", o.eps},
                                {"initializer_range", o.deviation},
                                {"hidden_dropout_prob", o.dropout},
                                {"attention_probs_dropout_prob", o.dropout},
                                {"pad_token_id", o.padding}});
  save_named_views(views, folder / "model.safetensors");
}

}  // namespace

bool is_bert_folder(const fs::path& folder) {
  return HuggingFaceConfig(folder).text("model_type", "") == "bert";
}

BertConfig read_bert_config(const fs::path& folder) {
  const HuggingFaceConfig said(folder);
  const std::string type = said.text("model_type", "bert");
  check(type == "bert", op, said.file(), " is for a model of the type ", type, ", not bert. Another folder?");
  said.one_of<bool>("hidden_act", "gelu", {{"gelu", true}});
  said.one_of<bool>("position_embedding_type", "absolute", {{"absolute", true}});
  check(!said.truth("is_decoder", false), op, said.file(),
        " is a decoder's, which sees nothing of what is to come. Another folder?");
  const double dropout = said.number("hidden_dropout_prob", 0.1),
               of_attention = said.number("attention_probs_dropout_prob", 0.1),
               padding = said.number("pad_token_id", 0);
  check(dropout == of_attention, op, said.file(), ": hidden_dropout_prob is ", dropout,
        ", attention_probs_dropout_prob ", of_attention,
        ", and Bert has one dropout for both. Make them equal?");
  const BertConfig config{.vocabulary = said.size("vocab_size"),
                          .context = said.size("max_position_embeddings"),
                          .segments = said.size("type_vocab_size", 2),
                          .width = said.size("hidden_size"),
                          .layers = said.size("num_hidden_layers"),
                          .heads = said.size("num_attention_heads"),
                          .hidden = said.size("intermediate_size"),
                          .padding = static_cast<std::int64_t>(std::clamp(padding, -1.0, 1e9)),
                          .dropout = dropout,
                          .eps = said.number("layer_norm_eps", 1e-12),
                          .deviation = said.number("initializer_range", 0.02)};
  check(padding == static_cast<double>(config.padding), op, said.file(), ": pad_token_id is no id, but ",
        padding, ". 0?");
  return config;
}

Bert load_bert(const fs::path& folder) { return load_model<Bert>(folder); }
BertPretraining load_bert_pretraining(const fs::path& folder) { return load_model<BertPretraining>(folder); }

void load_bert_weights(Bert& model, const fs::path& file) {
  const auto table = no_grad([&] { return Table(model, true).views; });
  load_named_views(table, file, [](std::string_view name) {
    return is_position_ids(name) || name.starts_with("cls.") || name.starts_with("classifier.") ||
           name.starts_with("qa_outputs.");
  });
}

void load_bert_weights(BertPretraining& model, const fs::path& file) {
  load_named_views(no_grad([&] { return Table(model).views; }), file, is_position_ids);
}

void save_bert(const Bert& model, const fs::path& folder) {
  save_model(model.options, "BertModel", no_grad([&] { return Table(model, true).views; }), folder);
}

void save_bert(const BertPretraining& model, const fs::path& folder) {
  save_model(model.options, "BertForPreTraining", no_grad([&] { return Table(model).views; }), folder);
}

}  // namespace gradus::models
