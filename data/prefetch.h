// Batches made in advance by other threads while the model trains.
#pragma once

#include <algorithm>
#include <condition_variable>
#include <cstdint>
#include <exception>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

#include <gradus/core/check.h>
#include <gradus/data/source.h>

namespace gradus::data {

namespace detail {
// Tensors of its own, since what a source calls its state may go on changing.
std::vector<NamedTensor> copy_of(std::vector<NamedTensor> state);
}  // namespace detail

// A source whose batches can be made apart from each other: see Source.
template <class S>
concept HasPlaces = requires(S source, const S& same, Place place) {
  place = source.skip();
  same.at(place);
};

// The batches of another source, the same bits in the same order. Its state is that after the last batch
// that next() has returned, whatever lies ready behind it; where making a batch throws, next() throws that
// and stays where it is, and tries again when called again. One thread calls it.
//
//   data::Prefetch batches(data::window_batches(text, {.batch_size = 32, .block = 64}));
//
// A source that has places may be given several workers. Each takes the next place, makes its batch and
// puts it into that place's slot; next() waits for the slot whose turn it is.
template <class Batches>
class Prefetch {
 public:
  using Batch = decltype(std::declval<Batches&>().next());

  explicit Prefetch(Batches source, int workers = 1)
      : source_(std::move(source)),
        returned_(detail::copy_of(source_.state())),
        workers_(workers),
        slots_(static_cast<std::size_t>(2 * std::max(workers, 1))) {
    check(workers > 0, "prefetch", "needs a worker or more, not ", workers, ". 1?");
    check(workers == 1 || HasPlaces<Batches>, "prefetch",
          "this source makes one batch after the other, which ", workers, " workers cannot share. Use 1?");
  }
  ~Prefetch() { stop(); }
  Prefetch(const Prefetch&) = delete;  // the workers know where it is
  Prefetch& operator=(const Prefetch&) = delete;

  Batch next() {
    if (threads_.empty()) start();
    std::unique_lock lock(mutex_);
    Slot& slot = slot_of(given_);
    made_.wait(lock, [&] { return slot.batch || slot.error; });
    if (slot.error) {
      const std::exception_ptr error = slot.error;
      lock.unlock();
      rewind();
      std::rethrow_exception(error);
    }
    Batch batch = std::move(*slot.batch);
    returned_ = std::move(slot.state);
    slot = {};
    ++given_;
    lock.unlock();
    room_.notify_one();
    return batch;
  }

  std::int64_t batches_per_epoch() const { return source_.batches_per_epoch(); }
  const std::vector<NamedTensor>& state() const { return returned_; }
  void load_state(const std::vector<NamedTensor>& state) {
    rewind();
    source_.load_state(state);
    returned_ = detail::copy_of(source_.state());
  }

 private:
  struct Slot {
    std::optional<Batch> batch;  // or
    std::exception_ptr error;
    std::vector<NamedTensor> state;  // of the source, after this batch
  };

  Slot& slot_of(std::uint64_t batch) { return slots_[batch % slots_.size()]; }

  void start() {
    try {
      for (int i = 0; i < workers_; ++i) threads_.emplace_back([this] { work(); });
    } catch (...) {
      rewind();
      throw;
    }
  }

  void stop() {
    {
      const std::lock_guard lock(mutex_);
      stopping_ = true;
    }
    room_.notify_all();
    for (std::thread& thread : threads_) thread.join();
    threads_.clear();
  }

  // Back to behind the last batch returned, without workers.
  void rewind() {
    stop();
    stopping_ = false;
    taken_ = given_ = 0;
    for (Slot& slot : slots_) slot = {};
    source_.load_state(returned_);
  }

  void work() {
    std::unique_lock lock(mutex_);
    for (bool sound = true; sound;) {
      room_.wait(lock, [this] { return stopping_ || taken_ < given_ + slots_.size(); });
      if (stopping_) return;
      Slot& slot = slot_of(taken_++);
      Slot made = make(lock);
      lock.lock();
      sound = !made.error;
      slot = std::move(made);
      made_.notify_one();
    }
  }

  // Leaves the lock open.
  Slot make(std::unique_lock<std::mutex>& lock) {
    Slot made;
    try {
      if constexpr (HasPlaces<Batches>) {
        const Place place = source_.skip();
        made.state = source_.state();
        lock.unlock();
        made.batch.emplace(source_.at(place));
      } else {
        lock.unlock();
        Batch batch = source_.next();
        made.state = detail::copy_of(source_.state());
        made.batch.emplace(std::move(batch));
      }
    } catch (...) {
      made.error = std::current_exception();
      if (lock.owns_lock()) lock.unlock();
    }
    return made;
  }

  Batches source_;                     // where the next batch to be made is
  std::vector<NamedTensor> returned_;  // the state after the last batch returned
  int workers_;

  std::mutex mutex_;  // of all below, and of source_'s place
  std::condition_variable made_, room_;
  std::vector<Slot> slots_;  // batch i is in slot i modulo their number
  std::uint64_t taken_ = 0, given_ = 0;
  bool stopping_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace gradus::data
