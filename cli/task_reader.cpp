#include <gradus/cli/task_reader.h>

#include <algorithm>
#include <sstream>
#include <utility>

#include <gradus/autograd/ops/reduce.h>
#include <gradus/autograd/ops/softmax.h>
#include <gradus/core/check.h>
#include <gradus/core/create.h>
#include <gradus/data/bert_batches.h>
#include <gradus/data/metrics.h>
#include <gradus/data/pad.h>

namespace gradus::cli {
namespace {

using data::Metric;
using data::TaskExample;
using data::TaskKind;

constexpr double middle_score = 3;  // of the scores from 1 to 5: a head begins near 0

std::vector<data::IdsView> views(const std::vector<data::Ids>& list) { return {list.begin(), list.end()}; }

}  // namespace

std::vector<std::string> words_of(const std::string& text) {
  std::istringstream in(text);
  std::vector<std::string> words;
  for (std::string word; in >> word;) words.push_back(word);
  return words;
}

const char* name_of(Metric metric) {
  switch (metric) {
    case Metric::accuracy:
      return "accuracy";
    case Metric::matthews:
      return "matthews";
    case Metric::f1:
    case Metric::span_f1:
    case Metric::entity_f1:
      break;
    case Metric::pearson:
      return "pearson";
  }
  return "f1";
}

// What is read at once, and where each word begins in it; behind the last word stands one more place.
struct TaskReader::Row {
  data::BertInput input;
  data::Ids first, second;
};

struct TaskReader::Rows {
  std::vector<Row> list;
  models::BertText text;  // (B, T), or of choices (B, C, T)
};

TaskReader::TaskReader(std::string verb, const data::Task& task, const data::Tokenizer& tokenizer,
                       std::int64_t context)
    : verb_(std::move(verb)),
      task_(task),
      tokenizer_(tokenizer),
      special_(data::special_ids(tokenizer.vocabulary())),
      context_(context) {}

models::TaskHead TaskReader::head() const {
  switch (task_.kind) {
    case TaskKind::classes:
    case TaskKind::score:
      break;
    case TaskKind::choice:
      return models::TaskHead::choice;
    case TaskKind::span:
      return models::TaskHead::span;
    case TaskKind::tags:
      return models::TaskHead::tags;
  }
  return models::TaskHead::text;
}

std::int64_t TaskReader::outputs() const {
  if (task_.kind == TaskKind::score) return 1;
  return task_.kind == TaskKind::classes || task_.kind == TaskKind::tags ? std::ssize(task_.labels) : 0;
}

TaskReader::Row TaskReader::row(const std::string& first, const std::string& second) const {
  const auto pieces_of = [&](const std::string& text, std::int64_t from, data::Ids& begins) {
    data::Ids ids;
    for (const std::string& word : words_of(text)) {
      begins.push_back(from + std::ssize(ids));
      const data::Ids pieces = tokenizer_.encode(word).ids;
      ids.insert(ids.end(), pieces.begin(), pieces.end());
    }
    begins.push_back(from + std::ssize(ids));
    return ids;
  };
  Row row;
  const data::Ids a = pieces_of(first, 1, row.first), b = pieces_of(second, row.first.back() + 1, row.second);
  check(!a.empty(), verb_.c_str(), "there is no word in the text. \"it was a good day .\"?");
  const std::int64_t size = std::ssize(a) + std::ssize(b) + (b.empty() ? 2 : 3);
  check(size <= context_, verb_.c_str(), "a text has ", size,
        " tokens, special ones included, and the model reads ", context_, " at most. Cut it?");
  row.input = data::bert_input(a, b, special_, context_);
  return row;
}

TaskReader::Rows TaskReader::rows(std::span<const TaskExample> examples) const {
  Rows rows;
  for (const TaskExample& example : examples) {
    if (task_.kind != TaskKind::choice) {
      rows.list.push_back(row(example.first, example.second));
      continue;
    }
    check(!example.choices.empty() && example.choices.size() == examples[0].choices.size(), verb_.c_str(),
          "each text needs as many choices as the others, and one at least, not ", example.choices.size(),
          ". One more?");
    for (const std::string& choice : example.choices) rows.list.push_back(row(example.first, choice));
  }
  std::vector<data::Ids> ids, segments;
  for (const Row& each : rows.list) {
    ids.push_back(each.input.ids);
    segments.push_back(each.input.segments);
  }
  const data::Padded padded = data::pad(views(ids), special_.padding);
  rows.text = {padded.ids, data::pad(views(segments), 0).ids, padded.mask};
  if (task_.kind == TaskKind::choice) {
    const Shape shape{std::ssize(examples), std::ssize(examples[0].choices), padded.ids.size(1)};
    for (Tensor* const x : {&rows.text.ids, &rows.text.segments, &rows.text.mask}) *x = x->reshape(shape);
  }
  return rows;
}

TaskReader::Batch TaskReader::batch(std::span<const TaskExample> examples) const {
  const Rows read = rows(examples);
  data::Ids labels;
  std::vector<float> scores;
  std::vector<data::Ids> tags;
  for (std::size_t i = 0; i < examples.size(); ++i) {
    const TaskExample& example = examples[i];
    switch (task_.kind) {
      case TaskKind::classes:
      case TaskKind::choice:
        labels.push_back(example.label);
        break;
      case TaskKind::score:
        scores.push_back(static_cast<float>(example.score - middle_score));
        break;
      case TaskKind::span: {
        const data::Ids& begins = read.list[i].second;
        labels.push_back(begins[static_cast<std::size_t>(example.begin)]);
        labels.push_back(begins[static_cast<std::size_t>(example.end)] - 1);
        break;
      }
      case TaskKind::tags: {
        data::Ids& of_tokens = tags.emplace_back(read.list[i].input.ids.size(), data::ignore_index);
        for (std::size_t word = 0; word < example.tags.size(); ++word)
          of_tokens[static_cast<std::size_t>(read.list[i].first[word])] = example.tags[word];
        break;
      }
    }
  }
  if (task_.kind == TaskKind::score) return {read.text, from_vector(scores)};
  if (task_.kind == TaskKind::tags) return {read.text, data::pad_targets(views(tags))};
  if (task_.kind == TaskKind::span) return {read.text, from_vector(labels, {std::ssize(examples), 2})};
  return {read.text, from_vector(labels)};
}

std::vector<TaskAnswer> TaskReader::answers(const models::BertTask& model,
                                            std::span<const TaskExample> examples) const {
  std::vector<TaskAnswer> answers;
  constexpr std::size_t at_once = 64;
  for (std::size_t from = 0; from < examples.size(); from += at_once) {
    const auto some = examples.subspan(from, std::min(at_once, examples.size() - from));
    const Rows read = rows(some);
    const Tensor logits = model(read.text);
    const std::vector<models::TokenSpan> spans = task_.kind == TaskKind::span
                                                     ? models::best_spans(logits, read.text)
                                                     : std::vector<models::TokenSpan>();
    for (std::size_t i = 0; i < some.size(); ++i) {
      const Tensor own = logits[static_cast<std::int64_t>(i)];
      TaskAnswer& answer = answers.emplace_back();
      switch (task_.kind) {
        case TaskKind::classes:
        case TaskKind::choice:
          answer.label = argmax(own, -1).to_vector<std::int64_t>()[0];
          answer.probabilities = softmax(own, -1).to(f64).to_vector<double>();
          break;
        case TaskKind::score:
          answer.score = own[0].item() + middle_score;
          break;
        case TaskKind::span: {
          // The words that have these tokens.
          const data::Ids& begins = read.list[i].second;
          const auto word_of = [&](std::int64_t token) {
            return std::ranges::upper_bound(begins, token) - begins.begin() - 1;
          };
          answer.begin = word_of(spans[i].first), answer.end = word_of(spans[i].last) + 1;
          break;
        }
        case TaskKind::tags: {
          const data::Ids of_tokens = argmax(own, -1).to_vector<std::int64_t>();
          const data::Ids& begins = read.list[i].first;
          for (std::size_t word = 0; word + 1 < begins.size(); ++word)
            answer.tags.push_back(of_tokens[static_cast<std::size_t>(begins[word])]);
          break;
        }
      }
    }
  }
  return answers;
}

double TaskReader::score(std::span<const TaskAnswer> answers, std::span<const TaskExample> examples) const {
  data::Ids predicted, expected;
  std::vector<double> scores, expected_scores;
  data::Overlap of_ones, of_entities;
  double of_spans = 0;
  const auto names_of = [&](const std::vector<std::int64_t>& tags) {
    std::vector<std::string> names;
    for (const std::int64_t tag : tags) names.push_back(task_.labels[static_cast<std::size_t>(tag)]);
    return names;
  };
  const auto words_between = [](const std::string& text, std::int64_t begin, std::int64_t end) {
    const std::vector<std::string> words = words_of(text);
    return std::vector<std::string>(words.begin() + begin, words.begin() + end);
  };
  for (std::size_t i = 0; i < examples.size(); ++i) {
    const TaskAnswer& answer = answers[i];
    const TaskExample& example = examples[i];
    predicted.push_back(answer.label), expected.push_back(example.label);
    scores.push_back(answer.score), expected_scores.push_back(example.score);
    of_ones += {answer.label == 1 && example.label == 1, answer.label == 1, example.label == 1};
    if (task_.kind == TaskKind::tags)
      of_entities += data::entity_overlap(names_of(answer.tags), names_of(example.tags));
    if (task_.kind == TaskKind::span)
      of_spans += data::token_f1(words_between(example.second, answer.begin, answer.end),
                                 words_between(example.second, example.begin, example.end));
  }
  switch (task_.metric) {
    case Metric::accuracy:
      break;
    case Metric::matthews:
      return data::matthews(predicted, expected);
    case Metric::f1:
      return of_ones.f1();
    case Metric::pearson:
      return data::pearson(scores, expected_scores);
    case Metric::span_f1:
      return of_spans / static_cast<double>(examples.size());
    case Metric::entity_f1:
      return of_entities.f1();
  }
  return data::exact_match(predicted, expected).value();
}

}  // namespace gradus::cli
