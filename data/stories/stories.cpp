#include <gradus/data/stories.h>

#include <algorithm>
#include <iterator>

#include <gradus/core/check.h>
#include <gradus/data/random.h>
#include <gradus/data/stories/words.h>

namespace gradus::data {
namespace {

const WordList& list_of(const std::vector<WordList>& lists, std::string_view name) {
  const auto found =
      std::find_if(lists.begin(), lists.end(), [&](const WordList& l) { return l.name == name; });
  check(found != lists.end(), "stories", "there is no list '", name, "'");
  return *found;
}

// The words of a list, of all its lines or of those with the given keys.
std::vector<std::string> words_of(const std::vector<WordList>& lists, std::string_view name,
                                  const std::vector<std::string>& keys = {}) {
  std::vector<std::string> words;
  for (const Choice& choice : list_of(lists, name).choices) {
    if (keys.empty() || choice.keys == keys) words.push_back(choice.word);
  }
  return words;
}

// (word, key) of each word of a list with one key.
Lexicon::Pairs keyed_pairs(const std::vector<WordList>& lists, std::string_view name) {
  Lexicon::Pairs pairs;
  for (const Choice& choice : list_of(lists, name).choices) pairs.emplace_back(choice.word, choice.keys[0]);
  return pairs;
}

Lexicon::Pairs swapped(Lexicon::Pairs pairs) {
  for (auto& [a, b] : pairs) a.swap(b);
  return pairs;
}

// Both words of each line.
Lexicon::Pairs lines_of_pairs(std::string_view text) {
  Lexicon::Pairs pairs;
  const std::vector<WordList> lists = read_word_lists(text);
  for (const Choice& choice : list_of(lists, "synonym").choices) {
    pairs.emplace_back(choice.keys[0], choice.word);
  }
  return pairs;
}

Lexicon make_lexicon(const std::vector<WordList>& lists) {
  Lexicon lexicon;
  for (const Choice& place : list_of(lists, "place").choices) {
    const std::string& topic = place.keys[0];
    if (!lexicon.topics.empty() && lexicon.topics.back().name == topic) continue;
    const auto of_topic = [&](std::string_view name) { return words_of(lists, name, {topic}); };
    Lexicon::Pairs things;
    const std::vector<std::string> one = words_of(lists, "thing", {topic, "one"});
    const std::vector<std::string> many = words_of(lists, "thing", {topic, "many"});
    for (std::size_t i = 0; i < one.size(); ++i) things.emplace_back(one[i], many[i]);
    lexicon.topics.push_back({topic, of_topic("place"), of_topic("worker"), of_topic("object"),
                              of_topic("tool"), of_topic("spot"), std::move(things), of_topic("make"),
                              of_topic("look")});
  }
  lexicon.positive = words_of(lists, "fine");
  lexicon.negative = words_of(lists, "awful");
  std::ranges::copy(words_of(lists, "happy"), std::back_inserter(lexicon.positive));
  std::ranges::copy(words_of(lists, "unhappy"), std::back_inserter(lexicon.negative));
  lexicon.synonyms = lines_of_pairs(tables::synonyms);
  lexicon.hypernyms = swapped(keyed_pairs(lists, "kind"));
  lexicon.people = keyed_pairs(lists, "hero");
  lexicon.causes = swapped(keyed_pairs(lists, "effect"));
  return lexicon;
}

Recall recall_of(std::string_view slot, const std::vector<WordList>& lists) {
  if (slot == "=hero") return Recall::name;
  if (slot == "=object") return Recall::object;
  if (slot == "kind") return Recall::kind;
  if (slot == "was") return Recall::number;
  if (slot == "she" || slot == "her" || slot == "him") return Recall::pronoun;
  if (slot == "fine" || slot == "awful" || slot == "happy" || slot == "unhappy") return Recall::feeling;
  if (slot.empty() || slot == "place!topic") return Recall::nothing;
  const std::vector<std::string>& keys = list_of(lists, slot.substr(0, slot.find('!'))).keys;
  return !keys.empty() && keys[0] == "topic" ? Recall::topic : Recall::nothing;
}

std::vector<WordList> all_lists() {
  std::vector<WordList> lists = read_word_lists(tables::topic_words);
  std::ranges::move(read_word_lists(tables::shared_words), std::back_inserter(lists));
  return lists;
}

}  // namespace

Stories::Stories()
    : lists_(all_lists()), automaton_(compile(lists_, tables::plot)), lexicon_(make_lexicon(lists_)) {
  for (const std::string& slot : automaton_.slots) recalls_.push_back(recall_of(slot, lists_));
}

Story Stories::story(std::uint64_t seed, std::int64_t i) const {
  check(i >= 0, "stories", "there is no story ", i);
  Random random(seed, static_cast<std::uint64_t>(i));
  Story story;
  std::vector<double> weights;
  std::int32_t state = 0;
  do {
    if (automaton_.starts_sentence(state)) story.sentences.emplace_back();
    const std::span<const Arc> arcs = automaton_.model.arcs_from(state);
    weights.clear();
    for (const Arc& arc : arcs) weights.push_back(arc.probability);
    const Arc& arc = arcs[random.weighted(weights)];
    const Telling& telling =
        automaton_.tellings[static_cast<std::size_t>(&arc - automaton_.model.arcs().data())];
    story.sentences.back().push_back({arc.token, recalls_[static_cast<std::size_t>(telling.slot)],
                                      automaton_.senses[static_cast<std::size_t>(telling.sense)]});
    state = arc.to;
  } while (state != 0);
  return story;
}

std::string Stories::text(const Story& story) const {
  std::string text;
  for (const std::vector<StoryToken>& sentence : story.sentences) {
    for (std::size_t i = 0; i < sentence.size(); ++i) {
      if (i > 0) text += ' ';
      text += vocabulary().token(sentence[i].id);
    }
    text += '\n';
  }
  return text;
}

std::vector<std::int64_t> Stories::tokens(std::uint64_t seed, std::int64_t count) const {
  std::vector<std::int64_t> tokens;
  for (std::int64_t i = 0; std::ssize(tokens) < count; ++i) {
    for (const std::vector<StoryToken>& sentence : story(seed, i).sentences) {
      for (const StoryToken& token : sentence) tokens.push_back(token.id);
    }
  }
  tokens.resize(static_cast<std::size_t>(count));
  return tokens;
}

}  // namespace gradus::data
