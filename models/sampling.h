// Going on with a text by chance.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <gradus/data/tokenizer.h>
#include <gradus/models/decoding.h>

namespace gradus::models {

// How the model's distribution is bent before a token is drawn from it, in this order:
//   repetition_penalty  logits of tokens that were written before are divided by it where above 0, else
//                       multiplied.   Keskar et al. 2019
//   temperature         logits are divided by it; 0 takes the most likely token
//   top_k               only the k most likely tokens may come; 0: all
//   top_p               of what is left, only the fewest most likely tokens that together have at least this
//                       part.   Holtzman et al. 2020
// Of equally likely tokens the one with the smaller id comes first.
struct Sampling {
  double temperature = 1;
  std::int64_t top_k = 0;
  double top_p = 1;
  double repetition_penalty = 1;
};

// The bent distribution over all V tokens. logits: (V,), -inf where a token may not come
std::vector<double> distribution(const Tensor& logits, const Sampling& sampling, data::IdsView before);

// What becomes of a prompt that is longer than what the model reads at once: it is an error, or only its last
// tokens are read.
enum class LongPrompt { refuse, cut };

struct GenerateOptions {
  std::int64_t tokens = 100;  // at most
  Sampling sampling = {};
  std::vector<std::string> stop = {};  // the text ends before the first of these that is complete
  std::uint64_t seed = 0;
  // What the model reads where the prompt has no tokens, such as the token that parts texts in its corpus.
  std::optional<std::int64_t> begin = {};
  LongPrompt long_prompt = LongPrompt::refuse;
};

// What `generate` reads of a prompt.
struct Prompt {
  data::Ids ids;              // of the prompt's tokens, those that are read
  std::int64_t left_out = 0;  // how many came before them
};
Prompt read_prompt(const Writer& writer, const data::Tokenizer& tokenizer, std::string_view prompt,
                   LongPrompt long_prompt);

// What the model writes behind the prompt, whose tokens, as far as they are read, count as written before.
// `writer` is new, and writes one row.
//
// `on_text` is given the same text piece by piece, each as soon as it is certain: what may yet be part of a
// stop string, or of a character of UTF-8 that is not complete, waits for the tokens that follow.
std::string generate(Writer& writer, const data::Tokenizer& tokenizer, std::string_view prompt,
                     const GenerateOptions& options,
                     const std::function<void(std::string_view)>& on_text = {});

}  // namespace gradus::models
