#include <gradus/optim/state.h>

#include <map>
#include <sstream>

#include <gradus/core/kernels/copy.h>

namespace gradus::optim {

void load_strictly(const std::vector<NamedTensor>& own, const std::vector<NamedTensor>& state,
                   const std::string& whose) {
  std::ostringstream wrong;
  std::map<std::string, const Tensor*> given;
  for (const NamedTensor& entry : state)
    if (!given.emplace(entry.name, &entry.value).second) wrong << "\n  twice:      " << entry.name;
  std::vector<const Tensor*> sources;
  for (const NamedTensor& entry : own) {
    const auto found = given.extract(entry.name);
    if (found.empty()) {
      wrong << "\n  missing:    " << entry.name;
      continue;
    }
    const Tensor &to = entry.value, &from = *found.mapped();
    if (from.shape() != to.shape() || from.dtype() != to.dtype())
      wrong << "\n  mis-shaped: " << entry.name << " is " << from.shape() << " of " << from.dtype()
            << ", wanted " << to.shape() << " of " << to.dtype();
    sources.push_back(&from);
  }
  for (const auto& [name, value] : given) wrong << "\n  unexpected: " << name;
  check(wrong.str().empty(), "load_state", "the state does not fit this ", whose, ":", wrong.str(),
        "\nIs it of another kind, or of another model?");
  for (std::size_t i = 0; i < own.size(); ++i) {
    kernels::copy_into(own[i].value, *sources[i]);
    own[i].value.count_change();
  }
}

}  // namespace gradus::optim
