// fit: the training loop, with what every training needs around it. It does no more than
//
//   for (std::int64_t step = 0; step < 1000; ++step) {
//     optimiser.set_lr(schedule(step));
//     optimiser.zero_grad();
//     loss_of(batches.next()).backward();
//     clip_grad_norm(optimiser.parameters(), 1.0);
//     optimiser.step();
//   }
//
// and besides: progress, metrics, evaluation, checkpoints, early stopping, Ctrl-C and going on after it.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include <gradus/nn/module.h>
#include <gradus/optim/ema.h>
#include <gradus/optim/optimizer.h>
#include <gradus/optim/progress.h>
#include <gradus/optim/schedule.h>
#include <gradus/optim/training_state.h>

namespace gradus::optim {

// What a step has done, for callbacks.
struct Step {
  std::int64_t number;  // from 1
  double loss;          // the mean over the batches of the step
  double lr;
  std::optional<double> grad_norm;   // before clipping; absent where nothing is clipped
  std::optional<double> evaluation;  // where this step was followed by one
};

struct FitOptions {
  std::int64_t steps = 1000;
  std::int64_t accumulate = 1;               // batches whose gradients are averaged for one step
  Schedule schedule = {};                    // of the learning rate; none: the optimiser's own
  std::optional<double> clip_norm = {};      // of the optimiser's gradients, see clip_grad_norm
  std::optional<double> clip_value = {};     // see clip_grad_value
  std::function<double()> evaluate = {};     // less is better; runs in eval mode, without the tape
  std::int64_t evaluate_every = 100;         // steps, and after the last
  std::function<std::string()> sample = {};  // what to say after an evaluation; runs as that does
  std::int64_t patience = 0;                 // evaluations without a new best until it stops; 0: any number
  ReduceOnPlateau* plateau = nullptr;        // sets the learning rate from the evaluations
  Ema* average = nullptr;          // of the weights; updated after each step, evaluated in their place
  std::filesystem::path out = {};  // folder for checkpoints and metrics; empty: none are kept
  std::int64_t save_every = 0;     // steps; 0: as evaluate_every
  // Writes what else belongs in `out`, such as a configuration: called once the folder is this training's,
  // and before the first step.
  std::function<void()> keep = {};
  // Go on with what is in `out`: to the same bits, if all else is as it was. The learning rate is the saved
  // one, whatever the optimiser was made with, unless a schedule sets it.
  bool resume = false;
  std::vector<Part> parts = {};  // what else must be saved to go on to the same bits
  std::vector<std::function<void(const Step&)>> callbacks = {};  // after each step
  bool progress = true;
};

enum class Ending { all_steps, no_better, interrupted };

struct FitResult {
  Ending ending;
  std::int64_t steps;                                     // done, those before a resume included
  double loss;                                            // of the last step; NaN where there was none
  double best = std::numeric_limits<double>::infinity();  // evaluation
  std::int64_t best_step = 0;
};

// Trains `model`, whose parameters the optimiser was made for: each step takes `next_loss()`, the loss of the
// next batch, `accumulate` times. The batches' place, if it has one to be saved, is among options.parts, and
// so is any generator but the default one.
FitResult fit(nn::Module& model, Optimizer& optimiser, const std::function<Tensor()>& next_loss,
              const FitOptions& options);

// The same over a source of batches, which has next(), state() and load_state(), with loss_of(batch).
template <class Batches, class LossOf>
FitResult fit(nn::Module& model, Optimizer& optimiser, Batches& batches, const LossOf& loss_of,
              FitOptions options) {
  options.parts.push_back(part("batches", batches));
  return fit(
      model, optimiser, [&] { return loss_of(batches.next()); }, options);
}

}  // namespace gradus::optim
