// neighbours: words that are like a word, by their vectors.
#include <iostream>

#include <gradus/cli/nearest.h>
#include <gradus/cli/print.h>
#include <gradus/cli/run.h>
#include <gradus/cli/verbs.h>
#include <gradus/core/check.h>

namespace gradus::cli {
namespace {

struct NeighbourSettings {
  std::string model, minus, plus;
  std::int64_t count = 5;
  bool json = false;
};

void describe(Options& options, NeighbourSettings& s) {
  options.group("Options");
  options.add(model_option(s.model));
  options.add(
      {.name = "count", .value = &s.count, .shown = "N", .says = "neighbours of each word", .least = 1});
  options.add({.name = "minus",
               .value = &s.minus,
               .shown = "WORD",
               .says = "with --plus: what is to --plus as WORD is to --minus"});
  options.add({.name = "plus", .value = &s.plus, .shown = "WORD", .says = "see --minus"});
  options.add({.name = "json", .value = &s.json, .says = "print an object for each word"});
}

void print(const std::string& asked, const std::vector<models::WordVectors::Neighbour>& near, bool json) {
  if (json) {
    Json::Array words;
    for (const auto& [word, cosine] : near)
      words.emplace_back(Json::Object{{"word", word}, {"cosine", cosine}});
    print_json(Json::Object{{"word", asked}, {"neighbours", std::move(words)}});
    return;
  }
  std::cout << asked << ":";
  for (const auto& [word, cosine] : near) std::cout << " " << word << printed(" (%.2f)", cosine);
  std::cout << std::endl;
}

}  // namespace

int neighbours(const std::vector<std::string>& arguments) {
  NeighbourSettings settings;
  Options options("neighbours");
  describe(options, settings);
  const std::vector<std::string> words = options.read(arguments);
  const bool is_analogy = options.is_given("minus") || options.is_given("plus");
  check(!words.empty(), "neighbours", "of which word? gradus neighbours --model DIR WORD");
  check(!is_analogy || (options.is_given("minus") && options.is_given("plus") && words.size() == 1),
        "neighbours",
        "--minus and --plus go together, with one word: king --minus man --plus woman. Give all three?");
  const OpenRun run = open_run("neighbours", settings.model);
  const auto& model = ability<HasVectors>("neighbours", run, "tell which words are alike");
  std::vector<std::string> all = words;
  if (is_analogy) all.insert(all.end(), {settings.minus, settings.plus});
  for (const std::string& word : all) {
    if (model.words().find(word)) continue;
    const std::string near = nearest(word, model.words().tokens());
    fail("neighbours", "the model knows no word '", word, "'. ", near.empty() ? "Another one" : near, "?");
  }
  const models::WordVectors vectors = model.vectors();
  if (is_analogy) {
    print(words[0] + " - " + settings.minus + " + " + settings.plus,
          vectors.analogy(words[0], settings.minus, settings.plus, settings.count), settings.json);
    return 0;
  }
  for (const std::string& word : words) print(word, vectors.nearest(word, settings.count), settings.json);
  return 0;
}

std::string neighbours_page(const std::vector<std::string>&) {
  NeighbourSettings settings;
  Options options("neighbours");
  describe(options, settings);
  return "usage: gradus neighbours --model DIR [OPTIONS] WORD...\n\nWords whose vectors point the same way, "
         "and the cosine between them.\n\n" +
         options.help() + R"(
examples:
  ./gradus neighbours --model runs/word2vec-1 boat apple
  ./gradus neighbours --model runs/word2vec-1 boats --minus boat --plus apple
)";
}

}  // namespace gradus::cli
