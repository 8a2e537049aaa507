#include <algorithm>
#include <string_view>

#include <gradus/core/check.h>
#include <gradus/data/en_fr/lexicon.h>

namespace gradus::data::en_fr {

namespace {

constexpr bool denied = true, affirmed = false;

struct Row {
  std::string_view verb;
  bool denied;
  Kinds subjects, objects;
  std::string_view of_subject, of_object;
  const Word* degree = nullptr;
};

// Whether it happened can turn the answer over: what fits because it is small enough is the trophy, but
// where it does not fit because it is too small is the suitcase.
constexpr Row table[] = {
    {"cross", denied, alive, ground, "tired ill weak lazy shy", "wide dark dangerous noisy cold", &too},
    {"cross", affirmed, alive, ground, "hungry curious brave strong", "narrow empty quiet"},
    {"go", denied, alive, building, "tired lazy ill weak", "noisy dirty dark dangerous", &too},
    {"go", affirmed, alive, building, "sad hungry curious happy", "beautiful quiet empty famous"},
    {"eat", denied, alive, food, "tired ill sad shy", "hard cold dirty big", &too},
    {"eat", affirmed, alive, food, "hungry weak curious", "ripe fresh small"},
    {"scare", denied, ground, alive, "quiet narrow small", "brave strong angry", &too},
    {"scare", affirmed, ground, alive, "dark dangerous noisy", "young shy weak"},
    {"fit", denied, object | writing, container, "big wide long thick", "small narrow full", &too},
    {"fit", affirmed, object | writing, container, "small narrow", "big wide", &enough},
    {"carry", denied, alive, object, "weak tired young lazy", "heavy big dirty", &too},
    {"carry", affirmed, alive, object, "strong brave happy", "light small new"},
    {"break", denied, alive, fragile, "shy weak slow", "solid heavy big", &too},
    {"break", affirmed, alive, fragile, "clumsy angry young", "fragile light small"},
    {"break", denied, thing, fragile, "light small", "solid heavy thick", &too},
    {"break", affirmed, thing, fragile, "solid heavy hard", "fragile light small"},
    {"catch", denied, animal, animal, "slow old tired weak", "fast strong", &too},
    {"catch", affirmed, animal, animal, "fast strong hungry", "slow old tired weak"},
    {"chase", denied, animal, animal, "lazy slow ill", "big fast dangerous", &too},
    {"chase", affirmed, animal, animal, "hungry angry fast", "small slow ill"},
    {"hide", denied, alive, object, "lazy tired brave", "big heavy wide", &too},
    {"hide", affirmed, alive, object, "shy angry curious", "expensive beautiful new"},
    {"buy", denied, person, object | writing, "tired ill sad", "expensive heavy old dirty", &too},
    {"buy", affirmed, person, object | writing, "rich happy curious", "beautiful new light"},
};

template <class Entry, class Spelling>
const Entry& entry_called(std::string_view word, std::span<const Entry> entries, const Spelling& spelling) {
  const auto at =
      std::find_if(entries.begin(), entries.end(), [&](const Entry& e) { return spelling(e) == word; });
  check(at != entries.end(), "en_fr", "a reason names ", word, ", which is no word of the lexicon");
  return *at;
}

std::vector<const Adjective*> adjectives_called(std::string_view list) {
  std::vector<const Adjective*> found;
  while (!list.empty()) {
    const std::string_view word = list.substr(0, list.find(' '));
    found.push_back(&entry_called(word, adjectives(), [](const Adjective& a) { return a.english; }));
    list.remove_prefix(std::min(list.size(), word.size() + 1));
  }
  return found;
}

std::vector<Reason> look_up() {
  std::vector<Reason> found;
  for (const Row& row : table) {
    const Verb& verb = entry_called(row.verb, verbs(), [](const Verb& v) { return v.english.base; });
    found.push_back({&verb, row.denied, row.subjects, row.objects, adjectives_called(row.of_subject),
                     adjectives_called(row.of_object), row.degree});
  }
  return found;
}

}  // namespace

std::span<const Reason> reasons() {
  static const std::vector<Reason> all = look_up();
  return all;
}

}  // namespace gradus::data::en_fr
