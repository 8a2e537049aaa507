#include <gradus/data/metrics.h>

#include <cmath>
#include <map>
#include <numeric>
#include <string_view>

#include <gradus/core/kernels/copy.h>

namespace gradus::data {
namespace {

double ratio(std::int64_t part, std::int64_t whole) {
  return whole == 0 ? 0 : static_cast<double>(part) / static_cast<double>(whole);
}

void check_pairs(const char* op, std::size_t a, std::size_t b) {
  check(a == b, op, "compares pairs, and is given ", a, " and ", b, " values. Is one missing?");
  check(a > 0, op, "there is nothing to compare. Was the data empty?");
}

// 1 for the smallest; equal numbers get the mean of the ranks that they take up together.
std::vector<double> ranks(std::span<const double> x) {
  std::vector<std::size_t> order(x.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return x[a] < x[b]; });
  std::vector<double> rank(x.size());
  for (std::size_t first = 0, last = 0; first < order.size(); first = last) {
    while (last < order.size() && x[order[last]] == x[order[first]]) ++last;
    for (std::size_t i = first; i < last; ++i) rank[order[i]] = static_cast<double>(first + 1 + last) / 2;
  }
  return rank;
}

void check_numbers(const char* op, std::span<const double> x) {
  for (std::size_t i = 0; i < x.size(); ++i)
    check(std::isfinite(x[i]), op, "value ", i, " is ", x[i],
          ", which compares with nothing. Did a loss diverge?");
}

struct Tag {
  char place;             // B, I or O
  std::string_view type;  // of O, empty
};

Tag parse_tag(std::string_view text, std::size_t at) {
  if (text == "O") return {'O', {}};
  check((text.starts_with("B-") || text.starts_with("I-")) && text.size() > 2, "entities", "tag ", at,
        " is '", text, "'; tags are O, B-type and I-type. Is it another scheme?");
  return {text[0], text.substr(2)};
}

}  // namespace

double Share::value() const {
  check(all > 0, "share",
        "of nothing at all there is no share. Was every target ignored, or the data empty?");
  return ratio(right, all);
}

Share& Share::operator+=(const Share& more) {
  right += more.right;
  all += more.all;
  return *this;
}

double perplexity(double mean_loss) { return std::exp(mean_loss); }

double perplexity(double summed_loss, std::int64_t tokens) {
  check(tokens > 0, "perplexity", "is per token, and there are ", tokens, ". Was the data empty?");
  return perplexity(summed_loss / static_cast<double>(tokens));
}

Share accuracy(const Tensor& predicted, const Tensor& targets, std::optional<std::int64_t> ignored) {
  check(predicted.shape() == targets.shape(), "accuracy", "predictions are ", predicted.shape(),
        " and targets ", targets.shape(), ". Take argmax over the classes?");
  const Tensor ours = kernels::contiguous(predicted), theirs = kernels::contiguous(targets);
  const std::int64_t* const p = ours.data<std::int64_t>();
  const std::int64_t* const t = theirs.data<std::int64_t>();
  Share share;
  for (std::int64_t i = 0; i < theirs.numel(); ++i)
    if (t[i] != ignored) share += {p[i] == t[i], 1};
  return share;
}

double Overlap::precision() const { return ratio(both, predicted); }
double Overlap::recall() const { return ratio(both, expected); }
double Overlap::f1() const { return ratio(2 * both, predicted + expected); }

Overlap& Overlap::operator+=(const Overlap& more) {
  both += more.both;
  predicted += more.predicted;
  expected += more.expected;
  return *this;
}

std::vector<Entity> entities(std::span<const std::string> tags) {
  std::vector<Entity> found;
  bool inside = false;
  for (std::size_t i = 0; i < tags.size(); ++i) {
    const Tag tag = parse_tag(tags[i], i);
    const auto at = static_cast<std::int64_t>(i);
    if (tag.place == 'I' && inside && found.back().type == tag.type)
      found.back().end = at + 1;
    else if (tag.place != 'O')
      found.push_back({std::string(tag.type), at, at + 1});
    inside = tag.place != 'O';
  }
  return found;
}

Overlap entity_overlap(std::span<const std::string> predicted, std::span<const std::string> expected) {
  check(predicted.size() == expected.size(), "entity_overlap", predicted.size(), " tags are predicted for ",
        expected.size(), " tokens. Are the tags of word pieces among them?");
  const std::vector<Entity> ours = entities(predicted), theirs = entities(expected);
  return {in_both(ours, theirs), static_cast<std::int64_t>(ours.size()),
          static_cast<std::int64_t>(theirs.size())};
}

double pearson(std::span<const double> x, std::span<const double> y) {
  check_pairs("pearson", x.size(), y.size());
  check_numbers("pearson", x);
  check_numbers("pearson", y);
  const auto mean = [](std::span<const double> values) {
    return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
  };
  const double x_mean = mean(x), y_mean = mean(y);
  double xy = 0, xx = 0, yy = 0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    const double dx = x[i] - x_mean, dy = y[i] - y_mean;
    xy += dx * dy;
    xx += dx * dx;
    yy += dy * dy;
  }
  // Two roots: the product of two small sums could be 0.
  return xx == 0 || yy == 0 ? 0 : std::clamp(xy / (std::sqrt(xx) * std::sqrt(yy)), -1.0, 1.0);
}

double spearman(std::span<const double> x, std::span<const double> y) {
  check_pairs("spearman", x.size(), y.size());
  check_numbers("spearman", x);
  check_numbers("spearman", y);
  return pearson(ranks(x), ranks(y));
}

double matthews(std::span<const std::int64_t> predicted, std::span<const std::int64_t> expected) {
  check_pairs("matthews", predicted.size(), expected.size());
  std::map<std::int64_t, double> p, t;
  double right = 0;
  for (std::size_t i = 0; i < expected.size(); ++i) {
    ++p[predicted[i]];
    ++t[expected[i]];
    right += predicted[i] == expected[i];
  }
  const auto dot = [](const std::map<std::int64_t, double>& a, const std::map<std::int64_t, double>& b) {
    double sum = 0;
    for (const auto& [label, count] : a)
      if (const auto other = b.find(label); other != b.end()) sum += count * other->second;
    return sum;
  };
  const auto s = static_cast<double>(expected.size());
  const double pp = s * s - dot(p, p), tt = s * s - dot(t, t);
  return pp == 0 || tt == 0 ? 0 : (s * right - dot(p, t)) / (std::sqrt(pp) * std::sqrt(tt));
}

}  // namespace gradus::data
