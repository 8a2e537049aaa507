#include <gradus/optim/progress.h>

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include <algorithm>
#include <sstream>
#include <string>

#include "support/catch.h"

using namespace gradus::optim;

namespace {

// A terminal that a test reads, and a clock that it sets.
struct Fake {
  std::ostringstream out;
  double now = 0;

  Terminal terminal(bool redraws, bool colours = false, int width = 80) {
    return {.out = &out, .redraws = redraws, .colours = colours, .width = width, .seconds = [this] {
              return now;
            }};
  }
};

// What is to be seen in the end: a carriage return goes back to the beginning of the line.
std::string seen(const std::string& written) {
  std::string screen, line;
  std::size_t column = 0;
  for (const char c : written) {
    if (c == '\n') {
      while (!line.empty() && line.back() == ' ') line.pop_back();
      screen += line + '\n';
      line.clear(), column = 0;
    } else if (c == '\r') {
      column = 0;
    } else {
      if (column == line.size()) line += ' ';
      line[column++] = c;
    }
  }
  return screen + line;
}

}  // namespace

TEST_CASE("on a terminal progress is one line, drawn at most ten times a second", "[optim][progress]") {
  Fake fake;
  {
    Progress progress(0, 1000, fake.terminal(true));
    for (int step = 1; step <= 1000; ++step) {
      fake.now = 0.002 * step;  // two seconds in all
      progress.show(step, 2.0 / step);
    }
  }
  const std::string written = fake.out.str();
  CHECK(std::count(written.begin(), written.end(), '\n') == 1);
  std::size_t drawn = 0;
  for (std::size_t at = 0; (at = written.find("step ", at)) != std::string::npos; ++at) ++drawn;
  CHECK(drawn <= 22);
  CHECK(drawn >= 20);
  CHECK(seen(written) == "step 1000/1000  loss 0.002  500 step/s  took 0:02\n");
}

TEST_CASE("the line tells step, loss, rate and the time that is left, and fits the terminal",
          "[optim][progress]") {
  Fake fake;
  Progress progress(100, 7300, fake.terminal(true));
  fake.now = 2;
  progress.show(102, 1.23456);
  CHECK(seen(fake.out.str()) == "step 102/7300  loss 1.235  1 step/s  ETA 1:59:58");

  Fake narrow;
  Progress short_lines(0, 7300, narrow.terminal(true, false, 20));
  narrow.now = 2;
  short_lines.show(2, 1.23456);
  CHECK(seen(narrow.out.str()) == "step 2/7300  loss 1");
}

TEST_CASE("a shorter line leaves nothing of a longer one, and what is said stands above",
          "[optim][progress]") {
  Fake fake;
  Progress progress(0, 10, fake.terminal(true));
  fake.now = 1;
  progress.show(1, 123456);
  progress.say("evaluation 3");
  fake.now = 10;
  progress.show(10, 1);
  CHECK(seen(fake.out.str()).starts_with("evaluation 3\nstep 10/10  loss 1  1 step/s  took 0:10"));
}

TEST_CASE("what is said is broken at spaces, to the width of the terminal and no more than 80",
          "[optim][progress]") {
  Fake narrow, wide;
  Progress(0, 10, narrow.terminal(true, false, 12)).say("once there was a goat");
  CHECK(narrow.out.str() == "once there\nwas a goat\n");
  Progress(0, 10, wide.terminal(false, false, 200)).say(std::string(79, 'a') + " b");
  CHECK(wide.out.str() == std::string(79, 'a') + "\nb\n");
}

TEST_CASE("elsewhere progress is a plain line for every tenth of the way", "[optim][progress]") {
  Fake fake;
  {
    Progress progress(0, 50, fake.terminal(false));
    for (int step = 1; step <= 50; ++step) {
      fake.now = step;
      progress.show(step, 1);
    }
  }
  const std::string written = fake.out.str();
  CHECK(std::count(written.begin(), written.end(), '\n') == 10);
  CHECK(written.starts_with("step 5/50  loss 1  1 step/s  ETA 0:45\n"));
  CHECK(written.find_first_of("\r\033") == std::string::npos);
}

TEST_CASE("colours appear only where they are allowed", "[optim][progress]") {
  for (const bool colours : {false, true}) {
    Fake fake;
    Progress progress(0, 10, fake.terminal(true, colours));
    fake.now = 1;
    progress.show(1, 1);
    CHECK((fake.out.str().find('\033') != std::string::npos) == colours);
  }
}

TEST_CASE("the stream of errors is drawn over on a terminal alone, in colours unless NO_COLOR says not to",
          "[optim][progress]") {
  // A terminal of our own in the place of the stream of errors.
  const int master = posix_openpt(O_RDWR | O_NOCTTY), errors = dup(STDERR_FILENO);
  REQUIRE(grantpt(master) == 0);
  REQUIRE(unlockpt(master) == 0);
  const int terminal = open(ptsname(master), O_RDWR | O_NOCTTY);
  REQUIRE(terminal >= 0);
  struct Seen {
    bool redraws, colours;
    bool operator==(const Seen&) const = default;
  };
  const auto seen_with = [&](int stream, const char* no_color, const char* kind) {
    no_color != nullptr ? setenv("NO_COLOR", no_color, 1) : unsetenv("NO_COLOR");
    setenv("TERM", kind, 1);
    dup2(stream, STDERR_FILENO);
    const Terminal made = Terminal::of_errors();
    dup2(errors, STDERR_FILENO);
    return Seen{made.redraws, made.colours};
  };
  const char *const kind = std::getenv("TERM"), *const no_color = std::getenv("NO_COLOR");
  const std::string kind_before = kind != nullptr ? kind : "dumb",
                    color_before = no_color != nullptr ? no_color : "";
  const Seen plain = seen_with(terminal, nullptr, "xterm"), none = seen_with(terminal, "1", "xterm"),
             empty = seen_with(terminal, "", "xterm"), dumb = seen_with(terminal, nullptr, "dumb");
  int pipe_ends[2];
  REQUIRE(pipe(pipe_ends) == 0);
  const Seen piped = seen_with(pipe_ends[1], nullptr, "xterm");
  setenv("TERM", kind_before.c_str(), 1), setenv("NO_COLOR", color_before.c_str(), 1);
  for (const int file : {master, terminal, errors, pipe_ends[0], pipe_ends[1]}) close(file);
  CHECK(plain == Seen{true, true});
  CHECK(none == Seen{true, false});
  CHECK(empty == Seen{true, true});
  CHECK(dumb == Seen{false, false});
  CHECK(piped == Seen{false, false});
}
