#include <gradus/data/tokenizer.h>

#include <gradus/core/check.h>
#include <gradus/data/bpe.h>
#include <gradus/data/characters.h>
#include <gradus/data/en_fr_words.h>
#include <gradus/data/wordpiece.h>
#include <gradus/data/words.h>

namespace gradus::data {

std::unique_ptr<Tokenizer> load_tokenizer(const std::filesystem::path& folder) {
  const auto has = [&](const char* file) { return std::filesystem::exists(folder / file); };
  if (has("vocab.json") && has("merges.txt")) return std::make_unique<Bpe>(load_bpe(folder));
  if (has("vocab.txt")) return std::make_unique<WordPiece>(load_wordpiece(folder));
  if (has("words.json")) return std::make_unique<Words>(load_words(folder));
  if (has("characters.json")) return std::make_unique<Characters>(load_characters(folder));
  if (has("en_fr.json")) return std::make_unique<EnFrWords>(load_en_fr_words(folder));
  fail("tokenizer", folder.string(),
       " holds no tokenizer's files: vocab.json and merges.txt (byte-level BPE), vocab.txt (WordPiece), "
       "words.json, characters.json or en_fr.json. Is it the right folder?");
}

}  // namespace gradus::data
