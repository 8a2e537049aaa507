// How GPT writes: what is kept of tokens that were read changes no token that is written, whoever searches,
// and nothing is lost where the context is full but what the rule says.
#include <gradus/models/gpt.h>

#include <algorithm>
#include <set>

#include <gradus/autograd/grad_mode.h>
#include <gradus/autograd/ops/index.h>
#include <gradus/autograd/ops/join.h>
#include <gradus/core/create.h>
#include <gradus/data/characters.h>
#include <gradus/models/sampling.h>

#include "support/catch.h"
#include "support/throws.h"

using namespace gradus;
using namespace gradus::models;
using gradus::test::message_of;

namespace {

constexpr nn::Position positions[] = {nn::Position::none,       nn::Position::index,
                                      nn::Position::normalised, nn::Position::sinusoidal,
                                      nn::Position::learned,    nn::Position::rotary};

// In f64, and so far from even that each token is likely after some and unlikely after others.
Gpt wide(const GptConfig& config) {
  Gpt model(config);
  nn::normal_weights(model, 0.7);
  model.to(f64);
  return model;
}

GptConfig tiny(std::int64_t context = 24) {
  return {.vocabulary = 9, .context = context, .width = 8, .layers = 2, .heads = 2};
}

// Reads everything anew for each token.
class Uncached final : public Writer {
 public:
  explicit Uncached(const Gpt& model) : model_(model) {}
  Tensor next(const Tensor& ids) override {
    read_ = read_.defined() ? concat({read_, ids}, 1) : ids;
    const std::int64_t size = read_.size(1), context = model_.options.context;
    if (size > context) read_ = read_.slice(1, size - std::max(context / 2, ids.size(1)), size);
    return no_grad([&] { return model_(read_).select(1, -1); });
  }
  void keep_rows(const Tensor& rows) override {
    if (read_.defined()) read_ = index_select(read_, 0, rows);
  }

 private:
  const Gpt& model_;
  Tensor read_;
};

const Tensor prompts = tensor({{2, 5, 0, 3}, {1, 8, 4, 5}, {0, 3, 7, 2}}, i64);

}  // namespace

TEST_CASE("a writer of GPT gives the logits of the whole text, in pieces of any size and without the tape",
          "[model]") {
  const Tensor text = tensor({{2, 5, 0, 3, 1, 1}, {1, 8, 4, 5, 7, 0}}, i64);
  for (const nn::Position position : positions)
    for (const nn::NormPlace norm : {nn::NormPlace::pre, nn::NormPlace::post}) {
      INFO("position " << static_cast<int>(position));
      GptConfig config = tiny();
      config.position = position, config.norm = norm;
      const Gpt model = wide(config);
      const std::vector<std::vector<std::int64_t>> cuts = {{1, 2, 3, 4, 5, 6}, {6}, {4, 5, 6}, {1, 3, 6}};
      for (const auto& ends : cuts) {
        const std::unique_ptr<Writer> writer = model.writer();
        std::int64_t begin = 0;
        for (const std::int64_t end : ends) {
          const Tensor logits = writer->next(text.slice(1, begin, end));
          CHECK(allclose(logits, model(text.slice(1, 0, end)).detach().select(1, -1), 0, 1e-12));
          CHECK_FALSE(logits.requires_grad());
          begin = end;
        }
      }
    }
  CHECK(grad_mode());
}

TEST_CASE("a writer's rows fork and end, their past with them", "[model]") {
  const Gpt model = wide(tiny());
  const std::unique_ptr<Writer> writer = model.writer();
  writer->keep_rows(tensor({0, 0}, i64));  // of no tokens at all
  writer->next(tensor({{2, 7}, {5, 1}}, i64));
  writer->keep_rows(tensor({1, 0, 1}, i64));
  const Tensor forked = writer->next(tensor({{3}, {3}, {4}}, i64));
  writer->keep_rows(tensor({2}, i64));
  const Tensor last = writer->next(tensor({{1}}, i64));
  const auto after = [&](const std::vector<std::int64_t>& ids) {
    return model(from_vector(ids).unsqueeze(0)).detach()[0][-1];
  };
  CHECK(allclose(forked[0], after({5, 1, 3}), 0, 1e-12));
  CHECK(allclose(forked[1], after({2, 7, 3}), 0, 1e-12));
  CHECK(allclose(forked[2], after({5, 1, 4}), 0, 1e-12));
  CHECK(allclose(last[0], after({5, 1, 4, 1}), 0, 1e-12));
}

TEST_CASE("greedy and beam search write the same tokens with what was read kept and with all read anew",
          "[model]") {
  std::size_t lengths = 0;
  for (const std::int64_t context : {24, 10})  // the second is full before the end
    for (std::uint64_t seed = 0; seed < 5; ++seed) {
      manual_seed(seed);
      const Gpt model = wide(tiny(context));
      const auto primed = [&](std::unique_ptr<Writer> writer) {
        writer->next(prompts);
        return writer;
      };
      const DecodeOptions decode{.begin = 6, .end = 0, .max_length = 15};
      const auto kept = greedy(*primed(model.writer()), 3, decode);
      CHECK(kept == greedy(*primed(std::make_unique<Uncached>(model)), 3, decode));
      for (const data::Ids& ids : kept) lengths += ids.size();

      const BeamOptions beam{.decode = decode, .width = 3};
      const auto found = beam_search(*primed(model.writer()), 3, beam);
      const auto anew = beam_search(*primed(std::make_unique<Uncached>(model)), 3, beam);
      REQUIRE(found.size() == anew.size());
      for (std::size_t row = 0; row < found.size(); ++row) {
        REQUIRE(found[row].size() == anew[row].size());
        for (std::size_t k = 0; k < found[row].size(); ++k) {
          CHECK(found[row][k].ids == anew[row][k].ids);
          CHECK(found[row][k].score == Approx(anew[row][k].score).epsilon(1e-10));
        }
      }
    }
  CHECK(lengths > 100);
}

