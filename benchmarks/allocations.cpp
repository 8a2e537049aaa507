#include "allocations.h"

#include <atomic>
#include <cerrno>
#include <cstddef>

namespace {
std::atomic<std::int64_t> calls{0};
void count() { calls.fetch_add(1, std::memory_order_relaxed); }
}  // namespace

namespace gradus::bench {
std::int64_t system_allocations() { return calls.load(std::memory_order_relaxed); }
}  // namespace gradus::bench

// The program's own symbols come before those of the libraries it loads, so every call lands here. glibc
// keeps its versions reachable under these names.
extern "C" {

void* __libc_malloc(std::size_t bytes);
void* __libc_calloc(std::size_t items, std::size_t bytes);
void* __libc_realloc(void* piece, std::size_t bytes);
void* __libc_memalign(std::size_t alignment, std::size_t bytes);

void* malloc(std::size_t bytes) noexcept {
  count();
  return __libc_malloc(bytes);
}
void* calloc(std::size_t items, std::size_t bytes) noexcept {
  count();
  return __libc_calloc(items, bytes);
}
void* realloc(void* piece, std::size_t bytes) noexcept {
  count();
  return __libc_realloc(piece, bytes);
}
void* aligned_alloc(std::size_t alignment, std::size_t bytes) noexcept {
  count();
  return __libc_memalign(alignment, bytes);
}
void* memalign(std::size_t alignment, std::size_t bytes) noexcept {
  count();
  return __libc_memalign(alignment, bytes);
}
int posix_memalign(void** piece, std::size_t alignment, std::size_t bytes) noexcept {
  count();
  *piece = __libc_memalign(alignment, bytes);
  return *piece == nullptr ? ENOMEM : 0;
}
}
