#include <gradus/data/pictures.h>

#include <algorithm>
#include <cmath>
#include <set>

#include <gradus/core/parallel.h>
#include <gradus/data/random.h>

#include "support/catch.h"
#include "support/throws.h"

using namespace gradus;
using namespace gradus::data;
using gradus::test::message_of;

namespace {

// FNV-1a over labels and pixels.
std::uint64_t hash_of(const PictureSet& set) {
  std::uint64_t hash = 0xcbf29ce484222325;
  const auto add = [&](std::uint64_t byte) { hash = (hash ^ byte) * 0x100000001b3; };
  for (const std::int64_t label : set.labels) add(static_cast<std::uint64_t>(label));
  for (const std::uint8_t pixel : set.pixels) add(pixel);
  return hash;
}

std::vector<std::uint8_t> pixels_of(const PictureSet& set, std::int64_t item) {
  const auto begin = set.pixels.begin() + item * set.pixels_each();
  return {begin, begin + set.pixels_each()};
}

// Softmax regression: p = softmax(W x + b), by steps of -rate (p - onehot(y)) x' after each picture, the rate
// falling along a line.
class LinearClassifier {
 public:
  LinearClassifier(const PictureSet& set, int epochs)
      : inputs_(static_cast<std::size_t>(set.pixels_each())), classes_(set.classes.size()) {
    weights_.resize(classes_ * (inputs_ + 1));
    const auto steps = static_cast<float>(epochs * set.size());
    float step = 0;
    for (int epoch = 0; epoch < epochs; ++epoch)
      for (std::int64_t i = 0; i < set.size(); ++i, ++step) {
        const std::vector<float> x = input(set, i);
        std::vector<float> p = scores(x);
        const float most = *std::max_element(p.begin(), p.end());
        float sum = 0;
        for (float& score : p) sum += score = std::exp(score - most);
        const float rate = 0.01f * (1 - step / steps);
        for (std::size_t c = 0; c < classes_; ++c) {
          const float error =
              p[c] / sum - (c == static_cast<std::size_t>(set.labels[static_cast<std::size_t>(i)]));
          float* const w = &weights_[c * (inputs_ + 1)];
          for (std::size_t k = 0; k <= inputs_; ++k) w[k] -= rate * error * x[k];
        }
      }
  }

  double share_right(const PictureSet& set) const {
    std::int64_t right = 0;
    for (std::int64_t i = 0; i < set.size(); ++i) {
      const std::vector<float> all = scores(input(set, i));
      right +=
          std::max_element(all.begin(), all.end()) - all.begin() == set.labels[static_cast<std::size_t>(i)];
    }
    return static_cast<double>(right) / static_cast<double>(set.size());
  }

 private:
  // Centred, and a 1 for the bias.
  std::vector<float> input(const PictureSet& set, std::int64_t i) const {
    std::vector<float> x;
    for (const std::uint8_t pixel : pixels_of(set, i)) x.push_back(pixel / 255.0f - 0.4f);
    x.push_back(1);
    return x;
  }
  std::vector<float> scores(const std::vector<float>& x) const {
    std::vector<float> all;
    for (std::size_t c = 0; c < classes_; ++c) {
      const float* const w = &weights_[c * (inputs_ + 1)];
      float sum = 0;
      for (std::size_t k = 0; k <= inputs_; ++k) sum += w[k] * x[k];
      all.push_back(sum);
    }
    return all;
  }

  std::size_t inputs_, classes_;
  std::vector<float> weights_;  // (classes, inputs + 1)
};

// Pictures that a linear classifier can tell apart: of class c, a light square at the place c, under the same
// noise.
PictureSet easy_pictures(std::uint64_t seed, std::int64_t count) {
  PictureSet set = draw_pictures({.seed = seed}, 0, 1);
  set.pixels.clear(), set.labels.clear();
  Random random(seed, 0);
  for (std::int64_t i = 0; i < count; ++i) {
    const std::int64_t label = random.below(20);
    set.labels.push_back(label);
    for (std::int64_t k = 0; k < 28 * 28; ++k) {
      const bool light = k / 28 / 6 == label / 4 && k % 28 / 6 == label % 4;
      set.pixels.push_back(static_cast<std::uint8_t>(random.below(80) + (light ? 120 : 60)));
    }
  }
  return set;
}

}  // namespace

TEST_CASE("the pictures are the same bytes on every machine", "[data]") {
  CHECK(hash_of(draw_pictures({}, 0, 10000)) == 0x1d25b651e8411331);
  CHECK(hash_of(draw_pictures({.seed = 1, .figures = Figures::shapes, .size = 16}, 0, 300)) ==
        0xbf0120fa45ff92d8);
  CHECK(hash_of(draw_pictures({.seed = 1, .figures = Figures::letters, .size = 32, .channels = 3}, 0, 300)) ==
        0x35a46fdb12e7f01c);
}

