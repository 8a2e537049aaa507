#include "data/en_fr_dictionary.h"

#include <sstream>

namespace gradus::test {

namespace {

// English singular and plural = French singular and plural
constexpr const char* masculine_nouns = R"(
boy boys = garçon garçons; man men = homme hommes; king kings = roi rois;
brother brothers = frère frères; uncle uncles = oncle oncles; child children = enfant enfants;
student students = étudiant étudiants; teacher teachers = enseignant enseignants;
doctor doctors = médecin médecins; singer singers = chanteur chanteurs;
baker bakers = boulanger boulangers; animal animals = animal animaux; dog dogs = chien chiens;
cat cats = chat chats; horse horses = cheval chevaux; bird birds = oiseau oiseaux;
elephant elephants = éléphant éléphants; wolf wolves = loup loups; owl owls = hibou hiboux;
bridge bridges = pont ponts; field fields = champ champs; garden gardens = jardin jardins;
park parks = parc parcs; desert deserts = désert déserts; hospital hospitals = hôpital hôpitaux;
castle castles = château châteaux; market markets = marché marchés; museum museums = musée musées;
trophy trophies = trophée trophées; hat hats = chapeau chapeaux; coat coats = manteau manteaux;
knife knives = couteau couteaux; mirror mirrors = miroir miroirs; glass glasses = verre verres;
vase vases = vase vases; piano pianos = piano pianos; violin violins = violon violons;
bag bags = sac sacs; basket baskets = panier paniers; drawer drawers = tiroir tiroirs;
book books = livre livres; newspaper newspapers = journal journaux; poem poems = poème poèmes;
cake cakes = gâteau gâteaux; egg eggs = œuf œufs; mushroom mushrooms = champignon champignons;
bread breads = pain pains; cheese cheeses = fromage fromages; milk milks = lait laits;
tea teas = thé thés;)";

constexpr const char* feminine_nouns = R"(
girl girls = fille filles; woman women = femme femmes; queen queens = reine reines;
sister sisters = sœur sœurs; aunt aunts = tante tantes; princess princesses = princesse princesses;
witch witches = sorcière sorcières; mouse mice = souris souris; cow cows = vache vaches;
goat goats = chèvre chèvres; turtle turtles = tortue tortues; frog frogs = grenouille grenouilles;
ant ants = fourmi fourmis; spider spiders = araignée araignées; street streets = rue rues;
road roads = route routes; river rivers = rivière rivières; forest forests = forêt forêts;
valley valleys = vallée vallées; school schools = école écoles; church churches = église églises;
house houses = maison maisons; station stations = gare gares; key keys = clé clés;
ball balls = balle balles; doll dolls = poupée poupées; dress dresses = robe robes;
lamp lamps = lampe lampes; plate plates = assiette assiettes; clock clocks = horloge horloges;
guitar guitars = guitare guitares; harp harps = harpe harpes; suitcase suitcases = valise valises;
box boxes = boîte boîtes; cupboard cupboards = armoire armoires; letter letters = lettre lettres;
story stories = histoire histoires; song songs = chanson chansons; apple apples = pomme pommes;
orange oranges = orange oranges; carrot carrots = carotte carottes; soup soups = soupe soupes;
water waters = eau eaux; student students = étudiante étudiantes;
teacher teachers = enseignante enseignantes; singer singers = chanteuse chanteuses;
baker bakers = boulangère boulangères;)";

// English = masculine, feminine, their plurals; before a vowel
constexpr const char* adjectives_before = R"(
small = petit petite petits petites; big = grand grande grands grandes;
old = vieux vieille vieux vieilles vieil; beautiful = beau belle beaux belles bel;
new = nouveau nouvelle nouveaux nouvelles nouvel; young = jeune jeune jeunes jeunes;
good = bon bonne bons bonnes; long = long longue longs longues;)";

constexpr const char* adjectives_after = R"(
red = rouge rouge rouges rouges; green = vert verte verts vertes; blue = bleu bleue bleus bleues;
black = noir noire noirs noires; white = blanc blanche blancs blanches;
tired = fatigué fatiguée fatigués fatiguées; ill = malade malade malades malades;
happy = heureux heureuse heureux heureuses; sad = triste triste tristes tristes;
strong = fort forte forts fortes; weak = faible faible faibles faibles;
hungry = affamé affamée affamés affamées; lazy = paresseux paresseuse paresseux paresseuses;
shy = timide timide timides timides; brave = courageux courageuse courageux courageuses;
curious = curieux curieuse curieux curieuses; angry = furieux furieuse furieux furieuses;
clumsy = maladroit maladroite maladroits maladroites; fast = rapide rapide rapides rapides;
slow = lent lente lents lentes; rich = riche riche riches riches;
famous = célèbre célèbre célèbres célèbres; wide = large large larges larges;
narrow = étroit étroite étroits étroites; dark = sombre sombre sombres sombres;
dangerous = dangereux dangereuse dangereux dangereuses; noisy = bruyant bruyante bruyants bruyantes;
quiet = calme calme calmes calmes; empty = vide vide vides vides; full = plein pleine pleins pleines;
heavy = lourd lourde lourds lourdes; light = léger légère légers légères;
fragile = fragile fragile fragiles fragiles; solid = solide solide solides solides;
thick = épais épaisse épais épaisses; expensive = cher chère chers chères;
dirty = sale sale sales sales; hard = dur dure durs dures; ripe = mûr mûre mûrs mûres;
fresh = frais fraîche frais fraîches; cold = froid froide froids froides;
hot = chaud chaude chauds chaudes;)";

