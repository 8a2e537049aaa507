#include "data/en_fr_rules.h"

#include <algorithm>
#include <optional>
#include <unordered_map>
#include <unordered_set>

#include "data/en_fr_dictionary.h"

namespace gradus::test {

namespace {

using Words = std::vector<std::string>;
using Set = std::unordered_set<std::string>;

bool begins_with_vowel_sound(const std::string& word) {
  static const Set aspirated = {"hibou", "hiboux", "harpe", "harpes"};
  if (aspirated.count(word)) return false;
  for (const char* letter :
       {"a", "e", "i", "o", "u", "h", "A", "E", "I", "O", "U", "H", "é", "è", "ê", "â", "î", "œ"}) {
    if (word.rfind(letter, 0) == 0) return true;
  }
  return false;
}

class Reader {
 public:
  Reader(const data::Pair& pair, std::vector<std::string>& broken)
      : pair_(pair), french_(pair.french), broken_(broken) {}

  void read() {
    spelling_before_vowels();
    contractions();
    nouns();
    negations();
    subjects();
    avoir_participles();
    references();
    alignment();
  }

 private:
  const data::Pair& pair_;
  const Words& french_;
  std::vector<std::string>& broken_;
  const Dictionary& words_ = dictionary();

  template <class... Parts>
  void expect(bool holds, const Parts&... parts) {
    if (!holds) broken_.push_back((std::string() + ... + parts));
  }

  const std::string& at(std::size_t i) const {
    static const std::string none;
    return i < french_.size() ? french_[i] : none;
  }
  bool is_noun(std::size_t i) const { return words_.nouns.count(at(i)) > 0; }
  bool is_adjective(std::size_t i) const { return words_.adjectives.count(at(i)) > 0; }
  bool is_name(std::size_t i) const { return words_.names.count(at(i)) > 0; }

  void spelling_before_vowels() {
    static const Set shortened = {"l'", "j'", "n'", "d'", "m'", "t'", "qu'"};
    static const Set before_vowels_only = {"cet", "bel", "vieil", "nouvel"};
    static const Set never_before_vowels = {"je", "ne", "de", "me", "te", "que",
                                            "ma", "ta", "sa", "le", "la"};
    // Adjectives, which change before their noun only: il est beau et grand.
    static const Set never_before_vowel_nouns = {"ce", "beau", "nouveau"};
    for (std::size_t i = 0; i + 1 < french_.size(); ++i) {
      const bool vowel = begins_with_vowel_sound(at(i + 1));
      if (shortened.count(at(i)) || before_vowels_only.count(at(i)))
        expect(vowel, at(i), " before ", at(i + 1));
      if (never_before_vowels.count(at(i))) expect(!vowel, at(i), " before ", at(i + 1));
      if (never_before_vowel_nouns.count(at(i)) && is_noun(i + 1))
        expect(!vowel, at(i), " before ", at(i + 1));
      if (at(i) == "vieux" && is_noun(i + 1) && vowel) {
        expect(words_.nouns.at(at(i + 1)).plural, "vieux before ", at(i + 1));
      }
    }
  }

  void contractions() {
    for (std::size_t i = 0; i + 1 < french_.size(); ++i) {
      const bool preposition = at(i) == "de" || at(i) == "à",
                 article = at(i + 1) == "le" || at(i + 1) == "les";
      expect(!(preposition && article), at(i), " ", at(i + 1), " is not contracted");
    }
  }

