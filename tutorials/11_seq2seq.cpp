// One net reads a sequence, another writes one, and a single vector is all that goes between them. The page
// beside this file explains it part by part. ./gradus tutorial 11 [--figures DIR]
#include <gradus/gradus.h>

#include <algorithm>
#include <cstdio>
#include <iostream>
#include <string>
#include <vector>

#include <gradus/tutorials/chapter.h>
#include <gradus/tutorials/figure.h>
#include <gradus/tutorials/translation.h>

using namespace gradus;
using models::Context, translation::Pairs, translation::Sentences;

// 1. Encoder and decoder. B sequences; S words are read, T are written.
struct Translator : nn::ModuleOf<Translator> {
  Translator(Context context, std::int64_t source_words, std::int64_t target_words, std::int64_t hidden)
      : context(context),
        source_embedding({.count = source_words, .width = 32, .padding = translation::padding}),
        target_embedding({.count = target_words, .width = 32, .padding = translation::padding}),
        encoder({.in = 32, .hidden = hidden}),
        decoder({.in = context == Context::fixed ? 32 + hidden : 32, .hidden = hidden}),
        head({.in = hidden, .out = target_words}) {
    to(f64);
  }

  // The encoder's last state: (1, B, hidden)
  Tensor read(const data::Padded& source) const {
    return encoder(source_embedding(source.ids), {.lengths = source.lengths}).h;
  }

  // What the decoder gets at each place: the word before, and c, (B, hidden), if it is told that at each.
  Tensor told(const Tensor& ids, const Tensor& c) const {
    const Tensor x = target_embedding(ids);
    if (context == Context::start) return x;
    return concat({x, c.unsqueeze(1).expand({c.size(0), x.size(1), c.size(1)})}, -1);
  }

  // Logits (B, T, words) where the words before are given, as input (B, T): teacher forcing.
  Tensor operator()(const data::Padded& source, const Tensor& input) const {
    const nn::Call call(*this);
    const Tensor h = read(source);
    return head(decoder(told(input, h[0]), {.h0 = h}).output);
  }

  // Each word is the most likely one, where the word before is what was written: greedy decoding.
  std::vector<data::Ids> write(const data::Padded& source, std::int64_t longest) const {
    const GradMode off(false);
    const Tensor c = read(source);
    Tensor h = c, word = full({c.size(1), 1}, translation::begin, i64);
    std::vector<Tensor> words;
    for (std::int64_t t = 0; t < longest; ++t) {
      const auto [output, next] = decoder(told(word, c[0]), {.h0 = h});
      h = next;
      word = argmax(head(output), -1);
      words.push_back(word);
    }
    return translation::rows_of(concat(words, 1));
  }

  Context context;
  nn::Embedding source_embedding, target_embedding;
  nn::GRU encoder, decoder;
  nn::Linear head;

  template <class Self, class Visit>
  static void members(Self& self, Visit& visit) {
    visit.module("source_embedding", self.source_embedding);
    visit.module("target_embedding", self.target_embedding);
    visit.module("encoder", self.encoder);
    visit.module("decoder", self.decoder);
    visit.module("head", self.head);
  }
};

// 2. Training, and what a model gets right.
void train(Translator& model, const Pairs& pairs, int steps) {
  data::Source<data::PairBatch> source = translation::batches(pairs, 32);
  optim::Adam optimiser(model, {.lr = 0.01});
  const optim::Cosine schedule{.lr = 0.01, .steps = steps, .warmup = 50};
  for (int step = 0; step < steps; ++step) {
    const data::PairBatch batch = source.next();
    optimiser.set_lr(schedule(step));
    optimiser.zero_grad();
    cross_entropy(model(batch.source, batch.target.input), batch.target.target).backward();
    optim::clip_grad_norm(optimiser.parameters(), 1);
    optimiser.step();
    for (const NamedTensor& parameter : optimiser.parameters())
      no_grad([&] { Tensor(parameter.value).add_(0x1p36).add_(-0x1p36); });
  }
}

translation::Right test(const Translator& model, const Pairs& pairs) {
  return translation::compare(model.write(translation::sources(pairs), 30), pairs);
}

