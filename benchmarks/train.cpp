// What `gradus train` reaches with its own settings, and how long that takes: ./gradus bench train
// [--filter TEXT] [--json FILE]
#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <functional>

#include <gradus/core/io/json.h>

#include "child.h"
#include "report.h"

namespace gradus::bench {
namespace {

namespace fs = std::filesystem;

struct Training {
  const char* name;
  std::vector<std::string> words;  // behind `gradus train`
  std::function<std::string(const Json& results)> reached;
};

std::string printed(const char* format, auto... values) {
  char text[80];
  std::snprintf(text, sizeof text, format, values...);
  return text;
}

std::string above_floor(const Json& results) {
  return printed("loss %.3f, %.1f %% above the floor", results.at("loss").number(),
                 results.at("percent_above_floor").number());
}

std::string translated(const Json& results) {
  return printed("%.1f %% exact, %+.2f %% tokens a word", 100 * results.at("exact").number(),
                 100 * results.at("slope").number());
}

std::string translated_with_pronouns(const Json& results) {
  return printed("%.1f %% exact, il or elle %.1f %% right", 100 * results.at("exact").number(),
                 100 * results.at("it_agreement").number());
}

std::string filled_in(const Json& results) {
  return printed("%.1f %% of hidden tokens, %.1f %% of pairs", 100 * results.at("hidden_tokens").number(),
                 100 * results.at("next_sentence").number());
}

std::string recognised(const Json& results) {
  return printed("%.1f %% right", 100 * results.at("accuracy").number());
}

std::string neighbours(const Json& results) {
  return printed("precision at 5: %.1f %%", 100 * results.at("precision_at_5").number());
}

const std::vector<Training>& trainings() {
  static const std::vector<Training> all = {
      {"rnn, stories", {"rnn"}, above_floor},
      {"gru, stories", {"gru"}, above_floor},
      {"lstm, stories", {"lstm"}, above_floor},
      {"gpt, stories", {"gpt"}, above_floor},
      {"bert, stories", {"bert"}, filled_in},
      {"seq2seq, en-fr, attention", {"seq2seq"}, translated},
      {"seq2seq, en-fr, fixed context", {"seq2seq", "--context", "fixed"}, translated},
      {"transformer, en-fr", {"transformer"}, translated_with_pronouns},
      {"vit, pictures", {"vit"}, recognised},
      {"resnet, pictures", {"resnet"}, recognised},
      {"word2vec, stories", {"word2vec"}, neighbours},
  };
  return all;
}

const fs::path this_program = fs::read_symlink("/proc/self/exe");

// The program's last line of --json. The folder of the run is removed.
Json results_of(const Training& training) {
  const fs::path program = this_program.parent_path().parent_path() / "cli" / "gradus";
  if (!fs::exists(program)) throw Misuse("the program is not built. ./gradus bench train?");
  const fs::path out = fs::temp_directory_path() / ("gradus-bench-" + std::to_string(getpid()));
  fs::remove_all(out);
  std::vector<std::string> command{program.string(), "train"};
  command.insert(command.end(), training.words.begin(), training.words.end());
  command.insert(command.end(), {"--json", "--out", out.string()});
  Child child(command, {});
  for (;;) {
    const Json line = parse_json(child.line(), "what the training printed");
    if (const Json* const results = line.find("results")) {
      fs::remove_all(out);
      return *results;
    }
  }
}

void body(int count, char** words) {
  const Arguments arguments(count, words, "Trains models with the program's own settings.",
                            {{"--filter", "TEXT", "only rows whose name holds TEXT"},
                             {"--json", "FILE", "also write the table to FILE, as an array of objects"}});
  const JsonFile json(arguments.value("--json"));
  const std::string filter = arguments.value("--filter").value_or("");
  std::vector<JsonObject> rows;
  for (const Training& training : trainings()) {
    if (std::string(training.name).find(filter) == std::string::npos) continue;
    std::fprintf(stderr, "[bench] training %s\n", training.name);
    const Json results = results_of(training);
    if (rows.empty()) std::printf("%-30s %5s %5s  %s\n", "training", "s", "MB", "reached");
    const double seconds = results.at("seconds").number(), memory = results.at("peak_megabytes").number();
    std::printf("%-30s %5.0f %5.0f  %s\n", training.name, seconds, memory, training.reached(results).c_str());
    std::fflush(stdout);
    rows.push_back(JsonObject()
                       .add("name", training.name)
                       .add("seconds", seconds)
                       .add("memory_mb", memory)
                       .add("reached", training.reached(results)));
    json.write(rows);
  }
  if (rows.empty()) throw Misuse("no training has '" + filter + "' in its name. Leave --filter out?");
}

}  // namespace
}  // namespace gradus::bench

int main(int count, char** words) { return gradus::bench::run_program(gradus::bench::body, count, words); }
