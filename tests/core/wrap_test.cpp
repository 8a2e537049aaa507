#include <gradus/core/wrap.h>

#include "support/catch.h"

using namespace gradus;

TEST_CASE("text is broken at spaces, and lines that it has stay", "[wrap]") {
  CHECK(wrapped("a line that fits", 16) == "a line that fits");
  CHECK(wrapped("a line that fits", 15) == "a line that\nfits");
  CHECK(wrapped("two\n  lines of it", 9) == "two\n  lines\nof it");
  CHECK(wrapped("unbreakable", 4) == "unbreakable");
  CHECK(wrapped("an unbreakable word", 4) == "an\nunbreakable\nword");
  CHECK(wrapped("") == "");
}

TEST_CASE("columns are characters, and what is said of a label is indented", "[wrap]") {
  CHECK(wrapped("été là-bas où", 10) == "été là-bas\noù");
  const std::string text = "a text of more than eighty columns beside a label, which stands before it alone";
  CHECK(labelled("label", text, 8) ==
        "label   a text of more than eighty columns beside a label, which stands before\n        it alone");
  CHECK(
      labelled("long label", text, 8) ==
      "long label  a text of more than eighty columns beside a label, which stands\n        before it alone");
}

TEST_CASE("text in pieces is broken where the whole is", "[wrap]") {
  const std::string text = "once , mia saw a goat .\nit was  near the rock .";
  WordWrap wrap(10);
  std::string out;
  for (const char c : text) out += wrap({&c, 1});
  CHECK(out + wrap.rest() == wrapped(text, 10));
}

TEST_CASE("a word is told when it has ended", "[wrap]") {
  WordWrap wrap(10);
  CHECK(wrap("mi") == "");
  CHECK(wrap("a s") == "mia");
  CHECK(wrap("aw") == "");
  CHECK(wrap.rest() == " saw");
}
