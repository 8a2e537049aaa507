#include <gradus/data/netpbm.h>

#include <algorithm>

#include <gradus/core/check.h>
#include <gradus/core/io/file.h>

namespace gradus::data {
namespace {

constexpr std::int64_t most_pixels_a_side = 65535;

bool is_space(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }
bool is_digit(char c) { return c >= '0' && c <= '9'; }

// Takes a number of the header, and the whitespace and comments before it.
std::int64_t take_number(std::string_view& bytes, const char* what, const std::string& name) {
  const std::size_t size_before = bytes.size();
  while (!bytes.empty() && (is_space(bytes[0]) || bytes[0] == '#'))
    bytes.remove_prefix(bytes[0] == '#' ? std::min(bytes.find_first_of("\r\n"), bytes.size()) : 1);
  check(bytes.size() < size_before && !bytes.empty() && is_digit(bytes[0]), "netpbm", name,
        " has no number where its ", what, " should be. Is the file damaged?");
  std::int64_t number = 0;
  for (; !bytes.empty() && is_digit(bytes[0]); bytes.remove_prefix(1)) {
    number = 10 * number + (bytes[0] - '0');
    check(number <= most_pixels_a_side, "netpbm", name, ": its ", what, " is above ", most_pixels_a_side,
          ". Is the file damaged?");
  }
  check(number > 0, "netpbm", name, ": its ", what, " is 0. Is the file damaged?");
  return number;
}

}  // namespace

Picture parse_netpbm(std::string_view bytes, const std::string& name) {
  const bool grey = bytes.starts_with("P5");
  check(grey || bytes.starts_with("P6"), "netpbm", name,
        " is neither PGM nor PPM with bytes: it does not begin with P5 or P6. Convert it?");
  bytes.remove_prefix(2);
  Picture picture;
  picture.channels = grey ? 1 : 3;
  picture.width = take_number(bytes, "width", name);
  picture.height = take_number(bytes, "height", name);
  const std::int64_t white = take_number(bytes, "largest value", name);
  check(white <= 255, "netpbm", name, " has values up to ", white,
        ", two bytes each; read is one. Convert it to 8 bits?");
  check(!bytes.empty() && is_space(bytes[0]), "netpbm", name,
        " has no whitespace between its header and its pixels. Is the file damaged?");
  bytes.remove_prefix(1);
  const std::int64_t places = picture.height * picture.width, expected = picture.channels * places;
  check(std::ssize(bytes) >= expected, "netpbm", name, " announces ", expected, " bytes of pixels and has ",
        bytes.size(), ". Was it cut short?");
  check(std::ssize(bytes) == expected, "netpbm", name, " has bytes behind the ", expected,
        " that it announces. Does it hold several pictures?");
  picture.pixels.resize(bytes.size());
  for (std::int64_t i = 0; i < expected; ++i) {
    const int value = static_cast<unsigned char>(bytes[static_cast<std::size_t>(i)]);
    check(value <= white, "netpbm", name, " has a pixel of ", value, ", above its largest value ", white,
          ". Is the file damaged?");
    const std::int64_t to = i % picture.channels * places + i / picture.channels;
    picture.pixels[static_cast<std::size_t>(to)] =
        static_cast<std::uint8_t>((255 * value + white / 2) / white);
  }
  return picture;
}

Picture read_netpbm(const std::string& path) { return parse_netpbm(MappedFile(path).bytes(), path); }

std::string format_netpbm(const Picture& picture) {
  const std::int64_t channels = picture.channels, places = picture.height * picture.width;
  check((channels == 1 || channels == 3) && places > 0 && std::ssize(picture.pixels) == channels * places,
        "netpbm", "writes 1 or 3 channels of pixels, not ", channels, " of ", picture.height, " x ",
        picture.width, " with ", picture.pixels.size(), " pixels in all");
  std::string bytes = channels == 1 ? "P5\n" : "P6\n";
  bytes.append(std::to_string(picture.width)).append(" ").append(std::to_string(picture.height));
  bytes.append("\n255\n");
  for (std::int64_t i = 0; i < channels * places; ++i)
    bytes +=
        static_cast<char>(picture.pixels[static_cast<std::size_t>(i % channels * places + i / channels)]);
  return bytes;
}

}  // namespace gradus::data
