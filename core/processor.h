// A library built for one machine's processor (GRADUS_NATIVE) may be started on a lesser one,
// where its first instruction unknown there would end the program without a word. So it looks
// before main, and says what is missing.
#pragma once

#include <cstdint>

namespace gradus::detail {

// The names of instruction sets that a compiler may use on its own account, as compilers call them; nullptr
// after the last. Set i is bit i in the masks below.
inline constexpr const char* instruction_sets[] = {
    "sse4.2",  "popcnt",   "avx",      "avx2",     "fma",      "bmi",        "bmi2",
    "avx512f", "avx512cd", "avx512bw", "avx512dq", "avx512vl", "avx512vbmi", nullptr};

// Those that the file which includes this is compiled for.
consteval std::uint32_t compiled_for() {
  std::uint32_t sets = 0;
#if defined(__SSE4_2__)
  sets |= 1u << 0;
#endif
#if defined(__POPCNT__)
  sets |= 1u << 1;
#endif
#if defined(__AVX__)
  sets |= 1u << 2;
#endif
#if defined(__AVX2__)
  sets |= 1u << 3;
#endif
#if defined(__FMA__)
  sets |= 1u << 4;
#endif
#if defined(__BMI__)
  sets |= 1u << 5;
#endif
#if defined(__BMI2__)
  sets |= 1u << 6;
#endif
#if defined(__AVX512F__)
  sets |= 1u << 7;
#endif
#if defined(__AVX512CD__)
  sets |= 1u << 8;
#endif
#if defined(__AVX512BW__)
  sets |= 1u << 9;
#endif
#if defined(__AVX512DQ__)
  sets |= 1u << 10;
#endif
#if defined(__AVX512VL__)
  sets |= 1u << 11;
#endif
#if defined(__AVX512VBMI__)
  sets |= 1u << 12;
#endif
  return sets;
}

// Those that this processor has.
std::uint32_t processor_has();

// Returns where `has` holds all of `needs`; else says in a sentence what is missing and ends the program.
void require_instruction_sets(std::uint32_t needs, std::uint32_t has);

}  // namespace gradus::detail
