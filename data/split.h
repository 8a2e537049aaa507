// Which examples may be learned from: no input of one kind is ever an input of the other.
#pragma once

#include <cstdint>

#include <gradus/core/check.h>

namespace gradus::data {

enum class Split { train, held_out };

// A tenth of all inputs is held out, by a hash. An input is a list of ids or a text.
template <class Input>
Split split_of(const Input& input) {
  // FNV-1a with a last mixing, for FNV's upper bits hardly move on short inputs.
  std::uint64_t hash = 0xcbf29ce484222325;
  for (const auto symbol : input) hash = (hash ^ static_cast<std::uint64_t>(symbol)) * 0x100000001b3;
  hash = (hash ^ hash >> 32) * 0x9e3779b97f4a7c15;
  return (hash ^ hash >> 32) % 10 == 0 ? Split::held_out : Split::train;
}

// The first example of this split among those that draw() gives, one after the other.
template <class Draw, class InputOf>
auto draw_of_split(const char* op, Split split, const Draw& draw, const InputOf& input_of) {
  for (int attempt = 0; attempt < 10'000; ++attempt) {
    auto example = draw();
    if (split_of(input_of(example)) == split) return example;
  }
  fail(op, "10,000 inputs were drawn and none of them is ",
       split == Split::train ? "for training" : "held out", ": it has too few");
}

}  // namespace gradus::data
