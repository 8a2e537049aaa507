#define CATCH_CONFIG_RUNNER  // Catch2 2 builds its body here; Catch2 3 brings its own.
#include "support/catch.h"

int main(int argc, char* argv[]) { return Catch::Session().run(argc, argv); }
