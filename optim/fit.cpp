#include <gradus/optim/fit.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <sstream>

#include <gradus/autograd/grad_mode.h>
#include <gradus/autograd/ops/elementwise.h>
#include <gradus/core/check.h>
#include <gradus/core/create.h>
#include <gradus/nn/checkpoint.h>
#include <gradus/optim/clip.h>
#include <gradus/optim/interrupt.h>
#include <gradus/optim/run_folder.h>
#include <gradus/optim/state.h>

namespace gradus::optim {
namespace {

void check_options(const FitOptions& o) {
  check(o.steps > 0, "fit", "needs a number of steps above 0; got ", o.steps, ". Say how many?");
  check(o.accumulate > 0, "fit", "a step takes 1 batch or more, not ", o.accumulate, ". Use 1?");
  check(o.save_every >= 0 && o.patience >= 0, "fit", "save_every ", o.save_every, " and patience ",
        o.patience, " cannot be below 0. Leave them out?");
  check(o.evaluate_every > 0, "fit", "cannot evaluate every ", o.evaluate_every,
        " steps. Use a number above 0?");
  check(o.evaluate || (o.patience == 0 && o.plateau == nullptr), "fit",
        "patience and plateau go by evaluations, and there is none. Set evaluate?");
  check(!o.plateau || !o.schedule, "fit", "schedule and plateau both set the learning rate. Leave one out?");
  check(o.evaluate || !o.sample, "fit", "a sample follows an evaluation, and there is none. Set evaluate?");
  check(!o.out.empty() || !o.keep, "fit", "there is no folder to keep anything in. Set out?");
  check(!o.resume || !o.out.empty(), "fit",
        "resume goes on with what is in a folder, and none is named. Set out?");
}

// A model that was converted has new tensors, and an optimiser that was made before it goes on with the old
// ones.
void check_same_tensors(const nn::Module& model, const Parameters& others, const char* what) {
  const std::vector<NamedTensor> own = model.parameters();
  for (const NamedTensor& other : others)
    check(std::any_of(
              own.begin(), own.end(),
              [&](const NamedTensor& parameter) { return parameter.value.shares_handle_with(other.value); }),
          "fit", "the ", what, " was made for a tensor '", other.name,
          "' that is not a parameter of this model. Make it after model.to()?");
}

void check_loss(const Tensor& loss) {
  check(loss.defined(), "fit", "the loss function returned no tensor. Return the loss?");
  check(loss.numel() == 1, "fit", "the loss must be one number, and is of shape ", loss.shape(),
        ". mean(...) of it?");
  check(
      loss.requires_grad(), "fit",
      "the loss depends on no parameter: nothing is recorded of it. Was it detached, or made under no_grad?");
}

// What fit itself has to remember, saved as the part "fit".
class Place {
 public:
  std::int64_t step = 0, best_step = 0, evaluations_since_best = 0;
  double best = std::numeric_limits<double>::infinity();

  std::vector<NamedTensor> state() const {
    return {{"step", from_vector(std::vector<std::int64_t>{step, best_step, evaluations_since_best})},
            {"best", from_vector(std::vector<double>{best})}};
  }
  void load_state(const std::vector<NamedTensor>& state) {
    Tensor steps = full({3}, 0, i64), value = full({1}, 0, f64);
    load_strictly({{"step", steps}, {"best", value}}, state, "fit");
    const std::vector<std::int64_t> counts = steps.to_vector<std::int64_t>();
    step = counts[0], best_step = counts[1], evaluations_since_best = counts[2];
    best = value.item();
  }
};

class Fit {
 public:
  Fit(nn::Module& model, Optimizer& optimiser, const std::function<Tensor()>& next_loss,
      const FitOptions& options)
      : model_(model), optimiser_(optimiser), next_loss_(next_loss), options_(options) {
    check_options(options);
    check_same_tensors(model, optimiser.parameters(), "optimiser");
    if (options.average != nullptr) check_same_tensors(model, options.average->parameters(), "average");
    if (options.out.empty()) return;
    folder_ = std::make_unique<RunFolder>(options.out, options.resume);
    parts_ = options.parts;
    parts_.push_back(part("model", model));
    parts_.push_back(part("optimiser", optimiser));
    parts_.push_back(part("generator", default_generator()));
    parts_.push_back(part("fit", place_));
    if (options.plateau != nullptr) parts_.push_back(part("plateau", *options.plateau));
    if (options.average != nullptr) parts_.push_back(part("average", *options.average));
    const double lr = optimiser.lr();
    if (options.resume) load_training(folder_->training(), parts_);
    if (optimiser.lr() != lr && !options.schedule && options.plateau == nullptr) other_lr_ = lr;
    if (options.keep) options.keep();
    // A kill before the first evaluation can be resumed, too. Where a folder holds anything, it holds this.
    if (!options.resume) {
      save_training(folder_->training(), parts_);
      nn::save(model_, folder_->last());
    }
    folder_->open_metrics_after(place_.step);
  }

  FitResult run() {
    if (options_.progress) progress_ = std::make_unique<Progress>(place_.step, options_.steps);
    if (progress_ && other_lr_) say_saved_lr(*other_lr_);
    const Interrupt interrupt;
    FitResult result{
        .ending = has_stalled() ? Ending::no_better : Ending::all_steps, .steps = 0, .loss = std::nan("")};
    while (place_.step < options_.steps && result.ending == Ending::all_steps) {
      const Step done = take();
      result.loss = done.loss;
      if (progress_) progress_->show(done.number, done.loss);
      if (folder_) folder_->write(told(done));
      for (const auto& callback : options_.callbacks) callback(done);
      if (interrupt.signal() != 0)
        result.ending = Ending::interrupted;
      else if (has_stalled())
        result.ending = Ending::no_better;
      if (folder_ && (result.ending != Ending::all_steps || save_is_due(done))) save();
    }
    result.steps = place_.step;
    result.best = place_.best;
    result.best_step = place_.best_step;
    if (progress_) say_ending(result.ending);
    return result;
  }

