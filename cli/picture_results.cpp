// How good a classifier of pictures is, on some that it has not seen.
#include <algorithm>
#include <numeric>

#include <gradus/autograd/ops/loss.h>
#include <gradus/autograd/ops/reduce.h>
#include <gradus/cli/picture_corpus.h>
#include <gradus/cli/print.h>

namespace gradus::cli {

data::Share PictureReport::right(std::size_t label) const {
  const std::vector<std::int64_t>& row = counts[label];
  return {row[label], std::accumulate(row.begin(), row.end(), std::int64_t{0})};
}

data::Share PictureReport::right() const {
  data::Share all;
  for (std::size_t label = 0; label < counts.size(); ++label) all += right(label);
  return all;
}

PictureReport::Mistake PictureReport::worst() const {
  Mistake worst;
  double most = 0;
  for (std::size_t label = 0; label < counts.size(); ++label)
    for (std::size_t other = 0; other < counts.size(); ++other) {
      const data::Share share{counts[label][other], right(label).all};
      if (other == label || share.right == 0 || share.value() <= most) continue;
      most = share.value();
      worst = {label, other, share};
    }
  return worst;
}

PictureReport picture_report(const PictureLogits& logits_of, const data::PictureSet& pictures) {
  constexpr std::int64_t rows = 250;
  PictureReport report;
  report.counts.assign(pictures.classes.size(), std::vector<std::int64_t>(pictures.classes.size()));
  std::vector<std::int64_t> items(static_cast<std::size_t>(pictures.size()));
  std::iota(items.begin(), items.end(), std::int64_t{0});
  for (std::int64_t first = 0; first < pictures.size(); first += rows) {
    const std::int64_t count = std::min(rows, pictures.size() - first);
    const auto batch = pictures.batch(
        std::span(items).subspan(static_cast<std::size_t>(first), static_cast<std::size_t>(count)));
    const Tensor logits = logits_of(batch.x);
    report.loss += cross_entropy(logits, batch.y, {.reduction = Reduction::sum}).item();
    const std::vector<std::int64_t> found = argmax(logits, -1).to_vector<std::int64_t>();
    const std::vector<std::int64_t> labels = batch.y.to_vector<std::int64_t>();
    for (std::size_t i = 0; i < labels.size(); ++i)
      ++report.counts[static_cast<std::size_t>(labels[i])][static_cast<std::size_t>(found[i])];
  }
  report.loss /= static_cast<double>(pictures.size());
  return report;
}

void add_picture_results(Results& results, const PictureReport& report,
                         const std::vector<std::string>& classes) {
  results.add("loss", report.loss, printed("%.4f, on held-out pictures", report.loss));
  const data::Share right = report.right();
  results.add(
      "accuracy", right.value(),
      printed("%.2f %% of %lld held-out pictures", 100 * right.value(), static_cast<long long>(right.all)));
  Json::Object by_class;
  for (std::size_t label = 0; label < classes.size(); ++label)
    if (const data::Share share = report.right(label); share.all > 0)
      by_class.emplace_back(classes[label], share.value());
  results.values.emplace_back("accuracy_by_class", std::move(by_class));
  const PictureReport::Mistake worst = report.worst();
  if (worst.share.right == 0) return;
  const std::string &shown = classes[worst.label], &taken_for = classes[worst.taken_for];
  results.add("worst_pair",
              Json::Object{{"class", shown}, {"taken_for", taken_for}, {"share", worst.share.value()}},
              printed("%.1f %% of ", 100 * worst.share.value())
                  .append(shown)
                  .append(" are taken for ")
                  .append(taken_for));
}

}  // namespace gradus::cli
