// Whom a pronoun stands for, where only the meaning tells.
#include <string>
#include <string_view>
#include <vector>

#include <gradus/data/tasks/families.h>
#include <gradus/data/tasks/scene.h>

namespace gradus::data::families {
namespace {

// Why x does something to y: for what is true of x, or of y. In the second sentence the name stands.
struct Deed {
  std::string_view text;
  std::vector<std::string_view> for_x, for_y;
};

Scene thing_of_one_topic(Random& random) {
  for (;;) {
    Scene scene(random);
    scene.know("number", "one");
    if (scene.choose("thing") != "apple") return scene;
  }
}

}  // namespace

TaskExample pronouns(Random& random) {
  static const std::vector<Deed> deeds = {
      {"{=x} {gave} {=y} the {=tool}",
       {"was {friendly}", "had the only {=tool}"},
       {"had no {=tool}", "needed a {red} one"}},
      {"{=x} {asked} {=y}",
       {"had no {=tool}", "needed a {=tool}"},
       {"was {friendly}", "had the only {=tool}"}},
      {"{=x} thanked {=y}",
       {"was {happy}", "felt {happy}"},
       {"was {friendly}", "had {repaired} the {=tool}"}},
      {"{=x} comforted {=y}", {"was {friendly}"}, {"was {unhappy}", "had no {=tool}"}},
      {"{=x} hugged {=y}", {"was {happy}"}, {"was {unhappy}"}},
  };
  const bool right = random.chance(0.5), of_x = random.chance(0.5);
  Scene scene(random);
  if (random.chance(0.5)) {
    // One of two things looks as things of its topic do.
    scene = thing_of_one_topic(random);
    Scene other(random);
    do other = thing_of_one_topic(random);
    while (other.known("topic") == scene.known("topic"));
    scene.know("other", other.known("thing"));
    scene.know("was", scene.tell("was {very} {look} ."));
    return {.first = scene.tell(of_x ? "{hero} {found} the {=thing} {near} the {=other} because it {=was}"
                                     : "{hero} {found} the {=other} {near} the {=thing} because it {=was}"),
            .second = scene.tell(right ? "the {=thing} {=was}" : "the {=other} {=was}"),
            .label = right};
  }
  scene.choose_two_people(true);
  scene.choose("tool");
  const Deed& deed = random.pick(deeds);
  std::string text = scene.tell(deed.text);
  scene.know("why", scene.tell(random.pick(of_x ? deed.for_x : deed.for_y)));
  text += scene.tell(" because {she} {=why} .");
  return {
      .first = text, .second = scene.tell(of_x == right ? "{=x} {=why} ." : "{=y} {=why} ."), .label = right};
}

}  // namespace gradus::data::families
