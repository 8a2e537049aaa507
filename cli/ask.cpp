// finetune, and what a finetuned model is asked: answer, tag, and (classify.cpp) classify.
#include <iostream>

#include <gradus/autograd/grad_mode.h>
#include <gradus/cli/print.h>
#include <gradus/cli/run.h>
#include <gradus/cli/tasks.h>
#include <gradus/cli/train.h>
#include <gradus/cli/unknown_words.h>
#include <gradus/cli/verbs.h>
#include <gradus/core/check.h>
#include <gradus/core/parallel.h>

namespace gradus::cli {
namespace {

using data::TaskKind;

struct AskSettings {
  std::string model;
  std::int64_t threads = 0;
  bool json = false;
};

void describe(Options& options, AskSettings& s) {
  options.group("Options");
  options.add(model_option(s.model));
  options.add(threads_option(s.threads));
  options.add({.name = "json", .value = &s.json, .says = "print an object instead"});
}

// The example that the texts make, which must be as many as the task has.
data::TaskExample example_of(const std::string& verb, const data::Task& task,
                             const std::vector<std::string>& texts) {
  if (task.kind == TaskKind::choice) {
    check(texts.size() >= 3, verb.c_str(), task.name, " needs a text and two choices at least, not ",
          texts.size(), " texts. Each in quotes?");
    return {.first = texts[0], .choices = {texts.begin() + 1, texts.end()}};
  }
  const std::size_t wanted = task.example(0, 0, data::Split::train).second.empty() ? 1 : 2;
  check(texts.size() == wanted, verb.c_str(), task.name, " is about ", wanted,
        wanted == 1 ? " text" : " texts", ", not ", texts.size(), ". Each in quotes?");
  return {.first = texts[0], .second = wanted == 2 ? texts[1] : ""};
}

Json::Object told(const data::Task& task, const data::TaskExample& example, const TaskAnswer& answer) {
  const auto& labels = task.kind == TaskKind::choice ? example.choices : task.labels;
  Json::Object all;
  switch (task.kind) {
    case TaskKind::classes:
    case TaskKind::choice: {
      all.emplace_back("answer", labels[static_cast<std::size_t>(answer.label)]);
      Json::Array list;
      for (std::size_t i = 0; i < labels.size(); ++i)
        list.emplace_back(Json::Object{{"label", labels[i]}, {"probability", answer.probabilities[i]}});
      all.emplace_back("labels", std::move(list));
      break;
    }
    case TaskKind::score:
      all.emplace_back("answer", answer.score);
      break;
    case TaskKind::span: {
      const std::vector<std::string> words = words_of(example.second);
      std::string text;
      for (auto word = answer.begin; word < answer.end; ++word)
        text.append(text.empty() ? "" : " ").append(words[static_cast<std::size_t>(word)]);
      all = {{"answer", text}, {"begin", answer.begin}, {"end", answer.end}};
      break;
    }
    case TaskKind::tags: {
      const std::vector<std::string> words = words_of(example.first);
      Json::Array list;
      for (std::size_t i = 0; i < words.size(); ++i)
        list.emplace_back(
            Json::Object{{"word", words[i]}, {"tag", labels[static_cast<std::size_t>(answer.tags[i])]}});
      all.emplace_back("tags", std::move(list));
      break;
    }
  }
  return all;
}

void print(const data::Task& task, const Json::Object& object) {
  const Json all(object);
  if (task.kind == TaskKind::tags) {
    for (const Json& each : all.at("tags").array())
      std::cout << each.at("word").text() << "\t" << each.at("tag").text() << "\n";
  } else if (task.kind == TaskKind::score) {
    std::cout << printed("%.2f", all.at("answer").number()) << "\n";
  } else if (task.kind == TaskKind::span) {
    std::cout << all.at("answer").text() << "\n";
  } else {
    for (const Json& each : all.at("labels").array())
      std::cout << printed("%6.1f %%  ", 100 * each.at("probability").number()) << each.at("label").text()
                << "\n";
  }
  std::cout << std::flush;
}

}  // namespace

void ask_task(const std::string& verb, const KnowsTask& asked, const std::vector<std::string>& texts,
              bool json) {
  const data::Task& task = asked.task();
  check(verb == verb_for(task), verb.c_str(), "this model was finetuned for ", task.name, ". gradus ",
        verb_for(task), "?");
  const data::TaskExample example = example_of(verb, task, texts);
  tell_unknown_words(verb, asked.reader().tokenizer(), texts);
  const std::vector<TaskAnswer> answers = no_grad([&] {
    return asked.reader().answers(asked.model(), {&example, 1});
  });
  const Json::Object object = told(task, example, answers[0]);
  if (json)
    print_json(object);
  else
    print(task, object);
}

namespace {

int ask(const std::string& verb, const std::vector<std::string>& words) {
  AskSettings settings;
  Options options(verb);
  describe(options, settings);
  const std::vector<std::string> texts = options.read(words);
  check(!texts.empty(), verb.c_str(), "of which text? gradus ", verb, " --model DIR TEXT");
  if (settings.threads > 0) set_threads(static_cast<int>(settings.threads));
  const OpenRun run = open_run(verb, settings.model);
  ask_task(verb, ability<KnowsTask>(verb, run, "do a task"), texts, settings.json);
  return 0;
}

std::string ask_page(const std::string& verb, const char* usage, const char* says, const char* examples) {
  AskSettings settings;
  Options options(verb);
  describe(options, settings);
  std::string page = "usage: gradus ";
  return page.append(verb)
      .append(" --model DIR [OPTIONS] ")
      .append(usage)
      .append("\n\n")
      .append(says)
      .append("\n\n")
      .append(options.help())
      .append("\nexamples:\n")
      .append(examples);
}

}  // namespace

int finetune(const std::vector<std::string>& words) { return run_training("finetune", words); }

std::string finetune_page(const std::vector<std::string>& words) {
  std::string page = training_page("finetune", words);
  if (page.ends_with("examples:\n"))
    page +=
        "  ./gradus finetune bert --task sentiment --model runs/bert-1\n"
        "  ./gradus finetune --resume --out runs/finetuned-bert-1 --steps 800\n";
  return page;
}

int answer(const std::vector<std::string>& words) { return ask("answer", words); }

std::string answer_page(const std::vector<std::string>&) {
  return ask_page("answer", "QUESTION PASSAGE", "The words of the passage that answer the question.",
                  "  ./gradus answer --model runs/finetuned-bert-1 \"who found the pie ?\" \\\n"
                  "    \"mia found the pie near the stove .\"\n");
}

int tag(const std::vector<std::string>& words) { return ask("tag", words); }

std::string tag_page(const std::vector<std::string>&) {
  return ask_page("tag", "TEXT", "A label for each word, such as who is named and where.",
                  "  ./gradus tag --model runs/finetuned-bert-1 \"doctor mia cycled to the opera .\"\n");
}

}  // namespace gradus::cli
