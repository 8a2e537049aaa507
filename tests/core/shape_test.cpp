#include <gradus/core/shape.h>

#include <limits>
#include <sstream>

#include "support/catch.h"
#include "support/throws.h"

using namespace gradus;
using gradus::test::message_of;

namespace {

std::string text_of(const Shape& shape) {
  std::ostringstream out;
  out << shape;
  return out.str();
}

}  // namespace

TEST_CASE("shapes print as Python's tuples do", "[shape]") {
  CHECK(text_of({}) == "()");
  CHECK(text_of({4}) == "(4,)");
  CHECK(text_of({2, 3, 0}) == "(2, 3, 0)");
}

TEST_CASE("sizes are inserted and erased in place", "[shape]") {
  Shape shape{2, 3};
  shape.insert(0, 7);
  shape.insert(3, 9);
  shape.insert(2, 8);
  CHECK(shape == Shape{7, 2, 8, 3, 9});
  shape.erase(4);
  shape.erase(0);
  CHECK(shape == Shape{2, 8, 3});
  CHECK(shape.back() == 3);
  CHECK_FALSE(shape == Shape{2, 8});
  CHECK_FALSE(shape == Shape{2, 8, 4});
  CHECK(Shape(3, 5) == Shape{5, 5, 5});
}

TEST_CASE("a ninth axis is refused and the shape stays as it was", "[shape][error]") {
  Shape shape(8, 1);
  const std::string text = "[shape] a tensor has at most 8 axes, not 9. Join some with reshape?";
  CHECK(message_of([&] { shape.push_back(1); }) == text);
  CHECK(message_of([&] { shape.insert(0, 1); }) == text);
  CHECK(shape == Shape(8, 1));
  CHECK(message_of([] { Shape{1, 1, 1, 1, 1, 1, 1, 1, 1}; }) == text);
}

TEST_CASE("the number of elements is the product of the sizes", "[shape]") {
  CHECK(numel_of({}, "op") == 1);
  CHECK(numel_of({2, 3, 4}, "op") == 24);
  CHECK(numel_of({2, 0, 4}, "op") == 0);
  CHECK(numel_of({std::int64_t{1} << 31, std::int64_t{1} << 31}, "op") == std::int64_t{1} << 62);
}

TEST_CASE("a size overflow of 2^33 x 2^33 is refused", "[shape][error]") {
  constexpr std::int64_t large = std::int64_t{1} << 33;
  CHECK(message_of([] {
          numel_of({large, large}, "zeros");
        }) == "[zeros] shape (8589934592, 8589934592) spans more than 2^63 elements. Split the work?");
  // The strides of an empty tensor are products too.
  CHECK(message_of([] {
          numel_of({0, large, large}, "zeros");
        }) == "[zeros] shape (0, 8589934592, 8589934592) spans more than 2^63 elements. Split the work?");
}

TEST_CASE("sizes that fit alone and overflow when broadcast are refused", "[shape][error]") {
  constexpr std::int64_t large = std::int64_t{1} << 33;
  CHECK(message_of([] {
          broadcast_shapes({large, 1}, {large}, "add");
        }) == "[add] shape (8589934592, 8589934592) spans more than 2^63 elements. Split the work?");
}

TEST_CASE("negative sizes are refused", "[shape][error]") {
  CHECK(message_of([] {
          numel_of({2, -3}, "zeros");
        }) == "[zeros] sizes cannot be negative: (2, -3). Was an axis computed below zero?");
}

TEST_CASE("contiguous strides are row-major", "[shape]") {
  CHECK(contiguous_strides({2, 3, 4}) == Strides{12, 4, 1});
  CHECK(contiguous_strides({}) == Strides{});
  CHECK(contiguous_strides({2, 0, 4}) == Strides{4, 4, 1});
}

TEST_CASE("negative axes count from the end", "[shape]") {
  for (int axis = 0; axis < 3; ++axis) {
    CHECK(normalised_axis(axis, 3, "op") == axis);
    CHECK(normalised_axis(axis - 3, 3, "op") == axis);
  }
}

TEST_CASE("an axis out of range is refused", "[shape][error]") {
  CHECK(message_of([] { normalised_axis(2, 2, "sum"); }) ==
        "[sum] axis 2 is out of range for 2 axes. Valid axes run from -2 to 1.");
  CHECK(message_of([] { normalised_axis(-2, 1, "sum"); }) ==
        "[sum] axis -2 is out of range for 1 axis. Valid axes run from -1 to 0.");
  CHECK(message_of([] { normalised_axis(0, 0, "sum"); }) ==
        "[sum] axis 0 does not exist: a tensor of shape () has no axes. Add one with unsqueeze?");
  CHECK(message_of([] {
          normalised_axis(std::numeric_limits<std::int64_t>::min(), 2, "sum");
        }).starts_with("[sum] axis -9223372036854775808 is out of range"));
}

TEST_CASE("shapes broadcast as in NumPy", "[shape]") {
  CHECK(broadcast_shapes({2, 3}, {2, 3}, "op") == Shape{2, 3});
  CHECK(broadcast_shapes({2, 3}, {3}, "op") == Shape{2, 3});
  CHECK(broadcast_shapes({}, {2, 3}, "op") == Shape{2, 3});
  CHECK(broadcast_shapes({4, 1}, {1, 5}, "op") == Shape{4, 5});
  CHECK(broadcast_shapes({2, 1, 3}, {4, 1}, "op") == Shape{2, 4, 3});
  CHECK(broadcast_shapes({0, 3}, {1, 3}, "op") == Shape{0, 3});
  CHECK(broadcast_shapes({1}, {0}, "op") == Shape{0});
}

TEST_CASE("shapes that do not broadcast are named with the axis", "[shape][error]") {
  CHECK(message_of([] {
          broadcast_shapes({2, 3}, {2, 4}, "add");
        }) ==
        "[add] shapes (2, 3) and (2, 4) do not broadcast: 3 against 4 at axis -1. Insert an axis with "
        "unsqueeze, or "
        "transpose?");
  CHECK(message_of([] { broadcast_shapes({2, 3}, {5, 1, 3}, "add"); }) == "(nothing was thrown)");
  CHECK(message_of([] {
          broadcast_shapes({2, 3}, {0, 3}, "add");
        }).starts_with("[add] shapes (2, 3) and (0, 3)"));
}
