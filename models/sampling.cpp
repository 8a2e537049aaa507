#include <gradus/models/sampling.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include <gradus/core/check.h>
#include <gradus/core/create.h>
#include <gradus/data/random.h>
#include <gradus/data/streams.h>

namespace gradus::models {
namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();

void check_sampling(const Sampling& s) {
  check(s.temperature >= 0 && std::isfinite(s.temperature), "sampling",
        "temperature is a number from 0 on, not ", s.temperature,
        ". 1 leaves the model's distribution, 0 takes the most likely token?");
  check(s.top_k >= 0, "sampling", "top_k is how many tokens may come, not ", s.top_k, ". 0 for all?");
  check(s.top_p > 0 && s.top_p <= 1, "sampling", "top_p is a probability above 0, at most 1, not ", s.top_p,
        ". 1 for all tokens, .temperature = 0 for the most likely one?");
  check(s.repetition_penalty > 0 && std::isfinite(s.repetition_penalty), "sampling",
        "repetition_penalty is a number above 0, not ", s.repetition_penalty, ". 1 for none?");
}

std::vector<double> numbers_of(const Tensor& logits) {
  check(logits.rank() == 1 && logits.numel() > 0 && is_floating(logits.dtype()), "sampling",
        "logits must be (V,), floating, not ", logits.shape(), " of ", logits.dtype(), ". Select one row?");
  std::vector<double> all = logits.detach().to(f64).to_vector<double>();
  bool some = false;
  for (const double x : all) {
    check(!std::isnan(x) && x < infinity, "sampling", "a logit is ", x,
          ": there is nothing to draw from. Did the training diverge?");
    some = some || x > -infinity;
  }
  check(some, "sampling", "all logits are -inf, so that no token may come. Masked too much?");
  return all;
}

// What the last id adds to the text of those before it.
std::string added_by_last(data::IdsView ids, const data::Tokenizer& tokenizer) {
  if (ids.size() == 1) return tokenizer.decode(ids);
  const data::IdsView pair = ids.last(2);
  return tokenizer.decode(pair).substr(tokenizer.decode(pair.first(1)).size());
}

// How many bytes at the end of a text may yet become a character of UTF-8.
std::size_t unfinished_character(std::string_view text) {
  for (std::size_t back = 1; back <= std::min<std::size_t>(3, text.size()); ++back) {
    const auto byte = static_cast<unsigned char>(text[text.size() - back]);
    if (byte >> 6 == 0b10) continue;
    const std::size_t size = byte >> 3 == 0b11110 ? 4 : byte >> 4 == 0b1110 ? 3 : byte >> 5 == 0b110 ? 2 : 1;
    return size > back ? back : 0;
  }
  return 0;
}

// What was written, up to a stop string.
class Text {
 public:
  Text(const std::vector<std::string>& stops, const std::function<void(std::string_view)>& on_text)
      : stops_(stops), on_text_(on_text) {}

  // False: a stop string is complete. Byte by byte, so that borders of tokens do not matter.
  bool add(std::string_view more) {
    for (const char byte : more) {
      text_ += byte;
      std::size_t longest = 0;
      for (const std::string& stop : stops_)
        if (text_.ends_with(stop)) longest = std::max(longest, stop.size());
      if (longest == 0) continue;
      text_.resize(text_.size() - longest);
      return false;
    }
    const std::size_t certain = text_.size() - begun_stop();
    tell(certain - unfinished_character(std::string_view(text_).substr(0, certain)));
    return true;
  }

  std::string finish() {
    tell(text_.size());
    return std::move(text_);
  }

 private:
  // How many bytes at the end could be the beginning of a stop string.
  std::size_t begun_stop() const {
    std::size_t most = 0;
    for (const std::string& stop : stops_)
      for (std::size_t n = std::min(stop.size() - 1, text_.size()); n > most; --n)
        if (text_.ends_with(std::string_view(stop).substr(0, n))) most = n;
    return most;
  }

  void tell(std::size_t end) {
    if (end <= told_) return;
    if (on_text_) on_text_(std::string_view(text_).substr(told_, end - told_));
    told_ = end;
  }

  const std::vector<std::string>& stops_;
  const std::function<void(std::string_view)>& on_text_;
  std::string text_;
  std::size_t told_ = 0;
};

}  // namespace

