// Whether the tape records on this thread.
#pragma once

namespace gradus {

namespace detail {
inline thread_local constinit bool grad_mode_on = true;
}

inline bool grad_mode() { return detail::grad_mode_on; }

// GradMode guard(false): within its scope operations on this thread are (not) recorded.
class GradMode {
 public:
  explicit GradMode(bool on) : before_(detail::grad_mode_on) { detail::grad_mode_on = on; }
  ~GradMode() { detail::grad_mode_on = before_; }
  GradMode(const GradMode&) = delete;
  GradMode& operator=(const GradMode&) = delete;

 private:
  bool before_;
};

// no_grad([&] { ... }) runs the callable without recording and returns what it returns.
template <class F>
decltype(auto) no_grad(F&& f) {
  const GradMode off(false);
  return f();
}

}  // namespace gradus
