// Translation from one vector, and with attention, by the length of the sentence
//
// Chapters 11 and 13 on the whole corpus: sentences of up to 16 words to learn from, and of up to 25 to be
// asked for. Words are counted where the net is told the right ones before them. Slope is what each further
// word of the English costs, up to 16; alignment, how often a content word has its largest weight right. All
// in percent.
#include <gradus/gradus.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <map>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include <gradus/tutorials/chapter.h>

using namespace gradus;
using models::Context;

constexpr int seeds = 3, steps = 1500;
constexpr data::DecoderIds special{.begin = 1, .end = 2, .padding = 0};
const models::TranslateOptions how{.ids = special, .max_length = 40};

struct Way {
  const char* name;
  Context context;
  nn::Score score = nn::Score::additive;
  nn::Bidirectional directions = nn::Bidirectional::no;
};
const std::vector<Way> ways{
    {"start", Context::start},
    {"fixed", Context::fixed},
    {"attention", Context::attention},
    {"general score", Context::attention, nn::Score::general},
    {"both directions", Context::attention, nn::Score::additive, nn::Bidirectional::concat}};

// 1. Sentences and their ids.
std::vector<data::Pair> draw(data::EnFr::Split split, std::int64_t count) {
  const data::EnFr corpus(1);
  std::vector<data::Pair> pairs;
  for (std::int64_t i = 0; i < count; ++i) pairs.push_back(corpus.pair(split, i));
  return pairs;
}

struct Corpus {
  std::vector<data::Pair> training = draw(data::EnFr::Split::training, 100000);
  std::vector<data::Pair> random = draw(data::EnFr::Split::random, 1000);
  std::vector<data::Pair> longer = draw(data::EnFr::Split::longer, 500);
  data::Vocabulary english = vocabulary(&data::Pair::english), french = vocabulary(&data::Pair::french);

  data::Vocabulary vocabulary(std::vector<std::string> data::Pair::*side) const {
    std::set<std::string> words;
    for (const auto* pairs : {&training, &random, &longer})
      for (const data::Pair& pair : *pairs) words.insert((pair.*side).begin(), (pair.*side).end());
    std::vector<std::string> tokens{"[PAD]", "[BEGIN]", "[END]"};
    tokens.insert(tokens.end(), words.begin(), words.end());
    return data::Vocabulary(tokens);
  }

  std::vector<data::IdsPair> ids(const std::vector<data::Pair>& pairs) const {
    std::vector<data::IdsPair> all;
    for (const data::Pair& pair : pairs) {
      all.emplace_back();
      for (const std::string& word : pair.english) all.back().source.push_back(english.id(word));
      for (const std::string& word : pair.french) all.back().target.push_back(french.id(word));
    }
    return all;
  }
};

// 2. One net, trained and asked.
struct Result {
  double exact, slope, alignment;              // in percent; 0 without attention
  std::map<std::int64_t, data::Share> tokens;  // by the length of the English, four together
};

void train(models::Seq2Seq& model, const std::vector<data::IdsPair>& pairs, std::uint64_t seed) {
  auto batches = data::pair_batches(pairs, {.size = {.sequences = 64}, .ids = special, .seed = seed});
  optim::AdamW optimiser(model, {.lr = 2e-3});
  const optim::Cosine schedule{.lr = 2e-3, .steps = steps, .warmup = 200};
  for (int step = 0; step < steps; ++step) {
    const data::PairBatch batch = batches.next();
    optimiser.set_lr(schedule(step));
    optimiser.zero_grad();
    cross_entropy(model(batch.source, batch.target.input), batch.target.target).backward();
    optim::clip_grad_norm(optimiser.parameters(), 1);
    optimiser.step();
  }
  model.eval();
}

Result ask(const models::Seq2Seq& model, const Corpus& corpus) {
  const models::TranslationReport report = models::report_on(model, corpus.ids(corpus.random), how);
  const auto logits = [&](const data::Padded& source, const Tensor& input) { return model(source, input); };
  const auto longer = models::token_accuracy(logits, corpus.ids(corpus.longer), how);
  Result result{100 * report.exact.value(), 100 * report.tokens.slope(), 0, report.tokens.buckets(4)};
  for (const auto& [length, share] : longer.buckets(4)) result.tokens[length] += share;
  if (model.options.context != Context::attention) return result;
  std::vector<models::AlignedPair> aligned;
  for (const data::Pair& pair : corpus.random) {
    aligned.push_back({corpus.ids({pair})[0], pair.alignment, {}});
    for (const std::string& word : pair.french) aligned.back().counts.push_back(data::is_content_word(word));
  }
  result.alignment = 100 * models::alignment_agreement(model, aligned, how).value();
  return result;
}

// 3. Mean and range over the seeds.
using Results = std::array<Result, seeds>;

template <class Number>
void print(const Results& results, int digits, const Number& number) {
  chapter::Spread spread;
  for (const Result& result : results) {
    const double x = number(result);
    spread = {spread.mean + x / seeds, std::min(spread.low, x), std::max(spread.high, x)};
  }
  std::printf("   ");
  chapter::print(spread, digits, 4);
}

void print(const std::vector<Results>& results) {
  std::printf("                  whole                 slope                    alignment\n");
  for (std::size_t way = 0; way < ways.size(); ++way) {
    std::printf("%-15s", ways[way].name);
    print(results[way], 1, [](const Result& r) { return r.exact; });
    print(results[way], 2, [](const Result& r) { return r.slope; });
    if (ways[way].context == Context::attention)
      print(results[way], 1, [](const Result& r) { return r.alignment; });
    std::printf("\n");
  }
  std::printf("\nlength");
  for (const Way& way : ways) std::printf("   %-*s", &way == &ways.back() ? 0 : 19, way.name);
  for (const auto& bucket : results[0][0].tokens) {
    std::printf("\n%2d..%2d", static_cast<int>(bucket.first - 3), static_cast<int>(bucket.first));
    for (const Results& of_way : results)
      print(of_way, 1, [&](const Result& r) { return 100 * r.tokens.at(bucket.first).value(); });
  }
  std::printf("\n");
}

int main() {
  set_threads(1);  // each of two nets at a time has a thread
  const Corpus corpus;
  const std::vector<data::IdsPair> pairs = corpus.ids(corpus.training);
  std::vector<models::Seq2Seq> nets;
  for (const Way& way : ways)
    for (int seed = 1; seed <= seeds; ++seed) {
      manual_seed(seed);
      nets.emplace_back(models::Seq2Seq::Options{.source_vocabulary = corpus.english.size(),
                                                 .target_vocabulary = corpus.french.size(),
                                                 .padding = special.padding,
                                                 .context = way.context,
                                                 .score = way.score,
                                                 .width = 128,
                                                 .hidden = 192,
                                                 .bidirectional = way.directions});
    }
  std::vector<Results> results(ways.size());
  const auto every_second = [&](std::size_t first) {
    for (std::size_t i = first; i < nets.size(); i += 2) {
      Result& result = results[i / seeds][i % seeds];
      train(nets[i], pairs, i % seeds + 1);
      result = ask(nets[i], corpus);
      std::fprintf(stderr, "%s, seed %zu: %.1f %%\n", ways[i / seeds].name, i % seeds + 1, result.exact);
    }
  };
  {
    const std::jthread odd([&] { every_second(1); });
    every_second(0);
  }
  std::printf("seeds: 1 to %d\n%zu pairs, %d steps of 64\n\n", seeds, pairs.size(), steps);
  print(results);
}
