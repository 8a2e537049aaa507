// generate: a language model writes.
#include <unistd.h>

#include <iostream>

#include <gradus/cli/print.h>
#include <gradus/cli/run.h>
#include <gradus/cli/unknown_words.h>
#include <gradus/cli/verbs.h>
#include <gradus/core/check.h>
#include <gradus/core/parallel.h>
#include <gradus/core/wrap.h>
#include <gradus/models/sampling.h>

namespace gradus::cli {
namespace {

struct GenerateSettings {
  std::string model;
  models::GenerateOptions generate{.sampling = {.temperature = 0.8}};
  std::string long_prompt = "refuse";
  std::int64_t seed = 0, threads = 0;
  bool json = false;
};

void describe(Options& options, GenerateSettings& s) {
  models::Sampling& sampling = s.generate.sampling;
  options.group("Options");
  options.add(model_option(s.model));
  options.add({.name = "tokens",
               .value = &s.generate.tokens,
               .shown = "N",
               .says = "how many are written at most",
               .least = 1});
  options.add(
      {.name = "temperature",
       .value = &sampling.temperature,
       .shown = "X",
       .says = "1: as likely as the model says; less: the likely ones more often; 0: always the likeliest",
       .least = 0});
  options.add({.name = "top-k",
               .value = &sampling.top_k,
               .shown = "N",
               .says = "only the N likeliest tokens may come; 0: all",
               .least = 0});
  options.add({.name = "top-p",
               .value = &sampling.top_p,
               .shown = "X",
               .says = "only the likeliest tokens that together have this probability",
               .above = 0,
               .most = 1});
  options.add({.name = "repetition-penalty",
               .value = &sampling.repetition_penalty,
               .shown = "X",
               .says = "above 1: what was written before is less likely",
               .above = 0});
  options.add({.name = "stop",
               .value = &s.generate.stop,
               .shown = "TEXT",
               .says = "ends the text before this; may come several times"});
  options.add({.name = "long-prompt",
               .value = &s.long_prompt,
               .shown = "WAY",
               .says = "a prompt longer than the model reads is refused, or cut to its last tokens",
               .choices = {"refuse", "cut"}});
  options.add(
      {.name = "seed", .value = &s.seed, .shown = "N", .says = "another seed, another text", .least = 0});
  options.add(threads_option(s.threads));
  options.add({.name = "json", .value = &s.json, .says = "print {\"prompt\":…,\"text\":…} instead"});
}

}  // namespace

int generate(const std::vector<std::string>& words) {
  GenerateSettings settings;
  Options options("generate");
  describe(options, settings);
  const std::vector<std::string> rest = options.read(words);
  check(rest.size() <= 1, "generate", "takes one prompt, not ", rest.size(), ". Put it in quotes?");
  if (settings.threads > 0) set_threads(static_cast<int>(settings.threads));
  const OpenRun run = open_run("generate", settings.model);
  const auto& model = ability<WritesText>("generate", run, "write text");
  const std::string prompt = rest.empty() ? "" : rest[0];
  settings.generate.seed = static_cast<std::uint64_t>(settings.seed);
  settings.generate.begin = model.begin_id();
  settings.generate.long_prompt = models::LongPrompt::cut;  // too long a one is refused here, naming the flag
  const std::unique_ptr<models::Writer> writer = model.writer();
  // Refused before anything is printed.
  const models::Prompt read =
      models::read_prompt(*writer, model.tokenizer(), prompt, models::LongPrompt::cut);
  check(read.left_out == 0 || settings.long_prompt == "cut", "generate", "the prompt has ",
        read.left_out + std::ssize(read.ids), " tokens, and the model reads at most ", read.ids.size(),
        ". A shorter one, or --long-prompt cut?");
  tell_unknown_words("generate", model.tokenizer(), {prompt});
  if (read.left_out > 0)
    std::cerr << "generate: the model reads " << read.ids.size() << " tokens; the first " << read.left_out
              << " of the prompt are left out" << std::endl;
  if (settings.json) {
    const std::string text = models::generate(*writer, model.tokenizer(), prompt, settings.generate);
    print_json(Json::Object{{"prompt", prompt}, {"text", valid_utf8(text)}});
    return 0;
  }
  // Whoever reads a file or a pipe gets what the model wrote, and no line ends besides.
  WordWrap wrap;
  const bool is_terminal = isatty(STDOUT_FILENO) == 1;
  const auto show = [&](std::string_view piece) {
    if (is_terminal)
      std::cout << wrap(piece) << std::flush;
    else
      std::cout << piece << std::flush;
  };
  show(prompt);
  models::generate(*writer, model.tokenizer(), prompt, settings.generate, show);
  std::cout << wrap.rest() << std::endl;
  return 0;
}

std::string generate_page(const std::vector<std::string>&) {
  GenerateSettings settings;
  Options options("generate");
  describe(options, settings);
  return "usage: gradus generate --model DIR [OPTIONS] [PROMPT]\n\nThe model goes on with the prompt.\n\n" +
         options.help() + R"(
examples:
  ./gradus generate --model runs/lstm-1 "mia went to the"
  ./gradus generate --model runs/lstm-1 --temperature 0 --tokens 20 --stop .
)";
}

}  // namespace gradus::cli
