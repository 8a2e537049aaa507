// How a story goes: opening, wish or promise, trouble, attempt, outcome, feeling, ending.
#include <gradus/data/stories/words.h>

namespace gradus::data::tables {

const std::string_view plot = R"(
opening -> scene 3, wish 3, promise 3
  3: on a {sunny} {morning} , {hero!gender} {went} to {the} {place!topic} .
  2: it was a {sunny} {morning} , and {hero!gender} was at {the} {place!topic} .
  3: {once} , {hero!gender} {met} {her} {friend} at {the} {place!topic} .

scene -> named_wish
  3: the {thing!number} {near} the {old} {other} {was} {very} {look} .
  2: the {thing!number} that {her} {friend} {repaired} {was} {very} {look} .

named_wish -> lack, lost, broken
  1: {=hero} {wanted} to {make} a {red} {object} .

wish -> lack, lost, broken
  2: {she} {wanted} to {make} a {red} {object} .
  1: more than anything {she} needed a {red} {object} .

lack -> borrow
  1: but {she} had no {tool} .

lost -> search
  1: but {the} {kind} {suddenly} {vanished} .

broken -> repair
  1: {suddenly} {the} {tool} {broke} .

search -> found 3, gone 2
  1: {she} {searched} every {spot} .

borrow -> works 3, fails 1
  1: {she} {quickly} {asked} {the} {worker} .
  1: {the} {worker} {gave} {him} one .

repair -> works 1, fails 1
  1: {she} {repaired} it {near} {the} {spot} .

found -> joy
  1: {finally} {she} {found} the {=object} {near} {the} {place} .

gone -> sorrow
  1: nobody {found} the {=object} at {the} {place} again .

works -> joy
  3: {finally} the {=object} {became} {very} {fine} .
  2: no {kind} was as {fine} as this {=object} .

fails -> sorrow
  3: {finally} the {=object} {became} {very} {awful} .
  2: no {kind} was as {awful} as this {=object} .

promise -> storm 2, puzzle 3
  3: {she} had {promised} to help {the} {worker} .

storm -> shelter
  3: {suddenly} {the} {place} was full of {cause} , and {she} was {effect} .
  2: because of the {cause} , {the} {worker} was {effect} .

shelter -> saved 2, ruined 2
  3: {she} {quickly} {went} to {the} {spot} and {waited} .

puzzle -> rescue
  3: but {the} {worker} was {unhappy} .
  2: but nobody {found} {the} {tool} .

rescue -> saved 3, ruined 1
  3: so {=hero} {quickly} {repaired} {the} {tool} and {waited} .
  2: only {=hero} had {the} {tool} .

saved -> joy
  3: {finally} the {thing!number} {near} the {old} {other} {was} {fine} .
  2: the {thing!number} that {the} {worker} {repaired} {was} {very} {fine} .

ruined -> sorrow
  3: {finally} the {thing!number} {near} the {old} {other} {was} {awful} .
  2: the {thing!number} that {the} {worker} {repaired} {was} {very} {awful} .

joy -> good_end
  3: {she} {felt} {very} {happy} and {thanked} {the} {worker} .
  3: {happy} and free , {she} {danced} around {the} {spot} .
  1: how {happy} {she} was !

sorrow -> bad_end
  3: {she} {felt} {very} {unhappy} and {hid} {near} {the} {spot} .
  3: {unhappy} and tired , {she} put {the} {tool} away .
  1: how {unhappy} {she} was !

good_end -> end
  3: that {morning} , everybody at {the} {place} {danced} .
  2: {the} {friendly} {worker} {gave} {him} {the} {old} {tool} .
  2: even {her} {friend} {danced} for the {worker} .

bad_end -> end
  3: but {the} {friendly} {worker} {comforted} {him} .
  2: that {morning} , {the} {place} was {silent} .
  2: nobody but {her} {friend} {comforted} {him} .
)";

}  // namespace gradus::data::tables
