#include <gradus/cli/train.h>

#include <sys/resource.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <iostream>

#include <gradus/cli/bert.h>
#include <gradus/cli/guarded.h>
#include <gradus/cli/nearest.h>
#include <gradus/cli/print.h>
#include <gradus/cli/results.h>
#include <gradus/cli/run.h>
#include <gradus/cli/verbs.h>
#include <gradus/core/check.h>
#include <gradus/core/io/file.h>
#include <gradus/core/parallel.h>
#include <gradus/core/random.h>
#include <gradus/nn/checkpoint.h>
#include <gradus/optim/adam.h>
#include <gradus/optim/fit.h>
#include <gradus/optim/schedule.h>

namespace gradus::cli {
namespace {

namespace fs = std::filesystem;

// The value of an option that must be known before all options are.
std::string early(const std::vector<std::string>& words, const std::string& flag) {
  for (std::size_t i = 0; i < words.size(); ++i) {
    if (words[i] == flag && i + 1 < words.size()) return words[i + 1];
    if (words[i].starts_with(flag + "=")) return words[i].substr(flag.size() + 1);
  }
  return {};
}

// What the words, and the file that they name, say in the end.
struct Request {
  explicit Request(const std::string& of) : verb(of), options(of) {}

  std::string verb, model;
  std::unique_ptr<Family> family;
  TrainSettings settings;
  Options options;
};

// What is a model of the verb's among all: finetune has those that begin so, and its users leave that out.
std::string beginning(const std::string& verb) { return verb == "finetune" ? finetuned : ""; }

std::vector<std::string> models_of(const std::string& verb) {
  std::vector<std::string> names;
  for (const std::string& name : model_names())
    if (name.starts_with(finetuned) == (verb == "finetune"))
      names.push_back(name.substr(beginning(verb).size()));
  return names;
}

void check_model(const std::string& verb, const std::string& name) {
  const std::vector<std::string> names = models_of(verb);
  check(std::ranges::count(names, name) > 0, verb.c_str(), "there is no model '", name, "'. ",
        did_you_mean(name, names));
}

void describe(Request& request) {
  request.family->describe(request.options, request.settings);
  add_train_options(request.options, request.settings);
}

std::unique_ptr<Request> read_request(const std::string& verb, std::vector<std::string> words) {
  auto request = std::make_unique<Request>(verb);
  const char* const op = verb.c_str();
  if (!words.empty() && !words[0].starts_with("-")) {
    check_model(verb, words[0]);
    request->model = beginning(verb) + words[0];
    words.erase(words.begin());
  }
  const bool resume = std::ranges::count(words, "--resume") > 0;
  const std::string out = early(words, "--out");
  std::string file = early(words, "--config");
  if (resume) {
    check(!out.empty(), op, "--resume goes on with what is in a folder. Which one, --out DIR?");
    check(file.empty(), op, "--resume takes the options that ", out, " was begun with. Leave --config out?");
    file = (fs::path(out) / "config.json").string();
    check(is_there(file), op, "--resume: --out ", out, " holds no run to go on with: there is no ", file,
          ". Begin one without --resume?");
  }
  Config config;
  if (!file.empty()) {
    config = read_config(verb, file);
    if (request->model.empty()) request->model = config.model;
    check(request->model == config.model, op, file, " is for ", config.model, ", not for ", request->model,
          ". gradus ", verb, " ", config.model, "?");
  }
  check(!request->model.empty(), op, "which model? One of ", one_of(models_of(verb)), "?");
  check_model(verb, request->model.substr(std::min(request->model.size(), beginning(verb).size())));
  request->family = family_of(verb, request->model);
  describe(*request);
  Options& options = request->options;
  if (!file.empty()) options.read(config.options, file);
  const std::int64_t saved_steps = request->settings.steps;
  const std::vector<std::string> rest = options.read(words);
  check(rest.empty(), op, "'", rest.empty() ? "" : rest[0], "' belongs to no option. Leave it out?");
  if (resume) {
    options.check_agree(config.options, file);
    check(request->settings.steps >= saved_steps, op, "--steps ", request->settings.steps,
          " is less than the ", saved_steps, " that ", out, " was begun with. More?");
  }
  TrainSettings& settings = request->settings;
  if (settings.warmup < 0) settings.warmup = settings.steps / 20;
  check(settings.warmup < settings.steps, op, "--warmup ", settings.warmup, " must be less than the --steps ",
        settings.steps, ". --warmup ", settings.steps / 10, "?");
  request->family->check_settings(options);
  return request;
}

double seconds_now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

double peak_megabytes() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<double>(usage.ru_maxrss) / 1024;
}

void print_next_steps(const Request& request, const std::string& out) {
  std::cout << "\nThe model is in " << out << ". Next:\n";
  for (const std::string& command : request.family->uses(out)) std::cout << "  " << pasted(command) << "\n";
  std::cout << "  "
            << pasted("./gradus " + request.verb + " --resume --out " + out + " --steps " +
                      std::to_string(2 * request.settings.steps))
            << std::endl;
}

}  // namespace