  // Of determiners and of adjectives beside a noun: which of ms fs mp fp they may stand before.
  void nouns() {
    static const std::unordered_map<std::string, Set> determiners = {
        {"le", {"ms"}},          {"la", {"fs"}},          {"l'", {"ms", "fs"}},    {"les", {"mp", "fp"}},
        {"un", {"ms"}},          {"une", {"fs"}},         {"des", {"mp", "fp"}},   {"du", {"ms"}},
        {"au", {"ms"}},          {"aux", {"mp", "fp"}},   {"ce", {"ms"}},          {"cet", {"ms"}},
        {"cette", {"fs"}},       {"ces", {"mp", "fp"}},   {"mon", {"ms", "fs"}},   {"ton", {"ms", "fs"}},
        {"son", {"ms", "fs"}},   {"ma", {"fs"}},          {"ta", {"fs"}},          {"sa", {"fs"}},
        {"mes", {"mp", "fp"}},   {"tes", {"mp", "fp"}},   {"ses", {"mp", "fp"}},   {"notre", {"ms", "fs"}},
        {"nos", {"mp", "fp"}},   {"leur", {"ms", "fs"}},  {"leurs", {"mp", "fp"}}, {"deux", {"mp", "fp"}},
        {"trois", {"mp", "fp"}}, {"quatre", {"mp", "fp"}}};
    for (std::size_t i = 0; i < french_.size(); ++i) {
      if (!is_noun(i)) continue;
      const FrenchNoun& noun = words_.nouns.at(at(i));
      std::vector<std::string> forms;
      if (noun.singular) forms.push_back({noun.gender, 's'});
      if (noun.plural) forms.push_back({noun.gender, 'p'});
      std::size_t first = i;
      while (first > 0 && is_adjective(first - 1) && words_.adjectives.at(at(first - 1)).place == 'b')
        --first;
      const auto narrow = [&](const Set& fits, const std::string& word) {
        std::erase_if(forms, [&](const std::string& f) { return fits.count(f) == 0; });
        expect(!forms.empty(), word, " with ", at(i));
      };
      for (std::size_t a = first; a < i; ++a) narrow(words_.adjectives.at(at(a)).fits, at(a));
      if (is_adjective(i + 1)) {
        narrow(words_.adjectives.at(at(i + 1)).fits, at(i + 1));
        expect(words_.adjectives.at(at(i + 1)).place == 'a', at(i + 1), " after ", at(i));
      }
      if (first > 0 && determiners.count(at(first - 1))) {
        const std::string& determiner = at(first - 1);
        narrow(determiners.at(determiner), determiner);
        const bool needs_vowel =
            (determiner == "mon" || determiner == "ton" || determiner == "son") && noun.gender == 'f';
        if (needs_vowel) expect(begins_with_vowel_sound(at(first)), determiner, " ", at(first));
      }
      if (first > 0) expect(!is_adjective(first - 1), at(first - 1), " before ", at(i));
    }
  }

  // ne, at most one pronoun, the verb, pas or jamais.
  void negations() {
    static const Set pronouns = {"le", "la", "l'", "les", "lui", "leur", "me", "m'", "te", "t'", "nous"};
    std::ptrdiff_t open = 0;
    for (std::size_t i = 0; i < french_.size(); ++i) {
      if (at(i) != "ne" && at(i) != "n'") continue;
      ++open;
      const std::size_t after_verb = i + (pronouns.count(at(i + 1)) ? 3 : 2);
      expect(at(after_verb) == "pas" || at(after_verb) == "jamais", "no pas after ne ", at(i + 1));
    }
    static const Set denials = {"pas", "jamais"}, jamais = {"jamais"}, never = {"never"};
    static const Set english_denials = {"n't", "not", "cannot", "never"};
    const auto count = [](const Words& words, const Set& which) {
      return std::count_if(words.begin(), words.end(),
                           [&](const std::string& w) { return which.count(w) > 0; });
    };
    expect(count(french_, denials) == open, "pas without ne");
    expect(count(french_, jamais) == count(pair_.english, never), "jamais is not never");
    expect(count(pair_.english, english_denials) == open, "not as many negations as in English");
  }

  struct Someone {
    bool plural;
    char gender;
    bool operator==(const Someone&) const = default;
  };

  static std::string form(const Someone& who) { return {who.gender, who.plural ? 'p' : 's'}; }

