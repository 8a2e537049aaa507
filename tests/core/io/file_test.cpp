#include <gradus/core/io/file.h>

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <fstream>
#include <set>
#include <vector>

#include "support/catch.h"
#include "support/temporary_folder.h"
#include "support/throws.h"

using namespace gradus;
using gradus::test::message_of;
using gradus::test::TemporaryFolder;

namespace {

using Names = std::vector<std::string>;

// The system's calls, written down, of which the `failing`-th fails with `error`. A write may be cut short.
class FailingCalls : public detail::FileCalls {
 public:
  FailingCalls() : before_(std::exchange(detail::file_calls, this)) {}
  ~FailingCalls() override { detail::file_calls = before_; }

  int open(const char* path, int flags, unsigned mode) override {
    const int number =
        fails(flags & O_DIRECTORY ? "open folder" : "open") ? -1 : FileCalls::open(path, flags, mode);
    if (number >= 0) open_files.insert(number);
    if (number >= 0 && flags & O_DIRECTORY) folder_ = number;
    return number;
  }
  int claim(int file, const char* path) override {
    return fails("claim") ? -1 : FileCalls::claim(file, path);
  }
  std::ptrdiff_t write(int file, const char* bytes, std::size_t size) override {
    return fails("write") ? -1 : FileCalls::write(file, bytes, std::min(size, longest_write));
  }
  int fsync(int file) override {
    return fails(file == folder_ ? "fsync folder" : "fsync") ? -1 : FileCalls::fsync(file);
  }
  int close(int file) override {
    open_files.erase(file);
    const int result = FileCalls::close(file);  // closed even where it fails
    return fails(file == folder_ ? "close folder" : "close") ? -1 : result;
  }
  int rename(const char* from, const char* to) override {
    return fails("rename") ? -1 : FileCalls::rename(from, to);
  }
  int unlink(const char* path) override { return fails("unlink") ? -1 : FileCalls::unlink(path); }

  Names made;
  std::size_t failing = SIZE_MAX, longest_write = SIZE_MAX;
  int error = 0;
  std::set<int> open_files;

 private:
  bool fails(const char* name) {
    made.push_back(name);
    errno = made.size() - 1 == failing ? error : 0;
    return errno != 0;
  }

  detail::FileCalls* const before_;
  int folder_ = -1;
};

Names files_in(const TemporaryFolder& folder) {
  Names names;
  for (const auto& entry : std::filesystem::directory_iterator(folder / ""))
    names.push_back(entry.path().filename().string());
  return names;
}

void write_two_pieces(const std::string& path) {
  write_atomically(path, [](const Sink& sink) { sink("new "), sink(""), sink("file"); });
}

}  // namespace

TEST_CASE("a file is written, synced, renamed, and its folder synced, in this order", "[io]") {
  const TemporaryFolder folder;
  FailingCalls calls;
  write_two_pieces(folder / "x");
  CHECK(calls.made == Names{"open", "claim", "write", "write", "fsync", "open folder", "rename",
                            "fsync folder", "close folder", "close"});
  CHECK(calls.open_files.empty());
  CHECK(read_file(folder / "x") == "new file");
  CHECK(files_in(folder) == Names{"x"});
}

TEST_CASE("whichever call fails, the file is the old one or the new one, whole, and alone", "[io][error]") {
  struct Case {
    int error;
    const char* message;
  };
  const Case cases[] = {{ENOSPC, "No space left on device. Free some space?"},
                        {EIO, "Input/output error. Is the disk sound?"},
                        {EACCES, "Permission denied. Ask for the right to, or use another folder?"}};
  const std::size_t renamed = 6;
  for (const auto& [error, reason] : cases)
    for (const bool is_there : {true, false})
      for (std::size_t failing = 0; failing < 10; ++failing) {
        INFO("call " << failing << " fails with " << error << (is_there ? ", over an old file" : ""));
        const TemporaryFolder folder;
        const std::string path = folder / "x";
        if (is_there) std::ofstream(path) << "old file";
        FailingCalls calls;
        calls.failing = failing;
        calls.error = error;
        const std::string message = message_of([&] { write_two_pieces(path); });
        CHECK(calls.open_files.empty());
        if (failing <= renamed) {
          CHECK(message == "[save] cannot write " + path + ": " + reason);
        } else if (calls.made[failing] == "fsync folder") {
          CHECK(message ==
                "[save] " + path + " is written, but after a power cut the old file may be back: " + reason);
        } else {
          CHECK(message == "(nothing was thrown)");  // closing what is synced
        }
        const bool is_new = failing > renamed;
        CHECK(files_in(folder) == (is_there || is_new ? Names{"x"} : Names{}));
        if (is_there || is_new) CHECK(read_file(path) == (is_new ? "new file" : "old file"));
      }
}

TEST_CASE("a call that a signal interrupts is made again, and a short write goes on", "[io]") {
  for (std::size_t failing = 0; failing < 12; ++failing) {
    const TemporaryFolder folder;
    FailingCalls calls;
    calls.failing = failing;
    calls.error = EINTR;
    calls.longest_write = 3;
    INFO("interrupted at call " << failing);
    write_two_pieces(folder / "x");
    CHECK(read_file(folder / "x") == "new file");
    CHECK(files_in(folder) == Names{"x"});
    CHECK(calls.open_files.empty());
  }
}

