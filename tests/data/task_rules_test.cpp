// What each task's label should be, read from the finished texts alone.
#include <gradus/data/tasks.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include <gradus/data/hidden_markov.h>
#include <gradus/data/stories.h>

#include "support/catch.h"
#include "support/task_examples.h"
#include "support/task_facts.h"

using namespace gradus::data;
using namespace gradus::test;

namespace {

using Set = std::set<std::string>;

const Stories& world() {
  static const Stories stories;
  return stories;
}

bool has(const Words& words, const std::string& word) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

Set set_of(const Words& words) { return {words.begin(), words.end()}; }

// Examples of both splits.
template <class Check>
void for_examples(const std::string& name, const Check& check) {
  const Task& task = find_task(name);
  for (const TaskExamples* examples : {&train_examples(task), &held_out_examples(task)}) {
    for (const TaskExample& example : *examples) {
      INFO(example.input() << "\nlabel " << example.label);
      check(example);
    }
  }
}

bool meet(const Set& a, const Set& b) {
  return std::any_of(a.begin(), a.end(), [&](const std::string& x) { return b.count(x) > 0; });
}

}  // namespace

TEST_CASE("sentiment is the mood of the last clause", "[data]") {
  Set good = set_of(world().lexicon().positive), bad = set_of(world().lexicon().negative);
  good.insert({"danced", "jumped", "laughed", "clapped"});
  bad.insert({"hid", "wept", "cried"});
  for_examples("sentiment", [&](const TaskExample& e) {
    const Words words = words_in(e.first);
    const auto comma = std::find(words.rbegin(), words.rend(), ",").base();
    const Words last(has(words, ",") ? comma : words.begin(), words.end());
    int mood = 0;
    for (const std::string& word : last)
      mood += static_cast<int>(good.count(word)) - static_cast<int>(bad.count(word));
    REQUIRE(std::abs(mood) == 1);
    if (has(last, "not") || has(last, "nobody")) mood = -mood;
    REQUIRE((mood > 0) == (e.label == 1));
  });
}

TEST_CASE("what follows, what contradicts and what is open is found by comparing facts", "[data]") {
  for_examples("entailment", [&](const TaskExample& e) {
    const std::vector<StoryFact> first = facts_in(e.first), second = facts_in(e.second);
    REQUIRE((first.size() == 1 && second.size() == 1));
    const bool first_none = first[0].subject == "nobody", second_none = second[0].subject == "nobody";
    const bool less = says_what(first[0], second[0]), more = says_what(second[0], first[0]);
    std::int64_t label = 1;
    if (first_none == second_none) {
      if (first_none ? more : less && first[0].subject == second[0].subject) label = 0;
    } else if (first_none ? more : less) {
      label = 2;
    }
    REQUIRE(label == e.label);
  });
  for_examples("inference", [](const TaskExample& e) {
    const std::vector<StoryFact> first = facts_in(e.first), second = facts_in(e.second);
    const bool follows = std::all_of(second.begin(), second.end(), [&](const StoryFact& wide) {
      return std::any_of(first.begin(), first.end(), [&](const StoryFact& fact) { return says(fact, wide); });
    });
    REQUIRE(follows == (e.label == 1));
  });
}

namespace {

// The phrases of the facts that answer a question; empty where they do not.
Words answers_to(const std::string& question, const std::vector<StoryFact>& facts) {
  const StoryFact asked = facts_in(question).at(0);
  Words answers;
  for (const StoryFact& fact : facts) {
    if (asked.subject == "who" && says_what(fact, asked)) answers.push_back(fact.subject);
    for (const std::string& place : fact.places) {
      const std::string& thing = fact.objects.empty() ? fact.subject : fact.objects.back();
      if (asked.subject == "where" && is_also(thing, asked.objects.at(0))) answers.push_back(place);
      if (asked.subject == "what" && place == asked.places.at(0)) answers.push_back(thing);
    }
  }
  return answers;
}

}  // namespace

