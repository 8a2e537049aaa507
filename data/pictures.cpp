#include <gradus/data/pictures.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include <gradus/core/check.h>
#include <gradus/core/create.h>
#include <gradus/core/parallel.h>
#include <gradus/data/figures.h>
#include <gradus/data/random.h>

namespace gradus::data {
namespace {

double between(Random& random, double low, double high) { return low + (high - low) * random.uniform(); }

Point point_between(Random& random, double low, double high) {
  const double x = between(random, low, high), y = between(random, low, high);
  return {x, y};
}

double distance(Point p, Point a, Point b) {
  const Point along = b - a;
  const double length2 = dot(along, along);
  const double nearest = length2 == 0 ? 0 : std::clamp(dot(p - a, along) / length2, 0.0, 1.0);
  const Point off = p - a - nearest * along;
  return std::sqrt(dot(off, off));
}

double distance(Point p, const Strokes& strokes) {
  double least = 1e9;
  for (const Stroke& stroke : strokes)
    for (std::size_t i = 1; i < stroke.size(); ++i)
      least = std::min(least, distance(p, stroke[i - 1], stroke[i]));
  return least;
}

// A ray to the right crosses the outline an odd number of times.
bool is_inside(Point p, const Stroke& outline) {
  bool odd = false;
  for (std::size_t i = 1; i < outline.size(); ++i) {
    const Point a = outline[i - 1], b = outline[i];
    if ((a.y > p.y) != (b.y > p.y) && p.x < a.x + (p.y - a.y) / (b.y - a.y) * (b.x - a.x)) odd = !odd;
  }
  return odd;
}

// A figure with every corner a little off, widened, scaled, turned, and put where all of it can be seen.
Strokes placed(Random& random, const Figure& figure, double side, double margin) {
  const double scale = side / 50 * between(random, 0.5, 0.8);
  const double widen = between(random, 0.8, 1.2);
  // With t the tangent of half the angle, cosine and sine need no function of a library.
  const double t = between(random, -0.25, 0.25);
  const double cosine = (1 - t * t) / (1 + t * t), sine = 2 * t / (1 + t * t);
  Point low{1e9, 1e9}, high{-1e9, -1e9};
  Strokes strokes = figure.strokes;
  for (Stroke& stroke : strokes)
    for (Point& p : stroke) {
      p = p + point_between(random, -1.5, 1.5);
      p = scale * Point{widen * p.x, p.y};
      p = {cosine * p.x - sine * p.y, sine * p.x + cosine * p.y};
      low = {std::min(low.x, p.x), std::min(low.y, p.y)};
      high = {std::max(high.x, p.x), std::max(high.y, p.y)};
    }
  const Point room = Point{side - 1 - 2 * margin, side - 1 - 2 * margin} - (high - low);
  const Point where = point_between(random, 0, 1);
  const Point move = Point{margin + where.x * room.x, margin + where.y * room.y} - low;
  for (Stroke& stroke : strokes) {
    for (Point& p : stroke) p = p + move;
    if (figure.closed) stroke.push_back(stroke.front());
  }
  return strokes;
}

// What stands on a picture, in pixels.
struct Scene {
  Strokes figure, clutter;
  bool filled;
  double half_width, clutter_strength;

  Scene(Random& random, const Figure& drawn, double side)
      : filled(drawn.closed && random.chance(0.5)),
        half_width(side / 28 * between(random, 0.5, 1.1)),
        clutter_strength(between(random, 0.4, 0.8)) {
    figure = placed(random, drawn, side, half_width);
    for (std::int64_t left = random.below(5); left > 0; --left) {
      const Point from = point_between(random, 0, side), across = point_between(random, -side, side);
      clutter.push_back({from, from + 0.15 * across});
    }
  }