constexpr const char* other_words = R"(
see sees saw = voi voy vu ver; chase chases chased = poursui; catch catches caught = attrap;
help helps helped = aid; wait waits waited = attend; scare scares scared = effra;
love loves loved = aim; have has had = ai as a av on; eat eats ate = mang;
drink drinks drank = boi buv bu; buy buys bought = ach; find finds found = trouv;
look looks looked = cherch; lose loses lost = perd; break breaks broke = cass; hide hides hid = cach;
carry carries carried = port; open opens opened = ouv; write writes wrote = écri;
cross crosses crossed = travers; fit fits fitted = tien ten; go goes went = v all i;
come comes came = vien ven; talk talks talked = parl; play plays played = jou; fall falls fell = tomb;
sleep sleeps slept = dor; sing sings sang = chant; give gives gave = donn; show shows showed = montr;
be am is are was were = suis es est sommes sont ét être ser; can cannot could = peu pouv;
must = doi dev; want wants wanted = veu voul; always = toujours; often = souvent; never = jamais;
now = maintenant; yesterday = hier; tomorrow = demain; too = trop; very = très; enough = assez;
two = deux; three = trois; four = quatre; my = ma mon mes; your = ta ton tes;
his her = sa son ses la l' lui; our = notre nos; their = leur; this these = ce; because = parce;
but = mais; near = près; behind = derrière; with = avec; I = j; we = nous; me = m; us = nous; he = il;
she = elle; they = ils elles; not n't = n pas; it = il elle le la l'; you = tu te t'; them = les leur;
him = le l' lui; who = qui;)";

constexpr const char* participle_stems =
    "vu poursuivi attrapé aidé attendu effrayé mangé bu acheté trouvé cherché perdu cassé caché porté ouvert "
    "écrit "
    "traversé parlé joué dormi chanté donné montré allé venu tombé";

// Calls take(the words before the =, the words after it) for every entry.
template <class Take>
void each_entry(const char* table, const Take& take) {
  std::istringstream entries(table);
  for (std::string entry; std::getline(entries, entry, ';');) {
    std::istringstream words(entry);
    std::vector<std::string> sides[2];
    int side = 0;
    for (std::string word; words >> word;) word == "=" ? void(side = 1) : sides[side].push_back(word);
    if (!sides[1].empty()) take(sides[0], sides[1]);
  }
}

Dictionary read_tables() {
  Dictionary d;
  const auto translate = [&](const std::vector<std::string>& english,
                             const std::vector<std::string>& french) {
    for (const std::string& word : english) {
      d.translations[word].insert(d.translations[word].end(), french.begin(), french.end());
    }
  };
  const auto nouns = [&](const char* table, char gender) {
    each_entry(table, [&](const auto& english, const auto& french) {
      const bool alike = french[0] == french[1];
      d.nouns[french[0]] = {gender, alike, true};
      d.nouns[french[1]] = {gender, true, alike};
      for (std::size_t i : {0, 1}) translate({english[i]}, {french[i]});
    });
  };
  nouns(masculine_nouns, 'm');
  nouns(feminine_nouns, 'f');
  const auto adjectives = [&](const char* table, char place) {
    each_entry(table, [&](const auto& english, const auto& french) {
      static const std::vector<std::string> fits = {"ms", "fs", "mp", "fp", "ms"};
      for (std::size_t i = 0; i < french.size(); ++i) {
        d.adjectives[french[i]].fits.insert(fits[i]);
        d.adjectives[french[i]].place = place;
      }
      translate(english, french);
    });
  };
  adjectives(adjectives_before, 'b');
  adjectives(adjectives_after, 'a');
  each_entry(other_words, translate);
  for (const char* name : {"Tom", "Jerry", "Paul", "Arthur", "Hugo"}) d.names[name] = 'm';
  for (const char* name : {"Anna", "Emma", "Alice", "Julie", "Sarah"}) d.names[name] = 'f';
  for (const auto& [name, gender] : d.names) d.translations[name] = {name};
  std::istringstream stems(participle_stems);
  for (std::string stem; stems >> stem;) {
    d.participles[stem] = "ms";
    d.participles[stem + "e"] = "fs";
    d.participles[stem + "s"] = "mp";
    d.participles[stem + "es"] = "fp";
  }
  return d;
}

}  // namespace

const Dictionary& dictionary() {
  static const Dictionary read = read_tables();
  return read;
}

}  // namespace gradus::test
