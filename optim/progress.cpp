#include <gradus/optim/progress.h>

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <string_view>

#include <gradus/core/wrap.h>

namespace gradus::optim {
namespace {

std::string printed(const char* format, auto... values) {
  char text[96];
  std::snprintf(text, sizeof text, format, values...);
  return text;
}

// 0:07, 12:05, 3:00:00
std::string as_time(double seconds) {
  const auto whole = static_cast<long>(std::min(std::ceil(seconds), 359999.0));
  const long h = whole / 3600, m = whole / 60 % 60, s = whole % 60;
  return h > 0 ? printed("%ld:%02ld:%02ld", h, m, s) : printed("%ld:%02ld", m, s);
}

constexpr double redraw_seconds = 0.1;
constexpr std::string_view green = "\033[32m", plain = "\033[0m";

}  // namespace

Terminal Terminal::of_errors() {
  const char *const no_color = std::getenv("NO_COLOR"), *const kind = std::getenv("TERM");
  const bool redraws = isatty(STDERR_FILENO) == 1 && kind != nullptr && std::string_view(kind) != "dumb";
  winsize size{};
  const bool known = redraws && ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0;
  return {.out = &std::cerr,
          .redraws = redraws,
          .colours = redraws && (no_color == nullptr || *no_color == '\0'),
          .width = known ? size.ws_col : 80,
          .seconds = [] {
            return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
          }};
}

Progress::Progress(std::int64_t begin, std::int64_t end, Terminal terminal)
    : begin_(begin),
      end_(end),
      terminal_(std::move(terminal)),
      started_(terminal_.seconds()),
      drawn_(started_ - redraw_seconds) {}

Progress::~Progress() {
  if (!line_.empty()) *terminal_.out << std::endl;
}

void Progress::show(std::int64_t step, double loss) {
  if (terminal_.redraws) {
    const double now = terminal_.seconds();
    if (now - drawn_ < redraw_seconds && step < end_) return;
    drawn_ = now;
    draw(line_of(step, loss));
    return;
  }
  const std::int64_t tenths = 10 * (step - begin_) / std::max<std::int64_t>(end_ - begin_, 1);
  if (tenths == tenths_) return;
  tenths_ = tenths;
  *terminal_.out << line_of(step, loss) << std::endl;
}

void Progress::say(const std::string& text) {
  erase();
  *terminal_.out << wrapped(text, static_cast<std::size_t>(std::clamp(terminal_.width, 1, 80))) << std::endl;
}

std::string Progress::line_of(std::int64_t step, double loss) const {
  const double seconds = terminal_.seconds() - started_;
  const double rate = seconds > 0 ? static_cast<double>(step - begin_) / seconds : 0;
  std::string line = printed("step %lld/%lld", static_cast<long long>(step), static_cast<long long>(end_));
  line += printed("  loss %.4g", loss);
  if (rate > 0) {
    line += printed(rate < 10 ? "  %.2g step/s" : "  %.0f step/s", rate);
    if (step < end_) line += "  ETA " + as_time(static_cast<double>(end_ - step) / rate);
  }
  if (step == end_) line += "  took " + as_time(seconds);
  return line;
}

// A line as wide as the terminal would break, and could not be drawn over.
void Progress::draw(const std::string& line) {
  erase();
  line_ = line.substr(0, static_cast<std::size_t>(std::max(terminal_.width - 1, 1)));
  const std::size_t name = line_.find("  ");
  if (terminal_.colours && name != std::string::npos)
    *terminal_.out << green << line_.substr(0, name) << plain << line_.substr(name) << std::flush;
  else
    *terminal_.out << line_ << std::flush;
}

void Progress::erase() {
  if (!line_.empty()) *terminal_.out << '\r' << std::string(line_.size(), ' ') << '\r';
  line_.clear();
}

}  // namespace gradus::optim
