#include <gradus/cli/families.h>

#include <gradus/cli/nearest.h>
#include <gradus/core/check.h>

namespace gradus::cli {

const std::vector<FamilyEntry>& families() {
  static const std::vector<FamilyEntry> all = {
      recurrent_lm(), gpt(), bert(), finetuned_bert(), seq2seq(), transformer(), word2vec(), vit(), resnet(),
  };
  return all;
}

std::vector<std::string> model_names() {
  std::vector<std::string> names;
  for (const FamilyEntry& entry : families())
    for (const auto& [name, says] : entry.models) names.push_back(name);
  return names;
}

std::unique_ptr<Family> family_of(const std::string& verb, const std::string& model) {
  for (const FamilyEntry& entry : families())
    for (const auto& [name, says] : entry.models)
      if (name == model) return entry.make(model);
  fail(verb.c_str(), "there is no model '", model, "'. ", did_you_mean(model, model_names()));
}

}  // namespace gradus::cli
