#include <gradus/models/hugging_face.h>

#include <algorithm>
#include <map>
#include <set>
#include <sstream>

#include <gradus/autograd/grad_mode.h>
#include <gradus/core/io/safetensors.h>
#include <gradus/data/json_file.h>

namespace gradus::models {
namespace {

const char* const op = "hugging_face";

std::string either(const std::vector<std::string>& names) {
  std::string all;
  for (const std::string& name : names) all.append(all.empty() ? "" : " or ").append(name);
  return all;
}

}  // namespace

void load_named_views(const NamedViews& table, const std::filesystem::path& file,
                      const std::function<bool(std::string_view name)>& passed_over) {
  const Safetensors held = read_safetensors(file.string());
  std::map<std::string, Tensor> given;
  for (const NamedTensor& tensor : held.tensors) given.emplace(tensor.name, tensor.value);

  std::ostringstream wrong;
  std::set<std::string> used;
  std::vector<Tensor> found;  // one for each entry
  for (const auto& [view, names] : table) {
    Tensor& first = found.emplace_back();
    for (const std::string& name : names) {
      const auto at = given.find(name);
      if (at == given.end()) continue;
      used.insert(name);
      const Tensor& theirs = at->second;
      if (theirs.shape() != view.shape() || !is_floating(theirs.dtype()))
        wrong << "\n  mis-shaped: " << name << " is " << theirs.shape() << " of " << theirs.dtype()
              << ", wanted " << view.shape();
      else if (first.defined() && !equal(first, theirs))
        wrong << "\n  differ:     " << either(names) << " are one here";
      first = theirs;
    }
    if (!first.defined()) wrong << "\n  missing:    " << either(names);
  }
  for (const auto& [name, value] : given)
    if (!used.contains(name) && !passed_over(name)) wrong << "\n  unexpected: " << name;
  check(wrong.str().empty(), op, file.string(), " does not fit:", wrong.str(),
        "\nIs it another model's, or another config.json's?");
  no_grad([&] {
    for (std::size_t i = 0; i < table.size(); ++i) {
      Tensor view = table[i].view;
      view.copy_(found[i].to(view.dtype()));
    }
  });
}

void save_named_views(const NamedViews& table, const std::filesystem::path& file) {
  std::vector<NamedTensor> tensors;
  for (const auto& [view, names] : table) tensors.push_back({names.front(), view});
  write_safetensors(file.string(), tensors, {{"format", "pt"}});
}

HuggingFaceConfig::HuggingFaceConfig(const std::filesystem::path& folder)
    : file_((folder / "config.json").string()), all_(data::read_json(file_)) {
  check(all_.is_object(), op, file_, " must be an object, such as {\"model_type\": \"gpt2\"}");
}

template <class T, class Read>
T HuggingFaceConfig::member(const char* name, const std::optional<T>& otherwise, const Read& read) const {
  const Json* const value = all_.find(name);
  if (value == nullptr || value->is_null()) {
    check(otherwise.has_value(), op, file_, " does not say ", name, ". Is it a model's?");
    return *otherwise;
  }
  try {
    return read(*value);
  } catch (const Error& error) {
    fail(op, file_, ": ", name, ": ", error.what());
  }
}

std::int64_t HuggingFaceConfig::size(const char* name, std::optional<std::int64_t> otherwise) const {
  const std::int64_t size = member(name, otherwise, [](const Json& value) { return value.integer(); });
  check(size > 0 && size <= 1 << 20, op, file_, ": ", name, " is a size from 1 to 1048576, not ", size,
        ". Is the file damaged?");
  return size;
}

double HuggingFaceConfig::number(const char* name, double otherwise) const {
  return member(name, std::optional(otherwise), [](const Json& value) { return value.number(); });
}

bool HuggingFaceConfig::truth(const char* name, bool otherwise) const {
  return member(name, std::optional(otherwise), [](const Json& value) { return value.boolean(); });
}

std::string HuggingFaceConfig::text(const char* name, const std::string& otherwise) const {
  return member(name, std::optional(otherwise), [](const Json& value) { return value.text(); });
}

}  // namespace gradus::models
