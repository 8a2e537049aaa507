// Memory for tensors and tape nodes: 64-byte-aligned pieces from per-thread free lists, so that a training
// step in its steady state never calls the system's allocator.
//
// Sizes are rounded up to classes, eight to each doubling (at most 12.5 % is lost). A freed piece goes on the
// list of its class in the thread that freed it, and the next request of that class takes it: two pointer
// moves. Pieces of 1 MiB and more are shared by all threads behind a lock, and so is what a thread leaves
// when it ends, or holds in plenty while another one must ask the system. Tensors whose sizes change from
// step to step, such as batches of sentences, would leave pieces of every size behind. So where none of the
// class is free, one of these up to twice as large serves, and where there is none either, smaller ones go
// back to the system for the new one.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>

namespace gradus {

struct MemoryStats {
  std::int64_t bytes_in_use;  // held by tensors and nodes now
  std::int64_t peak_bytes;    // the most since reset_peak_memory(); with several threads the sum of theirs
  std::int64_t cached_bytes;  // free, kept for reuse
  std::int64_t system_allocations;  // how often the system was asked since the program began
};

MemoryStats memory_stats();
void reset_peak_memory();
// Gives the calling thread's and the shared free pieces back to the system, but for those below 8 KiB.
void release_cached_memory();

namespace memory {

enum class Fit { exact, or_larger };

// A piece of at least `bytes`; its class, which is that of `bytes` if the fit is exact, must be handed back
// with it. Throws OutOfMemory.
void* allocate(std::size_t bytes, std::uint8_t& size_class, Fit fit);
void deallocate(void* piece, std::uint8_t size_class) noexcept;

inline constexpr std::size_t alignment = 64;

// The class that holds `bytes`, and what a class holds. Classes 0-7 are 64, 128, ... 512 bytes; from there
// eight equal steps lead to each next doubling.
constexpr std::uint8_t class_of(std::size_t bytes) {
  const std::size_t units = bytes == 0 ? 0 : (bytes - 1) / alignment;
  if (units < 8) return static_cast<std::uint8_t>(units);
  const int doubling = static_cast<int>(std::bit_width(units)) - 4;
  return static_cast<std::uint8_t>(8 * doubling + static_cast<int>(units >> doubling));
}
constexpr std::size_t class_bytes(std::uint8_t size_class) {
  if (size_class < 8) return (std::size_t{size_class} + 1) * alignment;
  const int doubling = size_class / 8 - 1;
  return (std::size_t{size_class} % 8 + 8 + 1) * (alignment << doubling);
}

// For standard containers that live for one walk of the tape.
template <class T>
struct PoolAllocator {
  using value_type = T;
  PoolAllocator() = default;
  template <class U>
  PoolAllocator(const PoolAllocator<U>&) {}
  T* allocate(std::size_t count) {
    std::uint8_t size_class;
    return static_cast<T*>(memory::allocate(count * sizeof(T), size_class, Fit::exact));
  }
  void deallocate(T* piece, std::size_t count) { memory::deallocate(piece, class_of(count * sizeof(T))); }
  friend bool operator==(const PoolAllocator&, const PoolAllocator&) { return true; }
};

}  // namespace memory
}  // namespace gradus
