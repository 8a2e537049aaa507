#include <gradus/data/en_fr/lexicon.h>

namespace gradus::data::en_fr {

namespace {

constexpr Determiner possessive_table[] = {
    {"my", "my", "mon", "mon", "ma", "mon", "mes"},
    {"your", "your", "ton", "ton", "ta", "ton", "tes"},
    {"his", "his", "son", "son", "sa", "son", "ses"},
    {"her", "her", "son", "son", "sa", "son", "ses"},
    {"our", "our", "notre", "notre", "notre", "notre", "nos"},
    {"their", "their", "leur", "leur", "leur", "leur", "leurs"},
};

constexpr Determiner number_table[] = {
    {"", "two", "", "", "", "", "deux"},
    {"", "three", "", "", "", "", "trois"},
    {"", "four", "", "", "", "", "quatre"},
};

constexpr Word frequency_table[] = {{"often", "souvent"}, {"always", "toujours"}};

constexpr Preposition preposition_table[] = {
    {"in", "dans", "", place},
    {"near", "près", "de", place | person},
    {"behind", "derrière", "", building},
    {"with", "avec", "", person},
};

}  // namespace

const Determiner definite = {"the", "the", "le", "l'", "la", "l'", "les"};
const Determiner indefinite = {"a", "", "un", "un", "une", "une", "des"};
const Determiner partitive = {"some", "", "", "", "", "", ""};
const Determiner demonstrative = {"this", "these", "ce", "cet", "cette", "cette", "ces"};

const Word now = {"now", "maintenant"}, yesterday = {"yesterday", "hier"}, tomorrow = {"tomorrow", "demain"};
const Word too = {"too", "trop"}, very = {"very", "très"}, enough = {"enough", "assez"};

std::span<const Determiner> possessives() { return possessive_table; }
std::span<const Determiner> numbers() { return number_table; }
std::span<const Word> frequencies() { return frequency_table; }
std::span<const Preposition> prepositions() { return preposition_table; }

}  // namespace gradus::data::en_fr
