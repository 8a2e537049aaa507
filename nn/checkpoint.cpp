#include <gradus/nn/checkpoint.h>

#include <gradus/core/io/safetensors.h>

namespace gradus::nn {

void save(const Module& module, const std::string& path) {
  // Some readers ask how the weights are laid out, and ours are as PyTorch's.
  write_safetensors(path, module.state(), {{"format", "pt"}});
}

void load(Module& module, const std::string& path) { module.load_state(read_safetensors(path).tensors); }

}  // namespace gradus::nn
