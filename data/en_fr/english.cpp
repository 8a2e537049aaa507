#include <gradus/data/en_fr/grammar.h>

namespace gradus::data::en_fr {

namespace {

bool begins_with_vowel(const std::string& word) {
  return std::string_view("aeiou").find(word[0]) != std::string_view::npos;
}

bool is_third_singular(const Agreement& a) { return a.person == 3 && !a.plural; }

class English {
 public:
  std::vector<Token> tokens;

  void sentence(const Sentence& s) {
    clause(s.first);
    if (s.conjunction != Conjunction::none) {
      static constexpr std::string_view words[] = {"", "because", "and", "but"};
      say(words[static_cast<std::size_t>(s.conjunction)], &s.conjunction);
      clause(s.second);
    }
    say(".", &s);
    for (std::size_t i = 0; i + 1 < tokens.size(); ++i) {
      if (tokens[i].text == "a" && begins_with_vowel(tokens[i + 1].text)) tokens[i].text = "an";
    }
  }

 private:
  void say(std::string_view word, Part part, Part and_part = nullptr) {
    if (!word.empty()) tokens.push_back({std::string(word), {part, and_part}});
  }

  void say_each(std::string_view words, Part part, Part and_part) {
    const std::size_t space = words.find(' ');
    say(words.substr(0, space), part, and_part);
    if (space != std::string_view::npos) say(words.substr(space + 1), and_part);
  }

  void pronoun(const Phrase& p, bool is_subject) {
    static constexpr std::string_view subjects[] = {"I", "you", "", "we", "you", "they"};
    static constexpr std::string_view objects[] = {"me", "you", "", "us", "you", "them"};
    const Agreement a = p.head;
    const bool she = a.gender == Gender::feminine;
    if (is_third_singular(a)) {
      say(p.neuter ? "it" : is_subject ? (she ? "she" : "he") : she ? "her" : "him", &p.head);
    } else {
      say((is_subject ? subjects : objects)[a.person - 1 + (a.plural ? 3 : 0)], &p.head);
    }
  }

  void phrase(const Phrase& p, bool is_subject, bool in_denial = false) {
    if (p.is_pronoun()) return pronoun(p, is_subject);
    if (p.owner) {
      phrase(*p.owner, false);
      say("'s", &p.owner);
    } else if (p.determiner == &partitive) {
      say(in_denial ? "any" : "some", &p.determiner);
    } else if (p.determiner != nullptr) {
      say(p.head.plural ? p.determiner->english_plural : p.determiner->english, &p.determiner);
    }
    if (p.before != nullptr) say(p.before->english, &p.before);
    if (p.behind != nullptr) say(p.behind->english, &p.behind);
    if (p.name != nullptr) {
      say(p.name->spelling, &p.head);
    } else {
      say(p.head.plural ? p.noun->english_plural : p.noun->english, &p.head);
    }
    if (p.also) {
      say("and", &p.also);
      phrase(*p.also, is_subject);
    }
    if (p.relative) {
      const bool is_who = p.noun->kind == person && p.relative->left_out == LeftOut::subject;
      say(is_who ? "who" : "that", &p.relative);
      clause(*p.relative);
    }
  }

  void be_verb(const Clause& c, const Agreement& a) {
    if (c.tense == Tense::future) {
      say("will", &c.tense);
      adverbs(c, "not");
      return say("be", &c.verb);
    }
    const bool past = c.tense == Tense::past, i = a.person == 1 && !a.plural;
    if (is_third_singular(a)) {
      say(past ? "was" : "is", &c.verb, &c.tense);
    } else if (i) {
      say(past ? "was" : "am", &c.verb, &c.tense);
    } else {
      say(past ? "were" : "are", &c.verb, &c.tense);
    }
    adverbs(c, i && !past ? "not" : "n't");
  }

  void adverbs(const Clause& c, std::string_view negation) {
    if (c.negation == Negation::negated) say(negation, &c.negation);
    if (c.negation == Negation::never) say("never", &c.negation);
    if (c.frequency != nullptr) say(c.frequency->english, &c.frequency);
  }

  // The verb as it is after its subject, or with do, does, did and not.
  void finite(const Clause& c, const EnglishVerb& verb, const Agreement& a, Part of_verb) {
    const bool past = c.tense == Tense::past, third = is_third_singular(a);
    if (c.negation == Negation::negated) {
      say(past ? "did" : third ? "does" : "do", &c.tense);
      say("n't", &c.negation);
      say(verb.base, of_verb);
    } else {
      adverbs(c, "");
      say(past ? verb.past : third ? verb.third : verb.base, of_verb, &c.tense);
    }
  }

  void modal_verb(const Clause& c, const Agreement& a) {
    const std::string_view denied = c.tense == Tense::past ? c.modal->denied_past : c.modal->denied;
    if (c.negation == Negation::negated && !denied.empty()) {
      say_each(denied, &c.modal, &c.negation);
    } else {
      finite(c, c.modal->english, a, &c.modal);
    }
    say(c.modal->english.particle, &c.modal);
    say(c.verb->english.base, &c.verb);
  }

  void verb(const Clause& c, const Agreement& a) {
    if (c.verb == &be) return be_verb(c, a);
    if (c.modal != nullptr) {
      modal_verb(c, a);
    } else if (c.tense == Tense::future) {
      say("will", &c.tense);
      adverbs(c, "not");
      say(c.verb->english.base, &c.verb);
    } else {
      finite(c, c.verb->english, a, &c.verb);
    }
    // talks to / parle à, but looks for / cherche
    const bool has_counterpart = !c.verb->french.preposition.empty();
    say(c.verb->english.particle, has_counterpart ? Part(&c.object) : Part(&c.verb));
  }

  void predicate(const Clause& c) {
    if (c.degree != nullptr && c.degree != &enough) say(c.degree->english, &c.degree);
    if (c.quality != nullptr) say(c.quality->english, &c.quality);
    if (c.degree == &enough) say(enough.english, &c.degree);
    if (c.profession == nullptr) return;
    const bool plural = agreement_of(c.subject).plural;
    if (!plural) say("a", nullptr);
    say(plural ? c.profession->english_plural : c.profession->english, &c.profession);
  }

  void clause(const Clause& c) {
    const bool in_denial = c.negation != Negation::none;
    if (c.left_out != LeftOut::subject) phrase(c.subject, true);
    verb(c, agreement_of(c.subject));
    predicate(c);
    if (c.recipient && c.recipient_first) phrase(*c.recipient, false);
    if (c.object) phrase(*c.object, false, in_denial);
    if (c.recipient && !c.recipient_first) {
      say("to", &c.recipient);
      phrase(*c.recipient, false);
    }
    if (c.place) {
      say(c.where->english, &c.where);
      phrase(*c.place, false);
    }
    if (c.when != nullptr) say(c.when->english, &c.when);
  }
};

}  // namespace

std::vector<Token> in_english(const Sentence& sentence) {
  English english;
  english.sentence(sentence);
  return std::move(english.tokens);
}

}  // namespace gradus::data::en_fr
