// What verbs ask of a pre-trained BERT.
#pragma once

#include <gradus/data/tokenizer.h>
#include <gradus/models/bert.h>

namespace gradus::cli {

class IsBert {
 public:
  virtual ~IsBert() = default;
  virtual const data::Tokenizer& tokenizer() const = 0;
  virtual const models::BertPretraining& pretrained() const = 0;
};

// What a run that was finetuned is called in config.json and among the models: "finetuned-bert".
inline constexpr const char* finetuned = "finetuned-";

}  // namespace gradus::cli
