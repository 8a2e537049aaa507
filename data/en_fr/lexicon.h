// The words of the English-French corpus. A new one is a new row in nouns.cpp,
// adjectives.cpp, verbs.cpp or words.cpp.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

namespace gradus::data::en_fr {

enum class Gender : std::uint8_t { masculine, feminine };

// What a noun stands for, a set of bits. Verbs say which kinds they take, adjectives which they describe.
using Kinds = std::uint32_t;
constexpr Kinds person = 1, animal = 2, ground = 4, building = 8, thing = 16, fragile = 32, instrument = 64,
                container = 128, writing = 256, food = 512, meal = 1024, drink = 2048;
constexpr Kinds alive = person | animal, place = ground | building, mass = meal | drink,
                object = thing | fragile | instrument | container, goods = object | writing | food;

struct Noun {
  std::string_view english, english_plural, french, french_plural;
  Gender gender;
  Kinds kind;
  std::string_view feminine = {},
                   feminine_plural = {};  // of a profession, said of a woman: elle est étudiante
  bool aspirated = false;                 // le hibou, la harpe: no elision before this h
};

struct Name {
  std::string_view spelling;
  Gender gender;
};

enum class Place : std::uint8_t { before, behind };  // le petit chien, le chien noir

struct Adjective {
  std::string_view english, masculine, feminine;
  Place place;
  Kinds describes;
  std::string_view before_vowel = {};  // masculine singular: un vieil arbre
};

struct EnglishVerb {
  std::string_view base, third, past, particle = {};  // look looks looked for
};

enum class Auxiliary : std::uint8_t { avoir, etre };

struct FrenchVerb {
  std::string_view infinitive;
  std::array<std::string_view, 5> present;  // je tu il nous ils
  std::string_view participle, future;      // the future without its ending
  std::string_view preposition = {};        // before the object: parler à
  std::string_view imperfect = {};          // without its ending; where it is given, the past is made with it
  Auxiliary auxiliary = Auxiliary::avoir;
};

enum class Objects : std::uint8_t { any, definite, given };  // given: something to somebody

struct Verb {
  EnglishVerb english;
  FrenchVerb french;
  Kinds subjects, takes;  // takes = 0: no object
  Objects objects = Objects::any;
};

// can, must, want to: a verb in the infinitive follows.
struct Modal {
  EnglishVerb english;
  std::string_view denied, denied_past;  // with not; empty where do, does and did are needed
  std::array<std::string_view, 5> present;
  std::string_view imperfect;
};

// An empty form is not in use: two dogs, but never two dog.
struct Determiner {
  std::string_view english, english_plural;
  std::string_view masculine, masculine_before_vowel, feminine, feminine_before_vowel, plural;
};

// A word that never changes.
struct Word {
  std::string_view english, french;
};

struct Preposition {
  std::string_view english, french, followed_by;  // près de
  Kinds takes;
};

std::span<const Noun> nouns();
std::span<const Name> names();
std::span<const Adjective> adjectives();
std::span<const Verb> verbs();
std::span<const Modal> modals();
extern const Verb be;

extern const Determiner definite, indefinite, partitive, demonstrative;  // the, a, some, this
std::span<const Determiner> possessives();                               // my, your, ...
std::span<const Determiner> numbers();                                   // two, three, four
std::span<const Word> frequencies();                                     // often, always
std::span<const Preposition> prepositions();                             // in, near, behind, with
extern const Word now, yesterday, tomorrow, too, very, enough;

// "The dog didn't cross the street because it was too ...": what may be said of the subject and what of the
// object. No adjective is in both lists, so it tells which of the two `it` is.
struct Reason {
  const Verb* verb;
  bool denied;
  Kinds subjects, objects;
  std::vector<const Adjective*> of_subject, of_object;
  const Word* degree;  // or none
};
std::span<const Reason> reasons();

}  // namespace gradus::data::en_fr
