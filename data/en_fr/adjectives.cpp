#include <gradus/data/en_fr/lexicon.h>

namespace gradus::data::en_fr {

namespace {

constexpr Place before = Place::before, behind = Place::behind;
constexpr Kinds solid = object | animal, anything = alive | place | goods;

constexpr Adjective table[] = {
    {"small", "petit", "petite", before, anything},
    {"big", "grand", "grande", before, anything},
    {"old", "vieux", "vieille", before, alive | place | object | writing, "vieil"},
    {"beautiful", "beau", "belle", before, anything & ~food, "bel"},
    {"new", "nouveau", "nouvelle", before, person | building | object | writing, "nouvel"},
    {"young", "jeune", "jeune", before, alive},
    {"good", "bon", "bonne", before, person | writing | food | mass},
    {"long", "long", "longue", before, ground | writing},

    {"red", "rouge", "rouge", behind, object},
    {"green", "vert", "verte", behind, object},
    {"blue", "bleu", "bleue", behind, object},
    {"black", "noir", "noire", behind, solid},
    {"white", "blanc", "blanche", behind, solid},

    {"tired", "fatigué", "fatiguée", behind, alive},
    {"ill", "malade", "malade", behind, alive},
    {"happy", "heureux", "heureuse", behind, alive},
    {"sad", "triste", "triste", behind, alive | writing},
    {"strong", "fort", "forte", behind, alive},
    {"weak", "faible", "faible", behind, alive},
    {"hungry", "affamé", "affamée", behind, alive},
    {"lazy", "paresseux", "paresseuse", behind, alive},
    {"shy", "timide", "timide", behind, alive},
    {"brave", "courageux", "courageuse", behind, alive},
    {"curious", "curieux", "curieuse", behind, alive},
    {"angry", "furieux", "furieuse", behind, alive},
    {"clumsy", "maladroit", "maladroite", behind, alive},
    {"fast", "rapide", "rapide", behind, animal},
    {"slow", "lent", "lente", behind, animal},
    {"rich", "riche", "riche", behind, person},
    {"famous", "célèbre", "célèbre", behind, person | building | writing},

    {"wide", "large", "large", behind, ground},
    {"narrow", "étroit", "étroite", behind, ground},
    {"dark", "sombre", "sombre", behind, place},
    {"dangerous", "dangereux", "dangereuse", behind, ground},
    {"noisy", "bruyant", "bruyante", behind, place},
    {"quiet", "calme", "calme", behind, place},
    {"empty", "vide", "vide", behind, place | container},
    {"full", "plein", "pleine", behind, container},

    {"heavy", "lourd", "lourde", behind, object},
    {"light", "léger", "légère", behind, object},
    {"fragile", "fragile", "fragile", behind, fragile | instrument},
    {"solid", "solide", "solide", behind, object},
    {"thick", "épais", "épaisse", behind, writing | thing},
    {"expensive", "cher", "chère", behind, goods},
    {"dirty", "sale", "sale", behind, object | place},
    {"hard", "dur", "dure", behind, food},
    {"ripe", "mûr", "mûre", behind, food},
    {"fresh", "frais", "fraîche", behind, food | mass},
    {"cold", "froid", "froide", behind, food | mass | place},
    {"hot", "chaud", "chaude", behind, mass | place},
};

}  // namespace

std::span<const Adjective> adjectives() { return table; }

}  // namespace gradus::data::en_fr
