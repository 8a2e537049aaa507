#include <gradus/optim/run_folder.h>

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include <gradus/core/check.h>
#include <gradus/core/io/file.h>

namespace gradus::optim {
namespace {

// The lines up to the last that tells of `step` or an earlier one. A kill may have left a part of a line at
// the end.
std::string lines_up_to(std::int64_t step, const std::string& text, const std::string& path) {
  std::size_t kept = 0;
  for (std::size_t end; (end = text.find('\n', kept)) != std::string::npos; kept = end + 1) {
    const Json line = parse_json(std::string_view(text).substr(kept, end - kept), path);
    if (line.at("step").integer() > step) break;
  }
  return text.substr(0, kept);
}

}  // namespace

RunFolder::RunFolder(const std::filesystem::path& path, bool resume) : path_(path) {
  make_folder(path.string());
  const std::string lock = (path / "lock").string();
  lock_ = detail::file_calls->open(lock.c_str(), O_CREAT | O_RDWR | O_CLOEXEC, 0666);
  check(lock_ >= 0, "fit", "cannot write in ", path.string(), ": ", std::strerror(errno),
        ". Choose another folder?");
  try {
    if (detail::file_calls->claim(lock_, lock.c_str()) < 0) {
      check(errno != EAGAIN, "fit", "another training is writing in ", path.string(),
            ". Wait for it, or choose another folder?");
      fail("fit", "cannot lock ", path.string(), ": ", std::strerror(errno), ". Choose another folder?");
    }
    const bool can_go_on = std::filesystem::exists(training());
    check(!can_go_on || resume, "fit", path.string(),
          " holds a training already. Go on with it (resume), or choose another folder?");
    for (const std::string& left : {last(), best(), metrics()})
      check(can_go_on || !std::filesystem::exists(left), "fit", left, " is left of a training without its ",
            training(), ", which it would need to go on. Move it, or choose another folder?");
    check(can_go_on || !resume, "fit", path.string(),
          " holds no training to go on with. Begin one without resume?");
  } catch (...) {
    close(lock_);
    throw;
  }
}

RunFolder::~RunFolder() { close(lock_); }

void RunFolder::open_metrics_after(std::int64_t step) {
  if (std::filesystem::is_regular_file(metrics())) {
    const std::string text = read_file(metrics()), kept = lines_up_to(step, text, metrics());
    if (kept != text) write_atomically(metrics(), [&](const Sink& sink) { sink(kept); });
  }
  metrics_.open(metrics(), std::ios::app);
  check(metrics_.is_open(), "fit", "cannot write ", metrics(), ": ", std::strerror(errno),
        ". Choose another folder?");
}

void RunFolder::write(const Json& line) {
  metrics_ << format_json(line) << std::endl;
  check(metrics_.good(), "fit", "cannot write ", metrics(), ": ", std::strerror(errno),
        ". Is the disk full?");
}

}  // namespace gradus::optim
