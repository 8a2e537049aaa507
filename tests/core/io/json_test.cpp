#include <gradus/core/io/json.h>

#include <bit>
#include <cmath>
#include <limits>

#include <gradus/core/create.h>
#include <gradus/core/random.h>

#include "support/catch.h"
#include "support/throws.h"

using namespace gradus;
using gradus::test::message_of;

namespace {

std::string refusal(std::string_view text) {
  return message_of([&] { parse_json(text); });
}

constexpr std::int64_t least = std::numeric_limits<std::int64_t>::min();

}  // namespace

TEST_CASE("every kind of JSON value is read", "[io]") {
  CHECK(parse_json("null").is_null());
  CHECK(parse_json("true").boolean());
  CHECK_FALSE(parse_json(" \t\r\nfalse ").boolean());
  CHECK(parse_json("-12").integer() == -12);
  CHECK(parse_json("0").integer() == 0);
  CHECK((parse_json("0").is_integer() && !parse_json("0.0").is_integer() && !parse_json("{}").is_integer()));
  CHECK((parse_json("{}").is_object() && !parse_json("[]").is_object()));
  CHECK(parse_json("0.5").number() == 0.5);
  CHECK(parse_json("-1E+2").number() == -100);
  CHECK(parse_json("7").number() == 7);
  CHECK(parse_json("\"text\"").text() == "text");
  CHECK(parse_json("[]").array().empty());
  CHECK(parse_json("{ }").object().empty());
  CHECK(parse_json("[1,[2],{\"a\":3}]") == Json(Json::Array{1, Json::Array{2}, Json::Object{{"a", 3}}}));
  const Json object = parse_json("{\"b\": 1, \"a\": {\"b\": null}}");
  CHECK(object.object()[0].first == "b");
  CHECK(object.at("a").at("b").is_null());
  CHECK(object.find("c") == nullptr);
}

TEST_CASE("integers are exact and fractions the nearest double", "[io]") {
  CHECK(parse_json("9223372036854775807").integer() == std::numeric_limits<std::int64_t>::max());
  CHECK(parse_json("-9223372036854775808").integer() == least);
  CHECK(parse_json("9007199254740993").integer() == 9007199254740993);
  CHECK(parse_json("0.1").number() == 0.1);
  CHECK(parse_json("1.7976931348623157e308").number() == std::numeric_limits<double>::max());
  CHECK(refusal("[9223372036854775808]") ==
        "[json] the text: byte 1 begins the number 9223372036854775808, which an i64 cannot hold. Write it "
        "as text?");
  CHECK(refusal("1e309") ==
        "[json] the text: byte 0 begins the number 1e309, which a double cannot hold. Write it as text?");
}

TEST_CASE("escapes stand for what RFC 8259 says", "[io]") {
  CHECK(parse_json(R"("\"\\\/\b\f\n\r\t")").text() == "\"\\/\b\f\n\r\t");
  CHECK(parse_json(R"("\u0041\u00e9\u20AC\ud83d\ude00")").text() == "Aé€😀");
  CHECK(parse_json(R"("\u0000")").text() == std::string(1, '\0'));
  CHECK(refusal(R"("\ud83d")") ==
        "[json] the text: byte 7 ends half of a pair \\ud8xx\\udcxx. Write both halves?");
  CHECK(refusal(R"("\ud83d\u0041")").find("half of a pair") != std::string::npos);
  CHECK(refusal(R"("\ude00\ud83d")").find("half of a pair") != std::string::npos);
  CHECK(refusal(R"("\x")") ==
        "[json] the text: byte 2 is 'x', where one of \"\\bfnrt/u should be. Is it JSON?");
  CHECK(refusal(R"("\u12g4")") ==
        "[json] the text: byte 5 is 'g', where a hexadecimal digit should be. Is it JSON?");
}

TEST_CASE("text that is not JSON is refused with the byte", "[io][error]") {
  const auto at = [](std::size_t byte, const std::string& found, const std::string& wanted) {
    return "[json] the text: byte " + std::to_string(byte) + " is " + found + ", where " + wanted +
           (found == "the end" ? " should be. Was it cut short?" : " should be. Is it JSON?");
  };
  CHECK(refusal("") == at(0, "the end", "a value"));
  CHECK(refusal("  ") == at(2, "the end", "a value"));
  CHECK(refusal("nul") == at(3, "the end", "'l' of null"));
  CHECK(refusal("True") == at(0, "'T'", "a value"));
  CHECK(refusal("NaN") == at(0, "'N'", "a value"));
  CHECK(refusal("'a'") == at(0, "'''", "a value"));
  CHECK(refusal("[1,]") == at(3, "']'", "a value"));
  CHECK(refusal("[1 2]") == at(3, "'2'", "',' or ']'"));
  CHECK(refusal("{\"a\" 1}") == at(5, "'1'", "':'"));
  CHECK(refusal("{a:1}") == at(1, "'a'", "a key in quotes"));
  CHECK(refusal("{\"a\":1,}") == at(7, "'}'", "a key in quotes"));
  CHECK(refusal("{\"a\":1") == at(6, "the end", "',' or '}'"));
  CHECK(refusal("\"a") == at(2, "the end", "a character or '\"'"));
  CHECK(refusal("\"a\n\"") == at(2, "of value 10", "a character or '\"'"));
  for (const char* number : {"01", "1 2", "0x1", "1,"})
    CHECK(refusal(number).find(" comes after the end. Remove the rest?") != std::string::npos);
  for (const char* number : {"-", "-a", "1.", "1.e3", "1e", "1e+", "-.5"})
    CHECK(refusal(number).find("where a digit should be") != std::string::npos);
  for (const char* number : {"+1", ".5", "Infinity", "// one\n1"})
    CHECK(refusal(number).find("where a value should be") != std::string::npos);
  CHECK(message_of([] { parse_json("[1] ]", "config.json"); }) ==
        "[json] config.json: byte 4 comes after the end. Remove the rest?");
  CHECK(refusal(std::string("1\0", 2)) == "[json] the text: byte 1 comes after the end. Remove the rest?");
}

