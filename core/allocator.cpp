#include <gradus/core/allocator.h>

#include <array>
#include <atomic>
#include <cstdlib>
#include <mutex>
#include <sstream>
#include <utility>
#include <vector>

#include <gradus/core/check.h>

#if defined(__SANITIZE_ADDRESS__)
#define GRADUS_POISON_FREE_PIECES 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define GRADUS_POISON_FREE_PIECES 1
#endif
#endif
#ifdef GRADUS_POISON_FREE_PIECES
#include <sanitizer/asan_interface.h>
#else
#define ASAN_POISON_MEMORY_REGION(piece, bytes) ((void)(piece), (void)(bytes))
#define ASAN_UNPOISON_MEMORY_REGION(piece, bytes) ((void)(piece), (void)(bytes))
#endif

namespace gradus {
namespace memory {
namespace {

constexpr int classes = 256;
constexpr std::int64_t shared_from = std::int64_t{1} << 20;  // pieces from here on are shared between threads
constexpr std::size_t slab_bytes = std::size_t{1} << 16;     // small pieces are cut from slabs of this size
constexpr std::size_t slab_pieces_below = std::size_t{1} << 13;
constexpr std::int64_t worth_sharing = std::int64_t{1} << 22;  // a thread keeps less than this for itself

// A free piece holds the link to the next one itself, behind the first bytes, where a Block has its counts.
// Under AddressSanitizer those are poisoned while the piece is free, so that a handle used too late is found;
// the link is not, so that the leak checker can follow it.
struct FreePiece {
  std::uint64_t counts_of_block;
  FreePiece* next;
};

FreePiece* pop(FreePiece*& list) { return std::exchange(list, list->next); }

void push(FreePiece*& list, void* memory, std::uint8_t size_class) {
  auto* piece = static_cast<FreePiece*>(memory);
  ASAN_POISON_MEMORY_REGION(memory, class_bytes(size_class));
  ASAN_UNPOISON_MEMORY_REGION(&piece->next, sizeof piece->next);
  piece->next = list;
  list = piece;
}

// Bytes of a thread, or of all that no thread has. `held` counts what is in use and what is free, so that a
// piece which goes from one to the other, as happens all the time, changes `in_use` alone.
struct Counters {
  // Written by the owning thread alone and read by memory_stats() from any: relaxed loads and stores, which
  // cost no more than plain ones and are never seen half done.
  std::atomic<std::int64_t> in_use{0}, peak{0}, held{0};

  std::int64_t cached() const {
    return held.load(std::memory_order_relaxed) - in_use.load(std::memory_order_relaxed);
  }
  void hold(std::int64_t bytes) {
    held.store(held.load(std::memory_order_relaxed) + bytes, std::memory_order_relaxed);
  }
  void take(std::int64_t bytes) {
    const std::int64_t now = in_use.load(std::memory_order_relaxed) + bytes;
    in_use.store(now, std::memory_order_relaxed);
    if (now > peak.load(std::memory_order_relaxed)) peak.store(now, std::memory_order_relaxed);
  }
  void give_back(std::int64_t bytes) {
    in_use.store(in_use.load(std::memory_order_relaxed) - bytes, std::memory_order_relaxed);
  }
};

// The first free piece of a class goes back to the system.
void give_back(std::array<FreePiece*, classes>& lists, std::uint8_t size_class, Counters& counters) {
  void* const piece = pop(lists[size_class]);
  ASAN_UNPOISON_MEMORY_REGION(piece, class_bytes(size_class));
  std::free(piece);
  counters.hold(-static_cast<std::int64_t>(class_bytes(size_class)));
}

struct ThreadCache;

// What outlives every thread. Never destroyed: tensors in static storage may be freed after main.
struct Shared {
  std::mutex mutex;
  std::array<FreePiece*, classes> free{};
  std::vector<ThreadCache*> threads;
  Counters counters;  // of what threads that have ended use, and of the free pieces here; guarded by `mutex`
  std::atomic<std::int64_t> system_allocations{0};
};
Shared& shared() {
  static Shared* const instance = new Shared;
  return *instance;
}

[[noreturn]] void refuse(std::size_t asked) {
  std::ostringstream text;
  text << "[allocate] the system has no " << asked << " bytes; " << memory_stats().bytes_in_use
       << " are in use by tensors. Use a smaller batch?";
  throw OutOfMemory(text.str());
}

void* from_system(std::size_t bytes, std::size_t asked) {
  shared().system_allocations.fetch_add(1, std::memory_order_relaxed);
  void* piece = std::aligned_alloc(alignment, bytes);
  if (piece == nullptr) {
    release_cached_memory();
    piece = std::aligned_alloc(alignment, bytes);
  }
  if (piece == nullptr) refuse(asked);
  return piece;
}

// Such a piece cannot be given back to the system by itself.
bool is_cut_from_slab(std::uint8_t size_class) { return class_bytes(size_class) < slab_pieces_below; }

struct ThreadCache {
  std::array<FreePiece*, classes> free{};
  Counters counters;
  std::atomic<bool> asked_to_share{false};
  std::byte* slab = nullptr;
  std::size_t slab_left = 0;

