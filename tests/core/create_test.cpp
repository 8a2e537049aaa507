#include <gradus/core/create.h>

#include <cmath>
#include <limits>

#include <gradus/core/parallel.h>

#include "support/catch.h"
#include "support/throws.h"

using namespace gradus;
using gradus::test::message_of;

namespace {

using Floats = std::vector<float>;
using Doubles = std::vector<double>;
using Wholes = std::vector<std::int64_t>;

constexpr std::int64_t large = std::int64_t{1} << 33;

}  // namespace

TEST_CASE("zeros, ones and full fill any shape and dtype", "[create]") {
  CHECK(zeros({2, 2}).to_vector<float>() == Floats{0, 0, 0, 0});
  CHECK(ones({3}, f64).to_vector<double>() == Doubles{1, 1, 1});
  CHECK(ones({2}, boolean).to_vector<bool>() == std::vector<bool>{true, true});
  CHECK(full({2}, 7, i64).to_vector<std::int64_t>() == Wholes{7, 7});
  CHECK(full({}, 0.25).item() == 0.25);
  CHECK(zeros({0, 5}).numel() == 0);
  // Large enough for several chunks, in which a fill must not miss its ends.
  const Floats many = full({100003}, 3).to_vector<float>();
  CHECK(many == Floats(100003, 3.0f));
}

TEST_CASE("zeros_like, ones_like and full_like take shape and dtype from a tensor", "[create]") {
  const Tensor x = zeros({2, 3}, i64);
  CHECK(equal(zeros_like(x), zeros({2, 3}, i64)));
  CHECK(equal(ones_like(x), ones({2, 3}, i64)));
  CHECK(equal(full_like(x, 4), full({2, 3}, 4, i64)));
  CHECK(zeros_like(x.window({3, 2}, {1, 3}, 0)).is_contiguous());
}

TEST_CASE("arange counts as NumPy's does", "[create]") {
  CHECK(arange(4).to_vector<float>() == Floats{0, 1, 2, 3});
  CHECK(arange(4, i64).to_vector<std::int64_t>() == Wholes{0, 1, 2, 3});
  CHECK(arange(2, 5, 1, f64).to_vector<double>() == Doubles{2, 3, 4});
  CHECK(arange(0, 1, 0.25).to_vector<float>() == Floats{0, 0.25, 0.5, 0.75});
  CHECK(arange(0, 1.1, 0.5).to_vector<float>() == Floats{0, 0.5, 1});
  CHECK(arange(5, 0, -2, i64).to_vector<std::int64_t>() == Wholes{5, 3, 1});
  CHECK(arange(3, 3).numel() == 0);
  CHECK(arange(3, 0).numel() == 0);
  CHECK(arange(-2.5).numel() == 0);
}

TEST_CASE("linspace includes both ends exactly", "[create]") {
  CHECK(linspace(0, 1, 5).to_vector<float>() == Floats{0, 0.25, 0.5, 0.75, 1});
  CHECK(linspace(2, -1, 4, f64).to_vector<double>() == Doubles{2, 1, 0, -1});
  CHECK(linspace(3, 9, 1).to_vector<float>() == Floats{3});
  CHECK(linspace(3, 9, 0).numel() == 0);
  for (const std::int64_t count : {3, 7, 10, 49, 1000}) {
    const Doubles values = linspace(0.1, 0.7, count, f64).to_vector<double>();
    CHECK(values.front() == 0.1);
    CHECK(values.back() == 0.7);
  }
}

TEST_CASE("eye has ones on its diagonal", "[create]") {
  CHECK(equal(eye(3), tensor({{1, 0, 0}, {0, 1, 0}, {0, 0, 1}})));
  CHECK(equal(eye(2, 3, i64), tensor({{1, 0, 0}, {0, 1, 0}}, i64)));
  CHECK(equal(eye(3, 2, f64), tensor({{1, 0}, {0, 1}, {0, 0}}, f64)));
  CHECK(eye(0).shape() == Shape{0, 0});
  CHECK(eye(2, 0).shape() == Shape{2, 0});
}

