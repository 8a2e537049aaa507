// Where a training step's time goes, op by op:   ./gradus bench profile [--threads N] [--filter TEXT]
#include <algorithm>
#include <cstdio>
#include <string>
#include <vector>

#include <gradus/autograd/profile.h>
#include <gradus/core/create.h>
#include <gradus/core/kernels/matmul.h>
#include <gradus/core/parallel.h>

#include "ceilings.h"
#include "report.h"
#include "steps_models.h"

namespace gradus::bench {
namespace {

// Seconds for one operation of a matrix product, with warm caches.
class ProductTime {
 public:
  void measure() {
    kernels::matmul(a_, b_);
    const double start = now();
    kernels::matmul(a_, b_);
    seconds_.push_back((now() - start) / square_.flops());
  }
  double seconds() const { return median(seconds_); }

 private:
  Product square_{1024, 1024, 1024};
  Tensor a_ = randn({square_.m, square_.k}), b_ = randn({square_.k, square_.n});
  std::vector<double> seconds_;
};

void profile_step(const Model& model) {
  std::fprintf(stderr, "[bench] profiling %s\n", model.name);
  const Step step = model.make();
  double once = 0;
  for (int i = 0; i < 3; ++i) {
    const double start = now();
    step.run();
    once = now() - start;
  }
  constexpr int products = 7;
  const int steps = std::clamp(static_cast<int>(1 / once), products, 1000);
  ProductTime product;
  Profile profile;
  for (int i = 0; i < steps; ++i) {
    step.run();
    profile.lap(update_of_weights);
    if (i % (steps / products) != 0) continue;
    const Profile aside;
    product.measure();
  }
  const double of_product = product.seconds();
  double all = 0;
  for (const Profile::Op& op : profile.ops()) all += op.seconds();
  std::printf("\n%-30s %6s %10s %11s %7s %8s\n", model.name, "calls", "forward ms", "backward ms", "share",
              "floor ms");
  const auto print = [&](const Profile::Op& op, double products) {
    std::printf("%-30.30s %6lld %10s %11s %6.1f%% %8s\n", op.name.c_str(),
                static_cast<long long>(op.calls / steps), brief(1e3 * op.forward / steps, 3).c_str(),
                brief(1e3 * op.backward / steps, 3).c_str(), 100 * op.seconds() / all,
                brief(1e3 * products * of_product, 3).c_str());
  };
  Profile::Op sum{.name = "all"};
  for (const Profile::Op& op : profile.ops()) {
    print(op, step.cost_of(op.name).products);
    sum.calls += op.calls, sum.forward += op.forward, sum.backward += op.backward;
  }
  print(sum, step.products);
  std::fflush(stdout);
}

void body(int count, char** words) {
  const Arguments arguments(
      count, words, "Says where the time of our training steps goes, op by op.",
      {{"--filter", "TEXT", "only steps whose name holds TEXT"}, {"--threads", "N", "so many threads; 1"}});
  const std::string filter = arguments.value("--filter").value_or("");
  const std::vector<int> thread_counts = thread_counts_in(arguments.value("--threads").value_or("1"));
  if (thread_counts.size() != 1) throw Misuse("profile takes one number of threads. --threads 1?");
  set_threads(thread_counts[0]);
  bool any = false;
  for (const Model& model : models()) {
    if (std::string(model.name).find(filter) == std::string::npos) continue;
    profile_step(model);
    any = true;
  }
  if (!any) throw Misuse("no step has '" + filter + "' in its name. Leave --filter out?");
}

}  // namespace
}  // namespace gradus::bench

int main(int count, char** words) { return gradus::bench::run_program(gradus::bench::body, count, words); }
