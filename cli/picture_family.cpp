#include <gradus/cli/picture_family.h>

#include <gradus/autograd/grad_mode.h>
#include <gradus/autograd/ops/elementwise.h>
#include <gradus/autograd/ops/loss.h>
#include <gradus/cli/print.h>

namespace gradus::cli {

Training PictureFamily::begin(const TrainSettings& settings, const std::filesystem::path&) {
  corpus_.read();
  model_ = &make_model(corpus_.kind());
  batches_.emplace(corpus_.batches(settings));
  const auto logits_of = [this](const Tensor& pictures) { return logits(pictures); };
  return {.model = model_,
          .next_loss =
              [this] {
                const PictureCorpus::Batch batch = batches_->next();
                seen_ += batch.y.numel();
                return cross_entropy(logits(batch.x), batch.y);
              },
          .parts = {optim::part("batches", *batches_)},
          .evaluate =
              [this, logits_of] {
                last_ = picture_report(logits_of, corpus_.validation());
                return last_.loss;
              },
          .sample =
              [this] {
                std::string text = printed("%.1f %% right", 100 * last_.right().value());
                const PictureReport::Mistake worst = last_.worst();
                if (worst.share.right == 0) return text;
                const std::vector<std::string>& classes = pictures().classes;
                return text.append("; ")
                    .append(classes[worst.label])
                    .append(" is taken for ")
                    .append(classes[worst.taken_for]);
              },
          .unit = "pictures",
          .units = [this] { return seen_; }};
}

// Models see numbers around 0 that vary by about 1, as weights that are drawn at first expect them.
Tensor PictureFamily::logits(const Tensor& pictures) { return call((pictures - 0.5) * 4.0); }

Results PictureFamily::results() {
  Results results;
  const nn::EvalMode evaluating(*model_);
  const GradMode off(false);
  add_picture_results(
      results,
      picture_report([this](const Tensor& pictures) { return logits(pictures); }, corpus_.held_out()),
      pictures().classes);
  return results;
}

std::vector<std::string> PictureFamily::uses(const std::string& run) const {
  return {"./gradus classify --model " + run + " " + run + "/pictures/*"};
}

nn::Module& PictureFamily::open(const std::filesystem::path& run) {
  corpus_.open(run);
  return *(model_ = &make_model(corpus_.kind()));
}

}  // namespace gradus::cli
