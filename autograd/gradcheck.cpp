#include <gradus/autograd/gradcheck.h>

#include <cmath>
#include <random>
#include <sstream>

#include <gradus/autograd/engine.h>
#include <gradus/autograd/grad_mode.h>
#include <gradus/core/kernels/copy.h>

namespace gradus::detail {
namespace {

constexpr int lines_reported = 10;
constexpr int directions = 4;  // for each input of a Jacobian too large to be compared whole

// Element `flat` in row-major order, wherever the strides put it.
double& element(const Tensor& x, std::int64_t flat) {
  std::int64_t offset = 0;
  const Shape position = position_of(flat, x.shape());
  for (int axis = 0; axis < x.rank(); ++axis) offset += position[axis] * x.strides()[axis];
  return x.data<double>()[offset];
}

std::string place(const Shape& shape, std::int64_t flat) {
  std::ostringstream text;
  text << '[';
  const char* separator = "";
  for (const std::int64_t i : position_of(flat, shape)) text << std::exchange(separator, ", ") << i;
  text << ']';
  return text.str();
}

using Values = std::vector<std::vector<double>>;  // for each tensor its elements

// One comparison after another; keeps the first lines of the report.
class Comparison {
 public:
  explicit Comparison(const GradcheckOptions& options) : options_(options) {}

  void compare(double analytic, double numeric, const std::function<std::string()>& where) {
    ++result_.compared;
    const double difference = std::abs(analytic - numeric);
    if (difference <= options_.atol + options_.rtol * std::abs(numeric)) return;  // false for NaN as well
    result_.passed = false;
    if (++failures_ > lines_reported) return;
    std::ostringstream line;
    line.precision(10);
    line << where() << ": analytic " << analytic << ", numeric " << numeric << ", they differ by "
         << difference << '\n';
    result_.report += line.str();
  }
  void fail(const std::string& line) {
    result_.passed = false;
    result_.report += line + '\n';
  }
  GradcheckResult finish() {
    if (failures_ > lines_reported) {
      std::ostringstream line;
      line << "and " << failures_ - lines_reported << " more of " << result_.compared << " entries\n";
      result_.report += line.str();
    }
    return result_;
  }

 private:
  const GradcheckOptions& options_;
  GradcheckResult result_;
  std::int64_t failures_ = 0;
};

class Gradcheck {
 public:
  Gradcheck(const Outputs& f, const std::vector<NamedTensor>& inputs, const GradcheckOptions& options)
      : f_(f), inputs_(inputs), options_(options), comparison_(options), random_(options.seed) {
    for (const NamedTensor& input : inputs_) leaves_.push_back(input.value);
  }

  GradcheckResult run() {
    const Values once = values(), again = values();
    if (once != again && !holds_nan(once)) {
      comparison_.fail(
          "the function is not deterministic: two calls gave different outputs. Seed its generator inside?");
      return comparison_.finish();
    }
    shapes_.clear();
    for (const Tensor& output : f_()) shapes_.push_back(output.shape());
    std::int64_t in = 0, out = 0;
    for (const Tensor& leaf : leaves_) in += leaf.numel();
    for (const std::vector<double>& output : once) out += static_cast<std::int64_t>(output.size());
    if (in * out <= options_.largest_jacobian)
      compare_whole(once);
    else
      compare_projections(once);
    return comparison_.finish();
  }

 private:
  static bool holds_nan(const Values& values) {
    for (const auto& tensor : values)
      for (const double value : tensor)
        if (std::isnan(value)) return true;
    return false;
  }

  Values values() const {
    return no_grad([&] {
      Values all;
      for (const Tensor& output : f_()) {
        check(output.dtype() == f64, "gradcheck", "output ", all.size(), " is ", output.dtype(),
              "; differences prove something in f64 alone. Does the function convert?");
        all.push_back(output.to_vector<double>());
      }
      return all;
    });
  }

  // (f(x + eps u) - f(x - eps u)) / 2 eps, where `move(step)` puts the input at x + step u.
  template <class Move>
  Values difference(const Move& move) const {
    move(options_.eps);
    Values up = values();
    move(-options_.eps);
    const Values down = values();
    move(0);
    for (std::size_t k = 0; k < up.size(); ++k)
      for (std::size_t i = 0; i < up[k].size(); ++i) up[k][i] = (up[k][i] - down[k][i]) / (2 * options_.eps);
    return up;
  }

  // v^T J for the cotangents v, as elements of each input; zeros where an input has no part.
  Values pulled_back(const Values& cotangents) const {
    const std::vector<Tensor> outputs = f_();
    std::vector<Tensor> used, seeds;
    for (std::size_t k = 0; k < outputs.size(); ++k) {
      if (!outputs[k].requires_grad()) continue;
      Tensor seed = Tensor::empty(outputs[k].shape(), f64);
      std::copy(cotangents[k].begin(), cotangents[k].end(), seed.data<double>());
      used.push_back(outputs[k]);
      seeds.push_back(seed);
    }
    Values all;
    const std::vector<Tensor> gradients = grad(used, leaves_, seeds, {.allow_unused = true});
    for (std::size_t j = 0; j < leaves_.size(); ++j)
      all.push_back(gradients[j].defined()
                        ? gradients[j].to_vector<double>()
                        : std::vector<double>(static_cast<std::size_t>(leaves_[j].numel()), 0.0));
    return all;
  }

