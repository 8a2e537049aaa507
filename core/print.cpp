#include <gradus/core/print.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>
#include <vector>

#include <gradus/core/kernels/copy.h>
#include <gradus/core/view.h>

namespace gradus {
namespace {

using Words = std::vector<std::string>;

// A decimal number in parts: sign and digits before the point, digits after it, exponent.
struct Decimal {
  std::string whole, fraction;
  int exponent = 0;
};

constexpr auto positional = std::chars_format::fixed;       // 12.5
constexpr auto scientific = std::chars_format::scientific;  // 1.25e+01

// The fewest digits that tell the value from the others of its type, or with a precision that many after the
// point, correctly rounded.
template <class T, class... Precision>
Decimal decimal_of(T value, std::chars_format form, Precision... precision) {
  char text[400];
  const char* const end =
      std::to_chars(text, text + sizeof text, std::abs(value), form, static_cast<int>(precision)...).ptr;
  const char* const mark = std::find(static_cast<const char*>(text), end, 'e');
  const char* const point = std::find(static_cast<const char*>(text), mark, '.');
  Decimal out{std::string(std::signbit(value) ? "-" : "").append(static_cast<const char*>(text), point), {}};
  if (point != mark) out.fraction.assign(point + 1, mark);
  if (mark != end) std::from_chars(mark + (mark[1] == '+' ? 2 : 1), end, out.exponent);
  return out;
}

// The fewest digits, but no more than `precision` after the point.
template <class T>
Decimal short_decimal(T value, std::chars_format form, int precision) {
  Decimal out = decimal_of(value, form);
  if (static_cast<int>(out.fraction.size()) > precision) {
    out = decimal_of(value, form, precision);
    out.fraction.erase(out.fraction.find_last_not_of('0') + 1);
  }
  return out;
}

std::string exponent_text(int exponent, std::size_t digits) {
  std::string text = std::to_string(std::abs(exponent));
  if (text.size() < digits) text.insert(0, digits - text.size(), '0');
  return (exponent < 0 ? "e-" : "e+") + text;
}

std::string padded_left(std::string text, std::size_t width) {
  if (text.size() < width) text.insert(0, width - text.size(), ' ');
  return text;
}

// NumPy's rule: exponents where a value would need more than eight digits before the point or lose its first
// ones after it, or where values differ by more than three orders of magnitude.
template <class T>
bool needs_exponents(const std::vector<T>& values) {
  T least = std::numeric_limits<T>::infinity(), most = 0;
  for (const T value : values) {
    if (!std::isfinite(value) || value == 0) continue;
    least = std::min(least, std::abs(value));
    most = std::max(most, std::abs(value));
  }
  return most > 0 && (most >= T(1e8) || least < T(0.0001) || most / least > T(1000));
}

// All values in one form, their points below each other.
template <class T>
Words aligned_floats(const std::vector<T>& values, int precision) {
  const bool exponents = needs_exponents(values);
  std::vector<Decimal> decimals;
  std::size_t left = 0, right = 0, exponent_digits = exponents ? 2 : 0;
  bool any_finite = false;
  for (const T value : values) {
    decimals.emplace_back();
    if (!std::isfinite(value)) continue;
    Decimal& last = decimals.back();
    last = short_decimal(value, exponents ? scientific : positional, precision);
    left = std::max(left, last.whole.size());
    right = std::max(right, last.fraction.size());
    exponent_digits =
        std::max(exponent_digits, exponents ? std::to_string(std::abs(last.exponent)).size() : 0);
    any_finite = true;
  }
  const std::size_t after = right + (exponents && any_finite ? exponent_digits + 2 : 0);
  for (const T value : values) {
    const std::size_t length = std::isnan(value) ? 3 : std::isinf(value) ? (value < 0 ? 4 : 3) : 0;
    if (length > left + after + 1) left = length - after - 1;
  }
  Words words;
  for (std::size_t i = 0; i < values.size(); ++i) {
    Decimal& decimal = decimals[i];
    if (!std::isfinite(values[i])) {
      const char* const name = std::isnan(values[i]) ? "nan" : values[i] < 0 ? "-inf" : "inf";
      words.push_back(padded_left(name, left + after + 1));
      continue;
    }
    // With exponents all show as many digits as the longest; else what is missing is left blank.
    if (exponents)
      decimal = decimal_of(values[i], scientific, right);
    else
      decimal.fraction.resize(right, ' ');
    words.push_back(padded_left(decimal.whole, left) + '.' + decimal.fraction);
    if (exponents) words.back() += exponent_text(decimal.exponent, exponent_digits);
  }
  return words;
}

// A single number stands by itself, with all its digits.
template <class T>
std::string alone(T value) {
  if (std::isnan(value)) return "nan";
  if (std::isinf(value)) return value < 0 ? "-inf" : "inf";
  const Decimal shortest = decimal_of(value, scientific);
  const double magnitude = std::abs(static_cast<double>(value));
  if (magnitude != 0 && (magnitude < 1e-4 || magnitude >= 1e16))
    return shortest.whole + (shortest.fraction.empty() ? "" : '.' + shortest.fraction) +
           exponent_text(shortest.exponent, 2);
  const Decimal decimal = decimal_of(value, positional);
  if (!decimal.fraction.empty()) return decimal.whole + '.' + decimal.fraction;
  // A whole number's digits past those that tell it from its neighbours are zeros.
  const std::string zeros(static_cast<std::size_t>(shortest.exponent) - shortest.fraction.size(), '0');
  return shortest.whole + shortest.fraction + zeros + ".0";
}

template <class T>
Words words_of(const Tensor& x, const PrintOptions& options) {
  const std::vector<T> values = x.to_vector<T>();
  Words words;
  if constexpr (std::is_floating_point_v<T>) {
    if (x.rank() > 0) return aligned_floats(values, options.precision);
    words.push_back(alone(values[0]));
  } else if constexpr (std::is_same_v<T, bool>) {
    for (const bool value : values) words.push_back(value ? (x.rank() > 0 ? " True" : "True") : "False");
  } else {
    std::size_t width = 0;
    for (const T value : values)
      words.push_back(std::to_string(value)), width = std::max(width, words.back().size());
    for (std::string& word : words) word = padded_left(word, width);
  }
  return words;
}

// Lays the words out in brackets, row by row. `cut` says of each axis whether its middle is left out.
class Layout {
 public:
  Layout(const Shape& shown, const std::vector<bool>& cut, const Words& words, const PrintOptions& options)
      : shown_(shown), cut_(cut), word_(words.begin()), options_(options) {}

