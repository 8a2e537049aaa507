#include <gradus/autograd/profile.h>

#include <algorithm>
#include <chrono>
#include <sstream>
#include <string>

#include <gradus/autograd/grad_mode.h>
#include <gradus/autograd/ops/elementwise.h>
#include <gradus/autograd/ops/matmul.h>
#include <gradus/autograd/ops/reduce.h>
#include <gradus/core/create.h>

#include "support/catch.h"

using namespace gradus;

namespace {

Profile::Op named(const Profile& profile, const std::string& name) {
  for (const Profile::Op& op : profile.ops())
    if (op.name == name) return op;
  return {};
}

}  // namespace

TEST_CASE("a profile counts an op's calls and its time, forward and backward", "[profile]") {
  const Tensor x = randn({64, 256}), w = randn({256, 256}).requires_grad_();
  const auto begin = std::chrono::steady_clock::now();
  Profile profile;
  for (int i = 0; i < 3; ++i) sum(tanh(matmul(tanh(matmul(x, w)), w))).backward();
  profile.lap("rest");
  const std::chrono::duration<double> passed = std::chrono::steady_clock::now() - begin;
  CHECK(named(profile, "matmul").calls == 6);
  CHECK(named(profile, "tanh").calls == 6);
  CHECK(named(profile, "sum").calls == 3);
  CHECK(named(profile, "rest").calls == 1);
  for (const char* const op : {"matmul", "tanh", "sum"}) {
    CHECK(named(profile, op).forward > 0);
    CHECK(named(profile, op).backward > 0);
  }
  CHECK(named(profile, "rest").backward == 0);
  double all = 0;
  for (const Profile::Op& op : profile.ops()) all += op.seconds();
  CHECK(all <= passed.count());
  const auto ops = profile.ops();
  CHECK(std::is_sorted(ops.begin(), ops.end(),
                       [](const auto& a, const auto& b) { return a.seconds() > b.seconds(); }));
}

TEST_CASE("a profile sees what is recorded while it lives, and the innermost sees it alone", "[profile]") {
  const Tensor x = ones({4}).requires_grad_();
  const auto once = [&] { return sum(tanh(x)); };
  once();
  Profile outer;
  once();
  {
    const Profile inner;
    once(), once();
    CHECK(named(inner, "tanh").calls == 2);
  }
  once();
  no_grad([&] { once(); });
  CHECK(named(outer, "tanh").calls == 2);
}

TEST_CASE("a profile's table fits 80 columns and ends with the totals", "[profile]") {
  const Tensor x = ones({4}).requires_grad_();
  Profile profile;
  sum(tanh(x)).backward();
  profile.lap("a name that is far longer than the column which the table has for it");
  std::istringstream table(profile.table());
  std::string line, last;
  while (std::getline(table, line)) {
    CHECK(line.size() <= 80);
    last = line;
  }
  CHECK(last.starts_with("all"));
  CHECK(last.ends_with("100.0 %"));
  CHECK(Profile().table().ends_with("0.0 %\n"));
}
