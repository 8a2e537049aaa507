// What pictures.h draws, as corners on a grid.
#pragma once

#include <string>
#include <vector>

namespace gradus::data {

struct Point {
  double x, y;  // to the right and down
};

inline Point operator+(Point a, Point b) { return {a.x + b.x, a.y + b.y}; }
inline Point operator-(Point a, Point b) { return {a.x - b.x, a.y - b.y}; }
inline Point operator*(double s, Point a) { return {s * a.x, s * a.y}; }
inline double dot(Point a, Point b) { return a.x * b.x + a.y * b.y; }

using Stroke = std::vector<Point>;  // a line through them all
using Strokes = std::vector<Stroke>;

// Points are from -25 to 25. A closed figure has one stroke, which goes back to its start.
struct Figure {
  std::string name;
  bool closed;
  Strokes strokes;
};

const std::vector<Figure>& shapes();   // closed
const std::vector<Figure>& letters();  // open

}  // namespace gradus::data
