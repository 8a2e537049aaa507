// Checkpoints by the names and layouts that Hugging Face's transformers gives them. A table says where each
// of their tensors lies in a model of ours:
//
//   NamedViews table;
//   table.push_back({layer.linear1.weight.transpose(0, 1), {"transformer.h.0.mlp.c_fc.weight"}});
//   table.push_back({attention.in_proj_weight.slice(0, 0, width), {"layer.0.attention.self.query.weight"}});
//
// An entry's tensor is a view of our weights that has the shape of theirs: transposed where theirs is (in,
// out), a slice where several of theirs are one of ours. So reading is a copy into it, writing one out of it.
#pragma once

#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gradus/core/check.h>
#include <gradus/core/io/json.h>
#include <gradus/core/tensor.h>

namespace gradus::models {

struct NamedView {
  Tensor view;  // made under no_grad
  // What it may be called; it is written under the first. Where a file has several, they must be the same.
  std::vector<std::string> names;
};
using NamedViews = std::vector<NamedView>;

// Reads the weights of a safetensors file into the views, rounded to their dtype. Names that are missing or
// unexpected, tensors of another shape or without fractions, and ties that differ are all told at once, and
// then nothing has changed. `passed_over` knows names that are no weights, such as masks that were saved.
void load_named_views(const NamedViews& table, const std::filesystem::path& file,
                      const std::function<bool(std::string_view name)>& passed_over);
// Atomically, each view under its first name.
void save_named_views(const NamedViews& table, const std::filesystem::path& file);

// A folder's config.json, asked for one member after another. Refuses what is of another kind, in a sentence
// with the file and the member. A member that may be missing, or null, has an `otherwise`.
class HuggingFaceConfig {
 public:
  explicit HuggingFaceConfig(const std::filesystem::path& folder);

  // A size: 1 to 2^20.
  std::int64_t size(const char* name, std::optional<std::int64_t> otherwise = {}) const;
  double number(const char* name, double otherwise) const;
  bool truth(const char* name, bool otherwise) const;
  std::string text(const char* name, const std::string& otherwise = {}) const;
  // What a text means, of those that mean something to us.
  template <class T>
  T one_of(const char* name, const std::string& otherwise,
           const std::vector<std::pair<std::string, T>>& known) const {
    const std::string said = text(name, otherwise);
    std::string all;
    for (const auto& [word, meaning] : known) {
      if (word == said) return meaning;
      all.append(all.empty() ? "" : ", ").append(word);
    }
    fail("hugging_face", file_, ": ", name, " is \"", said, "\", and known are ", all, ". Another model?");
  }
  const std::string& file() const { return file_; }

 private:
  template <class T, class Read>
  T member(const char* name, const std::optional<T>& otherwise, const Read& read) const;

  std::string file_;
  Json all_;
};

}  // namespace gradus::models