  // Only these can stand before the verb of its own clause.
  bool belongs_to_subject(std::size_t i) const {
    static const Set others = {"le",  "la",   "l'",    "les",  "un",    "une",    "des", "du",
                               "de",  "d'",   "ce",    "cet",  "cette", "ces",    "mon", "ma",
                               "mes", "ton",  "ta",    "tes",  "son",   "sa",     "ses", "notre",
                               "nos", "leur", "leurs", "deux", "trois", "quatre", "et"};
    return is_noun(i) || is_adjective(i) || is_name(i) || others.count(at(i)) > 0;
  }

  std::optional<Someone> noun_at(std::size_t i) const {
    if (is_name(i)) return Someone{false, words_.names.at(at(i))};
    if (!is_noun(i)) return std::nullopt;
    const FrenchNoun& noun = words_.nouns.at(at(i));
    bool plural = noun.plural;
    if (noun.plural && noun.singular) {  // la souris, les souris
      static const Set plurals = {"les", "des",   "ces",  "mes",   "tes",    "ses",
                                  "nos", "leurs", "deux", "trois", "quatre", "aux"};
      std::size_t first = i;
      while (first > 0 && is_adjective(first - 1)) --first;
      plural = first > 0 && plurals.count(at(first - 1)) > 0;
      if (first > 0 && at(first - 1) == "de") {
        plural = pair_.english[english_of(i).at(0)] == "mice";  // pas de souris
      }
    }
    return Someone{plural, noun.gender};
  }

  // The subject that begins at `begin`, and where its words end.
  std::optional<Someone> subject_from(std::size_t begin, std::size_t& end) const {
    static const std::unordered_map<std::string, Someone> pronouns = {
        {"je", {false, 'm'}},   {"j'", {false, 'm'}},  {"tu", {false, 'm'}}, {"il", {false, 'm'}},
        {"elle", {false, 'f'}}, {"nous", {true, 'm'}}, {"ils", {true, 'm'}}, {"elles", {true, 'f'}}};
    end = begin + 1;
    if (const auto found = pronouns.find(at(begin)); found != pronouns.end()) return found->second;
    end = begin;
    std::optional<Someone> who;
    bool second = false, owner = false;
    for (; belongs_to_subject(end); ++end) {
      if (at(end) == "et") second = true, owner = false;
      if (end > begin && (at(end) == "de" || at(end) == "d'" || at(end) == "du")) owner = true;
      const std::optional<Someone> noun = owner ? std::nullopt : noun_at(end);
      if (!noun) continue;
      if (!who) {
        who = noun;
      } else if (second) {
        who = Someone{true, who->gender == 'f' && noun->gender == 'f' ? 'f' : 'm'};
      }
    }
    return who;
  }

