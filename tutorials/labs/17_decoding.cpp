// Ways to write a translation: searching, drawing, and all words at once
//
// The nets of chapter 17. First, what one finds that writes the answers hi, sir and etc word by word: for 100
// sources the mean of log P, how many in a hundred begin so, and how many have other numbers than the source.
// Then nets that write all words at once, beside those that write word by word: how many in a hundred of 500
// translations are such as the corpus could have. Taught: by what the net wrote that writes word by word.
// Last, the two likeliest words at each place, of the first seed.
#include <gradus/gradus.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <string>
#include <vector>

#include <gradus/tutorials/chapter.h>
#include <gradus/tutorials/translation.h>

using namespace gradus;
using namespace translation::numerals;
using data::Ids, models::Hypothesis, models::ParallelTranslator, models::Transformer;
using translation::begin, translation::end, translation::Pairs, translation::sources;

constexpr models::DecodeOptions how{.begin = begin, .end = end, .max_length = 12};

// 1. Which translations are right. Of answers: whether behind the first word are the source's numbers.
bool right(Corpus corpus, data::IdsView source, data::IdsView ids) {
  if (corpus == answers && !ids.empty() && ids[0] == etc) return ids.size() == 1;
  if (corpus == answers) {
    const bool polite = !ids.empty() && (ids[0] == hi || ids[0] == sir);
    return polite && right(free_choice, source, ids.subspan(1));
  }
  std::size_t arabic = 0, roman = 0;
  for (std::size_t i = 0; i < std::min(ids.size(), source.size()); ++i) {
    arabic += ids[i] == source[i];
    roman += ids[i] == source[i] + roman_one - one;
  }
  if (ids.size() != source.size() || arabic + roman != ids.size()) return false;
  return corpus == one_roman ? roman == 1 : corpus == all_alike ? arabic == 0 || roman == 0 : true;
}

// 2. Training: sixteen pairs at a time, each of them once.
template <class Model>
Model train(const Pairs& pairs, const auto& loss_of) {
  Transformer::Options options{vocabulary, vocabulary, translation::padding};
  options.width = 32, options.hidden = 64, options.encoder_layers = options.decoder_layers = 1;
  Model model(options);
  model.to(f64);
  optim::Adam optimiser(model, {.lr = 0.005, .beta2 = 0.98});
  const std::int64_t size = 16, steps = std::ssize(pairs) / size;
  const optim::Cosine schedule{.lr = 0.005, .steps = steps, .warmup = steps / 10};
  for (std::int64_t step = 0; step < steps; ++step) {
    const auto first = pairs.begin() + step * size;
    optimiser.set_lr(schedule(step));
    optimiser.zero_grad();
    loss_of(model, Pairs(first, first + size)).backward();
    optimiser.step();
    for (const NamedTensor& parameter : optimiser.parameters())
      no_grad([&] { Tensor(parameter.value).add_(0x1p36).add_(-0x1p36); });
  }
  return model;
}

Transformer word_by_word(const Pairs& pairs) {
  return train<Transformer>(pairs, [](const Transformer& model, const Pairs& batch) {
    const data::Shifted target = translation::targets(batch);
    return cross_entropy(model(sources(batch), target.input), target.target);
  });
}

ParallelTranslator at_once(const Pairs& pairs) {
  return train<ParallelTranslator>(pairs, [](const ParallelTranslator& model, const Pairs& batch) {
    Pairs targets = batch;
    for (data::IdsPair& pair : targets) pair.source = pair.target;
    return model.loss(sources(batch), sources(targets));
  });
}

// 3. Word by word: the best of each source's sequences that a beam finds, and one that is drawn.
std::vector<Hypothesis> search(const Transformer& m, const Pairs& pairs, std::int64_t width, double alpha) {
  std::vector<Hypothesis> best;
  for (const auto& found : models::beam_search(*m.writer(sources(pairs)), std::ssize(pairs),
                                               {.decode = how, .width = width, .length_penalty = alpha}))
    best.push_back(found[0]);
  return best;
}

std::vector<Hypothesis> draw(const Transformer& m, const Pairs& pairs, data::Random& random) {
  std::vector<Hypothesis> drawn;
  for (const data::IdsPair& pair : pairs) {
    const auto writer = m.writer(sources({pair}));
    Hypothesis h{};
    for (std::int64_t id = begin; id != end && std::ssize(h.ids) < how.max_length;) {
      const Tensor log_p = log_softmax(writer->next(from_vector(Ids{id}).unsqueeze(0))[0], 0);
      id = static_cast<std::int64_t>(random.weighted(exp(log_p).to_vector<double>()));
      h.log_probability += log_p[id].item();
      if (id != end) h.ids.push_back(id);
    }
    drawn.push_back(h);
  }
  return drawn;
}

