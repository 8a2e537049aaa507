// How good a translator is, on pairs that it has not seen.
#include <algorithm>

#include <gradus/cli/pair_corpus.h>
#include <gradus/cli/print.h>

namespace gradus::cli {
namespace {

models::TranslateOptions greedy(const data::DecoderIds& ids) { return {.ids = ids}; }

models::TranslationReport report(const Translator& model, const std::vector<data::IdsPair>& pairs,
                                 const data::DecoderIds& ids) {
  return models::report_on(model.writer, model.logits, pairs, greedy(ids));
}

std::string shown(const data::Share& share) {
  return printed("%.1f %% of %lld", 100 * share.value(), static_cast<long long>(share.all));
}

// Of the French words that bear a meaning, those for which attention weighs most what they translate.
void add_alignment(Results& results, const PairCorpus& corpus, const Translator& model) {
  if (!model.weights) return;
  std::vector<models::AlignedPair> pairs;
  for (std::int64_t i = 0; i < std::ssize(corpus.held_out()); ++i) {
    const data::Pair pair = data::EnFr(0).pair(data::EnFr::Split::random, i);
    models::AlignedPair aligned{.ids = corpus.ids_of(pair), .links = pair.alignment, .counts = {}};
    for (const std::string& word : pair.french) aligned.counts.push_back(data::is_content_word(word));
    pairs.push_back(std::move(aligned));
  }
  const data::Share found = models::alignment_agreement(model.weights, pairs, greedy(corpus.ids()));
  results.add("alignment", found.value(), shown(found) + " content words attend most to what they translate");
}

// Pairs of a split in which *it* is il or elle, among those from `begin` to `end`.
std::vector<models::ReferringPair> pairs_with_it(const PairCorpus& corpus, std::int64_t begin,
                                                 std::int64_t end) {
  std::vector<models::ReferringPair> found;
  for (std::int64_t i = begin; i < end; ++i) {
    const data::Pair pair = data::EnFr(0).pair(data::EnFr::Split::random, i);
    for (const data::Reference& reference : pair.references) {
      const std::string& french = pair.french[static_cast<std::size_t>(reference.french_pronoun)];
      if (pair.english[static_cast<std::size_t>(reference.english_pronoun)] == "it" &&
          (french == "il" || french == "elle"))
        found.push_back({corpus.ids_of(pair), reference});
    }
  }
  return found;
}

// The head that finds the noun of *it* most often in sentences that serve to choose it, on others.
void add_pronouns(Results& results, const PairCorpus& corpus, const Translator& model) {
  constexpr std::int64_t asked = 3'000, chosen_on = 2'000;  // held-out sentences: about a tenth has an *it*
  const std::vector<models::ReferringPair> pairs = pairs_with_it(corpus, 0, asked);
  const models::TranslateOptions options = greedy(corpus.ids());
  const data::Share agreement = models::pronoun_agreement(model.logits, pairs, options);
  results.add("it_agreement", agreement.value(), shown(agreement) + " are il or elle as the noun of it asks");
  if (!model.heads) return;
  const auto chosen =
      models::heads_find_nouns(model.heads, pairs_with_it(corpus, asked, asked + chosen_on), options);
  std::size_t layer = 0, head = 0;
  for (std::size_t l = 0; l < chosen.size(); ++l)
    for (std::size_t h = 0; h < chosen[l].size(); ++h)
      if (chosen[l][h].right > chosen[layer][head].right) layer = l, head = h;
  const data::Share found = models::heads_find_nouns(model.heads, pairs, options)[layer][head];
  // A head that always looks two words back, as from the it of "the street because it", finds this many.
  data::Share near;
  for (const models::ReferringPair& pair : pairs)
    near += {pair.reference.english_pronoun - pair.reference.english_noun == 2, 1};
  const auto l = static_cast<std::int64_t>(layer + 1), h = static_cast<std::int64_t>(head + 1);
  results.add(
      "pronoun_head",
      Json::Object{{"layer", l}, {"head", h}, {"right", found.value()}, {"two_back", near.value()}},
      shown(found) +
          printed(" attend from it to its noun, two words back in %.1f %%: encoder layer %lld, head %lld",
                  100 * near.value(), static_cast<long long>(l), static_cast<long long>(h)));
}

void add_en_fr_results(Results& results, const PairCorpus& corpus, const Translator& model,
                       models::AccuracyByLength tokens) {
  using data::EnFr;
  for (const auto& [split, name, says] :
       {std::tuple{EnFr::Split::unseen, "exact_unseen", "right whose words never met in training"},
        std::tuple{EnFr::Split::longer, "exact_longer", "right that are longer than any in training"}}) {
    std::vector<data::IdsPair> pairs;
    for (std::int64_t i = 0; i < 500; ++i) pairs.push_back(corpus.ids_of(EnFr(0).pair(split, i)));
    const models::TranslationReport found = report(model, pairs, corpus.ids());
    results.add(name, found.exact.value(), shown(found.exact) + " " + says);
    if (split == EnFr::Split::longer)
      for (const auto& [length, share] : found.tokens.lengths) tokens.lengths[length] += share;
  }
  Json::Object buckets;
  for (const auto& [longest, share] : tokens.buckets(5)) {
    const std::string lengths =
        printed("%lld-%lld", static_cast<long long>(longest - 4), static_cast<long long>(longest));
    buckets.emplace_back(lengths, share.value());
    results.lines.emplace_back("tokens: " + lengths + " words",
                               printed("%.1f %% right", 100 * share.value()));
  }
  results.values.emplace_back("token_accuracy_by_length", std::move(buckets));
  add_alignment(results, corpus, model);
  add_pronouns(results, corpus, model);
  results.add("slope", tokens.slope(), printed("%+.3f %% for each word more", 100 * tokens.slope()));
}

}  // namespace

void add_pair_results(Results& results, const PairCorpus& corpus, const Translator& model) {
  const double loss = models::pair_loss(model.logits, corpus.held_out(), greedy(corpus.ids()));
  results.add("loss", loss, printed("%.4f nats a token, on held-out pairs", loss));
  const models::TranslationReport found = report(model, corpus.held_out(), corpus.ids());
  results.add("exact", found.exact.value(), shown(found.exact) + " held-out sentences are without a fault");
  results.add("bleu", found.bleu, printed("%.1f", found.bleu));
  if (corpus.is_en_fr()) add_en_fr_results(results, corpus, model, found.tokens);
}

std::string sample_translations(const PairCorpus& corpus, const Translator& model) {
  std::vector<data::Ids> sources;
  for (std::size_t i = 0; i < std::min<std::size_t>(3, corpus.held_out().size()); ++i)
    sources.push_back(corpus.held_out()[i].source);
  const std::vector<data::Ids> targets = models::translate(model.writer, sources, greedy(corpus.ids()));
  std::string text;
  for (std::size_t i = 0; i < sources.size(); ++i)
    text.append(i > 0 ? "\n" : "")
        .append(corpus.source().decode(sources[i]))
        .append(" -> ")
        .append(corpus.target().decode(targets[i]));
  return text;
}

}  // namespace gradus::cli
