// The one place that starts threads. Work is cut into chunks that depend on its size alone, never on the
// number of threads, so that every result has the same bits at 1 thread and at 16.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <type_traits>

namespace gradus {

// OMP_NUM_THREADS where it is set, else the cores that this process may use
// (affinity and the container's quota).
int threads();
void set_threads(int count);

// How many parallel regions have run: lets a test see that its input was large enough to start one.
std::int64_t parallel_regions();

namespace detail {
// The cores that a container's CPU quota allows, rounded up; 0 where there is no quota. `cgroup` is the
// folder where Linux tells of it, in version 2 or 1 of its layout.
int cores_by_quota(const std::string& cgroup);
}  // namespace detail

// A reference to a callable that outlives the call; costs no allocation, unlike std::function.
template <class Signature>
class FunctionRef;
template <class... Args>
class FunctionRef<void(Args...)> {
 public:
  template <class F>
  FunctionRef(F&& f)  // implicit, so that a lambda can be passed as it is
      : object_(const_cast<void*>(static_cast<const void*>(std::addressof(f)))),
        call_([](void* object, Args... args) {
          (*static_cast<std::remove_reference_t<F>*>(object))(args...);
        }) {}
  void operator()(Args... args) const { call_(object_, args...); }

 private:
  void* object_;
  void (*call_)(void*, Args...);
};

// Calls task(i) for each i in [0, count), on several threads where that is allowed. An exception in a task
// comes out of this call. Inside a task, a further call runs on the task's own thread.
void parallel_tasks(std::int64_t count, FunctionRef<void(std::int64_t)> task);

// Calls body(begin, end) for [0, size) in chunks of `grain`. Below two chunks no thread is started, and the
// call costs what a loop costs.
template <class Body>
void parallel_for(std::int64_t size, std::int64_t grain, const Body& body) {
  if (size <= grain) {
    if (size > 0) body(std::int64_t{0}, size);
    return;
  }
  parallel_tasks((size + grain - 1) / grain, [&](std::int64_t chunk) {
    const std::int64_t begin = chunk * grain;
    body(begin, size - begin < grain ? size : begin + grain);
  });
}

}  // namespace gradus
