#include <gradus/data/prefetch.h>

#include <gradus/core/kernels/copy.h>

namespace gradus::data {

std::vector<NamedTensor> detail::copy_of(std::vector<NamedTensor> state) {
  for (NamedTensor& entry : state) entry.value = kernels::clone(entry.value);
  return state;
}

}  // namespace gradus::data
