// The shapes that the use of a recurrent net can have: what goes in is one thing or a sequence, and so is
// what comes out.
//
//   OneToOne     h = cell(x, 0),  y = W h + b                       a net with one hidden layer
//   ManyToOne    h_t = cell(x_t, h_{t-1}),  y = W h_T + b           classes of texts, the adding problem
//   OneToMany    h_0 = state of the label,  h_t = cell(embedding(y_{t-1}), h_{t-1}),
//                P(y_t | label, y_1 ... y_{t-1}) = softmax(W h_t + b)
//   ManyToMany   h_t = cell(x_t, h_{t-1}),  y_t = W h_t + b         tags of words
//
//   const ManyToOne model({.cell = Cell::lstm, .in = 2, .hidden = 64, .out = 1});
//   const Tensor loss = mse_loss(model(x), y);
//
// Many to many where the two sequences have lengths of their own takes two nets: seq2seq.h.
#pragma once

#include <memory>
#include <optional>

#include <gradus/models/rnn_lm.h>

namespace gradus::models {

// x: (B, in) to (B, out): a single step, which has nothing to remember.
class OneToOne : public nn::ModuleOf<OneToOne> {
 public:
  struct Options {
    Cell cell = Cell::lstm;
    std::int64_t in, hidden, out;
  };
  explicit OneToOne(const Options& options);
  Tensor operator()(const Tensor& x) const;

  Options options;
  Recurrent recurrent;
  nn::Linear head;

  template <class Self, class Visit>
  static void members(Self& self, Visit& visit) {
    visit.module("recurrent", self.recurrent);
    visit.module("head", self.head);
  }
};

// Of nets that read a sequence, either of vectors, x (B, T, in), or of ids, x (B, T), which an embedding
// turns into vectors.
struct ReadingOptions {
  Cell cell = Cell::lstm;
  std::int64_t vocabulary = 0;  // how many ids there are; 0: vectors
  std::int64_t in, hidden, out, layers = 1;
  nn::Bidirectional bidirectional = nn::Bidirectional::no;
  double dropout = 0;  // of the embedding, between layers and before the head
};

// x and lengths (B,), undefined if all T steps of all rows are real, to (B, out). h_T is the state after a
// row's own last step; if bidirectional, with that of the other direction after its first step.
class ManyToOne : public nn::ModuleOf<ManyToOne> {
 public:
  explicit ManyToOne(const ReadingOptions& options);
  Tensor operator()(const Tensor& x, const Tensor& lengths = {}) const;

  ReadingOptions options;
  std::optional<nn::Embedding> embedding;
  Recurrent recurrent;
  nn::Linear head;

  template <class Self, class Visit>
  static void members(Self& self, Visit& visit) {
    if (self.embedding) visit.module("embedding", *self.embedding);
    visit.module("recurrent", self.recurrent);
    visit.module("head", self.head);
  }
};

// x and lengths to (B, T, out), where behind a row's last step y is b.
class ManyToMany : public nn::ModuleOf<ManyToMany> {
 public:
  explicit ManyToMany(const ReadingOptions& options);
  Tensor operator()(const Tensor& x, const Tensor& lengths = {}) const;

  ReadingOptions options;
  std::optional<nn::Embedding> embedding;
  Recurrent recurrent;
  nn::Linear head;

  template <class Self, class Visit>
  static void members(Self& self, Visit& visit) {
    if (self.embedding) visit.module("embedding", *self.embedding);
    visit.module("recurrent", self.recurrent);
    visit.module("head", self.head);
  }
};

// A language model (rnn_lm.h) that begins with the state of a label: h_0 in all layers, an LSTM's c_0 is 0.
// y_0 is an id that all sequences begin with, as data::shift sets it. Padding behind a row's end needs no
// lengths: no logits depend on later ids.
class OneToMany : public nn::ModuleOf<OneToMany> {
 public:
  struct Options {
    std::int64_t labels;
    RnnLm::Options lm;
  };
  explicit OneToMany(const Options& options);

  // labels: (B,), ids: (B, T), which are y_0 ... y_{T-1}. Logits (B, T, V) of y_1 ... y_T.
  Tensor operator()(const Tensor& labels, const Tensor& ids) const;

  // Writes a row for each label, as RnnLm::writer does. Refers to the model.
  std::unique_ptr<Writer> writer(const Tensor& labels) const;

  Options options;
  nn::Embedding label;  // (labels, layers * hidden)
  RnnLm lm;

  template <class Self, class Visit>
  static void members(Self& self, Visit& visit) {
    visit.module("label", self.label);
    visit.module("lm", self.lm);
  }

 private:
  RecurrentState start(const Tensor& labels) const;
};

}  // namespace gradus::models
