// killed_training OUT [CALL]: a small training in the folder OUT, begun or gone on with. At the CALL-th of
// the system calls that save it, it kills itself as the kernel would, in the middle of writing if the call
// writes. Otherwise it prints how many there were, and nothing else on standard output: progress is for
// standard error. kill_and_resume.cmake runs it.
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <iostream>

#include <gradus/autograd/ops/elementwise.h>
#include <gradus/autograd/ops/loss.h>
#include <gradus/core/create.h>
#include <gradus/core/io/file.h>
#include <gradus/nn/activation.h>
#include <gradus/nn/containers.h>
#include <gradus/nn/dropout.h>
#include <gradus/nn/linear.h>
#include <gradus/nn/norm.h>
#include <gradus/optim/adam.h>
#include <gradus/optim/fit.h>

using namespace gradus;

namespace {

class Killer final : public detail::FileCalls {
 public:
  explicit Killer(int call) : last_(call) {}
  int open(const char* path, int flags, unsigned mode) override {
    return count(), FileCalls::open(path, flags, mode);
  }
  int claim(int file, const char* path) override { return count(), FileCalls::claim(file, path); }
  std::ptrdiff_t write(int file, const char* bytes, std::size_t size) override {
    if (made + 1 == last_) FileCalls::write(file, bytes, size / 2);
    return count(), FileCalls::write(file, bytes, size);
  }
  int fsync(int file) override { return count(), FileCalls::fsync(file); }
  int close(int file) override { return count(), FileCalls::close(file); }
  int rename(const char* from, const char* to) override { return count(), FileCalls::rename(from, to); }

  int made = 0;

 private:
  void count() {
    if (++made == last_) std::raise(SIGKILL);
  }
  const int last_;
};

class Batches {
 public:
  Tensor next() { return rand({16, 4}, f32, generator_); }
  std::vector<NamedTensor> state() { return optim::part("", generator_).state(); }
  void load_state(const std::vector<NamedTensor>& state) { optim::part("", generator_).load(state); }

 private:
  Generator generator_{11};
};

}  // namespace

int main(int argc, char* argv[]) {
  if (argc < 2) return 2;
  const std::filesystem::path out = argv[1];
  Killer killer(argc > 2 ? std::atoi(argv[2]) : 0);
  detail::file_calls = &killer;

  manual_seed(1);
  nn::Sequential model{nn::Linear({.in = 4, .out = 32}), nn::BatchNorm1d({.channels = 32}), nn::Tanh(),
                       nn::Dropout({.p = 0.2}), nn::Linear({.in = 32, .out = 4})};
  optim::AdamW optimiser(model, {.lr = 1e-2});
  optim::Ema average(model, {.decay = 0.9});
  Batches batches;
  const Tensor held_out = rand({16, 4});
  const auto loss_of = [&](const Tensor& x) { return mse_loss(model(x), x * x); };
  optim::fit(model, optimiser, batches, loss_of,
             {.steps = 12,
              .schedule = optim::Cosine{.lr = 1e-2, .steps = 12, .warmup = 3},
              .clip_norm = 1.0,
              .evaluate = [&] { return loss_of(held_out).item(); },
              .evaluate_every = 3,
              .average = &average,
              .out = out,
              .save_every = 2,
              .resume = std::filesystem::exists(out / "training.safetensors")});
  std::cout << killer.made;
}
