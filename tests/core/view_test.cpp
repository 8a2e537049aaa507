#include <gradus/core/view.h>

#include <limits>
#include <numeric>
#include <random>

#include <gradus/core/create.h>
#include <gradus/core/kernels/copy.h>

#include "support/catch.h"
#include "support/throws.h"

using namespace gradus;
using gradus::test::message_of;

namespace {

// What a view should show, without strides: for each of its elements, row-major, the place in the memory
// under it.
struct Picture {
  Shape shape;
  std::vector<std::int64_t> places;

  // The picture of `to` whose element at each index is this one's element at from(index).
  template <class F>
  Picture redrawn(const Shape& to, const F& from) const {
    Picture out{to, {}};
    Shape index(to.rank(), 0);
    for (std::int64_t left = numel_of(to, "picture"); left > 0; --left) {
      out.places.push_back(at(from(index)));
      for (int axis = to.rank() - 1; axis >= 0 && ++index[axis] == to[axis]; --axis) index[axis] = 0;
    }
    return out;
  }
  std::int64_t at(const Shape& index) const {
    std::int64_t flat = 0;
    for (int axis = 0; axis < shape.rank(); ++axis) flat = flat * shape[axis] + index[axis];
    return places[static_cast<std::size_t>(flat)];
  }
};

// Whether strides can show the picture: one step along an axis must always be the same distance in memory.
bool has_strides(const Picture& picture) {
  if (picture.places.empty()) return true;
  bool even = true;
  picture.redrawn(picture.shape, [&](const Shape& index) {
    std::int64_t expected = picture.places[0];
    for (int axis = 0; axis < index.rank(); ++axis) {
      if (picture.shape[axis] == 1) continue;
      Shape one(index.rank(), 0);
      one[axis] = 1;
      expected += index[axis] * (picture.at(one) - picture.places[0]);
    }
    even &= picture.at(index) == expected;
    return index;
  });
  return even;
}

// Memory that holds 0, 1, 2, ...: an element's value is its place.
void require_shows(const Tensor& x, const Picture& picture) {
  REQUIRE(x.shape() == picture.shape);
  REQUIRE(x.numel() == static_cast<std::int64_t>(picture.places.size()));
  REQUIRE(x.to_vector<std::int64_t>() == picture.places);
  bool adjacent = true;
  for (std::size_t i = 1; i < picture.places.size(); ++i)
    adjacent &= picture.places[i] == picture.places[0] + static_cast<std::int64_t>(i);
  REQUIRE(x.is_contiguous() == adjacent);
}

class Chance {
 public:
  explicit Chance(unsigned seed) : engine_(seed) {}
  std::int64_t below(std::int64_t n) {
    return static_cast<std::int64_t>(engine_() % static_cast<std::uint64_t>(n));
  }
  bool one_in(std::int64_t n) { return below(n) == 0; }

