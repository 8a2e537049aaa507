#include <gradus/core/io/file.h>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <system_error>

#include <gradus/core/check.h>

namespace gradus {
namespace detail {

int FileCalls::open(const char* path, int flags, unsigned mode) { return ::open(path, flags, mode); }
int FileCalls::claim(int file, const char* path) {
  // A file system without locks has one user, we must assume.
  if (::flock(file, LOCK_EX | LOCK_NB) < 0 && errno != ENOLCK && errno != ENOTSUP) return -1;
  struct stat claimed, named;
  if (::fstat(file, &claimed) < 0) return -1;
  if (::stat(path, &named) < 0 || named.st_ino != claimed.st_ino || named.st_dev != claimed.st_dev) {
    errno = EAGAIN;
    return -1;
  }
  return ::ftruncate(file, 0);
}
std::ptrdiff_t FileCalls::write(int file, const char* bytes, std::size_t size) {
  return ::write(file, bytes, size);
}
int FileCalls::fsync(int file) { return ::fsync(file); }
int FileCalls::close(int file) { return ::close(file); }
int FileCalls::rename(const char* from, const char* to) { return ::rename(from, to); }
int FileCalls::unlink(const char* path) { return ::unlink(path); }

namespace {
FileCalls system_calls;
}
FileCalls* file_calls = &system_calls;

}  // namespace detail

namespace {

using detail::file_calls;

// "No space left on device. Free some space?"
std::string reason(int error) {
  const auto way_out = [error] {
    switch (error) {
      case ENOSPC:
      case EDQUOT:
        return "Free some space?";
      case EACCES:
      case EPERM:
      case EROFS:
        return "Ask for the right to, or use another folder?";
      case ENOENT:
      case ENOTDIR:
        return "Is the path right?";
      case EISDIR:
        return "Name a file in it?";
      case EMFILE:
      case ENFILE:
        return "Close some files?";
      case EAGAIN:
        return "Is another process writing it?";
      default:
        return "Is the disk sound?";
    }
  };
  return std::generic_category().message(error) + ". " + way_out();
}

// Repeats a call that a signal interrupted.
template <class F>
auto uninterrupted(const F& call) {
  auto result = call();
  while (result < 0 && errno == EINTR) result = call();
  return result;
}

// An open file. Once it was synced, closing it has nothing left to do that could fail.
class File {
 public:
  explicit File(int number) : number_(number) {}
  ~File() { file_calls->close(number_); }
  File(const File&) = delete;
  File& operator=(const File&) = delete;

  int number() const { return number_; }

 private:
  int number_;
};

// A new file beside `path`, removed unless it was put in that one's place.
class Temporary {
 public:
  explicit Temporary(const std::string& path)
      : path_(path), name_(path + ".tmp"), file_(open(name_, O_WRONLY | O_CREAT | O_NOFOLLOW)) {
    if (uninterrupted([&] { return file_calls->claim(file_.number(), name_.c_str()); }) == 0) return;
    const int error = errno;
    if (error != EAGAIN) file_calls->unlink(name_.c_str());
    refuse(error);
  }
  ~Temporary() {
    if (!in_place_) file_calls->unlink(name_.c_str());
  }
  Temporary(const Temporary&) = delete;
  Temporary& operator=(const Temporary&) = delete;

  void write(std::string_view bytes) {
    while (!bytes.empty()) {
      const std::ptrdiff_t written =
          uninterrupted([&] { return file_calls->write(file_.number(), bytes.data(), bytes.size()); });
      if (written <= 0) refuse(written < 0 ? errno : EIO);
      bytes.remove_prefix(static_cast<std::size_t>(written));
    }
  }

  void put_in_place() {
    if (uninterrupted([&] { return file_calls->fsync(file_.number()); }) < 0) refuse(errno);
    const std::size_t slash = path_.rfind('/');
    const std::string folder_name = slash == std::string::npos ? "." : path_.substr(0, slash + 1);
    const File folder(open(folder_name, O_RDONLY | O_DIRECTORY));
    if (uninterrupted([&] { return file_calls->rename(name_.c_str(), path_.c_str()); }) < 0) refuse(errno);
    in_place_ = true;
    // The new name is on the disk once its folder is. A file system that cannot do that for a folder says
    // EINVAL.
    if (uninterrupted([&] { return file_calls->fsync(folder.number()); }) < 0 && errno != EINVAL)
      fail("save", path_, " is written, but after a power cut the old file may be back: ", reason(errno));
  }

 private:
  int open(const std::string& name, int flags) const {
    const int number = uninterrupted([&] { return file_calls->open(name.c_str(), flags | O_CLOEXEC, 0666); });
    if (number < 0) refuse(errno);
    return number;
  }
  [[noreturn]] void refuse(int error) const { fail("save", "cannot write ", path_, ": ", reason(error)); }

  const std::string& path_;
  const std::string name_;
  const File file_;  // open until the end, so that nobody else can claim it
  bool in_place_ = false;
};

[[noreturn]] void refuse_to_read(const std::string& path, int error) {
  fail("load", "cannot read ", path, ": ", reason(error));
}

// A regular file, open for reading, and how many bytes it has.
class Readable {
 public:
  explicit Readable(const std::string& path) : file_(open(path)) {
    struct stat about;
    if (::fstat(number(), &about) < 0) refuse_to_read(path, errno);
    if (S_ISDIR(about.st_mode)) refuse_to_read(path, EISDIR);
    check(S_ISREG(about.st_mode), "load", "cannot read ", path,
          ": it is not a regular file. Copy it into one?");
    size_ = static_cast<std::size_t>(about.st_size);
  }

  int number() const { return file_.number(); }
  std::size_t size() const { return size_; }

 private:
  static int open(const std::string& path) {
    const int number = uninterrupted([&] { return ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK); });
    if (number < 0) refuse_to_read(path, errno);
    return number;
  }

  const File file_;
  std::size_t size_ = 0;
};

}  // namespace

void make_folder(const std::string& path) {
  std::error_code error;
  std::filesystem::create_directories(path, error);
  if (error) fail("save", "cannot make the folder ", path, ": ", reason(error.value()));
}

std::string read_file(const std::string& path) {
  const Readable file(path);
  std::string bytes(file.size(), '\0');
  std::size_t done = 0;
  while (done < bytes.size()) {
    const ssize_t got =
        uninterrupted([&] { return ::read(file.number(), bytes.data() + done, bytes.size() - done); });
    if (got < 0) refuse_to_read(path, errno);
    check(got > 0, "load", path, " became shorter while it was read. Is it still being written?");
    done += static_cast<std::size_t>(got);
  }
  return bytes;
}

MappedFile::MappedFile(const std::string& path) {
  const Readable file(path);
  if (file.size() == 0) return;  // which the system does not map
  void* const begin = ::mmap(nullptr, file.size(), PROT_READ, MAP_PRIVATE, file.number(), 0);
  if (begin == MAP_FAILED) refuse_to_read(path, errno);
  bytes_ = {static_cast<const char*>(begin), file.size()};
}

MappedFile::~MappedFile() {
  if (!bytes_.empty()) ::munmap(const_cast<char*>(bytes_.data()), bytes_.size());
}

void write_atomically(const std::string& path, const std::function<void(const Sink&)>& writer) {
  Temporary temporary(path);
  writer([&](std::string_view bytes) { temporary.write(bytes); });
  temporary.put_in_place();
}

}  // namespace gradus
