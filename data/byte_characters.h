// A visible character for every byte, in which GPT-2's files spell tokens: "Ġthe" is " the".
//
// The visible characters of Latin-1 stand for the bytes of their own numbers; the other 68 bytes, in their
// order, are the characters from U+0100 on.   Radford et al. 2019
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace gradus::data {

const std::string& character_of(unsigned char byte);
// All bytes in the order of their characters, which is that of GPT-2's first 256 tokens.
const std::array<unsigned char, 256>& bytes_by_character();

// What a spelling stands for, or nothing where it has other characters.
std::optional<std::string> bytes_of_characters(std::string_view spelled);

}  // namespace gradus::data