 private:
  void say_saved_lr(double lr) {
    std::ostringstream line;
    line << "going on with the learning rate that was saved, " << optimiser_.lr() << ", not with " << lr
         << "; a schedule can change it";
    progress_->say(line.str());
  }

  Step take() {
    const std::int64_t number = place_.step + 1;
    if (options_.schedule) {
      const double lr = options_.schedule(place_.step);
      check(std::isfinite(lr) && lr >= 0, "fit", "the schedule gives ", lr, " as the learning rate of step ",
            number, ". It must be a number from 0 up");
      optimiser_.set_lr(lr);
    }
    if (options_.plateau != nullptr) optimiser_.set_lr(options_.plateau->lr());
    Step step{.number = number, .loss = 0, .lr = optimiser_.lr(), .grad_norm = {}, .evaluation = {}};
    optimiser_.zero_grad();
    for (std::int64_t batch = 0; batch < options_.accumulate; ++batch) {
      const Tensor loss = next_loss_();
      check_loss(loss);
      const double value = loss.item() / static_cast<double>(options_.accumulate);
      check(std::isfinite(value), "fit", "the loss of step ", number, ", with learning rate ", step.lr,
            ", is ", value, ". Lower that, or let AnomalyMode name the op?");
      step.loss += value;
      if (options_.accumulate == 1)
        loss.backward();
      else
        (loss / static_cast<double>(options_.accumulate)).backward();
    }
    // What the optimiser does not step is not zeroed either, and must not count in the norm.
    const Parameters& stepped = optimiser_.parameters();
    if (options_.clip_value) clip_grad_value(stepped, *options_.clip_value);
    if (options_.clip_norm) step.grad_norm = clip_grad_norm(stepped, *options_.clip_norm);
    optimiser_.step();
    if (options_.average != nullptr) options_.average->update();
    place_.step = number;
    if (options_.evaluate && (number % options_.evaluate_every == 0 || number == options_.steps))
      step.evaluation = evaluated();
    return step;
  }

  // Averaged weights are what is to be used in the end, so they are what is evaluated and kept.
  double evaluated() {
    return options_.average != nullptr ? options_.average->with_average([this] { return evaluated_now(); })
                                       : evaluated_now();
  }

  double evaluated_now() {
    const nn::EvalMode evaluating(model_);
    const double value = no_grad(options_.evaluate);
    if (!std::isfinite(value) && folder_) save();  // the step itself was sound
    check(std::isfinite(value), "fit", "the evaluation after step ", place_.step, " is ", value,
          ". Does it divide by a count that is 0?");
    const bool better = value < place_.best;
    if (better) {
      place_.best = value;
      place_.best_step = place_.step;
      if (folder_) nn::save(model_, folder_->best());
    }
    place_.evaluations_since_best = better ? 0 : place_.evaluations_since_best + 1;
    if (options_.plateau != nullptr) (*options_.plateau)(value);
    if (progress_) {
      std::ostringstream line;
      line.precision(5);
      line << "step " << place_.step << ": evaluation " << value << (better ? " (best)" : "");
      progress_->say(line.str());
    }
    if (options_.sample) {
      const std::string sample = no_grad(options_.sample);
      if (progress_) progress_->say(sample);
    }
    return value;
  }

  bool has_stalled() const {
    return options_.patience > 0 && place_.evaluations_since_best >= options_.patience;
  }

  bool save_is_due(const Step& done) const {
    const std::int64_t every = options_.save_every > 0 ? options_.save_every : options_.evaluate_every;
    return done.number % every == 0 || done.number == options_.steps;
  }

  // The training last: what is stopped before it goes on from the one before, and writes both again.
  void save() {
    nn::save(model_, folder_->last());
    save_training(folder_->training(), parts_);
  }

  static Json told(const Step& done) {
    Json::Object line{{"step", done.number}, {"loss", done.loss}, {"lr", done.lr}};
    if (done.grad_norm) line.emplace_back("grad_norm", *done.grad_norm);
    if (done.evaluation) line.emplace_back("evaluation", *done.evaluation);
    return line;
  }

  void say_ending(Ending ending) const {
    const std::string step = std::to_string(place_.step);
    if (ending == Ending::no_better)
      progress_->say("stopped at step " + step + ": the best evaluation was at step " +
                     std::to_string(place_.best_step));
    if (ending == Ending::interrupted)
      progress_->say("interrupted at step " + step +
                     (folder_ ? ", saved in " + options_.out.string()
                              : "; its weights are not kept, as the training has no folder"));
  }

  nn::Module& model_;
  Optimizer& optimiser_;
  const std::function<Tensor()>& next_loss_;
  const FitOptions& options_;
  Place place_;
  std::vector<Part> parts_;
  std::unique_ptr<RunFolder> folder_;
  std::unique_ptr<Progress> progress_;
  std::optional<double> other_lr_;  // of the optimiser, before it took the saved one
};

}  // namespace

FitResult fit(nn::Module& model, Optimizer& optimiser, const std::function<Tensor()>& next_loss,
              const FitOptions& options) {
  return Fit(model, optimiser, next_loss, options).run();
}

}  // namespace gradus::optim
