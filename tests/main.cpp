#define CATCH_CONFIG_RUNNER  // Catch2 2 builds its body here; Catch2 3 brings its own.
#include "support/catch.h"

#include <gradus/core/random.h>

namespace {

#if __has_include(<catch2/catch_all.hpp>)
using Listener = Catch::EventListenerBase;
#else
using Listener = Catch::TestEventListenerBase;
#endif

// What a test draws does not depend on the tests that ran before it.
struct SeedsEachTest : Listener {
  using Listener::Listener;
  void testCaseStarting(const Catch::TestCaseInfo&) override { gradus::manual_seed(0); }
};
CATCH_REGISTER_LISTENER(SeedsEachTest)

}  // namespace

int main(int argc, char* argv[]) { return Catch::Session().run(argc, argv); }
