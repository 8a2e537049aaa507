// What a pre-trained Bert is asked: a small head on it, trained with few labelled examples.
//
//   text     logits = W pooled + b                of a text, or of two: classes, or one number
//   choice   the same with one output for each of C texts: which of them goes on best
//   span     start and end logits w . x_t + b of each token, -infinity where there is none: where the second
//            text answers the first
//   tags     logits = W x_t + b                   of each token
//
//   models::BertTask model({.bert = pretrained.options, .head = models::TaskHead::text, .outputs = 3});
//   model.bert.load_state(pretrained.bert.state());
//   const Tensor loss = model.loss({.ids = ids, .segments = segments, .mask = mask}, labels);
//
// Devlin, Chang, Lee & Toutanova 2019. Shapes: B texts of T tokens, C choices, K outputs.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include <gradus/models/bert.h>

namespace gradus::models {

enum class TaskHead { text, choice, span, tags };

// What learns.
//   all       all weights
//   frozen    the head and the pooler; the layers of Bert stay as they are
//   features  the head; it sees the last layers of a Bert that stays as it is, side by side or added, through
//             one layer of its own, tanh(W' [x_L-1; x_L] + b'), and instead of `pooled` the mean of these
//             over a text's tokens
// What stays is run without dropout.
enum class Tuning { all, frozen, features };
enum class Features { side_by_side, added };

class BertTask : public nn::ModuleOf<BertTask> {
 public:
  struct Options {
    BertConfig bert;
    TaskHead head;
    std::int64_t outputs = 0;  // K of text, where 1 is a number and no class, and of tags
    Tuning tuning = Tuning::all;
    Features features = Features::side_by_side;
    std::int64_t feature_layers = 4;  // how many, from the last
    double dropout = 0.1;             // of what the head sees
    bool tells_words = false;         // with `words`; all weights learn
  };
  explicit BertTask(const Options& options);

  // text: (B, T) to (B, K); choice: (B, C, T) to (B, C); span: (B, T) to (B, 2, T), starts and ends;
  // tags: (B, T) to (B, T, K).
  Tensor operator()(const BertText& text) const;

  // What the hidden words of the same texts cost, labels as WordHead's; the shape of a choice is (B, C, T).
  // Beside the task's own loss it keeps up what pre-training taught. Radford et al. 2018
  Tensor words_loss(const BertText& hidden, const Tensor& labels) const;

  // Cross entropy, or the squared error of a number. Labels: of text (B,), ids or numbers; of choice (B,); of
  // span (B, 2), the first and the last token; of tags (B, T). Labels that are ignore_index cost nothing.
  Tensor loss(const BertText& text, const Tensor& labels) const;

  Options options;
  Bert bert;
  std::optional<nn::Linear> mix;  // of features
  std::optional<WordHead> words;
  nn::Dropout dropout;
  nn::Linear head;

  template <class Self, class Visit>
  static void members(Self& self, Visit& visit) {
    visit.module("bert", self.bert);
    if (self.mix) visit.module("mix", *self.mix);
    if (self.words) visit.module("words", *self.words);
    visit.module("dropout", self.dropout);
    visit.module("head", self.head);
  }

 private:
  Tensor of_tokens(const BertText& text) const;
  Tensor of_text(const BertText& text) const;
};

// Tokens `first` to `last` of a row.
struct TokenSpan {
  std::int64_t first, last;
  friend bool operator==(const TokenSpan&, const TokenSpan&) = default;
};

// Of each row the span of the second text, without its [SEP], whose start and end logits (B, 2, T) have the
// largest sum; of equals the first. Refuses a row without a second text.
std::vector<TokenSpan> best_spans(const Tensor& logits, const BertText& text);

}  // namespace gradus::models
