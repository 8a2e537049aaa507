#include <gradus/nn/checkpoint.h>

#include <gradus/core/check.h>
#include <gradus/core/io/safetensors.h>

namespace gradus::nn {

void save(const Module& module, const std::string& path) {
  // Some readers ask how the weights are laid out, and ours are as PyTorch's.
  write_safetensors(path, module.state(), {{"format", "pt"}});
}

void load(Module& module, const std::string& path) {
  const Safetensors file = read_safetensors(path);
  const auto format = file.metadata.find("format");
  check(format == file.metadata.end() || format->second != "gradus training", "load", path,
        " is a whole training, with more than a model's weights. Take last.safetensors or best.safetensors "
        "beside it?");
  try {
    module.load_state(file.tensors);
  } catch (const Error& error) {
    fail("load", path, " does not fit: ", error.what());
  }
}

}  // namespace gradus::nn
