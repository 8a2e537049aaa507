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

// The model of a run, with its best weights, or of a folder that another program has made; in eval mode.
struct OpenRun {
  std::string model;
  std::unique_ptr<Family> family;
};
OpenRun open_run(const std::string& verb, const std::string& folder);

[[noreturn]] void refuse_ability(const std::string& verb, const std::string& model, const char* wanted,
                                 const std::vector<std::string>& able);

// What the family's model can do, or a refusal that names those that can.
template <class Ability>
Ability& ability(const std::string& verb, const OpenRun& run, const char* wanted) {
  if (auto* const able = dynamic_cast<Ability*>(run.family.get())) return *able;
  std::vector<std::string> able;
  for (const std::string& name : model_names())
    if (dynamic_cast<Ability*>(family_of(verb, name).get()) != nullptr) able.push_back(name);
  refuse_ability(verb, run.model, wanted, able);
}

}  // namespace gradus::cli
