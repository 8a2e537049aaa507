// Single pictures in the plainest format that there is: PGM (grey, P5) and PPM (colour, P6) of Netpbm, which
// every picture program converts to.
//
//   P5                  or P6
//   28 28               columns and rows; a # and what follows on its line is a comment
//   255                 what is white, up to 255; one whitespace behind it
//   pixels              row by row, a byte each, or three: red, green, blue
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace gradus::data {

struct Picture {
  std::int64_t channels = 0, height = 0, width = 0;
  std::vector<std::uint8_t> pixels;  // (C, H, W): 0 is dark, 255 light

  friend bool operator==(const Picture&, const Picture&) = default;
};

Picture read_netpbm(const std::string& path);
// From memory; `name` is the file's, for errors.
Picture parse_netpbm(std::string_view bytes, const std::string& name = "the file");

// Of 1 or 3 channels: PGM or PPM.
std::string format_netpbm(const Picture& picture);

}  // namespace gradus::data