void show_batch() {
  const Pairs pairs{{{3, 4, 5}, {5, 4, 3, 3}}, {{6, 7}, {7, 6, 6}}};
  const data::Padded source = translation::sources(pairs);
  const data::Shifted target = translation::targets(pairs);
  std::cout << "source\n" << source.ids << "\ninput\n" << target.input << "\ntarget\n" << target.target;
  manual_seed(1);
  const Translator ours(Context::fixed, 8, 8, 32);
  manual_seed(1);
  models::Seq2Seq::Options options{8, 8, translation::padding, models::Cell::gru, Context::fixed};
  options.width = options.hidden = 32;
  models::Seq2Seq library(options);
  library.to(f64);
  const bool same = allclose(ours(source, target.input), library(source, target.input));
  std::printf("\nmodels::Seq2Seq gives the same: %s\n", same ? "yes" : "no");
}

// 3. Digits, to be written as they were read.
struct Way {
  std::string name;
  Context context;
  std::int64_t hidden = 32;
  int steps = 400;
  bool backwards = false;
};

Pairs to_copy(const Way& way, data::Split split, int count, int from, int to) {
  Pairs pairs = translation::copies(split, count, from, to);
  for (data::IdsPair& pair : pairs)
    if (way.backwards) std::ranges::reverse(pair.source);
  return pairs;
}

std::vector<figure::Series> copy_digits(const std::vector<Way>& ways) {
  std::vector<std::vector<Translator>> models(ways.size());
  std::vector<figure::Series> lines;
  for (const Way& way : ways) {
    std::vector<Translator>& of_way = models[lines.size()];
    lines.push_back({way.name, {}, {}});
    const Pairs pairs = to_copy(way, data::Split::train, 32 * way.steps, translation::shortest,
                                translation::longest_in_training);
    chapter::over_seeds([&](int) {
      of_way.emplace_back(way.context, translation::copy_words, translation::copy_words, way.hidden);
      train(of_way.back(), pairs, way.steps);
      return 0;
    });
  }
  translation::print_by_length(lines, [&](std::size_t k, int seed, int length) {
    return test(models[k][seed - 1], to_copy(ways[k], data::Split::held_out, 200, length, length)).words;
  });
  return lines;
}

// 4. Sentences.
void translate() {
  const Sentences sentences;
  manual_seed(1);
  Translator model(Context::fixed, sentences.english.size(), sentences.french.size(), 64);
  train(model, sentences.ids(sentences.training), 1200);
  std::printf("\n%zu sentences of %d English and %d French words\n", sentences.training.size(),
              static_cast<int>(sentences.english.size() - 3), static_cast<int>(sentences.french.size() - 3));
  std::printf("\nlength   sentences   words, told the ones before   words   whole\n");
  std::string samples;
  for (std::size_t length = sentences.shortest; length <= sentences.longest; ++length) {
    const std::vector<data::Pair> pairs = sentences.held_out_of(length);
    const Pairs ids = sentences.ids(pairs);
    const data::Shifted target = translation::targets(ids);
    const Tensor told = no_grad([&] { return argmax(model(translation::sources(ids), target.input), -1); });
    const translation::Right right = test(model, ids);
    std::printf("%6zu   %9zu   %27.1f   %5.1f   %5.1f\n", length, ids.size(),
                100 * data::accuracy(told, target.target).value(), right.words, right.sentences);
    samples.append("\n").append(data::sentence_of(pairs[0].english));
    samples.append("\n  ").append(sentences.text(model.write(translation::sources({ids[0]}), 30)[0]));
    samples.append("\n  ").append(data::sentence_of(pairs[0].french)).append("\n");
  }
  std::printf("%s", samples.c_str());
}

int main(int argc, char* argv[]) {
  set_threads(1);  // the nets are too small to share out
  show_batch();
  const auto contexts = copy_digits({{"start", Context::start},
                                     {"start, backwards", Context::start, 32, 400, true},
                                     {"fixed", Context::fixed}});
  auto sizes = copy_digits({{"fixed, 16", Context::fixed, 16},
                            {"fixed, 64", Context::fixed, 64},
                            {"fixed, 1600 steps", Context::fixed, 32, 1600}});
  translate();
  const std::string folder = chapter::figures_folder(argc, argv);
  if (folder.empty()) return 0;
  sizes.insert(sizes.begin() + 1, contexts.back());
  const figure::Axis length{"digits", translation::shortest, translation::longest},
      right{"right (%)", 0, 100};
  figure::write(folder + "/11_length.svg",
                {{.x = length, .y = right, .lines = contexts}, {.x = length, .y = right, .lines = sizes}},
                {.columns = 2, .width = 360});
}
