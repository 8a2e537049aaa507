#include <gradus/data/figures.h>

#include <sstream>
#include <string_view>

namespace gradus::data {
namespace {

struct Row {
  std::string_view name, strokes;  // x,y x,y ... and a bar between strokes
};

// What is round has its corners on the circle 7^2 + 24^2 = 15^2 + 20^2 = 25^2.
constexpr Row shape_rows[] = {
    {"circle",
     "25,0 24,7 20,15 15,20 7,24 0,25 -7,24 -15,20 -20,15 -24,7 "
     "-25,0 -24,-7 -20,-15 -15,-20 -7,-24 0,-25 7,-24 15,-20 20,-15 24,-7"},
    {"half disc", "25,11 24,4 20,-4 15,-9 7,-13 0,-14 -7,-13 -15,-9 -20,-4 -24,4 -25,11"},
    {"crescent",
     "16,-24 9,-25 2,-24 -6,-20 -11,-15 -15,-7 -16,0 -15,7 -11,15 -6,20 2,24 9,25 16,24 "
     "8,17 3,9 1,0 3,-9 8,-17"},
    {"triangle", "0,-25 24,18 -24,18"},
    {"square", "-19,-19 19,-19 19,19 -19,19"},
    {"star", "0,-25 6,-8 24,-8 9,3 15,20 0,10 -15,20 -9,3 -24,-8 -6,-8"},
    {"plus", "-7,-23 7,-23 7,-7 23,-7 23,7 7,7 7,23 -7,23 -7,7 -23,7 -23,-7 -7,-7"},
    {"arrow", "0,-25 20,-3 7,-3 7,25 -7,25 -7,-3 -20,-3"},
    {"hourglass", "-18,-23 18,-23 4,0 18,23 -18,23 -4,0"},
    {"house", "0,-25 20,-5 20,22 -20,22 -20,-5"},
};

constexpr Row letter_rows[] = {
    {"A", "-17,24 0,-24 17,24 | -11,8 11,8"},
    {"E", "15,-23 -15,-23 -15,23 15,23 | -15,0 10,0"},
    {"H", "-16,-24 -16,24 | 16,-24 16,24 | -16,0 16,0"},
    {"K", "-14,-24 -14,24 | 16,-24 -14,4 | -5,-4 16,24"},
    {"L", "-13,-24 -13,23 15,23"},
    {"N", "-16,24 -16,-24 16,24 16,-24"},
    {"S", "15,-18 8,-24 -8,-24 -15,-17 -15,-7 -8,-1 8,1 15,7 15,17 8,24 -8,24 -15,18"},
    {"T", "-18,-23 18,-23 | 0,-23 0,24"},
    {"X", "-16,-24 16,24 | 16,-24 -16,24"},
    {"Y", "-17,-24 0,0 17,-24 | 0,0 0,24"},
};

Strokes parse_strokes(std::string_view text) {
  std::istringstream in{std::string(text)};
  Strokes strokes(1);
  for (std::string word; in >> word;) {
    if (word == "|") {
      strokes.emplace_back();
      continue;
    }
    const std::size_t comma = word.find(',');
    const int x = std::stoi(word), y = std::stoi(word.substr(comma + 1));
    strokes.back().push_back({static_cast<double>(x), static_cast<double>(y)});
  }
  return strokes;
}

template <std::size_t N>
std::vector<Figure> figures_of(const Row (&rows)[N], bool closed) {
  std::vector<Figure> figures;
  for (const Row& row : rows) figures.push_back({std::string(row.name), closed, parse_strokes(row.strokes)});
  return figures;
}

}  // namespace

const std::vector<Figure>& shapes() {
  static const std::vector<Figure> figures = figures_of(shape_rows, true);
  return figures;
}

const std::vector<Figure>& letters() {
  static const std::vector<Figure> figures = figures_of(letter_rows, false);
  return figures;
}

}  // namespace gradus::data
