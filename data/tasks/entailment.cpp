// Tasks about two sentences: whether one follows from the other, or answers it.
#include <cstddef>
#include <string>
#include <vector>

#include <gradus/data/tasks/families.h>
#include <gradus/data/tasks/scene.h>

namespace gradus::data::families {
namespace {

using Patterns = std::vector<std::string>;

// A first sentence with sentences or questions that go with it, and others, of the same words, that do not.
struct Reading {
  std::string text;
  Patterns right, wrong;
};

// The second sentence told in other words. Every reading has people x and y, workers v and w, object and
// object2 with their kinds. Right and wrong ones have the same lengths.
TaskExample read(const std::vector<Reading>& readings, Random& random) {
  const bool right = random.chance(0.5);
  const Reading& reading = random.pick(readings);
  Scene scene(random);
  scene.choose_two_people();
  scene.choose_two_objects();
  scene.know("v", scene.choose("worker"));
  do scene.know("w", scene.choose("worker"));
  while (scene.known("v") == scene.known("w"));
  const std::string text = scene.tell(reading.text);
  const std::string& about = random.pick(right ? reading.right : reading.wrong);
  return {.first = text, .second = reworded(scene.tell(about), random), .label = right};
}

// What somebody, or nobody, did: the less is said, the more is meant.
struct Event {
  std::string verb, adjective, object, kind, spot, place;  // spot and place may be empty

  std::string told_of(const std::string& who, bool by_kind) const {
    return who + " " + verb + " a " + adjective + " " + (by_kind ? kind : object) + spot + place + " .";
  }
};

}  // namespace

TaskExample entailment(Random& random) {
  enum Label { follows, neutral, contradicts };
  const auto label = static_cast<Label>(random.below(3));
  const bool first_positive = random.chance(0.7);
  const bool second_positive = label == neutral ? random.chance(0.6) : (label == follows) == first_positive;

  static const Patterns verbs = {"found", "repaired", "brought", "hid", "checked"};
  Scene scene(random);
  scene.choose_two_objects();
  Event narrow{random.pick(verbs),
               scene.choose("red"),
               scene.known("object"),
               scene.known("kind"),
               scene.tell(" {near} the {spot}"),
               scene.tell(" at the {place}")};
  if (random.chance(0.5)) narrow.spot.clear();
  if (random.chance(0.5)) narrow.place.clear();

  // The wide event says less: it leaves out a place, or tells the kind of the object.
  Event wide = narrow;
  bool by_kind = false;
  do {
    by_kind = random.chance(0.5);
    wide.spot = random.chance(0.5) ? "" : narrow.spot;
    wide.place = random.chance(0.5) ? "" : narrow.place;
  } while (!by_kind && wide.spot == narrow.spot && wide.place == narrow.place);

  // What is neutral goes the wrong way, or tells of something else.
  bool narrow_first = first_positive;
  if (label == neutral && random.chance(0.5)) {
    narrow_first = !narrow_first;
  } else if (label == neutral) {
    const std::int64_t part = random.below(3);
    while (part == 0 && wide.verb == narrow.verb) wide.verb = random.pick(verbs);
    while (part == 1 &&
           (wide.adjective == narrow.adjective || wide.adjective == synonym_of(narrow.adjective))) {
      wide.adjective = scene.choose("red");
    }
    if (part == 2) wide.object = scene.known("object2"), wide.kind = scene.known("kind2");
  }
  const std::string hero = scene.choose("hero");
  const auto told = [&](bool is_narrow, bool positive) {
    const Event& event = is_narrow ? narrow : wide;
    return reworded(event.told_of(positive ? hero : "nobody", !is_narrow && by_kind), random);
  };
  const std::string first = told(narrow_first, first_positive), second = told(!narrow_first, second_positive);
  return {.first = first, .second = second, .label = label};
}

TaskExample inference(Random& random) {
  static const std::vector<Reading> readings = {
      {"{=x} {gave} {=y} a {red} {=object} and {repaired} the {tool} .",
       {"{=x} {=gave} {=y} a {=red} {=kind} .", "{=x} {=repaired} the {=tool} ."},
       {"{=y} {=gave} {=x} a {=red} {=kind} .", "{=y} {=repaired} the {=tool} ."}},
      {"the {=w} that the {=v} {thanked} {repaired} the {tool} .",
       {"the {=w} {=repaired} the {=tool} .", "the {=v} {=thanked} the {=w} ."},
       {"the {=v} {=repaired} the {=tool} .", "the {=w} {=thanked} the {=v} ."}},
      {"the {=v} {thanked} the {=w} that {gave} {=y} the {tool} .",
       {"the {=w} {=gave} {=y} the {=tool} .", "the {=v} {=thanked} the {=w} ."},
       {"the {=v} {=gave} {=y} the {=tool} .", "the {=w} {=thanked} the {=v} ."}},
      {"{=x} {found} the {red} {=object} that {=y} {repaired} .",
       {"{=x} {=found} the {=red} {=kind} .", "{=y} {=repaired} the {=red} {=kind} ."},
       {"{=y} {=found} the {=red} {=kind} .", "{=x} {=repaired} the {=red} {=kind} ."}},
      {"because of the {cause} , {=x} was {effect} , but {=y} was {happy} .",
       {"{=x} was {=effect} .", "{=y} was {=happy} ."},
       {"{=y} was {=effect} .", "{=x} was {=happy} ."}},
      {"{=x} {found} the {=object} , and {=y} {repaired} the {=object2} .",
       {"{=x} {=found} the {=kind} .", "{=y} {=repaired} the {=kind2} ."},
       {"{=x} {=found} the {=kind2} .", "{=y} {=repaired} the {=kind} ."}},
  };
  return read(readings, random);
}

TaskExample answers(Random& random) {
  static const std::vector<Reading> readings = {
      {"{=x} {found} the {=object} {near} the {spot} , and {=y} {repaired} the {=object2} .",
       {"who {=found} the {=kind} ?", "who {=repaired} the {=kind2} ?", "where was the {=kind} ?"},
       {"who {=found} the {=kind2} ?", "who {=repaired} the {=kind} ?", "where was the {=kind2} ?"}},
      {"{=x} {found} the {=object} , and {=y} {repaired} the {=object2} {near} the {spot} .",
       {"who {=found} the {=kind} ?", "who {=repaired} the {=kind2} ?", "where was the {=kind2} ?"},
       {"who {=found} the {=kind2} ?", "who {=repaired} the {=kind} ?", "where was the {=kind} ?"}},
      {"the {worker} that {=x} {thanked} {gave} {=y} the {=object} .",
       {"who {=gave} {=y} the {=kind} ?", "who {=thanked} the {=worker} ?"},
       {"who {=gave} {=x} the {=kind} ?", "who {=gave} the {=worker} ?"}},
      {"{=x} {wanted} to {make} the {=object} , but {=y} {found} the {=object2} at the {place} .",
       {"who {=wanted} to {=make} the {=kind} ?", "who {=found} the {=kind2} ?", "where was the {=kind2} ?"},
       {"who {=wanted} to {=make} the {=kind2} ?", "who {=found} the {=kind} ?", "where was the {=kind} ?"}},
      {"the {=object} {near} the {spot} was {fine} , but {=x} {thanked} {=y} .",
       {"who {=thanked} {=y} ?", "where was the {=kind} ?"},
       {"who {=thanked} {=x} ?", "where was the {=kind2} ?"}},
  };
  TaskExample example = read(readings, random);
  example.first.swap(example.second);  // the question comes first
  return example;
}

}  // namespace gradus::data::families
