// All that a training depends on from here on, in one file, so that it goes on to the same bits as one that
// was never stopped.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include <gradus/core/random.h>
#include <gradus/core/tensor.h>

namespace gradus::optim {

// Something whose state is kept: a model, an optimiser, an order of batches, ...
struct Part {
  std::string name;  // its tensors stand in the file as name.…; without a dot
  std::function<std::vector<NamedTensor>()> state;
  std::function<void(const std::vector<NamedTensor>&)>
      load;  // refuses what does not fit, and then changes nothing
};

// Of anything with state() and load_state(). The part refers to it.
template <class T>
Part part(std::string name, T& whole) {
  return {std::move(name), [&whole] { return whole.state(); },
          [&whole](const std::vector<NamedTensor>& state) { whole.load_state(state); }};
}
Part part(std::string name, Generator& generator);

// Atomically: a kill leaves the old file or the new one.
void save_training(const std::string& path, const std::vector<Part>& parts);

// Where anything does not fit, no part has changed.
void load_training(const std::string& path, const std::vector<Part>& parts);

}  // namespace gradus::optim
