#include <gradus/data/tasks/scene.h>

#include <algorithm>
#include <cstddef>

#include <gradus/core/check.h>
#include <gradus/data/stories/grammar.h>
#include <gradus/data/stories/words.h>

namespace gradus::data::families {
namespace {

const WordList& list_of(std::string_view name) {
  static const auto lists = [] {
    std::map<std::string, WordList, std::less<>> by_name;
    for (const std::string_view table : {tables::topic_words, tables::shared_words}) {
      for (WordList& list : read_word_lists(table)) by_name.emplace(list.name, std::move(list));
    }
    return by_name;
  }();
  const auto found = lists.find(name);
  check(found != lists.end(), "tasks", "the stories have no list '", name, "'");
  return found->second;
}

}  // namespace

const Stories& world() {
  static const Stories stories;
  return stories;
}

const std::string& Scene::choose(std::string_view name) {
  const WordList& list = list_of(name);
  std::vector<const std::string*> wanted;  // of each key; nothing where any will do
  for (const std::string& key : list.keys) {
    const auto found = known_.find(key);
    wanted.push_back(found == known_.end() ? nullptr : &found->second);
  }
  std::vector<const Choice*> choices;
  for (const Choice& choice : list.choices) {
    bool agrees = true;
    for (std::size_t k = 0; k < wanted.size(); ++k) agrees &= !wanted[k] || *wanted[k] == choice.keys[k];
    if (agrees) choices.push_back(&choice);
  }
  check(!choices.empty(), "tasks", "no word of the list '", name, "' agrees with the scene");
  const Choice& chosen = *random_->pick(choices);
  for (std::size_t k = 0; k < wanted.size(); ++k) known_[list.keys[k]] = chosen.keys[k];
  return known_[list.name] = chosen.word;
}

const std::string& Scene::known(std::string_view name) const {
  const auto found = known_.find(name);
  check(found != known_.end(), "tasks", "nothing is known of '", name, "' in this scene");
  return found->second;
}

void Scene::know(std::string_view name, std::string_view word) {
  known_.insert_or_assign(std::string(name), word);
}

void Scene::choose_two_objects() {
  choose("object");
  choose("kind");
  do {
    Scene other(*random_);
    know("object2", other.choose("object"));
    know("kind2", other.choose("kind"));
  } while (known("kind") == known("kind2"));
}

void Scene::choose_two_people(bool of_one_gender) {
  Scene first(*random_), second(*random_);
  know("x", first.choose("hero"));
  do {
    second = Scene(*random_);
    if (of_one_gender) second.know("gender", first.known("gender"));
    know("y", second.choose("hero"));
  } while (known("x") == known("y"));
  if (of_one_gender) know("gender", first.known("gender"));
}

std::string Scene::tell(std::string_view pattern) {
  std::string text;
  for (std::size_t at = 0; at < pattern.size();) {
    const std::size_t open = std::min(pattern.find('{', at), pattern.size());
    text += pattern.substr(at, open - at);
    if (open == pattern.size()) break;
    const std::size_t close = pattern.find('}', open);
    check(close != pattern.npos, "tasks", "the pattern '", pattern, "' leaves a { open");
    const std::string_view slot = pattern.substr(open + 1, close - open - 1);
    text += slot.starts_with('=') ? known(slot.substr(1)) : choose(slot);
    at = close + 1;
  }
  return text;
}

const std::string& synonym_of(std::string_view word) {
  static const auto synonyms = [] {
    std::map<std::string, std::string, std::less<>> of_word;
    for (const auto& [a, b] : world().lexicon().synonyms) of_word[a] = b, of_word[b] = a;
    return of_word;
  }();
  static const std::string none;
  const auto found = synonyms.find(word);
  return found == synonyms.end() ? none : found->second;
}

std::string reworded(std::string_view text, Random& random) {
  std::string result;
  for (const std::string_view word : words_of(text)) {
    if (!result.empty()) result += ' ';
    const std::string& synonym = synonym_of(word);
    result += !synonym.empty() && random.chance(0.5) ? synonym : word;
  }
  return result;
}

std::vector<std::string_view> words_of(std::string_view text) {
  std::vector<std::string_view> words;
  while (!text.empty()) {
    const std::size_t space = std::min(text.find(' '), text.size());
    words.push_back(text.substr(0, space));
    text.remove_prefix(std::min(space + 1, text.size()));
  }
  return words;
}

}  // namespace gradus::data::families
