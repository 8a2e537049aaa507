// Filling memory with random numbers. Element i of a tensor is a function of its place, `from`, and i alone:
// it takes lane i % lanes of block from.counter + i / lanes, where a block has 4 lanes of 32 bits or 2 of 64.
#pragma once

#include <cstdint>

#include <gradus/core/random.h>
#include <gradus/core/tensor.h>

namespace gradus::kernels {

// How many blocks `count` elements take: f32 and boolean read 32 bits each, f64 and i64 read 64. Dropout
// reads 32 for either precision.
std::int64_t random_blocks(std::int64_t count, DType dtype);

// Into new, contiguous tensors.
//   fill_uniform      f32: the multiples of 2^-24 in [0, 1); f64: of 2^-53
//   fill_normal       f32 or f64, mean 0, variance 1
//   fill_integers     i64 in [low, high)
//   fill_permutation  i64, (n,): 0 to n - 1, shuffled
//   fill_bernoulli    boolean, true with the given probability
void fill_uniform(const Tensor& out, const RandomState& from);
void fill_normal(const Tensor& out, const RandomState& from);
void fill_integers(const Tensor& out, std::int64_t low, std::int64_t high, const RandomState& from);
void fill_permutation(const Tensor& out, const RandomState& from);
void fill_bernoulli(const Tensor& out, double probability, const RandomState& from);

// x / (1 - p) where fill_bernoulli(1 - p) from the same place is true, 0 elsewhere.
Tensor dropout(const Tensor& x, double p, const RandomState& from);

// The 32-bit words of lanes [begin, begin + count) from `from`, for kernels that draw as they go.
void random_words(const RandomState& from, std::int64_t begin, std::int64_t count, std::uint32_t* out);

// A lane is true in fill_bernoulli where its word is below this; up to 2^32, which all words are below.
std::uint64_t bernoulli_threshold(double probability);

inline constexpr std::uint32_t philox_rounds = 10;
inline constexpr std::uint32_t philox_steps[2] = {0x9E3779B9, 0xBB67AE85};  // added to the key each round

// a and c are multiplied out to 64 bits; the upper halves are mixed with b, d and the key.
[[gnu::always_inline]] inline void philox_round(std::uint32_t& a, std::uint32_t& b, std::uint32_t& c,
                                                std::uint32_t& d, std::uint32_t key0, std::uint32_t key1) {
  const std::uint64_t from_a = std::uint64_t{0xD2511F53} * a, from_c = std::uint64_t{0xCD9E8D57} * c;
  a = static_cast<std::uint32_t>(from_c >> 32) ^ b ^ key0;
  b = static_cast<std::uint32_t>(from_c);
  c = static_cast<std::uint32_t>(from_a >> 32) ^ d ^ key1;
  d = static_cast<std::uint32_t>(from_a);
}

}  // namespace gradus::kernels
