// GPT-2 in the folders of Hugging Face's transformers: config.json, model.safetensors, and the tokenizer's
// vocab.json and merges.txt, which data::load_bpe reads.
//
//   const models::Gpt model = models::load_gpt2("gpt2");
//   const data::Bpe tokenizer = data::load_bpe("gpt2");
//   std::cout << models::generate(*model.writer(), tokenizer, "The meaning of life is", {});
//
// Their linear layers inside a block are Conv1D, whose weights are (in, out): transposed to ours. Names may
// begin with "transformer." or not, and the head, if it is the embedding, may be there or not. What is no
// weight, the masks h.N.attn.bias and h.N.attn.masked_bias, is passed over.
#pragma once

#include <filesystem>

#include <gradus/models/gpt.h>

namespace gradus::models {

// Whether the folder's config.json says that it is a GPT-2.
bool is_gpt2_folder(const std::filesystem::path& folder);

// What config.json says. Refuses what our Gpt does not do: scores that are not scaled by 1/sqrt(head) alone,
// three kinds of dropout that differ, another model.
GptConfig read_gpt2_config(const std::filesystem::path& folder);

// The model, f32, in eval mode.
Gpt load_gpt2(const std::filesystem::path& folder);
// The weights alone, into a model of its config's sizes and of any dtype.
void load_gpt2_weights(Gpt& model, const std::filesystem::path& file);

// config.json and model.safetensors, under the names of GPT2LMHeadModel. Refuses a Gpt that is no GPT-2:
// norms behind the sublayers, positions that are not learned.
void save_gpt2(const Gpt& model, const std::filesystem::path& folder);

}  // namespace gradus::models
