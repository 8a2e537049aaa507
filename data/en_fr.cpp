#include <algorithm>
#include <array>
#include <optional>
#include <string_view>

#include <gradus/core/check.h>
#include <gradus/data/en_fr.h>
#include <gradus/data/en_fr/grammar.h>

namespace gradus::data {

namespace {

using en_fr::Part;
using en_fr::Token;

// FNV-1a, Fowler, Noll & Vo
constexpr std::uint64_t nothing_hashed = 0xcbf29ce484222325;
std::uint64_t hash(std::string_view text, std::uint64_t from) {
  for (const char c : text) from = (from ^ static_cast<unsigned char>(c)) * 0x100000001b3;
  return from;
}

// A fraction 1 / n of all texts. The low bits of the hash depend on few of the text's.
bool is_one_of(std::int64_t n, std::uint64_t hashed) {
  return (hashed >> 32) % static_cast<std::uint64_t>(n) == 0;
}

bool is_unseen(const en_fr::Combination& c) {
  return is_one_of(20, hash(c.noun, hash(" ", hash(c.word, nothing_hashed))));
}

bool is_random(const std::vector<Token>& english) {
  std::uint64_t hashed = nothing_hashed;
  for (const Token& token : english) hashed = hash(" ", hash(token.text, hashed));
  return is_one_of(10, hashed);
}

std::optional<EnFr::Split> split_of(const en_fr::Sentence& sentence, const std::vector<Token>& english) {
  const auto length = static_cast<std::int64_t>(english.size());
  if (length > EnFr::longest) return std::nullopt;
  const std::vector<en_fr::Combination> combinations = en_fr::combinations_of(sentence);
  const bool unseen = std::any_of(combinations.begin(), combinations.end(), is_unseen);
  if (length > EnFr::longest_in_training) {
    return unseen ? std::nullopt : std::optional(EnFr::Split::longer);
  }
  if (unseen) return EnFr::Split::unseen;
  return is_random(english) ? EnFr::Split::random : EnFr::Split::training;
}

bool say_the_same(const Token& a, const Token& b) {
  return std::any_of(std::begin(a.parts), std::end(a.parts), [&](Part part) {
    return part != nullptr && (part == b.parts[0] || part == b.parts[1]);
  });
}

std::int64_t index_of(Part part, const std::vector<Token>& tokens) {
  const auto at =
      std::find_if(tokens.begin(), tokens.end(), [&](const Token& t) { return t.parts[0] == part; });
  return at - tokens.begin();
}

std::vector<std::string> texts_of(std::vector<Token> tokens) {
  std::vector<std::string> texts;
  texts.reserve(tokens.size());
  for (Token& token : tokens) texts.push_back(std::move(token.text));
  return texts;
}

Pair pair_of(const en_fr::Sentence& sentence, std::vector<Token> english, std::vector<Token> french) {
  Pair pair;
  for (std::size_t e = 0; e < english.size(); ++e) {
    for (std::size_t f = 0; f < french.size(); ++f) {
      if (!say_the_same(english[e], french[f])) continue;
      pair.alignment.push_back({static_cast<std::int64_t>(e), static_cast<std::int64_t>(f)});
    }
  }
  for (const en_fr::Phrase* const pronoun :
       std::array<const en_fr::Phrase*, 2>{&sentence.second.subject, sentence.second.object.get()}) {
    if (pronoun == nullptr || pronoun->antecedent == en_fr::Antecedent::none) continue;
    const bool is_subject = pronoun->antecedent == en_fr::Antecedent::subject;
    const Part said = &pronoun->head,
               meant = is_subject ? &sentence.first.subject.head : &sentence.first.object->head;
    pair.references.push_back(
        {index_of(said, english), index_of(meant, english), index_of(said, french), index_of(meant, french)});
  }
  pair.english = texts_of(std::move(english));
  pair.french = texts_of(std::move(french));
  return pair;
}

}  // namespace

std::string sentence_of(const std::vector<std::string>& tokens) {
  std::string text;
  for (const std::string& token : tokens) {
    const bool is_joined =
        text.empty() || text.back() == '\'' || token == "." || token == "n't" || token == "'s";
    if (!is_joined) text += ' ';
    text += token;
  }
  if (!text.empty() && text[0] >= 'a' && text[0] <= 'z') text[0] = static_cast<char>(text[0] - 'a' + 'A');
  return text;
}

bool is_content_word(std::string_view french) {
  static constexpr std::string_view others[] = {
      ".",     "le",     "la",       "les",    "l'",    "un",    "une",    "des",    "de",      "du",
      "d'",    "au",     "aux",      "à",      "ce",    "cet",   "cette",  "ces",    "mon",     "ma",
      "mes",   "ton",    "ta",       "tes",    "son",   "sa",    "ses",    "notre",  "nos",     "leur",
      "leurs", "deux",   "trois",    "quatre", "je",    "j'",    "tu",     "il",     "elle",    "nous",
      "ils",   "elles",  "me",       "m'",     "te",    "t'",    "lui",    "qui",    "que",     "qu'",
      "parce", "et",     "mais",     "ne",     "n'",    "pas",   "jamais", "trop",   "très",    "assez",
      "dans",  "près",   "derrière", "avec",   "suis",  "es",    "est",    "sommes", "sont",    "étais",
      "était", "étions", "étaient",  "serai",  "seras", "sera",  "serons", "seront", "été",     "être",
      "ai",    "as",     "a",        "avons",  "ont",   "avais", "avait",  "avions", "avaient", "aurai",
      "auras", "aura",   "aurons",   "auront", "eu",    "avoir"};
  return std::find(std::begin(others), std::end(others), french) == std::end(others);
}

Pair EnFr::pair(Split split, std::int64_t i) const {
  check(i >= 0, "en_fr", "there is no pair ", i, "; they are counted from 0");
  Random random(seed_, static_cast<std::uint64_t>(i) * 4 + static_cast<std::uint64_t>(split));
  while (true) {
    const en_fr::Sentence sentence(random);
    std::vector<Token> english = en_fr::in_english(sentence);
    if (split_of(sentence, english) == split)
      return pair_of(sentence, std::move(english), en_fr::in_french(sentence));
  }
}

}  // namespace gradus::data
