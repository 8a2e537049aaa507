#include <array>
#include <utility>

#include <gradus/data/en_fr/phrases.h>

namespace gradus::data::en_fr {

namespace {

Phrase name_phrase(const Name& name) {
  Phrase phrase;
  phrase.name = &name;
  phrase.head.gender = name.gender;
  return phrase;
}

const Determiner& draw_determiner(Random& random, As as, const Phrase& phrase) {
  const double draw = random.uniform();
  if (draw < 0.2) return random.pick(possessives());
  if (draw < 0.3) return demonstrative;
  if (phrase.noun->kind & mass) return as == As::definite || draw < 0.55 ? definite : partitive;
  if (draw < 0.45 && phrase.head.plural) return random.pick(numbers());
  if (draw < 0.6 && as != As::definite && !(phrase.head.plural && as == As::subject)) return indefinite;
  return definite;
}

void draw_adjectives(Random& random, Phrase& phrase) {
  static constexpr std::array shares = {0.62, 0.3, 0.08};
  for (std::size_t left = random.weighted(shares); left > 0; --left) {
    const Adjective& adjective = draw_adjective(random, phrase.noun->kind);
    (adjective.place == Place::before ? phrase.before : phrase.behind) = &adjective;
  }
}

void set_owner(Random& random, Phrase& phrase) {
  phrase.determiner = &definite;
  phrase.owner = std::make_unique<Phrase>(person_phrase(random));
}

}  // namespace

const Noun& draw_noun(Random& random, Kinds kinds) {
  while (true) {
    const Noun& noun = random.pick(nouns());
    if (noun.kind & kinds) return noun;
  }
}

const Adjective& draw_adjective(Random& random, Kinds kind) {
  while (true) {
    const Adjective& adjective = random.pick(adjectives());
    if (adjective.describes & kind) return adjective;
  }
}

Phrase draw_pronoun(Random& random, Pronouns pronouns) {
  static constexpr std::array any = {0.24, 0.21, 0.21, 0.11, 0.11, 0.12},
                              of_dialogue = {0.36, 0.32, 0.32, 0., 0., 0.};
  static constexpr std::array<Agreement, 6> agreements = {{{1, false, Gender::masculine},
                                                           {2, false, Gender::masculine},
                                                           {1, true, Gender::masculine},
                                                           {3, false, Gender::masculine},
                                                           {3, false, Gender::feminine},
                                                           {3, true, Gender::masculine}}};
  Phrase phrase;
  phrase.head = agreements[random.weighted(pronouns == Pronouns::any ? any : of_dialogue)];
  return phrase;
}

Phrase pronoun_for(const Phrase& phrase, Antecedent antecedent) {
  Phrase pronoun;
  pronoun.head = agreement_of(phrase);
  if (phrase.is_pronoun()) return pronoun;
  pronoun.antecedent = antecedent;
  pronoun.neuter = !pronoun.head.plural && phrase.noun != nullptr && phrase.noun->kind != person;
  return pronoun;
}

Phrase noun_phrase(Random& random, Kinds kinds, As as) {
  Phrase phrase;
  phrase.noun = &draw_noun(random, kinds);
  phrase.head = {3, !(phrase.noun->kind & mass) && random.chance(0.34), phrase.noun->gender};
  phrase.determiner = &draw_determiner(random, as, phrase);
  draw_adjectives(random, phrase);
  return phrase;
}

Phrase person_phrase(Random& random) {
  if (random.chance(0.4)) return name_phrase(random.pick(names()));
  Phrase phrase;
  phrase.noun = &draw_noun(random, person);
  phrase.head.gender = phrase.noun->gender;
  phrase.determiner = random.chance(0.7) ? &definite : &random.pick(possessives());
  return phrase;
}

Phrase draw_subject(Random& random, Kinds kinds, Pronouns pronouns) {
  if (kinds & person) {
    const double draw = random.uniform();
    if (draw < 0.38) return draw_pronoun(random, pronouns);
    if (draw < 0.5) return name_phrase(random.pick(names()));
    if (draw < 0.55) {
      Phrase phrase = person_phrase(random);
      do phrase.also = std::make_unique<Phrase>(person_phrase(random));
      while (phrase.also->noun == phrase.noun && phrase.also->name == phrase.name);
      return phrase;
    }
  }
  Phrase phrase = noun_phrase(random, kinds, As::subject);
  if (!(phrase.noun->kind & (place | mass)) && random.chance(0.08)) set_owner(random, phrase);
  return phrase;
}

bool same_word(const Phrase& a, const Phrase& b) { return a.noun == b.noun && a.name == b.name; }

Phrase draw_object(Random& random, const Verb& verb, const Phrase& subject, Pronouns pronouns) {
  const bool has_pronouns = verb.french.preposition.empty() || verb.french.preposition == "à";
  while (true) {
    const double draw = verb.takes & person ? random.uniform() : 1;
    Phrase phrase =
        draw < 0.25 && has_pronouns ? draw_pronoun(random, pronouns)
        : draw < 0.42
            ? name_phrase(random.pick(names()))
            : noun_phrase(random, verb.takes,
                          verb.objects == Objects::definite || !has_pronouns ? As::definite : As::object);
    if (phrase.is_pronoun() ? phrase.head.person == 3 || phrase.head.person != subject.head.person
                            : !same_word(phrase, subject)) {
      if (phrase.noun != nullptr && phrase.noun->kind & (goods | animal) && random.chance(0.08)) {
        set_owner(random, phrase);
      }
      return phrase;
    }
  }
}

Kinds kind_of(const Phrase& phrase) { return phrase.noun != nullptr ? phrase.noun->kind : person; }

}  // namespace gradus::data::en_fr