TEST_CASE("tensor takes nested lists of any depth", "[create]") {
  CHECK(tensor(2.5).shape() == Shape{});
  CHECK(tensor({2.5}).shape() == Shape{1});
  CHECK(tensor({1, 2, 3}).to_vector<float>() == Floats{1, 2, 3});
  CHECK(tensor({{1, 2}, {3, 4}, {5, 6}}).shape() == Shape{3, 2});
  CHECK(tensor({{1, 2}, {3, 4}, {5, 6}}).to_vector<float>() == Floats{1, 2, 3, 4, 5, 6});
  CHECK(tensor({{{1}, {2}}, {{3}, {4}}}).shape() == Shape{2, 2, 1});
  CHECK(tensor({{{{{{{{9}}}}}}}}).shape() == Shape(8, 1));
  CHECK(tensor({}).shape() == Shape{0});
  CHECK(tensor({{}, {}}).shape() == Shape{2, 0});
  CHECK(tensor({{1.5, 2}}, f64).to_vector<double>() == Doubles{1.5, 2});
  const std::int64_t exact = (std::int64_t{1} << 62) + 1;  // not a double
  CHECK(tensor({exact, -exact}, i64).to_vector<std::int64_t>() == Wholes{exact, -exact});
  CHECK(tensor({3.0, -4.0f}, i64).to_vector<std::int64_t>() == Wholes{3, -4});
  CHECK(tensor({true, false, 1}, boolean).to_vector<bool>() == std::vector<bool>{true, false, true});
}

TEST_CASE("a ragged list is refused with its place", "[create][error]") {
  CHECK(message_of([] {
          tensor({{1, 2, 3}, {4, 5}});
        }) ==
        "[tensor] the list is ragged: entry [1] has length 2, the first of its depth has length 3. Make all "
        "lists of a "
        "depth equally long?");
  CHECK(message_of([] {
          tensor({{{1}, {2}}, {{3}, {4, 5}}});
        }) ==
        "[tensor] the list is ragged: entry [1][1] has length 2, the first of its depth has length 1. Make "
        "all lists of "
        "a depth equally long?");
  CHECK(message_of([] {
          tensor({{1, 2}, 3});
        }) ==
        "[tensor] the list is ragged: entry [1] is a number where the first entry is a list of 2. Make all "
        "entries "
        "equally deep?");
  CHECK(message_of([] {
          tensor({{1, 2}, {3, {4}}});
        }) ==
        "[tensor] the list is ragged: entry [1][1] is a list where the first entry is a number. Make all "
        "entries equally "
        "deep?");
  CHECK(message_of([] {
          tensor({{}, {1}});
        }) ==
        "[tensor] the list is ragged: entry [1] has length 1, the first of its depth has length 0. Make all "
        "lists of a "
        "depth equally long?");
  CHECK(message_of([] { tensor({{{{{{{{{9}}}}}}}}}); }) ==
        "[shape] a tensor has at most 8 axes, not 9. Join some with reshape?");
}

TEST_CASE("from_vector copies values into a shape", "[create]") {
  Floats values{1, 2, 3, 4};
  const Tensor x = from_vector(values, {2, 2});
  values[0] = 9;
  CHECK(equal(x, tensor({{1, 2}, {3, 4}})));
  CHECK(equal(from_vector(Doubles{1, 2}), tensor({1, 2}, f64)));
  CHECK(equal(from_vector(Wholes{5}, {}), tensor(5, i64)));
  CHECK(equal(from_vector(std::vector<bool>{true, false}), tensor({true, false}, boolean)));
  CHECK(from_vector(Floats{}, {3, 0}).shape() == Shape{3, 0});
  CHECK(message_of([] {
          from_vector(Floats{1, 2, 3}, {2, 2});
        }) == "[from_vector] got 3 values for shape (2, 2), which has 4 elements. Another shape?");
}

