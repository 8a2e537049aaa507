// Five families of this course learn from the same sentences, each with as many weights as the others; and
// what the heads of one look at. The page beside this file explains it. ./gradus tutorial 23 [--figures DIR]
#include <gradus/gradus.h>

#include <algorithm>
#include <cstdio>
#include <map>
#include <span>
#include <string>
#include <thread>
#include <vector>

#include <gradus/tutorials/chapter.h>
#include <gradus/tutorials/figure.h>
#include <gradus/tutorials/translation.h>

using namespace gradus;
using translation::Pairs, translation::Sentences;

constexpr data::DecoderIds special{translation::begin, translation::end, translation::padding};
const models::TranslateOptions how{.ids = special, .max_length = 30};

// 1. A family's net of so many weights, and its training: for all the same, but for the learning rate.
struct Net {
  const models::Contestant& family;
  int seed;
  models::Entrant entrant;
};

// All families of seed 1, then all of seed 2, and so on.
std::vector<Net> make_nets(const models::TranslationTask& task) {
  std::vector<Net> nets;
  for (int seed = 1; seed <= chapter::seeds; ++seed)
    for (const models::Contestant& family : models::contestants()) {
      manual_seed(static_cast<std::uint64_t>(seed));
      nets.push_back({family, seed, family.make(task, 60'000)});
      nets.back().entrant.model->to(f64);
    }
  return nets;
}

void train(const Net& net, const Pairs& pairs, int steps) {
  const auto seed = static_cast<std::uint64_t>(net.seed);
  auto batches = data::pair_batches(pairs, {.size = {.sequences = 32}, .ids = special, .seed = seed});
  optim::AdamW optimiser(*net.entrant.model, {.lr = net.family.lr});
  const optim::Cosine schedule{.lr = net.family.lr, .steps = steps, .warmup = steps / 20};
  for (int step = 0; step < steps; ++step) {
    const data::PairBatch batch = batches.next();
    optimiser.set_lr(schedule(step));
    optimiser.zero_grad();
    cross_entropy(net.entrant.translator.logits(batch.source, batch.target.input), batch.target.target)
        .backward();
    optim::clip_grad_norm(optimiser.parameters(), 1);
    optimiser.step();
    for (const NamedTensor& parameter : optimiser.parameters())
      no_grad([&] { Tensor(parameter.value).add_(0x1p36).add_(-0x1p36); });
  }
  net.entrant.model->eval();
}

// 2. What is asked, and what each answers.
struct Exam {
  Pairs known, longer;  // of up to as many words as in training, and of more
  std::vector<models::ReferringPair> with_it;
};

Exam exam_of(const Sentences& sentences) {
  Exam exam;
  for (const data::Pair& pair : sentences.held_out) {
    (pair.english.size() <= sentences.longest_in_training ? exam.known : exam.longer)
        .push_back(sentences.ids(pair));
    for (const data::Reference& reference : pair.references)
      if (pair.english[static_cast<std::size_t>(reference.english_pronoun)] == "it")
        exam.with_it.push_back({sentences.ids(pair), reference});
  }
  return exam;
}

struct Result {
  double loss, whole, longer, it;              // in percent, but for the loss
  std::map<std::int64_t, data::Share> tokens;  // by the length of the English
};

Result ask(const Net& net, const Exam& exam) {
  const models::Translator& translator = net.entrant.translator;
  const auto known = models::report_on(translator.writer, translator.logits, exam.known, how);
  const auto longer = models::report_on(translator.writer, translator.logits, exam.longer, how);
  Result result{models::pair_loss(translator.logits, exam.known, how), 100 * known.exact.value(),
                100 * longer.exact.value(),
                100 * models::pronoun_agreement(translator.logits, exam.with_it, how).value(),
                known.tokens.lengths};
  result.tokens.insert(longer.tokens.lengths.begin(), longer.tokens.lengths.end());
  return result;
}

std::vector<Result> train_and_ask(const std::vector<Net>& nets, const Pairs& pairs, const Exam& exam) {
  std::vector<Result> results(nets.size());
  const auto every_second = [&](std::size_t first) {
    for (std::size_t i = first; i < nets.size(); i += 2) {
      train(nets[i], pairs, 700);
      results[i] = ask(nets[i], exam);
    }
  };
  const std::jthread odd([&] { every_second(1); });
  every_second(0);
  return results;
}

// Mean and range over the seeds; and a line for each family, of the means by length.
std::vector<figure::Series> table(const std::vector<Net>& nets, const std::vector<Result>& results) {
  const std::size_t families = models::contestants().size();
  std::vector<figure::Series> lines;
  std::printf("             weights   loss   whole                 longer                it\n");
  for (std::size_t f = 0; f < families; ++f) {
    const auto of_seed = [&](int seed) -> const Result& { return results[families * (seed - 1) + f]; };
    std::printf("%-12s%8lld%7.2f", nets[f].family.name.c_str(),
                static_cast<long long>(nets[f].entrant.model->parameter_count()),
                chapter::over_seeds([&](int seed) { return of_seed(seed).loss; }).mean);
    for (double Result::*const what : {&Result::whole, &Result::longer, &Result::it}) {
      std::printf("   ");
      chapter::print(chapter::over_seeds([&](int seed) { return of_seed(seed).*what; }), 1, 4);
    }
    std::printf("\n");
    lines.push_back({nets[f].family.name, {}, {}});
    for (const auto& entry : of_seed(1).tokens) {
      const auto right = [&](int seed) { return 100 * of_seed(seed).tokens.at(entry.first).value(); };
      lines.back().x.push_back(static_cast<double>(entry.first));
      lines.back().y.push_back(chapter::over_seeds(right).mean);
    }
  }
  return lines;
}

// By the nets of the first seed.
void translate(const std::vector<Net>& nets, const Sentences& sentences, const char* text) {
  const data::Pair& pair = sentences.held_out_pair(text);
  std::printf("\n%-13s%s\n%-13s%s\n", "", text, "", data::sentence_of(pair.french).c_str());
  for (const Net& net : std::span(nets).first(models::contestants().size())) {
    const data::Ids ours =
        models::translate(net.entrant.translator.writer, {sentences.ids(pair).source}, how)[0];
    std::printf("%-13s%s\n", net.family.name.c_str(), sentences.text(ours).c_str());
  }
}

// 3. Of all words, those from which a head of the encoder attends most to the word at this distance.
double attends(const Tensor& most, const Tensor& mask, double distance) {
  const Tensor away = most - arange(static_cast<double>(most.size(1)), i64);
  return sum(logical_and(away == distance, mask).to(f64)).item() / sum(mask.to(f64)).item();
}

void heads(const models::TranslationTask& task, const Sentences& sentences, const Exam& exam) {
  manual_seed(1);
  const Net net{models::contestants().back(), 1, models::contestants().back().make(task, 100'000)};
  net.entrant.model->to(f64);
  train(net, sentences.ids(sentences.training), 1000);
  const auto& model = dynamic_cast<const models::Transformer&>(*net.entrant.model);
  const std::vector<models::ReferringPair>& all = exam.with_it;
  const auto middle = all.begin() + std::ssize(all) / 2;
  const auto of_source = [&](const data::Padded& source) {
    return model.with_weights(source, full({source.ids.size(0), 1}, translation::begin, i64)).encoder;
  };
  const auto chosen = models::heads_find_nouns(of_source, {all.begin(), middle}, how),
             asked = models::heads_find_nouns(of_source, {middle, all.end()}, how);
  const data::Padded source = translation::sources(sentences.ids(sentences.held_out));
  const auto layers = no_grad([&] { return of_source(source); });
  std::printf("\nlayer   head   itself   before   after   it: its noun   in others\n");
  for (std::size_t layer = 0; layer < layers.size(); ++layer)
    for (std::size_t head = 0; head < chosen[layer].size(); ++head) {
      const Tensor most = argmax(layers[layer].select(1, static_cast<std::int64_t>(head)), -1);  // (B, S)
      std::printf("%5zu%7zu", layer + 1, head + 1);
      for (const double distance : {0, -1, 1})
        std::printf("%9.1f", 100 * attends(most, source.mask, distance));
      std::printf("%15.1f%12.1f\n", 100 * chosen[layer][head].value(), 100 * asked[layer][head].value());
    }
  std::map<std::int64_t, double> back;
  for (const auto& [ids, reference] : all)
    back[reference.english_pronoun - reference.english_noun] += 100 / static_cast<double>(all.size());
  const auto usual = std::ranges::max_element(back, {}, &std::pair<const std::int64_t, double>::second);
  std::printf("the noun is %d words back: %.1f\n", static_cast<int>(usual->first), usual->second);
}

int main(int argc, char* argv[]) {
  set_threads(1);  // each of two nets at a time has a thread
  const Sentences sentences;
  const Exam exam = exam_of(sentences);
  std::printf("%zu sentences of up to 10 words, %zu of 11 and 12, %zu with an it\n\n", exam.known.size(),
              exam.longer.size(), exam.with_it.size());
  const models::TranslationTask task{sentences.english.size(), sentences.french.size(), special};
  const std::vector<Net> nets = make_nets(task);
  const std::vector<figure::Series> lines =
      table(nets, train_and_ask(nets, sentences.ids(sentences.training), exam));
  translate(nets, sentences, "Anna catches the white spider and chases it.");
  heads(task, sentences, exam);
  if (const std::string folder = chapter::figures_folder(argc, argv); !folder.empty())
    figure::write(folder + "/23_length.svg",
                  {{.x = {"words of the English", Sentences::shortest, Sentences::longest},
                    .y = {"words right (%)", 0, 100},
                    .lines = lines,
                    .legend = figure::bottom_left}});
}
