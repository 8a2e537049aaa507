#include <gradus/data/stories/plot_reader.h>

#include <algorithm>
#include <string>

#include <gradus/core/check.h>

namespace gradus::data {
namespace detail {
namespace {

std::string_view trimmed(std::string_view text) {
  while (text.starts_with(' ')) text.remove_prefix(1);
  while (text.ends_with(' ')) text.remove_suffix(1);
  return text;
}

// The pieces between separators, without the spaces around them; empty ones are left out.
std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> pieces;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find(separator), text.size());
    const std::string_view piece = trimmed(text.substr(0, end));
    if (!piece.empty()) pieces.push_back(piece);
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return pieces;
}

std::vector<std::string> names_in(std::string_view text, char separator) {
  const std::vector<std::string_view> pieces = split(text, separator);
  return {pieces.begin(), pieces.end()};
}

// Calls f(line, its number from 1) for each line that is not empty.
template <class F>
void for_each_line(std::string_view text, const F& f) {
  for (std::size_t number = 1; !text.empty(); ++number) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (!trimmed(line).empty()) f(line, number);
  }
}

double weight_of(std::string_view number) {
  check(!number.empty() && number.find_first_not_of("0123456789") == std::string_view::npos &&
            number.size() < 7 && number[0] != '0',
        "grammar", "'", number, "' is no weight: those are whole numbers from 1 to 999999");
  return std::stod(std::string(number));
}

// "pan 3" is pan with weight 3.
std::pair<std::string_view, double> weighted(std::string_view text) {
  const auto [word, number] = cut(text, " ");
  return {word, number.empty() ? 1 : weight_of(number)};
}

std::size_t index_in(std::vector<std::string>& names, std::string_view name) {
  const int found = index_of(names, name);
  if (found >= 0) return static_cast<std::size_t>(found);
  names.emplace_back(name);
  return names.size() - 1;
}

Slot read_slot(std::string_view text, const std::vector<WordList>& lists, Plot& plot) {
  if (!text.starts_with('{')) return {Slot::plain, std::string(text), 0, 0, {}};
  check(text.ends_with('}'), "grammar", "'", text, "' has no closing brace. Is there a space in the slot?");
  const std::string_view inside = text.substr(1, text.size() - 2);
  const bool recalls = inside.starts_with('=');
  const auto [name, key] = cut(inside.substr(recalls ? 1 : 0), "!");
  const auto named = [name = name](const WordList& list) { return list.name == name; };
  const auto list = std::find_if(lists.begin(), lists.end(), named);
  check(list != lists.end(), "grammar", text, ": there is no list '", name, "'");
  Slot slot{recalls ? Slot::recall : Slot::choose,
            {},
            static_cast<std::size_t>(list - lists.begin()),
            static_cast<int>(index_in(plot.spellings, inside)),
            std::vector<bool>(list->keys.size())};
  if (!key.empty()) {
    const int which = index_of(list->keys, key);
    check(which >= 0 && !recalls, "grammar", text, ": list '", name, "' is not chosen by '", key, "'");
    slot.sets[static_cast<std::size_t>(which)] = true;
  }
  return slot;
}

// "scene 3, wish" as groups by weight, whose sentences may be read later.
std::size_t read_follow(std::string_view text, Plot& plot) {
  Follow follow;
  if (text != "end") {
    for (const std::string_view piece : split(text, ',')) {
      const auto [group, weight] = weighted(piece);
      check(group != "end", "grammar", "'", text, "': the end cannot be one of several");
      follow.emplace_back(index_in(plot.groups, group), weight);
    }
  }
  plot.follows.push_back(std::move(follow));
  return plot.follows.size() - 1;
}

bool ends_sentence(const Slot& slot) { return slot.word == "." || slot.word == "!" || slot.word == "?"; }

}  // namespace

std::pair<std::string_view, std::string_view> cut(std::string_view text, std::string_view separator) {
  const std::size_t end = text.find(separator);
  if (end == std::string_view::npos) return {trimmed(text), {}};
  return {trimmed(text.substr(0, end)), trimmed(text.substr(end + separator.size()))};
}

int index_of(const std::vector<std::string>& names, std::string_view name) {
  const auto found = std::find(names.begin(), names.end(), name);
  return found == names.end() ? -1 : static_cast<int>(found - names.begin());
}

Plot read_plot(std::string_view text, const std::vector<WordList>& lists) {
  Plot plot;
  plot.spellings.emplace_back();
  std::size_t group = 0, follow = 0;
  for_each_line(text, [&](std::string_view line, std::size_t number) {
    const auto [before, after] = cut(line, "->");
    if (!line.starts_with(' ')) {
      check(!after.empty(), "grammar", "line ", number, " of the plot: '", line,
            "' does not say what follows");
      group = index_in(plot.groups, before);
      follow = read_follow(after, plot);
      return;
    }
    check(!plot.groups.empty(), "grammar", "line ", number, " of the plot: a sentence of no group");
    const auto [weight, words] = cut(before, ":");
    Sentence sentence{weight_of(weight), {}, after.empty() ? follow : read_follow(after, plot)};
    for (const std::string_view word : split(words, ' '))
      sentence.slots.push_back(read_slot(word, lists, plot));
    check(std::count_if(sentence.slots.begin(), sentence.slots.end(), ends_sentence) == 1 &&
              ends_sentence(sentence.slots.back()),
          "grammar", "line ", number, " of the plot: a sentence ends with its only . or ! or ?");
    plot.sentences_of.resize(plot.groups.size());
    plot.sentences_of[group].push_back(plot.sentences.size());
    plot.sentences.push_back(std::move(sentence));
  });
  check(!plot.sentences.empty(), "grammar", "the plot has no sentence");
  plot.sentences_of.resize(plot.groups.size());
  for (std::size_t i = 0; i < plot.groups.size(); ++i) {
    check(!plot.sentences_of[i].empty(), "grammar", "group '", plot.groups[i], "' has no sentence");
  }
  return plot;
}

}  // namespace detail

std::vector<WordList> read_word_lists(std::string_view text) {
  using namespace detail;
  std::vector<WordList> lists;
  for_each_line(text, [&](std::string_view line, std::size_t number) {
    if (!line.starts_with(' ')) {
      const auto [name, keys] = cut(line, " by ");
      for (const WordList& list : lists) {
        check(list.name != name, "grammar", "line ", number, " of the words: a second list '", name, "'");
      }
      lists.push_back({std::string(name), names_in(keys, ','), {}});
      return;
    }
    check(!lists.empty(), "grammar", "line ", number, " of the words: words of no list");
    WordList& list = lists.back();
    const auto [key, words] = list.keys.empty() ? std::pair(std::string_view(), line) : cut(line, ":");
    const std::vector<std::string> keys = names_in(key, ' ');
    check(keys.size() == list.keys.size(), "grammar", "line ", number, " of the words: list '", list.name,
          "' has ", list.keys.size(), " keys, this line ", keys.size());
    for (const std::string_view piece : split(words, ',')) {
      const auto [spelled, weight] = weighted(piece);
      const auto [word, sense] = cut(spelled, "/");
      list.choices.push_back({std::string(word), std::string(sense), keys, weight});
    }
  });
  return lists;
}

}  // namespace gradus::data
