// Names for stretches of a program ("gpt", "block.3", "attn"), so that anomaly mode and explain can say where
// in the model an op ran: gpt.block.3.attn/softmax.
#pragma once

#include <string>

namespace gradus {

// A place in the tree of scopes entered so far; lives as long as the program.
struct ScopePath;

namespace detail {
inline thread_local constinit const ScopePath* current_scope = nullptr;
}

// The place called `name` below another; null is outside every scope.
const ScopePath* scope_path(const ScopePath* outside, const std::string& name);

// Scope scope("encoder"): ops recorded while it lives belong to it, below the scopes around it.
class Scope {
 public:
  explicit Scope(const std::string& name);
  ~Scope() { detail::current_scope = before_; }
  Scope(const Scope&) = delete;
  Scope& operator=(const Scope&) = delete;

 private:
  const ScopePath* before_;
};

std::string to_string(const ScopePath* path);                  // "gpt.block.3.attn"; "" outside every scope
std::string qualified(const ScopePath* path, const char* op);  // "gpt.block.3.attn/softmax", or "softmax"

}  // namespace gradus
