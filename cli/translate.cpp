// translate: sentences, from the command line or one a line from standard input.
#include <algorithm>
#include <iostream>

#include <gradus/autograd/grad_mode.h>
#include <gradus/cli/print.h>
#include <gradus/cli/run.h>
#include <gradus/cli/unknown_words.h>
#include <gradus/cli/verbs.h>
#include <gradus/core/check.h>
#include <gradus/core/parallel.h>
#include <gradus/models/translation.h>

namespace gradus::cli {
namespace {

struct TranslateSettings {
  std::string model;
  std::int64_t beam = 4, length = 64, threads = 0;
  double length_penalty = 0.6;
  bool attention = false, json = false;
};

void describe(Options& options, TranslateSettings& s) {
  options.group("Options");
  options.add(model_option(s.model));
  options.add({.name = "beam",
               .value = &s.beam,
               .shown = "N",
               .says = "translations that are followed side by side; 1: only the likeliest word each time",
               .least = 1});
  options.add({.name = "length-penalty",
               .value = &s.length_penalty,
               .shown = "X",
               .says = "0 prefers short translations",
               .least = 0});
  options.add({.name = "length",
               .value = &s.length,
               .shown = "N",
               .says = "tokens of a translation at most",
               .least = 1});
  options.add({.name = "attention",
               .value = &s.attention,
               .says = "show which words each word attended to, in percent"});
  options.add(threads_option(s.threads));
  options.add({.name = "json", .value = &s.json, .says = "print an object for each sentence"});
}

std::size_t characters(std::string_view text) {
  return static_cast<std::size_t>(
      std::ranges::count_if(text, [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }));
}

std::string padded(const std::string& text, std::size_t width) {
  return std::string(width - std::min(width, characters(text)), ' ') + text;
}

struct Translation {
  std::vector<std::string> source, target;
  std::string text;
  std::vector<std::vector<float>> weights = {};  // of each token of the target
};

std::vector<std::string> tokens_of(const data::Tokenizer& tokenizer, const data::Ids& ids) {
  std::vector<std::string> tokens;
  for (const std::int64_t id : ids) tokens.push_back(tokenizer.vocabulary().token(id));
  return tokens;
}

Translation translated(const Translates& model, const std::string& sentence,
                       const TranslateSettings& settings) {
  const data::Ids source = model.source().encode(sentence).ids;
  check(!source.empty(), "translate", "there is no word in '", sentence, "'. A sentence?");
  tell_unknown_words("translate", model.source(), {sentence});
  const data::DecoderIds ids = model.ids();
  data::Ids target =
      models::translate([&](const data::Padded& padded) { return model.writer(padded); }, {source},
                        {.ids = ids,
                         .max_length = settings.length,
                         .width = settings.beam,
                         .length_penalty = settings.length_penalty})[0];
  Translation result{.source = tokens_of(model.source(), source),
                     .target = tokens_of(model.target(), target),
                     .text = model.target().decode(target)};
  if (!settings.attention) return result;
  const data::Shifted shifted = data::shift({target}, ids);
  const Tensor weights =
      no_grad([&] { return model.weights(data::pad({source}, ids.padding), shifted.input); });
  check(weights.defined(), "translate",
        "--attention: this model attends to nothing. Train one with --context attention?");
  for (std::size_t row = 0; row < target.size(); ++row)
    result.weights.push_back(weights[0][static_cast<std::int64_t>(row)].to_vector<float>());
  return result;
}

void print_weights(const Translation& translation) {
  std::size_t first = 0;
  for (const std::string& token : translation.target) first = std::max(first, characters(token));
  const auto width = [&](std::size_t column) {
    return std::max<std::size_t>(3, characters(translation.source[column])) + 1;
  };
  std::string line(first, ' ');
  for (std::size_t column = 0; column < translation.source.size(); ++column)
    line += padded(translation.source[column], width(column));
  std::cout << line << "\n";
  for (std::size_t row = 0; row < translation.target.size(); ++row) {
    line = padded(translation.target[row], first);
    for (std::size_t column = 0; column < translation.source.size(); ++column)
      line +=
          padded(printed("%.0f", 100 * static_cast<double>(translation.weights[row][column])), width(column));
    std::cout << line << "\n";
  }
}

void print(const std::string& sentence, const Translation& translation, bool json) {
  if (!json) {
    std::cout << translation.text << std::endl;
    if (!translation.weights.empty()) print_weights(translation);
    return;
  }
  Json::Object line{{"source", sentence}, {"translation", translation.text}};
  if (!translation.weights.empty()) {
    Json::Array rows;
    for (const std::vector<float>& row : translation.weights)
      rows.emplace_back(Json::Array(row.begin(), row.end()));
    const auto array = [](const std::vector<std::string>& texts) {
      return Json::Array(texts.begin(), texts.end());
    };
    line.emplace_back("source_tokens", array(translation.source));
    line.emplace_back("target_tokens", array(translation.target));
    line.emplace_back("attention", std::move(rows));
  }
  print_json(line);
}

}  // namespace

int translate(const std::vector<std::string>& words) {
  TranslateSettings settings;
  Options options("translate");
  describe(options, settings);
  const std::vector<std::string> sentences = options.read(words);
  if (settings.threads > 0) set_threads(static_cast<int>(settings.threads));
  const OpenRun run = open_run("translate", settings.model);
  const auto& model = ability<Translates>("translate", run, "translate");
  const auto tell = [&](const std::string& sentence) {
    print(sentence, translated(model, sentence, settings), settings.json);
  };
  if (!sentences.empty() && sentences != std::vector<std::string>{"-"}) {
    for (const std::string& sentence : sentences) tell(sentence);
    return 0;
  }
  std::int64_t number = 0;
  for (std::string line; std::getline(std::cin, line);) {
    ++number;
    try {
      tell(line);
    } catch (const Error& error) {
      const std::string_view text = error.what();
      fail("translate", "line ", number, " of standard input: ", text.substr(text.find("] ") + 2));
    }
  }
  return 0;
}

std::string translate_page(const std::vector<std::string>&) {
  TranslateSettings settings;
  Options options("translate");
  describe(options, settings);
  return "usage: gradus translate --model DIR [OPTIONS] [SENTENCE...]\n\nWithout sentences, or with "
         "- in their place, translates\nstandard input, one a line.\n\n" +
         options.help() + R"(
examples:
  ./gradus translate --model runs/seq2seq-1 "The dogs didn't sleep."
  ./gradus translate --model runs/seq2seq-1 --attention "The apple is red."
  ./gradus translate --model runs/seq2seq-1 --json < sentences.txt
)";
}

}  // namespace gradus::cli
