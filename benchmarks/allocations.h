// How often this program has called malloc or one of its kin, from our code or any library's. Linking
// allocations.cpp puts counting versions in front of the C library's; operator new ends there, too.
#pragma once

#include <cstdint>

namespace gradus::bench {

std::int64_t system_allocations();

}  // namespace gradus::bench
