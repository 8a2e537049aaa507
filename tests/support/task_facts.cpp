#include "support/task_facts.h"

#include <algorithm>
#include <cstddef>
#include <map>
#include <set>

#include <gradus/data/stories.h>

namespace gradus::test {
namespace {

const data::Lexicon& lexicon() {
  static const data::Stories stories;
  return stories.lexicon();
}

bool is_one_of(const std::set<std::string>& words, const std::string& word) { return words.count(word) > 0; }

const std::set<std::string> verbs = {"found",   "discovered", "noticed", "repaired", "fixed",   "cleaned",
                                     "painted", "gave",       "lent",    "brought",  "sent",    "thanked",
                                     "hugged",  "kissed",     "danced",  "jumped",   "laughed", "clapped",
                                     "was",     "hid",        "checked", "wanted",   "hoped",   "planned"};
const std::set<std::string> prepositions = {"near", "beside", "behind", "under", "at"};
const std::set<std::string> ends = {",", ".", "?", "and", "but", "because", "that"};

std::string value_of(const data::Lexicon::Pairs& pairs, const std::string& word) {
  for (const auto& [one, other] : pairs) {
    if (one == word) return other;
  }
  return "";
}

class Reader {
 public:
  explicit Reader(std::string_view text) : words_(words_in(text)) {}

  std::vector<StoryFact> read() {
    while (at_ < words_.size()) {
      const std::string& word = words_[at_];
      if (word == "." || word == "," || word == "?" || word == "and" || word == "but") {
        ++at_;
      } else if (word == "because") {
        at_ += 2;
        const std::string cause = phrase();
        facts_.push_back({cause, "because", {}, {}});
      } else if (is_one_of(prepositions, word)) {
        front_ = {place()};
      } else {
        clause();
      }
    }
    return std::move(facts_);
  }

 private:
  bool next_is(const std::set<std::string>& words) const {
    return at_ < words_.size() && is_one_of(words, words_[at_]);
  }

  bool at_phrase() const {
    return next_is({"the", "a"}) || (at_ < words_.size() && !gender_of(words_[at_]).empty());
  }

  // A name, a pronoun, or an article and what follows it.
  std::string phrase() {
    std::string text = words_.at(at_++);
    if (!gender_of(text).empty()) names_[gender_of(text)] = text;
    if (text == "she" || text == "he") return names_.at(text);
    if (text != "the" && text != "a") return text;
    while (!next_is(ends) && !next_is(verbs) && !next_is(prepositions) && !at_phrase()) {
      text += ' ' + words_.at(at_++);
    }
    return text;
  }

  std::string place() {
    const std::string preposition = words_.at(at_++);
    return preposition + ' ' + phrase();
  }

  // What behind "that" is told of the phrase before.
  void relative(const std::string& of) {
    if (!next_is({"that"})) return;
    ++at_;
    if (next_is(verbs)) return predicate(of);
    const std::string who = phrase();
    facts_.push_back({who, words_.at(at_++), {of}, {}});
  }

  void predicate(const std::string& subject) {
    StoryFact fact{subject, words_.at(at_++), {}, front_};
    front_.clear();
    if (next_is({"to"})) {
      fact.verb = "wanted to " + words_.at(at_ + 1);
      at_ += 2;
    }
    if (fact.verb == "was" && !next_is(prepositions) && !at_phrase()) {
      fact.objects.push_back(words_.at(at_++));
      while (!next_is(ends)) fact.objects.back() = words_.at(at_++);  // very glad
    }
    while (at_phrase()) {
      fact.objects.push_back(phrase());
      relative(std::string(fact.objects.back()));
    }
    while (next_is(prepositions)) fact.places.push_back(place());
    facts_.push_back(std::move(fact));
    if (next_is({"and"}) && is_one_of(verbs, words_.at(at_ + 1))) {
      ++at_;
      predicate(subject);
    }
  }

  void clause() {
    const std::string subject = phrase();
    if (next_is(prepositions)) facts_.push_back({subject, "is", {}, {place()}});
    relative(subject);
    predicate(subject);
  }

  Words words_;
  std::size_t at_ = 0;
  Words front_;                               // a place before its clause
  std::map<std::string, std::string> names_;  // by gender, the last
  std::vector<StoryFact> facts_;
};

}  // namespace

Words words_in(std::string_view text) {
  Words words;
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t end = std::min(text.find(' ', begin), text.size());
    words.emplace_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
  return words;
}

std::string gender_of(const std::string& name) { return value_of(lexicon().people, name); }
std::string kind_of(const std::string& object) { return value_of(lexicon().hypernyms, object); }

const std::set<std::string>& topics_of(const std::string& word) {
  static const auto topics = [] {
    std::map<std::string, std::set<std::string>> of_word;
    for (const data::Lexicon::Topic& topic : lexicon().topics) {
      for (const Words* words :
           {&topic.places, &topic.workers, &topic.objects, &topic.tools, &topic.spots, &topic.adjectives}) {
        for (const std::string& known : *words) of_word[known].insert(topic.name);
      }
      for (const auto& [one, many] : topic.things) {
        of_word[one].insert(topic.name);
        of_word[many].insert(topic.name);
      }
    }
    return of_word;
  }();
  static const std::set<std::string> none;
  const auto found = topics.find(word);
  return found == topics.end() ? none : found->second;
}

std::vector<StoryFact> facts_in(std::string_view text) { return Reader(text).read(); }

std::string canonical(std::string_view phrase) {
  std::string result;
  for (std::string word : words_in(phrase)) {
    if (is_one_of({"the", "a", "this", "that"}, word)) continue;
    for (const auto& [a, b] : lexicon().synonyms) {
      if (word == a || word == b) word = std::min(a, b);
    }
    result += (result.empty() ? "" : " ") + word;
  }
  return result;
}

bool is_also(std::string_view narrow, std::string_view wide) {
  Words one = words_in(canonical(narrow)), other = words_in(canonical(wide));
  if (kind_of(one.back()) == other.back()) one.back() = other.back();
  if (other.size() == 1) one = {one.back()};  // "the pie" for "the red pie"
  return one == other;
}

bool says_what(const StoryFact& fact, const StoryFact& wide) {
  if (canonical(fact.verb) != canonical(wide.verb) || fact.objects.size() != wide.objects.size())
    return false;
  for (std::size_t i = 0; i < fact.objects.size(); ++i) {
    if (!is_also(fact.objects[i], wide.objects[i])) return false;
  }
  return std::all_of(wide.places.begin(), wide.places.end(), [&](const std::string& place) {
    return std::count(fact.places.begin(), fact.places.end(), place) > 0;
  });
}

bool says(const StoryFact& fact, const StoryFact& wide) {
  return is_also(fact.subject, wide.subject) && says_what(fact, wide);
}

}  // namespace gradus::test
