// Folders of models as Hugging Face has them: config.json, and model.safetensors with the weights.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include <gradus/autograd/ops/elementwise.h>
#include <gradus/autograd/ops/reduce.h>
#include <gradus/core/io/file.h>
#include <gradus/core/io/safetensors.h>
#include <gradus/data/json_file.h>

#include "support/catch.h"
#include "support/temporary_folder.h"
#include "support/throws.h"

namespace gradus::test {

inline std::vector<NamedTensor> weights_in(const std::string& folder) {
  return read_safetensors(folder + "/model.safetensors").tensors;
}

inline NamedTensor& named(std::vector<NamedTensor>& tensors, const std::string& name) {
  for (NamedTensor& x : tensors)
    if (x.name == name) return x;
  FAIL("there is no " << name);
  return tensors.front();
}

// |ours - reference| over the reference's largest magnitude, everywhere.
inline double distance(const Tensor& ours, const Tensor& reference) {
  REQUIRE(ours.shape() == reference.shape());
  return (max(abs(ours.detach().to(f64) - reference)) / max(abs(reference))).item();
}

// The config.json of `original` with another file of weights.
struct ModelFolder {
  ModelFolder(const std::string& original, const std::vector<NamedTensor>& tensors)
      : ModelFolder(tensors, read_file(original + "/config.json")) {}
  ModelFolder(const std::vector<NamedTensor>& tensors, const std::string& config) {
    write_atomically(folder / "config.json", [&](const Sink& sink) { sink(config); });
    write_safetensors(folder / "model.safetensors", tensors);
  }
  // What load(folder) says, with FILE for the path of `file`.
  template <class Load>
  std::string refusal(const std::string& file, const Load& load) const {
    std::string text = message_of([&] { load(folder / ""); });
    const std::string path = folder / file;
    if (const std::size_t at = text.find(path); at != text.npos) text.replace(at, path.size(), "FILE");
    return text;
  }
  TemporaryFolder folder;
};

// What load says of `original` with another value of a member of config.json, or without it.
template <class Load>
std::string refusal_of_config(const std::string& original, const std::string& member, const Json& value,
                              const Load& load) {
  Json::Object all = data::read_json(original + "/config.json").object();
  std::erase_if(all, [&](const auto& each) { return each.first == member; });
  if (!value.is_null()) all.emplace_back(member, value);
  return ModelFolder(weights_in(original), format_json(all)).refusal("config.json", load);
}

}  // namespace gradus::test
