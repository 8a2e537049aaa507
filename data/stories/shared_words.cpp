// The words that every topic uses: people, feelings, weather, verbs.
#include <gradus/data/stories/words.h>

namespace gradus::data::tables {

const std::string_view shared_words = R"(
hero by gender
  she: mia 3, zoe 2, ruth 2
  he: leo 3, max 2, ben 2

she by gender
  she: she
  he: he

her by gender
  she: her
  he: his

him by gender
  she: her
  he: him

was by number
  one: was
  many: were

the
  the 12, this 1, that 1

friend
  sister 3, brother 3, friend 3, pal 2, grandmother 2, uncle 2

sunny
  sunny 3, rainy 3, windy 2, warm 2

morning
  morning 3, afternoon 3, evening 2, day 3

evening
  evening 3, sunset 2, midnight 2, dawn 2

went
  went 3, walked 3, ran 3, cycled 2

once
  yesterday 3, once 2, today 2

met
  met 3, saw 3

near
  near 3, beside 3, behind 3, under 3

old
  old 3, big 3, large 2, small 3, little 2, new 3

very
  very 3, so 2, rather 2, quite 2, really 2

wanted
  wanted 4, hoped 3, planned 3

red
  red 3, blue 3, yellow 2, white 2, big 3, large 2, small 3, little 2

vanished
  vanished 3, disappeared 3

suddenly
  suddenly 3, soon 3, then 3, sadly 2

broke
  broke 3, cracked 2, exploded 2, melted 1

searched
  searched 3, checked 2, combed 2

repaired
  repaired 3, fixed 3, cleaned 2, painted 2

quickly
  quickly 3, politely 2, bravely 2, calmly 2

asked
  asked 3, called 3

friendly
  friendly 3, kind 3, gentle 2, clever 3, smart 2

gave
  gave 3, lent 3, brought 2, sent 2

finally
  finally 3, eventually 3, luckily 2

became
  became 3, looked 2, seemed 2

said
  said 3, thought 2

found
  found 3, discovered 2, noticed 2

fine
  wonderful 3, marvellous 2, lovely 3, beautiful 3, perfect 3
  great 3, excellent 2, brilliant 2, splendid 2, charming 2

awful
  awful 3, terrible 3, horrible 2, dreadful 2, ugly 3
  bad 3, poor 2, nasty 2, useless 2, hopeless 2

happy
  happy 3, glad 3, proud 3, cheerful 2, joyful 2
  delighted 2, pleased 2, thrilled 2, grateful 2, excited 2

unhappy
  sad 3, unhappy 3, upset 2, gloomy 2, angry 3
  cross 2, miserable 2, worried 2, disappointed 2, lonely 2

felt
  felt 3, was 3

thanked
  thanked 3, hugged 3, kissed 2

comforted
  comforted 3, consoled 2, hugged 3

danced
  danced 3, jumped 3, laughed 3, clapped 2

hid
  hid 3, wept 2, cried 3

silent
  quiet 3, silent 3, empty 2

promised
  promised 3, offered 3

cause
  rain 3, snow 3, fog 2, wind 2, heat 2, dust 2

effect by cause
  rain: soaked 3, drenched 2
  snow: cold 3, frozen 2
  fog: lost 3, invisible 2
  wind: breathless 2, cold 2
  heat: thirsty 3, sweaty 2
  dust: dirty 3, grey 2

waited
  waited 3, rested 3, shivered 2
)";

// A word, and one that may stand in all its places and says the same.
const std::string_view synonyms = R"(
synonym by word
  big: large
  small: little
  vanished: disappeared
  repaired: fixed
  found: discovered
  searched: combed
  finally: eventually
  very: really
  clever: smart
  difficult: hard
  loud: noisy
  quiet: silent
  wept: cried
  wonderful: marvellous
  beautiful: lovely
  excellent: splendid
  awful: terrible
  horrible: dreadful
  happy: glad
  cheerful: joyful
  delighted: pleased
  sad: unhappy
  angry: cross
)";

}  // namespace gradus::data::tables