TEST_CASE("questions are answered by the facts of the text, in one place", "[data]") {
  for_examples("answers", [](const TaskExample& e) {
    const Words answers = answers_to(e.first, facts_in(e.second));
    REQUIRE(answers.size() <= 1);
    REQUIRE(answers.size() == static_cast<std::size_t>(e.label));
  });
  for_examples("qa", [](const TaskExample& e) {
    const Words answers = answers_to(e.first, facts_in(e.second)), passage = words_in(e.second);
    REQUIRE(answers.size() == 1);
    const Words answer = words_in(answers[0]);
    REQUIRE(Words(passage.begin() + e.begin, passage.begin() + e.end) == answer);
    const auto once = std::search(passage.begin(), passage.end(), answer.begin(), answer.end());
    REQUIRE(once - passage.begin() == e.begin);
    REQUIRE(std::search(once + 1, passage.end(), answer.begin(), answer.end()) == passage.end());
  });
}

TEST_CASE("paraphrases tell the same facts, and equal questions differ in synonyms alone", "[data]") {
  for_examples("questions", [](const TaskExample& e) {
    REQUIRE(e.first != e.second);
    REQUIRE((canonical(e.first) == canonical(e.second)) == (e.label == 1));
  });
  for_examples("paraphrase", [](const TaskExample& e) {
    const auto told = [](const std::string& text) {
      Set facts;
      for (const StoryFact& fact : facts_in(text)) {
        std::string line = fact.subject + " " + fact.verb;
        for (const std::string& object : fact.objects) line += " : " + object;
        Set places(fact.places.begin(), fact.places.end());
        for (const std::string& place : places) line += " , " + place;
        facts.insert(canonical(line));
      }
      return facts;
    };
    REQUIRE((told(e.first) == told(e.second)) == (e.label == 1));
  });
}

TEST_CASE("similarity counts the parts that both sentences share", "[data]") {
  for_examples("similarity", [](const TaskExample& e) {
    // giver, receiver, thing, spot
    const auto parts = [](const std::string& text) {
      const Words words = words_in(text);
      Words who;
      std::string thing, spot;
      for (const std::string& word : words) {
        if (!gender_of(word).empty()) who.push_back(word);
        if (!kind_of(word).empty()) thing = word;
        for (const Lexicon::Topic& topic : world().lexicon().topics) {
          if (has(topic.spots, word)) spot = word;
        }
      }
      return Words{who.at(0), who.at(1), thing, spot};
    };
    const Words a = parts(e.first), b = parts(e.second);
    double score = 1.0 + (a[0] == b[0]) + (a[1] == b[1]);
    score += a[2] == b[2] ? 1 : kind_of(a[2]) == kind_of(b[2]) ? 0.5 : 0;
    score += a[3] == b[3] ? 1 : meet(topics_of(a[3]), topics_of(b[3])) ? 0.5 : 0;
    REQUIRE(score == e.score);
  });
}

