#include <gradus/optim/training_state.h>

#include <algorithm>
#include <bit>
#include <map>
#include <set>

#include <gradus/core/check.h>
#include <gradus/core/create.h>
#include <gradus/core/io/safetensors.h>
#include <gradus/core/kernels/copy.h>

namespace gradus::optim {
namespace {

std::vector<NamedTensor> copy_of(std::vector<NamedTensor> state) {
  for (NamedTensor& entry : state) entry.value = kernels::clone(entry.value);
  return state;
}

// In the file a tensor is called PART.NAME, where NAME may have dots.
void check_names(const std::vector<Part>& parts, const char* op) {
  std::set<std::string> names;
  for (const auto& [name, state, load] : parts) {
    check(!name.empty(), op, "a part has no name. Give it one?");
    check(name.find('.') == std::string::npos, op, "a part cannot be called '", name,
          "': a dot ends the part's name in the file. Leave it out?");
    check(names.insert(name).second, op, "two parts are called '", name, "'. Rename one?");
  }
}

}  // namespace

Part part(std::string name, Generator& generator) {
  return {std::move(name),
          [&generator] {
            const RandomState now = generator.state();
            return std::vector<NamedTensor>{
                {"place", from_vector(std::vector<std::int64_t>{std::bit_cast<std::int64_t>(now.seed),
                                                                std::bit_cast<std::int64_t>(now.counter)})}};
          },
          [&generator](const std::vector<NamedTensor>& state) {
            check(state.size() == 1 && state[0].name == "place" && state[0].value.dtype() == i64 &&
                      state[0].value.shape() == Shape{2},
                  "load_state",
                  "a generator's state is one tensor 'place' of two i64 numbers. Is it of another kind?");
            const std::vector<std::int64_t> place = state[0].value.to_vector<std::int64_t>();
            generator.set_state({.seed = std::bit_cast<std::uint64_t>(place[0]),
                                 .counter = std::bit_cast<std::uint64_t>(place[1])});
          }};
}

void save_training(const std::string& path, const std::vector<Part>& parts) {
  check_names(parts, "save");
  std::vector<NamedTensor> all;
  for (const Part& part : parts)
    for (const NamedTensor& entry : part.state()) all.push_back({part.name + "." + entry.name, entry.value});
  write_safetensors(path, all, {{"format", "gradus training"}});
}

void load_training(const std::string& path, const std::vector<Part>& parts) {
  check_names(parts, "load");
  const Safetensors file = read_safetensors(path);
  const auto format = file.metadata.find("format");
  check(format != file.metadata.end() && format->second == "gradus training", "load", path,
        " holds no training to go on with. Is it a model's weights alone?");
  std::map<std::string, std::vector<NamedTensor>> states;
  for (const NamedTensor& entry : file.tensors) {
    const std::size_t dot = entry.name.find('.');
    const std::string whose = entry.name.substr(0, dot);
    check(dot != std::string::npos &&
              std::any_of(parts.begin(), parts.end(), [&](const Part& part) { return part.name == whose; }),
          "load", path, " holds '", entry.name,
          "', which is no part of this training. Is it another program's?");
    states[whose].push_back({entry.name.substr(dot + 1), entry.value});
  }
  std::vector<std::vector<NamedTensor>> before;
  for (const Part& part : parts) {
    before.push_back(copy_of(part.state()));
    check(before.back().empty() || states.contains(part.name), "load", path, " holds nothing for the part '",
          part.name, "'. Was the training begun without it?");
  }
  std::size_t loaded = 0;
  const auto put_back = [&] {
    for (std::size_t i = 0; i < loaded; ++i) parts[i].load(before[i]);
  };
  try {
    for (; loaded < parts.size(); ++loaded) parts[loaded].load(states[parts[loaded].name]);
  } catch (const Error& error) {
    put_back();
    fail("load", path, " does not fit: ", error.what());
  } catch (...) {
    put_back();
    throw;
  }
}

}  // namespace gradus::optim