 private:
  std::mt19937_64 engine_;
};

Shape random_shape(Chance& chance) {
  Shape shape;
  for (std::int64_t rank = chance.below(5); rank > 0; --rank)
    shape.push_back(chance.one_in(4) ? 1 : 1 + chance.below(5));
  return shape;
}

// Another shape of as many elements: all factors, dealt out to axes at random.
Shape shape_of_as_many(std::int64_t numel, Chance& chance) {
  Shape shape(1 + static_cast<int>(chance.below(5)), 1);
  if (numel == 0) shape[0] = 0;
  for (std::int64_t factor = 2; numel > 1; numel % factor == 0 ? numel /= factor : ++factor)
    if (numel % factor == 0) shape[static_cast<int>(chance.below(shape.rank()))] *= factor;
  return shape;
}

// Applies one view, drawn by chance, to both.
void change(Tensor& x, Picture& picture, Chance& chance) {
  const int rank = x.rank();
  const auto any_axis = [&] { return static_cast<int>(chance.below(rank)); };
  const auto maybe_negative = [&](int axis) { return chance.one_in(2) ? axis - rank : axis; };
  const Shape shape = picture.shape;
  switch (rank == 0 ? 5 : chance.below(7)) {
    case 0: {
      const int a = any_axis(), b = any_axis();
      x = views::transpose(x, maybe_negative(a), maybe_negative(b));
      Shape swapped = shape;
      std::swap(swapped[a], swapped[b]);
      picture = picture.redrawn(swapped, [&](Shape index) { return std::swap(index[a], index[b]), index; });
      break;
    }
    case 1: {
      Shape axes(rank, 0), permuted = shape;
      std::iota(axes.begin(), axes.end(), 0);
      for (int i = rank - 1; i > 0; --i) std::swap(axes[i], axes[static_cast<int>(chance.below(i + 1))]);
      for (int i = 0; i < rank; ++i) permuted[i] = shape[static_cast<int>(axes[i])];
      x = views::permute(x, axes);
      picture = picture.redrawn(permuted, [&](const Shape& index) {
        Shape from = index;
        for (int i = 0; i < rank; ++i) from[static_cast<int>(axes[i])] = index[i];
        return from;
      });
      break;
    }
    case 2: {
      const int axis = any_axis();
      const std::int64_t size = shape[axis], from = chance.below(size + 1), step = 1 + chance.below(3);
      const std::int64_t to = chance.one_in(10) ? from : from + chance.below(size - from + 1);
      x = views::slice(x, maybe_negative(axis), from < size && chance.one_in(2) ? from - size : from,
                       to == size ? size + chance.below(100) : to, step);
      Shape cut = shape;
      cut[axis] = 0;
      for (std::int64_t i = from; i < to; i += step) ++cut[axis];
      picture =
          picture.redrawn(cut, [&](Shape index) { return index[axis] = from + index[axis] * step, index; });
      break;
    }
    case 3: {
      const int axis = any_axis();
      if (shape[axis] == 0) break;
      const std::int64_t at = chance.below(shape[axis]);
      x = views::select(x, maybe_negative(axis), chance.one_in(2) ? at - shape[axis] : at);
      Shape without = shape;
      without.erase(axis);
      picture = picture.redrawn(without, [&](Shape index) { return index.insert(axis, at), index; });
      break;
    }
    case 4: {
      const int axis = any_axis();
      if (shape[axis] != 1) break;
      if (chance.one_in(2)) {
        x = views::squeeze(x, maybe_negative(axis));
        picture.shape.erase(axis);
      } else {
        Shape wide = shape, asked(rank, -1);
        asked[axis] = wide[axis] = chance.below(4);
        x = views::expand(x, asked);
        picture = picture.redrawn(wide, [&](Shape index) { return index[axis] = 0, index; });
      }
      break;
    }
    case 5: {
      if (rank == 6) break;
      const int axis = static_cast<int>(chance.below(rank + 1));
      x = views::unsqueeze(x, chance.one_in(2) ? axis - rank - 1 : axis);
      picture.shape.insert(axis, 1);
      break;
    }
    default: {
      if (rank == 6) break;
      Shape wide = shape;
      wide.insert(0, 1 + chance.below(3));
      x = views::expand(x, wide);
      picture = picture.redrawn(wide, [&](Shape index) { return index.erase(0), index; });
    }
  }
}

Tensor counting(const Shape& shape) {
  return views::reshape(arange(static_cast<double>(numel_of(shape, "counting")), i64), shape);
}

}  // namespace

TEST_CASE("chains of views show what index arithmetic says", "[view]") {
  Chance chance(1);
  for (int round = 0; round < 400; ++round) {
    const Shape shape = random_shape(chance);
    Tensor x = counting(shape);
    Picture picture{shape, x.to_vector<std::int64_t>()};
    const void* const memory = x.block().owner;
    for (int step = 0; step < 6 && x.numel() < 5000; ++step) {
      change(x, picture, chance);
      require_shows(x, picture);
      REQUIRE(x.block().owner == memory);
    }
  }
}