TEST_CASE("a write that writes nothing is an error, not an endless loop", "[io][error]") {
  const TemporaryFolder folder;
  FailingCalls calls;
  calls.longest_write = 0;
  CHECK(message_of([&] { write_two_pieces(folder / "x"); }) ==
        "[save] cannot write " + (folder / "x") + ": Input/output error. Is the disk sound?");
  CHECK(files_in(folder).empty());
}

TEST_CASE("a folder that cannot be synced does not keep a file from being saved", "[io]") {
  const TemporaryFolder folder;
  FailingCalls calls;
  calls.failing = 7;
  calls.error = EINVAL;
  write_two_pieces(folder / "x");
  CHECK(calls.made[7] == "fsync folder");
  CHECK(read_file(folder / "x") == "new file");
}

TEST_CASE("an error of the writer's own leaves the old file and nothing else", "[io][error]") {
  const TemporaryFolder folder;
  write_two_pieces(folder / "x");
  FailingCalls calls;
  CHECK_THROWS_AS(write_atomically(folder / "x",
                                   [](const Sink& sink) {
                                     sink("half");
                                     throw std::bad_alloc();
                                   }),
                  std::bad_alloc);
  CHECK(read_file(folder / "x") == "new file");
  CHECK(files_in(folder) == Names{"x"});
  CHECK(calls.open_files.empty());
}

TEST_CASE("what a killed process left is written over, what a living one writes is left alone", "[io]") {
  const TemporaryFolder folder;
  std::ofstream(folder / "x.tmp") << "a good deal longer than the new file";
  const int other = ::open((folder / "x.tmp").c_str(), O_RDWR);
  REQUIRE(::flock(other, LOCK_EX | LOCK_NB) == 0);
  CHECK(message_of([&] { write_two_pieces(folder / "x"); }) ==
        "[save] cannot write " + (folder / "x") +
            ": Resource temporarily unavailable. Is another process writing it?");
  CHECK(read_file(folder / "x.tmp") == "a good deal longer than the new file");
  ::close(other);
  write_two_pieces(folder / "x");
  CHECK(read_file(folder / "x") == "new file");
  CHECK(files_in(folder) == Names{"x"});
}

TEST_CASE("a file that another process has just put in place is not taken for a temporary one", "[io]") {
  // Between the opening of x.tmp and its claim, the process that wrote it moves it to x and is done.
  class Moved : public detail::FileCalls {
   public:
    int claim(int file, const char* path) override {
      FileCalls::rename(path, std::string(path).substr(0, std::string(path).size() - 4).c_str());
      return FileCalls::claim(file, path);
    }
  };
  const TemporaryFolder folder;
  std::ofstream(folder / "x.tmp") << "the other's";
  Moved calls;
  const auto before = std::exchange(detail::file_calls, &calls);
  CHECK_THROWS_AS(write_two_pieces(folder / "x"), Error);
  detail::file_calls = before;
  CHECK(read_file(folder / "x") == "the other's");
}

TEST_CASE("a path in the working folder needs no slash", "[io]") {
  const TemporaryFolder folder;
  const std::filesystem::path before = std::filesystem::current_path();
  std::filesystem::current_path(folder / "");
  write_two_pieces("x");
  const std::string read = read_file("x");
  std::filesystem::current_path(before);
  CHECK(read == "new file");
}

TEST_CASE("a mapped file is what reading it gives", "[io]") {
  const TemporaryFolder folder;
  for (const std::string& text : {std::string(), std::string("one"), std::string(100000, 'x')}) {
    write_atomically(folder / "x", [&](const Sink& sink) { sink(text); });
    CHECK(MappedFile(folder / "x").bytes() == text);
  }
  CHECK(message_of([&] { MappedFile(folder / ""); }) ==
        "[load] cannot read " + (folder / "") + ": Is a directory. Name a file in it?");
}

TEST_CASE("what cannot be read or written is refused with the path and the reason", "[io][error]") {
  const TemporaryFolder folder;
  const std::string none = folder / "none";
  CHECK(message_of([&] { read_file(none); }) ==
        "[load] cannot read " + none + ": No such file or directory. Is the path right?");
  CHECK(message_of([&] { read_file(folder / ""); }) ==
        "[load] cannot read " + (folder / "") + ": Is a directory. Name a file in it?");
  CHECK(message_of([] { read_file("/dev/null"); }) ==
        "[load] cannot read /dev/null: it is not a regular file. Copy it into one?");
  CHECK(message_of([&] { write_two_pieces(none + "/x"); }) ==
        "[save] cannot write " + none + "/x: No such file or directory. Is the path right?");
  std::filesystem::create_directory(folder / "folder");
  CHECK(message_of([&] { write_two_pieces(folder / "folder"); }) ==
        "[save] cannot write " + (folder / "folder") + ": Is a directory. Name a file in it?");
  CHECK(files_in(folder) == Names{"folder"});
}

TEST_CASE("a folder is made with those above it", "[io][error]") {
  const TemporaryFolder folder;
  for (int twice = 0; twice < 2; ++twice) make_folder(folder / "a/b/c");
  CHECK(std::filesystem::is_directory(folder / "a/b/c"));
  write_two_pieces(folder / "file");
  CHECK(message_of([&] { make_folder(folder / "file"); }) ==
        "[save] cannot make the folder " + (folder / "file") + ": Not a directory. Is the path right?");
}