  ThreadCache() {
    const std::lock_guard lock(shared().mutex);
    shared().threads.push_back(this);
  }
  // Another thread will use what this one leaves behind.
  ~ThreadCache();

  // A piece for an empty list.
  void* take(std::uint8_t size_class, std::size_t asked) {
    const std::size_t bytes = class_bytes(size_class);
    if (void* const piece = take_shared(size_class)) return piece;
    if (is_cut_from_slab(size_class)) {
      if (slab_left < bytes) {
        while (slab_left >= alignment) give_rest_of_slab();
        slab = static_cast<std::byte*>(from_system(slab_bytes, asked));
        slab_left = slab_bytes;
        counters.hold(static_cast<std::int64_t>(slab_bytes));
        ASAN_POISON_MEMORY_REGION(slab, slab_bytes);
      }
      void* piece = slab;
      slab += bytes;
      slab_left -= bytes;
      return piece;
    }
    void* const piece = from_system(bytes, asked);
    counters.hold(static_cast<std::int64_t>(bytes));
    return piece;
  }

  // What other threads left. Where one thread makes tensors that another frees, the pieces gather in the
  // lists of the second; it is asked to share them, so that the first need not ask the system for ever.
  void* take_shared(std::uint8_t size_class);

  // Puts this thread's free pieces where all can take them; the lock is held.
  void share();

