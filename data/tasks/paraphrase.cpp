// Tasks about whether two questions or sentences say the same, and how nearly.
#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include <gradus/core/check.h>
#include <gradus/data/tasks/families.h>
#include <gradus/data/tasks/scene.h>

namespace gradus::data::families {
namespace {

// Words that have a synonym, by what one can put instead of them that says something else: the other side.
struct Sides {
  std::vector<std::string> one, other;
};
const Sides verbs = {{"found", "discovered"}, {"repaired", "fixed"}};
const Sides opinions = {{"wonderful", "marvellous", "beautiful", "lovely", "excellent", "splendid"},
                        {"awful", "terrible", "horrible", "dreadful"}};
const Sides feelings = {{"happy", "glad", "cheerful", "joyful", "delighted", "pleased"},
                        {"sad", "unhappy", "angry", "cross"}};

// A place in a question for such a word. Two places of the same sides take a word from each.
struct Slot {
  std::string_view name;
  const Sides* sides;
};

struct Question {
  std::string_view pattern;
  std::vector<Slot> slots;
};

bool has(const std::vector<std::string>& words, const std::string& word) {
  return std::ranges::find(words, word) != words.end();
}

// The word of a slot changes places with that of a slot like it, or is another, from the other side.
void say_otherwise(Scene& scene, const Question& form, std::size_t changed, Random& random) {
  const Slot& slot = form.slots[changed];
  const std::string word = scene.known(slot.name);
  for (const Slot& other : form.slots) {
    if (&other == &slot || other.sides != slot.sides || random.chance(0.3)) continue;
    scene.know(slot.name, scene.known(other.name));
    scene.know(other.name, word);
    return;
  }
  scene.know(slot.name, random.pick(has(slot.sides->one, word) ? slot.sides->other : slot.sides->one));
}

const std::string& topic_of(const std::string& spot) {
  for (const Lexicon::Topic& topic : world().lexicon().topics) {
    if (has(topic.spots, spot)) return topic.name;
  }
  fail("tasks", "no topic has the spot '", spot, "'");
}

// A sentence, others that say the same, and others of the same or the opposite words that do not.
struct Retelling {
  std::string_view text;
  std::vector<std::string_view> same, different;
};

}  // namespace

TaskExample questions(Random& random) {
  static const std::vector<Question> forms = {
      {"who {=v} the {=a} {=object} that the {=p} {=worker} {=w} ?",
       {{"v", &verbs}, {"w", &verbs}, {"a", &opinions}, {"p", &feelings}}},
      {"where was the {=p} {=worker} that {=v} the {=a} {=object} ?",
       {{"p", &feelings}, {"v", &verbs}, {"a", &opinions}}},
      {"who {=v} the {=a} {=object} {=near} the {=b} {=spot} ?",
       {{"v", &verbs}, {"a", &opinions}, {"b", &opinions}}},
      {"who {=v} the {=object} that the {=p} {=worker} and the {=q} {=worker2} {=w} ?",
       {{"v", &verbs}, {"w", &verbs}, {"p", &feelings}, {"q", &feelings}}},
  };
  const bool same = random.chance(0.5);
  const Question& form = random.pick(forms);
  Scene scene(random);
  scene.choose_two_objects();
  for (const char* list : {"worker", "near", "spot"}) scene.choose(list);
  do scene.know("worker2", Scene(random).choose("worker"));
  while (scene.known("worker2") == scene.known("worker"));

  for (std::size_t s = 0; s < form.slots.size(); ++s) {
    const Sides& sides = *form.slots[s].sides;
    bool one = random.chance(0.5);
    for (std::size_t before = 0; before < s; ++before) {
      if (form.slots[before].sides == &sides) one = !has(sides.one, scene.known(form.slots[before].name));
    }
    scene.know(form.slots[s].name, random.pick(one ? sides.one : sides.other));
  }
  const std::string first = scene.tell(form.pattern);

  // In the second some words are others, at least one: synonyms, but for one where it does not ask the same.
  std::vector<std::size_t> changed;
  while (changed.empty()) {
    for (std::size_t s = 0; s < form.slots.size(); ++s) {
      if (random.chance(0.5)) changed.push_back(s);
    }
  }
  for (const std::size_t s : changed) {
    scene.know(form.slots[s].name, synonym_of(scene.known(form.slots[s].name)));
  }
  if (!same && random.chance(0.3)) {
    scene.know("object", scene.known("object2"));
  } else if (!same) {
    say_otherwise(scene, form, random.pick(changed), random);
  }
  return {.first = first, .second = scene.tell(form.pattern), .label = same};
}

TaskExample paraphrase(Random& random) {
  static const std::vector<Retelling> retellings = {
      {"{=x} {found} the {=object} , and {=y} {repaired} the {tool} .",
       {"{=y} {=repaired} the {=tool} , and {=x} {=found} the {=object} .",
        "{=x} {=found} the {=object} , and {=y} {=repaired} the {=tool} ."},
       {"{=x} {=repaired} the {=tool} , and {=y} {=found} the {=object} .",
        "{=y} {=found} the {=object} , and {=x} {=repaired} the {=tool} .",
        "{=x} {=repaired} the {=object} , and {=y} {=found} the {=tool} .",
        "{=x} {=found} the {=object2} , and {=y} {=repaired} the {=tool} ."}},
      {"because of the {cause} , {=x} was {happy} , but {=y} was {unhappy} .",
       {"because of the {=cause} , {=y} was {=unhappy} , but {=x} was {=happy} ."},
       {"because of the {=cause} , {=y} was {=happy} , but {=x} was {=unhappy} .",
        "because of the {=cause} , {=x} was {=unhappy} , but {=y} was {=happy} ."}},
      {"{near} the {spot} , {=x} {thanked} {=y} .",
       {"{=x} {=thanked} {=y} {=near} the {=spot} .", "{=near} the {=spot} , {=x} {=thanked} {=y} ."},
       {"{=y} {=thanked} {=x} {=near} the {=spot} .", "{=near} the {=spot} , {=y} {=thanked} {=x} ."}},
      {"the {worker} was {happy} because of the {=object} .",
       {"because of the {=object} , the {=worker} was {=happy} ."},
       {"because of the {=object} , the {=worker} was {unhappy} .",
        "because of the {=object2} , the {=worker} was {=happy} ."}},
      {"the {=object} that {=x} {found} was {fine} , but the {tool} was {awful} .",
       {"the {=tool} was {=awful} , but the {=object} that {=x} {=found} was {=fine} ."},
       {"the {=tool} was {=fine} , but the {=object} that {=x} {=found} was {=awful} .",
        "the {=tool} that {=x} {=found} was {=awful} , but the {=object} was {=fine} ."}},
      {"{=x} {gave} {=y} the {=object} and {danced} {near} the {spot} .",
       {"{=x} {=danced} {=near} the {=spot} and {=gave} {=y} the {=object} ."},
       {"{=y} {=danced} {=near} the {=spot} and {=gave} {=x} the {=object} .",
        "{=y} {=gave} {=x} the {=object} and {=danced} {=near} the {=spot} .",
        "{=x} {=danced} {=near} the {=spot} and {=gave} {=y} the {=object2} ."}},
  };
  const bool same = random.chance(0.5);
  const Retelling& retelling = random.pick(retellings);
  Scene scene(random);
  scene.choose_two_people();
  scene.choose_two_objects();
  const std::string first = scene.tell(retelling.text);
  const std::string second = scene.tell(random.pick(same ? retelling.same : retelling.different));
  return {.first = first, .second = reworded(second, random), .label = same};
}

// Both tell who gave whom what, and where; each part is taken over into the second sentence, or another is
// chosen.
TaskExample similarity(Random& random) {
  Scene first(random), second(random);
  first.choose_two_people();
  for (const char* list : {"gave", "object", "kind", "near", "spot"}) first.choose(list);
  const std::string &x = first.known("x"), &y = first.known("y"), &spot = first.known("spot");

  const std::int64_t people = random.below(4);
  if (people == 0) {
    second.know("x", x);
    second.know("y", y);
  } else if (people == 1) {
    second.know("x", y);
    second.know("y", x);
  } else {
    second.choose_two_people();
    if (random.chance(0.5) && second.known("y") != x) second.know("x", x);
  }
  const std::int64_t thing = random.below(3);  // the same, one of its kind, any
  std::vector<std::string> things;
  for (const auto& [object, kind] : world().lexicon().hypernyms) {
    if (thing == 2 || (thing == 1 ? kind == first.known("kind") : object == first.known("object"))) {
      things.push_back(object);
    }
  }
  second.know("object", random.pick(things));
  second.choose("kind");
  const std::int64_t place = random.below(3);  // the same, one of its topic, any
  Scene places(random);
  if (place == 1) places.know("topic", topic_of(spot));
  second.know("spot", place == 0 ? spot : places.choose("spot"));
  for (const char* word : {"gave", "near"}) second.know(word, first.known(word));

  const auto same = [&](const char* name) { return first.known(name) == second.known(name); };
  const auto part = [](bool same, bool related) { return same ? 1 : related ? 0.5 : 0; };
  const double score = 1 + part(same("x"), false) + part(same("y"), false) +
                       part(same("object"), same("kind")) +
                       part(same("spot"), topic_of(spot) == topic_of(second.known("spot")));
  static const std::vector<std::string_view> orders = {
      "{=x} {=gave} {=y} {the} {=object} {=near} {the} {=spot} .",
      "{=near} {the} {=spot} , {=x} {=gave} {=y} {the} {=object} ."};
  const std::string a = first.tell(random.pick(orders)), b = second.tell(random.pick(orders));
  return {.first = a, .second = b, .score = score};
}

}  // namespace gradus::data::families
