// Labelled pictures: read from files (idx.h, cifar.h), or drawn here.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include <gradus/core/tensor.h>

namespace gradus::data {

// N pictures of C channels (1 grey; 3 red, green, blue), H rows and W columns.
struct PictureSet {
  std::int64_t channels = 0, height = 0, width = 0;
  std::vector<std::uint8_t> pixels;  // (N, C, H, W): 0 is dark, 255 light
  std::vector<std::int64_t> labels;  // (N)
  std::vector<std::string> classes;  // a name for each label

  struct Batch {
    Tensor x, y;  // (B, C, H, W) f32 in [0, 1]; (B) i64
  };

  std::int64_t size() const { return static_cast<std::int64_t>(labels.size()); }
  std::int64_t pixels_each() const { return channels * height * width; }
  // These pictures; all of them.
  Batch batch(std::span<const std::int64_t> items) const;
  Batch batch() const;
};

// What is drawn: ten shapes, ten letters, or both, the letters' labels behind those of the shapes.
enum class Figures { shapes, letters, both };

struct DrawingOptions {
  std::uint64_t seed = 0;
  Figures figures = Figures::both;
  std::int64_t size = 28;     // rows and columns, 16 to 64
  std::int64_t channels = 1;  // 1 or 3
};

// Pictures `first` to first + count - 1 of a seed; each depends on the seed and its own number alone. A
// figure is drawn filled or in outline (letters in strokes), at a random place, of random size, width, turn
// up to 28 degrees, stroke and brightness, every corner a little off, before a background that grows lighter
// to one side, among up to four short strokes that mean nothing, and under noise. The same bytes on every
// machine: nothing is computed but with + - * / and square roots, which round alike everywhere.
PictureSet draw_pictures(const DrawingOptions& options, std::int64_t first, std::int64_t count);

}  // namespace gradus::data
