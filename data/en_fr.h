// English sentences and their French: pairs whose translation is known for certain, as are its word
// alignment and what every *it* stands for. A grammar makes both sides at once from one tree (data/en_fr/),
// so that nothing is downloaded and there are more pairs than anybody can train on.
//
//   The animal didn't cross the street because it was too tired.
//   L'animal n'a pas traversé la rue parce qu'il était trop fatigué.
//
// The French is a function of the English. Where English leaves something open, these rules decide:
//   - you is one friend, a boy: tu. I and we are masculine.
//   - they and them without a noun before are ils and les, masculine.
//   - he, she, it and they in a second clause stand for a phrase of the first and have its noun's gender:
//       . after because, with a form of be: for what the adjective can be said of (too tired: who crosses,
//         too wide: what is crossed);
//       . after because, with any other verb: for the subject of the first clause.
//     it and them after and (buys the apple and eats it) stand for the object of the first clause.
//   - A noun that may be a man or a woman is masculine (the student: l'étudiant), but a profession that is
//     said of somebody agrees with them (Anna est étudiante). Tom and Anna are ils, Emma and Anna elles.
//   - The past of an event is the passé composé, of a state (be, have, love, fit, can, want) the imparfait.
//   - A participle agrees with its subject after être, and after avoir with a direct object that stands
//     before it: la pomme que Tom a mangée.
//   - Plural nouns without an article have des, or de before an adjective. Under negation a direct object
//     with a, some, any or no article has de: il n'achète pas de pomme.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace gradus::data {

// Token `english` of the one side and token `french` of the other say the same.
struct Link {
  std::int64_t english, french;
  friend bool operator==(const Link&, const Link&) = default;
};

// A pronoun that finds its noun in the same sentence: the tokens of both, in both languages. Of two nouns
// that are joined by `and`, the first.
struct Reference {
  std::int64_t english_pronoun, english_noun;
  std::int64_t french_pronoun, french_noun;
  friend bool operator==(const Reference&, const Reference&) = default;
};

// Tokens are words and the final full stop. Only names and I have a capital. What holds an apostrophe is a
// token of its own together with it: did n't, the boy 's dog; l' animal, qu' elle.
struct Pair {
  std::vector<std::string> english, french;
  std::vector<Link> alignment;  // in the order of the English, then of the French
  std::vector<Reference> references;
  friend bool operator==(const Pair&, const Pair&) = default;
};

// The tokens as one writes them: The animal didn't cross the street.
std::string sentence_of(const std::vector<std::string>& tokens);

// Whether a French token bears the meaning: a noun, name, adjective, adverb of time or verb, but not être and
// avoir. Articles, possessives, numbers, pronouns, prepositions, conjunctions, negation and degree (trop,
// très, assez) do not.
bool is_content_word(std::string_view french);

// The forms of each French adjective that has several, such as petit, petite, petits, petites: which of them
// stands in a sentence depends on its noun, however far away that is.
std::vector<std::vector<std::string>> adjective_forms();

class EnFr {
 public:
  // Sentences of training, random and unseen have at most 16 English tokens, of longer 17 to 25.
  enum class Split : std::uint8_t {
    training,
    random,  // other sentences of the same kind
    longer,  // than any in training
    unseen,  // with a subject and verb, or adjective and noun, that never go together in training
  };
  static constexpr std::int64_t longest_in_training = 16, longest = 25;

  explicit EnFr(std::uint64_t seed) : seed_(seed) {}

  // Pair i of a split, for any i >= 0: the same whichever were asked for before. Which split a sentence is
  // in does not depend on the seed: whatever two seeds draw, no held-out sentence is in training.
  Pair pair(Split split, std::int64_t i) const;

 private:
  std::uint64_t seed_;
};

}  // namespace gradus::data
