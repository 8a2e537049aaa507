// Families that translate, side by side: what each makes of as many weights as the others have.
//
//   rnn, lstm, gru   encoder and decoder whose context is the encoder's last state
//   gru+attn         the same with attention
//   transformer
//
// Recurrent encoders read in both directions; nothing else differs between the four but what their names say.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <gradus/models/translation.h>
#include <gradus/nn/module.h>

namespace gradus::models {

struct TranslationTask {
  std::int64_t source_vocabulary, target_vocabulary;
  data::DecoderIds ids;
};

// A model that was made, with random weights, and what may be asked of it.
struct Entrant {
  std::unique_ptr<nn::Module> model;
  Translator translator;  // refers to the model
  std::string sizes;      // "hidden 170"
};

struct Contestant {
  std::string name, says;
  double lr;  // the best of those that `./gradus lab 23` tries for all families alike
  // With as near to so many parameters as its sizes come; refused where that is not within 3 %.
  std::function<Entrant(const TranslationTask& task, std::int64_t parameters)> make;
};

const std::vector<Contestant>& contestants();

}  // namespace gradus::models
