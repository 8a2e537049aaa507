// Phrases by chance, for the clauses that draw.cpp draws.
#pragma once

#include <cstdint>

#include <gradus/data/en_fr/grammar.h>
#include <gradus/data/random.h>

namespace gradus::data::en_fr {

// A second clause has he, she, it and they only for what the first one names.
enum class Pronouns : std::uint8_t { any, of_dialogue };  // of_dialogue: I, you, we

enum class As : std::uint8_t { subject, object, definite };  // definite: the, my, this, but not a or some

const Noun& draw_noun(Random& random, Kinds kinds);
const Adjective& draw_adjective(Random& random, Kinds kind);
Phrase draw_pronoun(Random& random, Pronouns pronouns);
Phrase noun_phrase(Random& random, Kinds kinds, As as);
Phrase person_phrase(Random& random);  // somebody, said in few words
Phrase draw_subject(Random& random, Kinds kinds, Pronouns pronouns);
// Whom or what the verb takes, another one than the subject.
Phrase draw_object(Random& random, const Verb& verb, const Phrase& subject, Pronouns pronouns);
// The one that stands for all of a phrase of the first clause.
Phrase pronoun_for(const Phrase& phrase, Antecedent antecedent);

Kinds kind_of(const Phrase& phrase);
bool same_word(const Phrase& a, const Phrase& b);

}  // namespace gradus::data::en_fr
