#include <gradus/data/split_words.h>

#include <array>
#include <string>
#include <vector>

#include <gradus/data/unicode.h>

namespace gradus::data {
namespace {

constexpr char32_t capital_sigma = U'Σ', small_sigma = U'σ', final_sigma = U'ς';

enum class Kind : unsigned char { letter, punctuation, space, other };

// Of bytes: ASCII's letters and digits, its other visible characters, its white space, and all that needs a
// closer look.
constexpr std::array<Kind, 256> kinds = [] {
  std::array<Kind, 256> kind{};
  for (std::size_t c = 0; c < 256; ++c) {
    const bool letter = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
    const bool space = c == ' ' || c == '\t' || c == '\n' || c == '\r';
    kind[c] = letter                ? Kind::letter
              : space               ? Kind::space
              : c > ' ' && c < 0x7f ? Kind::punctuation
                                    : Kind::other;
  }
  return kind;
}();
Kind kind_of(char c) { return kinds[static_cast<unsigned char>(c)]; }

bool is_mark_apart(char32_t c) { return c < 0x80 ? kinds[c] == Kind::punctuation : is_punctuation(c); }

bool is_chinese(char32_t c) {
  return (c >= 0x4e00 && c <= 0x9fff) || (c >= 0x3400 && c <= 0x4dbf) || (c >= 0xf900 && c <= 0xfaff) ||
         (c >= 0x20000 && c <= 0x2a6df) || (c >= 0x2a700 && c <= 0x2ceaf) || (c >= 0x2f800 && c <= 0x2fa1f);
}

// \t, \n and \r are asked for before. What a later Unicode will assign stays, whatever it may be.
bool is_taken_out(char32_t c) { return c == replacement_character || (is_other(c) && !is_unassigned(c)); }

// U+0085 and its like are taken out and part no words.
bool is_space(char32_t c) {
  return c < 0x80 ? kinds[c] == Kind::space : is_white_space(c) && !is_taken_out(c);
}

struct Character {
  char32_t value;
  Span origin;
};

class Splitter {
 public:
  Splitter(std::string_view text, const Splitting& splitting, const std::function<void(const Word&)>& use)
      : text_(text), splitting_(splitting), use_(use) {}

  // The text up to `end` as if it stood alone.
  void split(std::size_t at, std::size_t end) {
    end_ = end;
    while (at < end_) {
      if (kind_of(text_[at]) == Kind::space) {
        ++at;
        continue;
      }
      std::size_t plain = at;
      while (plain < end_ && kind_of(text_[plain]) <= Kind::punctuation) ++plain;
      const bool all = plain == end_ || kind_of(text_[plain]) == Kind::space;
      at = all ? split_plain(at, plain) : split_any(at);
    }
  }

 private:
  // ASCII between white space. Both return the byte behind what they have split.
  std::size_t split_plain(std::size_t at, std::size_t end) {
    for (; at < end; ++at) {
      char c = text_[at];
      const bool apart = kind_of(c) == Kind::punctuation;
      if (apart) end_word();
      if (splitting_.letters != Letters::kept && c >= 'A' && c <= 'Z') c = static_cast<char>(c | 0x20);
      add(std::string_view(&c, 1), origin(at, 1));
      if (apart) end_word();
    }
    end_word();
    return end;
  }

  // Anything up to white space.
  std::size_t split_any(std::size_t at) {
    while (at < end_) {
      const CodePoint c = code_point_at(text_, at);
      const Span origin = Splitter::origin(at, c.size);
      at += c.size;
      if (is_space(c.value)) break;
      if (is_taken_out(c.value)) continue;
      if (is_chinese(c.value)) end_run();
      run_.push_back({c.value, origin});
      if (is_chinese(c.value)) end_run();
    }
    end_run();
    return at;
  }

  void end_run() {
    if (splitting_.letters != Letters::kept) lower_run();
    if (splitting_.letters == Letters::lower_case_without_accents)
      add_run_without_accents();
    else
      for (const Character& c : run_) add(c.value, c.origin);
    run_.clear();
    end_word();
  }

  void lower_run() {
    for (std::size_t i = 0; i < run_.size(); ++i) {
      char32_t& c = run_[i].value;
      c = c != capital_sigma ? to_lower(c) : sigma_ends_word(i) ? final_sigma : small_sigma;
    }
  }

  bool sigma_ends_word(std::size_t at) const {
    std::size_t before = at, after = at + 1;
    while (before > 0 && is_case_ignorable(run_[before - 1].value)) --before;
    while (after < run_.size() && is_case_ignorable(run_[after].value)) ++after;
    return before > 0 && is_cased(run_[before - 1].value) &&
           (after == run_.size() || !is_cased(run_[after].value));
  }

  // Decomposition may reorder the marks behind a character, so that it goes with them, and what becomes of
  // them all has one origin.
  void add_run_without_accents() {
    std::string together;
    for (std::size_t i = 0, end = 0; i < run_.size(); i = end) {
      end = i + 1;
      while (end < run_.size() && is_mark(run_[end].value)) ++end;
      if (end == i + 1 && run_[i].value < 0x80) {
        add(run_[i].value, run_[i].origin);
        continue;
      }
      together.clear();
      for (std::size_t k = i; k < end; ++k) append_utf8(together, run_[k].value);
      for_each_code_point(decomposed(together), [&](char32_t c) {
        if (!is_nonspacing_mark(c)) add(c, {run_[i].origin.begin, run_[end - 1].origin.end});
      });
    }
  }

  void add(char32_t c, Span origin) {
    const bool apart = is_mark_apart(c);
    if (apart) end_word();
    encoded_.clear();
    append_utf8(encoded_, c);
    add(encoded_, origin);
    if (apart) end_word();
  }

  void add(std::string_view character, Span origin) {
    if (characters_ == 0) word_origin_.begin = origin.begin;
    word_origin_.end = origin.end;
    if (++characters_ > splitting_.longest) return;
    word_ += character;
    origins_.resize(word_.size(), origin);
  }

  void end_word() {
    if (characters_ == 0) return;
    use_({word_, origins_, word_origin_, characters_});
    word_.clear();
    origins_.clear();
    characters_ = 0;
  }

  static Span origin(std::size_t at, std::size_t size) {
    return {static_cast<std::int64_t>(at), static_cast<std::int64_t>(at + size)};
  }

  std::string_view text_;
  std::size_t end_ = 0;
  const Splitting& splitting_;
  const std::function<void(const Word&)>& use_;
  std::vector<Character> run_;  // what white space and Chinese characters part, cleaned
  std::string word_, encoded_;
  std::vector<Span> origins_;
  Span word_origin_{};
  std::int64_t characters_ = 0;
};

}  // namespace

void split_words(std::string_view text, const Splitting& splitting, const SpecialTokens& special,
                 const std::function<void(const Word&)>& use) {
  Splitter splitter(text, splitting, use);
  for (std::size_t at = 0; at < text.size();) {
    const SpecialTokens::Found found = special.find(text, at);
    splitter.split(at, found.begin);
    const Span origin{static_cast<std::int64_t>(found.begin), static_cast<std::int64_t>(found.end)};
    if (found.begin < found.end) use({{}, {}, origin, 1, found.id});
    at = found.end;
  }
}

bool is_word_of_its_own(char32_t c) { return is_mark_apart(c) || is_chinese(c); }

}  // namespace gradus::data
