// Tasks about one sentence: how it ends, and whether it is English.
#include <array>
#include <cstddef>
#include <string>

#include <gradus/data/tasks/families.h>
#include <gradus/data/tasks/scene.h>

namespace gradus::data::families {
namespace {

// Ways to say that it went well or badly: {=mood} is a word of one list where it is good, of the other where
// it is bad, and the other way round in the pattern that negates.
struct Mood {
  const char *plain, *negated, *good, *bad;
};
constexpr std::array<Mood, 4> moods = {{
    {"{the} {object} {became} {very} {=mood}", "{the} {object} was not {=mood}", "fine", "awful"},
    {"no {kind} was as {=mood} as this {=object}", "this {=object} was not so {=mood}", "fine", "awful"},
    {"{the} {worker} {felt} {very} {=mood}", "nobody at {the} {place} was {=mood}", "happy", "unhappy"},
    {"everybody at {the} {place} {=mood}", "nobody at {the} {place} {=mood}", "danced", "hid"},
}};

std::string clause(const Mood& mood, bool good, Random& random) {
  Scene scene(random);
  scene.choose("object");
  const bool negated = random.chance(0.25);
  scene.know("mood", scene.choose(good != negated ? mood.good : mood.bad));
  return scene.tell(negated ? mood.negated : mood.plain);
}

// What a sentence is like when it is right and when it is not, of the same words.
struct Order {
  const char *right, *wrong;
};
constexpr std::array<Order, 16> orders = {{
    {"{hero} {wanted} to {make} a {red} {object} .", "{hero} to {wanted} {make} a {red} {object} ."},
    {"{hero} {wanted} to {make} a {red} {object} .", "{hero} {wanted} to {make} a {object} {red} ."},
    {"{hero} {searched} every {spot} .", "{hero} every {searched} {spot} ."},
    {"no {kind} was as {fine} as this {=object} .", "no {kind} as was {fine} as this {=object} ."},
    {"{finally} {hero} {found} the {object} {near} the {spot} .",
     "{finally} {hero} {found} the {object} the {near} {spot} ."},
    {"the {worker} {gave} {hero} the {old} {tool} .", "the {worker} {gave} {hero} the {tool} {old} ."},
    // Who does what to nobody, and who does it to whom.
    {"{hero} {thanked} the {worker} and {danced} around the {spot} .",
     "{hero} {danced} the {worker} and {thanked} around the {spot} ."},
    {"{hero} {repaired} the {tool} , but the {object} {vanished} .",
     "{hero} {vanished} the {tool} , but the {object} {repaired} ."},
    {"{hero} {asked} the {worker} and {wanted} to {make} the {object} .",
     "{hero} {make} the {worker} and {wanted} to {asked} the {object} ."},
    // The verb goes with the first noun, whatever stands between.
    {"the {thing} {near} the {old} {other} {was} {very} {look} .",
     "the {thing} {near} the {old} {other} {=other was} {very} {look} ."},
    {"the {thing} that {her} {friend} {repaired} {was} {very} {fine} .",
     "the {thing} that {her} {friend} {repaired} {=other was} {very} {fine} ."},
    {"{hero} {repaired} every {=one} and the {=many} .", "{hero} {repaired} every {=many} and the {=one} ."},
    {"a {red} {=one} was {near} the {=many} .", "a {red} {=many} was {near} the {=one} ."},
    // She gives, to her it is given.
    {"{she} {gave} {=her} the {tool} .", "{=him} {gave} {=he} the {tool} ."},
    {"{finally} {she} {asked} {=her} .", "{finally} {=him} {asked} {=he} ."},
    {"{she} was {happy} and {thanked} {=her} .", "{=him} was {happy} and {thanked} {=he} ."},
}};

}  // namespace

TaskExample sentiment(Random& random) {
  const bool good = random.chance(0.5);
  std::array<Mood, 4> ways = moods;
  random.shuffle(ways);
  std::string text = clause(ways[0], good, random) + " .";
  const double form = random.uniform();
  if (form < 0.4) {
    text = clause(ways[1], !good, random) + " , but " + text;
  } else if (form < 0.6) {
    text = clause(ways[1], good, random) + " , and " + text;
  }
  return {.first = text, .label = good};
}

TaskExample acceptability(Random& random) {
  const bool right = random.chance(0.5);
  Scene scene(random);
  scene.choose("object");
  // Someone of the scene's gender and someone of the other, as they do and as it is done to them.
  Scene other(random);
  other.know("gender", scene.choose("she") == "she" ? "he" : "she");
  scene.know("he", other.choose("she"));
  scene.know("her", other.choose("him"));
  scene.choose("him");
  // A noun for one and a noun for many.
  for (const char* number : {"one", "many"}) {
    Scene some(random);
    some.know("topic", scene.known("topic"));
    some.know("number", number);
    scene.know(number, some.choose("thing"));
  }
  scene.know("number", random.chance(0.5) ? "one" : "many");
  scene.know("other was", scene.known("number") == "one" ? "were" : "was");
  const Order& order = random.pick(orders);
  return {.first = scene.tell(right ? order.right : order.wrong), .label = right};
}

}  // namespace gradus::data::families
