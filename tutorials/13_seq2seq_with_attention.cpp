// The decoder of chapter 11 looks at each word that was read, anew before each word that it writes. The page
// beside this file explains it part by part. ./gradus tutorial 13 [--figures DIR]
#include <gradus/gradus.h>

#include <algorithm>
#include <cstdio>
#include <string>
#include <vector>

#include <gradus/tutorials/chapter.h>
#include <gradus/tutorials/figure.h>
#include <gradus/tutorials/translation.h>

using namespace gradus;
using models::Context, models::Seq2Seq, translation::Pairs, translation::Sentences;

// 1. A decoder that attends, step by step. B sequences; S words are read, T are written.
Seq2Seq::Attended written_out(const Seq2Seq& model, const data::Padded& source, const Tensor& input) {
  const auto [h, last] = model.encoder(model.source_embedding(source.ids), {}, source.lengths);  // (B, S, H)
  const Tensor keys = linear(h, model.attention->key_weight), x = model.target_embedding(input);
  models::RecurrentState state = last;
  std::vector<Tensor> outputs, weights;
  for (std::int64_t i = 0; i < input.size(1); ++i) {
    const Tensor query = linear(state.h[0].unsqueeze(1), model.attention->query_weight);          // (B, 1, H)
    const Tensor scores = linear(tanh(query + keys), model.attention->score_weight).squeeze(-1);  // (B, S)
    const Tensor w = softmax(masked_fill(scores, logical_not(source.mask), -INFINITY), 1).unsqueeze(1);
    const Tensor c = matmul(w, h);  // (B, 1, H)
    auto [output, next] = model.decoder(concat({x.slice(1, i, i + 1), c}, -1), state);
    state = next;
    outputs.push_back(output);
    weights.push_back(w);
  }
  return {model.head(concat(outputs, 1)), concat(weights, 1)};
}

Seq2Seq make(Context context, nn::Score score, std::int64_t in, std::int64_t out, std::int64_t hidden) {
  Seq2Seq::Options options{in, out, translation::padding, models::Cell::gru, context, score};
  options.width = 32;
  options.hidden = hidden;
  Seq2Seq model(options);
  model.to(f64);
  return model;
}

void library_agrees() {
  const Pairs pairs{{{3, 4, 5}, {5, 4, 3, 3}}, {{6, 7}, {7, 6, 6}}};
  const auto source = translation::sources(pairs);
  const Tensor input = translation::targets(pairs).input;
  const Seq2Seq model = make(Context::attention, nn::Score::additive, 8, 8, 32);
  const auto [logits, weights] = written_out(model, source, input);
  const Seq2Seq::Attended library = model.with_weights(source, input);
  const bool same = allclose(logits, library.logits) && allclose(weights, library.weights);
  std::printf("models::Seq2Seq gives the same: %s\n", same ? "yes" : "no");
}

