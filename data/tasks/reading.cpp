// Tasks about places in a text: where the answer stands, and what is a name.
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gradus/core/check.h>
#include <gradus/data/tasks/families.h>
#include <gradus/data/tasks/scene.h>

namespace gradus::data::families {
namespace {

// The tokens [begin, end) of a text that grows.
struct Place {
  std::int64_t begin, end;
};

// Adds words at the end and says where they stand.
Place append(std::string& text, std::string_view words) {
  const auto begin = std::ssize(words_of(text));
  if (!text.empty()) text += ' ';
  text += words;
  return {begin, std::ssize(words_of(text))};
}

// Somebody did something to a thing near a spot, and where the passage says so.
struct Fact {
  Scene scene;
  Place who, what, where;
};

// A thing and a spot that none of the facts has, and a deed.
Scene another_scene(const std::vector<Fact>& facts, std::string_view did, Random& random) {
  for (;;) {
    Scene scene(random);
    for (const char* list : {"object", "kind", "spot", "near", "red"}) scene.choose(list);
    scene.know("did", did);
    const bool is_new = std::ranges::none_of(facts, [&](const Fact& fact) {
      return fact.scene.known("kind") == scene.known("kind") ||
             fact.scene.known("spot") == scene.known("spot");
    });
    if (is_new) return scene;
  }
}

}  // namespace

// Three sentences. In the second or third, the person of the sentence before may come again, as she or he,
// and is then the only one of that gender with a name.
TaskExample qa(Random& random) {
  std::array<std::string_view, 5> verbs = {"found", "repaired", "hid", "brought", "checked"};
  random.shuffle(verbs);
  const auto again = static_cast<std::size_t>(random.below(3));  // 0: nobody comes again
  Scene person(random);
  person.choose("hero");
  const std::string other_gender = person.known("gender") == "she" ? "he" : "she";

  std::string passage;
  std::vector<Fact> facts;
  std::vector<std::string> names;
  while (facts.size() < 3) {
    const std::size_t f = facts.size();
    Fact fact{another_scene(facts, verbs[f], random), {}, {}, {}};
    Scene& scene = fact.scene;
    std::string who;
    do {
      scene.know("gender", other_gender);
      who = again > 0 && f == again       ? person.tell("{she}")
            : again > 0 && f + 1 == again ? person.known("hero")
            : random.chance(0.5)          ? scene.choose("hero")
                                          : scene.tell("the {worker}");
    } while (std::ranges::count(names, who) > 0);
    names.push_back(who);

    const std::string where = scene.tell("{=near} the {=spot}");
    const bool where_first = random.chance(0.5);
    if (where_first) {
      fact.where = append(passage, where);
      append(passage, ",");
    }
    fact.who = append(passage, who);
    if (again > 0 && f == again) fact.who = facts.back().who;
    append(passage, scene.known("did"));
    fact.what = append(passage, scene.tell("the {=red} {=object}"));
    if (!where_first) fact.where = append(passage, where);
    append(passage, ".");
    facts.push_back(std::move(fact));
  }

  Fact& asked = facts[static_cast<std::size_t>(random.below(3))];
  static constexpr std::array<std::pair<std::string_view, Place Fact::*>, 3> questions = {{
      {"who {=did} the {=kind} ?", &Fact::who},
      {"where was the {=kind} ?", &Fact::where},
      {"what was {=near} the {=spot} ?", &Fact::what},
  }};
  const auto& [question, answer] = random.pick(questions);
  return {.first = reworded(asked.scene.tell(question), random),
          .second = passage,
          .begin = (asked.*answer).begin,
          .end = (asked.*answer).end};
}

namespace {

// "<person uncle leo > slept ." is "uncle leo slept ." with the tags of a person of two words.
TaskExample tagged(std::string_view marked, const std::vector<std::string>& labels) {
  TaskExample example;
  std::string_view type;
  bool begins = false;
  for (const std::string_view word : words_of(marked)) {
    if (word.starts_with('<')) {
      type = word.substr(1);
      begins = true;
    } else if (word == ">") {
      type = {};
    } else {
      append(example.first, word);
      const auto is_label = [&](std::string_view label) {
        return type.empty() ? label == "O" : label[0] == (begins ? 'B' : 'I') && label.substr(2) == type;
      };
      example.tags.push_back(std::ranges::find_if(labels, is_label) - labels.begin());
      begins = false;
    }
  }
  return example;
}

// A name alone or behind a title; bill and rose are also things.
std::string person(Scene& scene, Random& random) {
  scene = Scene(random);
  if (random.chance(0.25)) {
    const bool she = random.chance(0.5);
    scene.know("gender", she ? "she" : "he");
    return she ? "<person rose >" : "<person bill >";
  }
  scene.choose("hero");
  if (random.chance(0.6)) return scene.tell("<person {=hero} >");
  const bool old = random.chance(0.5);
  scene.know("title",
             scene.known("gender") == "she" ? (old ? "grandmother" : "sister") : (old ? "uncle" : "brother"));
  return scene.tell("<person {=title} {=hero} >");
}

std::string place(Random& random) {
  std::string word;
  do word = Scene(random).choose("place");
  while (word == "bank");
  return word;
}

}  // namespace

const std::vector<std::string>& ner_labels() {
  static const std::vector<std::string> labels = {"O",       "B-person", "I-person",
                                                  "B-place", "I-place",  "B-company"};
  return labels;
}

TaskExample ner(Random& random) {
  static const std::vector<std::string> patterns = {
      "{=p} {went} to the {=place} and {asked} the {worker} .",
      "the {tool} at the {=place} was {very} {fine} .",
      "{once} , {=p} {met} {her} {friend} at the {=place} .",
      "{her} {friend} and {=p} {repaired} the {=room} {tool} .",
      "{=p} {gave} {=q} the {=room} {tool} .",
      "the {=room} {worker} {thanked} {=p} at the {=place} .",
      "the rose that {=p} {found} {near} the {=room} {spot} was {fine} .",
      "{=p} {repaired} the bill {near} the {=place} .",
      "{=p} {went} to the bank and {asked} the {worker} .",
      "the {thing} {near} the bank {was} {very} {look} .",
      "{=p} {found} the {old} apple and the {tool} {near} the {spot} .",
      "the {old} apple {near} the {other} was {very} {look} .",
  };
  Scene scene(random), other(random);
  const std::string p = person(scene, random);
  std::string q = person(other, random);
  while (q == p) q = person(other, random);
  scene.know("p", p);
  scene.know("q", q);
  // A place as a goal may have two words; as what a thing or a worker belongs to it is no name.
  for (const char* name : {"room", "wing", "goal"}) scene.know(name, place(random));
  scene.know("place", scene.tell(random.chance(0.4) ? "<place {=wing} {=goal} >" : "<place {=goal} >"));

  std::string pattern = random.pick(patterns);
  // Banks and apples are what the other words of the sentence make of them.
  const auto mean = [&](std::string_view word, std::string_view topic, std::string_view marked) {
    const std::size_t at = pattern.find(word);
    if (at == pattern.npos) return;
    scene.know("topic", topic);
    pattern.replace(at, word.size(), marked);
  };
  if (random.chance(0.5)) {
    mean(" bank ", "river", " <place bank > ");
  } else {
    mean(" bank ", "money", " <company bank > ");
  }
  if (random.chance(0.5)) {
    mean(" apple ", random.chance(0.5) ? "kitchen" : "garden", " apple ");
  } else {
    mean(" apple ", "office", " <company apple > ");
  }
  return tagged(scene.tell(pattern), ner_labels());
}

}  // namespace gradus::data::families
