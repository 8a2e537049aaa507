#include <gradus/data/tokenizer.h>

#include <gradus/core/check.h>
#include <gradus/data/bpe.h>

namespace gradus::data {

std::unique_ptr<Tokenizer> load_tokenizer(const std::filesystem::path& folder) {
  const auto has = [&](const char* file) { return std::filesystem::exists(folder / file); };
  if (has("vocab.json") && has("merges.txt")) return std::make_unique<Bpe>(load_bpe(folder));
  fail("tokenizer", folder.string(),
       " holds no tokenizer's files: vocab.json and merges.txt (byte-level BPE). Is it the right folder?");
}

}  // namespace gradus::data
