// Compiled for any processor of its kind, even where the rest is compiled for one.
#include <gradus/core/processor.h>

#include <cstdio>
#include <cstdlib>

namespace gradus::detail {

std::uint32_t processor_has() {
#if defined(__x86_64__)
  __builtin_cpu_init();  // this runs ahead of what would do it
  // The compiler wants each name written out.
  const bool has[] = {__builtin_cpu_supports("sse4.2") != 0,    __builtin_cpu_supports("popcnt") != 0,
                      __builtin_cpu_supports("avx") != 0,       __builtin_cpu_supports("avx2") != 0,
                      __builtin_cpu_supports("fma") != 0,       __builtin_cpu_supports("bmi") != 0,
                      __builtin_cpu_supports("bmi2") != 0,      __builtin_cpu_supports("avx512f") != 0,
                      __builtin_cpu_supports("avx512cd") != 0,  __builtin_cpu_supports("avx512bw") != 0,
                      __builtin_cpu_supports("avx512dq") != 0,  __builtin_cpu_supports("avx512vl") != 0,
                      __builtin_cpu_supports("avx512vbmi") != 0};
  static_assert(sizeof has == sizeof instruction_sets / sizeof *instruction_sets - 1);
  std::uint32_t sets = 0;
  for (unsigned i = 0; i < sizeof has; ++i) sets |= static_cast<std::uint32_t>(has[i]) << i;
  return sets;
#else
  return ~std::uint32_t{0};
#endif
}

void require_instruction_sets(std::uint32_t needs, std::uint32_t has) {
  const std::uint32_t missing = needs & ~has;
  if (missing == 0) return;
  std::fputs("gradus was compiled for a processor that has", stderr);
  const char* separator = " ";
  for (unsigned i = 0; instruction_sets[i] != nullptr; ++i) {
    if ((missing >> i & 1) == 0) continue;
    std::fputs(separator, stderr);
    std::fputs(instruction_sets[i], stderr);
    separator = ", ";
  }
  std::fputs(", which this one does not have. Build it on this machine, or with GRADUS_NATIVE=OFF.\n",
             stderr);
  std::_Exit(1);
}

}  // namespace gradus::detail