TEST_CASE("a key that comes twice is refused, in one object only", "[io][error]") {
  CHECK(refusal("{\"a\":1, \"\\u0061\":2}") ==
        "[json] the text: byte 8 begins the key \"a\" for the second time. Keep one of them?");
  CHECK_NOTHROW(parse_json("{\"a\":{\"a\":1},\"b\":{\"a\":1}}"));
}

TEST_CASE("64 layers of values are read, 65 are refused", "[io][error]") {
  const auto nested = [](std::size_t layers) { return std::string(layers, '[') + std::string(layers, ']'); };
  CHECK_NOTHROW(parse_json(nested(64)));
  CHECK(refusal(nested(65)) ==
        "[json] the text: byte 64 opens more than 64 layers of values. Make it flatter?");
  CHECK(refusal(std::string(1000000, '[')).find("64 layers") != std::string::npos);
}

TEST_CASE("what is UTF-8 is told from what is not", "[io]") {
  // Unicode 15.0, table 3-7: the first and last of each row, and what lies just outside.
  for (const std::string text :
       {"", "a", "\x7f", "\xc2\x80", "\xdf\xbf", "\xe0\xa0\x80", "\xed\x9f\xbf", "\xee\x80\x80",
        "\xef\xbf\xbf", "\xf0\x90\x80\x80", "\xf4\x8f\xbf\xbf", "\xf3\xbf\xbf\xbf"})
    CHECK(valid_utf8_prefix("é" + text + "b") == text.size() + 3);
  for (const std::string text :
       {"\x80", "\xbf", "\xc0\x80", "\xc1\xbf", "\xc2", "\xc2\x7f", "\xc2\xc0", "\xe0\x9f\xbf",
        "\xed\xa0\x80", "\xe1\x80", "\xe1\x80\x7f", "\xf0\x8f\xbf\xbf", "\xf4\x90\x80\x80",
        "\xf5\x80\x80\x80", "\xf1\x80\x80", "\xf1\x80\x80\xc0", "\xff"}) {
    CHECK(valid_utf8_prefix("é" + text) == 2);
    CHECK(refusal("\"é" + text + "\"") == "[json] the text: byte 3 is not UTF-8. Save the text as that?");
  }
}

TEST_CASE("JSON is written in one way", "[io]") {
  const Json value = Json::Object{{"z", 1},
                                  {"a", Json::Array{true, false, Json(), -0.5, "é\"\\\n\x01/"}},
                                  {"none", Json::Object{}},
                                  {"empty", Json::Array{}}};
  CHECK(format_json(value) ==
        "{\"z\":1,\"a\":[true,false,null,-0.5,\"é\\\"\\\\\\n\\u0001/\"],\"none\":{},\"empty\":[]}");
  CHECK(format_json(least) == "-9223372036854775808");
  CHECK(format_json(0.1) == "0.1");
  CHECK(format_json(1.0) == "1.0");
  CHECK(format_json(-0.0) == "-0.0");
  CHECK(format_json(1e23) == "1e+23");
  CHECK(format_json(5e-324) == "5e-324");
}

TEST_CASE("what JSON has no words for is refused", "[io][error]") {
  CHECK(message_of([] { format_json(std::nan("")); }) ==
        "[json] nan is no number in JSON. Write it as text, or leave it out?");
  CHECK(message_of([] { format_json(Json::Array{-std::numeric_limits<double>::infinity()}); }) ==
        "[json] -inf is no number in JSON. Write it as text, or leave it out?");
  CHECK(message_of([] { format_json("a\xff"); }) ==
        "[json] a text is not UTF-8 from its byte 1 on. Convert it?");
}

TEST_CASE("fractions of any bits are written and read back to the bit", "[io]") {
  const Tensor bits = randint(least, std::numeric_limits<std::int64_t>::max(), {2000});
  int wrong = 0;
  for (const std::int64_t word : bits.to_vector<std::int64_t>()) {
    const auto fraction = std::bit_cast<double>(word);
    if (!std::isfinite(fraction)) continue;
    wrong += std::bit_cast<std::int64_t>(parse_json(format_json(fraction)).number()) != word;
    wrong += parse_json(format_json(word)).integer() != word;
  }
  CHECK(wrong == 0);
}

TEST_CASE("a value asked for as another kind says what it is", "[io][error]") {
  CHECK(message_of([] { Json(1.5).integer(); }) ==
        "[json] a value is a fraction, not an integer. Is it the right one?");
  CHECK(message_of([] { Json("a").number(); }) ==
        "[json] a value is text, not a number. Is it the right one?");
  CHECK(message_of([] { Json().object(); }) == "[json] a value is null, not an object. Is it the right one?");
  CHECK(message_of([] { Json(Json::Object{}).at("é"); }) ==
        "[json] an object has no \"é\". Is the name right?");
}
