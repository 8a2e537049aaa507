#include <gradus/autograd/profile.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <utility>

namespace gradus {
namespace {

double now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

}  // namespace

Profile::Profile() : outer_(std::exchange(detail::profile, this)), last_(now()) {}

Profile::~Profile() {
  detail::profile = outer_;
  if (outer_ != nullptr) outer_->last_ = now();
}

void Profile::count(const char* name, int calls, double Op::*time) {
  const double end = now();
  Op& op = ops_[name];
  op.calls += calls;
  op.*time += end - last_;
  last_ = now();  // looking the name up is nobody's time
}

std::vector<Profile::Op> Profile::ops() const {
  std::vector<Op> all;
  for (const auto& [name, op] : ops_) {
    all.push_back(op);
    all.back().name = name;
  }
  std::stable_sort(all.begin(), all.end(),
                   [](const Op& a, const Op& b) { return a.seconds() > b.seconds(); });
  return all;
}

std::string Profile::table() const {
  const std::vector<Op> all = ops();
  double total = 0;
  for (const Op& op : all) total += op.seconds();
  const auto line = [&](const Op& op) {
    char text[128];
    std::snprintf(text, sizeof text, "%-32.32s %8lld %12.3f %12.3f %7.1f %%\n", op.name.c_str(),
                  static_cast<long long>(op.calls), 1e3 * op.forward, 1e3 * op.backward,
                  total > 0 ? 100 * op.seconds() / total : 0.);
    return std::string(text);
  };
  std::string text = "op                                  calls   forward ms  backward ms     share\n";
  Op sum;
  for (const Op& op : all) {
    text += line(op);
    sum.calls += op.calls, sum.forward += op.forward, sum.backward += op.backward;
  }
  sum.name = "all";
  return text + line(sum);
}

}  // namespace gradus