void compare_searches() {
  const Pairs pairs = draw(answers, 1, 16000), test = draw(answers, 2, 100);
  std::vector<Transformer> nets;
  chapter::over_seeds([&](int) { return nets.push_back(word_by_word(pairs)), 0; });
  const auto print = [&](const std::string& name, const auto& write) {
    std::array<data::Share, 4> share;  // hi, sir, etc, and what is not right
    const chapter::Spread log_p = chapter::over_seeds([&](int seed) {
      const std::vector<Hypothesis> written = write(nets[seed - 1]);
      double sum = 0;
      for (std::size_t i = 0; i < test.size(); ++i) {
        const Ids& ids = written[i].ids;
        const std::int64_t kind = right(answers, test[i].source, ids) ? ids[0] - hi : 3;
        for (int k = 0; k < 4; ++k) share[k] += {k == kind, 1};
        sum += written[i].log_probability;
      }
      return sum / static_cast<double>(test.size());
    });
    std::printf("%-15s", name.c_str()), chapter::print(log_p, 2);
    for (const data::Share& s : share) std::printf("   %5.0f", 100 * s.value());
    std::printf("\n");
  };
  std::printf("\n                log P                       hi     sir     etc   wrong\n");
  print("greedy", [&](const Transformer& m) { return search(m, test, 1, 0); });
  for (const double alpha : {0, 1})
    for (const int width : {2, 4})
      print("beam " + std::to_string(width) + (alpha > 0 ? ", score" : ", log P"),
            [&](const Transformer& m) { return search(m, test, width, alpha); });
  data::Random random(1, 0);
  print("drawn", [&](const Transformer& m) { return draw(m, test, random); });
}

// 4. All words at once.
void compare_decoders(Corpus corpus, const char* name) {
  const Pairs pairs = draw(corpus, 1, 9600), test = draw(corpus, 2, 500);
  std::vector<Pairs> taught(chapter::seeds, pairs);
  const auto greedy = [](const Transformer& m, const Pairs& pairs) {
    return models::greedy(*m.writer(sources(pairs)), std::ssize(pairs), how);
  };
  const auto percent = [&](const std::vector<Ids>& written) {
    data::Share share;
    for (std::size_t i = 0; i < test.size(); ++i) share += {right(corpus, test[i].source, written[i]), 1};
    return 100 * share.value();
  };
  const chapter::Spread one_by_one = chapter::over_seeds([&](int seed) {
    const Transformer m = word_by_word(pairs);
    const std::vector<Ids> written = greedy(m, pairs);
    for (std::size_t i = 0; i < pairs.size(); ++i) taught[seed - 1][i].target = written[i];
    return percent(greedy(m, test));
  });
  const auto parallel = [&](const Pairs& pairs) { return percent(at_once(pairs).translate(sources(test))); };
  const chapter::Spread by_corpus = chapter::over_seeds([&](int) { return parallel(pairs); });
  const chapter::Spread by_net = chapter::over_seeds([&](int seed) { return parallel(taught[seed - 1]); });
  std::printf("%-11s", name);
  for (const chapter::Spread& s : {one_by_one, by_corpus, by_net})
    std::printf("   "), chapter::print(s, 0, 3);
  std::printf("\n");
}

void print_places(const Ids& source) {
  manual_seed(1);
  const ParallelTranslator m = at_once(draw(all_alike, 1, 9600));
  const Tensor logits = m(sources({{source, {}}}), tensor({std::ssize(source)}, i64)).logits;
  const auto [p, places] = topk(softmax(logits[0], -1), 2);
  const Ids ids = places.flatten().to_vector<std::int64_t>();
  std::printf("\n");
  for (std::int64_t t = 0; t < std::ssize(source); ++t)
    std::printf("%3.0f %% %-7s%3.0f %% %s\n", 100 * p[t][0].item(), names[ids[2 * t]], 100 * p[t][1].item(),
                names[ids[2 * t + 1]]);
}

int main() {
  set_threads(1);  // the nets are too small to share out
  std::printf("seeds: 1 to %d\n", chapter::seeds);
  compare_searches();
  std::printf("\ncorpus        word by word        at once             at once, taught\n");
  compare_decoders(free_choice, "free choice");
  compare_decoders(all_alike, "all alike");
  compare_decoders(one_roman, "one Roman");
  print_places({one + 3, one + 2, one});
}
