// How far a training has come, for whoever waits for it. On a terminal it is one line that is drawn anew, at
// most ten times a second; elsewhere a plain line for every tenth of the way. It is written to the stream of
// errors: what a program prints as its result stays clean.
#pragma once

#include <cstdint>
#include <functional>
#include <iosfwd>
#include <string>

namespace gradus::optim {

// Where progress is written. A test makes one of its own.
struct Terminal {
  std::ostream* out;
  bool redraws;  // a line may be drawn over: a terminal, not a file or a pipe
  bool colours;
  int width = 80;
  std::function<double()> seconds;  // a clock that never goes back

  // The stream of errors. NO_COLOR, if it is set and not empty, forbids colours, as https://no-color.org
  // asks.
  static Terminal of_errors();
};

class Progress {
 public:
  // From step `begin`, where a resumed training goes on, to step `end`.
  Progress(std::int64_t begin, std::int64_t end, Terminal terminal = Terminal::of_errors());
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  // `step` steps are done. Drawn only when it is time to.
  void show(std::int64_t step, double loss);
  // Lines of their own, such as "step 500: validation loss 1.88 (best)", in the place of the one drawn last;
  // long ones are broken at spaces.
  void say(const std::string& text);

 private:
  std::string line_of(std::int64_t step, double loss) const;
  void draw(const std::string& line);
  void erase();

  std::int64_t begin_, end_, tenths_ = 0;
  Terminal terminal_;
  double started_, drawn_;
  std::string line_;  // on the screen now
};

}  // namespace gradus::optim