TEST_CASE("reshape of a view equals reshape of a copy, and copies only where no strides will do", "[view]") {
  Chance chance(2);
  int shown = 0, copied = 0;
  for (int round = 0; round < 4000; ++round) {
    const Shape shape = random_shape(chance);
    Tensor x = counting(shape);
    Picture picture{shape, x.to_vector<std::int64_t>()};
    for (std::int64_t step = chance.below(4); step > 0; --step) change(x, picture, chance);
    const Shape target = shape_of_as_many(x.numel(), chance);
    const Tensor reshaped = views::reshape(x, target);
    const Picture wanted{target, picture.places};
    REQUIRE(reshaped.shape() == target);
    REQUIRE(reshaped.to_vector<std::int64_t>() == picture.places);
    const auto strides = views::strides_of_reshape(x, target);
    REQUIRE(strides.has_value() == has_strides(wanted));
    REQUIRE((reshaped.block().owner == x.block().owner) == strides.has_value());
    if (strides) REQUIRE(x.window(target, *strides, 0).to_vector<std::int64_t>() == picture.places);
    if (!x.is_contiguous()) ++(strides ? shown : copied);
  }
  // Both happen often enough to mean something.
  CHECK(shown > 200);
  CHECK(copied > 200);
}

TEST_CASE("views share memory both ways", "[view]") {
  const Tensor x = counting({3, 4});
  const Tensor column = views::select(x, 1, 2);
  column.data<std::int64_t>()[column.strides()[0]] = -1;
  CHECK(x.to_vector<std::int64_t>() == std::vector<std::int64_t>{0, 1, 2, 3, 4, 5, -1, 7, 8, 9, 10, 11});
  kernels::fill(views::slice(x, 0, 0, 1), 7);
  CHECK(column.to_vector<std::int64_t>() == std::vector<std::int64_t>{7, -1, 10});
}

TEST_CASE("negative axes and indices count from the end, as in NumPy", "[view]") {
  const Tensor x = counting({2, 5});
  CHECK(equal(views::select(x, -1, -2), tensor({3, 8}, i64)));
  CHECK(equal(views::slice(x, -1, -3, -1), tensor({{2, 3}, {7, 8}}, i64)));
  CHECK(equal(views::slice(x, 1, -100, 2), tensor({{0, 1}, {5, 6}}, i64)));
  CHECK(equal(views::slice(x, 1, 3, 100), tensor({{3, 4}, {8, 9}}, i64)));
  CHECK(views::slice(x, 1, 4, 2).shape() == Shape{2, 0});
  CHECK(views::unsqueeze(x, -1).shape() == Shape{2, 5, 1});
  CHECK(equal(views::transpose(x, -1, -2), views::transpose(x, 0, 1)));
}

TEST_CASE("steps and ends as large as numbers go do not overflow", "[view]") {
  constexpr std::int64_t most = std::numeric_limits<std::int64_t>::max(),
                         least = std::numeric_limits<std::int64_t>::min();
  const Tensor x = counting({5});
  CHECK(equal(views::slice(x, 0, 1, most, most), tensor({1}, i64)));
  CHECK(equal(views::slice(x, 0, least, most), x));
  CHECK(views::slice(x, 0, most, least).shape() == Shape{0});
}

TEST_CASE("reshape works out one size", "[view]") {
  CHECK(views::reshape(counting({2, 6}), {3, -1}).shape() == Shape{3, 4});
  CHECK(views::reshape(counting({2, 6}), {-1}).shape() == Shape{12});
  CHECK(views::reshape(counting({}), {-1}).shape() == Shape{1});
  CHECK(views::reshape(counting({0, 3}), {-1, 3}).shape() == Shape{0, 3});
}

