// fill: BERT says what [MASK] stands for.
#include <gradus/cli/fill.h>

#include <algorithm>
#include <cctype>
#include <iostream>
#include <numeric>

#include <gradus/autograd/grad_mode.h>
#include <gradus/autograd/ops/softmax.h>
#include <gradus/cli/bert.h>
#include <gradus/cli/print.h>
#include <gradus/cli/run.h>
#include <gradus/cli/unknown_words.h>
#include <gradus/cli/verbs.h>
#include <gradus/core/check.h>
#include <gradus/core/create.h>
#include <gradus/core/parallel.h>
#include <gradus/data/bert_batches.h>

namespace gradus::cli {
namespace {

struct FillSettings {
  std::string model;
  std::int64_t count = 5, threads = 0;
  bool json = false;
};

void describe(Options& options, FillSettings& s) {
  options.group("Options");
  options.add(model_option(s.model));
  options.add(
      {.name = "count", .value = &s.count, .shown = "N", .says = "candidates for each [MASK]", .least = 1});
  options.add(threads_option(s.threads));
  options.add({.name = "json", .value = &s.json, .says = "print an object instead"});
}

Json json_of(const std::vector<Candidate>& list) {
  Json::Array all;
  for (const auto& [token, probability] : list)
    all.emplace_back(Json::Object{{"token", token}, {"probability", probability}});
  return all;
}

bool has_small_mask(std::string text) {
  std::ranges::transform(text, text.begin(), [](unsigned char c) { return std::toupper(c); });
  return text.find("[MASK]") != text.npos;
}

}  // namespace

std::vector<std::vector<Candidate>> candidates(const models::BertPretraining& model,
                                               const data::Tokenizer& tokenizer, const models::BertText& text,
                                               std::int64_t count) {
  const data::Vocabulary& vocabulary = tokenizer.vocabulary();
  const std::int64_t mask = vocabulary.id("[MASK]");
  const Tensor logits = no_grad([&] { return softmax(model.mlm(model.bert(text)), -1); });
  const data::Ids ids = text.ids[0].to_vector<std::int64_t>();
  std::vector<std::vector<Candidate>> all;
  for (std::int64_t t = 0; t < std::ssize(ids); ++t) {
    if (ids[static_cast<std::size_t>(t)] != mask) continue;
    const std::vector<float> p = logits[0][t].to_vector<float>();
    std::vector<std::int64_t> order(p.size());
    std::iota(order.begin(), order.end(), std::int64_t{0});
    std::stable_sort(order.begin(), order.end(), [&](std::int64_t a, std::int64_t b) {
      return p[static_cast<std::size_t>(a)] > p[static_cast<std::size_t>(b)];
    });
    order.resize(std::min(order.size(), static_cast<std::size_t>(count)));
    std::vector<Candidate>& list = all.emplace_back();
    for (const std::int64_t id : order)
      list.push_back({vocabulary.token(id), static_cast<double>(p[static_cast<std::size_t>(id)])});
  }
  return all;
}

std::string filled(const models::BertPretraining& model, const data::Tokenizer& tokenizer,
                   const models::BertText& text) {
  const data::SpecialIds special = data::special_ids(tokenizer.vocabulary());
  const std::vector<std::vector<Candidate>> best = candidates(model, tokenizer, text, 1);
  std::string line;
  std::size_t next = 0;
  for (const std::int64_t id : text.ids[0].to_vector<std::int64_t>()) {
    if (id == special.cls || id == special.padding) continue;
    line.append(line.empty() ? "" : " ");
    if (id == special.mask)
      line.append("[").append(best[next++][0].token).append("]");
    else
      line.append(id == special.sep ? "|" : tokenizer.vocabulary().token(id));
  }
  return line;
}

int fill(const std::vector<std::string>& words) {
  FillSettings settings;
  Options options("fill");
  describe(options, settings);
  const std::vector<std::string> rest = options.read(words);
  check(rest.size() == 1, "fill", "takes one text with a [MASK], not ", rest.size(), ". Put it in quotes?");
  if (settings.threads > 0) set_threads(static_cast<int>(settings.threads));
  const OpenRun run = open_run("fill", settings.model);
  const auto& asked = ability<IsBert>("fill", run, "say what [MASK] stands for");
  const data::Tokenizer& tokenizer = asked.tokenizer();
  const models::BertPretraining& model = asked.pretrained();
  const data::SpecialIds special = data::special_ids(tokenizer.vocabulary());
  const data::Ids ids = tokenizer.encode(rest[0]).ids;
  check(std::ranges::count(ids, special.mask) > 0, "fill", "there is no [MASK] in \"", rest[0], "\". ",
        has_small_mask(rest[0]) ? "In capitals, [MASK]?" : "Put one in the place of a word?");
  const std::int64_t most = model.options.context - 2;
  check(std::ssize(ids) <= most, "fill", "the text has ", ids.size(), " tokens, and the model reads ", most,
        " at most, besides [CLS] and [SEP]. Cut it?");
  tell_unknown_words("fill", tokenizer, rest);
  const data::BertInput input = data::bert_input(ids, {}, special, model.options.context);
  const std::vector<std::vector<Candidate>> found =
      candidates(model, tokenizer, {.ids = from_vector(input.ids).unsqueeze(0)}, settings.count);
  if (settings.json) {
    Json::Array masks;
    for (const std::vector<Candidate>& list : found) masks.push_back(json_of(list));
    print_json(Json::Object{{"text", rest[0]}, {"masks", std::move(masks)}});
    return 0;
  }
  for (std::size_t i = 0; i < found.size(); ++i) {
    if (found.size() > 1) std::cout << (i > 0 ? "\n" : "") << "[MASK] " << i + 1 << ":\n";
    for (const auto& [token, probability] : found[i])
      std::cout << printed("%6.1f %%  ", 100 * probability) << token << "\n";
  }
  std::cout << std::flush;
  return 0;
}

std::string fill_page(const std::vector<std::string>&) {
  FillSettings settings;
  Options options("fill");
  describe(options, settings);
  return "usage: gradus fill --model DIR [OPTIONS] TEXT\n\nWhat may stand for each [MASK] of the text, and "
         "how "
         "likely.\n\n" +
         options.help() + R"(
examples:
  ./gradus fill --model runs/bert-1 "but the pie then [MASK] ."
  ./gradus fill --model runs/bert-1 --count 3 "he [MASK] the old [MASK] ."
)";
}

}  // namespace gradus::cli