TEST_CASE("creation refuses negative sizes and sizes past 2^63", "[create][error]") {
  CHECK(message_of([] {
          zeros({2, -1});
        }) == "[zeros] sizes cannot be negative: (2, -1). Was an axis computed below zero?");
  CHECK(message_of([] {
          ones({large, large});
        }) == "[ones] shape (8589934592, 8589934592) spans more than 2^63 elements. Split the work?");
  CHECK(message_of([] {
          full({large, large}, 2);
        }).starts_with("[full] shape (8589934592, 8589934592) spans"));
  CHECK(message_of([] { rand({large, large}); }).starts_with("[rand] shape (8589934592, 8589934592) spans"));
  CHECK(message_of([] { randn({-1}); }).starts_with("[randn] sizes cannot be negative"));
  CHECK(message_of([] { randint(0, 2, {-1}); }).starts_with("[randint] sizes cannot be negative"));
  CHECK(message_of([] { randperm(-1); }).starts_with("[randperm] sizes cannot be negative"));
  CHECK(message_of([] { linspace(0, 1, -1); }).starts_with("[linspace] sizes cannot be negative"));
  CHECK(message_of([] { eye(-1); }).starts_with("[eye] sizes cannot be negative"));
  CHECK(message_of([] { bernoulli(0.5, {-1}); }).starts_with("[bernoulli] sizes cannot be negative"));
}

TEST_CASE("creation refuses numbers that the dtype cannot hold", "[create][error]") {
  CHECK(message_of([] { full({2}, 0.5, i64); }) == "[full] an i64 element cannot be 0.5. Use f32?");
  CHECK(message_of([] { full({2}, 2, boolean); }) == "[full] a boolean element cannot be 2. Use i64?");
  CHECK(message_of([] { full_like(zeros({1}, i64), 1.5); }) ==
        "[full_like] an i64 element cannot be 1.5. Use f32?");
  CHECK(message_of([] { tensor({1, 2.5}, i64); }) == "[tensor] an i64 element cannot be 2.5. Use f32?");
  CHECK(message_of([] { tensor({1, 2}, boolean); }) == "[tensor] a boolean element cannot be 2. Use i64?");
  CHECK(message_of([] { arange(0, 2, 0.5, i64); }) == "[arange] an i64 element cannot be 0.5. Use f32?");
}

TEST_CASE("arange refuses steps that lead nowhere", "[create][error]") {
  CHECK(message_of([] { arange(1, 5, 0); }) ==
        "[arange] the step from 1 to 5 is 0. Name another, or use full?");
  const double infinity = std::numeric_limits<double>::infinity();
  CHECK(message_of([&] { arange(0, infinity); }) ==
        "[arange] from 0 to inf in steps of 1 there is no end. Use finite numbers?");
  CHECK(message_of([] { arange(0, 1, std::nan("")); }).starts_with("[arange] from 0 to 1 in steps of nan"));
  CHECK(message_of([] { arange(0, 1, 1e-300); }).starts_with("[arange] from 0 to 1 in steps of 1e-300"));
}

TEST_CASE("random tensors refuse limits and dtypes that make no sense, and draw nothing", "[create][error]") {
  Generator generator(1);
  CHECK(message_of([&] { randint(3, 3, {2}, generator); }) ==
        "[randint] there is no whole number from 3 to below 3. Swap the limits?");
  CHECK(message_of([&] { randint(4, 3, {2}, generator); }) ==
        "[randint] there is no whole number from 4 to below 3. Swap the limits?");
  CHECK(message_of([&] { rand({2}, i64, generator); }) ==
        "[rand] makes f32 or f64 elements, not i64. Convert with .to(i64) after?");
  CHECK(message_of([&] { randn({2}, boolean, generator); }) ==
        "[randn] makes f32 or f64 elements, not boolean. Convert with .to(boolean) after?");
  CHECK(message_of([&] { linspace(0, 1, 3, i64); }) ==
        "[linspace] makes f32 or f64 elements, not i64. Convert with .to(i64) after?");
  CHECK(message_of([&] { bernoulli(1.5, {2}, generator); }) ==
        "[bernoulli] a probability lies between 0 and 1; this one is 1.5. Divide it by what is the whole?");
  CHECK_THROWS_AS(bernoulli(std::nan(""), {2}, generator), Error);
  CHECK_THROWS_AS(rand({std::int64_t{1} << 45}, f32, generator), Error);
  CHECK(generator.state() == RandomState{.seed = 1, .counter = 0});
}