  // 1 on the figure, 0 on the background; edges are as grey as much of the pixel they cover.
  double at(Point p) const {
    if (filled && is_inside(p, figure[0])) return 1;
    const auto cover = [&](double away) { return std::clamp(half_width + 0.5 - away, 0.0, 1.0); };
    return std::max(cover(distance(p, figure)), clutter_strength * cover(distance(p, clutter)));
  }
};

// The sum of four bytes is nearly normal, of mean 510 and deviation 148.
double noise(Random& random) {
  const std::uint32_t bits = random.bits();
  const std::uint32_t sum = (bits & 255) + (bits >> 8 & 255) + (bits >> 16 & 255) + (bits >> 24);
  return (static_cast<double>(sum) - 510) / 148;
}

void draw(Random& random, const Figure& figure, const DrawingOptions& options, std::uint8_t* pixels) {
  const std::int64_t size = options.size;
  const auto side = static_cast<double>(size);
  const Scene scene(random, figure, side);
  std::vector<double> shades;
  for (std::int64_t row = 0; row < size; ++row)
    for (std::int64_t column = 0; column < size; ++column)
      shades.push_back(scene.at({static_cast<double>(column), static_cast<double>(row)}));
  const Point slope = 1 / side * point_between(random, -0.3, 0.3);
  const double roughness = between(random, 0.02, 0.12);
  for (std::int64_t channel = 0; channel < options.channels; ++channel) {
    const double back = between(random, 0.1, 0.4), fore = between(random, 0.6, 1);
    for (std::int64_t i = 0; i < size * size; ++i) {
      const Point from_middle{static_cast<double>(i % size) - side / 2,
                              static_cast<double>(i / size) - side / 2};
      const double ground = back + dot(slope, from_middle);
      const double shade = shades[static_cast<std::size_t>(i)];
      const double light = ground + shade * (fore - ground) + roughness * noise(random);
      *pixels++ = static_cast<std::uint8_t>(255 * std::clamp(light, 0.0, 1.0) + 0.5);
    }
  }
}

std::vector<const Figure*> drawn_by(Figures figures) {
  std::vector<const Figure*> all;
  if (figures != Figures::letters)
    for (const Figure& figure : shapes()) all.push_back(&figure);
  if (figures != Figures::shapes)
    for (const Figure& figure : letters()) all.push_back(&figure);
  return all;
}

}  // namespace

PictureSet::Batch PictureSet::batch(std::span<const std::int64_t> items) const {
  const auto count = static_cast<std::int64_t>(items.size());
  Batch out{Tensor::empty({count, channels, height, width}, f32, "pictures"),
            Tensor::empty({count}, i64, "pictures")};
  float* x = out.x.data<float>();
  std::int64_t* y = out.y.data<std::int64_t>();
  for (const std::int64_t item : items) {
    check(item >= 0 && item < size(), "pictures", "there is no picture ", item, ": they go from 0 to ",
          size() - 1);
    const std::uint8_t* const from = pixels.data() + item * pixels_each();
    x = std::transform(from, from + pixels_each(), x, [](std::uint8_t pixel) { return pixel / 255.0f; });
    *y++ = labels[static_cast<std::size_t>(item)];
  }
  return out;
}

PictureSet::Batch PictureSet::batch() const {
  std::vector<std::int64_t> all(labels.size());
  std::iota(all.begin(), all.end(), std::int64_t{0});
  return batch(all);
}

PictureSet draw_pictures(const DrawingOptions& options, std::int64_t first, std::int64_t count) {
  check(options.size >= 16 && options.size <= 64, "pictures", "the size must be from 16 to 64, not ",
        options.size);
  check(options.channels == 1 || options.channels == 3, "pictures",
        "there are 1 (grey) or 3 channels (colours), not ", options.channels);
  check(first >= 0 && count > 0, "pictures", "draws one or more, from number 0 on, not ", count, " from ",
        first);
  const std::vector<const Figure*> figures = drawn_by(options.figures);
  PictureSet set;
  set.channels = options.channels;
  set.height = set.width = options.size;
  for (const Figure* figure : figures) set.classes.push_back(figure->name);
  set.labels.resize(static_cast<std::size_t>(count));
  set.pixels.resize(static_cast<std::size_t>(count * set.pixels_each()));
  parallel_for(count, 64, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) {
      Random random(options.seed, static_cast<std::uint64_t>(first + i));
      const std::int64_t label = random.below(std::ssize(figures));
      set.labels[static_cast<std::size_t>(i)] = label;
      draw(random, *figures[static_cast<std::size_t>(label)], options,
           set.pixels.data() + i * set.pixels_each());
    }
  });
  return set;
}

}  // namespace gradus::data
