#include <gradus/core/print.h>

#include <cstdlib>
#include <fstream>
#include <sstream>
#include <string>

#include <gradus/core/create.h>
#include <gradus/core/view.h>

#include "support/catch.h"
#include "support/throws.h"

using namespace gradus;

namespace {

// One case of golden/print.txt; make_print.py there says how it is written.
struct Case {
  std::string name, dtype, text;
  Shape shape;
  std::vector<std::string> values;
};

std::vector<Case> read_cases() {
  std::ifstream file(GRADUS_SOURCE_DIR "/tests/core/golden/print.txt");
  std::vector<Case> cases;
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with('|')) {
      std::string& text = cases.back().text;
      if (!text.empty()) text += '\n';
      text.append(line, 1);
      continue;
    }
    std::istringstream words(line);
    std::string key;
    words >> key;
    if (key == "case")
      cases.push_back({.name = line.substr(5), .dtype = {}, .text = {}, .shape = {}, .values = {}});
    if (key == "dtype") words >> cases.back().dtype;
    if (key == "shape")
      for (std::int64_t size; words >> size;) cases.back().shape.push_back(size);
    if (key == "values")
      for (std::string value; words >> value;) cases.back().values.push_back(value);
  }
  return cases;
}

template <class T>
Tensor tensor_of(const Case& one, T (*parse)(const std::string&)) {
  std::vector<T> values(static_cast<std::size_t>(numel_of(one.shape, "print_test")));
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = parse(one.values[i % one.values.size()]);
  return from_vector(values, one.shape);
}

Tensor tensor_of(const Case& one) {
  if (one.dtype == "f32")
    return tensor_of<float>(one, [](const std::string& word) { return std::strtof(word.c_str(), nullptr); });
  if (one.dtype == "f64")
    return tensor_of<double>(one, [](const std::string& word) { return std::strtod(word.c_str(), nullptr); });
  if (one.dtype == "i64")
    return tensor_of<std::int64_t>(one, [](const std::string& word) {
      return static_cast<std::int64_t>(std::strtoll(word.c_str(), nullptr, 10));
    });
  return tensor_of<bool>(one, [](const std::string& word) { return word == "1"; });
}

}  // namespace

TEST_CASE("tensors print as NumPy prints them", "[print]") {
  const std::vector<Case> cases = read_cases();
  REQUIRE(cases.size() >= 60);
  for (const Case& one : cases) {
    INFO(one.name);
    std::ostringstream out;
    out << tensor_of(one);
    CHECK(out.str() == one.text);
  }
}

TEST_CASE("a view prints as a copy of it does", "[print][view]") {
  const Tensor x = views::reshape(arange(12), {3, 4});
  CHECK(to_string(views::transpose(x, 0, 1)) ==
        "[[ 0.  4.  8.]\n [ 1.  5.  9.]\n [ 2.  6. 10.]\n [ 3.  7. 11.]]");
  CHECK(to_string(views::slice(x, 1, 1, 4, 2)) == "[[ 1.  3.]\n [ 5.  7.]\n [ 9. 11.]]");
  CHECK(to_string(views::expand(tensor({true}, boolean), {2, 2})) == "[[ True  True]\n [ True  True]]");
}

TEST_CASE("precision, width, threshold and edge items of printing can be chosen", "[print]") {
  CHECK(to_string(tensor({0.123456, 2.5}), {.precision = 3}) == "[0.123 2.5  ]");
  CHECK(to_string(tensor({0.5, 2.5, 3.5}), {.precision = 0}) == "[0. 2. 4.]");  // halves go to the even digit
  CHECK(to_string(tensor({1e-9, 2.55}), {.precision = 1}) == "[1.0e-09 2.5e+00]");
  CHECK(to_string(arange(6, i64), {.width = 8}) == "[0 1 2\n 3 4 5]");
  CHECK(to_string(arange(6, i64), {.threshold = 5, .edge_items = 1}) == "[0 ... 5]");
  CHECK(to_string(arange(6, i64), {.threshold = 5}) == "[0 1 2 3 4 5]");
  CHECK(to_string(views::reshape(arange(8), {2, 2, 2}), {.width = 1}) ==
        "[[[0.\n   1.]\n  [2.\n   3.]]\n\n [[4.\n   5.]\n  [6.\n   7.]]]");
}

TEST_CASE("printing refuses options that make no sense", "[print][error]") {
  CHECK(test::message_of([] { to_string(zeros({2}), {.edge_items = 0}); }) ==
        "[to_string] needs precision >= 0, edge_items >= 1 and width >= 1, not 8, 0 and 75. Leave them at "
        "their defaults?");
}

TEST_CASE("printing an undefined tensor says that it is undefined", "[print][error]") {
  CHECK(test::message_of([] { std::ostringstream() << Tensor(); }) ==
        "[tensor] this tensor is undefined: made by Tensor() and never assigned, or the grad() of a leaf "
        "that no "
        "backward has reached. Make it with zeros, or call backward first?");
}
