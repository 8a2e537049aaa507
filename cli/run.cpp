#include <gradus/cli/run.h>

#include <system_error>
#include <utility>

#include <gradus/cli/nearest.h>
#include <gradus/cli/train.h>
#include <gradus/core/check.h>
#include <gradus/data/json_file.h>
#include <gradus/nn/checkpoint.h>

namespace gradus::cli {
namespace fs = std::filesystem;

bool is_there(const fs::path& path) {
  std::error_code error;
  return fs::exists(path, error);
}

std::string free_folder(const std::string& name) {
  for (int number = 1;; ++number) {
    const fs::path folder = fs::path("runs") / std::string(name).append("-").append(std::to_string(number));
    if (!is_there(folder)) return folder.string();
  }
}

Config read_config(const std::string& verb, const std::string& path) {
  const Json all = data::read_json(path);
  check(all.is_object(), verb.c_str(), path, " must be an object, such as {\"model\": \"lstm\"}");
  Config config;
  Json::Object options;
  for (const auto& [name, value] : all.object()) {
    if (name == "model")
      config.model = value.text();
    else
      options.emplace_back(name, value);
  }
  check(!config.model.empty(), verb.c_str(), path,
        " does not say which model it is for. \"model\": \"lstm\"?");
  config.options = std::move(options);
  return config;
}

// One member a line, for who reads or changes it.
void write_config(const fs::path& run, const std::string& model, Json::Object options) {
  options.insert(options.begin(), {"model", model});
  std::string text = "{";
  for (const auto& [name, value] : options)
    text.append(text.size() > 1 ? ",\n  " : "\n  ")
        .append(format_json(name))
        .append(": ")
        .append(format_json(value));
  text += "\n}\n";
  write_atomically((run / "config.json").string(), [&](const Sink& sink) { sink(text); });
}

OpenRun open_untrained(const std::string& verb, const std::string& folder) {
  check(!folder.empty(), verb.c_str(), "which model? --model DIR, where train has kept one");
  const fs::path run = folder;
  check(is_there(run / "config.json"), verb.c_str(), "--model ", folder,
        " holds no model: there is no config.json. A folder that train has made?");
  for (const FamilyEntry& entry : families())
    if (entry.open_other)
      if (std::unique_ptr<Family> family = entry.open_other(run))
        return {.model = entry.models.front().first,
                .options = {},
                .family = std::move(family),
                .folder = folder};
  const std::string path = (run / "config.json").string();
  const Config config = read_config(verb, path);
  OpenRun open{.model = config.model,
               .options = config.options,
               .family = family_of(verb, config.model),
               .folder = folder};
  TrainSettings unused;
  Options options(verb);
  open.family->describe(options, unused);
  add_train_options(options, unused);
  options.read(config.options, path);
  open.module = &open.family->open(run);
  return open;
}

OpenRun open_run(const std::string& verb, const std::string& folder) {
  OpenRun open = open_untrained(verb, folder);
  if (open.module == nullptr) return open;
  const fs::path run = folder;
  const std::string path = (run / "config.json").string();
  nn::Module& model = *open.module;
  const fs::path best = run / "best.safetensors", last = run / "last.safetensors";
  const fs::path weights = is_there(best) ? best : last;
  try {
    nn::load(model, weights.string());
  } catch (const Error& error) {
    // A file that cannot be read is told as it is; one that is another model's in a sentence.
    const std::string text = error.what();
    if (text.find("does not fit") == std::string::npos) throw;
    const std::size_t begin = text.find('\n'), end = text.find('\n', begin + 1);
    fail(verb.c_str(), weights.string(), " is not of the ", open.model, " that ", path,
         " and the tokenizer beside it describe;", text.substr(begin + 2, end - begin - 2),
         ". Is a file another run's?");
  }
  model.eval();
  return open;
}

void refuse_ability(const std::string& verb, const OpenRun& run, const char* wanted,
                    const std::vector<std::string>& able) {
  fail(verb.c_str(), "--model ", run.folder, " holds a model of the kind ", run.model, ", which cannot ",
       wanted, ". One of the kind ", one_of(able), "?");
}

}  // namespace gradus::cli