std::vector<double> distribution(const Tensor& logits, const Sampling& sampling, data::IdsView before) {
  check_sampling(sampling);
  std::vector<double> p = numbers_of(logits);

  std::vector<bool> written(p.size());
  for (const std::int64_t id : before) {
    check(id >= 0 && id < logits.numel(), "sampling", "token ", id, " was written before and is none of the ",
          logits.numel(), " that have a logit. Another tokenizer's?");
    written[static_cast<std::size_t>(id)] = true;
  }
  const double penalty = sampling.repetition_penalty;
  for (std::size_t i = 0; i < p.size(); ++i)
    if (written[i]) p[i] = p[i] > 0 ? p[i] / penalty : p[i] * penalty;

  // The most likely first; of equals, the smaller id.
  std::vector<std::size_t> order(p.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  const auto ahead = [&](std::size_t a, std::size_t b) { return p[a] != p[b] ? p[a] > p[b] : a < b; };
  std::size_t kept = p.size();
  if (sampling.temperature == 0)
    kept = 1;
  else if (sampling.top_k > 0)
    kept = std::min(kept, static_cast<std::size_t>(sampling.top_k));
  if (kept < p.size())
    std::nth_element(order.begin(), order.begin() + static_cast<std::ptrdiff_t>(kept), order.end(), ahead);
  std::sort(order.begin(), order.begin() + static_cast<std::ptrdiff_t>(kept), ahead);

  const double most = p[order[0]], temperature = sampling.temperature == 0 ? 1 : sampling.temperature;
  std::vector<double> bent(p.size());
  double total = 0;
  for (std::size_t n = 0; n < kept; ++n)
    total += bent[order[n]] = std::exp((p[order[n]] - most) / temperature);
  if (sampling.top_p < 1) {
    double mass = 0;
    for (std::size_t n = 0; n < kept; ++n) {
      if (mass >= sampling.top_p * total)
        bent[order[n]] = 0;
      else
        mass += bent[order[n]];
    }
    total = mass;
  }
  for (double& x : bent) x /= total;
  return bent;
}

Prompt read_prompt(const Writer& writer, const data::Tokenizer& tokenizer, std::string_view prompt,
                   LongPrompt long_prompt) {
  Prompt read{tokenizer.encode(prompt).ids};
  const std::int64_t size = std::ssize(read.ids), longest = writer.longest().value_or(size);
  if (size <= longest) return read;
  check(long_prompt == LongPrompt::cut, "generate", "the prompt has ", size,
        " tokens, and the model reads at most ", longest, ". A shorter one, or cut it to its last?");
  read.left_out = size - longest;
  read.ids.erase(read.ids.begin(), read.ids.begin() + read.left_out);
  return read;
}

std::string generate(Writer& writer, const data::Tokenizer& tokenizer, std::string_view prompt,
                     const GenerateOptions& options, const std::function<void(std::string_view)>& on_text) {
  check(options.tokens >= 0, "generate", "tokens is how many may be written, not ", options.tokens);
  check_sampling(options.sampling);
  for (const std::string& stop : options.stop)
    check(!stop.empty(), "generate", "a stop string is empty, and would stop at once. Leave it out?");
  data::Ids ids = read_prompt(writer, tokenizer, prompt, options.long_prompt).ids, unread = ids;
  if (ids.empty() && options.begin) unread = {*options.begin};
  check(!unread.empty(), "generate",
        "there is nothing to go on from: the prompt has no tokens. Give one, or "
        "in .begin the token that texts begin with?");

  const std::int64_t size = tokenizer.vocabulary().size();
  data::Random random(options.seed, {data::streams::sampling});
  Text text(options.stop, on_text);
  for (std::int64_t n = 0; n < options.tokens; ++n) {
    const Tensor logits = writer.next(from_vector(unread).unsqueeze(0));
    check(logits.shape() == Shape{1, size}, "generate", "the model gives logits of shape ", logits.shape(),
          " and the tokenizer has ", size, " tokens, so that (1, ", size,
          ") was expected. Does it belong to another model?");
    ids.push_back(static_cast<std::int64_t>(random.weighted(distribution(logits[0], options.sampling, ids))));
    unread = {ids.back()};
    if (!text.add(added_by_last(ids, tokenizer))) break;
  }
  return text.finish();
}

}  // namespace gradus::models