  // The part below `axis`, its first line unindented and the others indented by `indent` columns. `width`
  // columns are left for a line.
  std::string block(int axis, int indent, int width) {
    const std::string margin(static_cast<std::size_t>(indent), ' ');
    const bool innermost = axis == shown_.rank() - 1;
    std::string done, line = margin;
    for (std::int64_t i = 0; i < shown_[axis]; ++i) {
      if (cut_[static_cast<std::size_t>(axis)] && i == options_.edge_items)
        add(done, line, "...", axis, margin, width);
      add(done, line, innermost ? *word_++ : block(axis + 1, indent + 1, width - 1), axis, margin, width);
    }
    return '[' + (done + line).substr(margin.size()) + ']';
  }

 private:
  void add(std::string& done, std::string& line, const std::string& word, int axis, const std::string& margin,
           int width) const {
    const bool innermost = axis == shown_.rank() - 1, first = line.size() <= margin.size();
    if (innermost) {
      // The closing bracket needs a column as well. A word too long for any line stays where it is.
      if (!first) line += ' ';
      if (static_cast<int>(line.size() + word.size()) + 1 > width && !first) {
        done += line.substr(0, line.find_last_not_of(' ') + 1) + '\n';
        line = margin;
      }
    } else if (!first) {
      done += line + std::string(static_cast<std::size_t>(shown_.rank() - 1 - axis), '\n');
      line = margin;
    }
    line += word;
  }

  Shape shown_;
  const std::vector<bool>& cut_;
  Words::const_iterator word_;
  PrintOptions options_;
};

// x without the middle of its axis; the two ends are next to each other.
Tensor without_middle(const Tensor& x, int axis, std::int64_t edge) {
  Shape shape = x.shape();
  shape[axis] = 2 * edge;
  Tensor out = Tensor::empty(shape, x.dtype());
  kernels::copy_into(views::slice(out, axis, 0, edge), views::slice(x, axis, 0, edge));
  kernels::copy_into(views::slice(out, axis, edge, 2 * edge),
                     views::slice(x, axis, x.shape()[axis] - edge, x.shape()[axis]));
  return out;
}

}  // namespace

std::string to_string(const Tensor& x, const PrintOptions& options) {
  check(options.precision >= 0 && options.edge_items >= 1 && options.width >= 1, "to_string",
        "needs precision >= 0, edge_items >= 1 and width >= 1, not ", options.precision, ", ",
        options.edge_items, " and ", options.width, ". Leave them at their defaults?");
  if (x.numel() == 0) return "[]";
  Tensor shown = x;
  std::vector<bool> cut(static_cast<std::size_t>(x.rank()), false);
  for (int axis = 0; axis < x.rank() && x.numel() > options.threshold; ++axis) {
    if (x.shape()[axis] <= 2 * options.edge_items) continue;
    cut[static_cast<std::size_t>(axis)] = true;
    shown = without_middle(shown, axis, options.edge_items);
  }
  const Words words = dispatch_all(x.dtype(), [&]<class T>() { return words_of<T>(shown, options); });
  if (x.rank() == 0) return words[0];
  return Layout(shown.shape(), cut, words, options).block(0, 1, options.width);
}

std::ostream& operator<<(std::ostream& out, const Tensor& x) { return out << to_string(x); }

}  // namespace gradus
