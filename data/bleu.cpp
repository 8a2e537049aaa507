#include <gradus/data/bleu.h>

namespace gradus::data {

BleuCounts& BleuCounts::operator+=(const BleuCounts& more) {
  for (std::size_t n = 0; n < orders; ++n) {
    matches[n] += more.matches[n];
    totals[n] += more.totals[n];
  }
  predicted_length += more.predicted_length;
  expected_length += more.expected_length;
  return *this;
}

double bleu(const BleuCounts& counts) {
  if (counts.matches[0] == 0 || counts.totals.back() == 0) return 0;
  double log_score = 0, halves = 1;
  for (std::size_t n = 0; n < BleuCounts::orders; ++n) {
    const auto total = static_cast<double>(counts.totals[n]);
    const double matches = counts.matches[n] > 0 ? static_cast<double>(counts.matches[n]) : (halves /= 2);
    log_score += std::log(matches / total) / BleuCounts::orders;
  }
  const double too_short =
      1 - static_cast<double>(counts.expected_length) / static_cast<double>(counts.predicted_length);
  return 100 * std::exp(log_score + std::min(0.0, too_short));
}

}  // namespace gradus::data
