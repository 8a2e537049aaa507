// A Catch2 matcher for gradcheck: REQUIRE_THAT(gradcheck(f, {{"x", x}}), passes_gradcheck()). Brings
// TEST_CASE and REQUIRE_THAT along, from Catch2 2 or 3; the library itself does not include it.
#pragma once

#if __has_include(<catch2/catch_test_macros.hpp>)
#include <catch2/catch_test_macros.hpp>
#include <catch2/catch_tostring.hpp>
#include <catch2/matchers/catch_matchers.hpp>
#else
#include <catch2/catch.hpp>
namespace Catch::Matchers {
using Impl::MatcherBase;  // where Catch2 3 has it
}
#endif

#include <gradus/autograd/gradcheck.h>

namespace gradus {

class PassesGradcheck : public Catch::Matchers::MatcherBase<GradcheckResult> {
 public:
  bool match(const GradcheckResult& result) const override { return result.passed; }
  std::string describe() const override { return "passes the gradient check"; }
};

inline PassesGradcheck passes_gradcheck() { return {}; }

}  // namespace gradus

template <>
struct Catch::StringMaker<gradus::GradcheckResult> {
  static std::string convert(const gradus::GradcheckResult& result) {
    return result.passed ? "all entries agree" : "\n" + result.report;
  }
};
