#include <array>
#include <bit>
#include <utility>

#include <gradus/data/en_fr/phrases.h>

namespace gradus::data::en_fr {

namespace {

const Verb& draw_verb(Random& random, Kinds subjects) {
  while (true) {
    const Verb& verb = random.pick(verbs());
    if (verb.subjects & subjects) return verb;
  }
}

// It takes one object, without a preposition, and somebody can do it.
bool is_direct(const Verb& verb) {
  return verb.takes != 0 && verb.objects != Objects::given && verb.french.preposition.empty() &&
         verb.subjects & person;
}

// One that is allowed, and often of three the one with the most special objects: of an apple, eat sooner
// than find.
template <class Allowed>
const Verb& draw_telling_verb(Random& random, const Allowed& allowed) {
  const Verb* telling = nullptr;
  for (int tries = random.chance(0.65) ? 3 : 1; tries > 0;) {
    const Verb& verb = random.pick(verbs());
    if (!allowed(verb)) continue;
    --tries;
    if (telling == nullptr || std::popcount(verb.takes) < std::popcount(telling->takes)) telling = &verb;
  }
  return *telling;
}

// I, you and we speak of the future more often, so that each form of each verb is met.
Tense draw_tense(Random& random, const Phrase& subject) {
  static constexpr std::array others = {0.4, 0.43, 0.17}, speakers = {0.37, 0.27, 0.36};
  return static_cast<Tense>(random.weighted(subject.head.person < 3 ? speakers : others));
}

void draw_place(Random& random, Clause& clause) {
  const Preposition& preposition = random.pick(prepositions());
  clause.where = &preposition;
  clause.place = std::make_unique<Phrase>(preposition.takes == person
                                              ? person_phrase(random)
                                              : noun_phrase(random, preposition.takes, As::definite));
}

// Objects of a verb that is there, other ones than its subject.
void draw_complements(Random& random, Clause& clause, const Phrase& subject, Pronouns pronouns) {
  const Verb& verb = *clause.verb;
  if (verb.takes != 0 && clause.left_out != LeftOut::object) {
    clause.object = std::make_unique<Phrase>(draw_object(random, verb, subject, pronouns));
  }
  if (verb.objects == Objects::given) {
    Phrase recipient;
    do recipient = random.chance(0.4) ? draw_pronoun(random, pronouns) : person_phrase(random);
    while (recipient.is_pronoun() ? recipient.head.person < 3 && recipient.head.person == subject.head.person
                                  : same_word(recipient, subject));
    clause.recipient_first = recipient.is_pronoun() || random.chance(0.5);
    clause.recipient = std::make_unique<Phrase>(std::move(recipient));
  }
}

// How the verb is said. `rich` clauses may have all there is.
void draw_manner(Random& random, Clause& clause, bool rich) {
  const double draw = random.uniform();
  if (draw < 0.22) clause.negation = Negation::negated;
  const bool is_state = !clause.verb->french.imperfect.empty();
  if (rich && !is_state && clause.tense != Tense::future && random.chance(0.16)) {
    clause.modal = &random.pick(modals());
    if (clause.modal->imperfect.empty()) clause.tense = Tense::present;
    return;
  }
  if (draw >= 0.22 && draw < 0.3) clause.negation = Negation::never;
  if (draw >= 0.3 && draw < 0.38) clause.frequency = &random.pick(frequencies());
  const bool is_often_or_never = clause.frequency != nullptr || clause.negation == Negation::never;
  if (rich && !is_often_or_never && random.chance(0.1)) {
    static constexpr std::array times = {&now, &yesterday, &tomorrow};
    clause.when = times[static_cast<std::size_t>(clause.tense)];
  }
}

const Noun& draw_profession(Random& random) {
  while (true) {
    const Noun& noun = draw_noun(random, person);
    if (!noun.feminine.empty()) return noun;
  }
}

// ... is very tired, is a student.
void draw_predicate(Random& random, Clause& clause) {
  static constexpr std::array<const Word*, 4> degrees = {nullptr, nullptr, &very, &too};
  clause.verb = &be;
  const bool has_profession = clause.subject.noun != nullptr && !clause.subject.noun->feminine.empty();
  if (kind_of(clause.subject) == person && !has_profession && random.chance(0.6)) {
    clause.profession = &draw_profession(random);
    if (random.chance(0.25)) clause.negation = Negation::negated;
  } else {
    clause.quality = &draw_adjective(random, kind_of(clause.subject));
    clause.degree = random.pick(degrees);
    draw_manner(random, clause, false);
  }
}

void draw_relative(Random& random, Phrase& phrase) {
  if (phrase.noun == nullptr || phrase.owner || phrase.also || !random.chance(0.22)) return;
  phrase.relative = std::make_unique<Clause>();
  Clause& clause = *phrase.relative;
  clause.tense = random.chance(0.7) ? Tense::past : Tense::present;
  const Kinds kind = phrase.noun->kind;
  if (kind & (alive | ground) && random.chance(0.4)) {
    clause.left_out = LeftOut::subject;
    clause.subject.head = phrase.head;
    clause.verb = &draw_verb(random, kind);
  } else {
    clause.left_out = LeftOut::object;
    const auto may_be_said_of = [&](const Verb& verb) { return is_direct(verb) && verb.takes & kind; };
    clause.verb = &draw_telling_verb(random, may_be_said_of);
    do clause.subject = draw_subject(random, clause.verb->subjects, Pronouns::any);
    while (same_word(clause.subject, phrase) || clause.subject.behind != nullptr);
  }
  draw_complements(random, clause, clause.left_out == LeftOut::subject ? phrase : clause.subject,
                   Pronouns::any);
  if (random.chance(0.12)) clause.negation = Negation::negated;
}

void draw_action(Random& random, Clause& clause, bool rich, Pronouns pronouns) {
  draw_complements(random, clause, clause.subject, pronouns);
  draw_manner(random, clause, rich);
  const double chance = clause.verb->takes == 0 ? 0.6 : clause.verb->takes & place ? 0 : 0.06;
  if (rich && random.chance(chance)) draw_place(random, clause);
}

void draw_clause(Random& random, Clause& clause, bool rich, Pronouns pronouns = Pronouns::any) {
  if (random.chance(0.78)) {
    clause.verb = &random.pick(verbs());
    clause.subject = draw_subject(random, clause.verb->subjects, pronouns);
    clause.tense = draw_tense(random, clause.subject);
    draw_action(random, clause, rich, pronouns);
  } else {
    clause.subject = draw_subject(random, random.chance(0.5) ? alive : place | goods | mass, pronouns);
    clause.tense = draw_tense(random, clause.subject);
    draw_predicate(random, clause);
  }
  if (!rich) return;
  draw_relative(random, clause.subject);
  if (clause.object && !clause.subject.relative) draw_relative(random, *clause.object);
}

Tense tense_of_reason(Tense of_event) { return of_event == Tense::past ? Tense::past : Tense::present; }

// ... because it was too tired.
void draw_reason(Random& random, Sentence& sentence) {
  const Reason& reason = random.pick(reasons());
  Clause& first = sentence.first;
  first.verb = reason.verb;
  if (reason.denied) first.negation = Negation::negated;
  first.subject = draw_subject(random, reason.subjects, Pronouns::any);
  first.tense = draw_tense(random, first.subject);
  do first.object = std::make_unique<Phrase>(noun_phrase(random, reason.objects, As::definite));
  while (same_word(*first.object, first.subject));
  if (first.tense != Tense::future && random.chance(0.15)) first.modal = &modals().front();
  if (random.chance(0.3)) draw_relative(random, first.subject);

  sentence.conjunction = Conjunction::because;
  Clause& second = sentence.second;
  const bool of_subject = random.chance(0.5);
  second.subject = pronoun_for(of_subject ? first.subject : *first.object,
                               of_subject ? Antecedent::subject : Antecedent::object);
  second.verb = &be;
  second.tense = tense_of_reason(first.tense);
  second.quality = random.pick(of_subject ? reason.of_subject : reason.of_object);
  if (reason.degree == &enough || random.chance(0.7)) second.degree = reason.degree;
}

// ... because the dog was ill, because he loves the dog.
void draw_other_reason(Random& random, Sentence& sentence) {
  draw_clause(random, sentence.first, true);
  sentence.conjunction = Conjunction::because;
  Clause& second = sentence.second;
  if (kind_of(sentence.first.subject) & alive && random.chance(0.4)) {
    second.subject = pronoun_for(sentence.first.subject, Antecedent::subject);
    second.tense = tense_of_reason(sentence.first.tense);
    second.verb = &draw_verb(random, kind_of(sentence.first.subject));
    draw_action(random, second, false, Pronouns::of_dialogue);
  } else {
    draw_clause(random, second, false, Pronouns::of_dialogue);
    second.tense = tense_of_reason(sentence.first.tense);
  }
}

// Tom buys the apple and eats it.
void draw_two_deeds(Random& random, Sentence& sentence) {
  constexpr Kinds kinds = goods | mass | animal;
  const auto is_deed = [](const Verb& verb) {
    return is_direct(verb) && verb.takes & kinds && verb.french.imperfect.empty();
  };
  Clause &first = sentence.first, &second = sentence.second;
  do first.verb = &random.pick(verbs());
  while (!is_deed(*first.verb));
  first.subject = draw_subject(random, person, Pronouns::any);
  first.tense = second.tense = draw_tense(random, first.subject);
  do first.object = std::make_unique<Phrase>(noun_phrase(random, first.verb->takes & kinds, As::object));
  while (same_word(*first.object, first.subject));

  sentence.conjunction = Conjunction::also;
  second.verb = &draw_telling_verb(random, [&](const Verb& verb) {
    return is_deed(verb) && &verb != first.verb && verb.takes & first.object->noun->kind;
  });
  second.object = std::make_unique<Phrase>(pronoun_for(*first.object, Antecedent::object));
  if (first.subject.is_pronoun()) {
    second.subject = pronoun_for(first.subject, Antecedent::subject);
  } else {
    second.left_out = LeftOut::subject;
    second.subject.head = agreement_of(first.subject);
  }
}

// The dog sleeps and Tom is happy.
void draw_two_clauses(Random& random, Sentence& sentence) {
  draw_clause(random, sentence.first, false);
  sentence.conjunction = random.chance(0.5) ? Conjunction::also : Conjunction::but;
  draw_clause(random, sentence.second, false, Pronouns::of_dialogue);
  sentence.second.tense = sentence.first.tense;
}

}  // namespace

Agreement agreement_of(const Phrase& phrase) {
  if (phrase.also == nullptr) return phrase.head;
  const bool all_feminine =
      phrase.head.gender == Gender::feminine && phrase.also->head.gender == Gender::feminine;
  return {3, true, all_feminine ? Gender::feminine : Gender::masculine};
}

Sentence::Sentence(Random& random) {
  static constexpr std::array weights = {0.44, 0.22, 0.12, 0.12, 0.1};
  switch (random.weighted(weights)) {
    case 0:
      draw_clause(random, first, true);
      break;
    case 1:
      draw_reason(random, *this);
      break;
    case 2:
      draw_other_reason(random, *this);
      break;
    case 3:
      draw_two_deeds(random, *this);
      break;
    default:
      draw_two_clauses(random, *this);
  }
}

}  // namespace gradus::data::en_fr
