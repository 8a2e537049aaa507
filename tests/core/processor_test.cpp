#include <gradus/core/processor.h>

#include <sys/wait.h>
#include <unistd.h>

#include <string>

#include "support/catch.h"

using namespace gradus::detail;

namespace {

// What a program says on its error stream, and the code it ends with, where these instruction sets meet.
struct Ended {
  std::string said;
  int code;
};
Ended started_where(std::uint32_t needs, std::uint32_t has) {
  int ends[2];
  REQUIRE(pipe(ends) == 0);
  const pid_t child = fork();
  if (child == 0) {
    dup2(ends[1], STDERR_FILENO);
    require_instruction_sets(needs, has);
    _exit(0);
  }
  close(ends[1]);
  Ended ended{"", -1};
  for (char c; read(ends[0], &c, 1) == 1;) ended.said += c;
  close(ends[0]);
  int status = -1;
  waitpid(child, &status, 0);
  if (WIFEXITED(status)) ended.code = WEXITSTATUS(status);
  return ended;
}

std::uint32_t mask_of(const std::string& name) {
  for (unsigned i = 0; instruction_sets[i] != nullptr; ++i)
    if (name == instruction_sets[i]) return 1u << i;
  return 0;
}

}  // namespace

TEST_CASE("a native library started on a lesser processor says so in a sentence", "[processor][error]") {
  const std::uint32_t avx2 = mask_of("avx2"), avx512 = mask_of("avx512f") | mask_of("avx512vl");
  REQUIRE(avx2 != 0);
  const Ended one = started_where(avx2, ~avx2), two = started_where(avx2 | avx512, ~avx512);
  CHECK(one.said ==
        "gradus was compiled for a processor that has avx2, which this one does not have. Build it on this "
        "machine, "
        "or with GRADUS_NATIVE=OFF.\n");
  CHECK(one.code == 1);
  CHECK(
      two.said.starts_with("gradus was compiled for a processor that has avx512f, avx512vl, which this one"));
  CHECK(two.code == 1);
}

TEST_CASE("on the processor it was compiled for, or a better one, a library says nothing", "[processor]") {
  CHECK((compiled_for() & ~processor_has()) == 0);  // or this test would not have started
  const Ended same = started_where(processor_has(), processor_has()), plain = started_where(0, 0);
  CHECK(same.said + plain.said == "");
  CHECK(same.code + plain.code == 0);
}

#if defined(__x86_64__)
TEST_CASE("each instruction set the compiler uses is asked of the processor", "[processor]") {
#if defined(__AVX2__)
  CHECK((compiled_for() & mask_of("avx2")) != 0);
  CHECK((processor_has() & mask_of("avx2")) != 0);
#endif
#if defined(__AVX512F__)
  CHECK((compiled_for() & mask_of("avx512f")) != 0);
#endif
  CHECK(mask_of("avx512vbmi") == 1u << 12);
}
#endif
