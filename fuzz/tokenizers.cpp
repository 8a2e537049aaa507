#include <filesystem>
#include <fstream>
#include <memory>

#include <unistd.h>

#include <gradus/core/io/file.h>
#include <gradus/data/tokenizer.h>

#include "round_trip.h"

using namespace gradus;

namespace {

using Loaded = std::shared_ptr<data::Tokenizer>;

// A first w is for words.json, anything else for characters.json; what follows is the file.
std::string file_of(std::string_view bytes) {
  return bytes.starts_with('w') ? "words.json" : "characters.json";
}

// Readers take folders, so each input becomes one.
std::filesystem::path folder() {
  return std::filesystem::temp_directory_path() / ("gradus-fuzz-" + std::to_string(getpid()));
}

Loaded parse(std::string_view bytes) {
  std::filesystem::remove_all(folder());
  std::filesystem::create_directories(folder());
  std::ofstream(folder() / file_of(bytes), std::ios::binary) << bytes.substr(bytes.empty() ? 0 : 1);
  Loaded tokenizer = data::load_tokenizer(folder());
  const std::int64_t last = tokenizer->vocabulary().size() - 1;
  tokenizer->decode(std::vector<std::int64_t>{0, last});
  try {
    tokenizer->encode(bytes);
  } catch (const Error&) {  // of what is no token
  }
  return tokenizer;
}

std::string format(const Loaded& tokenizer) {
  std::filesystem::remove_all(folder());
  tokenizer->save(folder());
  const bool is_words = std::filesystem::exists(folder() / "words.json");
  return (is_words ? "w" : "c") + read_file(folder() / (is_words ? "words.json" : "characters.json"));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  fuzz::round_trip(data, size, parse, format,
                   [](const Loaded& a, const Loaded& b) { return a->vocabulary() == b->vocabulary(); });
  std::filesystem::remove_all(folder());
  return 0;
}