TEST_CASE("a picture depends on the seed and its number alone", "[data]") {
  const int before = threads();
  set_threads(2);
  const PictureSet set = draw_pictures({.seed = 3}, 0, 300);
  set_threads(1);
  CHECK(hash_of(draw_pictures({.seed = 3}, 0, 300)) == hash_of(set));
  set_threads(before);
  for (const std::int64_t i : {0, 7, 299}) {
    const PictureSet alone = draw_pictures({.seed = 3}, i, 1);
    CHECK(alone.labels[0] == set.labels[static_cast<std::size_t>(i)]);
    CHECK(alone.pixels == pixels_of(set, i));
  }
  std::set<std::vector<std::uint8_t>> different;
  const PictureSet other = draw_pictures({.seed = 4}, 0, 300);
  for (std::int64_t i = 0; i < 300; ++i)
    different.insert(pixels_of(set, i)), different.insert(pixels_of(other, i));
  CHECK(different.size() == 600);
}

TEST_CASE("every class is drawn as often, by its name", "[data]") {
  const PictureSet set = draw_pictures({.size = 16}, 0, 4000);
  REQUIRE(set.classes.size() == 20);
  CHECK(std::set<std::string>(set.classes.begin(), set.classes.end()).size() == 20);
  for (std::int64_t label = 0; label < 20; ++label) {
    const auto count = static_cast<double>(std::count(set.labels.begin(), set.labels.end(), label));
    CHECK(std::abs(count - 200) < 5 * std::sqrt(200 * 0.95));  // five standard deviations
  }
  CHECK(draw_pictures({.figures = Figures::shapes}, 0, 1).classes.front() == "circle");
  CHECK(draw_pictures({.figures = Figures::letters}, 0, 1).classes.front() == "A");
  CHECK(set.classes[10] == "A");
}

TEST_CASE("a figure is lighter than what is around it, and all of it is in the picture", "[data]") {
  const PictureSet set = draw_pictures({.seed = 5, .channels = 3}, 0, 500);
  int pale = 0;
  double border = 0, middle = 0;
  for (std::int64_t i = 0; i < set.size(); ++i) {
    std::vector<std::uint8_t> green = pixels_of(set, i);
    green = {green.begin() + 784, green.begin() + 2 * 784};
    for (std::size_t k = 0; k < 784; ++k) {
      const std::size_t row = k / 28, column = k % 28;
      const bool at_border = std::min(row, column) == 0 || std::max(row, column) == 27;
      const bool in_middle = std::min(row, column) >= 9 && std::max(row, column) < 19;
      border += at_border ? green[k] / 108.0 : 0;
      middle += in_middle ? green[k] / 100.0 : 0;
    }
    std::sort(green.begin(), green.end());
    pale += green[784 * 97 / 100] - green[784 / 4] < 40;
  }
  CHECK(pale <= 5);
  CHECK(middle > 1.2 * border);
}

TEST_CASE("a linear classifier that tells easy pictures apart names at most 80 % of these", "[data]") {
  CHECK(LinearClassifier(easy_pictures(1, 500), 2).share_right(easy_pictures(2, 300)) > 0.99);
  const double share = LinearClassifier(draw_pictures({.seed = 1}, 0, 3000), 3)
                           .share_right(draw_pictures({.seed = 2}, 0, 1000));
  INFO("named rightly: " << share);
  CHECK(share > 0.1);  // chance is 0.05: it has learned what it can
  CHECK(share < 0.8);
}

TEST_CASE("a batch is the pictures asked for, 0 to 1, with their labels", "[data]") {
  const PictureSet set = draw_pictures({.size = 16, .channels = 3}, 0, 5);
  const PictureSet::Batch batch = set.batch(std::vector<std::int64_t>{4, 0, 4});
  REQUIRE(batch.x.shape() == Shape{3, 3, 16, 16});
  CHECK(batch.y.to_vector<std::int64_t>() ==
        std::vector<std::int64_t>{set.labels[4], set.labels[0], set.labels[4]});
  const std::vector<float> x = batch.x.to_vector<float>();
  bool right = true;
  for (std::size_t i = 0; i < 768; ++i) {
    right = right && x[i] == set.pixels[4 * 768 + i] / 255.0f && x[768 + i] == set.pixels[i] / 255.0f;
    right = right && x[2 * 768 + i] == x[i];
  }
  CHECK(right);
  CHECK(set.batch().x.shape() == Shape{5, 3, 16, 16});
  CHECK(message_of([&] { set.batch(std::vector<std::int64_t>{5}); }) ==
        "[pictures] there is no picture 5: they go from 0 to 4");
}

TEST_CASE("pictures that cannot be drawn are refused", "[data][error]") {
  CHECK(message_of([] { draw_pictures({.size = 15}, 0, 1); }) ==
        "[pictures] the size must be from 16 to 64, not 15");
  CHECK(message_of([] { draw_pictures({.channels = 2}, 0, 1); }) ==
        "[pictures] there are 1 (grey) or 3 channels (colours), not 2");
  CHECK(message_of([] { draw_pictures({}, -1, 2); }) ==
        "[pictures] draws one or more, from number 0 on, not 2 from -1");
  CHECK(message_of([] { draw_pictures({}, 0, 0); }).find("not 0 from 0") != std::string::npos);
}
