// word2vec on stories: whether the words nearest to a noun are nouns of its topic.
//
// A noun of a topic is a word of Lexicon::Topic's places, workers, objects, tools, spots and things, singular
// or plural, and such a word with an s where that is a word: "desks". Each noun is asked for its five nearest
// words, all words of the stories among them; those that are nouns of one of its topics are right (bank and
// apple have two). Precision is the share of right ones over all nouns. What counts as wrong although it
// belongs there: verbs and adjectives of the topic, and the kinds of its things (fish, meal).
//
// A model sees a million words once: Adam, its rate falling from 0.004 along a line.
#include <algorithm>
#include <iostream>
#include <map>
#include <set>
#include <string>
#include <vector>

#include <gradus/core/random.h>
#include <gradus/data/context_batches.h>
#include <gradus/data/stories.h>
#include <gradus/models/word2vec.h>
#include <gradus/models/word_vectors.h>
#include <gradus/optim/adam.h>
#include <gradus/optim/fit.h>

#include "support/catch.h"

using namespace gradus;
using data::Word2VecTask;

namespace {

enum class Loss { negative_sampling, softmax };

// The topics of each noun.
std::map<std::string, std::set<std::string>> topics_of_nouns(const data::Stories& stories) {
  std::map<std::string, std::set<std::string>> topics;
  const auto add = [&](const std::string& noun, const std::string& topic) {
    for (const std::string& word : {noun, noun + 's'})
      if (stories.vocabulary().find(word)) topics[word].insert(topic);
  };
  for (const data::Lexicon::Topic& topic : stories.lexicon().topics) {
    for (const auto* nouns : {&topic.places, &topic.workers, &topic.objects, &topic.tools, &topic.spots})
      for (const std::string& noun : *nouns) add(noun, topic.name);
    for (const auto& [one, many] : topic.things) add(one, topic.name), add(many, topic.name);
  }
  return topics;
}

double precision_of(const models::WordVectors& vectors,
                    const std::map<std::string, std::set<std::string>>& topics) {
  std::int64_t right = 0;
  for (const auto& [noun, own] : topics)
    for (const auto& [word, cosine] : vectors.nearest(noun, 5)) {
      const auto found = topics.find(word);
      right += found != topics.end() && std::any_of(own.begin(), own.end(), [&](const std::string& topic) {
                 return found->second.count(topic) > 0;
               });
    }
  return static_cast<double>(right) / (5 * static_cast<double>(topics.size()));
}

double precision_after_training(Word2VecTask task, Loss loss, std::uint64_t seed) {
  const data::Stories stories;
  const std::map<std::string, std::set<std::string>> topics = topics_of_nouns(stories);
  const data::Ids text = stories.tokens(seed, 1'000'000);
  REQUIRE(topics.size() == 164);
  for (const auto& [noun, own] : topics)
    REQUIRE(std::count(text.begin(), text.end(), stories.vocabulary().id(noun)) >= 100);

  manual_seed(seed);
  models::Word2Vec model({.vocabulary = stories.vocabulary().size()});
  optim::Adam optimiser(model, {});
  data::Source<data::ContextBatch> batches = data::context_batches(text, {.task = task, .seed = seed});
  const auto loss_of = [&](const data::ContextBatch& batch) {
    return loss == Loss::softmax ? model.softmax_loss(batch) : model.negative_sampling_loss(batch);
  };
  const std::int64_t steps = batches.batches_per_epoch();
  optim::fit(
      model, optimiser, batches, loss_of,
      {.steps = steps, .schedule = optim::LinearDecay{.lr = 0.004, .steps = steps}, .progress = false});
  const double precision =
      precision_of(models::WordVectors(stories.vocabulary(), model.input.weight), topics);
  std::cout << (task == Word2VecTask::cbow ? "cbow, " : "skip-gram, ")
            << (loss == Loss::softmax ? "softmax" : "negative sampling") << ", seed " << seed
            << ": precision@5 " << precision << std::endl;
  return precision;
}

}  // namespace

TEST_CASE("of a noun's neighbours by skip-gram, nine in ten are nouns of its topic",
          "[train][word2vec_skip_gram]") {
  for (const std::uint64_t seed : {1, 2, 3, 4, 5}) {
    CHECK(precision_after_training(Word2VecTask::skip_gram, Loss::negative_sampling, seed) >= 0.9);
    CHECK(precision_after_training(Word2VecTask::skip_gram, Loss::softmax, seed) >= 0.92);
  }
}

TEST_CASE("of a noun's neighbours by CBOW, nearly nine in ten are nouns of its topic",
          "[train][word2vec_cbow]") {
  for (const std::uint64_t seed : {1, 2, 3, 4, 5}) {
    CHECK(precision_after_training(Word2VecTask::cbow, Loss::negative_sampling, seed) >= 0.92);
    CHECK(precision_after_training(Word2VecTask::cbow, Loss::softmax, seed) >= 0.88);
  }
}
