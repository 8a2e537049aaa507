// Filling in what is hidden.
#pragma once

#include <string>
#include <vector>

#include <gradus/data/tokenizer.h>
#include <gradus/models/bert.h>

namespace gradus::cli {

struct Candidate {
  std::string token;
  double probability;
};

// For each [MASK] of the only row the likeliest tokens, the likeliest first.
std::vector<std::vector<Candidate>> candidates(const models::BertPretraining& model,
                                               const data::Tokenizer& tokenizer, const models::BertText& text,
                                               std::int64_t count);

// The only row with the likeliest token in brackets where a [MASK] stands.
std::string filled(const models::BertPretraining& model, const data::Tokenizer& tokenizer,
                   const models::BertText& text);

}  // namespace gradus::cli
