#include <gradus/data/netpbm.h>

#include <gradus/core/io/file.h>

#include "support/catch.h"
#include "support/temporary_folder.h"
#include "support/throws.h"

using namespace gradus;
using namespace gradus::data;
using gradus::test::message_of;
using gradus::test::TemporaryFolder;

using Pixels = std::vector<std::uint8_t>;

TEST_CASE("a PGM file is read row by row, a PPM file colour by colour", "[data][io]") {
  const Picture grey = parse_netpbm("P5\n3 2\n255\n\x01\x02\x03\x04\x05\xff");
  CHECK(grey.channels == 1);
  CHECK(grey.height == 2);
  CHECK(grey.width == 3);
  CHECK(grey.pixels == Pixels{1, 2, 3, 4, 5, 255});
  const Picture colour = parse_netpbm("P6 2 1 255 rgbRGB");
  CHECK(colour.channels == 3);
  CHECK(colour.height == 1);
  CHECK(colour.width == 2);
  CHECK(colour.pixels == Pixels{'r', 'R', 'g', 'G', 'b', 'B'});
}

TEST_CASE("a header may have comments, and a first pixel look like whitespace or a comment", "[data][io]") {
  CHECK(parse_netpbm("P5 # made by hand\n#\n 1# 7\n1\t#\n255\n\n").pixels == Pixels{'\n'});
  CHECK(parse_netpbm("P5\n2 1\n255\r##").pixels == Pixels{'#', '#'});
}

TEST_CASE("the largest value is white", "[data][io]") {
  using namespace std::string_literals;
  CHECK(parse_netpbm("P5 3 1 2 \0\1\2"s).pixels == Pixels{0, 128, 255});
  CHECK(parse_netpbm("P5 2 1 1 \0\1"s).pixels == Pixels{0, 255});
}

TEST_CASE("pictures are written as they are read", "[data][io]") {
  const TemporaryFolder folder;
  for (const std::int64_t channels : {1, 3}) {
    Picture picture{.channels = channels, .height = 2, .width = 4, .pixels = {}};
    for (std::int64_t i = 0; i < channels * 8; ++i)
      picture.pixels.push_back(static_cast<std::uint8_t>(31 * i));
    const std::string path = folder / "picture";
    write_atomically(path, [&](const Sink& sink) { sink(format_netpbm(picture)); });
    CHECK(read_netpbm(path) == picture);
  }
  CHECK(format_netpbm(parse_netpbm("P6 1 1 255 abc")) == "P6\n1 1\n255\nabc");
}

TEST_CASE("a picture that is not right is refused with the reason", "[data][io][error]") {
  const auto refusal = [](std::string_view bytes) {
    return message_of([&] { parse_netpbm(bytes, "x.pgm"); });
  };
  const std::string neither =
      "[netpbm] x.pgm is neither PGM nor PPM with bytes: it does not begin with P5 or P6. Convert it?";
  for (const char* const bytes : {"", "P", "P2\n1 1\n255\n7", "\x89PNG\r\n", "p5 1 1 255 x"})
    CHECK(refusal(bytes) == neither);
  const auto no_number = [](const std::string& what) {
    return "[netpbm] x.pgm has no number where its " + what + " should be. Is the file damaged?";
  };
  CHECK(refusal("P5") == no_number("width"));
  CHECK(refusal("P51 1 255 x") == no_number("width"));
  CHECK(refusal("P5 -1 1 255 x") == no_number("width"));
  CHECK(refusal("P5 1") == no_number("height"));
  CHECK(refusal("P5 1 #2") == no_number("height"));
  CHECK(refusal("P5 1 1 x") == no_number("largest value"));
  CHECK(refusal("P5 1 0 255 x") == "[netpbm] x.pgm: its height is 0. Is the file damaged?");
  CHECK(refusal("P5 99999999999999999999999 1 255 x") ==
        "[netpbm] x.pgm: its width is above 65535. Is the file damaged?");
  CHECK(refusal("P5 1 1 65535 xx") ==
        "[netpbm] x.pgm has values up to 65535, two bytes each; read is one. Convert it to 8 bits?");
  const std::string no_space =
      "[netpbm] x.pgm has no whitespace between its header and its pixels. Is the file damaged?";
  CHECK(refusal("P5 1 1 255") == no_space);
  CHECK(refusal("P5 1 1 255x") == no_space);
  CHECK(refusal("P6 2 2 255 elevenbytes") ==
        "[netpbm] x.pgm announces 12 bytes of pixels and has 11. Was it cut short?");
  CHECK(refusal("P5 60000 60000 255 x") ==
        "[netpbm] x.pgm announces 3600000000 bytes of pixels and has 1. Was it cut short?");
  CHECK(refusal("P5 1 1 255 xy") ==
        "[netpbm] x.pgm has bytes behind the 1 that it announces. Does it hold several pictures?");
  CHECK(refusal("P5 1 1 7 \x08") ==
        "[netpbm] x.pgm has a pixel of 8, above its largest value 7. Is the file damaged?");
  CHECK_THROWS_AS(read_netpbm("nowhere.pgm"), Error);
  CHECK_THROWS_AS(format_netpbm({.channels = 2, .height = 1, .width = 1, .pixels = {1, 2}}), Error);
  CHECK_THROWS_AS(format_netpbm({.channels = 1, .height = 1, .width = 2, .pixels = {1}}), Error);
}
