#include <array>
#include <set>

#include <gradus/data/en_fr.h>
#include <gradus/data/en_fr/grammar.h>

namespace gradus::data::en_fr {

namespace {

bool begins_with_vowel(const Token& token) {
  if (token.aspirated) return false;
  // The accented ones and œ by the first of their two bytes, which no consonant of the lexicon has.
  static constexpr std::string_view first = "aeiouhAEIOUH\xc3\xc5";
  return first.find(token.text[0]) != std::string_view::npos;
}

std::size_t row_of(const Agreement& a) {  // of a verb's five forms: je tu il nous ils
  return a.plural ? (a.person == 1 ? 3 : 4) : static_cast<std::size_t>(a.person - 1);
}

std::string plural_of(std::string word) {
  const auto ends_in = [&](std::string_view end) {
    return word.size() >= end.size() && word.compare(word.size() - end.size(), end.size(), end) == 0;
  };
  if (ends_in("s") || ends_in("x")) return word;
  return word + (ends_in("eau") ? "x" : "s");
}

std::string form_of(const Adjective& adjective, const Agreement& a) {
  std::string word(a.gender == Gender::feminine ? adjective.feminine : adjective.masculine);
  return a.plural ? plural_of(std::move(word)) : word;
}

std::string participle(const Verb& verb, const Agreement& a) {
  std::string word(verb.french.participle);
  if (a.gender == Gender::feminine) word += 'e';
  return a.plural ? plural_of(std::move(word)) : word;
}

std::string_view future_ending(const Agreement& a) {
  static constexpr std::array<std::string_view, 5> endings = {"ai", "as", "a", "ons", "ont"};
  return endings[row_of(a)];
}

std::string_view imperfect_ending(const Agreement& a) {
  static constexpr std::array<std::string_view, 5> endings = {"ais", "ais", "ait", "ions", "aient"};
  return endings[row_of(a)];
}

const FrenchVerb& avoir() {
  static const FrenchVerb verb = {"avoir", {"ai", "as", "a", "avons", "ont"}, "eu", "aur"};
  return verb;
}

class French {
 public:
  std::vector<Token> tokens;

  void sentence(const Sentence& s) {
    clause(s.first, nullptr);
    if (s.conjunction == Conjunction::because) {
      say("parce", &s.conjunction);
      say("que", &s.conjunction, nullptr, "qu'");
    } else if (s.conjunction != Conjunction::none) {
      say(s.conjunction == Conjunction::also ? "et" : "mais", &s.conjunction);
    }
    if (s.conjunction != Conjunction::none) clause(s.second, nullptr);
    say(".", &s);
    elide();
    contract();
  }

 private:
  void say(std::string_view word, Part part, Part and_part = nullptr, std::string_view before_vowel = {}) {
    tokens.push_back({std::string(word), {part, and_part}, std::string(before_vowel)});
  }

  // le animal is l' animal, un beau arbre is un bel arbre, ma école is mon école.
  void elide() {
    for (std::size_t i = 0; i + 1 < tokens.size(); ++i) {
      if (!tokens[i].before_vowel.empty() && begins_with_vowel(tokens[i + 1])) {
        tokens[i].text = tokens[i].before_vowel;
      }
    }
  }

  // de le, de les, à le, à les are du, des, au, aux. Here no pronoun follows these words.
  void contract() {
    std::vector<Token> contracted;
    for (Token& token : tokens) {
      const bool le = token.text == "le", les = token.text == "les";
      const bool de = !contracted.empty() && contracted.back().text == "de";
      const bool a = !contracted.empty() && contracted.back().text == "à";
      if ((le || les) && (de || a)) {
        contracted.back().text = de ? (le ? "du" : "des") : le ? "au" : "aux";
        contracted.back().parts[1] = token.parts[0];
      } else {
        contracted.push_back(std::move(token));
      }
    }
    tokens = std::move(contracted);
  }