void Results::add(const std::string& name, Json value, std::string line) {
  values.emplace_back(name, std::move(value));
  lines.emplace_back(name, std::move(line));
}

void add_train_options(Options& options, TrainSettings& s) {
  options.group("Training");
  options.add({.name = "steps",
               .value = &s.steps,
               .shown = "N",
               .says = "batches to learn from",
               .least = 1,
               .kept = Kept::free});
  options.add({.name = "batch-size",
               .value = &s.batch_size,
               .shown = "N",
               .says = "examples in a batch",
               .least = 1});
  options.add({.name = "lr",
               .value = &s.lr,
               .shown = "X",
               .says = "highest learning rate; it falls along a cosine",
               .above = 0});
  options.add({.name = "warmup",
               .value = &s.warmup,
               .shown = "N",
               .says = "steps in which the rate rises",
               .least = 0,
               .unset = "a twentieth of --steps"});
  options.add(
      {.name = "clip", .value = &s.clip, .shown = "X", .says = "longest gradient; 0: any", .least = 0});
  options.add({.name = "eval-every",
               .value = &s.eval_every,
               .shown = "N",
               .says = "steps from one evaluation, with a sample, to the next",
               .least = 1});
  options.add(
      {.name = "seed", .value = &s.seed, .shown = "N", .says = "of weights, order and dropout", .least = 0});
  options.group("Run");
  options.add({.name = "out",
               .value = &s.out,
               .shown = "DIR",
               .says = "where the run is kept",
               .unset = "a new folder in runs/",
               .kept = Kept::no});
  options.add({.name = "resume",
               .value = &s.resume,
               .says = "go on with the run in --out, to the same bits",
               .kept = Kept::no});
  options.add({.name = "config",
               .value = &s.config,
               .shown = "FILE",
               .says = "options from a file, such as a run's config.json; the command line comes first",
               .unset = "none",
               .kept = Kept::no});
  options.add(threads_option(s.threads));
  options.add({.name = "json",
               .value = &s.json,
               .says = "print a line of JSON for each evaluation, and for the results",
               .kept = Kept::no});
}

