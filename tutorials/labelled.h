// What chapter 19 and its lab learn from: stories to pre-train on, and examples of the tasks about them
// (data/tasks.h) as batches, with the score of each task.
#pragma once

#include <gradus/gradus.h>

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace labelled {

using namespace gradus;
using data::Ids, data::TaskExample, data::TaskKind;

// Special tokens, the stories' words, and those that the tasks have besides.
inline const data::Words& words() {
  static const data::Words all = [] {
    const data::Stories world;
    std::vector<std::string> tokens = data::Words::Options().special_tokens;
    for (const auto* more : {&world.vocabulary().tokens(), &data::task_words()})
      tokens.insert(tokens.end(), more->begin(), more->end());
    return data::Words(data::Vocabulary(tokens), {});
  }();
  return all;
}

// Batches of chapter 18's two questions, about so many stories. A larger part is asked for than BERT's 0.15.
inline data::Source<data::BertBatch> stories(std::uint64_t seed, std::int64_t count, std::int64_t size,
                                             const data::Corruption& corruption) {
  const data::Stories world;
  std::vector<data::Document> documents(static_cast<std::size_t>(count));
  for (std::int64_t i = 0; i < count; ++i)
    for (const auto& sentence : world.story(seed, i).sentences) {
      Ids& ids = documents[static_cast<std::size_t>(i)].emplace_back();
      for (const data::StoryToken& token : sentence)
        ids.push_back(words().vocabulary().id(world.vocabulary().token(token.id)));
    }
  const std::int64_t count_of_words = words().vocabulary().size() - std::ssize(data::task_words());
  return data::bert_batches(documents, {.batch_size = size,
                                        .longest = 96,
                                        .masking = {.vocabulary = count_of_words,
                                                    .special = data::special_ids(words().vocabulary()),
                                                    .corruption = corruption},
                                        .seed = seed});
}

inline std::vector<TaskExample> examples_of(const data::Task& task, std::uint64_t seed, data::Split split,
                                            std::int64_t count) {
  std::vector<TaskExample> list;
  for (std::int64_t i = 0; i < count; ++i) list.push_back(task.example(seed, i, split));
  return list;
}

// A line for each text or choice, and behind "=" the label.
inline std::string text_of(const data::Task& task, const TaskExample& e) {
  std::string answer = "choice " + std::to_string(e.label + 1), text = e.first;
  if (!e.second.empty()) text.append("\n  ").append(e.second);
  for (const std::string& choice : e.choices) text.append("\n  ").append(choice);
  if (task.kind == TaskKind::classes) answer = task.labels[static_cast<std::size_t>(e.label)];
  if (task.kind == TaskKind::score) answer = std::to_string(e.score).substr(0, 3);
  if (task.kind == TaskKind::span) {
    const Ids ids = words().encode(e.second).ids;
    answer = words().decode(std::span(ids).subspan(e.begin, e.end - e.begin));
  }
  if (task.kind == TaskKind::tags) answer.clear();
  for (const std::int64_t tag : e.tags)
    answer.append(answer.empty() ? "" : " ").append(task.labels[static_cast<std::size_t>(tag)]);
  return text.append("\n  = ").append(answer);
}

struct Batch {
  models::BertText text;  // (B, T), of choices (B, C, T)
  Tensor labels;          // as BertTask::loss has them; scores from 1 to 5 less 3
};

inline Batch batch_of(const data::Task& task, std::span<const TaskExample> examples, DType dtype) {
  std::vector<data::BertInput> rows;
  std::vector<Ids> tags;
  Ids labels;
  std::vector<double> scores;
  for (const TaskExample& example : examples) {
    const Ids first = words().encode(example.first).ids;
    const std::vector<std::string> alone = {example.second};
    for (const std::string& second : task.kind == TaskKind::choice ? example.choices : alone)
      rows.push_back(
          data::bert_input(first, words().encode(second).ids, data::special_ids(words().vocabulary()), 96));
    if (task.kind == TaskKind::score) scores.push_back(example.score - 3);
    if (task.kind == TaskKind::classes || task.kind == TaskKind::choice) labels.push_back(example.label);
    if (task.kind == TaskKind::span) {  // behind [CLS], the question and [SEP]
      labels.push_back(2 + std::ssize(first) + example.begin);
      labels.push_back(1 + std::ssize(first) + example.end);
    }
    if (task.kind == TaskKind::tags) {  // none for [CLS] and [SEP]
      tags.push_back(example.tags);
      tags.back().insert(tags.back().begin(), data::ignore_index);
      tags.back().push_back(data::ignore_index);
    }
  }
  std::vector<data::IdsView> ids, segments;
  for (const data::BertInput& row : rows) ids.push_back(row.ids), segments.push_back(row.segments);
  const data::Padded padded = data::pad(ids, 0);
  models::BertText text{padded.ids, data::pad(segments, 0).ids, padded.mask};
  const std::int64_t B = std::ssize(examples), T = padded.ids.size(1);
  if (task.kind == TaskKind::choice)
    for (Tensor* const x : {&text.ids, &text.segments, &text.mask}) *x = x->reshape({B, -1, T});
  if (task.kind == TaskKind::score) return {text, from_vector(scores).to(dtype)};
  if (task.kind == TaskKind::tags) return {text, data::pad_targets({tags.begin(), tags.end()})};
  if (task.kind == TaskKind::span) return {text, from_vector(labels, {B, 2})};
  return {text, from_vector(labels)};
}

// The task's metric in percent, by what `logits` gives for a text.
template <class Logits>
double score(const data::Task& task, std::span<const TaskExample> examples, DType dtype,
             const Logits& logits) {
  const GradMode off(false);
  Ids said, right;
  std::vector<double> numbers, scores;
  data::Overlap of_ones, of_entities;
  double of_spans = 0;
  for (std::size_t from = 0; from < examples.size(); from += 50) {
    const auto some = examples.subspan(from, std::min<std::size_t>(50, examples.size() - from));
    const Batch batch = batch_of(task, some, dtype);
    const Tensor out = logits(batch.text);
    std::vector<models::TokenSpan> spans;
    if (task.kind == TaskKind::span) spans = models::best_spans(out, batch.text);
    for (std::size_t i = 0; i < some.size(); ++i) {
      const Tensor own = out[static_cast<std::int64_t>(i)];
      if (task.kind == TaskKind::score) {
        numbers.push_back(own[0].item());
        scores.push_back(some[i].score);
      } else if (task.kind == TaskKind::span) {
        const Ids ids = batch.text.ids[static_cast<std::int64_t>(i)].to_vector<std::int64_t>();
        const Ids places = batch.labels[static_cast<std::int64_t>(i)].to_vector<std::int64_t>();
        const auto between = [&](std::int64_t a, std::int64_t b) {
          return Ids(ids.begin() + a, ids.begin() + b + 1);
        };
        of_spans += data::token_f1(between(spans[i].first, spans[i].last), between(places[0], places[1]));
      } else if (task.kind == TaskKind::tags) {
        const Ids tags = argmax(own, -1).to_vector<std::int64_t>();
        std::vector<std::string> ours, theirs;
        for (std::size_t t = 0; t < some[i].tags.size(); ++t) {
          ours.push_back(task.labels[static_cast<std::size_t>(tags[t + 1])]);
          theirs.push_back(task.labels[static_cast<std::size_t>(some[i].tags[t])]);
        }
        of_entities += data::entity_overlap(ours, theirs);
      } else {
        said.push_back(argmax(own, -1).to_vector<std::int64_t>()[0]);
        right.push_back(some[i].label);
        of_ones += {said.back() == 1 && right.back() == 1, said.back() == 1, right.back() == 1};
      }
    }
  }
  switch (task.metric) {
    case data::Metric::accuracy:
      break;
    case data::Metric::matthews:
      return 100 * data::matthews(said, right);
    case data::Metric::f1:
      return 100 * of_ones.f1();
    case data::Metric::pearson:
      return 100 * data::pearson(numbers, scores);
    case data::Metric::span_f1:
      return 100 * of_spans / static_cast<double>(examples.size());
    case data::Metric::entity_f1:
      return 100 * of_entities.f1();
  }
  return 100 * data::exact_match(said, right).value();
}

inline const char* name_of(TaskKind kind) {
  constexpr const char* names[] = {"text", "text", "choice", "span", "tags"};
  return names[static_cast<int>(kind)];
}

inline const char* name_of(data::Metric metric) {
  switch (metric) {
    case data::Metric::accuracy:
      break;
    case data::Metric::matthews:
      return "matthews";
    case data::Metric::f1:
      return "F1";
    case data::Metric::pearson:
      return "pearson";
    case data::Metric::span_f1:
      return "F1 of words";
    case data::Metric::entity_f1:
      return "F1 of names";
  }
  return "accuracy";
}

// What a head needs to know.
inline models::BertTask::Options options(const data::Task& task, const models::BertConfig& bert) {
  using models::TaskHead;
  if (task.kind == TaskKind::choice) return {.bert = bert, .head = TaskHead::choice};
  if (task.kind == TaskKind::span) return {.bert = bert, .head = TaskHead::span};
  if (task.kind == TaskKind::score) return {.bert = bert, .head = TaskHead::text, .outputs = 1};
  return {.bert = bert,
          .head = task.kind == TaskKind::tags ? TaskHead::tags : TaskHead::text,
          .outputs = std::ssize(task.labels)};
}

}  // namespace labelled
