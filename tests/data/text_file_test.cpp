#include <gradus/data/text_file.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include <gradus/data/random.h>

#include "support/catch.h"
#include "support/temporary_folder.h"
#include "support/throws.h"

using namespace gradus;
using namespace gradus::data;
using gradus::test::message_of;
using gradus::test::TemporaryFolder;

namespace {

using Lines = std::vector<std::string>;

Lines lines_of(const std::string& text) {
  const TextFile file(text, "x.txt");
  Lines lines;
  for (std::int64_t i = 0; i < file.size(); ++i) lines.emplace_back(file[i]);
  return lines;
}

std::string refusal(const std::string& text) {
  return message_of([&] { TextFile(text, "x.txt"); });
}

TsvPairs pairs_of(std::string_view text) { return TsvPairs(TextFile(text, "x.tsv")); }
JsonLines json_of(std::string_view text) { return JsonLines(TextFile(text, "x.jsonl")); }

// The file that the system has mapped where this byte is, as /proc/self/maps tells it.
std::string file_mapped_at(const char* byte) {
  const auto address = reinterpret_cast<std::uintptr_t>(byte);
  std::ifstream maps("/proc/self/maps");
  for (std::string line; std::getline(maps, line);) {
    std::istringstream in(line);
    std::uintptr_t begin = 0, end = 0;
    char dash = 0;
    std::string mode, offset, device, inode, path;
    in >> std::hex >> begin >> dash >> end >> mode >> offset >> device >> inode >> path;
    if (begin <= address && address < end) return path;
  }
  return "";
}

}  // namespace

TEST_CASE("lines end in LF or CRLF, the last one in neither or either", "[data]") {
  CHECK(lines_of("one\ntwo\n") == Lines{"one", "two"});
  CHECK(lines_of("one\r\ntwo") == Lines{"one", "two"});
  CHECK(lines_of("one\n\n\r\ntwo\r") == Lines{"one", "", "", "two"});
  CHECK(lines_of("\n") == Lines{""});
  CHECK(lines_of("a\rb\r\r\n") == Lines{"a\rb\r"});  // only what ends the line goes
  CHECK(lines_of("\xef\xbb\xbf"
                 "é\n\xef\xbb\xbf") == Lines{"é", "\xef\xbb\xbf"});
  CHECK(lines_of(std::string("a\0b", 3)) == Lines{std::string("a\0b", 3)});
}

TEST_CASE("a text file that is not right is refused with the line", "[data][error]") {
  CHECK(refusal("") == "[text_file] x.txt is empty. Is it the right one?");
  CHECK(refusal("\xef\xbb\xbf") == "[text_file] x.txt is empty. Is it the right one?");
  CHECK(refusal("one\ncaf\xe9\n") ==
        "[text_file] x.txt line 2 is not UTF-8 from its byte 4 on. Save the file as UTF-8?");
  CHECK(refusal("one\n\nab\xc3") ==
        "[text_file] x.txt line 3 is not UTF-8 from its byte 3 on. Save the file as UTF-8?");
  CHECK(refusal("\xff\xfe"
                "a")
            .find("x.txt line 1 is not UTF-8 from its byte 1 on") != std::string::npos);
  const TextFile file("one", "x.txt");
  CHECK(message_of([&] { file[1]; }) == "[text_file] x.txt has no line 1: they go from 0 to 0");
  CHECK(message_of([&] { file[-1]; }).find("has no line -1") != std::string::npos);
  const TemporaryFolder folder;
  const std::string none = folder / "none";
  CHECK(message_of([&] { TextFile{none}; }) ==
        "[load] cannot read " + none + ": No such file or directory. Is the path right?");
  std::ofstream(folder / "empty").close();
  CHECK(message_of([&] { TextFile(folder / "empty"); }).find("empty is empty") != std::string::npos);
}

TEST_CASE("documents are what stands between empty lines", "[data]") {
  const auto found = [](std::string_view text) { return documents(TextFile(text, "x.txt")); };
  using Ranges = std::vector<LineRange>;
  CHECK(found("a\nb\n\nc\n") == Ranges{{0, 2}, {3, 4}});
  CHECK(found("\n\na\n \t\r\n\nb") == Ranges{{2, 3}, {5, 6}});
  CHECK(found("a") == Ranges{{0, 1}});
  CHECK(message_of([&] { found("\n \n"); }) ==
        "[documents] x.txt line 1 and all others are empty. Is it the right file?");
}