TEST_CASE("sampled text is the same with what was read kept and with all read anew", "[model]") {
  data::CharactersTrainer trainer({});
  trainer.add("abcdefghi");
  const data::Characters letters = trainer.train();
  const Gpt model = wide(tiny(10));
  std::set<std::string> texts;
  for (std::uint64_t seed = 0; seed < 5; ++seed) {
    Uncached uncached(model);
    const GenerateOptions options{.tokens = 40, .sampling = {.top_k = 4}, .seed = seed};
    const std::string text = generate(*model.writer(), letters, "badge", options);
    CHECK(text == generate(uncached, letters, "badge", options));
    CHECK(text.size() == 40);
    texts.insert(text);
  }
  CHECK(texts.size() == 5);
}

TEST_CASE("where GPT's context is full, the last half of one is read anew and stands at its beginning",
          "[model]") {
  for (const std::int64_t context : {8, 7, 2, 1}) {
    INFO("a context of " << context);
    const Gpt model = wide(tiny(context));
    const std::unique_ptr<Writer> writer = model.writer();
    std::vector<std::int64_t> window;
    std::size_t most = 0;
    for (std::int64_t n = 0; n < 30; ++n) {
      window.push_back((n * n + 3) % 9);
      if (std::ssize(window) > context)
        window.erase(window.begin(), window.end() - std::max<std::int64_t>(1, context / 2));
      most = std::max(most, window.size());
      const Tensor logits = writer->next(tensor({{window.back()}}, i64));
      CHECK(allclose(logits, model(from_vector(window).unsqueeze(0)).detach().select(1, -1), 0, 1e-12));
    }
    CHECK(most == static_cast<std::size_t>(context));
  }
  // What comes at once is read at once, though it is more than half.
  const Gpt model = wide(tiny(6));
  const std::unique_ptr<Writer> writer = model.writer();
  writer->next(tensor({{1, 2, 3}}, i64));
  const Tensor more = tensor({{4, 5, 6, 7, 8}}, i64);
  CHECK(allclose(writer->next(more), model(more).detach().select(1, -1), 0, 1e-12));
}

TEST_CASE("a prompt longer than the context is refused, or cut to its last tokens where that is asked",
          "[model][error]") {
  data::CharactersTrainer trainer({});
  trainer.add("abcdefghi");
  const data::Characters letters = trainer.train();
  const Gpt model = wide(tiny(5));
  const std::unique_ptr<Writer> writer = model.writer(), other = model.writer();
  CHECK(writer->longest() == 5);
  CHECK(message_of([&] { generate(*writer, letters, "abcdef", {}); }) ==
        "[generate] the prompt has 6 tokens, and the model reads at most 5. A shorter one, or cut it to its "
        "last?");
  CHECK(message_of([&] {
          writer->next(zeros({1, 6}, i64));
        }) == "[gpt] 6 tokens are more than the context of 5. Cut them to their last?");
  CHECK(message_of([&] {
          writer->next(zeros({1, 0}, i64));
        }) == "[gpt] ids must be (R, T), T from 1 on, not (1, 0). Unsqueeze an axis?");
  const Prompt whole = read_prompt(*writer, letters, "bcdef", LongPrompt::refuse);
  CHECK(whole.ids.size() == 5);
  CHECK(whole.left_out == 0);
  const Prompt cut = read_prompt(*writer, letters, "aabcdef", LongPrompt::cut);
  CHECK(cut.ids == whole.ids);
  CHECK(cut.left_out == 2);
  const GenerateOptions options{.tokens = 20, .seed = 3, .long_prompt = LongPrompt::cut};
  CHECK(generate(*writer, letters, "aabcdef", options) == generate(*other, letters, "bcdef", options));
}

TEST_CASE("a writer of GPT goes on after what it refused", "[model][error]") {
  const Gpt model = wide(tiny(4));
  const std::unique_ptr<Writer> writer = model.writer(), other = model.writer();
  CHECK(message_of([&] { writer->next(zeros({1}, i64)); }) ==
        "[gpt] ids must be (R, T), T from 1 on, not (1,). Unsqueeze an axis?");
  for (Writer* const each : {writer.get(), other.get()}) each->next(tensor({{1, 2}}, i64));
  CHECK(message_of([&] {
          writer->next(zeros({2, 1}, i64));
        }) == "[gpt] the writer has 1 rows, not 2. keep_rows before?");
  CHECK_THROWS_AS(writer->next(tensor({{9}}, i64)), Error);
  CHECK_THROWS_AS(writer->next(tensor({{0, 1, 9}}, i64)), Error);  // where the context is full
  CHECK_THROWS_AS(writer->keep_rows(tensor({1}, i64)), Error);
  CHECK(equal(writer->next(tensor({{3}}, i64)), other->next(tensor({{3}}, i64))));
}
