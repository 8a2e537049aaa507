// BERT in the folders of Hugging Face's transformers: config.json, model.safetensors, and vocab.txt, which
// data::load_wordpiece reads.
//
//   const models::BertPretraining model = models::load_bert_pretraining("bert-base-uncased");
//   const data::WordPiece tokenizer = data::load_wordpiece("bert-base-uncased");
//
// They keep query, key and value apart, of which our in_proj is made. Names may begin with "bert." or not, a
// norm's weights may be called weight and bias or, as in older files, gamma and beta, and the decoder's
// matrix, which is the word embedding, may be there or not. embeddings.position_ids, which counts from 0, is
// passed over.
#pragma once

#include <filesystem>

#include <gradus/models/bert.h>

namespace gradus::models {

// Whether the folder's config.json says that it is a BERT.
bool is_bert_folder(const std::filesystem::path& folder);

// What config.json says. Refuses what our Bert does not do: other activations than gelu, other than absolute
// positions, two kinds of dropout that differ, another model.
BertConfig read_bert_config(const std::filesystem::path& folder);

// The models, f32, in eval mode. load_bert leaves heads alone: of BertForPreTraining, or of a task.
Bert load_bert(const std::filesystem::path& folder);
BertPretraining load_bert_pretraining(const std::filesystem::path& folder);
// The weights alone, into a model of its config's sizes and of any dtype.
void load_bert_weights(Bert& model, const std::filesystem::path& file);
void load_bert_weights(BertPretraining& model, const std::filesystem::path& file);

// config.json and model.safetensors, under the names of BertModel and of BertForPreTraining.
void save_bert(const Bert& model, const std::filesystem::path& folder);
void save_bert(const BertPretraining& model, const std::filesystem::path& folder);

}  // namespace gradus::models
