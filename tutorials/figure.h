// Figures for the chapters, written as SVG: curves, clouds of points, bars and heat maps, in panels side by
// side.
//
//   figure::write(folder + "/02_loss.svg", {{.x = {"step", 0, 100},
//                                            .y = {"loss", 1e-3, 1, figure::logarithmic},
//                                            .lines = {{"SGD", steps, losses}}}});
//
// All colours do on white and on black. Coordinates have one decimal, so that a number's last digit draws
// nothing.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <fstream>
#include <string>
#include <vector>

namespace figure {

inline const std::array<const char*, 6> palette = {"#3b82f6", "#d9730d", "#2e9d5b",
                                                   "#e5484d", "#a855f7", "#0d9aa5"};

enum Scale { linear, logarithmic };

// From left to right, or from the bottom up; `from` may be the larger.
struct Axis {
  std::string label;
  double from = 0, to = 1;
  Scale scale = linear;
  std::vector<std::string> names =
      {};  // if any, they divide the axis into equal parts and stand in their middles
};

// Takes the next colour of the palette, or the one of this number. Without a name it is not in the legend.
// Points may have labels, which stand to the right of them.
struct Series {
  std::string name;
  std::vector<double> x, y;
  int colour = -1;
  std::vector<std::string> labels = {};
};

// The panel's ground in `rows` x `columns` cells, the first row at y.from, or on top where the y axis has
// names: the second colour for values up to 1, the first for those down to -1, the paler the nearer to 0.
struct Cells {
  std::vector<double> values;  // row by row
  int rows = 0, columns = 0;
};

enum Corner { top_right, top_left, bottom_right, bottom_left };

struct Panel {
  std::string title = {};
  Axis x, y;
  std::vector<Series> lines = {};   // a NaN breaks the line
  std::vector<Series> points = {};  // a cloud for each class
  std::vector<Series> bars = {};    // from 0 up to y, centred at x and as wide as the x are apart
  Cells cells = {};
  Corner legend = top_right;
};

struct Layout {
  int columns = 1;                   // panels in a row
  double width = 540, height = 300;  // of each panel, without its labels
};

namespace detail {

inline std::string formatted(const char* format, double value) {
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), format, value);
  return text.data();
}

inline std::string number(double value) {
  return formatted("%.1f", std::floor(value * 10 + 0.500001) / 10);  // halves go up on every processor
}

inline std::string escaped(const std::string& text) {
  std::string out;
  for (const char c : text) out += c == '<' ? "&lt;" : c == '&' ? "&amp;" : std::string(1, c);
  return out;
}

// Where a value lies on the axis: 0 at `from`, 1 at `to`.
inline double part(const Axis& axis, double value) {
  const auto place = [&](double v) { return axis.scale == linear ? v : std::log10(v); };
  return (place(value) - place(axis.from)) / (place(axis.to) - place(axis.from));
}

struct Tick {
  double at;  // part of the axis
  std::string label;
};

// The names, or powers of ten, or multiples of 1, 2 or 5 times one: of these some four to eight.
inline std::vector<Tick> ticks(const Axis& axis) {
  std::vector<Tick> out;
  const auto count = static_cast<double>(axis.names.size());
  for (const std::string& name : axis.names)
    out.push_back({(static_cast<double>(out.size()) + 0.5) / count, name});
  if (!axis.names.empty()) return out;
  const auto [low, high] = std::minmax(axis.from, axis.to);
  if (axis.scale == logarithmic) {
    const double first = std::ceil(std::log10(low) - 1e-9), last = std::floor(std::log10(high) + 1e-9);
    for (double power = first; power <= last; power += std::ceil((last - first + 1) / 8))
      out.push_back({part(axis, std::pow(10, power)), formatted("1e%.0f", power)});
    return out;
  }
  const double rough = (high - low) / 7, ten = std::pow(10, std::floor(std::log10(rough)));
  const double step = ten * (rough <= ten ? 1 : rough <= 2 * ten ? 2 : rough <= 5 * ten ? 5 : 10);
  for (double i = std::ceil(low / step - 1e-9); i * step <= high + 1e-9 * step; ++i)
    out.push_back({part(axis, i * step), formatted("%g", i * step + 0.0)});
  return out;
}

struct Drawing {
  std::ofstream& svg;
  const Panel& panel;
  double left, top, right, bottom;
  int next_colour = 0, named = 0;
  std::string legend = {};

  void draw(int id) {
    svg << "<clipPath id='panel" << id << "'><path d='M" << number(left) << " " << number(top - 2) << "H"
        << number(right) << "V" << number(bottom + 2) << "H" << number(left) << "z'/></clipPath>\n";
    text((left + right) / 2, top - 10, panel.title);
    text((left + right) / 2, bottom + 44, panel.x.label);
    svg << "<g transform='translate(" << number(left - 54) << " " << number((top + bottom) / 2)
        << ") rotate(-90)'>\n";
    text(0, 0, panel.y.label);
    svg << "</g>\n";
    draw_cells();
    draw_axes();
    svg << "<g clip-path='url(#panel" << id << ")'>\n";
    for (const Series& series : panel.bars) draw_bars(series);
    for (const Series& series : panel.lines) draw_line(series);
    for (const Series& series : panel.points) draw_points(series);
    svg << "</g>\n" << legend;
  }

  // Where a part of the axis lies.
  double column(double part) const { return left + (right - left) * part; }
  double row(double part) const {
    return panel.y.names.empty() ? bottom + (top - bottom) * part : top + (bottom - top) * part;
  }
  // Far outside is as good as further outside.
  double across(double x) const { return column(std::clamp(part(panel.x, x), -9.0, 9.0)); }
  double down(double y) const { return row(std::clamp(part(panel.y, y), -9.0, 9.0)); }