TEST_CASE("a pronoun stands for whom the reason fits", "[data]") {
  const Set giving = {"gave", "lent", "brought", "sent"}, asking = {"asked", "called"};
  const Set positive = set_of(world().lexicon().positive), negative = set_of(world().lexicon().negative);
  const Set kind = {"friendly", "kind", "gentle", "clever", "smart"};
  int things = 0;
  for_examples("pronouns", [&](const TaskExample& e) {
    const Words first = words_in(e.first), second = words_in(e.second);
    const auto because = std::find(first.begin(), first.end(), "because");
    const Words reason(because + 2, first.end());
    if (*(because + 1) == "it") {
      // The last word before the mark tells how it looked; one thing alone is of its topic.
      ++things;
      const Set topics = topics_of(reason[reason.size() - 2]);
      const auto fits = [&](const std::string& word) { return meet(topics, topics_of(word)); };
      REQUIRE(std::count_if(first.begin(), because, fits) == 1);
      REQUIRE(fits(second[1]) == (e.label == 1));
      return;
    }
    REQUIRE((gender_of(first[0]) == gender_of(first[2]) && gender_of(first[0]) == *(because + 1)));
    REQUIRE(Words(second.begin() + 1, second.end()) == reason);
    const std::string verb = first[1], last = reason[reason.size() - 2];
    const bool lacks = reason[0] == "needed" || has(reason, "no"), owns = has(reason, "only");
    const bool is_kind = kind.count(last), is_glad = positive.count(last), is_sad = negative.count(last);
    bool doer = false;
    if (lacks) {
      doer = asking.count(verb);
    } else if (owns) {
      doer = giving.count(verb);
    } else if (is_kind) {
      doer = giving.count(verb) || verb == "comforted";
    } else if (is_glad || is_sad) {
      doer = is_glad;
    } else {
      REQUIRE((verb == "thanked" && reason[0] == "had"));
    }
    REQUIRE((second[0] == first[doer ? 0 : 2]) == (e.label == 1));
  });
  CHECK(things > 3'000);
}

TEST_CASE("of the ways to go on one is a story", "[data]") {
  const Task& task = find_task("continuation");
  const std::vector<double> prior = world().automaton().prior(Start::sentence);
  for (std::size_t i = 0; i < 400; ++i) {
    const TaskExample& e = (i % 2 ? train_examples(task) : held_out_examples(task))[i];
    INFO(e.input());
    for (std::size_t c = 0; c < e.choices.size(); ++c) {
      Filter filter(world().automaton().model, prior);
      for (const std::string& word : words_in(e.first)) filter.observe(world().vocabulary().id(word));
      bool possible = true;
      for (const std::string& word : words_in(e.choices[c])) {
        const std::int64_t token = world().vocabulary().id(word);
        possible = possible && filter.next()[static_cast<std::size_t>(token)] > 0;
        if (possible) filter.observe(token);
      }
      REQUIRE(possible == (static_cast<std::int64_t>(c) == e.label));
    }
  }
}

TEST_CASE("names are people with their titles, places that are gone to, and companies by what is there",
          "[data]") {
  const Set titles = {"sister", "brother", "uncle", "grandmother"};
  Set places;
  for (const Lexicon::Topic& topic : world().lexicon().topics) {
    for (const std::string& place : topic.places) places.insert(place);
  }
  std::map<std::string, int> seen;
  for_examples("ner", [&](const TaskExample& e) {
    const Words words = words_in(e.first);
    const std::vector<std::string>& labels = find_task("ner").labels;
    const auto is_name = [&](std::size_t i) {
      const bool flower = words[i] == "rose" || words[i] == "bill";
      return !gender_of(words[i]).empty() || (flower && (i == 0 || words[i - 1] != "the"));
    };
    // Banks and apples are of the topic of the other words.
    const auto about = [&](std::size_t at, const char* topic) {
      for (std::size_t i = 0; i < words.size(); ++i) {
        if (i != at && !is_name(i) && topics_of(words[i]).count(topic)) return true;
      }
      return false;
    };
    for (std::size_t i = 0; i < words.size(); ++i) {
      std::string label = "O";
      if (is_name(i)) {
        label = i > 0 && titles.count(words[i - 1]) && !has({"her", "his"}, i > 1 ? words[i - 2] : "")
                    ? "I-person"
                    : "B-person";
      } else if (titles.count(words[i]) && is_name(i + 1)) {
        label = "B-person";
      } else if (words[i] == "bank") {
        label = about(i, "money") ? "B-company" : "B-place";
      } else if (words[i] == "apple") {
        label = about(i, "office") ? "B-company" : "O";
      } else if (places.count(words[i])) {
        const bool ends = has({".", "was", "were", "and"}, words[i + 1]);
        const bool goes_on = places.count(words[i - 1]);
        label = ends ? (goes_on ? "I-place" : "B-place") : places.count(words[i + 1]) ? "B-place" : "O";
      }
      ++seen[label];
      INFO(words[i]);
      REQUIRE(labels[static_cast<std::size_t>(e.tags[i])] == label);
    }
  });
  CHECK(seen.size() == find_task("ner").labels.size());
}

namespace {

// The first mistake of a sentence, by a list of what may not stand together; of those that the task makes.
std::string mistake_in(const Words& words) {
  static const Set articles = {"the", "this", "a", "every", "no"}, persons = {"her", "him"},
                   prepositions = {"near", "beside", "behind", "under", "around", "to", "as", "."},
                   describing = {"red",   "blue",  "yellow", "white", "big",
                                 "large", "small", "little", "old",   "new"},
                   taking = {"thanked", "hugged", "kissed", "repaired", "fixed",   "cleaned", "painted",
                             "found",   "gave",   "lent",   "brought",  "sent",    "noticed", "discovered",
                             "asked",   "called", "combed", "checked",  "searched"},
                   alone = {"danced", "jumped", "laughed", "clapped", "vanished", "disappeared"},
                   wishing = {"wanted", "hoped", "planned"};
  static const auto [plain, plurals] = [] {
    std::pair<Set, Set> sets;
    for (const Lexicon::Topic& topic : world().lexicon().topics) {
      sets.first.insert(topic.verbs.begin(), topic.verbs.end());
      for (const auto& thing : topic.things) sets.second.insert(thing.second);
    }
    return sets;
  }();
  const auto is_verb = [&](const std::string& word) {
    return taking.count(word) || alone.count(word) || wishing.count(word) || word == "was" || word == "were";
  };
  const bool relative = has(words, "that");
  for (std::size_t i = 0; i < words.size(); ++i) {
    const std::string &word = words[i], before = i > 0 ? words[i - 1] : "",
                      next = i + 1 < words.size() ? words[i + 1] : "";
    if (articles.count(word)) {
      std::size_t noun = i + 1;
      while (describing.count(words[noun])) ++noun;
      if (is_verb(words[noun]) || prepositions.count(words[noun])) return word + " without a noun";
      if ((word == "a" || word == "every") && plurals.count(words[noun])) return word + " of many";
    }
    if (describing.count(word) && prepositions.count(next)) return word + " behind its noun";
    if (word == "to" && (!wishing.count(before) || !plain.count(next))) return "to without its verbs";
    if (plain.count(word) && before != "to") return word + " without to";
    if (word == "was" && before == "as") return "as was";
    if (taking.count(word) && !articles.count(next) && !persons.count(next) && gender_of(next).empty() &&
        !(next == "he" || next == "she") && !relative) {
      return word + " nobody";
    }
    if (alone.count(word) && articles.count(next)) return word + " something";
    if (persons.count(word) && is_verb(next)) return word + " does it";
    if ((word == "she" || word == "he") && taking.count(before)) return "done to " + word;
  }
  // "the plates behind the fence were": the noun in front counts.
  const bool many = plurals.count(words[1]);
  if (words[0] == "the" && has(words, many ? "was" : "were")) return words[1] + " has another number";
  return "";
}

}  // namespace

TEST_CASE("sentences that are not acceptable have a mistake, and others have none", "[data]") {
  for_examples("acceptability", [&](const TaskExample& e) {
    const std::string mistake = mistake_in(words_in(e.first));
    INFO(mistake);
    REQUIRE(mistake.empty() == (e.label == 1));
  });
}

TEST_CASE("senses are those of the story's topic", "[data]") {
  const std::map<std::string, Set> topics = {{"B-river", {"river"}},
                                             {"B-money", {"money"}},
                                             {"B-fruit", {"kitchen", "garden"}},
                                             {"B-company", {"office"}}};
  std::map<std::string, int> seen;
  for (std::int64_t i = 0; i < 1'000; ++i) {
    const TaskExample e = word_senses().example(7, i, Split::train);
    const Words words = words_in(e.first);
    REQUIRE(e.tags.size() == words.size());
    Set topic;
    for (const std::string& word : words) {
      if (topics_of(word).size() == 1) topic = topics_of(word);
    }
    int marked = 0;
    for (std::size_t w = 0; w < words.size(); ++w) {
      const std::string& label = word_senses().labels[static_cast<std::size_t>(e.tags[w])];
      ++seen[label];
      REQUIRE((label != "O") == has({"bank", "apple", "apples"}, words[w]));
      if (label != "O") REQUIRE(meet(topics.at(label), topic));
      marked += label != "O";
    }
    REQUIRE(marked > 0);
  }
  CHECK(seen.size() == 5);
}