  void determiner(const Phrase& p, bool in_denial) {
    const Part part = &p.determiner;
    const Determiner& d = *p.determiner;
    const bool feminine = p.head.gender == Gender::feminine;
    const bool is_some = p.determiner == &partitive, is_a = p.determiner == &indefinite;
    // pas de pomme, pas d'eau; de belles pommes
    if ((in_denial && (is_some || is_a)) || (is_a && p.head.plural && p.before != nullptr)) {
      say("de", part, nullptr, "d'");
    } else if (is_some) {
      say("de", part, nullptr, "de");
      say(feminine ? definite.feminine : definite.masculine, part, nullptr, "l'");
    } else if (p.head.plural) {
      say(d.plural, part);
    } else if (feminine) {
      say(d.feminine, part, nullptr, d.feminine_before_vowel);
    } else {
      say(d.masculine, part, nullptr, d.masculine_before_vowel);
    }
  }

  void phrase(const Phrase& p, bool is_object = false, bool in_denial = false) {
    if (p.name != nullptr) {
      say(p.name->spelling, &p.head);
    } else {
      if (p.determiner != nullptr) determiner(p, is_object && in_denial);
      const bool masculine_singular = p.head.gender == Gender::masculine && !p.head.plural;
      if (p.before != nullptr) {
        say(form_of(*p.before, p.head), &p.before, nullptr,
            masculine_singular ? p.before->before_vowel : std::string_view());
      }
      say(p.head.plural ? p.noun->french_plural : p.noun->french, &p.head);
      tokens.back().aspirated = p.noun->aspirated;
      if (p.behind != nullptr) say(form_of(*p.behind, p.head), &p.behind);
    }
    if (p.owner) {
      say("de", &p.owner, nullptr, "d'");
      phrase(*p.owner);
    }
    if (p.also) {
      say("et", &p.also);
      phrase(*p.also);
    }
    if (p.relative) {
      const bool is_subject = p.relative->left_out == LeftOut::subject;
      say(is_subject ? "qui" : "que", &p.relative, nullptr, is_subject ? "" : "qu'");
      clause(*p.relative, &p);
    }
  }

  void subject(const Phrase& p) {
    if (!p.is_pronoun()) return phrase(p);
    const bool feminine = p.head.gender == Gender::feminine;
    static constexpr std::string_view masculines[] = {"je", "tu", "il", "nous", "ils"};
    static constexpr std::string_view feminines[] = {"je", "tu", "elle", "nous", "elles"};
    const std::size_t form = row_of(p.head);
    say((feminine ? feminines : masculines)[form], &p.head, nullptr, form == 0 ? "j'" : "");
  }

  // The pronoun before the verb.
  void clitic(const Clause& c) {
    const Phrase* const p = clitic_of(c);
    if (p == nullptr) return;
    const bool indirect = p == c.recipient.get() || c.verb->french.preposition == "à";
    const Part preposition = indirect ? (c.recipient ? Part(&c.recipient) : Part(&c.object)) : nullptr;
    const Agreement& a = p->head;
    if (a.person == 3) {
      if (a.plural) return say(indirect ? "leur" : "les", &a, preposition);
      if (indirect) return say("lui", &a, preposition);
      return say(a.gender == Gender::feminine ? "la" : "le", &a, nullptr, "l'");
    }
    if (a.plural) return say("nous", &a, preposition);
    say(a.person == 1 ? "me" : "te", &a, preposition, a.person == 1 ? "m'" : "t'");
  }

  static const Phrase* clitic_of(const Clause& c) {
    if (c.object && c.object->is_pronoun()) return c.object.get();
    if (c.recipient && c.recipient->is_pronoun()) return c.recipient.get();
    return nullptr;
  }

  void negation(const Clause& c) {
    if (c.negation != Negation::none) say("ne", &c.negation, nullptr, "n'");
  }

  void after_verb(const Clause& c) {
    if (c.negation != Negation::none) say(c.negation == Negation::never ? "jamais" : "pas", &c.negation);
    if (c.frequency != nullptr) say(c.frequency->french, &c.frequency);
  }