  void text(double x, double y, const std::string& words, const char* anchor = "middle") {
    if (!words.empty())
      svg << "<text x='" << number(x) << "' y='" << number(y) << "' text-anchor='" << anchor << "'>"
          << escaped(words) << "</text>\n";
  }

  // In 20 steps of opacity, each one path, and equal neighbours one rectangle.
  void draw_cells() {
    const Cells& cells = panel.cells;
    std::array<std::string, 41> paths;
    const auto level = [&](int i, int j) {
      const double value = cells.values[static_cast<std::size_t>(i * cells.columns + j)];
      return static_cast<std::size_t>(20 + std::round(20 * std::clamp(value, -1.0, 1.0)));
    };
    const auto x = [&](int j) { return number(column(1.0 * j / cells.columns)); };
    const auto y = [&](int i) { return number(row(1.0 * i / cells.rows)); };
    for (int i = 0; i < cells.rows; ++i)
      for (int j = 0, end = 0; j < cells.columns; j = end) {
        for (end = j; end < cells.columns && level(i, end) == level(i, j);) ++end;
        paths[level(i, j)] +=
            std::string("M") + x(j) + " " + y(i) + "H" + x(end) + "V" + y(i + 1) + "H" + x(j) + "z";
      }
    for (int i = -20; i <= 20; ++i)
      if (const std::string& path = paths[static_cast<std::size_t>(i + 20)]; i != 0 && !path.empty())
        svg << "<path shape-rendering='crispEdges' fill='" << palette[i > 0] << "' fill-opacity='"
            << formatted("%g", std::abs(i) / 20.0) << "' d='" << path << "'/>\n";
  }

  void draw_axes() {
    std::string grid;
    for (const auto& [at, label] : ticks(panel.y)) {
      if (panel.y.names.empty())
        grid += std::string("M") + number(left) + " " + number(row(at)) + "H" + number(right);
      text(left - 8, row(at) + 4, label, "end");
    }
    for (const auto& [at, label] : ticks(panel.x)) {
      if (panel.x.names.empty())
        grid += std::string("M") + number(column(at)) + " " + number(top) + "V" + number(bottom);
      text(column(at), bottom + 20, label);
    }
    if (!grid.empty()) svg << "<path d='" << grid << "' stroke='#767676' stroke-opacity='0.3'/>\n";
  }

  // The series' colour, and its line in the legend.
  std::string colour_of(const Series& series) {
    const int chosen = series.colour < 0 ? next_colour++ : series.colour;
    const std::string colour = palette[static_cast<std::size_t>(chosen) % palette.size()];
    if (series.name.empty()) return colour;
    const bool at_right = panel.legend == top_right || panel.legend == bottom_right;
    const bool at_top = panel.legend == top_right || panel.legend == top_left;
    const double line = 16.0 * named++;
    legend += "<text x='" + number(at_right ? right - 8 : left + 8) + "' y='" +
              number(at_top ? top + 18 + line : bottom - 10 - line) + "' text-anchor='" +
              (at_right ? "end" : "start") + "' fill='" + colour + "'>" + escaped(series.name) + "</text>\n";
    return colour;
  }

  void draw_line(const Series& series) {
    svg << "<path fill='none' stroke-width='2' stroke-linejoin='round' stroke='" << colour_of(series)
        << "' d='";
    bool pen_up = true;
    for (std::size_t i = 0; i < series.x.size(); ++i) {
      const double x = across(series.x[i]), y = down(series.y[i]);
      const bool gap = std::isnan(x) || std::isnan(y);
      if (!gap) svg << (pen_up ? "M" : "L") << number(x) << " " << number(y);
      pen_up = gap;
    }
    svg << "'/>\n";
  }

  void draw_points(const Series& series) {
    svg << "<path stroke-width='6' stroke-linecap='round' stroke='" << colour_of(series) << "' d='";
    for (std::size_t i = 0; i < series.x.size(); ++i)
      svg << "M" << number(across(series.x[i])) << " " << number(down(series.y[i])) << "h0";
    svg << "'/>\n";
    for (std::size_t i = 0; i < series.labels.size(); ++i)
      text(across(series.x[i]) + 6, down(series.y[i]) + 4, series.labels[i], "start");
  }

  void draw_bars(const Series& series) {
    const double apart = series.x.size() > 1 ? across(series.x[1]) - across(series.x[0]) : (right - left) / 2;
    svg << "<path fill-opacity='0.5' fill='" << colour_of(series) << "' d='";
    for (std::size_t i = 0; i < series.x.size(); ++i)
      svg << "M" << number(across(series.x[i]) - apart / 2) << " " << number(bottom) << "V"
          << number(down(series.y[i])) << "h" << number(apart) << "V" << number(bottom) << "z";
    svg << "'/>\n";
  }
};

}  // namespace detail

inline void write(const std::string& path, const std::vector<Panel>& panels, const Layout& layout = {}) {
  const double across = layout.width + 90, down = layout.height + 90;
  const int count = static_cast<int>(panels.size()), columns = std::min(layout.columns, count);
  std::ofstream svg(path);
  svg << "<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 " << detail::number(across * columns) << " "
      << detail::number(down * ((count + columns - 1) / columns))
      << "' font-family='sans-serif' font-size='13' fill='#767676'>\n";
  for (int i = 0; i < count; ++i) {
    const double left = across * (i % columns) + 70, top = down * (i / columns) + 30;
    const Panel& panel = panels[static_cast<std::size_t>(i)];
    detail::Drawing{svg, panel, left, top, left + layout.width, top + layout.height}.draw(i);
  }
  svg << "</svg>\n";
}

}  // namespace figure
