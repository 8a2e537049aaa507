#include <gradus/data/en_fr/lexicon.h>

namespace gradus::data::en_fr {

namespace {

constexpr Gender m = Gender::masculine, f = Gender::feminine;
constexpr bool aspirated = true;

constexpr Noun table[] = {
    {"boy", "boys", "garçon", "garçons", m, person},
    {"girl", "girls", "fille", "filles", f, person},
    {"man", "men", "homme", "hommes", m, person},
    {"woman", "women", "femme", "femmes", f, person},
    {"king", "kings", "roi", "rois", m, person},
    {"queen", "queens", "reine", "reines", f, person},
    {"brother", "brothers", "frère", "frères", m, person},
    {"sister", "sisters", "sœur", "sœurs", f, person},
    {"uncle", "uncles", "oncle", "oncles", m, person},
    {"aunt", "aunts", "tante", "tantes", f, person},
    {"princess", "princesses", "princesse", "princesses", f, person},
    {"witch", "witches", "sorcière", "sorcières", f, person},
    {"child", "children", "enfant", "enfants", m, person},
    {"student", "students", "étudiant", "étudiants", m, person, "étudiante", "étudiantes"},
    {"teacher", "teachers", "enseignant", "enseignants", m, person, "enseignante", "enseignantes"},
    {"doctor", "doctors", "médecin", "médecins", m, person, "médecin", "médecins"},
    {"singer", "singers", "chanteur", "chanteurs", m, person, "chanteuse", "chanteuses"},
    {"baker", "bakers", "boulanger", "boulangers", m, person, "boulangère", "boulangères"},

    {"animal", "animals", "animal", "animaux", m, animal},
    {"dog", "dogs", "chien", "chiens", m, animal},
    {"cat", "cats", "chat", "chats", m, animal},
    {"horse", "horses", "cheval", "chevaux", m, animal},
    {"bird", "birds", "oiseau", "oiseaux", m, animal},
    {"elephant", "elephants", "éléphant", "éléphants", m, animal},
    {"wolf", "wolves", "loup", "loups", m, animal},
    {"owl", "owls", "hibou", "hiboux", m, animal, "", "", aspirated},
    {"mouse", "mice", "souris", "souris", f, animal},
    {"cow", "cows", "vache", "vaches", f, animal},
    {"goat", "goats", "chèvre", "chèvres", f, animal},
    {"turtle", "turtles", "tortue", "tortues", f, animal},
    {"frog", "frogs", "grenouille", "grenouilles", f, animal},
    {"ant", "ants", "fourmi", "fourmis", f, animal},
    {"spider", "spiders", "araignée", "araignées", f, animal},

    {"bridge", "bridges", "pont", "ponts", m, ground},
    {"field", "fields", "champ", "champs", m, ground},
    {"garden", "gardens", "jardin", "jardins", m, ground},
    {"park", "parks", "parc", "parcs", m, ground},
    {"desert", "deserts", "désert", "déserts", m, ground},
    {"street", "streets", "rue", "rues", f, ground},
    {"road", "roads", "route", "routes", f, ground},
    {"river", "rivers", "rivière", "rivières", f, ground},
    {"forest", "forests", "forêt", "forêts", f, ground},
    {"valley", "valleys", "vallée", "vallées", f, ground},
    {"hospital", "hospitals", "hôpital", "hôpitaux", m, building},
    {"castle", "castles", "château", "châteaux", m, building},
    {"market", "markets", "marché", "marchés", m, building},
    {"museum", "museums", "musée", "musées", m, building},
    {"school", "schools", "école", "écoles", f, building},
    {"church", "churches", "église", "églises", f, building},
    {"house", "houses", "maison", "maisons", f, building},
    {"station", "stations", "gare", "gares", f, building},

    {"trophy", "trophies", "trophée", "trophées", m, thing},
    {"hat", "hats", "chapeau", "chapeaux", m, thing},
    {"coat", "coats", "manteau", "manteaux", m, thing},
    {"knife", "knives", "couteau", "couteaux", m, thing},
    {"key", "keys", "clé", "clés", f, thing},
    {"ball", "balls", "balle", "balles", f, thing},
    {"doll", "dolls", "poupée", "poupées", f, thing},
    {"dress", "dresses", "robe", "robes", f, thing},
    {"mirror", "mirrors", "miroir", "miroirs", m, fragile},
    {"glass", "glasses", "verre", "verres", m, fragile},
    {"vase", "vases", "vase", "vases", m, fragile},
    {"lamp", "lamps", "lampe", "lampes", f, fragile},
    {"plate", "plates", "assiette", "assiettes", f, fragile},
    {"clock", "clocks", "horloge", "horloges", f, fragile},
    {"piano", "pianos", "piano", "pianos", m, instrument},
    {"violin", "violins", "violon", "violons", m, instrument},
    {"guitar", "guitars", "guitare", "guitares", f, instrument},
    {"harp", "harps", "harpe", "harpes", f, instrument, "", "", aspirated},
    {"bag", "bags", "sac", "sacs", m, container},
    {"basket", "baskets", "panier", "paniers", m, container},
    {"drawer", "drawers", "tiroir", "tiroirs", m, container},
    {"suitcase", "suitcases", "valise", "valises", f, container},
    {"box", "boxes", "boîte", "boîtes", f, container},
    {"cupboard", "cupboards", "armoire", "armoires", f, container},

    {"book", "books", "livre", "livres", m, writing},
    {"newspaper", "newspapers", "journal", "journaux", m, writing},
    {"poem", "poems", "poème", "poèmes", m, writing},
    {"letter", "letters", "lettre", "lettres", f, writing},
    {"story", "stories", "histoire", "histoires", f, writing},
    {"song", "songs", "chanson", "chansons", f, writing},

    {"cake", "cakes", "gâteau", "gâteaux", m, food},
    {"egg", "eggs", "œuf", "œufs", m, food},
    {"mushroom", "mushrooms", "champignon", "champignons", m, food},
    {"apple", "apples", "pomme", "pommes", f, food},
    {"orange", "oranges", "orange", "oranges", f, food},
    {"carrot", "carrots", "carotte", "carottes", f, food},
    {"bread", "", "pain", "", m, meal},
    {"cheese", "", "fromage", "", m, meal},
    {"soup", "", "soupe", "", f, meal},
    {"milk", "", "lait", "", m, drink},
    {"tea", "", "thé", "", m, drink},
    {"water", "", "eau", "", f, drink},
};

constexpr Name name_table[] = {
    {"Tom", m},  {"Jerry", m}, {"Paul", m},  {"Arthur", m}, {"Hugo", m},
    {"Anna", f}, {"Emma", f},  {"Alice", f}, {"Julie", f},  {"Sarah", f},
};

}  // namespace

std::span<const Noun> nouns() { return table; }
std::span<const Name> names() { return name_table; }

}  // namespace gradus::data::en_fr