TEST_CASE("pairs are two texts parted by a tab", "[data]") {
  const std::string text = "I am a student\tje suis étudiant\r\nTom \"x\\\t y ";
  const TsvPairs pairs = pairs_of(text);
  REQUIRE(pairs.size() == 2);
  CHECK(pairs[0] == TsvPairs::Pair{"I am a student", "je suis étudiant"});
  CHECK(pairs[1] == TsvPairs::Pair{"Tom \"x\\", " y "});
  const auto refused = [](const std::string& wrong) {
    return message_of([&] { pairs_of("a\tb\n" + wrong); });
  };
  CHECK(refused("a b\n") ==
        "[tsv] x.tsv line 2 has 1 column; a pair has two, parted by a tab. Is a line broken, or empty?");
  CHECK(refused("\n").find("x.tsv line 2 has 1 column;") != std::string::npos);
  CHECK(refused("a\tb\tc\n") ==
        "[tsv] x.tsv line 2 has 3 columns; a pair has two, parted by a tab. cut -f 1,2 ?");
  CHECK(refused("\tb") == "[tsv] x.tsv line 2: the first text is empty. Leave the line out?");
  CHECK(refused("a\t\r\n") == "[tsv] x.tsv line 2: the second text is empty. Leave the line out?");
}

TEST_CASE("JSON lines are objects, whose fields are asked for by name", "[data]") {
  const std::string text =
      "{\"text\": \"caf\\u00e9\", \"label\": 1, \"score\": 0.5}\r\n[1]\n{\"a\": }\n{}\n{\"text\": null}";
  const JsonLines lines = json_of(text);
  REQUIRE(lines.size() == 5);
  CHECK(lines[0].text("text") == "café");
  CHECK(lines[0].integer("label") == 1);
  CHECK(lines[0].number("label") == 1);
  CHECK(lines[0].number("score") == 0.5);
  CHECK(lines[4]["text"].is_null());
  CHECK(message_of([&] { lines[0].text("txt"); }) ==
        "[json_lines] x.jsonl line 1 has no field \"txt\"; it has \"text\", \"label\", \"score\". Is the "
        "name right?");
  CHECK(message_of([&] { lines[3].text("text"); }) ==
        "[json_lines] x.jsonl line 4 has no field \"text\"; it has none. Is the name right?");
  CHECK(message_of([&] { lines[1]; }) ==
        "[json_lines] x.jsonl line 2: [json] a value is an array, not an object. Is it the right one?");
  CHECK(message_of([&] { lines[2]; }) ==
        "[json] x.jsonl line 3: byte 6 is '}', where a value should be. Is it JSON?");
  CHECK(message_of([&] { lines[4].text("text"); }) ==
        "[json_lines] x.jsonl line 5, \"text\": [json] a value is null, not text. Is it the right one?");
  CHECK(message_of([&] { lines[0].integer("score"); }) ==
        "[json_lines] x.jsonl line 1, \"score\": [json] a value is a fraction, not an integer. Is it the "
        "right one?");
  CHECK(message_of([&] { json_of("{}\n\n{}")[1]; }).find("x.jsonl line 2: byte 0 is the end") !=
        std::string::npos);
}

TEST_CASE("of a hundred thousand lines each is found, and is the file itself", "[data]") {
  const TemporaryFolder folder;
  const std::string path = folder / "long.tsv";
  constexpr std::int64_t count = 100000;
  const auto first = [](std::int64_t i) { return std::to_string(i * 7919); };
  const auto second = [](std::int64_t i) { return std::string(static_cast<std::size_t>(i % 90 + 1), 'x'); };
  write_atomically(path, [&](const Sink& sink) {
    for (std::int64_t i = 0; i < count; ++i) sink(first(i) + "\t" + second(i) + (i % 3 ? "\n" : "\r\n"));
  });
  const TsvPairs pairs((TextFile(path)));
  REQUIRE(pairs.size() == count);
  bool right = true;
  for (std::int64_t i = 0; i < count; ++i) right = right && pairs[i] == TsvPairs::Pair{first(i), second(i)};
  CHECK(right);
  // Nothing of the file lies in memory of ours: views point to where the system has mapped it.
  const std::string on_disk = std::filesystem::canonical(path).string();
  CHECK(file_mapped_at(pairs[0].first.data()) == on_disk);
  CHECK(file_mapped_at(pairs[count - 1].second.data()) == on_disk);
}

TEST_CASE("a file that has moved to another owner is still mapped", "[data]") {
  const TemporaryFolder folder;
  const auto write = [&](const std::string& name, const std::string& text) {
    write_atomically(folder / name, [&](const Sink& sink) { sink(text); });
    return folder / name;
  };
  TextFile a(write("a", "one\ntwo"));
  TextFile b(write("b", "three"));
  TextFile moved(std::move(a));
  CHECK(moved[1] == "two");
  moved = std::move(b);
  REQUIRE(moved.size() == 1);
  CHECK(moved[0] == "three");
  CHECK(moved.where(0) == folder / "b" + " line 1");
}
