// The folder of a run: beside what fit keeps there (optim/run_folder.h) config.json, all options that the run
// was made with, and tokenizers in folders of their own.
#pragma once

#include <filesystem>
#include <memory>
#include <string>

#include <gradus/cli/family.h>

namespace gradus::cli {

// Whether a file is there that may be looked at.
bool is_there(const std::filesystem::path& path);

// The first of runs/NAME-1, runs/NAME-2, ... that is not there.
std::string free_folder(const std::string& name);

struct Config {
  std::string model;  // "lstm"
  Json options;       // the other members
};
// Of a file of --config, or of a run; `verb` is for errors.
Config read_config(const std::string& verb, const std::string& path);
void write_config(const std::filesystem::path& run, const std::string& model, Json::Object options);

struct OpenRun {
  std::string model;
  Json options;  // of its configuration
  std::unique_ptr<Family> family;
  nn::Module* module = nullptr;  // the family's; null where another program made the folder
  std::string folder = {};
};
// The model of a run, with its best weights, or of a folder that another program has made; in eval mode.
OpenRun open_run(const std::string& verb, const std::string& folder);
// The same with random weights, of a folder that need not hold others.
OpenRun open_untrained(const std::string& verb, const std::string& folder);

[[noreturn]] void refuse_ability(const std::string& verb, const OpenRun& run, const char* wanted,
                                 const std::vector<std::string>& able);

// What the family's model can do; null if it cannot.
template <class Ability>
Ability* find_ability(const OpenRun& run) {
  return dynamic_cast<Ability*>(run.family.get());
}

// The same, or a refusal that names the models that can do one of these.
template <class Ability, class... Others>
Ability& ability(const std::string& verb, const OpenRun& run, const char* wanted) {
  if (auto* const able = find_ability<Ability>(run)) return *able;
  std::vector<std::string> names;
  for (const std::string& name : model_names()) {
    const OpenRun other{.model = name, .options = {}, .family = family_of(verb, name)};
    if (find_ability<Ability>(other) || (find_ability<Others>(other) || ...)) names.push_back(name);
  }
  refuse_ability(verb, run, wanted, names);
}

}  // namespace gradus::cli