TEST_CASE("reshape refuses what does not fit", "[view][error]") {
  const Tensor x = counting({2, 3});
  CHECK(message_of([&] { views::reshape(x, {4}); }) ==
        "[reshape] shape (2, 3) has 6 elements, (4,) has 4. Let one size be -1?");
  CHECK(message_of([&] {
          views::reshape(x, {4, -1});
        }) ==
        "[reshape] shape (2, 3) with 6 elements does not fit (4, -1): 6 is no multiple of 4. Another size?");
  CHECK(message_of([&] {
          views::reshape(x, {-1, -1});
        }) == "[reshape] only one size may be -1, not two: (-1, -1). Name all but one?");
  CHECK(message_of([&] {
          views::reshape(x, {-2, -1});
        }) == "[reshape] sizes cannot be negative: (-2, 1). Was an axis computed below zero?");
  CHECK(message_of([&] {
          views::reshape(x, {std::int64_t{1} << 33, std::int64_t{1} << 33, -1});
        }) == "[reshape] shape (8589934592, 8589934592, 1) spans more than 2^63 elements. Split the work?");
  CHECK(message_of([] {
          views::reshape(counting({0, 3}), {0, -1});
        }) ==
        "[reshape] shape (0, 3) with 0 elements does not fit (0, -1): 0 is no multiple of 0. Another size?");
}

TEST_CASE("other views refuse axes, indices and sizes out of range", "[view][error]") {
  const Tensor x = counting({2, 3});
  CHECK(message_of([&] { views::transpose(x, 0, 2); }) ==
        "[transpose] axis 2 is out of range for 2 axes. Valid axes run from -2 to 1.");
  CHECK(message_of([&] { views::permute(x, {0}); }) ==
        "[permute] needs each of the 2 axes of shape (2, 3) once, got (0,). Name them all?");
  CHECK(message_of([&] {
          views::permute(x, {1, -1});
        }) == "[permute] axis -1 stands twice in (1, -1). Each axis once?");
  CHECK(message_of([&] { views::slice(x, 0, 0, 2, 0); }) ==
        "[slice] the step must be at least 1, not 0. Reverse with index_select?");
  CHECK(message_of([&] { views::slice(counting({}), 0, 0, 1); }) ==
        "[slice] axis 0 does not exist: a tensor of shape () has no axes. Add one with unsqueeze?");
  CHECK(message_of([&] { views::select(x, 1, 3); }) ==
        "[select] index 3 is out of range for axis 1 of size 3 in shape (2, 3). Valid indices run from -3 to "
        "2.");
  CHECK(message_of([&] { views::select(x, 0, -3); }) ==
        "[select] index -3 is out of range for axis 0 of size 2 in shape (2, 3). Valid indices run from -2 "
        "to 1.");
  CHECK(message_of([&] { views::select(counting({}), 0, 0); }) ==
        "[select] a tensor of shape () has no axis to index. Use item()?");
  CHECK(message_of([&] { views::expand(x, {3}); }) ==
        "[expand] shape (2, 3) has more axes than (3,). Reshape or select first?");
  CHECK(message_of([&] {
          views::expand(x, {4, 3});
        }) ==
        "[expand] shape (2, 3) does not expand to (4, 3): 2 against 4 at axis 0. Only axes of size 1 can "
        "grow; unsqueeze "
        "first?");
  CHECK(message_of([&] {
          views::expand(counting({1}), {std::int64_t{1} << 62, 4});
        }).starts_with("[expand] shape ("));
  CHECK(message_of([&] { views::expand(x, {-1, 2, 3}); }).starts_with("[expand] sizes cannot be negative"));
  CHECK(message_of([&] { views::squeeze(x, 0); }) ==
        "[squeeze] axis 0 of shape (2, 3) has size 2, not 1. Use select or reshape?");
  CHECK(message_of([&] { views::unsqueeze(x, 3); }) ==
        "[unsqueeze] axis 3 is out of range for 3 axes. Valid axes run from -3 to 2.");
  CHECK(message_of([&] { views::unsqueeze(counting(Shape(8, 1)), 0); }) ==
        "[shape] a tensor has at most 8 axes, not 9. Join some with reshape?");
}
