// What a language model is trained on: the stories, or a text file of the user's.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include <gradus/cli/family.h>
#include <gradus/data/lm_batches.h>
#include <gradus/data/stories.h>

namespace gradus::cli {

// The seeds of the stories that are learned from, and of those that are held out.
constexpr std::uint64_t training_stories = 0, held_out_stories = 1;

class TextCorpus {
 public:
  // `file_tokenizer`: what a file is cut into where nothing is said.
  explicit TextCorpus(std::string file_tokenizer) : file_tokenizer_(std::move(file_tokenizer)) {}

  void describe(Options& options);
  void check_settings(const Options& options) const;
  // The tokenizer is the one in `run`, if a run goes on, or made of the text. Refuses texts without room for
  // as many tokens as the flag asks for in either part.
  void read(const std::filesystem::path& run, const char* flag, std::int64_t block);

  const data::Tokenizer& tokenizer() const { return *tokenizer_; }
  const data::Ids& training() const { return training_; }
  // What no training sees: other stories, or the last tenth of a file's text, so far as it is evaluated.
  const data::Ids& held_out() const { return held_out_; }
  bool is_stories() const { return data_ == "stories"; }

 private:
  void read_file(const std::filesystem::path& run, const char* flag, std::int64_t block);

  std::string file_tokenizer_, data_ = "stories", kind_;
  std::int64_t vocabulary_ = 2000;
  std::unique_ptr<data::Tokenizer> tokenizer_;
  data::Ids training_, held_out_;
};

std::unique_ptr<data::Tokenizer> story_tokenizer(const data::Stories& world);
// The token that a text goes on from where nothing is given: one that ends lines, or sentences.
std::int64_t id_between_texts(const data::Tokenizer& tokenizer);

// Gives (B, T, V) logits for (B, T) ids, each row from no memory.
using LogitsOf = std::function<Tensor(const Tensor& ids)>;

// The mean loss over windows of `block` tokens, side by side, where each token of a window is to be followed.
// What does not fill a window at the end is left out.
double window_loss(const LogitsOf& logits_of, data::IdsView text, std::int64_t block);

// The loss of held-out windows; of stories how near it is to the best possible, and how often what must agree
// with words long before was right.
void add_text_results(Results& results, const TextCorpus& corpus, const LogitsOf& logits_of,
                      std::int64_t block);

}  // namespace gradus::cli
