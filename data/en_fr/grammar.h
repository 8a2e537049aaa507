// One tree for both languages. draw.cpp chooses it, english.cpp and french.cpp say it.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include <gradus/data/en_fr/lexicon.h>
#include <gradus/data/random.h>

namespace gradus::data::en_fr {

struct Clause;

struct Agreement {
  int person = 3;
  bool plural = false;
  Gender gender = Gender::masculine;
};

// A part of the first clause that a pronoun of the second one stands for.
enum class Antecedent : std::uint8_t { none, subject, object };

// Who or what: a noun with all that belongs to it, a name, or (when both are absent) a pronoun.
struct Phrase {
  const Noun* noun = nullptr;
  const Name* name = nullptr;
  Agreement head;       // of the noun, name or pronoun alone
  bool neuter = false;  // the pronoun is `it`
  Antecedent antecedent = Antecedent::none;
  const Determiner* determiner = nullptr;
  const Adjective* before = nullptr;  // le petit chien
  const Adjective* behind = nullptr;  // le chien noir
  std::unique_ptr<Phrase> owner;      // the boy's dog: the boy
  std::unique_ptr<Phrase> also;       // Tom and Anna: Anna
  std::unique_ptr<Clause> relative;   // the dog that sleeps: its subject or object is left out

  bool is_pronoun() const { return noun == nullptr && name == nullptr; }
};

// Of the phrase as a whole: Tom and Anna are masculine and plural.
Agreement agreement_of(const Phrase& phrase);

enum class Tense : std::uint8_t { present, past, future };
enum class Negation : std::uint8_t { none, negated, never };
enum class LeftOut : std::uint8_t { nothing, subject, object };

struct Clause {
  LeftOut left_out = LeftOut::nothing;
  Phrase subject;
  const Modal* modal = nullptr;
  const Verb* verb = nullptr;
  Tense tense = Tense::present;
  Negation negation = Negation::none;
  const Word* frequency = nullptr;     // often
  std::unique_ptr<Phrase> object;      // with the verb's preposition where it has one
  std::unique_ptr<Phrase> recipient;   // to whom it is given
  bool recipient_first = false;        // gives the boy the apple
  const Adjective* quality = nullptr;  // is tired
  const Word* degree = nullptr;        // too
  const Noun* profession = nullptr;    // is a student
  const Preposition* where = nullptr;  // in
  std::unique_ptr<Phrase> place;       // the garden
  const Word* when = nullptr;          // yesterday
};

enum class Conjunction : std::uint8_t { none, because, also, but };  // also: and

// It does not move: its parts are known by their addresses.
struct Sentence {
  explicit Sentence(Random& random);
  Sentence(const Sentence&) = delete;
  Sentence& operator=(const Sentence&) = delete;

  Clause first;
  Conjunction conjunction = Conjunction::none;
  Clause second;  // where its subject is left out, it is the first one's
};

// A token stands for the parts of the tree whose addresses it holds: `mange` for the verb and its tense,
// `does` for the tense alone. Tokens of both languages that stand for the same part are linked.
using Part = const void*;
struct Token {
  std::string text;
  Part parts[2] = {};
  std::string before_vowel = {};  // what it becomes there: l', bel, an
  bool aspirated = false;         // an h before which nothing changes
};

std::vector<Token> in_english(const Sentence& sentence);
std::vector<Token> in_french(const Sentence& sentence);

// An adjective with what it describes, a verb with its subject, as the English dictionary has them, whether
// they stand side by side or the noun is hidden in a pronoun. Some are kept for a held-out split.
struct Combination {
  std::string_view word, noun;
};
std::vector<Combination> combinations_of(const Sentence& sentence);

}  // namespace gradus::data::en_fr
