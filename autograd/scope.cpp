#include <gradus/autograd/scope.h>

#include <map>
#include <memory>
#include <mutex>

namespace gradus {

struct ScopePath {
  const ScopePath* parent;
  std::string name;
  mutable std::map<std::string, std::unique_ptr<ScopePath>, std::less<>> inner;
};

// Paths are interned: a node of the tape keeps one pointer, and a model that runs for days adds no more.
const ScopePath* scope_path(const ScopePath* outside, const std::string& name) {
  static std::mutex mutex;
  static auto* const root = new ScopePath{nullptr, "", {}};
  const std::lock_guard lock(mutex);
  auto& path = (outside != nullptr ? outside : root)->inner[name];
  if (path == nullptr) path = std::make_unique<ScopePath>(ScopePath{outside, name, {}});
  return path.get();
}

Scope::Scope(const std::string& name) : before_(detail::current_scope) {
  detail::current_scope = scope_path(before_, name);
}

std::string to_string(const ScopePath* path) {
  if (path == nullptr) return "";
  return path->parent == nullptr ? path->name : to_string(path->parent) + "." + path->name;
}

std::string qualified(const ScopePath* path, const char* op) {
  return path == nullptr ? op : to_string(path) + "/" + op;
}

}  // namespace gradus
