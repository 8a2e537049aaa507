// Files, whole: read in one piece, mapped, or replaced in one piece.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>
#include <utility>

namespace gradus {

// A file's bytes. Refuses what is not a regular file.
std::string read_file(const std::string& path);

// Makes a folder, and those above it, where they are not there.
void make_folder(const std::string& path);

// A file's bytes where the system keeps them: a page comes into memory when it is looked at, and may go when
// memory is short, so that a file may be larger than memory. It must not become shorter meanwhile: the system
// would end the process that looks at what is gone. Refuses what read_file does.
class MappedFile {
 public:
  explicit MappedFile(const std::string& path);
  ~MappedFile();
  MappedFile(MappedFile&& other) noexcept : bytes_(std::exchange(other.bytes_, {})) {}
  MappedFile& operator=(MappedFile&& other) noexcept {
    std::swap(bytes_, other.bytes_);
    return *this;
  }

  std::string_view bytes() const { return bytes_; }

 private:
  std::string_view bytes_;  // without data where the file is empty
};

// What a writer hands its bytes to, one piece after the other.
using Sink = std::function<void(std::string_view)>;

// Writes what `writer` hands to its sink into a new file beside `path`, `path`.tmp, makes sure that it is on
// the disk, and puts it in the place of `path` in one step: whatever stops it, an error or a kill, the file
// there is the old one or the new one, whole. An error leaves nothing else; a kill may leave the .tmp, which
// the next call writes over. Of two that write to one path at once, the second is refused.
void write_atomically(const std::string& path, const std::function<void(const Sink&)>& writer);

namespace detail {

// The system's calls that write_atomically makes: they return what the system's do and set errno. A test puts
// its own in their place, and lets each fail in turn.
class FileCalls {
 public:
  virtual ~FileCalls() = default;
  virtual int open(const char* path, int flags, unsigned mode);
  // Takes an open file, empties it, and keeps it until it is closed; fails with EAGAIN where somebody else
  // has it, or has just moved it away from `path`.
  virtual int claim(int file, const char* path);
  virtual std::ptrdiff_t write(int file, const char* bytes, std::size_t size);
  virtual int fsync(int file);
  virtual int close(int file);
  virtual int rename(const char* from, const char* to);
  virtual int unlink(const char* path);
};
extern FileCalls* file_calls;

}  // namespace detail
}  // namespace gradus
