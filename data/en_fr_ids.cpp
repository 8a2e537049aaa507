#include <gradus/data/en_fr_ids.h>

#include <utility>

#include <gradus/data/text_map.h>

namespace gradus::data {
namespace {

// Words by numbers, in the order in which they first come.
class Numbering {
 public:
  Numbering() {
    for (const char* const token : {"[PAD]", "[BOS]", "[EOS]"}) id(token);
  }
  std::int64_t id(const std::string& word) {
    const auto [known, is_new] = ids_.emplace(word, std::ssize(words_));
    if (is_new) words_.push_back(word);
    return known->second;
  }
  Vocabulary vocabulary() && { return Vocabulary(std::move(words_)); }

 private:
  TextMap<std::int64_t> ids_;
  std::vector<std::string> words_;
};

}  // namespace

struct EnFrIds::Drawn {
  Numbering english, french;
  std::vector<IdsPair> pairs;

  explicit Drawn(std::int64_t count) {
    const EnFr corpus(0);
    for (std::int64_t i = 0; i < count; ++i) {
      const Pair pair = corpus.pair(EnFr::Split::training, i);
      IdsPair& both = pairs.emplace_back();
      for (const std::string& word : pair.english) both.source.push_back(english.id(word));
      for (const std::string& word : pair.french) both.target.push_back(french.id(word));
    }
  }
};

EnFrIds::EnFrIds(std::int64_t pairs) : EnFrIds(Drawn(pairs)) {}

EnFrIds::EnFrIds(Drawn drawn)
    : english(std::move(drawn.english).vocabulary()),
      french(std::move(drawn.french).vocabulary()),
      training(std::move(drawn.pairs)) {}

IdsPair EnFrIds::ids_of(const Pair& pair) const {
  IdsPair both;
  for (const std::string& word : pair.english) both.source.push_back(english.id(word));
  for (const std::string& word : pair.french) both.target.push_back(french.id(word));
  return both;
}

std::string EnFrIds::french_sentence(const Ids& sentence) const {
  std::vector<std::string> words;
  for (const std::int64_t id : sentence) words.push_back(french.token(id));
  return sentence_of(words);
}

}  // namespace gradus::data