  // The end of a slab that is too short for the piece asked for still serves smaller ones.
  void give_rest_of_slab() {
    std::uint8_t size_class = class_of(slab_left);
    while (class_bytes(size_class) > slab_left || !is_cut_from_slab(size_class)) --size_class;
    push(free[size_class], slab, size_class);
    slab += class_bytes(size_class);
    slab_left -= class_bytes(size_class);
  }
};

// Trivially destroyed, so that tensors freed after this thread's cache is gone still find out.
thread_local constinit ThreadCache* cache = nullptr;
thread_local constinit bool cache_ended = false;

struct CacheOwner {
  ThreadCache instance;
  CacheOwner() { cache = &instance; }
  ~CacheOwner() {
    cache = nullptr;
    cache_ended = true;
  }
};

[[gnu::noinline]] ThreadCache* make_thread_cache() {
  if (!cache_ended) thread_local CacheOwner owner;
  return cache;
}

inline ThreadCache* thread_cache() { return cache != nullptr ? cache : make_thread_cache(); }

// A piece that all may take, held from now on by `taker`; or null. The lock is held.
void* pop_shared(std::uint8_t size_class, Counters& taker) {
  if (shared().free[size_class] == nullptr) return nullptr;
  const auto bytes = static_cast<std::int64_t>(class_bytes(size_class));
  shared().counters.hold(-bytes);
  taker.hold(bytes);
  return pop(shared().free[size_class]);
}

// The same; of a larger class, which is then `size_class`, where that is wanted and there is none of its own.
void* pop_shared(std::uint8_t& size_class, Fit fit, Counters& taker) {
  const std::size_t most = fit == Fit::exact ? class_bytes(size_class) : 2 * class_bytes(size_class);
  for (int i = size_class; i < classes && class_bytes(static_cast<std::uint8_t>(i)) <= most; ++i) {
    const auto fitting = static_cast<std::uint8_t>(i);
    if (void* const piece = pop_shared(fitting, taker)) {
      size_class = fitting;
      return piece;
    }
  }
  return nullptr;
}

void* ThreadCache::take_shared(std::uint8_t size_class) {
  const std::lock_guard lock(shared().mutex);
  if (void* const piece = pop_shared(size_class, counters)) return piece;
  for (ThreadCache* const other : shared().threads)
    if (other != this && other->counters.cached() > worth_sharing)
      other->asked_to_share.store(true, std::memory_order_relaxed);
  return nullptr;
}

void ThreadCache::share() {
  asked_to_share.store(false, std::memory_order_relaxed);
  std::int64_t bytes = 0;
  for (int i = 0; i < classes; ++i) {
    const auto size_class = static_cast<std::uint8_t>(i);
    for (; free[i] != nullptr; bytes += static_cast<std::int64_t>(class_bytes(size_class)))
      push(shared().free[i], pop(free[i]), size_class);
  }
  counters.hold(-bytes);
  shared().counters.hold(bytes);
}

ThreadCache::~ThreadCache() {
  const std::lock_guard lock(shared().mutex);
  std::erase(shared().threads, this);
  while (slab_left >= alignment) give_rest_of_slab();
  share();
  Counters& left = shared().counters;
  const std::int64_t peak = left.peak + counters.peak;
  left.take(counters.in_use);
  left.peak = peak;
  left.hold(counters.held);
}

// Where a thread counts; one whose cache has ended counts with the dead, under the lock.
Counters& counters_of(ThreadCache* own) { return own != nullptr ? own->counters : shared().counters; }

// Free pieces of together at most a piece's size, the largest first, go back to the system: where sizes grow
// from step to step, those of earlier steps fit no more. The lock is held.
void give_back_smaller(std::uint8_t size_class) {
  auto left = static_cast<std::int64_t>(class_bytes(size_class));
  for (int i = size_class - 1; i >= class_of(shared_from); --i) {
    const auto smaller = static_cast<std::uint8_t>(i);
    const auto bytes = static_cast<std::int64_t>(class_bytes(smaller));
    for (; left >= bytes && shared().free[smaller] != nullptr; left -= bytes)
      give_back(shared().free, smaller, shared().counters);
  }
}

void* allocate_shared(Counters& taker, std::uint8_t& size_class, Fit fit, std::size_t asked) {
  std::unique_lock lock(shared().mutex);
  void* piece = pop_shared(size_class, fit, taker);
  const auto bytes = static_cast<std::int64_t>(class_bytes(size_class));
  if (piece == nullptr) {
    if (bytes >= shared_from) give_back_smaller(size_class);
    lock.unlock();
    piece = from_system(class_bytes(size_class), asked);
    lock.lock();
    taker.hold(bytes);
  }
  taker.take(bytes);
  return piece;
}

// Where the thread's own list is empty, or there is none for such a piece.
[[gnu::noinline]] void* allocate_elsewhere(std::uint8_t& size_class, Fit fit, std::size_t asked) {
  ThreadCache* const own = thread_cache();
  const auto bytes = static_cast<std::int64_t>(class_bytes(size_class));
  if (bytes >= shared_from || own == nullptr)
    return allocate_shared(counters_of(own), size_class, fit, asked);
  void* const piece = own->take(size_class, asked);
  own->counters.take(bytes);
  return piece;
}

}  // namespace

void* allocate(std::size_t bytes, std::uint8_t& size_class, Fit fit) {
  if (bytes > class_bytes(classes - 1)) refuse(bytes);
  size_class = class_of(bytes);
  void* piece;
  if (ThreadCache* const own = cache; own != nullptr && own->free[size_class] != nullptr) [[likely]] {
    piece = pop(own->free[size_class]);
    own->counters.take(static_cast<std::int64_t>(class_bytes(size_class)));
  } else {
    piece = allocate_elsewhere(size_class, fit, bytes);
  }
  ASAN_UNPOISON_MEMORY_REGION(piece, class_bytes(size_class));
  return piece;
}

void deallocate(void* piece, std::uint8_t size_class) noexcept {
  const auto bytes = static_cast<std::int64_t>(class_bytes(size_class));
  ThreadCache* const own = thread_cache();
  if (bytes < shared_from && own != nullptr) {
    push(own->free[size_class], piece, size_class);
    own->counters.give_back(bytes);
    if (own->asked_to_share.load(std::memory_order_relaxed)) [[unlikely]] {
      const std::lock_guard lock(shared().mutex);
      own->share();
    }
    return;
  }
  const std::lock_guard lock(shared().mutex);
  push(shared().free[size_class], piece, size_class);
  counters_of(own).give_back(bytes);
  counters_of(own).hold(-bytes);
  shared().counters.hold(bytes);
}

}  // namespace memory

MemoryStats memory_stats() {
  using namespace memory;
  const std::lock_guard lock(shared().mutex);
  const Counters& common = shared().counters;
  MemoryStats sum{common.in_use, common.peak, common.cached(), shared().system_allocations};
  for (const ThreadCache* thread : shared().threads) {
    sum.bytes_in_use += thread->counters.in_use;
    sum.peak_bytes += thread->counters.peak;
    sum.cached_bytes += thread->counters.cached();
  }
  return sum;
}

void reset_peak_memory() {
  using namespace memory;
  const std::lock_guard lock(shared().mutex);
  shared().counters.peak.store(shared().counters.in_use);
  for (ThreadCache* thread : shared().threads) thread->counters.peak.store(thread->counters.in_use);
}

void release_cached_memory() {
  using namespace memory;
  ThreadCache* const own = thread_cache();  // made before the lock is held, which making it needs
  const std::lock_guard lock(shared().mutex);
  const auto release = [](std::array<FreePiece*, classes>& lists, Counters& counters) {
    for (int i = 0; i < classes; ++i) {
      const auto size_class = static_cast<std::uint8_t>(i);
      if (is_cut_from_slab(size_class)) continue;  // a slab cannot be given back piece by piece
      while (lists[i] != nullptr) give_back(lists, size_class, counters);
    }
  };
  release(shared().free, shared().counters);
  if (own != nullptr) release(own->free, own->counters);
}

}  // namespace gradus
