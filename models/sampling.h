// Going on with a text by chance.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include <gradus/data/random.h>
#include <gradus/data/tokenizer.h>
#include <gradus/models/decoding.h>

namespace gradus::models {

// How the model's distribution is bent before a token is drawn from it, in this order:
//   repetition_penalty  logits of tokens that were written before are divided by it where above 0, else
//                       multiplied.   Keskar et al. 2019
//   temperature         logits are divided by it; 0 takes the most likely token
//   top_k               only the k most likely tokens may come; 0: all
//   top_p               only the fewest most likely tokens that together have p.   Holtzman et al. 2020
struct Sampling {
  double temperature = 1;
  std::int64_t top_k = 0;
  double top_p = 1;
  double repetition_penalty = 1;
};

// The bent distribution over all V tokens. logits: (V,)
std::vector<double> distribution(const Tensor& logits, const Sampling& sampling, data::IdsView before);

struct GenerateOptions {
  std::int64_t tokens = 100;  // at most
  Sampling sampling = {};
  std::vector<std::string> stop = {};  // the text ends before the first of these
  std::uint64_t seed = 0;
};

// What the model writes behind the prompt. `on_text` is given each piece as soon as it is certain.
std::string generate(Writer& writer, const data::Tokenizer& tokenizer, std::string_view prompt,
                     const GenerateOptions& options,
                     const std::function<void(std::string_view)>& on_text = {});

}  // namespace gradus::models