  void compare_whole(const Values& at) {
    // numeric[j][i]: the outputs' change with element i of input j.
    std::vector<std::vector<Values>> numeric(leaves_.size());
    for (std::size_t j = 0; j < leaves_.size(); ++j)
      for (std::int64_t i = 0; i < leaves_[j].numel(); ++i) {
        double& moved = element(leaves_[j], i);
        numeric[j].push_back(difference([&moved, x = moved](double step) { moved = x + step; }));
      }
    Values cotangents = at;
    for (auto& output : cotangents) std::fill(output.begin(), output.end(), 0.0);
    for (std::size_t k = 0; k < at.size(); ++k)
      for (std::size_t o = 0; o < at[k].size(); ++o) {
        cotangents[k][o] = 1;
        const Values analytic = pulled_back(cotangents);
        cotangents[k][o] = 0;
        for (std::size_t j = 0; j < leaves_.size(); ++j)
          for (std::size_t i = 0; i < analytic[j].size(); ++i)
            comparison_.compare(analytic[j][i], numeric[j][i][k][o], [&] {
              return output_name(k, at.size()) + place(shapes_[k], static_cast<std::int64_t>(o)) + " by " +
                     inputs_[j].name + place(leaves_[j].shape(), static_cast<std::int64_t>(i));
            });
      }
  }

  void compare_projections(const Values& at) {
    Values cotangents = at;
    for (auto& output : cotangents) randomise(output);
    const Values analytic = pulled_back(cotangents);
    for (std::size_t j = 0; j < leaves_.size(); ++j)
      for (int d = 0; d < directions; ++d) {
        std::vector<double> direction(analytic[j].size()), origin(analytic[j].size());
        randomise(direction);
        for (std::size_t i = 0; i < origin.size(); ++i)
          origin[i] = element(leaves_[j], static_cast<std::int64_t>(i));
        const Values change = difference([&](double step) {
          for (std::size_t i = 0; i < origin.size(); ++i)
            element(leaves_[j], static_cast<std::int64_t>(i)) = origin[i] + step * direction[i];
        });
        double along_analytic = 0, along_numeric = 0;
        for (std::size_t i = 0; i < direction.size(); ++i) along_analytic += analytic[j][i] * direction[i];
        for (std::size_t k = 0; k < change.size(); ++k)
          for (std::size_t i = 0; i < change[k].size(); ++i) along_numeric += cotangents[k][i] * change[k][i];
        comparison_.compare(along_analytic, along_numeric, [&] {
          return "random projection " + std::to_string(d) + " of the outputs by " + inputs_[j].name;
        });
      }
  }

  static std::string output_name(std::size_t k, std::size_t count) {
    return count == 1 ? "output" : "output " + std::to_string(k) + " ";
  }

  // Length about one, so that eps stays the size of the step and the projections the size of an entry.
  void randomise(std::vector<double>& values) {
    std::normal_distribution<double> normal(
        0, 1 / std::sqrt(static_cast<double>(std::max<std::size_t>(values.size(), 1))));
    for (double& value : values) value = normal(random_);
  }

  const Outputs& f_;
  const std::vector<NamedTensor>& inputs_;
  const GradcheckOptions& options_;
  Comparison comparison_;
  std::mt19937_64 random_;
  std::vector<Tensor> leaves_;
  std::vector<Shape> shapes_;
};

}  // namespace

GradcheckResult gradcheck(const Outputs& f, const std::vector<NamedTensor>& inputs,
                          const GradcheckOptions& options) {
  check(!inputs.empty(), "gradcheck",
        "there is no input to check. Name the tensors: gradcheck(f, {{\"x\", x}})?");
  for (const NamedTensor& input : inputs) {
    check(input.value.dtype() == f64, "gradcheck", "input '", input.name, "' is ", input.value.dtype(),
          "; differences in f32 prove nothing. Convert with .to(f64)?");
    check(input.value.requires_grad() && input.value.is_leaf(), "gradcheck", "input '", input.name,
          "' is not a leaf that asks for a gradient. Call requires_grad_() on it?");
  }
  GradcheckResult result = Gradcheck(f, inputs, options).run();
  if (!options.second_order || !result.passed) return result;

  // The gradient as a function of the inputs and of the cotangents it is linear in, checked in the same way.
  std::vector<NamedTensor> all = inputs;
  std::vector<Tensor> leaves, cotangents;
  for (const NamedTensor& input : inputs) leaves.push_back(input.value);
  std::mt19937_64 random(options.seed + 1);
  for (const Tensor& output : f()) {
    Tensor cotangent = kernels::full(output.shape(), 1, f64);
    std::uniform_real_distribution<double> uniform(-1, 1);
    for (std::int64_t i = 0; i < cotangent.numel(); ++i) cotangent.data<double>()[i] = uniform(random);
    cotangents.push_back(cotangent);
    if (!output.requires_grad()) continue;
    cotangent.requires_grad_();
    all.push_back({"cotangent " + std::to_string(cotangents.size() - 1), cotangent});
  }
  const Outputs gradient = [&] {
    const GradMode recording(true);  // the values are asked for without, but the gradient needs the tape
    const std::vector<Tensor> outputs = f();
    std::vector<Tensor> used, seeds;
    for (std::size_t k = 0; k < outputs.size(); ++k) {
      if (!outputs[k].requires_grad()) continue;
      used.push_back(outputs[k]);
      seeds.push_back(cotangents[k]);
    }
    std::vector<Tensor> gradients = grad(used, leaves, seeds, {.create_graph = true, .allow_unused = true});
    std::erase_if(gradients, [](const Tensor& g) { return !g.defined(); });
    return gradients;
  };
  GradcheckResult second = Gradcheck(gradient, all, options).run();
  second.compared += result.compared;
  if (!second.passed) second.report = "in the second derivative:\n" + second.report;
  return second;
}

}  // namespace gradus::detail