  // Of the participle: with être the subject, with avoir a direct object that went before.
  Agreement agreement_of_participle(const Clause& c, const Phrase* head) const {
    if (c.verb->french.auxiliary == Auxiliary::etre) return agreement_of(c.subject);
    if (c.left_out == LeftOut::object) return head->head;
    if (c.object && c.object->is_pronoun() && c.verb->french.preposition.empty()) return c.object->head;
    return {};
  }

  // `head` is what the left out subject or object of a relative clause is.
  void verb(const Clause& c, const Phrase* head) {
    const Agreement a = agreement_of(c.subject);
    const FrenchVerb& verb = c.verb->french;
    negation(c);
    if (c.modal != nullptr) {
      if (c.tense == Tense::past) {
        say(std::string(c.modal->imperfect).append(imperfect_ending(a)), &c.modal, &c.tense);
      } else {
        say(c.modal->present[row_of(a)], &c.modal, &c.tense);
      }
      after_verb(c);
      clitic(c);
      say(verb.infinitive, &c.verb);
      return;
    }
    clitic(c);
    if (c.tense == Tense::past && verb.imperfect.empty()) {
      const FrenchVerb& auxiliary = verb.auxiliary == Auxiliary::etre ? be.french : avoir();
      say(auxiliary.present[row_of(a)], &c.tense);
      after_verb(c);
      say(participle(*c.verb, agreement_of_participle(c, head)), &c.verb);
      return;
    }
    if (c.tense == Tense::past) {
      say(std::string(verb.imperfect).append(imperfect_ending(a)), &c.verb, &c.tense);
    } else if (c.tense == Tense::future) {
      say(std::string(verb.future).append(future_ending(a)), &c.verb, &c.tense);
    } else {
      say(verb.present[row_of(a)], &c.verb, &c.tense);
    }
    after_verb(c);
  }

  void clause(const Clause& c, const Phrase* head) {
    if (c.left_out != LeftOut::subject) subject(c.subject);
    verb(c, head);
    const Agreement a = agreement_of(c.subject);
    if (c.degree != nullptr) say(c.degree->french, &c.degree);
    if (c.quality != nullptr) say(form_of(*c.quality, a), &c.quality);
    if (c.profession != nullptr) {
      const Noun& n = *c.profession;
      const bool feminine = a.gender == Gender::feminine;
      say(a.plural   ? (feminine ? n.feminine_plural : n.french_plural)
          : feminine ? n.feminine
                     : n.french,
          &c.profession);
    }
    if (c.object && !c.object->is_pronoun()) {
      const std::string_view preposition = c.verb->french.preposition;
      if (!preposition.empty()) say(preposition, &c.object, nullptr, preposition == "de" ? "d'" : "");
      phrase(*c.object, preposition.empty(), c.negation != Negation::none);
    }
    if (c.recipient && !c.recipient->is_pronoun()) {
      say("à", &c.recipient);
      phrase(*c.recipient);
    }
    if (c.place) {
      say(c.where->french, &c.where);
      if (!c.where->followed_by.empty()) say(c.where->followed_by, &c.where, nullptr, "d'");
      phrase(*c.place);
    }
    if (c.when != nullptr) say(c.when->french, &c.when);
  }
};

}  // namespace

std::vector<Token> in_french(const Sentence& sentence) {
  French french;
  french.sentence(sentence);
  return std::move(french.tokens);
}

}  // namespace gradus::data::en_fr

namespace gradus::data {

std::vector<std::vector<std::string>> adjective_forms() {
  using namespace en_fr;
  std::vector<std::vector<std::string>> all;
  for (const Adjective& adjective : adjectives()) {
    std::set<std::string> forms;
    for (const Gender gender : {Gender::masculine, Gender::feminine})
      for (const bool plural : {false, true})
        forms.insert(form_of(adjective, {.plural = plural, .gender = gender}));
    if (!adjective.before_vowel.empty()) forms.emplace(adjective.before_vowel);
    if (forms.size() > 1) all.emplace_back(forms.begin(), forms.end());
  }
  return all;
}

}  // namespace gradus::data
