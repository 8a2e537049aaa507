#include "support/task_baselines.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <utility>

#include <gradus/data/metrics.h>

#include "support/logistic_regression.h"
#include "support/task_facts.h"

namespace gradus::test {
namespace {

using data::Metric;
using data::Task;
using data::TaskExample;
using data::TaskKind;
// A number for each word that comes.
class Bag {
 public:
  Features features(const std::string& first, const std::string& second, bool with_first) {
    const Words a = words_in(first), b = words_in(second);
    const std::set<std::string> one(a.begin(), a.end()), other(b.begin(), b.end());
    Features features;
    double shared = 0;
    for (const std::string& word : one) {
      if (with_first) features.emplace_back(2 * number(word), 1);
      shared += static_cast<double>(other.count(word));
    }
    for (const std::string& word : other) features.emplace_back(2 * number(word) + 1, 1);
    const double longer = static_cast<double>(a.size()) - static_cast<double>(b.size());
    features.insert(features.end(), {{2 * number("bias"), 1},
                                     {2 * number("shared"), shared},
                                     {2 * number("longer"), with_first ? longer : 0}});
    return features;
  }

 private:
  std::size_t number(const std::string& word) {
    return numbers_.emplace(word, numbers_.size()).first->second;
  }

  std::map<std::string, std::size_t> numbers_;
};

LogisticRegression fitted(const std::vector<Features>& features, const std::vector<bool>& labels) {
  return LogisticRegression(features, labels, 8);
}

double score_of(Metric metric, const std::vector<double>& predicted, const std::vector<double>& expected) {
  // For two classes Matthews' correlation is Pearson's.
  if (metric == Metric::pearson || metric == Metric::matthews) return data::pearson(predicted, expected);
  double right = 0;
  data::Overlap ones;
  for (std::size_t i = 0; i < predicted.size(); ++i) {
    right += predicted[i] == expected[i];
    ones += {predicted[i] == 1 && expected[i] == 1, predicted[i] == 1, expected[i] == 1};
  }
  return metric == Metric::f1 ? ones.f1() : right / static_cast<double>(predicted.size());
}

// A classifier for each threshold or class, by its score.
double of_texts(const Task& task, const TaskExamples& train, const TaskExamples& held_out) {
  Bag bag;
  const auto seen = [&](const TaskExamples& examples) {
    std::vector<Features> features;
    for (const TaskExample& e : examples) features.push_back(bag.features(e.first, e.second, true));
    return features;
  };
  const std::vector<Features> features = seen(train), asked = seen(held_out);
  const bool classes = task.kind == TaskKind::classes;
  std::vector<LogisticRegression> models;
  for (std::size_t c = 0; c < (classes ? task.labels.size() : 3); ++c) {
    std::vector<bool> labels;
    for (const TaskExample& e : train) {
      labels.push_back(classes ? e.label == static_cast<std::int64_t>(c)
                               : e.score > 2 + static_cast<double>(c));
    }
    models.push_back(fitted(features, labels));
  }
  std::vector<double> predicted, expected;
  for (std::size_t i = 0; i < held_out.size(); ++i) {
    std::vector<double> scores;
    for (const LogisticRegression& model : models) scores.push_back(model.score(asked[i]));
    const auto best = std::max_element(scores.begin(), scores.end()) - scores.begin();
    predicted.push_back(classes ? static_cast<double>(best) : scores[0] + scores[1] + scores[2]);
    expected.push_back(classes ? static_cast<double>(held_out[i].label) : held_out[i].score);
  }
  return score_of(task.metric, predicted, expected);
}

double of_choices(const TaskExamples& train, const TaskExamples& held_out) {
  Bag bag;
  std::vector<Features> features;
  std::vector<bool> labels;
  for (const TaskExample& e : train) {
    for (std::size_t c = 0; c < e.choices.size(); ++c) {
      features.push_back(bag.features(e.first, e.choices[c], false));
      labels.push_back(static_cast<std::int64_t>(c) == e.label);
    }
  }
  const LogisticRegression model = fitted(features, labels);
  double right = 0;
  for (const TaskExample& e : held_out) {
    std::vector<double> scores;
    for (const std::string& choice : e.choices) {
      scores.push_back(model.score(bag.features(e.first, choice, false)));
    }
    right += std::max_element(scores.begin(), scores.end()) - scores.begin() == e.label;
  }
  return right / static_cast<double>(held_out.size());
}

using Span = std::pair<std::int64_t, std::int64_t>;

// Where the sentence begins that has most words of the question.
std::int64_t nearest_sentence(const TaskExample& e) {
  const Words question = words_in(e.first);
  std::int64_t begin = 0, best = 0, at = 0;
  double most = -1, shared = 0;
  for (const std::string& word : words_in(e.second)) {
    ++at;
    shared += word != "the" && std::count(question.begin(), question.end(), word) > 0;
    if (word != ".") continue;
    if (shared > most) most = shared, best = begin;
    begin = at;
    shared = 0;
  }
  return best;
}

double of_spans(const TaskExamples& train, const TaskExamples& held_out) {
  std::map<std::string, std::map<Span, int>> counts;
  for (const TaskExample& e : train) {
    const std::int64_t from = nearest_sentence(e);
    ++counts[words_in(e.first)[0]][{e.begin - from, e.end - from}];
  }
  double sum = 0;
  for (const TaskExample& e : held_out) {
    const auto& of_word = counts.at(words_in(e.first)[0]);
    const auto less = [](const auto& a, const auto& b) { return a.second < b.second; };
    const Span place = std::max_element(of_word.begin(), of_word.end(), less)->first;
    const std::int64_t from = nearest_sentence(e);
    const std::int64_t begin = place.first + from, end = place.second + from;
    const auto both = std::max<std::int64_t>(0, std::min(end, e.end) - std::max(begin, e.begin));
    sum += data::Overlap{both, end - begin, e.end - e.begin}.f1();
  }
  return sum / static_cast<double>(held_out.size());
}

double of_tags(const Task& task, const TaskExamples& train, const TaskExamples& held_out) {
  std::map<std::string, std::map<std::int64_t, int>> counts;
  for (const TaskExample& e : train) {
    const Words words = words_in(e.first);
    for (std::size_t i = 0; i < words.size(); ++i) ++counts[words[i]][e.tags[i]];
  }
  data::Overlap names;
  for (const TaskExample& e : held_out) {
    Words predicted, expected;
    for (const std::string& word : words_in(e.first)) {
      const auto& of_word = counts[word];
      const auto less = [](const auto& a, const auto& b) { return a.second < b.second; };
      const auto tag = of_word.empty() ? 0 : std::max_element(of_word.begin(), of_word.end(), less)->first;
      predicted.push_back(task.labels[static_cast<std::size_t>(tag)]);
    }
    for (const std::int64_t tag : e.tags) expected.push_back(task.labels[static_cast<std::size_t>(tag)]);
    names += data::entity_overlap(predicted, expected);
  }
  return names.f1();
}

}  // namespace

double bag_of_words(const Task& task, const TaskExamples& train, const TaskExamples& held_out) {
  switch (task.kind) {
    case TaskKind::choice:
      return of_choices(train, held_out);
    case TaskKind::span:
      return of_spans(train, held_out);
    case TaskKind::tags:
      return of_tags(task, train, held_out);
    default:
      return of_texts(task, train, held_out);
  }
}

double lengths_alone(const Task& task, const TaskExamples& train, const TaskExamples& held_out) {
  using Lengths = std::vector<std::size_t>;
  const auto lengths = [](const TaskExample& e) {
    Lengths all = {words_in(e.first).size(), words_in(e.second).size()};
    if (!e.choices.empty()) all.clear();
    for (const std::string& choice : e.choices) all.push_back(words_in(choice).size());
    return all;
  };
  double right = 0;
  if (task.kind == TaskKind::choice) {  // the choice whose length is most often right
    std::map<std::size_t, std::pair<double, double>> counts;
    for (const TaskExample& e : train) {
      const Lengths all = lengths(e);
      for (std::size_t c = 0; c < all.size(); ++c) {
        counts[all[c]].first += static_cast<std::int64_t>(c) == e.label;
        counts[all[c]].second += 1;
      }
    }
    for (const TaskExample& e : held_out) {
      std::vector<double> shares;
      for (const std::size_t length : lengths(e))
        shares.push_back(counts[length].first / counts[length].second);
      right += std::max_element(shares.begin(), shares.end()) - shares.begin() == e.label;
    }
  } else {
    std::map<Lengths, std::map<std::int64_t, int>> counts;
    for (const TaskExample& e : train) ++counts[lengths(e)][e.label];
    for (const TaskExample& e : held_out) {
      const auto& labels = counts[lengths(e)];
      const auto less = [](const auto& a, const auto& b) { return a.second < b.second; };
      right += !labels.empty() && std::max_element(labels.begin(), labels.end(), less)->first == e.label;
    }
  }
  return right / static_cast<double>(held_out.size());
}

}  // namespace gradus::test