  // What is said with être agrees with the subject of its clause: adjectives, professions, participles.
  void subjects() {
    static const Set etre = {"suis",   "es",      "est",   "sommes", "sont", "étais",  "était",
                             "étions", "étaient", "serai", "seras",  "sera", "serons", "seront"};
    static const Set plural_forms = {"sommes", "sont", "étions", "étaient", "serons", "seront"};
    static const Set between = {"pas", "jamais", "souvent", "toujours", "très", "trop", "assez"};
    std::optional<Someone> subject, relative;
    std::size_t end = 0;
    subject = subject_from(0, end);
    bool in_relative = false;
    for (std::size_t i = 0; i < french_.size(); ++i) {
      const bool because = at(i) == "parce" || at(i) == "mais" || (at(i) == "et" && i >= end);
      if (because) {
        const std::size_t begin = i + (at(i) == "parce" ? 2 : 1);
        // Where no subject follows, it is the one before: et la mange.
        std::size_t new_end = begin;
        const std::optional<Someone> next = subject_from(begin, new_end);
        if (next) subject = next;
        end = std::max(new_end, i + 1);
        in_relative = false;
      }
      if ((at(i) == "que" || at(i) == "qu'") && at(i - 1) != "parce") {
        std::size_t relative_end = 0;
        subject_from(i + 1, relative_end);
        end = std::max(end, relative_end);
      }
      if (at(i) == "qui") {
        std::size_t noun = i - 1;
        while (noun > 0 && !is_noun(noun)) --noun;
        relative = noun_at(noun);
        in_relative = true;
      }
      if (!etre.count(at(i))) continue;
      // être itself or as an auxiliary stands right after qui, or with ne between.
      const bool is_relative =
          in_relative && (at(i - 1) == "qui" || (at(i - 2) == "qui" && at(i - 1).rfind("n", 0) == 0));
      const std::optional<Someone> who = is_relative ? relative : subject;
      if (!who) {
        expect(false, "nobody ", at(i));
        continue;
      }
      expect(plural_forms.count(at(i)) == who->plural, at(i), " with a subject that is ", form(*who));
      std::size_t said = i + 1;
      while (between.count(at(said))) ++said;
      if (is_adjective(said)) {
        expect(words_.adjectives.at(at(said)).fits.count(form(*who)) > 0, at(said), " is said of ",
               form(*who));
      } else if (words_.participles.count(at(said))) {
        expect(words_.participles.at(at(said)) == form(*who), at(said), " is said of ", form(*who));
      } else if (at(said).rfind("médecin", 0) == 0) {
        expect((at(said) == "médecins") == who->plural, at(said), " is said of ", form(*who));
      } else {
        expect(is_noun(said) && noun_at(said) == who, at(said), " is said of ", form(*who));
      }
    }
  }

  std::vector<std::size_t> english_of(std::size_t french) const {
    std::vector<std::size_t> found;
    for (const data::Link& link : pair_.alignment) {
      if (link.french == static_cast<std::int64_t>(french))
        found.push_back(static_cast<std::size_t>(link.english));
    }
    return found;
  }

  // Whom the pronoun before a verb stands for.
  Someone pronoun_before_verb(std::size_t i) const {
    for (const data::Reference& r : pair_.references) {
      if (r.french_pronoun == static_cast<std::int64_t>(i))
        return *noun_at(static_cast<std::size_t>(r.french_noun));
    }
    const std::string& english = pair_.english[english_of(i).at(0)];
    return {english == "us" || english == "them", english == "her" ? 'f' : 'm'};
  }

  // With avoir the participle agrees with a direct object before it, and else with nothing.
  void avoir_participles() {
    static const Set avoir = {"ai", "as", "a", "avons", "ont"};
    static const Set direct = {"l'", "les", "nous", "m'", "t'"}, to_somebody = {"parl", "donn", "montr"};
    static const Set between = {"pas", "jamais", "souvent", "toujours"};
    for (std::size_t i = 0; i < french_.size(); ++i) {
      if (!avoir.count(at(i))) continue;
      std::size_t said = i + 1;
      while (between.count(at(said))) ++said;
      if (!words_.participles.count(at(said))) continue;
      const std::string& participle = at(said);
      std::string agrees_with = "ms";
      const bool is_indirect =
          std::any_of(to_somebody.begin(), to_somebody.end(),
                      [&](const std::string& stem) { return participle.rfind(stem, 0) == 0; });
      const bool is_subject = at(i - 1) == "nous" && at(i) == "avons";
      if (direct.count(at(i - 1)) && !is_indirect && !is_subject) {
        agrees_with = form(pronoun_before_verb(i - 1));
      } else if (const std::optional<Someone> object = object_of_relative(i)) {
        agrees_with = form(*object);
      }
      expect(words_.participles.at(participle) == agrees_with, participle, " with an object that is ",
             agrees_with);
    }
  }

  // la pomme que Tom a mangée: the noun before `que`, where only a subject stands between it and the verb.
  std::optional<Someone> object_of_relative(std::size_t verb) const {
    std::size_t i = verb;
    if (at(i - 1) == "n'") --i;
    static const Set pronouns = {"j'", "tu", "il", "elle", "nous", "ils", "elles", "je"};
    while (i > 0 && (belongs_to_subject(i - 1) || pronouns.count(at(i - 1)))) --i;
    if (i < 2 || (at(i - 1) != "que" && at(i - 1) != "qu'") || at(i - 2) == "parce") return std::nullopt;
    std::size_t noun = i - 2;
    while (noun > 0 && !is_noun(noun)) --noun;
    return noun_at(noun);
  }

