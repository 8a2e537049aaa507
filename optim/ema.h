// Ema: an exponential moving average of weights, which often does better than the weights themselves, since
// these go on jumping about. Polyak & Juditsky 1992; in this form Tarvainen & Valpola 2017
//
//   average <- decay average + (1 - decay) w
//
//   optim::Ema ema(model, {.decay = 0.999});
//   ...   optimiser.step(), ema.update();
//   ...   const double loss = ema.with_average([&] { return evaluate(model); });
//
// Buffers, such as running statistics, are averages already and stay the model's own.
#pragma once

#include <utility>
#include <vector>

#include <gradus/core/kernels/optimise.h>
#include <gradus/optim/parameters.h>

namespace gradus::optim {

class Ema {
 public:
  struct Options {
    double decay = 0.999;
  };
  Ema(Parameters parameters, const Options& options);  // begins at the weights as they are
  Ema(Ema&&) = default;
  Ema& operator=(Ema&&) = default;

  void update();  // after each step
  const Parameters& parameters() const { return parameters_; }

  // Runs f with the averages in the place of the weights, and returns what it returns.
  template <class F>
  decltype(auto) with_average(F&& f) {
    check_apart();
    swap();
    const SwapBack back{*this};
    return f();
  }

  // Copies the averages into parameters of the same names, such as a clone's.
  void copy_to(const Parameters& parameters) const;

  // The averages, under the names of the weights. The tensors are the average's own, and change with it.
  const std::vector<NamedTensor>& state() const { return averages_; }
  void load_state(const std::vector<NamedTensor>& state);

 private:
  struct SwapBack {
    Ema& ema;
    ~SwapBack() { ema.swap(); }
  };
  void swap();
  void check_apart() const;

  Options options_;
  Parameters parameters_;
  std::vector<NamedTensor> averages_;
  std::vector<kernels::Update> updates_;  // kept for its memory
  bool swapped_ = false;
};

}  // namespace gradus::optim