// 2. Training, and what a model gets right: as in chapter 11.
void train(Seq2Seq& model, const Pairs& pairs, int steps) {
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

models::TranslateOptions options(int beams = 1) {
  return {
      .ids = {translation::begin, translation::end, translation::padding}, .max_length = 30, .width = beams};
}

std::vector<data::Ids> write(const Seq2Seq& model, const Pairs& pairs, int beams = 1) {
  std::vector<data::Ids> sources;
  for (const data::IdsPair& pair : pairs) sources.push_back(pair.source);
  return models::translate([&](const data::Padded& source) { return model.writer(source); }, sources,
                           options(beams));
}

translation::Right test(const Seq2Seq& model, const Pairs& pairs, int beams = 1) {
  return translation::compare(write(model, pairs, beams), pairs);
}

// 3. Digits, to be written as they were read.
struct Way {
  std::string name;
  Context context;
  nn::Score score = nn::Score::additive;
};

std::vector<figure::Series> copy_digits(const std::vector<Way>& ways) {
  const Pairs pairs = translation::copies(data::Split::train, 32 * 400, translation::shortest,
                                          translation::longest_in_training);
  std::vector<std::vector<Seq2Seq>> models(ways.size());
  std::vector<figure::Series> lines;
  for (const Way& way : ways) {
    std::vector<Seq2Seq>& of_way = models[lines.size()];
    lines.push_back({way.name, {}, {}});
    chapter::over_seeds([&](int) {
      of_way.push_back(make(way.context, way.score, translation::copy_words, translation::copy_words, 32));
      train(of_way.back(), pairs, 400);
      return 0;
    });
  }
  translation::print_by_length(lines, [&](std::size_t k, int seed, int length) {
    return test(models[k][seed - 1], translation::copies(data::Split::held_out, 200, length, length)).words;
  });
  return lines;
}

// 4. Sentences.
// Row by row for each word that is written, how the words of the source were looked at before.
figure::Panel heat_map(const Seq2Seq& model, const Sentences& sentences, const char* text) {
  const data::Pair& pair = sentences.held_out_pair(text);
  const data::IdsPair ids = sentences.ids(pair), ours{ids.source, write(model, {ids})[0]};
  const Tensor input = translation::targets({ours}).input;
  const Tensor w =
      no_grad([&] { return model.with_weights(translation::sources({ours}), input).weights[0]; });
  const bool sums_to_1 = allclose(sum(w, 1), ones({w.size(0)}, f64));
  std::printf("%s\n  %s\n  each row sums to 1: %s\n", text, sentences.text(ours.target).c_str(),
              sums_to_1 ? "yes" : "no");
  std::vector<std::string> words;
  for (const std::int64_t id : ours.target) words.push_back(sentences.french.token(id));
  words.push_back("[END]");
  return {.x = {.label = "", .names = pair.english},
          .y = {.label = "", .names = words},
          .cells = {w.to_vector<double>(), static_cast<int>(w.size(0)), static_cast<int>(w.size(1))}};
}

// How often the largest weight is on a word that the grammar says is the right one.
double agreement(const Seq2Seq& model, const Sentences& sentences, bool content_words) {
  std::vector<models::AlignedPair> pairs;
  for (const data::Pair& pair : sentences.held_out) {
    if (pair.english.size() > sentences.longest_in_training) continue;
    pairs.push_back({sentences.ids(pair), pair.alignment, {}});
    for (const std::string& word : pair.french)
      pairs.back().counts.push_back(!content_words || data::is_content_word(word));
  }
  return 100 * models::alignment_agreement(model, pairs, options()).value();
}

void translate(const std::string& folder) {
  const Sentences sentences;
  std::vector<Seq2Seq> models;
  for (const Context context : {Context::fixed, Context::attention}) {
    manual_seed(1);
    const std::int64_t in = sentences.english.size(), out = sentences.french.size();
    models.push_back(make(context, nn::Score::additive, in, out, 64));
    train(models.back(), sentences.ids(sentences.training), 1200);
  }
  std::printf("\nlength   sentences   fixed: words   whole   attention: words   whole\n");
  models::AccuracyByLength in_training[2];
  for (std::size_t length = sentences.shortest; length <= sentences.longest; ++length) {
    const Pairs pairs = sentences.ids(sentences.held_out_of(length));
    std::printf("%6zu   %9zu", length, pairs.size());
    for (const std::size_t k : {0, 1}) {
      models::TranslationReport report = models::report_on(models[k], pairs, options());
      std::printf("   %*.1f   %5.1f", k == 0 ? 12 : 16, 100 * report.tokens.all().value(),
                  100 * report.exact.value());
      if (length <= sentences.longest_in_training) in_training[k].lengths.merge(report.tokens.lengths);
    }
    std::printf("\n");
  }
  std::printf(" slope%27.1f%27.1f\n\n", 100 * in_training[0].slope(), 100 * in_training[1].slope());
  std::vector<figure::Panel> maps;
  for (const char* text : {"Tom doesn't see Jerry.", "Anna catches the white spider and chases it."})
    maps.push_back(heat_map(models[1], sentences, text));
  std::printf("\nlargest weight on the right word: %.1f %%, of content words %.1f %%\n",
              agreement(models[1], sentences, false), agreement(models[1], sentences, true));
  std::printf("\nbeams   fixed   attention\n");
  const Pairs ten = sentences.ids(sentences.held_out_of(10));
  for (const int beams : {1, 2, 4, 8}) {
    const translation::Right fixed = test(models[0], ten, beams), attention = test(models[1], ten, beams);
    std::printf("%5d   %5.1f   %9.1f\n", beams, fixed.sentences, attention.sentences);
  }
  if (folder.empty()) return;
  figure::write(folder + "/13_alignment.svg", maps, {.columns = 2, .width = 440, .height = 300});
}

int main(int argc, char* argv[]) {
  set_threads(1);  // the nets are too small to share out
  library_agrees();
  const auto lines = copy_digits({{"fixed", Context::fixed}, {"attention", Context::attention}});
  copy_digits({{"dot", Context::attention, nn::Score::dot},
               {"scaled", Context::attention, nn::Score::scaled},
               {"general", Context::attention, nn::Score::general}});
  const std::string folder = chapter::figures_folder(argc, argv);
  translate(folder);
  if (folder.empty()) return 0;
  const figure::Axis length{"digits", translation::shortest, translation::longest};
  figure::write(folder + "/13_length.svg", {{.x = length, .y = {"right (%)", 0, 100}, .lines = lines}});
}
