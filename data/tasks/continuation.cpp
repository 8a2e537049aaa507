// Tasks made of the stories themselves: how one may go on, and what its words mean.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include <gradus/data/tasks/families.h>
#include <gradus/data/tasks/scene.h>

namespace gradus::data::families {
namespace {

using Sentence = std::vector<StoryToken>;
using States = std::vector<std::int32_t>;  // in order

// Where the automaton of the stories may stand after these tokens, from any of these states.
States after(States states, const Sentence& sentence) {
  const HiddenMarkov& model = world().automaton().model;
  for (const StoryToken& token : sentence) {
    States next;
    for (const std::int32_t state : states) {
      for (const Arc& arc : model.arcs_from(state)) {
        if (arc.token == token.id) next.push_back(arc.to);
      }
    }
    std::sort(next.begin(), next.end());
    next.erase(std::unique(next.begin(), next.end()), next.end());
    states.swap(next);
  }
  return states;
}

const States& sentence_starts() {
  static const States starts = [] {
    States states;
    for (std::int32_t state = 0; state < world().automaton().model.states(); ++state) {
      if (world().automaton().starts_sentence(state)) states.push_back(state);
    }
    return states;
  }();
  return starts;
}

Story any_story(Random& random) {
  const std::uint64_t upper = random.bits(), lower = random.bits();
  return world().story(upper << 32 | lower, 0);
}

std::string text_of(const Sentence& sentence) {
  std::string text;
  for (const StoryToken& token : sentence) {
    if (!text.empty()) text += ' ';
    text += world().vocabulary().token(token.id);
  }
  return text;
}

// Some stories of each topic, for sentences that fit but for what was told before.
using ByTopic = std::map<std::string, std::vector<Story>, std::less<>>;

const std::string& topic_of(const Story& story) {
  static const auto topics = [] {
    std::map<std::string_view, const std::string*> of_object;
    for (const Lexicon::Topic& topic : world().lexicon().topics) {
      for (const auto* words : {&topic.workers, &topic.spots}) {
        for (const std::string& word : *words) of_object[word] = &topic.name;
      }
    }
    return of_object;
  }();
  for (const Sentence& sentence : story.sentences) {
    for (const StoryToken& token : sentence) {
      const auto found = topics.find(world().vocabulary().token(token.id));
      if (found != topics.end()) return *found->second;
    }
  }
  static const std::string none;
  return none;
}

const ByTopic& stories_by_topic() {
  static const ByTopic stories = [] {
    ByTopic by_topic;
    for (std::int64_t i = 0; i < 4000; ++i) {
      Story story = world().story(0, i);
      by_topic[topic_of(story)].push_back(std::move(story));
    }
    return by_topic;
  }();
  return stories;
}

}  // namespace

// The wrong ones stand at the same place in another story of the topic, or elsewhere in this one, so that it
// takes what was told before to see that they cannot come.
TaskExample continuation(Random& random) {
  const Story story = any_story(random);
  const std::vector<Sentence>& told = story.sentences;
  const auto at = static_cast<std::size_t>(random.below(std::ssize(told) - 2));
  const States now = after(after(sentence_starts(), told[at]), told[at + 1]);

  TaskExample example{.first = text_of(told[at]) + " " + text_of(told[at + 1]),
                      .choices = {text_of(told[at + 2])}};
  const auto& of_topic = stories_by_topic().at(topic_of(story));
  while (example.choices.size() < 4) {
    const bool elsewhere = random.chance(0.3);
    const Story& other = elsewhere ? story : random.pick(of_topic);
    const std::size_t place =
        elsewhere ? 2 + static_cast<std::size_t>(random.below(std::ssize(told) - 2)) : at + 2;
    if (place >= other.sentences.size() || !after(now, other.sentences[place]).empty()) continue;
    if (elsewhere && (place == at || place == at + 1)) continue;
    const std::string wrong = text_of(other.sentences[place]);
    if (std::ranges::count(example.choices, wrong) == 0) example.choices.push_back(wrong);
  }
  example.label = random.below(4);
  std::swap(example.choices[0], example.choices[static_cast<std::size_t>(example.label)]);
  return example;
}

const std::vector<std::string>& sense_labels() {
  static const std::vector<std::string> labels = {"O", "B-river", "B-money", "B-fruit", "B-company"};
  return labels;
}

TaskExample senses(Random& random) {
  for (;;) {
    TaskExample example;
    std::int64_t marked = 0;
    const Story story = any_story(random);
    for (const Sentence& sentence : story.sentences) {
      if (!example.first.empty()) example.first += ' ';
      example.first += text_of(sentence);
      for (const StoryToken& token : sentence) {
        const auto is_sense = [&](std::string_view label) {
          return token.sense.empty() ? label == "O"
                                     : label.substr(std::min<std::size_t>(2, label.size())) == token.sense;
        };
        example.tags.push_back(std::ranges::find_if(sense_labels(), is_sense) - sense_labels().begin());
        marked += !token.sense.empty();
      }
    }
    if (marked > 0) return example;
  }
}

}  // namespace gradus::data::families
