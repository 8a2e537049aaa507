// A program of its own, so that the first thing that somebody tries needs the least to be built.
#include <algorithm>
#include <iostream>

#include <gradus/cli/compare.h>
#include <gradus/cli/guarded.h>

int main(int argc, char* argv[]) {
  using namespace gradus::cli;
  // compare ..., compare --help and help compare, as the launcher passes them on.
  const std::vector<std::string> words(argv + 1, argv + argc);
  const auto is_help = [](const std::string& word) {
    return word == "help" || word == "--help" || word == "-h";
  };
  return guarded([&] {
    if (std::ranges::any_of(words, is_help)) {
      std::cout << compare_page();
      return 0;
    }
    return compare({words.begin() + (words.empty() ? 0 : 1), words.end()});
  });
}