  void references() {
    static const Set english = {"it", "they", "them", "he", "she"};
    static const std::unordered_map<std::string, Set> forms = {
        {"il", {"ms"}}, {"elle", {"fs"}}, {"ils", {"mp"}},      {"elles", {"fp"}},
        {"le", {"ms"}}, {"la", {"fs"}},   {"l'", {"ms", "fs"}}, {"les", {"mp", "fp"}}};
    std::ptrdiff_t its = 0;
    for (const data::Reference& r : pair_.references) {
      const std::string& pronoun = pair_.english.at(static_cast<std::size_t>(r.english_pronoun));
      const std::string& noun = pair_.english.at(static_cast<std::size_t>(r.english_noun));
      const std::string& french = pair_.french.at(static_cast<std::size_t>(r.french_pronoun));
      its += pronoun == "it";
      expect(english.count(pronoun) > 0 && forms.count(french) > 0, pronoun, " is ", french);
      expect(r.english_noun < r.english_pronoun && r.french_noun < r.french_pronoun, pronoun, " before ",
             noun);
      std::size_t end = 0;
      std::optional<Someone> who = noun_at(static_cast<std::size_t>(r.french_noun));
      // Of Tom and Anna the reference names Tom.
      if (const auto subject = subject_from(0, end);
          subject && static_cast<std::size_t>(r.french_noun) < end) {
        who = subject;
      }
      expect(who && forms.count(french) > 0 && forms.at(french).count(form(*who)) > 0, noun, " became ",
             french);
      expect(is_linked(r.english_noun, r.french_noun), noun, " is not linked to its French");
      expect(is_linked(r.english_pronoun, r.french_pronoun), pronoun, " is not linked to its French");
    }
    expect(its == std::count(pair_.english.begin(), pair_.english.end(), "it"), "an it without its noun");
  }

  bool is_linked(std::int64_t e, std::int64_t f) const {
    return std::count(pair_.alignment.begin(), pair_.alignment.end(), data::Link{e, f}) == 1;
  }

  void alignment() {
    const auto size = static_cast<std::int64_t>(pair_.english.size());
    const auto french_size = static_cast<std::int64_t>(french_.size());
    data::Link last = {-1, -1};
    for (const data::Link& link : pair_.alignment) {
      expect(link.english >= 0 && link.english < size && link.french >= 0 && link.french < french_size,
             "a link that leads outside");
      expect(link.english > last.english || (link.english == last.english && link.french > last.french),
             "links out of order");
      last = link;
    }
    for (std::int64_t e = 0; e < size; ++e) {
      const std::string& english = pair_.english[static_cast<std::size_t>(e)];
      const auto allowed = words_.translations.find(english);
      if (allowed == words_.translations.end()) continue;
      const bool found =
          std::any_of(pair_.alignment.begin(), pair_.alignment.end(), [&](const data::Link& link) {
            return link.english == e &&
                   std::any_of(allowed->second.begin(), allowed->second.end(), [&](const auto& begin) {
                     return at(static_cast<std::size_t>(link.french)).rfind(begin, 0) == 0;
                   });
          });
      expect(found, english, " has no link to its translation");
    }
    for (std::size_t f = 0; f < french_.size(); ++f) {
      if (is_noun(f) || is_adjective(f) || is_name(f) || words_.participles.count(at(f))) {
        expect(english_of(f).size() >= 1, at(f), " has no link");
      }
    }
  }
};

}  // namespace

std::vector<std::string> broken_rules(const data::Pair& pair) {
  std::vector<std::string> broken;
  Reader(pair, broken).read();
  return broken;
}

}  // namespace gradus::test
