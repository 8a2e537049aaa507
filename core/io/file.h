// Files, whole: read in one piece, or replaced in one piece.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>

namespace gradus {

// A file's bytes. Refuses what is not a regular file.
std::string read_file(const std::string& path);

// Makes a folder, and those above it, where they are not there.
void make_folder(const std::string& path);

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