int run_training(const std::string& verb, const std::vector<std::string>& words) {
  const std::unique_ptr<Request> request = read_request(verb, words);
  TrainSettings& settings = request->settings;
  if (settings.threads > 0) set_threads(static_cast<int>(settings.threads));
  if (settings.out.empty()) settings.out = free_folder(request->model);
  const fs::path out = settings.out;
  check(settings.resume || !is_there(out / "training.safetensors"), verb.c_str(), "--out ", settings.out,
        " holds a training already. Go on with it, --resume, or choose another --out?");
  manual_seed(static_cast<std::uint64_t>(settings.seed));
  const Training training = request->family->begin(settings, settings.resume ? out : fs::path());

  optim::AdamW optimiser(*training.model, {.lr = settings.lr});
  optim::FitOptions options{
      .steps = settings.steps,
      .schedule = optim::Cosine{.lr = settings.lr, .steps = settings.steps, .warmup = settings.warmup},
      .evaluate = training.evaluate,
      .evaluate_every = settings.eval_every,
      .out = out,
      .resume = settings.resume,
      .parts = training.parts};
  if (settings.clip > 0) options.clip_norm = settings.clip;
  std::string sample;
  options.sample = [&] { return sample = valid_utf8(training.sample()); };
  options.keep = [&] {
    write_config(out, request->model, request->options.config());
    if (!settings.resume) request->family->keep(out);
  };
  if (settings.json)
    options.callbacks.push_back([&](const optim::Step& step) {
      if (step.evaluation)
        print_json(Json::Object{{"step", step.number},
                                {"loss", step.loss},
                                {"evaluation", *step.evaluation},
                                {"sample", sample}});
    });

  const std::string resume = "./gradus " + verb + " --resume --out " + settings.out;
  const double begin = seconds_now();
  const optim::FitResult result = optim::fit(*training.model, optimiser, training.next_loss, options);
  const double seconds = seconds_now() - begin;
  if (result.ending == optim::Ending::interrupted) {
    if (settings.json)
      print_json(Json::Object{{"interrupted", Json::Object{{"step", result.steps}, {"out", settings.out}}}});
    std::cerr << resume << (result.steps < settings.steps ? " goes on" : " shows the results") << std::endl;
    return interrupted;
  }
  end_when_interrupted("interrupted: the training is finished, and kept in " + settings.out + "\n" + resume +
                       " shows the results");
  if (std::isnan(result.loss))
    std::cerr << settings.out << " is at step " << result.steps << " of " << settings.steps
              << " already; a larger --steps goes on" << std::endl;

  nn::load(*training.model, (out / "best.safetensors").string());
  Results results = request->family->results();
  const std::string rate = training.unit + "_per_second";
  if (seconds > 0 && training.units() > 0) {
    const double per_second = static_cast<double>(training.units()) / seconds;
    results.values.emplace_back(rate, per_second);
    results.lines.emplace_back(
        "speed", printed("%.0f %s a second, %.0f s in all", per_second, training.unit.c_str(), seconds));
  }
  results.values.emplace_back("seconds", seconds);
  results.values.emplace_back("peak_megabytes", peak_megabytes());
  results.lines.emplace_back("memory", printed("%.0f MB at most", peak_megabytes()));
  if (settings.json) {
    results.values.insert(results.values.begin(),
                          {{"model", request->model}, {"out", settings.out}, {"steps", result.steps}});
    print_json(Json::Object{{"results", results.values}});
  } else {
    print_results(results);
    print_next_steps(*request, settings.out);
  }
  return 0;
}

std::string training_page(const std::string& verb, const std::vector<std::string>& words) {
  const bool has_model = !words.empty() && !words[0].starts_with("-");
  std::string page;
  if (has_model) {
    check_model(verb, words[0]);
    Request request(verb);
    request.model = beginning(verb) + words[0];
    request.family = family_of(verb, request.model);
    describe(request);
    page.append("usage: gradus ").append(verb).append(" ").append(words[0]).append(" [OPTIONS]\n\n");
    page.append(request.options.help()).append("\nexamples:\n");
    for (const std::string& example : request.family->examples(words[0]))
      page.append("  ").append(example).append("\n");
    return page + explanation(*request.family);
  }
  page.append("usage: gradus ").append(verb).append(" MODEL [OPTIONS]\n       gradus ").append(verb);
  page.append(" --resume --out DIR [OPTIONS]\n\nModels:\n");
  for (const FamilyEntry& entry : families())
    for (const auto& [name, says] : entry.models) {
      if (name.starts_with(finetuned) != (verb == "finetune")) continue;
      std::string line = "  " + name.substr(beginning(verb).size());
      line.resize(14, ' ');
      page.append(line).append(says).append("\n");
    }
  page.append("\ngradus ")
      .append(verb)
      .append(" MODEL --help lists the options of a model. All have these, ");
  page.append("with\ndefaults of their own:\n\n");
  TrainSettings settings;
  Options options(verb);
  add_train_options(options, settings);
  page.append(options.help(false)).append(R"(
Ctrl-C finishes the step and saves; --resume goes on from there. A run's folder
holds config.json (all options), tokenizers, best.safetensors (the weights of
the best evaluation), last.safetensors, training.safetensors (what --resume
needs) and metrics.jsonl (a line for each step).

examples:
)");
  return page;
}

int train(const std::vector<std::string>& words) { return run_training("train", words); }

std::string train_page(const std::vector<std::string>& words) {
  std::string page = training_page("train", words);
  if (page.ends_with("examples:\n"))
    page += R"(  ./gradus train lstm
  ./gradus train gru --data book.txt --tokenizer bpe --out runs/book
  ./gradus train --resume --out runs/book --steps 5000
)";
  return page;
}

}  // namespace gradus::cli
